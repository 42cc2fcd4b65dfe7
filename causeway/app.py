"""Putting the server together: the only place where its features meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection

from causeway.about import views as about
from causeway.about.service import Counter, Holdings, PeerStatus
from causeway.api import failures, health, observe, rates
from causeway.api.body import BODIES
from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.rates import this_client
from causeway.api.reading import BodyReader
from causeway.api.subnets import subnet_of
from causeway.auth import views as auth
from causeway.auth.nonces import NonceMint
from causeway.chain import views as bitcoin
from causeway.chain.service import NODE_TIMEOUT_S, Node
from causeway.db.engine import Database, parse_url
from causeway.db.installation import open_installation
from causeway.errors import SettingsError
from causeway.expiry.service import Sweeper
from causeway.hosting import service as hosting_service
from causeway.hosting import views as hosting
from causeway.hosting.service import FreeTerms
from causeway.kv import views as kv
from causeway.kv.expired import ExpiredValues
from causeway.kv.incoming import Listener
from causeway.kv.store import Store
from causeway.mail.smtp import SmtpMailer
from causeway.ops.metrics import (
    BYTES,
    CREDITED,
    DOCUMENTS,
    ORDERS_LATE,
    ORDERS_OPEN,
    ORDERS_PAID,
    REPLICA_BYTES,
    WATCHER_HEIGHT,
    WATCHER_LAG,
    WATCHER_SUCCESS,
    Family,
    Metrics,
    Sample,
    watch_pool,
)
from causeway.ops.shared import Shared
from causeway.payments import views as payments
from causeway.payments.figures import Figures, read_figures
from causeway.payments.service import Payments
from causeway.payments.watcher import Watcher
from causeway.replication import status as replication
from causeway.replication.puller import Puller
from causeway.search import index, tombstones
from causeway.search import service as search_service
from causeway.search import views as search
from causeway.settings import Settings
from causeway.v1 import views as v1
from rein.chain.core_rpc import CORE_TIMEOUT_S, CoreRpc
from rein.chain.source import BlockRef, ChainSource

# kv knows nothing of search: it announces what is stored, inside its transaction.
LISTENER = Listener(stored=index.add_all, released=index.remove, deleted=tombstones.record_deletions)


def create_app(settings: Settings, shared_file: Path | None = None, *, chain: ChainSource | None = None) -> Flask:
    """The WSGI application on a database that has all tables. Call it in the process that serves: connections must
    not be shared by processes.

    :param shared_file: what the workers of one server count in together (`causeway.ops.shared`).
    :param chain: who answers for the chain instead of the node of the settings.
    :raises ReinError: the database is missing, cannot be reached, or is of another network.
    """
    if settings.database_url is None:
        raise SettingsError(
            "there is no database URL", hint="Set DATABASE_URL, or let `causeway serve` start a database."
        )
    database = Database(parse_url(settings.database_url), connections=settings.threads)
    installation = database.write(lambda connection: open_installation(connection, settings.network))
    mint = NonceMint(installation.nonce_secret)
    store = Store(database, mint, settings.network, LISTENER)

    app = Flask("causeway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[BODIES] = BodyReader(waiting=max(1, settings.threads * 3 // 4))
    app.url_map.merge_slashes = False  # it would answer //get with a redirect
    shared = Shared(shared_file)
    metrics = Metrics(shared)
    watch_pool(database.writer, metrics, settings.threads)
    counter = Counter(database, _count_holdings)
    failures.install(app)
    observe.install(app, settings, metrics, installation.nonce_secret)
    rates.install(app, settings, shared)
    app.register_blueprint(about.blueprint(counter, settings, lambda: peers_of(database, settings)))
    node = Node(chain or chain_source(settings, NODE_TIMEOUT_S), chain or chain_source(settings))
    figures = Counter(database, read_figures) if settings.payment_key is not None else None
    app.register_blueprint(
        health.blueprint(
            database,
            metrics,
            lambda: _measure(counter, figures, node, peers_of(database, settings)),
            public=settings.metrics_public,
        )
    )
    app.register_blueprint(auth.blueprint(database, mint))
    free = FreeTerms(settings.free_buckets, settings.free_buckets_a_day)
    till = _till(database, mint, settings)
    app.register_blueprint(hosting.blueprint(database, free, lambda: subnet_of(this_client())))
    app.register_blueprint(payments.blueprint(database, mint, till, free, lambda: subnet_of(this_client())))
    app.register_blueprint(kv.blueprint(store, mint))
    app.register_blueprint(search.blueprint(database, settings.network, lambda: bitcoin.block_info(node)))
    app.register_blueprint(bitcoin.blueprint(database, node))
    app.register_blueprint(
        v1.blueprint(
            database,
            store,
            till,
            mint,
            settings,
            lambda: counter.counted().documents,
            server_id=installation.server_id,
        )
    )
    return app


def _measure(
    counter: Counter[Holdings], figures: Counter[Figures] | None, node: Node, peers: Sequence[PeerStatus]
) -> Mapping[Sample, float]:
    held = counter.counted()
    measured: dict[Family, float] = {DOCUMENTS: held.documents, BYTES: held.stored, REPLICA_BYTES: held.replicas}
    if figures is not None:
        measured |= _measure_payments(figures.counted(), node.tip())
    return {(family.name,): value for family, value in measured.items()} | dict(replication.samples(peers))


def _measure_payments(found: Figures, tip: BlockRef | None) -> Mapping[Family, float]:
    measured: dict[Family, float] = {
        ORDERS_OPEN: found.open,
        ORDERS_LATE: found.late,
        ORDERS_PAID: found.paid,
        CREDITED: found.credited_sat,
    }
    if found.watched is not None and found.watched_height is not None:
        measured |= {WATCHER_HEIGHT: found.watched_height, WATCHER_SUCCESS: found.watched.timestamp()}
        if tip is not None:
            measured[WATCHER_LAG] = max(0, tip.height - found.watched_height)
    return measured


def peers_of(database: Database, settings: Settings) -> list[PeerStatus]:
    """How it stands with the peers of the settings."""
    if not settings.peers:
        return []
    return database.read(lambda connection: replication.read_peers(connection, settings.peers))


def _till(database: Database, mint: NonceMint, settings: Settings) -> Payments | None:
    """The till, where there is a price."""
    if not settings.price or settings.payment_key is None:
        return None
    return Payments(database, mint, settings.price, settings.payment_key)


def make_sweeper(settings: Settings) -> Sweeper:
    """Who looks after expired buckets, on the database of the settings."""
    database = _own_database(settings)
    return Sweeper(
        database,
        ExpiredValues(database, LISTENER),
        SmtpMailer(settings.mail_server, settings.mail_from) if settings.mail_server else None,
        grace=timedelta(days=settings.grace_days),
        is_free=settings.free_buckets > 0,
    )


def make_watcher(settings: Settings) -> Watcher:
    """Who looks after deposits, on the database and by the node of the settings.

    :raises SettingsError: there is no node to ask.
    """
    source = chain_source(settings)
    if source is None:
        raise SettingsError(
            "there is no node to ask for deposits", hint="Give --chain-url, and --chain-cookie if there is no password."
        )
    return Watcher(_own_database(settings), source, confirmations=settings.confirmations, price=settings.price)


def make_puller(settings: Settings) -> tuple[Puller, Database]:
    """Who pulls from the peers of the settings, and the database it keeps what it finds in."""
    database = _own_database(settings)
    installation = database.write(lambda connection: open_installation(connection, settings.network))
    return Puller(database, settings.network, settings.peers, settings.pull_limits, installation.server_id), database


def chain_source(settings: Settings, timeout: float = CORE_TIMEOUT_S) -> CoreRpc | None:
    """The node of the settings, over a connection of its own. `timeout` is in seconds for each answer."""
    chain = settings.chain
    if chain is None:
        return None
    return CoreRpc(
        chain.url,
        settings.network,
        user=chain.user,
        password=chain.password,
        cookie_file=chain.cookie_file,
        timeout=timeout,
    )


def _own_database(settings: Settings) -> Database:
    return Database(parse_url(settings.database_url or ""), connections=1)


def _count_holdings(connection: Connection) -> Holdings:
    return Holdings(
        hosting_service.stored_bytes(connection),
        search_service.count_documents(connection),
        replication.kept_bytes(connection),
    )
