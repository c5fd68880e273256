"""The form of an agreement: what a person fills in, and the terms and the document that follow.

All that is filled in travels in the form's own fields from step to step, and nothing is kept before
the proposal. `party-1`, `party-2`, … are the other parties' DIDs, `line-1-payee`, … price lines.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from node.api.json_depth import is_too_deep
from node.api.organisation.forms import Form
from node.api.organisation.policy_words import policies_of
from node.api.schemas.base import require_storable
from node.intake.contract_document import make_contract_document
from node.intake.contract_import import Understanding
from node.intake.request_csv import day_or_seconds
from node.problems import FieldProblem, Problem
from protocol.agreement import LINES_MAX, PARTIES_MAX, PriceLine, Terms
from protocol.assurance import Assurance
from protocol.booking import MINOR_PER_TOKEN
from protocol.canonical import digest_of
from protocol.errors import CanonicalisationInvalid, HexInvalid
from protocol.identifiers import organisation_id
from protocol.types import (
    HASH_LENGTH,
    ZERO_HASH,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
    from_hex,
    to_hex,
)

Value = TypeVar("Value")
Fields = dict[str, str]

DOCUMENT = "document"
"""The field, and the file, of a contract's document; the node makes one where there is none."""
SINGLE = ("validFrom", "validUntil", "purposes", "recipients", "minimumAssurance", "rulebook")
CARRIED = ("salt", "documentSalt", "parent", DOCUMENT)
"""Fields that nobody fills in."""
LINE = ("payee", "category", "price", "free")
PARTY_ROW, LINE_ROW = re.compile(r"party-(\d{1,2})"), re.compile(r"line-(\d{1,2})-payee")
EUROS = re.compile(r"\d{1,12}([.,]\d{1,6})?")
UNITS = re.compile(r"\d{1,18}")
DAY_SECONDS = 86_400
VALIDITY_DAYS = 365
LAST_DAY = int(datetime.max.replace(tzinfo=UTC).timestamp())
SALT_LENGTH = 32
EURO_REMEDY = "Write euros such as 0.05, with six decimals at most."


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be proposed, with everybody's DID."""

    terms: Terms
    document: dict[str, Any]
    dids: Mapping[OrganisationId, str]


@dataclass(slots=True)
class _Reader:
    """Reads fields and collects what is wrong with them."""

    fields: Mapping[str, str]
    faults: list[FieldProblem] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def fault(self, name: str, detail: str, remedy: str) -> None:
        self.faults.append(FieldProblem(name, detail, remedy))

    def value(
        self, name: str, read: Callable[[str], Value], remedy: str, otherwise: Value
    ) -> Value:
        """What stands there, read; `otherwise` after noting a fault."""
        text = self.text(name)
        try:
            return read(text)
        except (ValueError, HexInvalid):
            self.fault(name, f"{text[:100]!r} cannot be read." if text else "It is empty.", remedy)
            return otherwise


def empty_form(own_did: str, today: int) -> Fields:
    """One other party, one price line that pays the organisation itself, valid for a year."""
    return {
        "party-1": "",
        **dict(zip(_line_names(1), (own_did, "", "", "0"), strict=True)),
        "validFrom": _day(today),
        "validUntil": _day(today + VALIDITY_DAYS * DAY_SECONDS),
        "minimumAssurance": Assurance.SIGNED.value,
        "salt": to_hex(secrets.token_bytes(SALT_LENGTH)),
        "documentSalt": to_hex(secrets.token_bytes(SALT_LENGTH)),
    }


def filled_form(
    terms: Terms,
    document: Mapping[str, Any] | None,
    own: OrganisationId,
    dids: Mapping[OrganisationId, str],
    today: int,
) -> Fields:
    """An agreement's terms for a proposal of other ones, from today on."""
    others = [dids[each] for each in terms.parties if each != own]
    until = max(terms.valid_until, today + VALIDITY_DAYS * DAY_SECONDS)
    filled = empty_form(dids[own], today) | {
        **{f"party-{number}": did for number, did in enumerate(others, 1)},
        "validUntil": _day(min(until, LAST_DAY)),
        "rulebook": "" if terms.rulebook == ZERO_HASH else to_hex(terms.rulebook),
    }
    for number, line in enumerate(terms.lines, 1):
        price = Decimal(line.unit_price) / MINOR_PER_TOKEN
        shown = (dids[line.payee], str(line.category), f"{price:f}", str(line.free_units))
        filled |= dict(zip(_line_names(number), shown, strict=True))
    if document is not None:
        filled |= policy_fields(document)
    return filled


