"""POST /put and GET /get."""

from __future__ import annotations

from flask import Blueprint, Response, request

from causeway.api.body import json_parameters
from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.parameters import Parameters, query_parameters
from causeway.api.reading import BodyReader
from causeway.api.responses import success
from causeway.auth.nonces import NonceMint
from causeway.errors import BadParameterError
from causeway.kv.service import KeyValueStore, Put
from rein.protocol.wire import KEY_PATTERN

_MAX_SHORT = 200
"""Characters of a nonce or a signature: the exact lengths are checked where they are used."""


def blueprint(store: KeyValueStore, mint: NonceMint, bodies: BodyReader) -> Blueprint:
    views = Blueprint("kv", __name__)

    @views.post("/put")
    def put() -> Response:
        """Store a value: key, value, owner, nonce, signature, signature_address."""
        asked = _read_put(json_parameters(request, bodies))
        store.put(asked)
        return success({"nonce": mint.make(asked.owner)}, 201)

    @views.get("/get")
    def get() -> Response:
        """The value under a key: key."""
        key = _key(query_parameters(request))
        return success({"key": key, "value": store.get(key)})

    return views


def _read_put(parameters: Parameters) -> Put:
    owner = parameters.address("owner", "address")
    return Put(
        key=_key(parameters),
        value=_value(parameters),
        owner=owner,
        signer=parameters.optional_address("signature_address") or owner,
        nonce=parameters.text("nonce", longest=_MAX_SHORT),
        signature=parameters.text("signature", longest=_MAX_SHORT),
        testnet=parameters.flag("testnet") or False,
    )


def _key(parameters: Parameters) -> str:
    key = parameters.text("key")
    if KEY_PATTERN.fullmatch(key) is None:
        raise BadParameterError("the key is not 1 to 128 characters of A-Z a-z 0-9 . _ : / -")
    return key


def _value(parameters: Parameters) -> str:
    value = parameters.text("value", longest=MAX_BODY_BYTES)
    if not value:
        # It would sign the same bytes as a request to delete the key.
        raise BadParameterError("the value is empty")
    return value
