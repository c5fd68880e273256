"""Random histories that the rules allow, as transactions for a scripted chain.

They tell every event of the contracts; `test_fold` sees that none is forgotten.
"""

from __future__ import annotations

import random
from dataclasses import replace

from protocol.agreement import AgreementState
from protocol.entries import Entry, leaf_of
from protocol.events import (
    AccountBound,
    AccountRetired,
    AgreementActivated,
    AgreementProposed,
    AgreementResumed,
    AgreementSigned,
    AgreementSuspended,
    AgreementTerminated,
    Approval,
    AuthorityUpdated,
    ConsentEnded,
    Event,
    Granted,
    GuardianAppointed,
    LeavesAnchored,
    LeavingRequested,
    OperatorDelegated,
    Origin,
    ParticipantAdmitted,
    ParticipantClassified,
    ParticipantDescribed,
    ParticipantReinstated,
    ParticipantSuspended,
    RateSet,
    RecoveryAnnounced,
    RecoveryCancelled,
    StopEnded,
    Stopped,
    Transfer,
    VoucherSkipped,
    WithdrawalRefused,
)
from protocol.identifiers import organisation_id
from protocol.ledger import deposit, settled_units, treasury
from protocol.lifecycle import Lifecycle
from protocol.merkle import root_of
from protocol.signing import agreement_id_of
from protocol.timelock_events import (
    CallExecuted,
    CallSalt,
    CallScheduled,
    Cancelled,
    MinDelayChange,
    RoleAdminChanged,
    RoleGranted,
    RoleRevoked,
)
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    HolderAddress,
    Leaf,
    OrganisationId,
    RateBps,
    Units,
    UnixSeconds,
)
from tests.indexer.scripted_chain import ScriptedChain
from tests.protocol.ledger_story import (
    AGREEMENT,
    BEGIN,
    CONSUMER_ACCOUNT,
    CONSUMER_HOLDING,
    DEPLOYMENT,
    EMPLOYER,
    PAYEE_ACCOUNT,
    PERIOD,
    REFERENCE,
    SCHOOL,
    TERMS,
    TREASURY,
    Story,
)

ENTRIES = tuple(
    Entry(
        agreement_id=AGREEMENT if number % 5 else AgreementId(b"\x5e" * 32),
        issuer=EMPLOYER if number % 3 == 0 else SCHOOL,
        holder=HolderAddress(bytes([0x80 + number]) * 20),
        valid_from=UnixSeconds(BEGIN + number * 40_000),
        valid_until=UnixSeconds(BEGIN + number * 400_000 + 500_000),
        commitment=b"\x02" + bytes([number]) * 32,
    )
    for number in range(10)
)
"""Consents of which a history may anchor and end the leaves."""
LEAVES = {leaf_of(entry): entry for entry in ENTRIES}
NOBODYS = AgreementId(bytes(32))

PROPOSED = 0.15
"""How often something about a proposal comes beside another act."""
MONEY_ACTS = (
    *("issue", "deposit", "settle", "settle", "settle"),
    *("claim", "pay_out_commission", "leave", "redeem"),
    *("skip", "grant", "request_leaving", "send_by_mistake"),
)


def tell(seed: int, acts: int) -> list[list[Event]]:
    """Transactions in their order: two organisations, an agreement, then acts of all kinds."""
    draw = random.Random(seed)
    story = Story().begin()
    kinds = (_act_with_money, _act_with_consents, _act_with_agreements, _act_with_participants)
    aside = random.Random(f"proposals of {seed}")
    for _ in range(acts):
        [act] = draw.choices(kinds, (5, 3, 3, 3))
        act(story, draw)
        if aside.random() < PROPOSED:
            _act_with_proposals(story, aside)
    return transactions_of(story.events)


def transactions_of(events: list[tuple[Event, Origin]]) -> list[list[Event]]:
    """The events of a story, one list a transaction."""
    transactions: list[list[Event]] = []
    for event, origin in events:
        if origin.log_index == 0:
            transactions.append([])
        transactions[-1].append(event)
    return transactions


def mine_history(chain: ScriptedChain, seed: int, acts: int = 40) -> None:
    """Mines a history, several transactions in some blocks and none in others."""
    mine_all(chain, tell(seed, acts), seed)


def mine_all(chain: ScriptedChain, transactions: list[list[Event]], seed: int) -> None:
    """Some blocks have the time of the one before."""
    draw, left = random.Random(seed), list(transactions)
    seconds = 10_000  # the blocks are never earlier than what the story says of its own time
    while left:
        count = draw.choice((0, 1, 1, 2, 3))
        chain.mine(*left[:count], seconds=seconds)
        del left[:count]
        seconds = draw.choice((0, 1, draw.randint(2, 90_000), draw.randint(2, 90_000)))


