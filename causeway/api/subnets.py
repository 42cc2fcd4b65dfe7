"""Subnets of clients: what is given away is counted for the subnet that one customer of a provider may have."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from causeway.api.clients import Client
from causeway.api.rates import this_client

_IPV4_BITS = 24
_IPV6_BITS = 48


def subnet_of(client: Client) -> str | None:
    """The /24 of an IPv4 address or the /48 of an IPv6 one; None for the operator's own, which are not counted."""
    if client.local:
        return None
    try:
        address = ip_address(client.group)
    except ValueError:
        return client.group
    return str(ip_network((address, _IPV4_BITS if address.version == 4 else _IPV6_BITS), strict=False))


def this_subnet() -> str | None:
    """The subnet that the current request comes from."""
    return subnet_of(this_client())
