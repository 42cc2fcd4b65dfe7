"""Every request is counted, timed and optionally logged, never with its contents."""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from hashlib import sha256

from flask import Flask, Response, g, request

from causeway.ops.logs import write
from causeway.ops.metrics import REFUSED, REQUESTS, SECONDS
from causeway.services import services
from rein.protocol.auth import NEXT_NONCE_HEADER, NONCE_HEADER, OWNER_HEADER, SIGNATURE_HEADER, SIGNER_HEADER

log = logging.getLogger("causeway.requests")

NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

_ALLOWED_HEADERS = ", ".join(
    ("Content-Type", "If-None-Match", OWNER_HEADER, SIGNER_HEADER, NONCE_HEADER, SIGNATURE_HEADER)
)
_EXPOSED_HEADERS = f"{NEXT_NONCE_HEADER}, ETag, Retry-After, X-Request-Id"
"""What a page may read beside the body: a browser hides all other headers."""

_PREFLIGHT_S = "86400"


def install(app: Flask) -> None:
    """Observe the application."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    shared = services()
    seconds = time.monotonic() - g.began
    # The template, never the path: the path holds what people asked for, and there is no end of paths.
    route = request.url_rule.rule if request.url_rule else NO_ROUTE
    method = request.method if request.method in METHODS else "other"
    shared.metrics.add(REQUESTS, method, route, str(response.status_code))
    shared.metrics.observe(SECONDS, route, seconds=seconds)
    code = g.get("failure_code")
    if code is not None:
        shared.metrics.add(REFUSED, code)
    response.headers["X-Request-Id"] = g.request_id
    _allow_origin(response, shared.settings.cors_origins)
    write(
        log,
        logging.ERROR if response.status_code == 500 else logging.INFO,
        "request",
        id=g.request_id,
        method=method,
        route=route,
        status=response.status_code,
        ms=round(seconds * 1_000, 1),
        **({"code": code} if code else {}),
        **({"owner": _mark(shared.mint.secret, g.owner)} if "owner" in g else {}),
    )
    return response


def _mark(secret: bytes, owner: str) -> str:
    """What an owner is in the log: always the same mark, which nobody else can compute."""
    return hmac.digest(secret, b"causeway/log/1" + owner.encode(), sha256)[:4].hex()


def _allow_origin(response: Response, allowed: tuple[str, ...]) -> None:
    """Let web pages of these origins read the answer (CORS). By default there are none."""
    origin = request.headers.get("Origin")
    if not allowed:
        return
    if "*" not in allowed:
        # Also where there is no such header: a cache must not hand that answer to a page.
        response.headers.add("Vary", "Origin")
    if origin is None or not ("*" in allowed or origin in allowed):
        return
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_S
