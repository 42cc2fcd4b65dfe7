"""Whom a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from causeway.settings import IPNetwork

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""Headers by which a proxy shows that the socket's address is not the client's."""

IPV6_PREFIX = 64
"""One subscriber has at least so much: its addresses count as one."""


@dataclass(frozen=True)
class Client:
    """`group` is what limits are counted for: an IPv4 address, or the /64 of an IPv6 address. `local` is the
    operator's own."""

    group: str
    local: bool


@dataclass(frozen=True)
class Clients:
    """Tells clients apart.

    :param proxies: whose X-Forwarded-For is believed. Of its addresses the last one counts that is no such proxy:
        whatever stands before it, the client may have written itself.
    """

    local: tuple[IPNetwork, ...]
    proxies: tuple[IPNetwork, ...]

    def of(self, environ: Mapping[str, Any]) -> Client:
        """The client of a WSGI request."""
        address = _parsed(environ.get("REMOTE_ADDR", ""))
        if address is None:
            return Client("unknown", False)
        if _is_in(address, self.proxies):
            for text in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                before = _parsed(text.strip())
                if before is None:
                    break
                address = before
                if not _is_in(before, self.proxies):
                    break
        elif any(header in environ for header in FORWARDED):
            # Through a proxy that is not in the settings: its own address must not make all its clients local.
            return Client(_group(address), False)
        return Client(_group(address), _is_in(address, self.local))


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: IPv4Address | IPv6Address, networks: tuple[IPNetwork, ...]) -> bool:
    return any(address in network for network in networks)


def _group(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Address(int(address) >> IPV6_PREFIX << IPV6_PREFIX))
