"""Whatever happens to consents and their agreement, in whatever order and by whichever door: the
node says what a model in memory says, now and as of any moment before.

The model keeps what was done; the rules of `protocol` say what follows from it.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from protocol import lifecycle
from protocol.agreement import AgreementFacts, AgreementState
from protocol.consent import ConsentFacts, ConsentStatus, status_at
from protocol.entries import encode_entry, leaf_of
from protocol.errors import ProtocolError
from protocol.record import Record, to_json
from protocol.slip import Slip, encode_slip
from protocol.types import UnixSeconds, to_hex
from tests.access.signing import HTTP
from tests.refusals import send
from tests.stage import Json, World, wait_until

PARTIES = st.sampled_from(["provider", "consumer"])


@dataclass(slots=True, eq=False)
class Granted:
    """A consent as the model knows it."""

    record: Record
    secret: bytes
    key: str
    facts: ConsentFacts

    @property
    def leaf(self) -> str:
        return to_hex(leaf_of(self.record.entry))


class Consents(RuleBasedStateMachine):
    """Consents under one agreement."""

    world: ClassVar[World]
    granted = Bundle("granted")

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        self.agreement = world.conclude()
        terms = world.terms[self.agreement]
        self.known: list[Granted] = []
        self.moments: list[tuple[UnixSeconds, Granted, str]] = []
        self.life = lifecycle.propose(self.agreement, terms)
        for party in terms.parties:
            self.life = lifecycle.sign(self.life, party, terms.valid_from)
        self.history = [(self.block_time(), AgreementState.ACTIVE)]

    # -- the model ---------------------------------------------------------------------------

    def block_time(self) -> UnixSeconds:
        return UnixSeconds(self.world.web3.eth.get_block("latest")["timestamp"])

    def expected(self, consent: Granted, at: UnixSeconds) -> ConsentStatus:
        agreement = AgreementFacts(
            self.life.parties, self.life.valid_from, self.life.valid_until, tuple(self.history)
        )
        return status_at(consent.record.entry, consent.facts, agreement, at)

    def note_moment(self) -> None:
        """What is true as of the newest block stays so, unless the next shares its second."""
        at = self.block_time()
        self.moments = [each for each in self.moments if each[0] < at]
        self.moments += [(at, each, self.expected(each, at).state.value) for each in self.known]

    def ended(self, consent: Granted, who: bytes, name: str) -> None:
        """The chain itself says when; the first time stays."""
        registry = self.world.contract("ConsentRegistry").functions
        found = registry.revocations(self.world.web3.to_checksum_address(who), consent.leaf).call()
        at = UnixSeconds(found[0] if isinstance(found, list | tuple) else found)
        assert getattr(consent.facts.endings, name) in (None, at)
        endings = replace(consent.facts.endings, **{name: at})
        consent.facts = replace(consent.facts, endings=endings)
        self.note_moment()

    def act_on_chain(self, party: str, call: Any) -> None:
        receipt = self.world.story.parties[party].wallet.call(call)
        self.world.wait_for_block(receipt.block_number)

    # -- acts --------------------------------------------------------------------------------

    @rule(target=granted)
    def grant(self) -> Granted:
        world, secret = self.world, secrets.token_bytes(32)
        record = world.make_record(secret, agreement_id=self.agreement)
        consent = Granted(record, secret, secrets.token_hex(8), ConsentFacts())
        answer = self.send_grant(consent, consent.key)
        if self.life.state is AgreementState.ACTIVE:
            assert answer.status_code == 202, answer.text
            wait_until(lambda: world.status(record)["state"] not in ("queued",), "the anchor")
            consent.facts = ConsentFacts(anchored_at=self.block_time())
            self.known.append(consent)
            self.note_moment()
        else:
            assert answer.status_code == 422, answer.text
        return consent

    def send_grant(self, consent: Granted, key: str | None) -> Any:
        body = {"records": [to_json(consent.record)]}
        headers = {"Idempotency-Key": key} if key else None
        return send(self.world.provider.client, "POST", "/v1/consents", body, headers)

    @rule(consent=granted)
    def grant_again(self, consent: Granted) -> None:
        """With its key the same answer, whatever has happened since; else it is granted already."""
        if consent in self.known:
            again = self.send_grant(consent, consent.key)
            assert again.status_code == 202
            assert again.headers["idempotent-replayed"] == "true"
            assert self.send_grant(consent, None).status_code in (409, 422)

    @rule(consent=granted, door=st.sampled_from(["signature", "slip"]))
    def withdraw(self, consent: Granted, door: str) -> None:
        world, record = self.world, consent.record
        body = world.withdrawal_of(record, consent.secret)
        if door == "slip":
            signature = bytes.fromhex(body["signature"][2:])
            slip = encode_slip(Slip(record.chain_id, record.registry, record.entry, signature))
            body = {"slip": to_hex(slip)}
        answer = HTTP.post(f"{world.node.url}/v1/withdrawals", json=body)
        if consent not in self.known:
            assert answer.status_code == 404, answer.text
            return
        assert answer.status_code == 202, answer.text
        assert not world.status(record)["active"], "the gate is closed at once"
        path = f"{world.node.url}/v1/withdrawals/{consent.leaf}"
        wait_until(lambda: HTTP.get(path).json()["state"] == "withdrawn", "the withdrawal")
        self.ended(consent, record.entry.holder, "withdrawn_at")

    @rule(consent=granted)
    def forge_a_withdrawal(self, consent: Granted) -> None:
        body = self.world.withdrawal_of(consent.record, secrets.token_bytes(32))
        answer = HTTP.post(f"{self.world.node.url}/v1/withdrawals", json=body)
        assert answer.status_code in ((422,) if consent in self.known else (404, 422))

    @rule(consent=granted)
    def revoke(self, consent: Granted) -> None:
        if consent in self.known:
            registry = self.world.contract("ConsentRegistry").functions
            self.act_on_chain("provider", registry.revoke(self.world.provider.id, consent.leaf))
            self.ended(consent, self.world.provider.id, "revoked_at")

    @rule(consent=granted)
    def end_it_as_somebody_else(self, consent: Granted) -> None:
        """In the consumer's own namespace, which counts for nothing."""
        registry = self.world.contract("ConsentRegistry").functions
        self.act_on_chain("consumer", registry.withdraw(consent.leaf))
        self.note_moment()

    @rule(party=PARTIES, act=st.sampled_from(["suspend", "resume", "resume", "terminate"]))
    def act_on_agreement(self, party: str, act: str) -> None:
        organisation = self.world.story.parties[party]
        try:
            self.life = getattr(lifecycle, act)(self.life, organisation.id)
        except ProtocolError:
            return  # that the contract refuses the same is shown elsewhere
        reason = () if act == "resume" else (bytes(32),)
        registry = self.world.contract("AgreementRegistry").functions
        call = getattr(registry, act)(self.agreement, organisation.id, *reason)
        self.act_on_chain(party, call)
        self.history.append((self.block_time(), self.life.state))
        self.note_moment()

    # -- answers -----------------------------------------------------------------------------

    @rule(consent=granted)
    def ask_as_another_organisation(self, consent: Granted) -> None:
        """The leaf tells it nothing; whoever has the entry learns the status."""
        path, operator = "/v1/consents/status", self.world.operator
        by_leaf = send(operator, "POST", path, {"consents": [{"leaf": consent.leaf}]})
        assert by_leaf.status_code == 404
        entry = to_hex(encode_entry(consent.record.entry))
        by_entry: Json = operator.post(path, {"consents": [{"entry": entry}]})["consents"][0]
        self.compare(consent, by_entry)

    @rule(place=st.integers(0, 1_000))
    def ask_as_of_an_earlier_moment(self, place: int) -> None:
        if self.moments:
            at, consent, state = self.moments[place % len(self.moments)]
            path = f"/v1/consents/{consent.leaf}"
            shown = self.world.provider.client.get(path, at=at)
            assert shown["status"]["state"] == state

    @invariant()
    def says_what_the_model_says(self) -> None:
        for consent in self.known:
            self.compare(consent, self.world.status(consent.record))

    def compare(self, consent: Granted, answer: Json) -> None:
        now = UnixSeconds(max(self.block_time(), int(time.time())))
        expected = self.expected(consent, now)
        assert answer["state"] == expected.state.value
        assert answer["active"] is (expected.state.value == "active")
        assert answer["endedAt"] == expected.ended_at
        times = [ending["endedAt"] for ending in answer["endings"]]
        assert times == [ending.ended_at for ending in expected.endings]


def play(world: World, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        type("OfThisWorld", (Consents,), {"world": world}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            phases=(Phase.generate,),  # to make a failure smaller takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_node_says_of_consents_what_a_model_says(world: World) -> None:
    play(world, examples=12, steps=15)


@pytest.mark.deep
def test_the_node_says_of_consents_what_a_model_says_for_longer(world: World) -> None:
    play(world, examples=200, steps=30)
