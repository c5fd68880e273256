"""An organisation's machine shows a JWT by a key of its DID document, once, and nothing like it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from web3 import Web3

from node.did_keys import DidKeys
from protocol.did_document import did_document_hash, key_id, make_did_document
from protocol.record import to_json
from protocol.types import to_hex
from tests.records.signed_tokens import (
    Jwk,
    claims_of,
    compact,
    decode,
    encode,
    new_key,
    public,
    signed,
    with_raw,
)
from tests.records.two_nodes import SECOND_OPERATOR, TwoNodes
from tests.stage import wait_until

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(slots=True)
class Machine:
    """A machine of the issuer, with a key on each curve; its organisation is hosted at `url`."""

    nodes: TwoNodes
    keys: dict[str, Jwk]

    @property
    def did(self) -> str:
        return self.nodes.issuer.did

    @property
    def url(self) -> str:
        return self.nodes.first.url

    @property
    def key(self) -> Jwk:
        return self.keys["P-256"]

    @property
    def kid(self) -> str:
        return key_id(self.did, public(self.key))

    def claims(self, **changes: Any) -> Jwk:
        return claims_of(self.did, self.url, **changes)

    def token(self, curve: str = "P-256", **changes: Any) -> str:
        return signed(self.did, self.keys[curve], self.claims(**changes))

    def header(self, **changes: Any) -> bytes:
        header = {"alg": "ES256", "kid": self.kid, "typ": "JWT", **changes}
        return compact({name: value for name, value in header.items() if value is not None})

    def with_header(self, **changes: Any) -> str:
        return with_raw(self.key, self.header(**changes), compact(self.claims()))

    def with_payload(self, payload: bytes) -> str:
        return with_raw(self.key, self.header(), payload)

    def ask(self, token: str) -> httpx.Response:
        """A question about a consent that nobody holds: 404 for whoever may ask it."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{self.url}/v1/consents/0x{'77' * 32}", headers=headers)

    def publish(self, *keys: Jwk) -> None:
        """A document of these keys, served by the node and named by the chain."""
        document = make_did_document(self.did, [public(key) for key in keys])
        kept = self.nodes.issuer.client.post("/v1/did-documents", {"document": document})
        assert kept["documentHash"] == to_hex(did_document_hash(document))
        self.describe(did_document_hash(document))

    def describe(self, document_hash: bytes) -> None:
        registry = self.nodes.world.contract("ParticipantRegistry")
        own = Web3.to_checksum_address(self.nodes.issuer.id)
        self.nodes.issuer.wallet.call(registry.functions.describe(own, self.url, document_hash))
        path = f"{self.url}/v1/participants/{to_hex(self.nodes.issuer.id)}"
        named = to_hex(document_hash) if any(document_hash) else None
        wait_until(
            lambda: httpx.get(path).json()["didDocumentHash"] == named, "the hash in the index"
        )


@pytest.fixture(scope="module")
def machine(two_nodes: TwoNodes) -> Machine:
    made = Machine(two_nodes, {c: new_key(c) for c in ("P-256", "secp256k1", "Ed25519")})
    made.publish(*made.keys.values())
    return made


