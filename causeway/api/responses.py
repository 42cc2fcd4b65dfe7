"""Answers. Those of the legacy API are JSON indented by 4, with `status` as the README of 2016 has it and `result` as
its server had it; those of the versioned API are compact."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response, g

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def success(data: Mapping[str, object], http_status: int = 200) -> Response:
    """What was asked for."""
    return _json({"status": "success", "result": "success", **data}, http_status)


def failure(
    code: str, message: str, http_status: int, *, hint: str | None = None, more: Mapping[str, object] | None = None
) -> Response:
    """Why it was refused: `code` for programs, `message` for people, `hint` for what to do. Legacy clients look in
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
    g.failure_code = code
    return _json({**body, **(more or {})}, http_status)


def compact(data: Mapping[str, object], http_status: int = 200) -> Response:
    """An answer of the versioned API: what was asked for and nothing around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Response(text, http_status, _HEADERS, mimetype="application/json")


def compact_failure(code: str, message: str, http_status: int, *, hint: str | None = None) -> Response:
    """Why the versioned API refused a request."""
    g.failure_code = code
    return compact({"error": error_detail(code, message, hint)}, http_status)


def error_detail(code: str, message: str, hint: str | None) -> dict[str, str]:
    """An error as the versioned API has it, of a whole request or of one of its items."""
    return {"code": code, "message": message} | ({} if hint is None else {"hint": hint})


def _json(data: Mapping[str, object], http_status: int) -> Response:
    return Response(json.dumps(data, indent=4), http_status, _HEADERS, mimetype="application/json")
