"""What the node says in English is said to a French reader in French, values and all."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any, Literal

import pytest
from fastapi import Request
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from node.api.problem_documents import answer
from node.api.sentences import LENGTH_MAX, SLOT, said_in, translation_to
from node.api.texts import TEXTS_DIR, texts_of
from node.kept_rights_requests import RightsState
from node.problems import refused
from protocol.agreement import AgreementState, AgreementStatus
from protocol.assurance import Assurance
from protocol.consent import ConsentState
from protocol.consent_request import RequestState
from protocol.errors import (
    AmountTooLarge,
    EntryInvalid,
    ProtocolError,
    ScopesInvalid,
    SlipInvalid,
    StateInvalid,
    Stopped,
)
from protocol.errors.numbers_in_words import AGREEMENT_STATES, SCOPES
from protocol.types import AgreementId, Scope, UnixSeconds
from tests.web.sentences_in_code import (
    bare,
    sentences_of_fields,
    sentences_of_kinds,
    sentences_of_occasions,
    sentences_of_rules,
)

FRENCH = translation_to("fr")
STATES = (AgreementStatus, Assurance, ConsentState, RequestState, RightsState)
SECTIONS: dict[str, dict[str, str]] = json.loads(
    (TEXTS_DIR / "sentences.fr.json").read_text(encoding="utf-8")
)
KNOWN = {bare(english) for section in SECTIONS.values() for english in section}
COMPOSED = {
    "{}: {}",
    "No such {}",
    "No {} has this identifier, or it is not the caller's to see.",
    "The receiver answered {}",
    "The receiver answered {}: {}",
}
"""Found in the code only with what stands in them, or put together from several."""


def test_every_kind_of_problem_has_french_words() -> None:
    assert [each for each in sentences_of_kinds() if FRENCH.say(each) is None] == []


@pytest.mark.parametrize("find", [sentences_of_rules, sentences_of_fields])
def test_every_rule_and_every_fault_of_a_field_has_french_words(find: Any) -> None:
    assert [each for each in find() if bare(each) not in KNOWN] == []


def test_every_sentence_in_the_code_has_french_words() -> None:
    found = list(sentences_of_occasions())
    assert len(found) > 250
    assert [each for each in found if bare(each[1]) not in KNOWN] == []


def test_no_words_are_of_a_sentence_that_the_node_does_not_say() -> None:
    said = [told for _, told in sentences_of_occasions()]
    said += [*sentences_of_kinds(), *sentences_of_rules(), *sentences_of_fields()]
    bare_ones = {bare(each) for each in said}
    for name, section in SECTIONS.items():
        if name in ("libraries", "words"):  # what others say; states and nouns
            continue
        unsaid = [each for each in section if bare(each) not in bare_ones | COMPOSED]
        assert unsaid == [], name


def said_by_libraries() -> Iterator[str]:
    for text in ("", '{"a": 1,}', "[1 2]", '{"a" 1}', "1 2", '"', '"\n"'):
        with pytest.raises(ValueError, match="line 1") as told:
            json.loads(text)
        yield str(told.value)
    with pytest.raises(ValueError, match="isoformat") as told:
        date.fromisoformat("soon")
    yield str(told.value)
    with pytest.raises(ValidationError) as refusal:
        TypeAdapter(Literal["a", "b"]).validate_python("c")
    yield f"{refusal.value.errors()[0]['msg']}."
    for rule, value in (
        ({"required": ["a"]}, {}),
        ({"additionalProperties": False}, {"a": 1}),
        ({"additionalProperties": False}, {"a": 1, "b": 2}),
        ({"type": "string"}, 1),
        ({"pattern": "^a"}, "b"),
        ({"minLength": 2}, "a"),
        ({"maxLength": 1}, "ab"),
        ({"enum": [1]}, 2),
        ({"anyOf": [{"type": "string"}]}, 1),
        ({"minItems": 1}, []),
    ):
        [error] = Draft202012Validator(rule).iter_errors(value)
        yield error.message


def test_what_libraries_say_of_values_has_french_words() -> None:
    said = list(said_by_libraries())
    assert [each for each in said if FRENCH.say(each) is None] == []
    assert len({FRENCH.say(each) for each in said}) == len(SECTIONS["libraries"])


def test_both_texts_have_the_same_values() -> None:
    for section in SECTIONS.values():
        for english, french in section.items():
            assert sorted(SLOT.findall(english)) == sorted(SLOT.findall(french)), english


def texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case _:
            for each in value:
                yield from texts_in(each)


FRENCH_TEXTS = [*texts_in(SECTIONS), *texts_in(texts_of("fr"))]


@pytest.mark.parametrize(
    "fault", ["[^\u202f][;!?]", "[^\xa0]»", "«[^\xa0]", "[ \u202f]:", r"\w:\s"]
)
def test_french_is_set_as_the_french_do(fault: str) -> None:
    outside_code = [re.sub(r"`[^`]*`", "", each) for each in FRENCH_TEXTS]
    assert [each for each in outside_code if re.search(fault, each)] == []


@pytest.mark.parametrize("other_word", ["condensé", r"\btrésor\b", r"(?<!nom d')\butilisateur"])
def test_one_thing_has_one_word(other_word: str) -> None:
    assert [each for each in FRENCH_TEXTS if re.search(other_word, each, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("The amount is zero.", "Le montant est zéro."),
        ("units: It is missing.", "units\xa0: Il manque."),
        (
            "lines.2.email: It is empty., and 3 more",
            "lines.2.email\xa0: Il n'y a rien. Et 3 autres erreurs.",
        ),
        (
            "validUntil: 'soon' is no time: it is neither.",
            "validUntil\xa0: 'soon' n'est pas un temps\xa0: ce n'est ni l'un ni l'autre.",
        ),
        (
            "It failed for 5 days, at last so: No answer within 10 s.",
            "Échec pendant 5 jours, le dernier ainsi\xa0: Pas de réponse en 10 s.",
        ),
        ("There is no agreement 0x12.", "Introuvable\xa0: accord 0x12."),
        (
            "An address is 20 bytes as 0x and 40 hexadecimal digits; this has 3 digits.",
            "Une adresse, c'est 20 octets sous la forme 0x et 40 chiffres hexadécimaux\u202f; "
            "ceci a 3 chiffres.",
        ),
        (
            "lines.2.email: It is empty., and 1 more",
            "lines.2.email\xa0: Il n'y a rien. Et 1 autre erreur.",
        ),
        (
            "The consent 0xab is withdrawal-pending.",
            "État du consentement 0xab\xa0: retrait en cours.",
        ),
        ("Input should be 'a', 'b' or 'c'.", "Il faut 'a', 'b' ou 'c'."),
        (
            "Category 3 has no rate in period 682.",
            "La catégorie 3 n'a pas de taux en novembre 2026.",
        ),
        (
            "The consent would end at 1577836800, now is 1795793633.",
            "Le consentement finirait le 1 janvier 2020, 00:00:00 UTC\u202f; nous sommes le "
            "27 novembre 2026, 15:33:53 UTC.",
        ),
    ],
)
def test_values_are_read_out_of_the_sentence_and_said_again(english: str, french: str) -> None:
    assert FRENCH.say(english) == french


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("New business is stopped until 1795793633.", "27 November 2026, 15:33:53 UTC"),
        ("Category 3 has no rate in period 682.", "November 2026"),
        ("New business is stopped until 253402300800.", "253402300800"),
        ("New business is stopped until soon.", "soon"),
        ("7 is more than the 3 available.", "7 is more than the 3 available."),
        ("this has 1 digits", "this has 1 digit"),
        ("this has 2 digits", "this has 2 digits"),
        ("1 units are more than the voucher's 0.", "1 unit is more than the voucher's 0."),
        ("The line has 1 values for 8 columns.", "The line has 1 value for 8 columns."),
    ],
)
def test_an_english_page_writes_times_and_numbers_as_people_do(told: str, shown: str) -> None:
    assert shown in said_in(told, "en").unescape()
    assert "1 digits" not in said_in(told, "en")


def test_english_sentences_with_a_number_are_among_those_that_the_node_says() -> None:
    own = json.loads((TEXTS_DIR / "sentences.en.json").read_text(encoding="utf-8"))["numbers"]
    assert [each for each in own if each not in {e for s in SECTIONS.values() for e in s}] == []
    for english, words in own.items():
        assert re.sub(r"\{\w+\|[^|{}]*\|([^|{}]*)\}", r"\1", words) == english, "the plural"


@pytest.mark.parametrize(
    ("error", "english", "french"),
    [
        (
            StateInvalid(agreement_id=AgreementId(b"\x12" * 32), state=3),
            "stands at suspended, which",
            "suspendu.",
        ),
        (
            ScopesInvalid(scopes=17, allowed=6),
            "Scopes manage, claim are not among agree, anchor.",
            "Portées demandées\xa0: manage (gérer les comptes), claim (déplacer l'argent)\u202f; "
            "possibles\xa0: agree (signer des accords), anchor (inscrire des consentements).",
        ),
        (ScopesInvalid(scopes=0, allowed=96), "Scopes none are not among 96.", "aucune"),
        (StateInvalid(agreement_id=AgreementId(b"\x12" * 32), state=9), "stands at 9,", "9."),
    ],
)
def test_what_is_a_number_on_chain_is_said_by_its_word(
    error: ProtocolError, english: str, french: str
) -> None:
    problem = refused(error)
    assert english in problem.detail
    assert french in str(FRENCH.say(problem.detail))
    assert problem.values == {each.name: getattr(error, each.name) for each in fields(error)}
    assert all(isinstance(each, bytes | int) for each in problem.values.values()), "as on chain"


def test_the_words_are_those_of_the_enumerations() -> None:
    assert tuple(str(each.name).lower() for each in Scope) == SCOPES
    assert tuple(each.name.lower() for each in AgreementState) == AGREEMENT_STATES


def test_every_state_and_assurance_has_words() -> None:
    named: list[str] = [
        *(each.value for kind in STATES for each in kind),
        *("waiting", "sent", "mined", "final", "failed", "expired", "refused"),  # an act's
    ]
    assert [each for each in named if FRENCH.say(each) is None] == []


def test_a_rule_broken_within_another_is_told_whole() -> None:
    inner = EntryInvalid(reason="122 bytes, not 123")
    told = refused(SlipInvalid(reason=str(inner))).detail
    said = FRENCH.say(told)
    assert said is not None
    assert "122 octets, pas 123" in said
    assert "Refaites l'entrée" in said


def test_what_has_no_words_says_that_it_is_english() -> None:
    assert FRENCH.say("Nobody has written this <b>.") is None
    assert FRENCH.say("There is no unicorn 0x12.") is None
    shown = said_in("Nobody has written this <b>.", "fr")
    assert shown == '<span lang="en">Nobody has written this &lt;b&gt;.</span>'
    assert said_in("The amount is zero.", "en") == "The amount is zero."


def test_a_value_is_escaped_and_no_value_is_a_slot() -> None:
    shown = said_in("'<i>{path}' is no amount.", "fr")
    assert shown == "&#39;&lt;i&gt;{path}&#39; n&#39;est pas un montant."


def test_no_text_takes_long() -> None:
    started = time.process_time()
    for text in ("Confirm it. ", "a is b; c: d, and 3 more. ", "No such There is no : Send "):
        FRENCH.say((text * LENGTH_MAX)[:LENGTH_MAX])
    assert time.process_time() - started < 2


def problem_in(language: str | None, error: ProtocolError | None = None) -> Any:
    headers = [] if language is None else [(b"accept-language", language.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/x", "headers": headers})
    problem = refused(error or AmountTooLarge(amount=7, available=3), "amount")
    return answer(problem, request)


def test_a_program_gets_times_as_numbers_and_a_browser_as_dates() -> None:
    error = Stopped(until=UnixSeconds(1_795_793_633))
    told = {each: json.loads(problem_in(each, error).body) for each in (None, "en-GB", "fr")}
    assert "1795793633" in told[None]["detail"]
    assert "27 November 2026" in told["en-GB"]["detail"]
    assert "27 novembre 2026" in told["fr"]["detail"]
    assert {each["values"]["until"] for each in told.values()} == {1_795_793_633}


def test_the_api_is_english_unless_french_is_asked_for() -> None:
    for language in (None, "en", "de", "*"):
        response = problem_in(language)
        assert json.loads(response.body)["detail"] == "7 is more than the 3 available."
        assert response.headers["content-language"] == "en"


def test_a_script_of_a_french_page_gets_french_words() -> None:
    response = problem_in("fr")
    told = json.loads(response.body)
    assert response.headers["content-language"] == "fr"
    assert response.headers["vary"] == "Accept-Language"
    assert told["title"] == "Montant trop grand"
    assert told["detail"] == "7, c'est plus que les 3 disponibles."
    [wrong] = told["errors"]
    assert wrong["field"] == "amount"
    assert wrong["detail"] == told["detail"]
    assert wrong["remedy"] == told["remedy"] == "Demandez au plus ce qui est disponible."
    assert told["type"] == "/problems/amount-too-large"


def test_of_a_failure_kept_without_a_sentence_nothing_is_said() -> None:
    assert (said_in(None, "fr"), said_in("", "en")) == ("", "")
