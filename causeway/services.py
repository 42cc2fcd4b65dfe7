"""The services that the parts of one server share. A request reaches them by `services()`.

The types are imported for the type checker only: so this stands below the features that fill it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Flask, current_app

if TYPE_CHECKING:
    from causeway.about.service import CachedCount, Holdings
    from causeway.api.clients import Clients
    from causeway.api.rates import Limiter
    from causeway.api.reading import BodyReader
    from causeway.auth.nonces import NonceMint
    from causeway.chain.service import Node
    from causeway.db.engine import Database
    from causeway.hosting.service import FreeTerms
    from causeway.kv.store import Store
    from causeway.ops.metrics import Metrics
    from causeway.payments.figures import Figures
    from causeway.payments.service import Payments
    from causeway.settings import Settings

_EXTENSION = "causeway"


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one application. `payments` and `figures` are None where hosting is free and nothing was sold;
    `server_id` is the name of this server's feed, `started` a moment of the monotonic clock."""

    settings: Settings
    database: Database
    server_id: str
    mint: NonceMint
    bodies: BodyReader
    clients: Clients
    limiter: Limiter
    metrics: Metrics
    free: FreeTerms
    store: Store
    payments: Payments | None
    node: Node
    holdings: CachedCount[Holdings]
    figures: CachedCount[Figures] | None
    started: float = field(default_factory=time.monotonic)


def provide(app: Flask, shared: Services) -> None:
    """Make them the application's."""
    app.extensions[_EXTENSION] = shared


def services() -> Services:
    """Those of the application that answers the current request."""
    found: Services = current_app.extensions[_EXTENSION]
    return found
