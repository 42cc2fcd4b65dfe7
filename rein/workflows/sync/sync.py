"""Give every server what I wrote, prove that it is there, and fetch what is new.

Two rounds over all servers at once. The first only reads (`check`): each feed from where it was left, and whether the
server still gives back what it was proved to hold. The second (`upload`), only for servers that lack something, uploads
in batches and reads back: under its key, byte for byte, and by its id, as everybody else asks for it. A document is
safe when so many servers passed both. What others wrote in my orders is put into my buckets too, as far as there is
room beside my own (`others`): no author can take it away then. In the first round each server is also asked whether it
shows what others wrote in my jobs (`availability`).
"""

from __future__ import annotations

import time

from rein.errors import ChainError, InputError
from rein.workflows.chain.view import observe_all
from rein.workflows.hosting.same_server import same_servers, server_ids
from rein.workflows.hosting.unpublished import unpublished
from rein.workflows.hosting.warnings import warnings_of
from rein.workflows.jobs.sealed_bids import publish_offered
from rein.workflows.market.reputation import prove_endings, rated_jobs
from rein.workflows.orders.feeds import FeedIngester, Progress, no_progress, remember_fetch
from rein.workflows.orders.fold_cache import orders_to_watch
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.tip import observe_tip
from rein.workflows.session import Session
from rein.workflows.sync.check import Check
from rein.workflows.sync.replicas import Replicas
from rein.workflows.sync.report import ServerReport, SyncReport
from rein.workflows.sync.upload import upload


def sync(
    session: Session, progress: Progress = no_progress, *, everything: bool = False, observe_chain: bool = True
) -> SyncReport:
    """Upload what servers lack, download what is new, look at the chain. A failing server stops no other.

    :param everything: read the feeds from their beginning, and ask back every document instead of a sample.
    :param observe_chain: read the chain for what concerns open orders, too.
    :raises InputError: no server is registered.
    """
    if not session.servers:
        raise InputError("no server is registered", hint="Register a server.")
    publish_offered(session)
    replicas = Replicas(session)
    ingester = FeedIngester(session, progress, from_the_beginning=everything)
    servers = {url: ServerReport(url, feed) for url, feed in ingester.reports.items()}
    lacking = {url: replicas.lacking(url) for url in servers}
    if any(lacking.values()):
        _ = session.keyring  # ask for the passphrase now, while somebody is at the keyboard
    check = Check(session, replicas, ingester, servers)
    check.run(everything=everything)
    remember_fetch(session, [server.error for server in servers.values()])
    replicas.refresh()
    lacking |= {url: replicas.lacking(url) for url, server in servers.items() if server.error is None}
    to_upload = {url: each for url, each in lacking.items() if each and servers[url].error is None}
    upload(session, replicas, servers, to_upload)
    check.note_discrepancies()
    for url, server in servers.items():
        server.left_out = lacking[url].left_out
    report = _report(session, replicas, servers)
    report.chain_error = _observe_chain(session) if observe_chain else None
    return report


def _observe_chain(session: Session) -> ChainError | None:
    """Look at the chain; why it could not be."""
    try:
        observe_tip(session)
        observe_all(session, load_orders(session, orders_to_watch(session)).orders)
        prove_endings(session, rated_jobs(session))
    except ChainError as error:
        return error
    return None


def _report(session: Session, replicas: Replicas, servers: dict[str, ServerReport]) -> SyncReport:
    for url, server in servers.items():
        server.held = len(replicas.held(url, replicas.mine))
        server.kept = len(replicas.held(url, replicas.others))
    for row in session.store.servers.of_identity(session.identity.id):
        if row.url in servers:
            servers[row.url].warnings = warnings_of(row, int(time.time()), servers[row.url].left_out)
    copies = session.copies if session.copies is not None else min(2, len(servers))
    ids, same = server_ids(session), same_servers(session)
    for url, first in same.items():
        servers[url].same_as = first
        servers[url].feed.notes.append(f"it is the same server as {first}: both count as one copy")
    holders = [len({ids[url] for url in servers if replicas.is_proved(url, each)}) for each in replicas.mine]
    return SyncReport(
        documents=len(replicas.mine),
        others=len(replicas.others),
        safe=sum(each >= copies for each in holders),
        copies=copies,
        known=session.store.documents.count(session.network.name),
        servers=list(servers.values()),
        unpublished=unpublished(session),
    )
