"""Where the node's own requests may go: to public addresses by https, never into its own network.

Webhooks, deliveries of records and DID documents are asked for at addresses that others chose. A
name is resolved here and the connection goes to the address that was judged, so that a name which
changes its mind in between (DNS rebinding) leads nowhere; a connection is used for the name that it
was opened for and for no other; redirects are not followed; no answer is longer, and none takes
longer, than was allowed.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

REQUEST_SECONDS_MAX = 10.0
PAUSE_SECONDS_MAX = 3_600.0
POOL_IDLE_SECONDS = 2 * REQUEST_SECONDS_MAX
"""Longer than any request takes: what was not used for so long carries none."""
HTTPS_PORT = 443
OWN_PORTS_FROM = 1_024
"""Below, ports belong to other protocols, whose servers might read a request as theirs."""
NAT64 = IPv6Network("64:ff9b::/96")
NAT64_OF_A_NETWORK = IPv6Network("64:ff9b:1::/48")
"""For translation within a network (RFC 8215): where in such an address the old one stands, and
whether another network would be reached by it, only that network knows (RFC 6052)."""
ISATAP = (0x00005EFE, 0x02005EFE)
_NAMES = ThreadPoolExecutor(16, thread_name_prefix="names")
"""Apart from all other work: a name server that does not answer keeps a thread for long."""


class TargetRefused(Exception):
    """The node does not call this address; the text says why."""


class NoAnswer(Exception):
    """Whoever was called did not answer as a server should; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to connect to, and the name that it must prove to have."""

    url: httpx.URL
    host_header: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes


async def resolve_target(url: str, private_addresses: bool) -> Target:
    """The judged address of a URL; raises TargetRefused. With `private_addresses` any address
    goes, and plain http to this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise TargetRefused(f"{url!r} is no URL: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise TargetRefused(f"{url!r} is no https URL with a host and without a user name.")
    addresses = await _resolve(parsed.host)
    private = [address for address in addresses if not _is_public(address)]
    if private and not private_addresses:
        # Which one it is, whoever asks must not learn: names are also those of the node's network.
        raise TargetRefused(f"{parsed.host} has an address that is not public.")
    own_machine = all(ip_address(address).is_loopback for address in addresses)
    if parsed.scheme != "https" and not (private_addresses and own_machine):
        raise TargetRefused(f"{url!r} is not https.")
    if not private_addresses and not _is_port_of_https(parsed.port):
        raise TargetRefused(f"{url!r} has the port {parsed.port}, which is not one of https.")
    return Target(
        url=parsed.copy_with(host=addresses[0]),
        host_header=parsed.netloc.decode("ascii"),
        server_name=parsed.host,
    )


class _PoolsByName(httpx.AsyncBaseTransport):
    """Keeps connections apart by the name that the server was asked to prove.

    A URL holds the judged address, so one pool would hand a connection on which somebody proved his
    own name to whoever asks for another name that leads to the same address.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._pools: OrderedDict[str, httpx.AsyncHTTPTransport] = OrderedDict()
        self._used_at: dict[str, float] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """By a connection to this name; the pools of names that nobody asks for any more end."""
        name, now = request.extensions["sni_hostname"], time.monotonic()
        if name not in self._pools:
            self._pools[name] = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        self._pools.move_to_end(name)
        self._used_at[name] = now
        answering = self._pools[name]
        while self._used_at[oldest := next(iter(self._pools))] < now - POOL_IDLE_SECONDS:
            del self._used_at[oldest]
            await self._pools.pop(oldest).aclose()
        return await answering.handle_async_request(request)

    async def aclose(self) -> None:
        """Ends all connections."""
        for pool in self._pools.values():
            await pool.aclose()


def open_client() -> httpx.AsyncClient:
    """Connections for requests that name their server by `sni_hostname`, as those of `call` do;
    knows no proxy and follows nothing."""
    return httpx.AsyncClient(
        transport=_PoolsByName(),
        trust_env=False,
        follow_redirects=False,
        timeout=REQUEST_SECONDS_MAX,
    )


async def call(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    private_addresses: bool,
    answer_bytes_max: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request to an address that is judged now. Raises TargetRefused or NoAnswer."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            target = await resolve_target(url, private_addresses)
            request = client.build_request(
                method,
                target.url,
                content=body,
                headers={"Host": target.host_header, **(headers or {})},
                extensions={"sni_hostname": target.server_name},
            )
            response = await client.send(request, stream=True)
            try:
                received = b""
                async for part in response.aiter_bytes():
                    received += part
                    if len(received) > answer_bytes_max:
                        raise NoAnswer(f"Its answer has more than {answer_bytes_max} bytes.")
            finally:
                await response.aclose()
    except TimeoutError:
        raise NoAnswer(f"No answer within {REQUEST_SECONDS_MAX:.0f} s.") from None
    except httpx.HTTPError as error:
        raise NoAnswer(str(error)[:300] or type(error).__name__) from error
    return Answer(response.status_code, received)


def pause_seconds(failures: int) -> float:
    """Twice as long after each failure, up to an hour; the half of it is drawn, so that receivers
    which failed together are not asked together."""
    longest = min(2.0 ** min(failures, 20), PAUSE_SECONDS_MAX)
    return random.uniform(longest / 2, longest)


def _is_port_of_https(port: int | None) -> bool:
    return port is None or port == HTTPS_PORT or port >= OWN_PORTS_FROM


async def _resolve(host: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().run_in_executor(
            _NAMES, partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as error:
        raise TargetRefused(f"{host} has no address: {error}.") from error
    addresses = [str(entry[4][0]) for entry in found if "%" not in str(entry[4][0])]
    if not addresses:
        raise TargetRefused(f"{host} has no address that can be called.")
    return addresses


def _is_public(text: str) -> bool:
    """An address of the old protocol inside one of the new counts as what it is: a gateway may lead
    there."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = _inner_address(address)
        if inner is not None:
            return _is_global(inner)
        if address.teredo is not None or address.is_reserved or address.is_site_local:
            return False
        if address in NAT64_OF_A_NETWORK:
            return False
        tunnelled = IPv4Address(int(address) & 0xFFFFFFFF)
        if (int(address) >> 32) & 0xFFFFFFFF in ISATAP and not _is_global(tunnelled):
            return False
    return _is_global(address)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _inner_address(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
