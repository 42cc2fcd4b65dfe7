"""Admitting signed requests: headers are checked in the order of cost, before the body is parsed."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, Response, request

from causeway.api import shapes
from causeway.api.body import parse_parameters, read_body_bytes, require_json
from causeway.api.limits import MAX_BATCH_BODY
from causeway.auth.service import WHOLE_REQUEST, Proof
from causeway.errors import BadParameterError, MissingParameterError, RequestSignatureError
from causeway.services import services
from rein.btc.address import is_identity_address
from rein.btc.hashes import sha256
from rein.protocol.auth import (
    NEXT_NONCE_HEADER,
    NONCE_HEADER,
    OWNER_HEADER,
    SIGNATURE_HEADER,
    SIGNER_HEADER,
    request_text,
    verify_request,
)

T = TypeVar("T")

_MAX_HEADER = 200


def versioned(name: str) -> Blueprint:
    """A blueprint for views of the versioned API: batches are let in, and answers bring the next nonce."""
    views = Blueprint(f"v1_{name}", __name__, url_prefix="/v1")
    views.before_request(_allow_batches)
    views.after_request(_hand_next_nonce)
    return views


def admit(asked: type[T]) -> tuple[Proof, T]:
    """That the current request is signed, and what it asks. That its nonce is unused is checked where it is spent.

    :raises ApiError: a header is missing or malformed, the nonce is invalid, the signature is not of this request, or
        the body is not what is asked for.
    """
    proof, body = _check_headers()
    return proof, shapes.read(asked, parse_parameters(body))


def _check_headers() -> tuple[Proof, bytes]:
    """The proof of the current request, and its body."""
    owner, signer = _address(OWNER_HEADER), _address(SIGNER_HEADER)
    nonce, signature = _header(NONCE_HEADER), _header(SIGNATURE_HEADER)
    services().mint.check(nonce, owner)
    require_json(request)
    body = read_body_bytes(request)
    query = request.environ.get("QUERY_STRING", "")
    target = request.path + (f"?{query}" if query else "")
    digest = sha256(body).hex()
    for server in _likely_first():
        if verify_request(request.method, server, target, digest, nonce, owner, signer, signature):
            text = request_text(request.method, server, target, digest, nonce, owner, signer)
            return Proof(owner, signer, nonce, WHOLE_REQUEST, sha256(text.encode())), body
    names = " or ".join(services().settings.server_names)
    raise RequestSignatureError("Incorrect signature", hint=f"It is of the request as sent to {names}, by Rein-Signer.")


def _allow_batches() -> None:
    request.max_content_length = MAX_BATCH_BODY


def _hand_next_nonce(response: Response) -> Response:
    """Put the next nonce into an answer to a request that names its owner."""
    owner = request.headers.get(OWNER_HEADER, "")
    if is_identity_address(owner):
        response.headers[NEXT_NONCE_HEADER] = services().mint.make(owner)
    return response


def _likely_first() -> list[str]:
    """The server's names, first the one that the request was sent to: a wrong guess costs a verification."""
    host = request.environ.get("HTTP_HOST", "").lower()
    return sorted(services().settings.server_names, key=lambda server: server.partition("://")[2] != host)


def _header(name: str) -> str:
    value: str | None = request.headers.get(name)
    if value is None:
        raise MissingParameterError(f"the header {name!r} is missing")
    if len(value) > _MAX_HEADER:
        raise BadParameterError(f"the header {name!r} has {len(value):,} characters; {_MAX_HEADER} are allowed")
    return value


def _address(name: str) -> str:
    value = _header(name)
    if not is_identity_address(value):
        raise BadParameterError(f"the header {name!r} is not a P2PKH address", hint="It begins with 1, m or n.")
    return value
