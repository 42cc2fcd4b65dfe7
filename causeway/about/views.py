"""GET /status, GET /info, GET / and GET /help."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, current_app

from causeway.about.page import PAGE_HEADERS, page
from causeway.about.service import Counter, Holdings, PeerStatus, free_bytes
from causeway.api.openapi import describe, endpoints
from causeway.api.operations import operation
from causeway.api.responses import success
from causeway.api.shapes import as_json
from causeway.settings import Settings
from rein import __version__


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    """What clients of 2016 read is text: `uptime` in seconds, `stored` and `free` in bytes, `price` in satoshis."""

    status: str
    result: str
    uptime: str
    stored: str
    free: str
    price: str
    network: str
    documents: int
    replica_bytes: int
    peers: list[PeerStatus]
    version: str


@dataclass(frozen=True, kw_only=True)
class ListedEndpoint:
    path: str
    method: str
    description: str


@dataclass(frozen=True, kw_only=True)
class HelpAnswer:
    status: str
    result: str
    name: str
    version: str
    endpoints: list[ListedEndpoint]


def blueprint(counter: Counter[Holdings], settings: Settings, peers: Callable[[], list[PeerStatus]]) -> Blueprint:
    """The views.

    :param peers: how it stands with each server that documents are pulled from.
    """
    views = Blueprint("about", __name__)
    started = time.monotonic()

    @views.get("/status")
    @operation(answers=StatusAnswer)
    def status() -> Response:
        """How long the server has been running, what it holds, and of which network."""
        holdings = counter.counted()
        return success(
            {
                "uptime": str(int(time.monotonic() - started)),
                "stored": str(holdings.stored),
                "free": str(free_bytes(settings.data)),
                "price": str(settings.price),
                "network": settings.network.name,
                "documents": holdings.documents,
                "replica_bytes": holdings.replicas,
                "peers": as_json(peers()),
                "version": __version__,
            }
        )

    @views.get("/")
    @views.get("/help")
    @operation(answers=HelpAnswer)
    def endpoints() -> Response:
        """The endpoints of this server."""
        return success({"name": "causeway", "version": __version__, "endpoints": _endpoints()})

    @views.get("/info")
    def info() -> Response:
        """The paths that answer to GET."""
        routes = sorted({rule.rule for rule in current_app.url_map.iter_rules() if "GET" in (rule.methods or ())})
        return Response(json.dumps(routes, indent=4), mimetype="application/json")

    @views.get("/openapi.json")
    def openapi() -> Response:
        """All of this in OpenAPI 3.1."""
        return Response(json.dumps(describe(current_app), indent=4), mimetype="application/json")

    @views.get("/docs")
    def docs() -> Response:
        """All of this for people."""
        return Response(page(current_app), headers=PAGE_HEADERS, mimetype="text/html")

    return views


def _endpoints() -> list[dict[str, str]]:
    """Every endpoint, with the first line of its view's docstring."""
    return [{"path": each.path, "method": each.method, "description": each.summary} for each in endpoints(current_app)]
