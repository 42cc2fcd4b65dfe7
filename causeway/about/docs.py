"""GET /openapi.json and /docs: a description of all endpoints."""

from __future__ import annotations

import json

from flask import Blueprint, Response, current_app

from causeway.about.page import PAGE_HEADERS, page
from causeway.api.openapi import describe

views = Blueprint("docs", __name__)


@views.get("/openapi.json")
def openapi() -> Response:
    """All of this in OpenAPI 3.1."""
    return Response(json.dumps(describe(current_app), indent=4), mimetype="application/json")


@views.get("/docs")
def docs() -> Response:
    """All of this for people."""
    return Response(page(current_app), headers=PAGE_HEADERS, mimetype="text/html")
