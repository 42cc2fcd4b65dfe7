"""The servers an identity has registered: what they say now, and what is remembered of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rein.errors import InputError, NotFoundError, ReinError
from rein.remote.causeway import Causeway
from rein.remote.fleet import Emit, run_on_all
from rein.remote.responses import Hosting, ServerStatus
from rein.remote.transport import normal_url
from rein.store.tables.servers import ServerRow
from rein.workflows.hosting.warnings import warnings_of
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

    @property
    def warnings(self) -> list[str]:
        return warnings_of(self.row, int(time.time()))

    def json(self) -> dict[str, Any]:
        row, status = self.row, self.status
        return {
            "url": row.url,
            "price_sat": status.price if status else None,
            "balance_sat": self.balance,
            "buckets": row.buckets,
            "bytes_free": row.bytes_free,
            "transfer_free": row.transfer_free,
            "expires": row.expires or None,
            "round_trip_ms": self.round_trip,
            "holds": self.held,
            "documents": status.documents if status else None,
            "warnings": self.warnings,
            "error": self.error.message if self.error else None,
        }


@dataclass(frozen=True)
class ServerList:
    """All registered servers."""

    states: list[ServerState]

    def json(self) -> dict[str, Any]:
        return {"servers": [each.json() for each in self.states]}


def query_servers(session: Session, *, balances: bool = False) -> ServerList:
    """Every registered server, asked now, all at once; what is remembered of one that does not answer.

    :param balances: ask for them too, for which the keys are needed.
    """
    signer = session.keyring.delegate if balances and session.servers else None
    answers: dict[str, list[object]] = {server.url: [] for server in session.servers}
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
            answers[report.url].append(report.value)
        if report.error is not None:
            errors[report.url] = report.error
    rows = session.store.servers.of_identity(session.identity.id)
    return ServerList([_state(session, row, answers[row.url], errors.get(row.url)) for row in rows])


def _state(session: Session, row: ServerRow, answers: list[object], error: ReinError | None) -> ServerState:
    return ServerState(
        row=row,
        held=sum(each.proved for each in session.store.servers.placements(row.url).values()),
        balance=next((each.sats for each in answers if isinstance(each, Balance)), None),
        status=next((each for each in answers if isinstance(each, ServerStatus)), None),
        round_trip=next((each for each in answers if isinstance(each, int)), None),
        error=error,
    )


def forget(session: Session, url: str) -> str:
    """Use a server no more: nothing is uploaded to it or read from it. What is there stays there. Returns its URL.

    :raises NotFoundError: it is not registered.
    """
    normal = normal_url(url)
    if not session.store.servers.remove(session.identity.id, normal):
        raise NotFoundError(f"no server {normal} is registered", hint="See your servers.")
    return normal


def remember(session: Session, url: str, hosting: Hosting) -> None:
    """Store what a server said an identity has there."""
    session.store.servers.set(session.identity.id, row_of(url, hosting))


def row_of(url: str, hosting: Hosting) -> ServerRow:
    """What is remembered of a server that was asked just now."""
    return ServerRow(
        url, hosting.buckets, hosting.bytes_free, hosting.transfer_free, hosting.expires, asked=int(time.time())
    )


def check_network(session: Session, server: Causeway) -> ServerStatus:
    """What a server says of itself, if it is one of this network.

    :raises InputError: it is of another.
    :raises RemoteError: it cannot be asked, or does not have the versioned API.
    """
    status = server.status()
    if status.network != session.network.name:
        raise InputError(
            f"{server.url} is a server of {status.network}, and this home works on {session.network.name}",
            hint=f"Choose the network with --network {status.network}.",
        )
    return status
