"""A request's minimum assurance is met by what the answer proves, not by what it says."""

from __future__ import annotations

import secrets

import pytest

from protocol.entries import decode_entry
from protocol.holder_keys import address_of
from protocol.signing import holder_binding_digest
from protocol.types import AgreementId, ContractAddress, from_hex, to_hex
from tests.protocol.consent_examples import credential_of, did_key_of, private_key, sign_with
from tests.refusals import assert_problem
from tests.requests.asking import answered, ask, compose, opened, token_of
from tests.stage import Json, World, wait_until

LEARNER, UNIVERSITY = private_key("learner"), private_key("university")


def identified(seen: Json, secret: bytes, credential_issuer: str) -> Json:
    """A record of the first purpose, with the word of the learner's credentialed DID."""
    document = {**seen["purposes"][0]["document"], "assurance": "identified"}
    record = compose(seen, 0, secret, document)
    registry = ContractAddress(from_hex(seen["registry"]))
    agreement = AgreementId(from_hex(seen["agreementId"]))
    assert decode_entry(from_hex(record["entry"])).holder == address_of(secret)
    message = holder_binding_digest(agreement, address_of(secret), seen["chainId"], registry)
    did = did_key_of(LEARNER)
    record["holderBinding"] = {
        "did": did,
        "signature": to_hex(sign_with(LEARNER, message)),
        "credential": credential_of(UNIVERSITY, credential_issuer, did),
    }
    return record


@pytest.mark.parametrize("minimum", ["attested", "signed", "identified"])
def test_a_credentialed_learner_meets_every_minimum(
    world: World, secret: bytes, minimum: str
) -> None:
    token = token_of(ask(world, minimumAssurance=minimum))
    record = identified(opened(world, token), secret, did_key_of(UNIVERSITY))
    answer = answered(world, token, [record])
    assert answer.status_code == 202, answer.text
    question = {"consents": [{"leaf": answer.json()["consents"][0]["leaf"]}]}

    def active() -> bool:
        [found] = world.provider.client.post("/v1/consents/status", question)["consents"]
        return bool(found["state"] == "active" and found["assurance"] == "identified")

    wait_until(active, "the consent on chain")


def test_a_credential_that_nobody_could_look_up_is_not_enough(world: World, secret: bytes) -> None:
    token = token_of(ask(world, minimumAssurance="identified"))
    record = identified(opened(world, token), secret, "did:ebsi:z25ZsYRAwgGbDrvCMGfnpYdH")
    problem = assert_problem(answered(world, token, [record]), 422, "assurance-too-weak", "records")
    assert problem["values"] == {"proven": "signed", "required": "identified"}


def test_the_issuers_own_credential_is_no_evidence_against_it(world: World, secret: bytes) -> None:
    token = token_of(ask(world, minimumAssurance="identified"))
    record = identified(opened(world, token), secret, world.provider.did)
    answer = answered(world, token, [record])
    assert answer.status_code == 422, answer.text


def test_paper_asked_for_is_not_signed_for_by_a_link(world: World) -> None:
    """Who holds the link is not the issuer, and an unsigned record is the issuer's word."""
    token = token_of(ask(world, minimumAssurance="attested"))
    seen = opened(world, token)
    unsigned = {**seen["purposes"][0]["document"], "assurance": "attested"}
    record = compose(seen, 0, secrets.token_bytes(32), unsigned)
    answer = answered(world, token, [record])
    assert_problem(answer, 422, "assurance-too-weak", "records")
