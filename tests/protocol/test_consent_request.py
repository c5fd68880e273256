"""Where a consent request stands, which assurance is enough, and what policies ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.assurance import STRENGTH, Assurance, is_at_least, required_by_policies
from protocol.consent_request import (
    DOCUMENT_BYTES_MAX,
    DOCUMENTS_BYTES_MAX,
    RequestState,
    check_lengths,
    compose_receipt,
    request_state,
)
from protocol.errors import DocumentUnreadable, RecordTooLarge
from protocol.prometheus_x import RECEIPT_VERSION
from protocol.record import Document, document_digest, document_to_json
from protocol.types import UnixSeconds

NOTICE = {"reference": "https://school.example/privacy", "version": "1", "sha256": "0x" + "00" * 32}


class Life(RuleBasedStateMachine):
    """A request and a clock that only goes on, against the words: the first answer in time counts,
    nothing after it, and without one the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.expires_at = 0, 100
        self.answered = RequestState.SENT
        self.first_answer: RequestState | None = None

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(answer=st.sampled_from([RequestState.GRANTED, RequestState.REFUSED]))
    def answer(self, answer: RequestState) -> None:
        if self.now < self.expires_at and self.first_answer is None:
            self.first_answer = answer
        if self.state() is RequestState.SENT:
            self.answered = answer

    def state(self) -> RequestState:
        return request_state(self.answered, UnixSeconds(self.expires_at), UnixSeconds(self.now))

    @invariant()
    def is_as_the_words_say(self) -> None:
        over = RequestState.EXPIRED if self.now >= self.expires_at else RequestState.SENT
        assert self.state() is (self.first_answer or over)


TestLife = Life.TestCase


@given(st.sampled_from(STRENGTH), st.sampled_from(STRENGTH), st.sampled_from(STRENGTH))
def test_assurances_have_one_order(one: Assurance, two: Assurance, three: Assurance) -> None:
    assert is_at_least(one, one)
    assert is_at_least(one, two) or is_at_least(two, one)
    if is_at_least(one, two) and is_at_least(two, three):
        assert is_at_least(one, three)
    assert is_at_least(Assurance.IDENTIFIED, one)
    assert is_at_least(one, Assurance.ATTESTED)


def policy(*assurances: Any, operator: str = "gteq") -> dict[str, Any]:
    constraints = [
        {"leftOperand": "assurance", "operator": operator, "rightOperand": each}
        for each in assurances
    ]
    purpose = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "signed"}
    return {"permission": [{"action": "use", "constraint": [purpose, *constraints]}]}


@pytest.mark.parametrize(
    ("policies", "required"),
    [
        ([], Assurance.ATTESTED),
        ([policy()], Assurance.ATTESTED),
        ([policy("signed")], Assurance.SIGNED),
        ([policy("attested"), {"policy": [policy("identified", "signed")]}], Assurance.IDENTIFIED),
        ([None, 7, "assurance", policy("signed", operator="eq")], Assurance.SIGNED),
    ],
)
def test_the_strongest_constraint_of_all_policies_counts(
    policies: list[Any], required: Assurance
) -> None:
    assert required_by_policies(policies) is required


@pytest.mark.parametrize("odd", [policy("sure"), policy(None), policy("signed", operator="lt")])
def test_a_constraint_that_nobody_understands_is_not_passed_over(odd: dict[str, Any]) -> None:
    with pytest.raises(DocumentUnreadable):
        required_by_policies([policy("signed"), odd])


def test_a_receipt_is_composed_around_a_purpose_and_names_no_person() -> None:
    receipt = compose_receipt(
        {"purpose": "guidance"},
        NOTICE,
        "fr",
        ("did:web:school.example", "School"),
        ["did:web:guide.example", "did:web:school.example"],
        "record",
        UnixSeconds(1_800_000_000),
    )
    recipients = ("did:web:guide.example",)
    value = document_to_json(Document(receipt, NOTICE, recipients, Assurance.SIGNED))
    assert value["receipt"]["record"] == {
        "schemaVersion": RECEIPT_VERSION,
        "recordId": "record",
        "piiPrincipalId": "",
    }
    parties = [party["partyId"] for party in value["receipt"]["partyIdentification"]]
    assert parties == ["did:web:school.example", "did:web:guide.example"]
    assert value["receipt"]["event"][0]["eventState"] == "consent requested"


@pytest.mark.parametrize(
    ("lengths", "refused"),
    [
        ([], None),
        ([DOCUMENT_BYTES_MAX], None),
        ([1, DOCUMENT_BYTES_MAX + 1], "the document of purpose 1"),
        ([DOCUMENTS_BYTES_MAX // 4] * 4, None),
        ([1, *[DOCUMENTS_BYTES_MAX // 4] * 4], "all documents together"),
    ],
)
def test_documents_leave_room_for_what_answers_them(
    lengths: list[int], refused: str | None
) -> None:
    if refused is None:
        check_lengths(lengths)
        return
    with pytest.raises(RecordTooLarge, match=refused):
        check_lengths(lengths)


@pytest.mark.parametrize("field", ["reference", "version", "sha256"])
def test_another_notice_is_another_document(field: str) -> None:
    receipt = compose_receipt(
        {"purpose": "guidance"}, NOTICE, "fr", ("did:web:a", "A"), [], "r", UnixSeconds(1)
    )
    changed = {**NOTICE, field: NOTICE[field][:-1] + "9"}
    digests = {
        document_digest(Document(receipt, notice, (), Assurance.SIGNED))
        for notice in (NOTICE, changed)
    }
    assert len(digests) == 2
