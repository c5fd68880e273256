"""Who reads French is told in French what is wrong, on a page of its own and beside each field."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from tests.organisation.test_requests_pages import file_of, line, upload
from tests.organisation.visits import visit
from tests.stage import World

NO_ID = "0x" + "00" * 32


def english_in(page: str) -> list[str]:
    """What a page's main part marks as English: a sentence that has no French words."""
    main = page.partition("<main")[2]
    return [html.unescape(each) for each in re.findall(r'<span lang="en">([^<]*)', main)]


def words_of(page: str) -> str:
    """The text of a page's main part."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", main)).split())


def assert_is_french(answer: httpx.Response, words: str) -> None:
    assert answer.status_code >= 400
    assert answer.headers["content-language"] == "fr"
    assert english_in(answer.text) == []
    assert words in words_of(answer.text)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("validUntil", "2020-01-01", "Demandez un temps à venir."),
        ("validUntil", "bientôt", "'bientôt' n'est pas un temps"),
        ("agreementId", NO_ID, f"Introuvable : accord {NO_ID}."),
        ("agreementId", "0x12", "ceci a 2 chiffres"),
        ("recipients", "personne", "Ce n'est pas un DID."),
        ("subjectReference", "", "Le texte est trop court."),
        ("subjectReference", "x" * 1_000, "Le texte est trop long."),
        ("minimumAssurance", "beaucoup", "Il faut"),
    ],
)
def test_beside_a_field_of_a_consent_request(
    world: World, field: str, value: str, words: str
) -> None:
    answer = visit(world, language="fr").post("/requests/new", **line(world, **{field: value}))
    assert_is_french(answer, words)


def test_beside_the_fields_of_an_agreement(world: World) -> None:
    wrong = {"party-1": "x", "line-1-price": "cher", "line-1-payee": "did:web:nobody.example"}
    answer = visit(world, language="fr").post("/agreements/new", **wrong)
    assert_is_french(answer, "'cher' ne se lit pas.")
    assert "Aucune finalité n'est nommée." in words_of(answer.text)


def test_each_fault_of_a_file(world: World) -> None:
    somebody = visit(world, language="fr")
    for text, words in (
        (file_of(line(world), line(world, validUntil="jamais")), "'jamais' n'est pas un temps"),
        ("subjectReference\nx\n", "La colonne agreementId manque."),
        ("", "La colonne"),
    ):
        status, page = upload(somebody, text)
        assert status == 422
        assert english_in(page) == []
        assert words in words_of(page)


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("/access/keys", {"label": "x", "role": "roi"}, "Il faut"),
        ("/access/keys", {"label": "x", "role": "admin", "expiresAt": "2020-01-01"}, "est passé"),
        ("/access/people", {"role": "admin"}, "Le texte est trop court."),
        (
            "/access/webhooks",
            {"url": "https://127.0.0.1:1/", "names": "Rien"},
            "événement 'Rien'",
        ),
        ("/money/claim", {"amount": "cher", "to": "0x" + "11" * 20}, "n'est pas un montant"),
        ("/money/claim", {"amount": "0", "to": "0x" + "11" * 20}, "Le montant est zéro."),
        ("/accounts/retire", {"account": "0x" + "11" * 20}, "n'est lié à aucune organisation"),
        ("/requests/search", {"subjectReference": ""}, "Le texte est trop court."),
        (f"/agreements/{NO_ID}/suspend", {}, "Introuvable : accord"),
    ],
)
def test_on_a_page_of_its_own(world: World, path: str, form: dict[str, str], words: str) -> None:
    assert_is_french(visit(world, language="fr").post(path, **form), words)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nothing", "Il n'y a rien à l'adresse /organisation/nothing."),
        ("/agreements?state=perdu", "Cet état n'existe pas."),
        ("/outbox?state=perdu", "Il faut"),
        (f"/consents/{NO_ID}", "Introuvable : consentement"),
        ("/consents/0x12", "ceci a 2 chiffres"),
        ("/statements/novembre", "Écrivez le mois"),
    ],
)
def test_behind_an_address_that_is_wrong(world: World, path: str, words: str) -> None:
    assert_is_french(visit(world, language="fr").http.get(f"/organisation{path}"), words)
