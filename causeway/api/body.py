"""JSON bodies from strangers."""

from __future__ import annotations

import json
from typing import NoReturn

from flask import Request

from causeway.api.limits import MAX_PARAMETERS
from causeway.api.parameters import Parameters, without_repeats
from causeway.errors import BadJsonError, BadRequestError, ContentTypeError
from causeway.services import services


def json_parameters(request: Request) -> Parameters:
    """The fields of a body that is one JSON object.

    :raises ApiError: ContentTypeError, BadJsonError, BadRequestError for a duplicate field, or whatever keeps
        the body from being read.
    """
    require_json(request)
    return parse_parameters(read_body_bytes(request))


def require_json(request: Request) -> None:
    """Refuse a request whose body is not declared to be JSON.

    :raises ContentTypeError: it is not.
    """
    if request.mimetype != "application/json":
        raise ContentTypeError(
            "the body is not declared to be JSON", hint="Send the header Content-Type: application/json."
        )


def read_body_bytes(request: Request) -> bytes:
    """The whole body, waited for with a limit.

    :raises ApiError: SlowBodyError, BusyError, or BodyTooLargeError.
    """
    return services().bodies.read(request.stream)


def parse_parameters(body: bytes) -> Parameters:
    """The fields of one JSON object.

    :raises ApiError: BadJsonError, or BadRequestError for a duplicate field.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadJsonError("JSON Decode failed") from error
    if not isinstance(value, dict):
        raise BadJsonError("the body is not one JSON object")
    if len(value) > MAX_PARAMETERS:
        raise BadRequestError(f"the body has {len(value)} fields; {MAX_PARAMETERS} are allowed")
    return Parameters(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
