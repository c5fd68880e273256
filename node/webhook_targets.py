"""Where a webhook may go: to public addresses by https, never into the operator's own network.

A name is resolved here and the connection goes to the address that was judged, so that a name
which changes its mind in between (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import httpx


class TargetRefused(Exception):
    """The node does not call this address; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to connect to, and the name that it must prove to have."""

    url: httpx.URL
    host_header: str
    server_name: str


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
        raise TargetRefused(f"{parsed.host} has the address {private[0]}, which is not public.")
    own_machine = all(ip_address(address).is_loopback for address in addresses)
    if parsed.scheme != "https" and not (private_addresses and own_machine):
        raise TargetRefused(f"{url!r} is not https.")
    return Target(
        url=parsed.copy_with(host=addresses[0]),
        host_header=parsed.netloc.decode("ascii"),
        server_name=parsed.host,
    )


async def _resolve(host: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetRefused(f"{host} has no address: {error}.") from error
    addresses = [str(entry[4][0]) for entry in found if "%" not in str(entry[4][0])]
    if not addresses:
        raise TargetRefused(f"{host} has no address that can be called.")
    return addresses


def _is_public(text: str) -> bool:
    """Addresses of the old protocol inside one of the new count as what they are."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast
