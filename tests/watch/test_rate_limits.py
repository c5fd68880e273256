"""Who counts as one caller, and how much one may ask: laws, without a clock."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.rate_limits import (
    MINUTE_SECONDS,
    Allowance,
    KnownKeys,
    RateLimits,
    client_address,
    network_of,
    parse_networks,
)
from node.config import Settings

PROXIES = parse_networks("10.0.0.0/8, 2001:db8:ffff::/48")


@given(
    per_minute=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200),
)
def test_no_minute_takes_more_than_two_allowances_and_no_waiting_is_in_vain(
    per_minute: int, pauses: list[float]
) -> None:
    """A full allowance and what refills meanwhile; who waits as long as told is taken."""
    allowance, now, taken = Allowance(per_minute), 1_000.0, []
    for pause in pauses:
        now += pause
        wait = allowance.take("caller", now)
        if wait == 0.0:
            taken.append(now)
        else:
            assert Allowance.wait_seconds(allowance, "caller", now + wait + 1e-6) == 0.0
            assert wait <= MINUTE_SECONDS / per_minute + 1e-6
    for begin in taken:
        within = [each for each in taken if begin <= each < begin + MINUTE_SECONDS]
        assert len(within) <= 2 * per_minute


def test_a_whole_minute_may_come_at_once_and_refills_evenly() -> None:
    allowance = Allowance(60)
    assert [allowance.take("a", 0.0) for _ in range(60)] == [0.0] * 60
    assert allowance.take("a", 0.0) == pytest.approx(1.0)
    assert allowance.take("b", 0.0) == 0.0
    assert allowance.take("a", 1.0001) == 0.0
    assert allowance.take("a", 1.0002) > 0.0


def test_a_million_networks_do_not_fill_the_memory() -> None:
    allowance = Allowance(60, callers_max=100)
    for number in range(10_000):
        allowance.take(number, 0.0)
    assert len(allowance) == 100
    known = KnownKeys(keys_max=2)
    for key in (b"1", b"2", b"1", b"3"):
        known.add(key)
    assert [each in known for each in (b"1", b"2", b"3")] == [True, False, True]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, forged", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, , 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("2001:db8:ffff::1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_an_address_is_believed_as_far_as_proxies_are_trusted(
    peer: str, forwarded: str, client: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


@given(st.lists(st.text(st.characters(exclude_characters=","), max_size=20), max_size=5))
def test_nobody_without_a_trusted_proxy_chooses_an_address(hops: list[str]) -> None:
    assert client_address("192.0.2.1", ",".join(hops), PROXIES) == "192.0.2.1"


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_one_customer_are_one(address: int, host: int) -> None:
    one, other = IPv6Address(address), IPv6Address((address >> 64 << 64) | host)
    if one.ipv4_mapped is None and other.ipv4_mapped is None:
        assert network_of(str(one)) == network_of(str(other))


def test_ipv4_addresses_are_one_each_in_either_form() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("not an address") == "not an address"


def limits(**changes: int) -> RateLimits:
    settings = Settings(
        rate_key_per_minute=changes.get("key", 4),
        rate_address_per_minute=changes.get("address", 3),
        rate_learners_per_minute=changes.get("learners", 5),
        rate_guesses_per_minute=changes.get("guesses", 2),
    )
    return RateLimits(settings)


def test_each_kind_of_caller_has_an_allowance_of_its_own() -> None:
    judged = limits()
    asking = judged.caller_of("192.0.2.1", "", b"Bearer good", "/v1/consents")
    assert judged.take(asking, 0.0) is None
    judged.learn(asking, 200, True, 0.0)
    for _ in range(4):
        assert judged.take(asking, 0.0) is None
    refused = judged.take(asking, 0.0)
    assert refused is not None
    assert refused.limit == "key"
    stranger = judged.caller_of("192.0.2.1", "", b"", "/v1/rates")
    assert [judged.take(stranger, 0.0) for _ in range(2)] == [None, None]
    assert judged.take(stranger, 0.0).limit == "address"  # type: ignore[union-attr]
    learner = judged.caller_of("192.0.2.1", "", b"Bearer session", "/v1/me/consents")
    assert [judged.take(learner, 0.0) for _ in range(5)] == [None] * 5
    assert judged.take(learner, 0.0).limit == "learners"  # type: ignore[union-attr]


def test_guessing_ends_soon_and_locks_nobody_out_whose_key_is_known() -> None:
    judged = limits(address=1_000)
    good = judged.caller_of("192.0.2.1", "", b"Bearer good", "/v1/consents")
    judged.learn(good, 200, True, 0.0)
    for number in range(2):
        guess = judged.caller_of("192.0.2.1", "", b"Bearer %d" % number, "/v1/consents")
        assert judged.take(guess, 0.0) is None
        judged.learn(guess, 401, False, 0.0)
    another = judged.caller_of("192.0.2.1", "", b"Bearer another", "/v1/consents")
    assert judged.take(another, 0.0).limit == "guesses"  # type: ignore[union-attr]
    assert judged.take(good, 0.0) is None
    elsewhere = judged.caller_of("192.0.2.2", "", b"Bearer another", "/v1/consents")
    assert judged.take(elsewhere, 0.0) is None


def test_a_key_that_answers_prove_invalid_is_known_no_more() -> None:
    judged = limits()
    caller = judged.caller_of("192.0.2.1", "", b"Bearer once", "/v1/consents")
    judged.learn(caller, 200, True, 0.0)
    judged.learn(caller, 401, False, 0.0)
    for _ in range(3):
        judged.take(caller, 0.0)
    assert judged.take(caller, 0.0).limit == "address"  # type: ignore[union-attr]
    # An answer that asked nobody for the key says nothing of it.
    judged.learn(caller, 200, False, 0.0)
    assert judged.take(caller, 0.0).limit == "address"  # type: ignore[union-attr]