def imported_form(
    understood: Understanding, dids: Mapping[str, str], own_did: str, today: int
) -> Fields:
    """What a file says, as far as its parties (`dids` by catalogue id) are participants."""
    named = [dids[each.catalogue_id] for each in understood.parties if each.catalogue_id in dids]
    others = [did for did in named if did != own_did]
    filled = empty_form(own_did, today)
    filled |= {f"party-{number}": did for number, did in enumerate(others, 1)}
    for each in understood.parties:
        if each.role == "provider" and each.catalogue_id in dids:
            filled["line-1-payee"] = dids[each.catalogue_id]
    if understood.use_price is not None:
        filled["line-1-price"] = f"{understood.use_price:f}"
    return filled


def policy_fields(document: Mapping[str, Any]) -> Fields:
    """Of a document that this form has made; another one is carried as it is."""
    try:
        [policy] = document["policy"]
        [permission] = policy["permission"]
        stated = {each["leftOperand"]: each["rightOperand"] for each in permission["constraint"]}
        found = {
            "purposes": "\n".join(stated["purpose"]),
            "recipients": "\n".join(stated["recipient"]),
            "minimumAssurance": stated["assurance"],
        }
        remade = make_contract_document(
            document["parties"],
            stated["purpose"],
            stated["recipient"],
            Assurance(stated["assurance"]),
            document["salt"],
        )
    except (KeyError, TypeError, ValueError):
        return {DOCUMENT: json.dumps(document)}
    return found if remade == document else {DOCUMENT: json.dumps(document)}


def read_fields(form: Form) -> Fields:
    """The form's fields, with the document that was chosen just now in place of an older one."""
    fields = {name: text for name, text in form.fields.items() if _is_of_form(name)}
    if DOCUMENT in form.files:
        fields[DOCUMENT] = form.files[DOCUMENT].decode("utf-8-sig", errors="replace")
    return fields


def rows(fields: Mapping[str, str], row: re.Pattern[str], most: int) -> int:
    """How many rows of a kind the form has."""
    numbers = [int(match[1]) for name in fields if (match := row.fullmatch(name))]
    return min(max(numbers, default=1), most)


def party_rows(fields: Mapping[str, str]) -> int:
    """Rows of other parties."""
    return rows(fields, PARTY_ROW, PARTIES_MAX - 1)


def line_rows(fields: Mapping[str, str]) -> int:
    """Rows of price lines."""
    return rows(fields, LINE_ROW, LINES_MAX)


def read_draft(fields: Mapping[str, str], own_did: str) -> Draft:
    """Raises a problem that names each field that is wrong."""
    reader = _Reader(fields)
    others = [f"party-{number}" for number in range(1, party_rows(fields) + 1)]
    named = [reader.text(name) for name in others if reader.text(name)]
    if not named:
        reader.fault("party-1", "No other party is named.", "Name one by its DID.")
    dids = {OrganisationId(organisation_id(did)): did for did in (own_did, *named)}
    lines = _read_lines(reader, dids)
    document = _read_document(reader, sorted(dids.values()))
    day = "Write a day such as 2027-08-31."
    policy = document["policy"] if "policy" in document else policies_of(document)
    terms = Terms(
        parties=tuple(sorted(dids)),
        valid_from=UnixSeconds(reader.value("validFrom", day_or_seconds, day, 0)),
        valid_until=UnixSeconds(reader.value("validUntil", day_or_seconds, day, 0)),
        policy_hash=_digest(reader, policy),
        document_hash=_digest(reader, document),
        rulebook=_hash(reader, "rulebook"),
        parent=AgreementId(_hash(reader, "parent")),
        salt=_hash(reader, "salt"),
        lines=tuple(lines),
    )
    if reader.faults:
        problem = Problem.of("request-invalid", "Some fields need another look.")
        problem.errors = reader.faults
        raise problem
    return Draft(terms, document, dids)


