"""DID documents: one hash whoever writes them down, and keys that say what they may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from protocol.did_document import (
    BYTES_MAX,
    METHODS_MAX,
    algorithm_of,
    check_did_document,
    did_document_hash,
    find_key,
    key_id,
    make_did_document,
    thumbprint_of,
    url_of_did_web,
)
from protocol.errors import DidDocumentInvalid

DID = "did:web:school.example"


def public_key(curve: str = "P-256") -> dict[str, Any]:
    kind = OKPKey if curve == "Ed25519" else ECKey
    return dict(kind.generate_key(curve, private=True).as_dict(private=False))


KEYS = {curve: public_key(curve) for curve in ("P-256", "secp256k1", "Ed25519")}
DOCUMENT = make_did_document(DID, list(KEYS.values()))


def test_a_document_holds_its_keys_for_requests_and_statements() -> None:
    check_did_document(DOCUMENT, DID)
    for curve, algorithm in (("P-256", "ES256"), ("secp256k1", "ES256K"), ("Ed25519", "EdDSA")):
        kid = key_id(DID, KEYS[curve])
        assert find_key(DOCUMENT, kid, "authentication") == KEYS[curve]
        assert find_key(DOCUMENT, kid, "assertionMethod") == KEYS[curve]
        assert algorithm_of(KEYS[curve]) == algorithm


def test_a_key_does_only_what_the_document_lets_it_do() -> None:
    kid = key_id(DID, KEYS["P-256"])
    without = {**DOCUMENT, "authentication": []}
    assert find_key(without, kid, "authentication") is None
    assert find_key(without, kid, "assertionMethod") == KEYS["P-256"]
    assert find_key(DOCUMENT, f"{DID}#other", "authentication") is None


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """Its appendix A.3."""
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint_of(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert thumbprint_of({**key, "use": "sig"}) == thumbprint_of(key)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values))
def test_the_hash_does_not_see_how_it_is_written(more: dict[str, Any]) -> None:
    document = {**more, **DOCUMENT}
    rewritten = json.loads(json.dumps(dict(reversed(document.items())), indent=3))
    assert did_document_hash(rewritten) == did_document_hash(document)
    assert did_document_hash({**document, "one more": 1}) != did_document_hash(document)


def changed_method(**changes: Any) -> dict[str, Any]:
    method = {**DOCUMENT["verificationMethod"][0], **changes}
    document = {**DOCUMENT, "verificationMethod": [method], "authentication": []}
    return {**document, "assertionMethod": []}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**DOCUMENT, "id": "did:web:other.example"},
        {**DOCUMENT, "verificationMethod": []},
        {**DOCUMENT, "verificationMethod": {}},
        {**DOCUMENT, "verificationMethod": [None]},
        {**DOCUMENT, "verificationMethod": DOCUMENT["verificationMethod"][:1] * 2},
        {**DOCUMENT, "authentication": ["did:web:other.example#key"]},
        {**DOCUMENT, "authentication": [DOCUMENT["verificationMethod"][0]]},
        {**DOCUMENT, "assertionMethod": "all"},
        {**DOCUMENT, "filler": "x" * BYTES_MAX},
        {**DOCUMENT, "number": 2**60},
        make_did_document(DID, [public_key() for _ in range(METHODS_MAX + 1)]),
        changed_method(id="did:web:other.example#key"),
        changed_method(id=DID + "#"),
        changed_method(id=None),
        changed_method(type="EcdsaSecp256k1VerificationKey2019"),
        changed_method(publicKeyJwk=None),
        changed_method(publicKeyJwk={**KEYS["P-256"], "d": KEYS["P-256"]["x"]}),
        changed_method(publicKeyJwk={**KEYS["P-256"], "y": KEYS["P-256"]["x"]}),
        changed_method(publicKeyJwk={**KEYS["P-256"], "crv": "P-384"}),
        changed_method(publicKeyJwk={**KEYS["Ed25519"], "x": "AAAA"}),
        changed_method(publicKeyJwk={**KEYS["Ed25519"], "crv": "X25519"}),
        changed_method(publicKeyJwk={"kty": "oct", "k": "c2VjcmV0"}),
        changed_method(publicKeyJwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    ],
)
def test_what_is_no_document_of_the_organisation_is_refused(document: Any) -> None:
    assert did_document_hash(changed_method()) != did_document_hash(DOCUMENT)
    check_did_document(changed_method(), DID)
    with pytest.raises(DidDocumentInvalid):
        check_did_document(document, DID)


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:school.example", "https://school.example/.well-known/did.json"),
        ("did:web:school.example%3A8443", "https://school.example:8443/.well-known/did.json"),
        ("did:web:host.example:schools:1", "https://host.example/schools/1/did.json"),
        ("did:ebsi:zfEmvX5twhXjQJiCWsukvQA", None),
        ("did:web:", None),
        ("did:web:host.example:", None),
        ("did:web:host.example:..:up", None),
        ("did:web:host.example%2Fpath", None),
    ],
)
def test_a_did_web_says_where_its_document_is(did: str, url: str | None) -> None:
    assert url_of_did_web(did) == url
