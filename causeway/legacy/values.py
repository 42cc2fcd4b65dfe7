"""POST /put and /delete, GET /get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response

from causeway.api.operations import operation, read_body, read_query
from causeway.api.rates import limit_account
from causeway.api.responses import success
from causeway.api.shapes import Address, Flag, Synonyms, Text
from causeway.auth.service import Proof
from causeway.errors import RequestSignatureError
from causeway.kv.schemas import Key, OneKey, Value
from causeway.kv.store import Item
from causeway.services import services
from rein.btc import message
from rein.btc.hashes import sha256
from rein.protocol.auth import delete_text, put_text

views = Blueprint("legacy_values", __name__)

Short = Annotated[str, Text(200)]
"""A nonce or a signature: the exact lengths are checked where they are used."""


@dataclass(frozen=True, kw_only=True)
class LegacyPutRequest:
    """An empty value would sign the same bytes as a `/delete`."""

    owner: Annotated[str, Address(), Synonyms(("address",))]
    key: Key
    value: Value
    nonce: Short
    signature: Short
    signature_address: Annotated[str | None, Address(may_be_empty=True)] = None
    testnet: Annotated[bool, Flag()] = False


@dataclass(frozen=True, kw_only=True)
class LegacyDeleteRequest:
    owner: Annotated[str, Address(), Synonyms(("address",))]
    key: Key
    nonce: Short
    signature: Short
    signature_address: Annotated[str | None, Address(may_be_empty=True)] = None


@dataclass(frozen=True, kw_only=True)
class LegacyNextNonce:
    status: str
    result: str
    nonce: str


@dataclass(frozen=True, kw_only=True)
class LegacyValue:
    status: str
    result: str
    key: str
    value: str


@views.post("/put")
@operation(takes=LegacyPutRequest, answers=LegacyNextNonce, status=201)
def put() -> Response:
    """Store a value: key, value, owner, nonce, signature, signature_address."""
    asked = read_body(LegacyPutRequest)
    with limit_account(asked.owner):
        text = put_text(asked.key, asked.value, asked.signature_address or asked.owner, asked.nonce)
        proof = _check_signed(asked, text, "key + value + signature_address + nonce")
        services().store.put_one(proof, Item(asked.key, asked.value), testnet=asked.testnet)
    return success({"nonce": services().mint.make(asked.owner)}, 201)


@views.post("/delete")
@operation(takes=LegacyDeleteRequest, answers=LegacyNextNonce)
def delete() -> Response:
    """Delete a value and get its bytes back: key, owner, nonce, signature, signature_address."""
    asked = read_body(LegacyDeleteRequest)
    text = delete_text(asked.key, asked.signature_address or asked.owner, asked.nonce)
    proof = _check_signed(asked, text, "key + signature_address + nonce")
    with limit_account(asked.owner):
        services().store.delete_one(proof, asked.key)
    return success({"nonce": services().mint.make(asked.owner)})


@views.get("/get")
@operation(takes=OneKey, answers=LegacyValue)
def get() -> Response:
    """The value under a key: key."""
    key = read_query(OneKey).key
    return success({"key": key, "value": services().store.get_one(key)})


def _check_signed(asked: LegacyPutRequest | LegacyDeleteRequest, text: str, parts: str) -> Proof:
    """That the signer signed `text`, with a nonce of the owner. `parts` says in words what the text is made of."""
    signer = asked.signature_address or asked.owner
    services().mint.check(asked.nonce, asked.owner)
    if not message.verify(signer, text, asked.signature):
        raise RequestSignatureError("Incorrect signature", hint=f"It is over {parts}, by that address.")
    return Proof(asked.owner, signer, asked.nonce, asked.key, sha256(text.encode()))
