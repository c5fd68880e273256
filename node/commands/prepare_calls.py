"""Whether the contracts would take a call of the organisation's own wallet now: asked of the index
before anybody is asked to sign."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.accounts import balance_at
from indexer.queries.agreements import AgreementRow, find_agreement
from indexer.queries.leavings import leavings_of
from indexer.queries.participants import ParticipantRow, find_organisation_of, find_participant
from node.contracts import Deployment
from node.db import query
from node.problems import not_found, refused
from node.wallet_calls import (
    WalletCall,
    bind_call,
    claim_call,
    delegate_call,
    deposit_calls,
    leave_call,
    request_leaving_call,
    retire_call,
)
from protocol.agreement import AgreementState, state_at
from protocol.errors import (
    AccountRetired,
    AccountTaken,
    AccountUnknown,
    AgreementNotActive,
    AmountTooLarge,
    AmountZero,
    ConsumerNotParty,
    ExpiryPassed,
    LeavingNotDue,
    NotAdmitted,
    PossessionNotProven,
    ScopesInvalid,
    SettlementNotAuthorised,
)
from protocol.postings import LedgerAccount, balance_of, deposit_of
from protocol.signatures import is_signed_by
from protocol.signing import account_binding_digest
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    OrganisationId,
    Scope,
    UnixSeconds,
    to_hex,
)

DELEGABLE = Scope.AGREE | Scope.ANCHOR
"""What an operator may be given (`Scopes.DELEGABLE`)."""
ALL_SCOPES = Scope(sum(Scope))


async def prepare_deposit(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    amount_minor: AmountMinor,
    now: int,
) -> Sequence[WalletCall]:
    """The calls that deposit under an agreement. Raises the contract's error, naming the field."""
    if amount_minor == 0:
        raise refused(AmountZero(), "amount")
    agreement = await require_agreement(connection, agreement_id)
    if organisation not in agreement.terms.parties:
        raise refused(ConsumerNotParty(agreement_id=agreement_id, organisation=organisation))
    is_over = now >= agreement.terms.valid_until
    if is_over or state_at(agreement.facts, UnixSeconds(now)) is not AgreementState.ACTIVE:
        raise refused(AgreementNotActive(agreement_id=agreement_id))
    return deposit_calls(deployment, agreement_id, organisation, amount_minor)


async def prepare_claim(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    to: AccountAddress,
    amount_minor: AmountMinor,
    block_number: int,
) -> WalletCall:
    """The call that claims to one of the organisation's accounts. Raises the contract's error,
    naming the field."""
    if amount_minor == 0:
        raise refused(AmountZero(), "amount")
    participant = await require_participant(connection, organisation)
    if to not in {each.account for each in participant.accounts}:
        raise refused(SettlementNotAuthorised(account=to, organisation=organisation), "to")
    await _require_held(connection, balance_of(organisation), amount_minor, block_number)
    return claim_call(deployment, organisation, to, amount_minor)


async def prepare_leaving(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    amount_minor: AmountMinor,
    block_number: int,
) -> WalletCall:
    """The call that asks for a deposit back. Raises the contract's error, naming the field. The
    contract takes a request for more than there is, and pays what is left: that promises money
    which nobody has, so it is refused here."""
    if amount_minor == 0:
        raise refused(AmountZero(), "amount")
    await require_agreement(connection, agreement_id)
    deposit = deposit_of(agreement_id, organisation)
    await _require_held(connection, deposit, amount_minor, block_number)
    return request_leaving_call(deployment, agreement_id, organisation, amount_minor)


async def prepare_leave(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    to: AccountAddress,
    now: int,
) -> WalletCall:
    """The call that pays what was asked for to one of the organisation's accounts. Raises the
    contract's error, naming the field."""
    participant = await require_participant(connection, organisation)
    if to not in {each.account for each in participant.accounts}:
        raise refused(SettlementNotAuthorised(account=to, organisation=organisation), "to")
    asked = (await query(connection, leavings_of, organisation, [agreement_id])).get(agreement_id)
    if asked is None or now < asked.executable_at:
        executable_at = UnixSeconds(0) if asked is None else asked.executable_at
        raise refused(LeavingNotDue(executable_at=executable_at, block_time=UnixSeconds(now)))
    return leave_call(deployment, agreement_id, organisation, to)


