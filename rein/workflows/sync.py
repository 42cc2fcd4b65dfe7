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
    known = {server.url: desk.store.placements(server.url) for server in desk.servers}
    signer = desk.keyring.delegate

    def one(server: Causeway) -> ServerReport:
        return _upload_to(server, mine, known[server.url], signer, desk)

    return [outcome.value or ServerReport(outcome.url, error=outcome.error) for outcome in ask_all(desk.servers, one)]


def _upload_to(
    server: Causeway,
    mine: list[Signed[Any]],
    placements: dict[DocumentId, Placement],
    signer: PrivateKey,
    desk: Desk,
) -> ServerReport:
    report = ServerReport(server.url)
    try:
        for signed in mine:
            placement = placements.get(signed.id)
            if placement is None or server.get(placement.remote_key) != signed.armored:
                placement = _put(server, signed, placement, signer, desk)
                report.uploaded += 1
            if not placement.proved:
                desk.store.set_placement(Placement(signed.id, server.url, placement.remote_key, proved=True))
            report.held += 1
    except ReinError as error:
        report.error = error
    return report


def _put(server: Causeway, signed: Signed[Any], earlier: Placement | None, signer: PrivateKey, desk: Desk) -> Placement:
    """Put a document and read it back. The key is remembered before the request, so that a crash in between makes
    the next sync overwrite the same key instead of paying for another one."""
    placement = Placement(signed.id, server.url, earlier.remote_key if earlier else new_remote_key(), proved=False)
    desk.store.set_placement(placement)
    server.put(placement.remote_key, signed.armored, signer)
    if server.get(placement.remote_key) != signed.armored:
        raise ServerLiedError(f"{server.url} said that it stored a document, but does not give it back")
    return placement
