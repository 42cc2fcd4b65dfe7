"""Letting signed requests in: the headers are checked, in the order of cost, before the body is even parsed."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Request, Response

from causeway.api.body import read_body_bytes
from causeway.auth.nonces import NonceMint
from causeway.auth.service import WHOLE_REQUEST, Proof
from causeway.errors import BadParameterError, ContentTypeError, MissingParameterError, RequestSignatureError
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

_MAX_HEADER = 200


class Gate:
    """Knows by which names the server may be addressed, and its nonces."""

    def __init__(self, mint: NonceMint, servers: Sequence[str]) -> None:
        self._mint = mint
        self._servers = tuple(servers)

    def admit(self, request: Request) -> tuple[Proof, bytes]:
        """That the request is signed, and its body. That its nonce is unused is checked where it is spent.

        :raises ApiError: a header is missing or malformed, the nonce is none, or the signature is not of this request.
        """
        owner, signer = _address(request, OWNER_HEADER), _address(request, SIGNER_HEADER)
        nonce, signature = _header(request, NONCE_HEADER), _header(request, SIGNATURE_HEADER)
        self._mint.check(nonce, owner)
        if request.mimetype != "application/json":
            raise ContentTypeError(
                "the body is not declared to be JSON", hint="Send the header Content-Type: application/json."
            )
        body = read_body_bytes(request)
        query = request.environ.get("QUERY_STRING", "")
        target = request.path + (f"?{query}" if query else "")
        digest = sha256(body).hex()
        for server in self._likely_first(request):
            if verify_request(request.method, server, target, digest, nonce, owner, signer, signature):
                text = request_text(request.method, server, target, digest, nonce, owner, signer)
                return Proof(owner, signer, nonce, WHOLE_REQUEST, sha256(text.encode())), body
        raise RequestSignatureError(
            "Incorrect signature", hint=f"It is of the request as sent to {' or '.join(self._servers)}, by Rein-Signer."
        )

    def hand_next_nonce(self, request: Request, response: Response) -> Response:
        """Put the next nonce into an answer to a request that names its owner."""
        owner = request.headers.get(OWNER_HEADER, "")
        if is_identity_address(owner):
            response.headers[NEXT_NONCE_HEADER] = self._mint.make(owner)
        return response

    def _likely_first(self, request: Request) -> list[str]:
        """The server's names, first the one that the request was sent to: a wrong guess costs a verification."""
        host = request.environ.get("HTTP_HOST", "").lower()
        return sorted(self._servers, key=lambda server: server.partition("://")[2] != host)


def _header(request: Request, name: str) -> str:
    value: str | None = request.headers.get(name)
    if value is None:
        raise MissingParameterError(f"the header {name!r} is missing")
    if len(value) > _MAX_HEADER:
        raise BadParameterError(f"the header {name!r} has {len(value):,} characters; {_MAX_HEADER} are allowed")
    return value


def _address(request: Request, name: str) -> str:
    value = _header(request, name)
    if not is_identity_address(value):
        raise BadParameterError(f"the header {name!r} is no P2PKH address", hint="It begins with 1, m or n.")
    return value