async def prepare_delegation(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    operator: OrganisationId,
    scopes: Scope,
    expires_at: int,
    now: int,
) -> WalletCall:
    """The call that lets an operator act, or without a scope no more. Raises the contract's error,
    naming the field."""
    if await query(connection, find_participant, operator) is None:
        raise refused(NotAdmitted(organisation=operator), "operator")
    if scopes & ~DELEGABLE:
        raise refused(ScopesInvalid(scopes=int(scopes), allowed=int(DELEGABLE)), "scopes")
    if scopes and expires_at <= now:
        passed = ExpiryPassed(expires_at=UnixSeconds(expires_at), block_time=UnixSeconds(now))
        raise refused(passed, "expiresAt")
    return delegate_call(deployment, organisation, operator, scopes, expires_at)


async def require_free(
    connection: AsyncConnection, account: AccountAddress, scopes: Scope, expires_at: int, now: int
) -> None:
    """Raises the contract's error, naming the field, for an account that cannot be bound so."""
    if not scopes or scopes & ~ALL_SCOPES:
        raise refused(ScopesInvalid(scopes=int(scopes), allowed=int(ALL_SCOPES)), "scopes")
    if expires_at <= now:
        passed = ExpiryPassed(expires_at=UnixSeconds(expires_at), block_time=UnixSeconds(now))
        raise refused(passed, "expiresAt")
    holder = await query(connection, find_organisation_of, account)
    if holder is not None:
        raise refused(AccountTaken(account=account, organisation=holder), "account")


async def prepare_binding(
    connection: AsyncConnection,
    deployment: Deployment,
    organisation: OrganisationId,
    account: AccountAddress,
    scopes: Scope,
    expires_at: int,
    signature: bytes,
    now: int,
) -> WalletCall:
    """The call that binds an account to the organisation for ever. Raises the contract's error,
    naming the field. The signature of an account that is a contract itself (ERC-1271) is not taken
    here."""
    await require_free(connection, account, scopes, expires_at, now)
    registry = deployment.address_bytes("ParticipantRegistry")
    digest = account_binding_digest(organisation, account, deployment.chain_id, registry)
    if not is_signed_by(account, digest, signature):
        raise refused(PossessionNotProven(account=account), "signature")
    return bind_call(deployment, organisation, account, scopes, expires_at, signature)


def prepare_retirement(
    deployment: Deployment, participant: ParticipantRow, account: AccountAddress
) -> WalletCall:
    """The call that takes an account of the organisation out of service. Raises the contract's
    error, naming the field."""
    found = [each for each in participant.accounts if each.account == account]
    if not found:
        raise refused(AccountUnknown(account=account), "account")
    if found[0].retired_at is not None:
        retired_at = UnixSeconds(found[0].retired_at)
        raise refused(AccountRetired(account=account, retired_at=retired_at), "account")
    return retire_call(deployment, account)


async def require_agreement(connection: AsyncConnection, agreement_id: AgreementId) -> AgreementRow:
    """The agreement as the chain has it; raises a problem for one that nobody proposed."""
    agreement = await query(connection, find_agreement, agreement_id)
    if agreement is None:
        raise not_found("agreement", to_hex(agreement_id), "Name a concluded agreement.")
    return agreement


async def require_participant(
    connection: AsyncConnection, organisation: OrganisationId
) -> ParticipantRow:
    """The organisation as the chain has it; raises a problem for one that was never admitted."""
    participant = await query(connection, find_participant, organisation)
    if participant is None:
        raise refused(NotAdmitted(organisation=organisation))
    return participant


async def _require_held(
    connection: AsyncConnection,
    account: LedgerAccount,
    amount_minor: AmountMinor,
    block_number: int,
) -> None:
    held = await query(connection, balance_at, account, block_number)
    if amount_minor > held.balance_minor:
        too_large = AmountTooLarge(amount=amount_minor, available=held.balance_minor)
        raise refused(too_large, "amount")


def accounts_with(participant: ParticipantRow, scope: Scope, now: int) -> list[AccountAddress]:
    """Accounts of the organisation that are in service and have a scope."""
    return [
        each.account
        for each in participant.accounts
        if scope in each.scopes and each.retired_at is None and now < each.expires_at
    ]
