"""Shapes of signing in: with an account (EIP-4361), with a passkey (WebAuthn level 3, in JSON)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from node.api.schemas.access import PersonId
from node.api.schemas.base import Address, HexBytes, Shape, require_storable
from node.commands.keep_sessions import OpenedSession

MESSAGE_CHARACTERS_MAX = 4_000

Base64Url = Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$", max_length=32_768)]
Invitation = Annotated[
    str, Field(min_length=1, max_length=100, examples=["ptxi_…"]), AfterValidator(require_storable)
]


class SignInNonce(Shape):
    """What a message of EIP-4361 must say to be accepted here: these values, an `Issued At` of now,
    no resources. The nonce serves once."""

    nonce: str
    expires_at: int
    domain: str = Field(examples=["node.example"])
    uri: str = Field(examples=["https://node.example"])
    version: Literal["1"]
    chain_id: int
    statement: str


class SignInWithEthereum(Shape):
    """The message as it was signed, and the signature of `personal_sign`. With an invitation the
    address joins the organisation that invites; `organisationId` chooses among several that know
    the address."""

    message: Annotated[
        str,
        Field(
            max_length=MESSAGE_CHARACTERS_MAX,
            examples=["node.example wants you to sign in with your Ethereum account:\n…"],
        ),
        AfterValidator(require_storable),
    ]
    signature: Annotated[HexBytes, Field()]
    invitation: Invitation | None = None
    organisation_id: Address | None = None


class PersonSession(Shape):
    """`token` is the bearer token from now on, shown this once."""

    token: str = Field(examples=["ptxs_…"])
    organisation_id: Address
    person_id: PersonId | None
    address: Address | None
    expires_at: int
    idle_seconds: int = Field(description="Without a request for so long it ends before.")

    @classmethod
    def of(cls, opened: OpenedSession, idle_minutes: int) -> PersonSession:
        """From what was opened."""
        return cls(
            token=opened.token,
            organisation_id=opened.organisation_id,
            person_id=opened.person_id,
            address=opened.address,
            expires_at=int(opened.expires_at.timestamp()),
            idle_seconds=idle_minutes * 60,
        )


class PasskeyChallenge(Shape):
    """`PublicKeyCredentialRequestOptions` in JSON."""

    challenge: Base64Url
    timeout: int = Field(description="Milliseconds.")
    rp_id: str
    allow_credentials: list[Any] = Field(max_length=0)
    user_verification: Literal["required"]


class PasskeyInvited(Shape):
    """Asks for a challenge to register a passkey."""

    invitation: Invitation


class PasskeyParty(Shape):
    """The node, as the authenticator shows it."""

    id: str
    name: str


class PasskeyUser(Shape):
    """The person, as the authenticator keeps it."""

    id: Base64Url
    name: str
    display_name: str


class PasskeyParameter(Shape):
    """A kind of key, by its number in COSE."""

    type: Literal["public-key"]
    alg: int


class PasskeySelection(Shape):
    """What kind of authenticator serves."""

    resident_key: Literal["required"]
    require_resident_key: Literal[True]
    user_verification: Literal["required"]


class PasskeyRegistrationChallenge(Shape):
    """`PublicKeyCredentialCreationOptions` in JSON."""

    rp: PasskeyParty
    user: PasskeyUser
    challenge: Base64Url
    pub_key_cred_params: list[PasskeyParameter]
    timeout: int = Field(description="Milliseconds.")
    authenticator_selection: PasskeySelection
    attestation: Literal["none"]


class RegistrationAnswer(Shape):
    """`AuthenticatorAttestationResponse` in JSON; the node reads the first two."""

    client_data_json: Annotated[Base64Url, Field(alias="clientDataJSON")]
    attestation_object: Base64Url
    transports: Annotated[list[str] | None, Field(max_length=20)] = None
    authenticator_data: Base64Url | None = None
    public_key: Base64Url | None = None
    public_key_algorithm: int | None = None


class AssertionAnswer(Shape):
    """`AuthenticatorAssertionResponse` in JSON."""

    client_data_json: Annotated[Base64Url, Field(alias="clientDataJSON")]
    authenticator_data: Base64Url
    signature: Base64Url
    user_handle: Base64Url | None = None


class PasskeyCredential(Shape):
    """What both kinds of answer have: `PublicKeyCredential` in JSON."""

    id: Base64Url
    raw_id: Base64Url
    type: Literal["public-key"]
    authenticator_attachment: str | None = None
    client_extension_results: dict[str, Any] = Field(default_factory=dict)


class RegisteredCredential(PasskeyCredential):
    """`RegistrationResponseJSON`."""

    response: RegistrationAnswer


class AssertedCredential(PasskeyCredential):
    """`AuthenticationResponseJSON`."""

    response: AssertionAnswer


class RegisterPasskey(Shape):
    """A passkey for the invited person."""

    invitation: Invitation
    credential: RegisteredCredential


class SignInWithPasskey(Shape):
    """A passkey's answer to the challenge."""

    credential: AssertedCredential
