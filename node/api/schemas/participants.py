"""Shapes of participants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from indexer.queries.participants import ParticipantRow
from node.api.schemas.base import Address, AsOf, Hash, Shape, require_storable, wrong_value
from protocol.types import Role, Scope

DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._%-]")
"""The form of a decentralised identifier (W3C DID Core, section 3.1)."""


def require_did(text: str) -> str:
    """Raises ValueError for what is no DID."""
    if not DID.fullmatch(text):
        raise wrong_value("This is no DID.", "Send a DID such as did:web:school.example.")
    return text


class EnrolParticipant(Shape):
    """Hosts an organisation, which governance has admitted, on this node."""

    did: Annotated[str, Field(max_length=512), AfterValidator(require_did)]
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(require_storable)]


class EnrolledParticipant(Shape):
    """`apiKey` is shown this once."""

    organisation_id: Address
    did: str
    api_key: str


class Account(Shape):
    """An account of an organisation; scopes by name."""

    account: Address
    scopes: list[str]
    expires_at: int
    retired_at: int | None


class Delegation(Shape):
    """What the organisation lets an operator do."""

    operator: Address
    scopes: list[str]
    expires_at: int


class Recovery(Shape):
    """The account that the organisation gets with every scope, unless one of its managers, or
    governance, calls that off before."""

    account: Address
    executable_at: int


class Participant(Shape):
    """An organisation as the chain has it."""

    organisation_id: Address
    did: str
    name: str | None = Field(
        description="As this node's operator wrote it; null for an organisation of another node."
    )
    roles: list[str]
    college: int
    admitted_at: int
    suspended: bool
    service_address: str | None
    did_document_hash: Hash | None
    accounts: list[Account]
    delegations: list[Delegation]
    recovery: Recovery | None

    @classmethod
    def of(cls, row: ParticipantRow, names: Mapping[bytes, str]) -> Participant:
        """From the index, and the names of those that are hosted here."""
        return cls(
            organisation_id=row.organisation,
            did=row.did,
            name=names.get(row.organisation),
            roles=names_of(row.roles),
            college=row.college,
            admitted_at=row.admitted_at,
            suspended=row.suspended,
            service_address=row.service_address,
            did_document_hash=row.did_document_hash,
            accounts=[
                Account(
                    account=account.account,
                    scopes=names_of(account.scopes),
                    expires_at=account.expires_at,
                    retired_at=account.retired_at,
                )
                for account in row.accounts
            ],
            delegations=[
                Delegation(
                    operator=given.operator,
                    scopes=names_of(given.scopes),
                    expires_at=given.expires_at,
                )
                for given in row.delegations
            ],
            recovery=None
            if row.recovery is None
            else Recovery(account=row.recovery.account, executable_at=row.recovery.executable_at),
        )


class Participants(Shape):
    """A page; `next` is the value for `after`, null on the last page."""

    as_of: AsOf
    items: list[Participant]
    next: Address | None


def names_of(flags: Scope | Role) -> list[str]:
    """Flags as lower-case names."""
    return [str(flag.name).lower() for flag in flags]
