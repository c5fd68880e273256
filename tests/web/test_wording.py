"""How amounts, months and times are said: exactly, and as the language does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.wording import MINUS, Wording, decimals_of, wording_of
from protocol.booking import amount_text
from protocol.periods import parse_period
from protocol.types import UINT128_MAX, AmountMinor, UnixSeconds

EN, FR = wording_of("en"), wording_of("fr")
NOVEMBER = parse_period("2026-11")
amounts = st.integers(-UINT128_MAX, UINT128_MAX).map(AmountMinor)


def plain(text: str) -> str:
    return re.sub(r"[\xa0\u202f]", " ", text)


@given(amounts)
def test_an_amount_is_never_rounded(amount: AmountMinor) -> None:
    said = re.sub(r"[^\d.-]", "", EN.money(amount).replace(MINUS, "-"))
    whole, part = said.split(".")
    assert len(part) >= 2
    assert f"{whole}.{part.ljust(6, '0')}" == amount_text(amount)


@given(st.lists(amounts, max_size=5))
def test_decimals_suffice_for_all(column: list[AmountMinor]) -> None:
    decimals = decimals_of(column)
    assert all(len(EN.money(each, decimals).split(".")[1]) == decimals for each in column)
    assert 2 <= decimals <= 6


@pytest.mark.parametrize(
    ("amount", "english", "french"),
    [
        (0, "€0.00", "0,00 €"),
        (1_234_567_890_000, "€1,234,567.89", "1 234 567,89 €"),
        (-12_345, "\N{MINUS SIGN}€0.012345", "\N{MINUS SIGN}0,012345 €"),
    ],
)
def test_money(amount: int, english: str, french: str) -> None:
    assert EN.money(AmountMinor(amount)) == english
    assert plain(FR.money(AmountMinor(amount))) == french


def test_on_an_axis_numbers_are_short() -> None:
    assert [EN.short_count(each) for each in (0, 9_000, 20_000, 1_500_000)] == [
        *("0", "9,000", "20k", "1.5m")
    ]
    assert plain(FR.short_money(AmountMinor(20_000_000_000))) == "20 k €"
    assert EN.short_money(AmountMinor(200_000)) == "€0.2"


def test_months_times_and_shares() -> None:
    assert (EN.month(NOVEMBER), FR.month(NOVEMBER)) == ("November 2026", "novembre 2026")
    assert (EN.short_month(NOVEMBER), EN.month_letter(NOVEMBER)) == ("Nov", "N")
    assert EN.time(UnixSeconds(1_795_793_633)) == "27 November 2026, 15:33:53 UTC"
    assert FR.time(UnixSeconds(1_795_793_633)) == "27 novembre 2026, 15:33:53 UTC"
    assert (EN.percent(250), plain(FR.percent(250))) == ("2.5%", "2,5 %")


@pytest.mark.parametrize("wording", [EN, FR])
def test_one_and_many_are_said_differently(wording: Wording) -> None:
    one, two = (wording.say("governance.rates.pending", count=count) for count in (1, 2))
    assert one.replace("1", "2") != two
