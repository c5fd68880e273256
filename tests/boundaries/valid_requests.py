"""For every operation of the description a request that succeeds.

It says who may send it, too.
Addresses are filled by the names of their parameters. A route with a new name, or with a body, has
a line here; without it the tests that try every operation fail.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from node.api.app import create_app
from node.api.schemas.agreements import TermsShape
from protocol.did_document import make_did_document
from protocol.entries import leaf_of
from protocol.holder_keys import address_of, session_digest
from protocol.record import to_json
from protocol.signatures import sign_digest
from protocol.types import to_hex
from tests.access.authenticator import Authenticator
from tests.access.signing import HTTP, ask_nonce, message_of, new_account, personal_sign
from tests.boundaries.parties import operators_machine
from tests.boundaries.scene import Scene
from tests.records.signed_tokens import new_key, public
from tests.requests.asking import asking, compose, opened, token_of
from tests.stage import Json

DESCRIPTION: Json = create_app().openapi()
Operation = tuple[str, str]
"""Method and route."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `token` is the bearer token of who may send it."""

    method: str
    route: str
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    token: str | None = None

    @property
    def target(self) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: self.path[match[1]], self.route)

    @property
    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def text(self) -> str:
        """All that whoever sends it knows."""
        said = (self.target, self.query, self.headers, (self.content or b"").decode())
        return " ".join(map(str, said))

    def send(self, url: str, token: str | None) -> httpx.Response:
        """As whoever has the token, or as nobody."""
        kind = "text/csv" if isinstance(self.body, str) else "application/json"
        headers = {**self.headers, **({"Content-Type": kind} if self.body is not None else {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return HTTP.request(
            self.method, url + self.target, params=self.query, headers=headers, content=self.content
        )


def operations() -> Iterator[tuple[Operation, Json]]:
    """Every operation, as the description has it."""
    return operations_of(DESCRIPTION)


def operations_of(description: Json) -> Iterator[tuple[Operation, Json]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield (method, path), operation


def schemes_of(operation: Json) -> set[str]:
    """What an operation takes for credentials: Caller, LearnerSession, NodeToken or nothing."""
    return {name for each in operation.get("security", ()) for name in each}


# -- addresses -------------------------------------------------------------------------------------

PLACES: dict[str, Callable[[Scene], str]] = {
    "organisation_id": lambda scene: to_hex(scene.world.story.stage.operator_id),
    "agreement_id": Scene.proposed,
    "leaf": lambda scene: to_hex(leaf_of(scene.kept.entry)),
    "settlement_id": Scene.settlement,
    "webhook_id": Scene.webhook,
    "key_id": Scene.key,
    "person_id": Scene.person,
    "session_id": Scene.session,
    "request_id": Scene.request,
    "rights_request_id": Scene.rights_request,
    "act_id": Scene.act,
    "account": lambda scene: "issued",
    "month": lambda scene: datetime.now(UTC).strftime("%Y-%m"),
}
PLACES_OF: dict[Operation, dict[str, Callable[[Scene], str]]] = {
    ("post", "/v1/agreements/{agreement_id}/suspend"): {"agreement_id": Scene.concluded},
    ("post", "/v1/agreements/{agreement_id}/resume"): {"agreement_id": Scene.suspended},
    ("post", "/v1/consents/{leaf}/erasure"): {"leaf": Scene.over},
    ("get", "/v1/withdrawals/{leaf}"): {"leaf": Scene.over},
    ("post", "/v1/outbox/{act_id}/retry"): {"act_id": Scene.failed_act},
    ("get", "/v1/usages/{agreement_id}/{month}"): {
        "agreement_id": lambda scene: to_hex(scene.agreement)
    },
    ("post", "/v1/organisations/{organisation_id}/rights-requests"): {
        "organisation_id": lambda scene: to_hex(scene.world.provider.id)
    },
}
QUERIES: dict[Operation, dict[str, Callable[[Scene], str]]] = {
    ("get", "/v1/vouchers"): {"agreement": lambda scene: to_hex(scene.agreement)},
    ("get", "/v1/catalogue/offers"): {"name": Scene.offer},
    ("get", "/v1/events"): {"after": lambda scene: "0-0-0", "limit": lambda scene: "2"},
}
HEADERS: dict[str, Callable[[Scene], str]] = {
    "Reference-Token": lambda scene: str(scene.lost_keys()["token"]),
    "Request-Token": Scene.token,
}

LISTED: dict[Operation, Callable[[Scene], str]] = {
    ("get", "/v1/consent-requests"): Scene.request,
    ("get", "/v1/webhooks"): Scene.webhook,
    ("get", "/v1/api-keys"): Scene.key,
    ("get", "/v1/people"): Scene.person,
    ("get", "/v1/sessions"): Scene.session,
    ("get", "/v1/rights-requests"): Scene.rights_request,
}
"""What a list is to show: else a leak of it would be a leak of nothing."""

# -- bodies ----------------------------------------------------------------------------------------

Maker = Callable[[Scene, dict[str, str]], Any]


def signature_under(scene: Scene, path: dict[str, str]) -> Json:
    agreement = next(each for each in scene.world.terms if to_hex(each) == path["agreement_id"])
    return scene.world.signature_of(scene.world.provider, agreement)


def line_of_csv(scene: Scene, _: dict[str, str]) -> str:
    body = asking(scene.world)
    values = {
        "subjectReference": scene.mark,
        "agreementId": body["agreementId"],
        "purposes": "|".join(each["purpose"] for each in body["purposes"]),
        "recipients": "|".join(body["recipients"]),
        "noticeReference": body["notice"]["reference"],
        "noticeVersion": body["notice"]["version"],
        "noticeSha256": body["notice"]["sha256"],
        "validUntil": str(body["validUntil"]),
    }
    return ",".join(values) + "\n" + ",".join(values.values()) + "\n"


def subject(scene: Scene, _: dict[str, str]) -> Json:
    return {"subjectReference": scene.asked()["subjectReference"]}


def subject_who_has_answered(scene: Scene, _: dict[str, str]) -> Json:
    asked = scene.asked()
    named = {"Request-Token": token_of(asked)}
    url = f"{scene.world.node.url}/v1/requests/by-token/grant"
    HTTP.post(url, headers=named, json=answer_to_request(scene, named)).raise_for_status()
    return {"subjectReference": asked["subjectReference"]}


def answer_to_request(scene: Scene, named: dict[str, str]) -> Json:
    seen = opened(scene.world, named["Request-Token"])
    return {"records": [compose(seen, 0, secrets.token_bytes(32))]}


def new_consent(scene: Scene, _: dict[str, str]) -> Json:
    record = scene.world.make_record(secrets.token_bytes(32), group_id=scene.mark)
    return {"records": [to_json(record)]}


def withdrawal(scene: Scene, _: dict[str, str]) -> Json:
    secret = secrets.token_bytes(32)
    return scene.world.withdrawal_of(scene.grant(secret), secret)


def delivery(scene: Scene, path: dict[str, str]) -> Json:
    recipient = to_hex(scene.world.consumer.id)
    return {"recipient": recipient, **new_consent(scene, path)}


def orders(scene: Scene, _: dict[str, str]) -> Json:
    order = {"leaf": to_hex(secrets.token_bytes(32)), "issuer": to_hex(scene.world.provider.id)}
    return {"recipient": to_hex(scene.world.consumer.id), "erasures": [order]}


def uses(scene: Scene, _: dict[str, str]) -> Json:
    leaf = to_hex(leaf_of(scene.used.entry))
    return {"agreementId": to_hex(scene.agreement), "consents": [leaf]}


def message(scene: Scene, _: dict[str, str]) -> Json:
    account = new_account()
    now = datetime.now(UTC).timestamp()
    words = message_of(ask_nonce(scene.world), account.address, now)
    signature = "0x" + personal_sign(account, words).hex()
    invitation = scene.invited()["invitation"]
    return {"message": words, "signature": signature, "invitation": invitation}


def registration(scene: Scene, passkey: Authenticator) -> Json:
    invitation = scene.invited()["invitation"]
    url = f"{scene.world.node.url}/v1/sign-in/passkey/registration-challenge"
    challenge = HTTP.post(url, json={"invitation": invitation}).json()["challenge"]
    return {"invitation": invitation, "credential": passkey.register(challenge)}


def assertion(scene: Scene, _: dict[str, str]) -> Json:
    url = f"{scene.world.node.url}/v1/sign-in/passkey"
    passkey = new_passkey(scene)
    HTTP.post(f"{url}/registration", json=registration(scene, passkey)).raise_for_status()
    challenge = HTTP.post(f"{url}/challenge").json()["challenge"]
    return {"credential": passkey.answer(challenge)}


def new_passkey(scene: Scene) -> Authenticator:
    return Authenticator(scene.world.node.url, "127.0.0.1")


def proof_of_key(scene: Scene, _: dict[str, str]) -> Json:
    """Over the nonce of a session; `as_learner` gives the session with it."""
    begun = HTTP.post(f"{scene.world.node.url}/v1/me/session").json()
    digest = session_digest(scene.world.chain_id, bytes.fromhex(begun["nonce"][2:]))
    signature = to_hex(sign_digest(scene.learner_key, digest))
    proof = {"holder": to_hex(address_of(scene.learner_key)), "signature": signature}
    SESSIONS[signature] = begun["token"]
    return {"holders": [proof]}


SESSIONS: dict[str, str] = {}
"""By the signature over its nonce."""


def about_consent(scene: Scene, _: dict[str, str]) -> Json:
    return {"leaf": to_hex(leaf_of(scene.kept.entry)), "reason": scene.mark}


BODIES: dict[Operation, Maker] = {
    ("post", "/v1/participants"): lambda scene, _: {"did": scene.admitted(), "name": "New"},
    ("post", "/v1/agreements"): lambda scene, _: {
        "terms": TermsShape.of(scene.world.make_terms()).to_json()
    },
    ("post", "/v1/agreements/{agreement_id}/signatures"): signature_under,
    ("post", "/v1/agreements/{agreement_id}/document"): lambda scene, _: {
        "document": scene.world.story.documents.contract_source
    },
    ("post", "/v1/agreements/{agreement_id}/suspend"): lambda scene, _: {},
    ("post", "/v1/agreements/{agreement_id}/terminate"): lambda scene, _: {},
    ("post", "/v1/consent-requests"): lambda scene, _: asking(
        scene.world, subjectReference=scene.mark
    ),
    ("post", "/v1/consent-requests/import"): line_of_csv,
    ("post", "/v1/consent-requests/search"): subject,
    ("post", "/v1/consent-requests/export"): subject_who_has_answered,
    ("post", "/v1/consent-requests/erasure"): subject,
    ("post", "/v1/consent-requests/attest"): lambda scene, _: {"requestIds": [scene.request()]},
    ("post", "/v1/requests/by-token/grant"): answer_to_request,
    ("post", "/v1/consents"): new_consent,
    ("post", "/v1/consents/status"): lambda scene, _: {
        "consents": [{"leaf": to_hex(leaf_of(scene.kept.entry))}]
    },
    ("post", "/v1/withdrawals"): withdrawal,
    ("post", "/v1/records"): delivery,
    ("post", "/v1/records/erasures"): orders,
    ("post", "/v1/did-documents"): lambda scene, _: {
        "document": make_did_document(scene.world.provider.did, [public(new_key())])
    },
    ("post", "/v1/usages"): uses,
    ("post", "/v1/vouchers"): lambda scene, _: scene.world.use(scene.used, 1),
    ("post", "/v1/settlements"): lambda scene, _: scene.world.use(scene.used, 1),
    ("post", "/v1/webhooks"): lambda scene, _: {
        "url": f"https://127.0.0.1:1/{scene.mark}",
        "names": ["RateSet"],
    },
    ("post", "/v1/webhooks/{webhook_id}/redeliver"): lambda scene, _: {"after": "0-0-0"},
    ("post", "/v1/api-keys"): lambda scene, _: {"label": scene.mark, "role": "auditor"},
    ("post", "/v1/api-keys/{key_id}/rotate"): lambda scene, _: {"overlapSeconds": 0},
    ("post", "/v1/people"): lambda scene, _: {"label": scene.mark, "role": "auditor"},
    ("put", "/v1/people/{person_id}/role"): lambda scene, _: {"role": "auditor"},
    ("post", "/v1/sign-in/ethereum"): message,
    ("post", "/v1/sign-in/passkey"): assertion,
    ("post", "/v1/sign-in/passkey/registration-challenge"): lambda scene, _: {
        "invitation": scene.invited()["invitation"]
    },
    ("post", "/v1/sign-in/passkey/registration"): lambda scene, _: registration(
        scene, new_passkey(scene)
    ),
    ("post", "/v1/me/holders"): proof_of_key,
    ("post", "/v1/me/objections"): about_consent,
    ("post", "/v1/me/erasures"): about_consent,
    ("post", "/v1/organisations/{organisation_id}/rights-requests"): lambda scene, _: {
        "kind": "access",
        "message": scene.mark,
        "contact": "anna@example.org",
    },
    ("post", "/v1/rights-requests/{rights_request_id}/answer"): lambda scene, _: {
        "decision": "done"
    },
}

# -- who asks --------------------------------------------------------------------------------------

CONSUMERS = {
    ("get", "/v1/usages"),
    ("get", "/v1/usages/{agreement_id}/{month}"),
    ("post", "/v1/usages"),
    ("post", "/v1/vouchers"),
}
OPERATORS = {("post", "/v1/participants"), ("get", "/metrics")}
PERSONS = {("delete", "/v1/session")}


def token_of_client(client: Any) -> str:
    return str(client._http.headers["authorization"].removeprefix("Bearer "))


def _token(scene: Scene, asked: Asked, schemes: set[str]) -> str | None:
    operation, world = (asked.method, asked.route), scene.world
    if operation == ("post", "/v1/me/holders"):
        return SESSIONS[asked.body["holders"][0]["signature"]]
    if operation in PERSONS:
        return scene.person_session()
    if "Caller" in schemes:
        hosted = world.consumer if operation in CONSUMERS else world.provider
        return token_of_client(world.operator if operation in OPERATORS else hosted.client)
    if "LearnerSession" in schemes:
        return scene.learner
    return delivery_token(scene, asked.content or b"") if schemes else None


def delivery_token(scene: Scene, content: bytes) -> str:
    """By the operator's DID key, for this body and once."""
    return operators_machine(scene.world).sender(content)


def valid_request(scene: Scene, operation: Operation, described: Json) -> Asked:
    """A request that succeeds, on objects that were made for it."""
    method, route = operation
    if operation in LISTED:
        LISTED[operation](scene)
    places = {**PLACES, **PLACES_OF.get(operation, {})}
    path = {name: places[name](scene) for name in re.findall(r"\{(\w+)\}", route)}
    needed = [each for each in described.get("parameters", ()) if each.get("required")]
    query = {name: value(scene) for name, value in QUERIES.get(operation, {}).items()}
    headers = {
        each["name"]: HEADERS[each["name"]](scene) for each in needed if each["in"] == "header"
    }
    body = BODIES[operation](scene, {**path, **headers}) if "requestBody" in described else None
    asked = Asked(method, route, path, query, headers, body)
    made = replace(asked, token=_token(scene, asked, schemes_of(described)))
    MADE[operation] = made
    return made


MADE: dict[Operation, Asked] = {}
ANSWERED: dict[Operation, tuple[Asked, httpx.Response]] = {}
"""What succeeded; scripts/record_examples.py writes it into the description."""


def earlier_request(scene: Scene, operation: Operation, described: Json) -> Asked:
    """One that has succeeded before and need not again."""
    return MADE.get(operation) or valid_request(scene, operation, described)