def place_faults(problem: Problem, fields: Mapping[str, str]) -> None:
    """Makes a refusal of the terms name the form's fields, where one of them is to blame, and a
    party as it was typed: nobody knows its id."""
    typed = {
        to_hex(organisation_id(did.strip())): did.strip()
        for name, did in fields.items()
        if PARTY_ROW.fullmatch(name)
    }

    def in_names(detail: str) -> str:
        return " ".join(typed.get(word, word) for word in detail.split(" "))

    problem.detail = in_names(problem.detail)
    problem.errors = [
        FieldProblem(_place_of(each.field, problem, fields), in_names(each.detail), each.remedy)
        for each in problem.errors
    ]


def _place_of(place: str, problem: Problem, fields: Mapping[str, str]) -> str:
    wrong = problem.values.get("organisation", problem.values.get("category"))
    for name, text in fields.items():
        if PARTY_ROW.fullmatch(name) and organisation_id(text.strip()) == wrong:
            return name
        if name.endswith("-category") and text.strip() == str(wrong):
            return name
    return place.removeprefix("terms.")


def _read_lines(reader: _Reader, dids: Mapping[OrganisationId, str]) -> list[PriceLine]:
    """Rows without a price are left out; a line pays one of the parties."""
    found = []
    for number in range(1, line_rows(reader.fields) + 1):
        payee, category, price, free = _line_names(number)
        if not reader.text(price):
            continue
        organisation = OrganisationId(organisation_id(reader.text(payee)))
        if organisation not in dids:
            reader.fault(payee, "This is none of the parties.", "Name a party's DID.")
        found.append(
            PriceLine(
                payee=organisation,
                category=Category(reader.value(category, _whole, "Choose a category.", 0)),
                unit_price=AmountMinor(reader.value(price, _minor, EURO_REMEDY, 0)),
                free_units=Units(reader.value(free, _whole, "Write a whole number.", 0)),
            )
        )
    return found


def _read_document(reader: _Reader, parties: Sequence[str]) -> dict[str, Any]:
    if reader.text(DOCUMENT):
        remedy = "Choose the contract's file: one JSON object, UTF-8."
        return reader.value(DOCUMENT, read_json_object, remedy, {})
    purposes = reader.lines("purposes")
    if not purposes:
        reader.fault("purposes", "No purpose is named.", "Say what the data are used for.")
    assurance = reader.value(
        "minimumAssurance", Assurance, "Choose one of the three.", Assurance.SIGNED
    )
    recipients = reader.lines("recipients")
    return make_contract_document(
        parties, purposes, recipients, assurance, reader.text("documentSalt")
    )


def _digest(reader: _Reader, value: Any) -> Hash32:
    try:
        return digest_of(value)
    except CanonicalisationInvalid as error:
        reader.fault(DOCUMENT, str(error), "Choose a document of canonical JSON (RFC 8785).")
        return Hash32(ZERO_HASH)


def _hash(reader: _Reader, name: str) -> Hash32:
    if not reader.text(name):
        return Hash32(ZERO_HASH)
    remedy = "Write 0x and 64 hexadecimal digits."
    return reader.value(
        name, lambda text: Hash32(from_hex(text, HASH_LENGTH)), remedy, Hash32(ZERO_HASH)
    )


def read_json_object(text: str) -> dict[str, Any]:
    """Raises ValueError for what is none, or too deep, or holds what no database takes."""
    if is_too_deep(text.encode(errors="replace")):
        raise ValueError("it is too deep")
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    require_storable(value)
    return value


def _minor(text: str) -> int:
    if not EUROS.fullmatch(text):
        raise ValueError("these are no euros")
    return int(Decimal(text.replace(",", ".")) * MINOR_PER_TOKEN)


def _whole(text: str) -> int:
    if not UNITS.fullmatch(text):
        raise ValueError("this is no whole number")
    return int(text)


def _line_names(number: int) -> list[str]:
    return [f"line-{number}-{name}" for name in LINE]


def _is_of_form(name: str) -> bool:
    is_line = re.fullmatch(rf"line-\d{{1,2}}-({'|'.join(LINE)})", name) is not None
    return name in (*SINGLE, *CARRIED) or PARTY_ROW.fullmatch(name) is not None or is_line


def _day(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()
