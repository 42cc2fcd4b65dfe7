"""GET /status, /info, / and /help."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from flask import Blueprint, Response, current_app

from causeway.about.service import free_bytes
from causeway.api.openapi import endpoints
from causeway.api.operations import operation
from causeway.api.responses import success
from causeway.api.shapes import as_json
from causeway.replication.status import PeerStatus, peers_of
from causeway.services import services
from rein import __version__

views = Blueprint("legacy_about", __name__)


@dataclass(frozen=True, kw_only=True)
class LegacyStatus:
    """Numbers that legacy clients read are text: `uptime` in seconds, `stored` and `free` in bytes, `price` in
    satoshis."""

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


@views.get("/status")
@operation(answers=LegacyStatus)
def status() -> Response:
    """How long the server has been running, what it holds, and of which network."""
    shared = services()
    holdings = shared.holdings.counted()
    return success(
        {
            "uptime": str(int(time.monotonic() - shared.started)),
            "stored": str(holdings.stored),
            "free": str(free_bytes(shared.settings.data)),
            "price": str(shared.settings.price),
            "network": shared.settings.network.name,
            "documents": holdings.documents,
            "replica_bytes": holdings.replicas,
            "peers": as_json(peers_of(shared.database, shared.settings)),
            "version": __version__,
        }
    )


@views.get("/")
@views.get("/help")
@operation(answers=HelpAnswer)
def show_help() -> Response:
    """The endpoints of this server."""
    listed = [
        {"path": each.path, "method": each.method, "description": each.summary} for each in endpoints(current_app)
    ]
    return success({"name": "causeway", "version": __version__, "endpoints": listed})


@views.get("/info")
def info() -> Response:
    """The paths that answer to GET."""
    routes = sorted({rule.rule for rule in current_app.url_map.iter_rules() if "GET" in (rule.methods or ())})
    return Response(json.dumps(routes, indent=4), mimetype="application/json")
