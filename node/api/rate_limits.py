"""How often one caller may ask: by API key, or by address where nobody is known by a key.

An allowance refills evenly and may be used at once (the generic cell rate algorithm of ATM, ITU-T
I.371). In memory, of one process, and bounded: whoever calls from a million networks makes this
node forget others' use, never run out of memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from node.config import Settings

CALLERS_MAX = 100_000
MINUTE_SECONDS = 60.0
IPV6_NETWORK_BITS = 64
"""What one customer of a network is given: the addresses in it are all theirs."""

KEY_IS_VALID = "ptx.key_is_valid"
"""Set in a request's scope by whoever has found its credential in the database."""
NETWORK = "ptx.network"
"""Where a request's scope has the network that it comes from."""
LEARNERS_DOORS = ("/v1/withdrawals/", "/v1/me/", "/v1/requests/")
"""Where many learners of one school call from one address, none of them with a key."""

Network = IPv4Network | IPv6Network


class Allowance:
    """So many requests a minute for each caller; those of a whole minute may come at once."""

    def __init__(self, per_minute: int, callers_max: int = CALLERS_MAX) -> None:
        self._interval = MINUTE_SECONDS / per_minute
        self._used_until: OrderedDict[Hashable, float] = OrderedDict()
        self._callers_max = callers_max

    def __len__(self) -> int:
        return len(self._used_until)

    def wait_seconds(self, caller: Hashable, now: float) -> float:
        """How long until the caller's next request is taken: 0.0 if it would be now."""
        used_until = self._used_until.get(caller, now)
        return max(used_until + self._interval - now - MINUTE_SECONDS, 0.0)

    def take(self, caller: Hashable, now: float) -> float:
        """Counts a request, unless the caller has to wait: for so many seconds, else 0.0."""
        wait = self.wait_seconds(caller, now)
        if wait > 0.0:
            return wait
        used = self._used_until
        used[caller] = max(used.get(caller, now), now) + self._interval
        used.move_to_end(caller)
        if len(used) > self._callers_max:
            used.popitem(last=False)
        return 0.0


class KnownKeys:
    """Credentials that were valid a while ago, as hashes; the longest unseen are forgotten."""

    def __init__(self, keys_max: int = CALLERS_MAX) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._keys_max = keys_max

    def __contains__(self, key: bytes) -> bool:
        return key in self._seen

    def add(self, key: bytes) -> None:
        """It was valid just now."""
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > self._keys_max:
            self._seen.popitem(last=False)

    def discard(self, key: bytes) -> None:
        """It was refused just now."""
        self._seen.pop(key, None)


@dataclass(frozen=True, slots=True)
class Refused:
    """Which limit a caller has reached, and in how many seconds it is worth asking again."""

    limit: str
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Caller:
    """Who seems to ask: the network of the address, and the credential's hash if there is one."""

    network: str
    key: bytes | None
    is_learner: bool


class RateLimits:
    """Of one process of the API."""

    def __init__(self, settings: Settings) -> None:
        self._by_key = Allowance(settings.rate_key_per_minute)
        self._by_address = Allowance(settings.rate_address_per_minute)
        self._learners = Allowance(settings.rate_learners_per_minute)
        self._guesses = Allowance(settings.rate_guesses_per_minute)
        self._known = KnownKeys()
        self._proxies = parse_networks(settings.trusted_proxies)

    def caller_of(self, peer: str, forwarded: str, authorization: bytes, path: str) -> Caller:
        """`forwarded` is the X-Forwarded-For that came, if any."""
        address = peer if not forwarded else client_address(peer, forwarded, self._proxies)
        is_learner = f"{path}/".startswith(LEARNERS_DOORS)
        key = blake2b(authorization, digest_size=16).digest() if authorization else None
        return Caller(network_of(address), None if is_learner else key, is_learner)

    def take(self, caller: Caller, now: float) -> Refused | None:
        """Counts a request before anything is done for it."""
        if caller.is_learner:
            limit, wait = "learners", self._learners.take(caller.network, now)
        elif caller.key is not None and caller.key in self._known:
            limit, wait = "key", self._by_key.take(caller.key, now)
        else:
            limit, wait = "address", self._by_address.take(caller.network, now)
            if not wait and caller.key is not None:
                limit, wait = "guesses", self._guesses.wait_seconds(caller.network, now)
        return Refused(limit, wait) if wait else None

    def learn(self, caller: Caller, status: int, is_valid: bool, now: float) -> None:
        """What the answer says of the credential."""
        if caller.key is None:
            return
        if is_valid:
            self._known.add(caller.key)
        elif status == 401:
            self._known.discard(caller.key)
            self._guesses.take(caller.network, now)


def parse_networks(text: str) -> tuple[Network, ...]:
    """From addresses and networks with spaces or commas between. Raises ValueError."""
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The right-most address that no trusted proxy has: what stands further left anybody can
    write. Who connects without a trusted proxy is who it is."""
    address = peer
    for hop in reversed([*forwarded.split(","), peer]):
        if not _is_address(hop.strip()):
            break
        address = hop.strip()
        if not _is_within(address, trusted):
            break
    return address


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one; what is no address stands for itself."""
    if not _is_address(address):
        return address
    parsed = ip_address(address)
    if parsed.version == 6:
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
    return str(parsed)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_within(address: str, networks: Sequence[Network]) -> bool:
    parsed = ip_address(address)
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
