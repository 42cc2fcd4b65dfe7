"""POST /put and /delete, GET /get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.operations import operation, read_body, read_query
from causeway.api.rates import account
from causeway.api.responses import success
from causeway.api.shapes import Address, Also, Flag, Text
from causeway.auth.nonces import NonceMint
from causeway.auth.service import Proof
from causeway.errors import RequestSignatureError
from causeway.kv.store import Item, Store
from rein.btc.hashes import sha256
from rein.protocol.auth import delete_text, put_text, verify_delete, verify_put
from rein.protocol.wire import KEY_PATTERN

Key = Annotated[str, Text(128, 1, KEY_PATTERN, "1 to 128 characters of A-Z a-z 0-9 . _ : / -")]
Owner = Annotated[str, Address(), Also(("address",))]
Signer = Annotated[str | None, Address(may_be_empty=True)]
Short = Annotated[str, Text(200)]
"""A nonce or a signature: the exact lengths are checked where they are used."""


@dataclass(frozen=True, kw_only=True)
class PutRequest:
    """What a `/put` sends. An empty value would sign the same bytes as a `/delete`."""

    owner: Owner
    key: Key
    value: Annotated[str, Text(MAX_BODY_BYTES, 1)]
    nonce: Short
    signature: Short
    signature_address: Signer = None
    testnet: Annotated[bool, Flag()] = False


@dataclass(frozen=True, kw_only=True)
class PutAnswer:
    status: str
    result: str
    nonce: str


@dataclass(frozen=True, kw_only=True)
class DeleteRequest:
    owner: Owner
    key: Key
    nonce: Short
    signature: Short
    signature_address: Signer = None


@dataclass(frozen=True, kw_only=True)
class GetRequest:
    key: Key


@dataclass(frozen=True, kw_only=True)
class GetAnswer:
    status: str
    result: str
    key: str
    value: str


def blueprint(store: Store, mint: NonceMint) -> Blueprint:
    views = Blueprint("kv", __name__)

    @views.post("/put")
    @operation(takes=PutRequest, answers=PutAnswer, status=201)
    def put() -> Response:
        """Store a value: key, value, owner, nonce, signature, signature_address."""
        asked = read_body(PutRequest, request)
        with account(asked.owner):
            store.put_one(_proof_of_put(asked, mint), Item(asked.key, asked.value), testnet=asked.testnet)
        return success({"nonce": mint.make(asked.owner)}, 201)

    @views.post("/delete")
    @operation(takes=DeleteRequest, answers=PutAnswer)
    def delete() -> Response:
        """Delete a value and get its bytes back: key, owner, nonce, signature, signature_address."""
        asked = read_body(DeleteRequest, request)
        proof = _proof_of_delete(asked, mint)
        with account(asked.owner):
            store.delete_one(proof, asked.key)
        return success({"nonce": mint.make(asked.owner)})

    @views.get("/get")
    @operation(takes=GetRequest, answers=GetAnswer)
    def get() -> Response:
        """The value under a key: key."""
        key = read_query(GetRequest, request).key
        return success({"key": key, "value": store.get_one(key)})

    return views


def _proof_of_put(asked: PutRequest, mint: NonceMint) -> Proof:
    signer = asked.signature_address or asked.owner
    mint.check(asked.nonce, asked.owner)
    if not verify_put(asked.key, asked.value, signer, asked.nonce, asked.signature):
        raise RequestSignatureError(
            "Incorrect signature", hint="It is over key + value + signature_address + nonce, by that address."
        )
    text = put_text(asked.key, asked.value, signer, asked.nonce)
    return Proof(asked.owner, signer, asked.nonce, asked.key, sha256(text.encode()))


def _proof_of_delete(asked: DeleteRequest, mint: NonceMint) -> Proof:
    signer = asked.signature_address or asked.owner
    mint.check(asked.nonce, asked.owner)
    if not verify_delete(asked.key, signer, asked.nonce, asked.signature):
        raise RequestSignatureError(
            "Incorrect signature", hint="It is over key + signature_address + nonce, by that address."
        )
    text = delete_text(asked.key, signer, asked.nonce)
    return Proof(asked.owner, signer, asked.nonce, asked.key, sha256(text.encode()))
