"""The kinds of problem that the node answers with, besides broken rules of `protocol.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: what it means wherever it occurs, and what to do unless told better."""

    status: int
    slug: str
    title: str
    meaning: str
    remedy: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The kind's address on every node, the `type` of its problem documents."""
        return f"/problems/{self.slug}"


def _nothing_found(noun: str, remedy: str) -> Kind:
    meaning = f"No {noun} has this identifier, or it is not the caller's to see."
    return Kind(404, f"{noun}-not-found", f"No such {noun}", meaning, remedy)


_SAME_KEY = "Send the same request again, with the same Idempotency-Key"

KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind(
            400,
            "json-malformed",
            "The body is not JSON",
            "The body could not be read as JSON.",
            "Send one JSON value, UTF-8, as RFC 8259 describes.",
        ),
        Kind(
            400,
            "json-too-deep",
            "The body is nested too deep",
            "Arrays and objects stand within each other deeper than anything that the node takes.",
            "Send what /docs describes: nothing there is nearly as deep.",
        ),
        Kind(
            401,
            "key-invalid",
            "No valid API key",
            "The request carries no API key, or one that is unknown, expired or revoked.",
            "Send `Authorization: Bearer ptx_…`; the node's operator hands out keys.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            401,
            "session-refused",
            "No valid learner session",
            "The session is unknown or has ended, or a key did not sign its nonce.",
            "Begin one with POST /v1/me/session and let each key sign its nonce.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            401,
            "session-ended",
            "The session has ended",
            "The session is unknown or over, was ended, or its person was removed.",
            "Sign in again: POST /v1/sign-in/ethereum/nonce or /v1/sign-in/passkey/challenge.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            401,
            "sign-in-refused",
            "The sign-in is refused",
            "What was sent does not prove an account or a passkey that the node knows.",
            "Ask for a new nonce or challenge, and answer it with the right account or passkey.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            401,
            "invitation-refused",
            "The invitation is not open",
            "The invitation is unknown, too old, or somebody has joined with it.",
            "Ask an admin of the organisation for another: POST /v1/people.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            401,
            "token-refused",
            "The signed token is refused",
            "The JWT is malformed, for another node, too old, used before, or not signed by a key "
            "of the DID document whose hash the organisation has on chain.",
            "Sign a new one for each request; `ptx-ledger did show` names the keys that count.",
            {"WWW-Authenticate": "Bearer"},
        ),
        Kind(
            403,
            "role-missing",
            "The caller may not do that",
            "The caller is known, but its role and areas do not give the right.",
            "Use a key or person with that right; an admin of the organisation gives them.",
        ),
        Kind(
            403,
            "grant-too-wide",
            "More than the caller has",
            "Nobody gives a key or person more rights, or a longer life, than they have.",
            "Ask for less, or let somebody do it who has these rights.",
        ),
        Kind(
            403,
            "not-the-operator",
            "Only the node's operator may do that",
            "The key belongs to an organisation that the node hosts.",
            "Ask the operator of this node.",
        ),
        Kind(
            404,
            "not-found",
            "No such route",
            "The node serves nothing at this address.",
            "See /docs for the routes and methods.",
        ),
        Kind(
            404,
            "problem-not-found",
            "No such kind of problem",
            "The node answers no problem of this kind.",
            "GET /problems lists those that it does.",
        ),
        _nothing_found("act", "GET /v1/outbox lists those of your organisation."),
        _nothing_found("api-key", "GET /v1/api-keys lists those of the organisation."),
        _nothing_found("person", "GET /v1/people lists those of the organisation."),
        _nothing_found("session", "GET /v1/sessions lists those of the organisation."),
        _nothing_found("agreement", "Propose it: POST /v1/agreements; or compare its id."),
        _nothing_found("consent", "Ask with the full entry, or as the one who holds the record."),
        _nothing_found("did-document", "Ask the node that the organisation names on chain."),
        _nothing_found("consent-request", "GET /v1/consent-requests lists those that there are."),
        _nothing_found("rights-request", "Compare the reference; GET /v1/rights-requests lists."),
        _nothing_found("participant", "GET /v1/participants lists those that are admitted."),
        _nothing_found("settlement", "Ask for it: POST /v1/settlements."),
        _nothing_found("webhook", "GET /v1/webhooks lists those of the organisation."),
        _nothing_found("withdrawal", "Send it: POST /v1/withdrawals."),
        Kind(
            404,
            "recipient-not-hosted",
            "The recipient is not hosted here",
            "The node keeps records only for organisations that it hosts.",
            "Deliver to the recipient's service address on chain; it is asked for at each attempt.",
        ),
        Kind(
            405,
            "method-not-allowed",
            "The method is not allowed",
            "The address exists, but not for this method; the header Allow names those it takes.",
            "See /docs for the routes and methods.",
        ),
        Kind(
            408,
            "request-too-slow",
            "The request came too slowly",
            "The body did not arrive within the time that the node waits for one.",
            "Send it again over a better connection, or in smaller parts.",
        ),
        Kind(
            409,
            "access-limit",
            "The organisation has enough of them",
            "An organisation has a limited number of keys in force, and of people, on a node.",
            "Revoke a key or remove a person that is not needed.",
        ),
        Kind(
            409,
            "last-admin",
            "Nobody would be left to let others in",
            "An organisation keeps a key in force, or a person, with the right access:write.",
            "Make another key or invite another admin first, then take this one away.",
        ),
        Kind(
            409,
            "no-session",
            "The caller has no session",
            "An API key is no session, and does not end by signing out.",
            "Revoke the key: DELETE /v1/api-keys/{keyId}.",
        ),
        Kind(
            409,
            "organisation-unclear",
            "Several organisations know the address",
            "The address may act for more than one organisation of this node.",
            "Name one as organisationId, with a new nonce.",
        ),
        Kind(
            409,
            "person-known",
            "The address or passkey is known already",
            "Another person of the organisation signs in with it.",
            "Join with another account or passkey, or remove the other person first.",
        ),
        Kind(
            409,
            "consent-already-granted",
            "The consent is granted already",
            "The node knows the consent's leaf, or the batch has it twice.",
            "Ask for its status: POST /v1/consents/status.",
        ),
        Kind(
            409,
            "consent-not-active",
            "The consent is not active",
            "A use needs a consent that is in force now, under the agreement that is named.",
            "Read the consent's status; if it has ended, do not use the data.",
        ),
        Kind(
            409,
            "consent-not-anchored",
            "The consent is not on chain yet",
            "The consent is promised and waits to be anchored; until then nothing proves it.",
            "Ask again in a few seconds.",
            {"Retry-After": "2"},
        ),
        Kind(
            409,
            "consent-not-over",
            "The consent is not over",
            "A record is erased only when its consent has ended or its validity is over.",
            "Revoke it, or wait until its withdrawal is on chain or its validity is over.",
        ),
        Kind(
            409,
            "consent-request-answered",
            "The request is answered already",
            "A consent request is answered once: granted, refused, or attested on paper.",
            "Send a new request. If the answer with withdrawal slips was lost, let the issuer "
            "revoke the consents, which nobody else can end any more, and ask anew.",
        ),
        Kind(
            409,
            "rights-request-closed",
            "The request takes no such answer any more",
            "A request is done or refused once, and extended once, within the first month.",
            "Read it: GET /v1/rights-requests shows what was answered and until when.",
        ),
        Kind(
            409,
            "operator-not-delegated",
            "The operator may not act for the organisation",
            "The node sends transactions for an organisation only if that has delegated them.",
            "Let an account with the scope manage call ParticipantRegistry.delegate.",
        ),
        Kind(
            409,
            "participant-already-hosted",
            "The organisation is hosted here already",
            "The organisation has been enrolled on this node before.",
            "Use its first API key, or sign in with an account that manages it on chain.",
        ),
        Kind(
            409,
            "settlement-queued",
            "The voucher is being settled",
            "The same voucher is on its way to the chain already.",
            "Wait for it: GET /v1/settlements/{settlementId}.",
        ),
        Kind(
            409,
            "signature-queued",
            "The signature is on its way",
            "The organisation's signature under the agreement is promised already.",
            "Wait for it: GET /v1/agreements/{agreementId} shows what became of it.",
        ),
        Kind(
            409,
            "webhook-limit",
            "The organisation has enough webhooks",
            "An organisation has a limited number of webhooks on a node.",
            "Delete one that is not used: DELETE /v1/webhooks/{webhookId}.",
        ),
        Kind(
            410,
            "consent-request-expired",
            "The request has expired",
            "The time in which the request could be answered is over.",
            "The organisation sends a new request: POST /v1/consent-requests.",
        ),
        Kind(
            410,
            "record-erased",
            "The record is erased",
            "The node has erased the record; its leaf stays on chain and tells nothing.",
            "The learner's exported file, or another party's copy, still proves the consent.",
        ),
        Kind(
            413,
            "body-too-large",
            "The body is too large",
            "The body is over the node's limit on one request.",
            "Send fewer items a request.",
        ),
        Kind(
            415,
            "content-type-not-json",
            "The body is not declared as JSON",
            "The node reads JSON alone, and the header Content-Type says otherwise or is missing.",
            "Send the header `Content-Type: application/json`.",
            {"Accept": "application/json"},
        ),
        Kind(
            415,
            "content-type-not-csv",
            "The body is not declared as CSV",
            "This route reads CSV alone, and the header Content-Type says otherwise or is missing.",
            "Send the header `Content-Type: text/csv`.",
            {"Accept": "text/csv"},
        ),
        Kind(
            422,
            "consent-request-refused",
            "The request is refused",
            "The request asks for what cannot be granted on this ledger now.",
            "Correct the field that is named.",
        ),
        Kind(
            422,
            "csv-refused",
            "The file has faults",
            "Nothing of the file was taken; `errors` names each fault by line and column.",
            "Correct the lines that are named, and send the whole file again.",
        ),
        Kind(
            422,
            "request-invalid",
            "The request does not fit",
            "A field is missing, unknown or of another form; `errors` names each.",
            "Send values as /docs describes.",
        ),
        Kind(
            422,
            "idempotency-key-reused",
            "The Idempotency-Key belongs to another request",
            "The key was sent before with another body or path.",
            "Use a new key for a new request.",
        ),
        Kind(
            422,
            "document-hash-wrong",
            "The terms are not about this document",
            "A hash in the terms is not that of the document which came with them.",
            "Send the SHA-256 of the document's canonical JSON (RFC 8785).",
        ),
        Kind(
            422,
            "record-refused",
            "The record is refused",
            "The record holds together, but this caller cannot grant it on this ledger now.",
            "Correct the field that is named.",
        ),
        Kind(
            422,
            "slip-of-another-ledger",
            "The slip is for another ledger",
            "A withdrawal slip names the chain and the registry that it is for.",
            "Hand the slip to an operator of the ledger that it names.",
        ),
        Kind(
            422,
            "voucher-refused",
            "The voucher is refused",
            "The voucher is not the caller's, or not over the uses recorded on this node.",
            "Sign the voucher that POST /v1/usages answered.",
        ),
        Kind(
            422,
            "position-unknown",
            "The position is not of this feed",
            "The position is of a generation that this node's index has not reached.",
            "Begin anew with 0-0-0: a position belongs to the node that gave it.",
        ),
        Kind(
            422,
            "webhook-url-refused",
            "The node does not call this address",
            "A webhook is called by https at a public address.",
            "Register an https URL without user name whose host has public addresses alone.",
        ),
        Kind(
            429,
            "too-many-requests",
            "Too many requests",
            "The key, or the address where no key is known, has used up what a caller may ask.",
            "Wait as long as the header Retry-After says; ask for many things in one request.",
            {"Retry-After": "1"},
        ),
        Kind(
            429,
            "too-many-streams",
            "The organisation has too many streams open",
            "An organisation may hold a limited number of event streams open at a time.",
            "Close one that nobody reads, or read pages with `Accept: application/json`.",
            {"Retry-After": "30"},
        ),
        Kind(
            431,
            "headers-too-large",
            "The headers are too large",
            "The header fields together are over the node's limit.",
            "Send fewer or shorter header fields; the node needs no cookies.",
        ),
        Kind(
            500,
            "unexpected",
            "The node failed",
            "Something went wrong here; nothing was written.",
            f"{_SAME_KEY}; tell the operator.",
        ),
        Kind(
            503,
            "database-unavailable",
            "The database does not answer",
            "The node's database is away; nothing was written.",
            f"{_SAME_KEY}.",
            {"Retry-After": "2"},
        ),
        Kind(
            503,
            "index-stale",
            "The index is too old to answer",
            "The indexer has not seen the head of the chain for longer than the node allows.",
            "Treat the consent as not active and ask again; the operator checks the indexer's log.",
            {"Retry-After": "5"},
        ),
        Kind(
            503,
            "operator-key-not-published",
            "The node cannot sign",
            "The chain does not name a DID document with a key of this node for its operator.",
            "The operator publishes it: `ptx-ledger did publish`.",
            {"Retry-After": "30"},
        ),
        Kind(
            503,
            "outbox-full",
            "Too many acts wait for the chain",
            "The chain stands still or is slow, and the node promises no more than it can keep.",
            f"{_SAME_KEY}; what was accepted is kept and goes out by itself.",
            {"Retry-After": "30"},
        ),
        Kind(
            503,
            "streams-exhausted",
            "Too many streams are open",
            "The node serves a limited number of event streams at a time.",
            "Try again later, or read pages with `Accept: application/json`.",
            {"Retry-After": "30"},
        ),
        Kind(
            503,
            "page-not-built",
            "The page is not built",
            "The node was installed without the files of its pages.",
            "Run `npm run build:web` where the node is installed.",
        ),
    )
}
