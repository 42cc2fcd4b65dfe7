"""Hosting at causeway servers: asking for it, and what is left of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rein.errors import InputError, ReinError
from rein.remote.answers import Hosting, ServerStatus
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, run_on_all
from rein.remote.transport import normal_url
from rein.store.servers import ServerRow
from rein.workflows.session import Session

HOSTING_SECONDS = 3_600
"""For so long a sync that uploads nothing believes what it was told of space and time."""


@dataclass(frozen=True)
class Balance:
    """What an identity has at a server, in satoshis; negative where a payment was taken back."""

    sats: int


@dataclass(frozen=True)
class ServerState:
    """A registered server: what is remembered of it, and what it says now. Round trip in milliseconds. `balance`:
    satoshis of the identity there, where it was asked and hosting is sold."""

    row: ServerRow
    held: int
    balance: int | None = None
    status: ServerStatus | None = None
    round_trip: int | None = None
    error: ReinError | None = None


def request_hosting(session: Session, url: str) -> tuple[str, Hosting]:
    """Ask for a free bucket and remember the server. Returns its URL in the one spelling, and what it grants.

    :raises InputError: no server address, or a server of another network.
    :raises RemoteError: the server cannot be reached or refuses.
    """
    normal = normal_url(url)
    server = session.server(normal)
    try:
        check_network(session, server)
        hosting = server.request(session.identity.contact)
    finally:
        server.close()
    remember(session, normal, hosting)
    return normal, hosting


def look_at_servers(session: Session, *, balances: bool = False) -> list[ServerState]:
    """Every registered server, asked now, all at once; what is remembered of one that does not answer.

    :param balances: ask for them too, for which the keys are needed.
    """
    signer = session.keyring.delegate if balances and session.servers else None
    said: dict[str, list[object]] = {server.url: [] for server in session.servers}
    errors: dict[str, ReinError] = {}

    def work(server: Causeway, emit: Emit[object]) -> None:
        emit(server.buckets())
        began = time.perf_counter()
        status = server.status()
        emit(round((time.perf_counter() - began) * 1_000))
        emit(status)
        if signer is not None and status.price:
            emit(Balance(server.balance(signer)))

    for report in run_on_all(session.servers, work):
        if isinstance(report.value, Hosting):
            remember(session, report.url, report.value)
        elif report.value is not None:
            said[report.url].append(report.value)
        if report.error is not None:
            errors[report.url] = report.error
    return [
        ServerState(
            row=row,
            held=sum(each.proved for each in session.store.servers.placements(row.url).values()),
            balance=next((each.sats for each in said[row.url] if isinstance(each, Balance)), None),
            status=next((each for each in said[row.url] if isinstance(each, ServerStatus)), None),
            round_trip=next((each for each in said[row.url] if isinstance(each, int)), None),
            error=errors.get(row.url),
        )
        for row in session.store.servers.of_identity(session.identity.id)
    ]


def remember(session: Session, url: str, hosting: Hosting) -> None:
    """Keep what a server said an identity has there."""
    row = ServerRow(
        url, hosting.buckets, hosting.bytes_free, hosting.transfer_free, hosting.expires, asked=int(time.time())
    )
    session.store.servers.set(session.identity.id, row)


def check_network(session: Session, server: Causeway) -> ServerStatus:
    """What a server says of itself, if it is one of this network.

    :raises InputError: it is of another.
    :raises RemoteError: it cannot be asked, or is no server of today.
    """
    status = server.status()
    if status.network != session.network.name:
        raise InputError(
            f"{server.url} is a server of {status.network}, and this home works on {session.network.name}",
            hint=f"Choose the network with --network {status.network}.",
        )
    return status
