"""Participants: organisations with their accounts and delegations, as the chain has them now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from indexer import tables
from indexer.queries.places import in_block
from protocol.events import OperatorDelegated
from protocol.types import ZERO_HASH, AccountAddress, OrganisationId, Role, Scope


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of an organisation."""

    account: AccountAddress
    scopes: Scope
    expires_at: int
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """What an organisation lets an operator do."""

    operator: OrganisationId
    scopes: Scope
    expires_at: int


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """The account that an organisation without keys gets, unless it calls that off before."""

    account: AccountAddress
    executable_at: int


@dataclass(frozen=True, slots=True)
class ParticipantRow:
    """An organisation."""

    organisation: OrganisationId
    did: str
    roles: Role
    college: int
    admitted_at: int
    suspended: bool
    service_address: str | None
    did_document_hash: bytes | None
    accounts: tuple[AccountRow, ...]
    delegations: tuple[DelegationRow, ...]
    recovery: RecoveryRow | None


def find_participant(connection: Connection, organisation: bytes) -> ParticipantRow | None:
    """One organisation, or None if it was never admitted."""
    found = find_participants(connection, [organisation])
    return found[0] if found else None


def find_participants(
    connection: Connection, organisations: Collection[bytes]
) -> list[ParticipantRow]:
    """Those of them that were ever admitted, in the order of their ids: one query for each kind of
    fact, however many they are."""
    admissions, blocks = tables.admissions, tables.blocks
    admitted = connection.execute(
        select(admissions, blocks.c.block_time)
        .join(blocks, in_block(admissions))
        .where(admissions.c.organisation.in_(organisations))
        .order_by(admissions.c.organisation)
    ).all()
    classified = _latest(connection, tables.classifications, organisations)
    described = _latest(connection, tables.descriptions, organisations)
    suspended = _latest(connection, tables.suspensions, organisations)
    reinstated = _latest(connection, tables.reinstatements, organisations)
    announced = _latest(connection, tables.recoveries, organisations)
    cancelled = _latest(connection, tables.recovery_cancellations, organisations)
    accounts = _accounts_of(connection, organisations)
    delegations = _delegations_of(connection, organisations)
    found = []
    for row in admitted:
        own = row.organisation
        description = described.get(own)
        found.append(
            ParticipantRow(
                organisation=own,
                did=row.did,
                roles=Role(classified.get(own, row).roles),
                college=classified.get(own, row).college,
                admitted_at=row.block_time,
                suspended=_is_later(suspended.get(own), reinstated.get(own)),
                service_address=description.service_address if description else None,
                did_document_hash=_hash_of(description),
                accounts=tuple(accounts[own]),
                delegations=tuple(delegations[own]),
                recovery=_recovery_of(announced.get(own), cancelled.get(own), accounts[own]),
            )
        )
    return found


def find_dids(
    connection: Connection, organisations: Collection[bytes]
) -> dict[OrganisationId, str]:
    """The DIDs of many in one query; who was never admitted is left out."""
    admissions = tables.admissions
    statement = select(admissions.c.organisation, admissions.c.did).where(
        admissions.c.organisation.in_(organisations)
    )
    return {OrganisationId(row.organisation): row.did for row in connection.execute(statement)}


def list_participants(connection: Connection, after: bytes, limit: int) -> list[ParticipantRow]:
    """Organisations in the order of their ids, those after a given one."""
    ids = connection.scalars(
        select(tables.admissions.c.organisation)
        .where(tables.admissions.c.organisation > after)
        .order_by(tables.admissions.c.organisation)
        .limit(limit)
    ).all()
    return find_participants(connection, ids)


def list_served(
    connection: Connection, operator: bytes, time: int, after: bytes, limit: int
) -> list[ParticipantRow]:
    """Organisations that let an operator act at a time, in the order of their ids, those after a
    given one."""
    given = tables.delegations
    latest = (
        select(given)
        .ext(distinct_on(given.c.organisation))
        .where(given.c.operator == operator, given.c.organisation > after)
        .order_by(given.c.organisation, given.c.block_number.desc(), given.c.log_index.desc())
        .subquery()
    )
    ids = connection.scalars(
        select(latest.c.organisation)
        .where(latest.c.scopes != 0, latest.c.expires_at > time)
        .order_by(latest.c.organisation)
        .limit(limit)
    ).all()
    return find_participants(connection, ids)


def find_dids_ending_in(connection: Connection, endings: Collection[str]) -> list[str]:
    """DIDs whose last part, behind a colon or a slash, is one of these; in their own order."""
    did = tables.admissions.c.did
    last = func.substring(did, "[^:/]+$")
    return list(connection.scalars(select(did).where(last.in_(endings)).order_by(did)))


def list_dids(connection: Connection, limit: int) -> list[str]:
    """The DIDs of all that were ever admitted, in their own order, at most so many."""
    dids = tables.admissions.c.did
    return list(connection.scalars(select(dids).order_by(dids).limit(limit)))


