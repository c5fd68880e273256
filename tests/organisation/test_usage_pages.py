"""Uses on the organisation's pages: by month and line, in the consumer's view and the payee's."""

from __future__ import annotations

import csv
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from node.intake.completion import CompletedLine
from protocol.entries import leaf_of
from protocol.types import AgreementId, to_hex
from tests.organisation.visits import Visit, visit
from tests.stage import Json, World

UNITS, SETTLED = 5, 3
LINES = (
    CompletedLine(payee="provider", category=1, unit_price_minor=50_000, free_units=0),
    CompletedLine(payee="provider", category=2, unit_price_minor=12_345, free_units=2),
)
GROSS = UNITS * 50_000 + (UNITS - 2) * 12_345
GROSS_SETTLED = SETTLED * 50_000 + (SETTLED - 2) * 12_345


@dataclass(frozen=True)
class Used:
    """Five uses of one consent, of which a voucher over three is settled."""

    agreement: AgreementId
    leaf: str
    voucher: Json
    month: str

    @property
    def path(self) -> str:
        return f"/usage/{to_hex(self.agreement)}/{self.month}"


@pytest.fixture(scope="module")
def used(world: World) -> Used:
    agreement = world.conclude(LINES)
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    first = world.use(record, SETTLED)
    world.consumer.client.post("/v1/vouchers", first)
    world.settle(first)
    voucher = world.use(record, UNITS - SETTLED)
    month = voucher["voucher"]["period"]
    return Used(agreement, to_hex(leaf_of(record.entry)), voucher, month)


def consumer(world: World, language: str = "en") -> Visit:
    return visit(world, "operator", language, of=world.consumer.client)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def own_row(rows: list[dict[str, str]], used: Used) -> dict[str, Any]:
    [found] = [each for each in rows if each["agreementId"] == to_hex(used.agreement)]
    return found


def test_own_uses_are_counted_and_priced_by_month(world: World, used: Used) -> None:
    somebody = consumer(world)
    page = somebody.page("/usage")
    assert f'href="/organisation{used.path}"' in page
    row = own_row(rows_of(somebody.get("/usage.csv").text), used)
    assert row["month"] == used.month
    assert (row["units"], row["settledUnits"]) == (str(UNITS), str(SETTLED))
    assert row["gross"] == f"0.{GROSS:06d}"
    told = world.consumer.client.get("/v1/usages")
    [month] = [each for each in told["items"] if each["agreementId"] == to_hex(used.agreement)]
    assert month["grossMinor"] == GROSS
    assert [each["freeUnitsUsed"] for each in month["lines"]] == [0, 2]


def test_a_month_is_told_line_by_line_and_use_by_use(world: World, used: Used) -> None:
    somebody = consumer(world)
    page = somebody.page(used.path)
    assert "2 of 2" in page
    assert f"€{GROSS / 1_000_000:.6f}".rstrip("0") in page
    assert page.count(f"/organisation/consents/{used.leaf}") == UNITS
    assert f"/organisation/money/sign/{to_hex(used.agreement)}/{used.month}" in page
    rows = rows_of(somebody.get(f"{used.path}.csv").text)
    assert [each["position"] for each in rows] == ["5", "4", "3", "2", "1"]
    assert {each["consentLeaf"] for each in rows} == {used.leaf}
    older = somebody.page(used.path, before="2")
    assert older.count(f"/organisation/consents/{used.leaf}") == 2


def test_the_payee_sees_what_is_settled_and_not_each_use(world: World, used: Used) -> None:
    somebody = visit(world)
    row = own_row(rows_of(somebody.get("/usage/paid.csv").text), used)
    assert (row["month"], row["settledUnits"]) == (used.month, str(SETTLED))
    assert row["gross"] == f"0.{GROSS_SETTLED:06d}"
    assert row["consumer"] == to_hex(world.consumer.id)
    assert world.consumer.did in somebody.page("/usage")
    page = somebody.page(used.path)
    assert used.leaf not in page
    assert "No use is recorded here." in page


def test_months_before_are_one_link_away(world: World, used: Used) -> None:
    year = datetime.now(UTC).year
    somebody = consumer(world)
    assert used.path not in somebody.page("/usage", until=f"{year - 2}-01")
    later = f"{year + 1}-12"
    link = re.search(r'rel="next" href="([^"]+)"', somebody.page("/usage", until=later))
    assert link is not None
    assert used.path in somebody.http.get(link[1]).text
    assert somebody.get("/usage", until="2026-13").status_code == 422


def test_what_has_no_price_is_said(world: World, used: Used) -> None:
    somebody = consumer(world)
    before_all = somebody.get(f"/usage/{to_hex(used.agreement)}/1970-01")
    assert before_all.status_code == 422
    assert "unknown-category" in before_all.text
    unknown = somebody.get(f"/usage/0x{'12' * 32}/{used.month}")
    assert unknown.status_code == 404
    assert "There is no such agreement" in unknown.text


def test_whoever_may_not_see_uses_does_not(world: World, used: Used) -> None:
    limited = visit(world, "operator", areas=["consents"])
    for path in ("/usage", "/usage.csv", "/usage/paid.csv", used.path, f"{used.path}.csv"):
        assert limited.get(path).status_code == 403
    assert 'href="/organisation/usage"' not in limited.page("")


def test_french_says_it_as_french_does(world: World, used: Used) -> None:
    page = consumer(world, "fr").page(used.path)
    assert "Ce que coûte le mois" in page
    assert "2 sur 2" in page
