"""Shapes of keys, people and sessions: who may act for an organisation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from node.api.schemas.base import Address, HexOf, Shape, StoredText, read_decimal
from node.api_keys import token_id
from node.bearer_links import invitation_link_of
from node.permissions import Grant

LAST_SECOND = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp())

KeyId = Annotated[bytes, HexOf(16, "an API key's id")]
PersonId = Annotated[bytes, HexOf(16, "a person's id")]
SessionId = Annotated[bytes, HexOf(16, "a session's id")]
Role = Annotated[
    Literal["admin", "operator", "auditor"],
    Field(description="`admin`: everything. `operator`: the daily work. `auditor`: reads all."),
]
AreaName = Literal["agreements", "consents", "usage", "events", "webhooks", "access", "hosting"]
Areas = Annotated[
    list[AreaName] | None,
    Field(max_length=20, description="Where the role counts; null is everywhere."),
]
Label = Annotated[StoredText, Field(min_length=1, max_length=200, examples=["Student records"])]
ExpiryTime = Annotated[
    int,
    Field(ge=0, le=LAST_SECOND, description="Unix seconds.", examples=[1_893_456_000]),
    BeforeValidator(read_decimal),
]


class Granted(Shape):
    """What somebody may do."""

    role: Role
    areas: Areas = None

    def to_grant(self, expires_at: int | None = None) -> Grant:
        """As the rules know it."""
        areas = None if self.areas is None else frozenset[str](self.areas)
        return Grant(self.role, areas, time_of(expires_at))


class Holding(Shape):
    """What somebody may do, as it is kept. A role or an area that this node does not know, from a
    later version of it, is shown and gives no right."""

    role: str = Field(examples=["operator"])
    areas: list[str] | None = Field(examples=[["consents"]])


class CreateApiKey(Granted):
    """A key for a machine. It has no more rights than the caller, and lives no longer."""

    label: Label
    expires_at: ExpiryTime | None = None


class RotateApiKey(Shape):
    """How long the old key works beside the new one; by default the new one ends when the old one
    would have."""

    overlap_seconds: Annotated[int, Field(ge=0, le=30 * 86_400, examples=[3_600])]
    expires_at: ExpiryTime | None = None


class ApiKey(Holding):
    """A key, without itself. `keyId` is the first half of its SHA-256. `retiresAt`: when another
    that has taken its place stands alone. `lastUsedOn` is a day, UTC."""

    key_id: KeyId
    label: str
    expires_at: int | None
    retires_at: int | None
    last_used_on: str | None = Field(examples=["2026-11-24"])
    created_at: int

    @classmethod
    def of(cls, row: Any) -> ApiKey:
        """From the row of the table."""
        return cls(**_key_values(row))


class MadeApiKey(ApiKey):
    """`apiKey` is shown this once."""

    api_key: str = Field(examples=["ptx_…"])

    @classmethod
    def with_key(cls, row: Any, key: str) -> MadeApiKey:
        """From the row of the table and what it keeps the hash of."""
        return cls(api_key=key, **_key_values(row))


class ApiKeys(Shape):
    """The keys of an organisation that are in force."""

    items: list[ApiKey]


class InvitePerson(Granted):
    """Lets somebody join with a wallet or a passkey. The label is for those who manage people; the
    node seals it."""

    label: Label
    valid_seconds: Annotated[int, Field(ge=60, le=30 * 86_400)] = 7 * 86_400


class ChangeRole(Granted):
    """Another role, and where it counts."""


class Person(Holding):
    """A person of an organisation; `invited` until they have joined."""

    person_id: PersonId
    label: str
    state: Literal["invited", "joined"]
    address: Address | None
    invitation_expires_at: int | None
    joined_at: int | None
    created_at: int

    @classmethod
    def of(cls, row: Any, label: str) -> Person:
        """From the row of the table, and the label that it seals."""
        return cls(**_person_values(row, label))


class InvitedPerson(Person):
    """`invitation` is shown this once, and serves once; `link` is the page where it does."""

    invitation: str = Field(examples=["ptxi_…"])
    link: str = Field(examples=["https://node.example/organisation/sign-in#ptxi_…"])

    @classmethod
    def with_invitation(
        cls, row: Any, label: str, invitation: str, public_address: str
    ) -> InvitedPerson:
        """From the row of the table and what it keeps the hash of."""
        link = invitation_link_of(public_address, invitation)
        return cls(invitation=invitation, link=link, **_person_values(row, label))


class People(Shape):
    """The people of an organisation."""

    items: list[Person]


class Session(Shape):
    """A session of a person, or of an account that manages the organisation on chain.
    `lastSeenAt` is exact to a minute."""

    session_id: SessionId
    person_id: PersonId | None
    address: Address | None
    started_at: int
    last_seen_at: int
    expires_at: int

    @classmethod
    def of(cls, row: Any) -> Session:
        """From the row of the table."""
        return cls(
            session_id=token_id(row.token_hash),
            person_id=row.person_id,
            address=row.address,
            started_at=int(row.started_at.timestamp()),
            last_seen_at=int(row.last_seen_at.timestamp()),
            expires_at=int(row.expires_at.timestamp()),
        )


class Sessions(Shape):
    """The sessions of an organisation that can be used."""

    items: list[Session]


class WhoIsCalling(Shape):
    """The caller as the node knows it; `rights` follow from role and areas."""

    organisation_id: Address
    kind: Literal["machine", "person"]
    role: str
    areas: list[str] | None
    rights: list[str] = Field(examples=[["consents:read", "consents:write"]])
    person_id: PersonId | None
    address: Address | None
    expires_at: int | None


def time_of(unix_seconds: int | None) -> datetime | None:
    """A time of the wire as the database has it."""
    return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC)


def seconds_of(time: datetime | None) -> int | None:
    """A time of the database as it goes over the wire."""
    return None if time is None else int(time.timestamp())


def _key_values(row: Any) -> dict[str, Any]:
    return {
        "key_id": token_id(row.key_hash),
        "label": row.label,
        "role": row.role,
        "areas": row.areas,
        "expires_at": seconds_of(row.expires_at),
        "retires_at": seconds_of(row.retires_at),
        "last_used_on": None if row.last_used_on is None else row.last_used_on.isoformat(),
        "created_at": seconds_of(row.created_at),
    }


def _person_values(row: Any, label: str) -> dict[str, Any]:
    return {
        "person_id": row.person_id,
        "label": label,
        "role": row.role,
        "areas": row.areas,
        "state": "invited" if row.joined_at is None else "joined",
        "address": row.address,
        "invitation_expires_at": seconds_of(row.invitation_expires_at),
        "joined_at": seconds_of(row.joined_at),
        "created_at": seconds_of(row.created_at),
    }