def _act_with_money(story: Story, draw: random.Random) -> None:
    held = story.state.money.get(CONSUMER_HOLDING, 0)
    name = draw.choice(MONEY_ACTS)
    if not deposit(story.state, AGREEMENT, EMPLOYER):  # without which little else can happen
        name = draw.choice(("deposit", name)) if held else "issue"
    match name:
        case "pay_out_commission":
            story.pay_out_commission()
        case "issue":
            story.issue(draw.randint(50_000, 500_000))
        case "deposit" | "send_by_mistake":
            if held:
                getattr(story, name)(draw.randint(1, held))
        case "settle":
            story.settle(draw.randint(1, 60))
        case "skip":
            settled = settled_units(story.state, AGREEMENT, EMPLOYER, PERIOD)
            up_to = Units(draw.randint(0, settled))
            story.tell(VoucherSkipped(AGREEMENT, EMPLOYER, PERIOD, up_to, settled))
        case "grant":
            amount = AmountMinor(draw.randint(0, treasury(story.state)))
            payment = Transfer(TREASURY, PAYEE_ACCOUNT, amount)
            story.tell(payment, Granted(PAYEE_ACCOUNT, amount, REFERENCE))
        case "request_leaving":
            amount = AmountMinor(draw.randint(1, 5_000))
            story.tell(LeavingRequested(AGREEMENT, EMPLOYER, amount, story.time))
        case _:
            getattr(story, name)(draw.randint(1, 5_000))


def _act_with_consents(story: Story, draw: random.Random) -> None:
    known = [leaf for _, leaf in story.state.leaves]
    leaf = draw.choice([*LEAVES, *known])
    match draw.randint(0, 5):
        case 0 | 1 | 2:
            own = [Leaf(draw.randbytes(32)) for _ in range(draw.choice((1, 2, 8, 13)))]
            leaves = [*own, *draw.sample(sorted(LEAVES), draw.randint(0, 3))]
            draw.shuffle(leaves)
            issuer = draw.choice((SCHOOL, SCHOOL, EMPLOYER))
            story.tell(anchored(tuple(leaves), story.state.log_size, issuer))
        case 3 | 4:
            holder = LEAVES[leaf].holder if leaf in LEAVES else draw.randbytes(20)
            who = draw.choice((holder, SCHOOL, EMPLOYER, DEPLOYMENT.consent_registry))
            if (who, leaf) not in story.state.endings:
                story.tell(ConsentEnded(who, leaf))
        case 5:
            story.tell(WithdrawalRefused(draw.randbytes(20), leaf))


def _act_with_agreements(story: Story, draw: random.Random) -> None:
    if draw.random() < 0.2:
        _set_rate(story, draw)
        return
    if draw.random() < 0.2:
        _propose(story, draw)
        return
    agreement = draw.choice([*story.state.agreements.values()]).lifecycle
    agreement_id, parties = agreement.agreement_id, agreement.parties
    unsigned = [party for party in parties if party not in agreement.signed_by]
    idle = [party for party in parties if party not in agreement.suspended_by]
    if agreement.state is AgreementState.TERMINATED:
        return
    if draw.random() < 0.06:
        story.tell(AgreementTerminated(agreement_id, draw.choice(parties), hash_of(draw)))
    elif agreement.state is AgreementState.PROPOSED:
        _sign(story, draw, agreement, unsigned)
    elif agreement.suspended_by and (not idle or draw.random() < 0.5):
        story.tell(AgreementResumed(agreement_id, draw.choice(sorted(agreement.suspended_by))))
    else:
        story.tell(AgreementSuspended(agreement_id, draw.choice(idle), hash_of(draw)))


def _sign(
    story: Story, draw: random.Random, agreement: Lifecycle, unsigned: list[OrganisationId]
) -> None:
    account = AccountAddress(draw.randbytes(20))
    signed = AgreementSigned(agreement.agreement_id, draw.choice(unsigned), account)
    activated = [AgreementActivated(agreement.agreement_id)] if len(unsigned) == 1 else []
    story.tell(signed, *activated)


def _propose(story: Story, draw: random.Random) -> None:
    members = sorted(story.state.participants)
    parties = sorted(draw.sample(members, draw.randint(2, min(4, len(members)))))
    terms = replace(
        TERMS,
        parties=tuple(parties),
        parent=draw.choice((NOBODYS, *story.state.agreements)),
        salt=hash_of(draw),
        lines=tuple(replace(line, payee=draw.choice(parties)) for line in TERMS.lines),
    )
    agreement_id = agreement_id_of(terms, DEPLOYMENT.chain_id, DEPLOYMENT.agreement_registry)
    story.tell(AgreementProposed(agreement_id, terms.parent, terms))


def _set_rate(story: Story, draw: random.Random) -> None:
    """From a later period on, or instead of the last one that was set; never for what settlements
    of the story count with."""
    category = Category(draw.randint(1, 4))
    known = story.state.rates.get(category, ((PERIOD, RateBps(0)),))
    period = known[-1][0] + draw.choice((0, 0, 1, 2))
    if category > 2 or period > PERIOD:
        story.tell(RateSet(category, period, RateBps(draw.randint(0, 1_000))))


