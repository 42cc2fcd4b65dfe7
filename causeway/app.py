"""Putting the server together: the only place where its features meet."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import Connection

from causeway.about import views as about
from causeway.about.service import Counter, Holdings
from causeway.api import failures
from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.reading import BodyReader
from causeway.auth import views as auth
from causeway.auth.nonces import NonceMint
from causeway.db.engine import Database, parse_url
from causeway.db.installation import open_installation
from causeway.errors import SettingsError
from causeway.hosting import service as hosting_service
from causeway.hosting import views as hosting
from causeway.kv import views as kv
from causeway.kv.arrivals import Listener
from causeway.kv.service import KeyValueStore
from causeway.search import index
from causeway.search import service as search_service
from causeway.search import views as search
from causeway.settings import Settings


def create_app(settings: Settings) -> Flask:
    """The WSGI application on a database that has all tables. Call it in the process that serves: connections must
    not be shared by processes.

    :raises ReinError: the database is missing, cannot be reached, or is of another network.
    """
    if settings.database_url is None:
        raise SettingsError(
            "there is no database URL", hint="Set DATABASE_URL, or let `causeway serve` start a database."
        )
    database = Database(parse_url(settings.database_url), connections=settings.threads)
    installation = database.write(lambda connection: open_installation(connection, settings.network))
    mint = NonceMint(installation.nonce_secret)
    # kv knows nothing of search: it announces what is stored, inside its transaction.
    store = KeyValueStore(database, mint, settings.network, Listener(stored=index.add, released=index.remove))

    bodies = BodyReader(waiting=max(1, settings.threads * 3 // 4))

    app = Flask("causeway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # it would answer //get with a redirect
    failures.install(app)
    app.register_blueprint(about.blueprint(Counter(database, _count_holdings), settings))
    app.register_blueprint(auth.blueprint(database, mint))
    app.register_blueprint(hosting.blueprint(database))
    app.register_blueprint(kv.blueprint(store, mint, bodies))
    app.register_blueprint(search.blueprint(database, settings.network))
    return app


def _count_holdings(connection: Connection) -> Holdings:
    return Holdings(hosting_service.stored_bytes(connection), search_service.count_documents(connection))
