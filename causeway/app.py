"""Putting the server together: the only place where its features meet."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask

from causeway import legacy
from causeway.about import docs, health
from causeway.about import views as about
from causeway.about.service import CachedCount, count_holdings
from causeway.api import failures, observe, rates
from causeway.api.clients import Clients
from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.rates import Limiter
from causeway.api.reading import BodyReader
from causeway.auth.nonces import NonceMint
from causeway.chain.service import NODE_TIMEOUT_S, Node
from causeway.db.engine import Database, parse_url
from causeway.db.installation import open_installation
from causeway.errors import SettingsError
from causeway.expiry.service import Sweeper
from causeway.hosting import views as hosting
from causeway.hosting.service import FreeTerms
from causeway.kv import views as kv
from causeway.kv.expired import ExpiredValues
from causeway.kv.incoming import Listener
from causeway.kv.store import Store
from causeway.mail.smtp import SmtpMailer
from causeway.ops.metrics import Metrics, watch_pool
from causeway.ops.shared import SharedMemory
from causeway.payments import views as payments
from causeway.payments.figures import read_figures
from causeway.payments.service import Payments
from causeway.payments.watcher import Watcher
from causeway.replication.puller import Puller
from causeway.search import index, tombstones
from causeway.search import views as search
from causeway.services import Services, provide
from causeway.settings import Settings
from causeway.v1 import views as v1
from rein.chain.core_rpc import CORE_TIMEOUT_S, CoreRpc
from rein.chain.source import ChainSource

LISTENER = Listener(stored=index.add_all, released=index.remove, deleted=tombstones.record_deletions)
"""The index is kept within the transaction that stores or deletes: kv does not know it."""

VIEWS = (
    *(v1.views, kv.views, search.views, hosting.views, payments.views, about.views),
    *legacy.VIEWS,
    *(docs.views, health.views),
)
"""Every endpoint there is. A feature is served once its blueprint stands here."""


def create_app(settings: Settings, shared_file: Path | None = None, *, chain: ChainSource | None = None) -> Flask:
    """The WSGI application on a database that has all tables. Call it in the process that serves: connections must
    not be shared by processes.

    :param shared_file: what the workers of one server count in together (`causeway.ops.shared`).
    :param chain: who answers for the chain instead of the node of the settings.
    :raises ReinError: the database is missing, cannot be reached, or is of another network.
    """
    app = Flask("causeway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # it would answer //get with a redirect
    provide(app, _make_services(settings, SharedMemory(shared_file), chain))
    failures.install(app)
    observe.install(app)
    rates.install(app)
    for views in VIEWS:
        app.register_blueprint(views)
    return app


def _make_services(settings: Settings, shared: SharedMemory, chain: ChainSource | None) -> Services:
    if settings.database_url is None:
        raise SettingsError(
            "there is no database URL", hint="Set DATABASE_URL, or let `causeway serve` start a database."
        )
    database = Database(parse_url(settings.database_url), connections=settings.threads)
    installation = database.write(lambda connection: open_installation(connection, settings.network))
    mint = NonceMint(installation.nonce_secret)
    metrics = Metrics(shared)
    watch_pool(database.writer, metrics, settings.threads)
    sells = settings.payment_key is not None
    return Services(
        settings=settings,
        database=database,
        server_id=installation.server_id,
        mint=mint,
        bodies=BodyReader(waiting=max(1, settings.threads * 3 // 4)),
        clients=Clients(settings.local, settings.trusted_proxy),
        limiter=Limiter(shared, rates.of_settings(settings)),
        metrics=metrics,
        free=FreeTerms(settings.free_buckets, settings.free_buckets_a_day),
        store=Store(database, mint, settings.network, LISTENER),
        payments=_make_payments(database, settings),
        node=Node(chain or chain_source(settings, NODE_TIMEOUT_S), chain or chain_source(settings)),
        holdings=CachedCount(database, count_holdings),
        figures=CachedCount(database, read_figures) if sells else None,
    )


def _make_payments(database: Database, settings: Settings) -> Payments | None:
    """None where there is no price."""
    if not settings.price or settings.payment_key is None:
        return None
    return Payments(database, settings.price, settings.payment_key)


def make_sweeper(settings: Settings) -> Sweeper:
    """The sweeper of expired buckets, on the database of the settings."""
    database = _own_database(settings)
    return Sweeper(
        database,
        ExpiredValues(database, LISTENER),
        SmtpMailer(settings.mail_server, settings.mail_from) if settings.mail_server else None,
        grace=timedelta(days=settings.grace_days),
        is_free=settings.free_buckets > 0,
    )


def make_watcher(settings: Settings) -> Watcher:
    """The watcher of deposits, on the database and by the node of the settings.

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
