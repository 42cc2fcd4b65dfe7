"""Hosting at causeway servers: asking for it, buying it, and knowing before it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rein.errors import InputError, ReinError
from rein.remote.answers import Hosting, Purchase, ServerStatus
from rein.remote.causeway import Causeway
from rein.remote.fleet import Say, converse
from rein.remote.transport import normal_url
from rein.store.store import ServerRow
from rein.workflows.desk import Desk

HOSTING_SECONDS = 3_600
"""For so long a sync that uploads nothing believes what it was told of space and time."""

LITTLE_SPACE = 100_000
LITTLE_TRANSFER = 5_000_000
"""Bytes: below that somebody should be told. A document has one or two thousand."""
LITTLE_TIME = 30 * 86_400

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class ServerState:
    """A registered server: what is remembered of it, and what it says now. Round trip in milliseconds."""

    row: ServerRow
    held: int
    status: ServerStatus | None = None
    round_trip: int | None = None
    error: ReinError | None = None


def request_hosting(desk: Desk, url: str) -> tuple[str, Hosting]:
    """Ask for a free bucket and remember the server. Returns its URL in the one spelling, and what it grants.

    :raises InputError: no server address, or a server of another network.
    :raises RemoteError: the server cannot be reached or refuses.
    """
    normal = normal_url(url)
    server = desk.server(normal)
    try:
        _check_network(desk, server)
        hosting = server.request(desk.identity.contact)
    finally:
        server.close()
    remember(desk, normal, hosting)
    return normal, hosting


def buy_hosting(desk: Desk, url: str) -> tuple[str, Purchase, Hosting]:
    """Order a bucket and remember the server. Returns its URL, the order, and what was there before it is paid.

    :raises InputError: no server address, or a server of another network.
    :raises RemoteError: the server cannot be reached or refuses.
    :raises ServerLiedError: it names no address of this network, or no price.
    """
    normal = normal_url(url)
    server = desk.server(normal)
    try:
        _check_network(desk, server)
        purchase = server.buy(desk.identity.contact)
        before = purchase.hosting
    finally:
        server.close()
    remember(desk, normal, before)
    return normal, purchase, before


def wait_for_credit(
    desk: Desk, url: str, before: Hosting, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Hosting | None:
    """Look until the server has one more bucket than before; None if it has not in that time."""
    deadline = time.monotonic() + seconds
    server = desk.server(url)
    try:
        while True:
            now = server.buckets()
            if now.buckets > before.buckets:
                remember(desk, url, now)
                return now
            if time.monotonic() > deadline:
                return None
            sleep(_POLL_SECONDS)
    finally:
        server.close()


def look_at_servers(desk: Desk) -> list[ServerState]:
    """Every registered server, asked now, all at once; what is remembered of one that does not answer."""
    said: dict[str, list[object]] = {server.url: [] for server in desk.servers}
    errors: dict[str, ReinError] = {}

    def work(server: Causeway, say: Say[object]) -> None:
        say(server.buckets())
        began = time.perf_counter()
        status = server.status()
        say(round((time.perf_counter() - began) * 1_000))
        say(status)

    for report in converse(desk.servers, work):
        if isinstance(report.value, Hosting):
            remember(desk, report.url, report.value)
        elif report.value is not None:
            said[report.url].append(report.value)
        if report.error is not None:
            errors[report.url] = report.error
    return [
        ServerState(
            row=row,
            held=sum(each.proved for each in desk.store.placements(row.url).values()),
            status=next((each for each in said[row.url] if isinstance(each, ServerStatus)), None),
            round_trip=next((each for each in said[row.url] if isinstance(each, int)), None),
            error=errors.get(row.url),
        )
        for row in desk.store.servers(desk.identity.id)
    ]


def remember(desk: Desk, url: str, hosting: Hosting) -> None:
    """Keep what a server said an identity has there."""
    row = ServerRow(
        url, hosting.buckets, hosting.bytes_free, hosting.transfer_free, hosting.expires, asked=int(time.time())
    )
    desk.store.set_server(desk.identity.id, row)


def warnings_of(row: ServerRow, now: int) -> list[str]:
    """What runs out soon, in sentences; nothing where the server has not said yet."""
    if not row.asked:
        return []
    if not row.buckets:
        return ["you have no hosting there any more: ask again with `rein request`, or `rein buy`"]
    warnings = []
    if row.bytes_free < LITTLE_SPACE:
        warnings.append(f"only {row.bytes_free:,} bytes of space are left: `rein request` or `rein buy` gives more")
    if row.transfer_free < LITTLE_TRANSFER:
        warnings.append(f"only {row.transfer_free:,} bytes of transfer are left: `rein buy` gives more")
    if row.expires and row.expires - now < LITTLE_TIME:
        days = max(0, (row.expires - now) // 86_400)
        warnings.append(f"hosting there ends in {days} days: `rein request` or `rein buy` renews it")
    return warnings


def _check_network(desk: Desk, server: Causeway) -> None:
    status = server.status()
    if status.network != desk.network.name:
        raise InputError(
            f"{server.url} is a server of {status.network}, and this home works on {desk.network.name}",
            hint=f"Choose the network with --network {status.network}.",
        )