def _act_with_participants(story: Story, draw: random.Random) -> None:
    state, never = story.state, UnixSeconds(2**40 - 1)
    organisation = draw.choice([*state.participants])
    account = AccountAddress(draw.randbytes(20))
    match draw.randint(0, 10):
        case 0:
            did = f"did:web:member-{len(state.participants)}.example"
            admitted, roles = organisation_id(did), draw.randint(0, 15)
            story.tell(
                ParticipantAdmitted(admitted, did, roles, draw.randint(0, 3)),
                AccountBound(admitted, account, 31, never),
            )
        case 1:
            roles, college = draw.randint(0, 15), draw.randint(0, 3)
            story.tell(ParticipantClassified(organisation, roles, college))
        case 2:
            address = f"https://{seeded(draw)}.example"
            story.tell(ParticipantDescribed(organisation, address, hash_of(draw)))
        case 3 | 4:
            suspended = state.participants[organisation].suspended
            kind = ParticipantReinstated if suspended else ParticipantSuspended
            story.tell(kind(organisation))
        case 5:
            scopes, expires_at = draw.randint(0, 31), story.time + draw.randint(0, 10**6)
            story.tell(AccountBound(organisation, account, scopes, UnixSeconds(expires_at)))
        case 6:
            in_service = [each for each, bound in state.accounts.items() if not bound.retired_at]
            if in_service:
                retired = draw.choice(in_service)
                story.tell(AccountRetired(state.accounts[retired].organisation, retired))
        case 7:
            operator = draw.choice([*state.participants])
            scopes = draw.choice((0, draw.randint(1, 31)))
            expires_at = UnixSeconds(draw.randint(0, 2**40 - 1))
            story.tell(OperatorDelegated(organisation, operator, scopes, expires_at))
        case 8 | 9:
            _recover(story, draw, organisation, account)
        case 10:
            story.tell(*_acts_of_governance(draw))


def _recover(
    story: Story, draw: random.Random, organisation: OrganisationId, account: AccountAddress
) -> None:
    """Announced, and then announced anew, carried out or called off."""
    announced = story.state.recoveries.get(organisation)
    match draw.randint(0, 2) if announced else 0:
        case 1 if announced:
            story.tell(AccountBound(organisation, announced.account, 31, UnixSeconds(2**40 - 1)))
        case 2 if announced:
            story.tell(RecoveryCancelled(organisation, announced.account))
        case _:
            executable_at = UnixSeconds(story.time + draw.randint(0, 10**6))
            story.tell(RecoveryAnnounced(organisation, account, executable_at))


def _acts_of_governance(draw: random.Random) -> tuple[Event, ...]:
    return (
        Approval(CONSUMER_ACCOUNT, PAYEE_ACCOUNT, AmountMinor(2**256 - 1)),
        GuardianAppointed(AccountAddress(draw.randbytes(20))),
        Stopped(UnixSeconds(draw.randint(0, 2**40 - 1))),
        StopEnded(),
        AuthorityUpdated(DEPLOYMENT.commons_treasury),
    )


def _act_with_proposals(story: Story, draw: random.Random) -> None:
    """An operation is proposed, its calls are made, or it is called off and proposed again."""
    waiting = story.state.proposed_calls
    operation, calls = hash_of(draw), draw.randint(1, 3)
    if waiting and draw.random() < 0.7:
        operation = draw.choice([*waiting])[0]
        calls = sum(each == operation for each, _ in waiting)
        due = all(
            call.executable_at == call.proposed_at  # the blocks that are mined have other times
            for (each, _), call in waiting.items()
            if each == operation
        )
        if due and draw.random() < 0.7:
            story.tell(
                *(
                    CallExecuted(operation, index, call.target, call.value, call.data)
                    for index in range(calls)
                    if (call := waiting[operation, index])
                )
            )
            return
        story.tell(Cancelled(operation), *_roles(draw))
        if draw.random() < 0.5:
            return
    delay = draw.choice((0, 0, draw.randint(1, 10**6)))
    story.tell(
        *(
            CallScheduled(
                operation,
                index,
                draw.choice((DEPLOYMENT.commons_treasury, DEPLOYMENT.usage_settlement)),
                draw.choice((0, 2**256 - 1)),
                draw.randbytes(draw.choice((0, 4, 68))),
                hash_of(draw),
                delay,
            )
            for index in range(calls)
        ),
        CallSalt(operation, hash_of(draw)),
        MinDelayChange(draw.randint(0, 10**6), 2**256 - 1),
    )


def _roles(draw: random.Random) -> tuple[Event, ...]:
    account = AccountAddress(draw.randbytes(20))
    return (
        RoleGranted(hash_of(draw), account, PAYEE_ACCOUNT),
        RoleRevoked(hash_of(draw), account, PAYEE_ACCOUNT),
        RoleAdminChanged(hash_of(draw), hash_of(draw), Hash32(bytes(32))),
    )


def hash_of(draw: random.Random) -> Hash32:
    return Hash32(draw.randbytes(32))


def seeded(draw: random.Random) -> str:
    """A text with what texts may hold."""
    return draw.choice(("node", "n\u00e9ud", "tab\there", "new\nline", "back\\slash", "\\N", "\\."))


def anchored(
    leaves: tuple[Leaf, ...], first_index: int, issuer: OrganisationId = SCHOOL
) -> LeavesAnchored:
    return LeavesAnchored(issuer, root_of(leaves), first_index, leaves)
