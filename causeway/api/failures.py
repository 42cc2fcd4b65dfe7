"""Every exception becomes one answer of one shape."""

from __future__ import annotations

import logging
import traceback

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from causeway.api import responses
from causeway.api.limits import VERSIONED
from causeway.errors import ApiError, BodyTooLargeError
from rein.errors import AuthorityError, DocumentError, ReinError

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1


def install(app: Flask) -> None:
    """Let the application answer every exception in JSON."""
    app.register_error_handler(ReinError, _answer_rein)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer_rein(error: ReinError) -> Response:
    status = _http_status(error)
    response = _failure(error.code, error.message, status, hint=error.hint)
    wait = error.retry_after if isinstance(error, ApiError) else None
    if wait is not None or status == 503:
        response.headers["Retry-After"] = str(wait or RETRY_AFTER_S)
    return response


def _failure(code: str, message: str, status: int, *, hint: str | None = None) -> Response:
    """In the shape of the API that was asked."""
    shaped = responses.compact_failure if request.path.startswith(VERSIONED) else responses.failure
    return shaped(code, message, status, hint=hint)


def _http_status(error: ReinError) -> int:
    if isinstance(error, ApiError):
        return error.status
    if isinstance(error, DocumentError | AuthorityError):
        return 422
    return 400


def _answer_http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse by themselves: unknown paths, wrong methods, bodies over the limit."""
    if isinstance(error, RequestEntityTooLarge):
        return _answer_rein(BodyTooLargeError(f"the body has more than {request.max_content_length:,} bytes"))
    status = error.code or 500
    response = _failure(error.name.lower().replace(" ", "_"), error.name, status, hint="GET /help lists the endpoints.")
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _answer_unexpected(error: Exception) -> Response:
    """A fault of ours. The log says where, never what: messages of libraries repeat what people sent."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__qualname__, where)
    return _failure("internal", "the server failed at this request", 500, hint="Tell the operator when it happened.")
