"""Answers: JSON indented by 4, with `status` as the README of 2016 has it and `result` as its server had it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def success(data: Mapping[str, object], http_status: int = 200) -> Response:
    """What was asked for."""
    return _json({"status": "success", "result": "success", **data}, http_status)


def failure(
    code: str, message: str, http_status: int, *, hint: str | None = None, more: Mapping[str, object] | None = None
) -> Response:
    """Why it was refused: `code` for programs, `message` for people, `hint` for what to do. Clients of 2016 look in
    `error` or in `message`, so both are there."""
    body: dict[str, object] = {
        "status": f"error: {message}",
        "result": "error",
        "error": message,
        "message": message,
        "code": code,
    }
    if hint is not None:
        body["hint"] = hint
    return _json({**body, **(more or {})}, http_status)


def _json(data: Mapping[str, object], http_status: int) -> Response:
    return Response(json.dumps(data, indent=4), http_status, _HEADERS, mimetype="application/json")