def test_a_large_batch_does_not_use_its_token_up_before_it_is_read(machine: Machine) -> None:
    """The token is looked at when the body turns out to be large, and used by the route alone."""
    record = machine.nodes.make_record(secrets.token_bytes(32))
    body = json.dumps({"records": [to_json(record)]}).encode() + b" " * 1_000_000
    token = machine.token()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url = f"{machine.url}/v1/consents"
    answer = httpx.post(url, content=body, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    again = httpx.post(url, content=body, headers=headers, timeout=30)
    assert not known(again), "it was used"
    machine.nodes.wait_for_deliveries(record, [("record", "delivered")])


def known(answer: httpx.Response) -> bool:
    """Whether the node took the token; a refusal must be the problem that says so."""
    if answer.status_code == 404:
        assert answer.json()["type"] == "/problems/consent-not-found"
        return True
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] in ("/problems/token-refused", "/problems/key-invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    return False


@pytest.mark.parametrize("curve", ["P-256", "secp256k1", "Ed25519"])
def test_each_algorithm_is_taken(machine: Machine, curve: str) -> None:
    assert known(machine.ask(machine.token(curve)))


Mutation = Callable[[Machine], str]


def with_hmac(machine: Machine, header: bytes) -> str:
    """Signed with the public key as if it were a shared secret."""
    text = f"{encode(header)}.{encode(compact(machine.claims()))}"
    secret = compact(public(machine.key))
    return f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def doubled(machine: Machine, name: str) -> str:
    claims = machine.claims()
    payload = compact(claims)
    return machine.with_payload(payload[:-1] + b',"' + name.encode() + b'":"x"}')


def changed(machine: Machine, part: int, change: Callable[[str], str]) -> str:
    parts = machine.token().split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def flip_last_bits(text: str) -> str:
    """Other text that a lenient reader decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def stranger(machine: Machine, did: str, jwk: Jwk) -> str:
    return signed(did, jwk, claims_of(did, machine.url))


MUTATIONS: dict[str, Mutation] = {
    "alg none, unsigned": lambda m: (
        f"{encode(m.header(alg='none'))}.{encode(compact(m.claims()))}."
    ),
    "alg none, signed": lambda m: m.with_header(alg="none"),
    "alg None in capitals": lambda m: m.with_header(alg="None"),
    "alg HS256 by the public key": lambda m: with_hmac(m, m.header(alg="HS256")),
    "alg ES256 by the public key": lambda m: with_hmac(m, m.header()),
    "alg RS256": lambda m: m.with_header(alg="RS256"),
    "alg ES384": lambda m: m.with_header(alg="ES384"),
    "alg of another key": lambda m: m.with_header(alg="ES256K"),
    "alg missing": lambda m: m.with_header(alg=None),
    "alg no text": lambda m: m.with_header(alg=["ES256"]),
    "aud of another node": lambda m: m.token(aud=m.nodes.passage.url),
    "aud with a slash": lambda m: m.token(aud=m.url + "/"),
    "aud a list": lambda m: m.token(aud=[m.url, m.nodes.passage.url]),
    "aud missing": lambda m: m.token(aud=None),
    "exp passed": lambda m: m.token(iat=int(time.time()) - 120, exp=int(time.time()) - 1),
    "exp missing": lambda m: m.token(exp=None),
    "exp as text": lambda m: m.token(exp=str(int(time.time()) + 60)),
    "exp a fraction": lambda m: m.token(exp=time.time() + 60),
    "exp too far": lambda m: m.token(exp=int(time.time()) + 301),
    "exp before iat": lambda m: m.token(iat=int(time.time()) + 20, exp=int(time.time()) + 10),
    "iat in the future": lambda m: m.token(iat=int(time.time()) + 60, exp=int(time.time()) + 90),
    "iat missing": lambda m: m.token(iat=None),
    "iat true": lambda m: m.token(iat=True),
    "nbf in the future": lambda m: m.token(nbf=int(time.time()) + 50),
    "iss of another organisation": lambda m: m.token(iss=SECOND_OPERATOR),
    "iss missing": lambda m: m.token(iss=None),
    "sub of another organisation": lambda m: m.token(sub=SECOND_OPERATOR),
    "sub missing": lambda m: m.token(sub=None),
    "jti missing": lambda m: m.token(jti=None),
    "jti empty": lambda m: m.token(jti=""),
    "jti a number": lambda m: m.token(jti=7),
    "jti too long": lambda m: m.token(jti="j" * 129),
    "kid unknown": lambda m: m.with_header(kid=f"{m.did}#other"),
    "kid without a name": lambda m: m.with_header(kid=m.did),
    "kid of another DID": lambda m: m.with_header(kid=m.kid.replace(m.did, SECOND_OPERATOR)),
    "kid missing": lambda m: m.with_header(kid=None),
    "kid no text": lambda m: m.with_header(kid={"kid": m.kid}),
    "typ missing": lambda m: m.with_header(typ=None),
    "typ of a delivery": lambda m: m.with_header(typ="ptx-delivery+jwt"),
    "typ of a confirmation": lambda m: m.with_header(typ="ptx-confirmation+jwt"),
    "cty nested": lambda m: m.with_header(cty="JWT"),
    "header jwk": lambda m: m.with_header(jwk=public(m.key)),
    "header jku": lambda m: m.with_header(jku=f"{m.url}/v1/did-documents/0x00"),
    "header x5u": lambda m: m.with_header(x5u=f"{m.url}/certificate"),
    "header x5c": lambda m: m.with_header(x5c=["MIIB"]),
    "header crit": lambda m: m.with_header(crit=["exp"]),
    "header b64": lambda m: m.with_header(b64=False, crit=["b64"]),
    "header zip": lambda m: m.with_header(zip="DEF"),
    "key of nobody": lambda m: signed(m.did, new_key(), m.claims()),
    "key of nobody under the kid": lambda m: with_raw(new_key(), m.header(), compact(m.claims())),
    "another organisation, not hosted": lambda m: stranger(
        m, SECOND_OPERATOR, DidKeys(m.nodes.second.settings.keys_dir).newest_first()[0].private_jwk
    ),
    "nobody's DID": lambda m: stranger(m, "did:web:nobody.example", new_key()),
    "a did:key": lambda m: stranger(
        m, "did:key:z2dmzD81cgPx8Vki7JbuuMmFYrWPgYoytykUZ3eyqht1j9Kb", new_key()
    ),
    "doubled aud": lambda m: doubled(m, "aud"),
    "doubled exp": lambda m: doubled(m, "exp"),
    "doubled alg": lambda m: with_raw(
        m.key, m.header()[:-1] + b',"alg":"none"}', compact(m.claims())
    ),
    "jti half a character": lambda m: m.token(jti="\ud800"),
    "kid half a character": lambda m: m.with_header(kid="did:web:\ud800#key"),
    "claims a list": lambda m: m.with_payload(b"[]"),
    "claims no JSON": lambda m: m.with_payload(b"{"),
    "claims nested too deep": lambda m: m.with_payload(b"[" * 3_000),
    "claims not UTF-8": lambda m: m.with_payload(b'{"iss":"\xff"}'),
    "claims compressed into a token": lambda m: m.with_payload(m.token().encode()),
    "payload changed": lambda m: changed(
        m, 1, lambda text: encode(decode(text).replace(b'"jti":"', b'"jti":"x'))
    ),
    "signature cut": lambda m: changed(m, 2, lambda text: text[:-2]),
    "signature of zeros": lambda m: changed(m, 2, lambda text: encode(bytes(64))),
    "signature as DER": lambda m: changed(m, 2, lambda text: encode(b"\x30\x44" + decode(text))),
    "signature missing": lambda m: changed(m, 2, lambda text: ""),
    "signature not canonical": lambda m: changed(m, 2, flip_last_bits),
    "base64 padded": lambda m: changed(m, 2, lambda text: text + "=="),
    "base64 with other letters": lambda m: changed(m, 2, lambda text: text[:-3] + "+" + text[-2:]),
    "a space inside": lambda m: changed(m, 1, lambda text: text[:4] + " " + text[4:]),
    "a newline in the signed JSON's base64": lambda m: changed(
        m, 1, lambda t: t[:4] + "%0A" + t[4:]
    ),
    "a fourth part": lambda m: m.token() + ".e30",
    "a fifth part, as if encrypted": lambda m: m.token() + ".e30.e30",
    "two parts": lambda m: m.token().rpartition(".")[0],
    "parts exchanged": lambda m: ".".join(reversed(m.token().split("."))),
    "too long": lambda m: m.token(padding="x" * 9_000),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_token_that_is_wrong_in_one_thing_is_refused(machine: Machine, name: str) -> None:
    assert len(MUTATIONS) >= 30
    assert not known(machine.ask(MUTATIONS[name](machine))), name
    assert known(machine.ask(machine.token()))


def test_a_token_is_used_once(machine: Machine) -> None:
    token = machine.token()
    assert known(machine.ask(token))
    assert not known(machine.ask(token))
    again = machine.ask(token).json()
    assert "jti" in again["detail"]


def test_the_mirrored_signature_of_a_used_token_is_the_same_token(machine: Machine) -> None:
    """n - s signs the same; the jti and not the bytes is what was used."""
    token = machine.token()
    head, _, signature = token.rpartition(".")
    raw = decode(signature)
    mirrored = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    assert known(machine.ask(f"{head}.{encode(mirrored)}"))
    assert not known(machine.ask(token))


def test_a_token_that_is_refused_is_not_used_up(machine: Machine) -> None:
    """Nobody can use up another's jti without its key."""
    claims = machine.claims()
    assert not known(machine.ask(with_raw(new_key(), machine.header(), compact(claims))))
    assert known(machine.ask(signed(machine.did, machine.key, claims)))


def test_of_many_uses_at_once_one_succeeds(machine: Machine) -> None:
    for _ in range(3):
        token, answers = machine.token(), []
        start = threading.Barrier(6)

        def use(token: str = token, answers: list[Any] = answers, start: Any = start) -> None:
            start.wait()
            answers.append(known(machine.ask(token)))

        threads = [threading.Thread(target=use) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [False] * 5 + [True]


def test_the_role_is_the_configured_one(machine: Machine) -> None:
    """`operator`: not the admin's rights."""
    document = make_did_document(machine.did, [public(machine.key)])
    answer = httpx.post(
        f"{machine.url}/v1/did-documents",
        json={"document": document},
        headers={"Authorization": f"Bearer {machine.token()}"},
    )
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/role-missing"


def test_a_key_that_left_the_document_counts_no_more(machine: Machine) -> None:
    newer = new_key()
    machine.publish(newer)
    try:
        assert not known(machine.ask(machine.token()))
        assert known(machine.ask(signed(machine.did, newer, machine.claims())))
    finally:
        machine.publish(*machine.keys.values())
    assert known(machine.ask(machine.token()))


def test_a_document_that_is_served_but_not_on_chain_counts_for_nothing(machine: Machine) -> None:
    newer = new_key()
    document = make_did_document(machine.did, [public(newer)])
    kept = machine.nodes.issuer.client.post("/v1/did-documents", {"document": document})
    assert kept["isOnChain"] is False
    assert not known(machine.ask(signed(machine.did, newer, machine.claims())))
    assert known(machine.ask(machine.token()))
    shown = httpx.get(f"{machine.url}/v1/did-documents/{to_hex(machine.nodes.issuer.id)}")
    assert shown.headers["content-type"] == "application/did+ld+json"
    assert machine.kid in json.dumps(shown.json())


def test_an_organisation_without_a_hash_on_chain_is_told_what_to_do(machine: Machine) -> None:
    machine.describe(bytes(32))
    try:
        answer = machine.ask(machine.token())
        assert not known(answer)
        assert "ParticipantRegistry.describe" in answer.json()["detail"]
    finally:
        machine.publish(*machine.keys.values())


@pytest.mark.parametrize(
    "change",
    [
        {"id": "did:web:somebody.else"},
        {"verificationMethod": []},
        {"verificationMethod": "none"},
        {"authentication": ["did:web:somebody.else#key"]},
        {"filler": "x" * 70_000},
    ],
)
def test_a_document_that_is_none_is_not_served(machine: Machine, change: Jwk) -> None:
    document = {**make_did_document(machine.did, [public(machine.key)]), **change}
    answer = httpx.post(
        f"{machine.url}/v1/did-documents",
        json={"document": document},
        headers=dict(machine.nodes.issuer.client._http.headers),
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/did-document-invalid"
    assert answer.json()["errors"][0]["field"] == "document"


def test_a_document_with_a_private_key_is_not_served(machine: Machine) -> None:
    document = make_did_document(machine.did, [machine.key])
    answer = httpx.post(
        f"{machine.url}/v1/did-documents",
        json={"document": document},
        headers=dict(machine.nodes.issuer.client._http.headers),
    )
    assert answer.status_code == 422
    assert machine.key["d"] not in answer.text
