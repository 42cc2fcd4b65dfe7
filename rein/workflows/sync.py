"""`rein sync`: give every server what I wrote, prove that it is there, and fetch what is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rein.btc.keys import PrivateKey
from rein.errors import ChainError, InputError, ReinError, ServerLiedError
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.remote.causeway import Causeway, new_remote_key
from rein.remote.fleet import ask_all
from rein.store.store import Placement
from rein.workflows.cases import my_orders
from rein.workflows.desk import Desk
from rein.workflows.pull import Pulled, pull_jobs, pull_mediators, pull_my_orders
from rein.workflows.watch_chain import look


@dataclass
class ServerReport:
    """What happened with one server. `held` of my documents were found there or put there, and read back."""

    url: str
    uploaded: int = 0
    held: int = 0
    error: ReinError | None = None


@dataclass
class SyncReport:
    """What a sync did."""

    documents: int = 0
    servers: list[ServerReport] = field(default_factory=list)
    pulled: Pulled = field(default_factory=Pulled)
    chain_error: ChainError | None = None


def sync(desk: Desk) -> SyncReport:
    """Upload what servers lack, download what is new, look at the chain. A failing server stops no other.

    :raises InputError: no server is registered.
    """
    if not desk.servers:
        raise InputError("no server is registered", hint="Ask one for hosting: rein request URL")
    report = SyncReport()
    mine = desk.store.own_documents(desk.network.name, desk.address)
    report.documents = len(mine)
    report.servers = _upload(desk, mine)
    for step in (pull_mediators, pull_jobs, pull_my_orders):
        report.pulled.add(step(desk))
    try:
        look(desk, my_orders(desk).orders)
    except ChainError as error:
        report.chain_error = error
    return report


def _upload(desk: Desk, mine: list[Signed[Any]]) -> list[ServerReport]:
    """First ask every server what it lacks; only if one lacks something, open the keys and put it there."""
    known = {server.url: desk.store.placements(server.url) for server in desk.servers}
    asked = ask_all(desk.servers, lambda server: _lacking(server, mine, known[server.url]))
    lacking = {outcome.url: outcome.value for outcome in asked if outcome.value}
    reports = {
        outcome.url: ServerReport(
            outcome.url, held=0 if outcome.value is None else len(mine) - len(outcome.value), error=outcome.error
        )
        for outcome in asked
    }
    if lacking:
        signer = desk.keyring.delegate
        busy = [server for server in desk.servers if server.url in lacking]
        ask_all(busy, lambda server: _put_all(server, lacking[server.url], reports[server.url], signer, desk))
    return list(reports.values())


def _lacking(
    server: Causeway, mine: list[Signed[Any]], placements: dict[DocumentId, Placement]
) -> list[tuple[Signed[Any], Placement | None]]:
    """The documents a server was not given yet, or does not give back."""
    lacking: list[tuple[Signed[Any], Placement | None]] = []
    for signed in mine:
        placement = placements.get(signed.id)
        if placement is None or not placement.proved or server.get(placement.remote_key) != signed.armored:
            lacking.append((signed, placement))
    return lacking


def _put_all(
    server: Causeway,
    lacking: list[tuple[Signed[Any], Placement | None]],
    report: ServerReport,
    signer: PrivateKey,
    desk: Desk,
) -> None:
    try:
        for signed, earlier in lacking:
            _put(server, signed, earlier, signer, desk)
            report.uploaded += 1
            report.held += 1
    except ReinError as error:
        report.error = error


def _put(server: Causeway, signed: Signed[Any], earlier: Placement | None, signer: PrivateKey, desk: Desk) -> None:
    """Put a document and read it back. The key is remembered before the request, so that a crash in between makes
    the next sync overwrite the same key instead of paying for another one."""
    placement = Placement(signed.id, server.url, earlier.remote_key if earlier else new_remote_key(), proved=False)
    desk.store.set_placement(placement)
    server.put(placement.remote_key, signed.armored, signer)
    if server.get(placement.remote_key) != signed.armored:
        raise ServerLiedError(f"{server.url} said that it stored a document, but does not give it back")
    desk.store.set_placement(Placement(signed.id, server.url, placement.remote_key, proved=True))
