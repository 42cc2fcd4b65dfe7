"""Asking a server for free hosting."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rein.errors import RefusedError
from rein.remote.responses import Hosting
from rein.remote.transport import normal_url
from rein.workflows.hosting.servers import check_network, remember, row_of
from rein.workflows.hosting.warnings import warnings_of
from rein.workflows.session import Session

SOLD = "hosting_sold"
"""The reason where a server gives hosting for money only."""


@dataclass(frozen=True)
class RequestPlan:
    """What an identity has at a server already. `price`: of a bucket there, in satoshis. `is_needed`: it has none, or
    what it has runs out soon."""

    url: str
    hosting: Hosting
    price: int
    is_needed: bool


@dataclass(frozen=True)
class RequestResult:
    """What an identity has at a server. `granted`: a bucket more than before."""

    url: str
    hosting: Hosting
    granted: bool

    def json(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "buckets": self.hosting.buckets,
            "bytes_free": self.hosting.bytes_free,
            "granted": self.granted,
        }


def prepare(session: Session, url: str) -> RequestPlan:
    """Ask what is there; nothing changes.

    :raises InputError: not a server address, or a server of another network.
    :raises RemoteError: the server cannot be reached.
    """
    normal = normal_url(url)
    server = session.server(normal)
    try:
        status = check_network(session, server)
        hosting = server.buckets()
    finally:
        server.close()
    is_needed = bool(warnings_of(row_of(normal, hosting), int(time.time())))
    return RequestPlan(normal, hosting, status.price, is_needed)


def commit(session: Session, plan: RequestPlan, *, more: bool = False) -> RequestResult:
    """Ask for a bucket where one is needed, and register the server.

    :param more: ask for another one, though it is not needed.
    :raises RefusedError: the server gives no bucket; with the reason `SOLD` where it sells them.
    """
    if not plan.is_needed and not more:
        remember(session, plan.url, plan.hosting)
        return RequestResult(plan.url, plan.hosting, granted=False)
    server = session.server(plan.url)
    try:
        hosting = server.request(session.identity.contact)
    except RefusedError as error:
        if not plan.price:
            raise
        message = f"{plan.url} sells hosting, for {plan.price:,} sat a bucket, and gives you no free one"
        raise RefusedError(message, reason=SOLD) from error
    finally:
        server.close()
    remember(session, plan.url, hosting)
    return RequestResult(plan.url, hosting, granted=True)
