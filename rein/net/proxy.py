"""The SOCKS5 proxy that connections go through, such as Tor."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from rein.errors import InputError

_SOCKS: Final = "socks5h"  # the h: the proxy resolves names, not this machine


def checked_proxy(text: str) -> str:
    """A SOCKS5 proxy's address as "socks5h://host:port".

    :raises InputError: it is not one, or it lets this machine resolve names (`socks5://`).
    """
    try:
        parts = urlsplit(text if "://" in text else f"{_SOCKS}://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    is_plain = not (parts.path or parts.query or parts.fragment or parts.username) and text.isprintable()
    if parts.scheme != _SOCKS or not host or not port or not is_plain:
        raise InputError(
            f"{text[:60]!r} is not the address of a SOCKS5 proxy",
            hint="Tor's looks like 127.0.0.1:9050 on most machines.",
        )
    return f"{_SOCKS}://[{host}]:{port}" if ":" in host else f"{_SOCKS}://{host}:{port}"


def proxy_for(url: str, proxy: str | None) -> str | None:
    """The proxy to reach an address through: none for this machine itself, which no proxy elsewhere can reach."""
    return None if is_loopback(url) else proxy


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine only."""
    return is_loopback_host(urlsplit(url).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address can only be this machine: "localhost" or a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