def list_operators(connection: Connection) -> list[ParticipantRow]:
    """Organisations that have the role of an operator now and are not suspended, by their ids."""
    admissions, classified = tables.admissions, tables.classifications
    latest = (
        select(classified.c.organisation, classified.c.roles)
        .ext(distinct_on(classified.c.organisation))
        .order_by(
            classified.c.organisation,
            classified.c.block_number.desc(),
            classified.c.log_index.desc(),
        )
        .subquery()
    )
    roles = func.coalesce(latest.c.roles, admissions.c.roles)
    ids = connection.scalars(
        select(admissions.c.organisation)
        .outerjoin(latest, latest.c.organisation == admissions.c.organisation)
        .where(roles.bitwise_and(int(Role.OPERATOR)) != 0)
        .order_by(admissions.c.organisation)
    ).all()
    return [each for each in find_participants(connection, ids) if not each.suspended]


def delegations_given(connection: Connection) -> list[OperatorDelegated]:
    """Of each organisation the last word to each operator, in the order of the chain."""
    given = tables.delegations
    latest = (
        select(given)
        .ext(distinct_on(given.c.organisation, given.c.operator))
        .order_by(
            given.c.organisation,
            given.c.operator,
            given.c.block_number.desc(),
            given.c.log_index.desc(),
        )
        .subquery()
    )
    statement = select(
        latest.c.organisation, latest.c.operator, latest.c.scopes, latest.c.expires_at
    ).order_by(latest.c.block_number, latest.c.log_index)
    return [OperatorDelegated(*row) for row in connection.execute(statement)]


def find_organisation_managed_by(
    connection: Connection, account: bytes, now: int
) -> OrganisationId | None:
    """The organisation that an account manages now; None for one that never did, was retired, or
    whose time is over."""
    bound, retired = tables.accounts, tables.retirements
    row = connection.execute(
        select(bound.c.organisation, bound.c.scopes)
        .outerjoin(retired, retired.c.account == bound.c.account)
        .where(bound.c.account == account, bound.c.expires_at > now, retired.c.account.is_(None))
    ).one_or_none()
    if row is None or Scope.MANAGE not in Scope(row.scopes):
        return None
    return OrganisationId(row.organisation)


def find_organisation_of(connection: Connection, account: bytes) -> OrganisationId | None:
    """The organisation that an account is bound to, for ever, also where it is retired."""
    accounts = tables.accounts
    statement = select(accounts.c.organisation).where(accounts.c.account == account)
    found = connection.execute(statement).scalar_one_or_none()
    return None if found is None else OrganisationId(found)


def _hash_of(described: Any | None) -> bytes | None:
    """Of the DID document; zero says that there is none."""
    if described is None or described.did_document_hash == ZERO_HASH:
        return None
    found: bytes = described.did_document_hash
    return found


def _latest(
    connection: Connection, table: Table, organisations: Collection[bytes]
) -> dict[bytes, Any]:
    """Of each of them the last row, if there is one."""
    statement = (
        select(table)
        .ext(distinct_on(table.c.organisation))
        .where(table.c.organisation.in_(organisations))
        .order_by(table.c.organisation, table.c.block_number.desc(), table.c.log_index.desc())
    )
    return {row.organisation: row for row in connection.execute(statement)}


def _is_later(row: Any | None, than: Any | None) -> bool:
    """Whether there is a row, and none at a later place."""
    if row is None or than is None:
        return row is not None
    return (row.block_number, row.log_index) > (than.block_number, than.log_index)


def _recovery_of(
    announced: Any | None, cancelled: Any | None, accounts: Collection[AccountRow]
) -> RecoveryRow | None:
    if announced is None or not _is_later(announced, cancelled):
        return None
    is_carried_out = any(bound.account == announced.account for bound in accounts)
    return None if is_carried_out else RecoveryRow(announced.account, announced.executable_at)


def _accounts_of(
    connection: Connection, organisations: Collection[bytes]
) -> dict[bytes, list[AccountRow]]:
    bound, retired, blocks = tables.accounts, tables.retirements, tables.blocks
    statement = (
        select(bound, blocks.c.block_time.label("retired_at"))
        .outerjoin(retired, retired.c.account == bound.c.account)
        .outerjoin(blocks, in_block(retired))
        .where(bound.c.organisation.in_(organisations))
        .order_by(bound.c.block_number, bound.c.log_index)
    )
    found = defaultdict(list)
    for row in connection.execute(statement):
        account = AccountRow(row.account, Scope(row.scopes), row.expires_at, row.retired_at)
        found[row.organisation].append(account)
    return found


def _delegations_of(
    connection: Connection, organisations: Collection[bytes]
) -> dict[bytes, list[DelegationRow]]:
    """Those that were not ended, by operator."""
    given = tables.delegations
    statement = (
        select(given)
        .ext(distinct_on(given.c.organisation, given.c.operator))
        .where(given.c.organisation.in_(organisations))
        .order_by(
            given.c.organisation,
            given.c.operator,
            given.c.block_number.desc(),
            given.c.log_index.desc(),
        )
    )
    found = defaultdict(list)
    for row in connection.execute(statement):
        if row.scopes:
            delegation = DelegationRow(row.operator, Scope(row.scopes), row.expires_at)
            found[row.organisation].append(delegation)
    return found
