"""GET /status, GET / and GET /help."""

from __future__ import annotations

import time

from flask import Blueprint, Response, current_app

from causeway.about.service import Counter, free_bytes
from causeway.api.responses import success
from causeway.settings import Settings
from rein import __version__

FREE = "0"
"""Satoshis for 1 MB of storage and 50 MB of transfer: nobody can pay here yet."""


def blueprint(counter: Counter, settings: Settings) -> Blueprint:
    views = Blueprint("about", __name__)
    started = time.monotonic()

    @views.get("/status")
    def status() -> Response:
        """How long the server has been running, what it holds, and of which network."""
        holdings = counter.holdings()
        return success(
            {
                "uptime": str(int(time.monotonic() - started)),
                "stored": str(holdings.stored),
                "free": str(free_bytes(settings.data)),
                "price": FREE,
                "network": settings.network.name,
                "documents": holdings.documents,
                "version": __version__,
            }
        )

    @views.get("/")
    @views.get("/help")
    def endpoints() -> Response:
        """The endpoints of this server."""
        return success({"name": "causeway", "version": __version__, "endpoints": _endpoints()})

    return views


def _endpoints() -> list[dict[str, str]]:
    """Every route, with the first line of its view's docstring."""
    listed = []
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        method = "POST" if rule.methods and "POST" in rule.methods else "GET"
        described = (view.__doc__ or "").strip().split("\n")[0]
        listed.append({"path": rule.rule, "method": method, "description": described})
    return sorted(listed, key=lambda each: each["path"])
