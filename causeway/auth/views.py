"""GET /nonce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from causeway.accounts import service as accounts
from causeway.api.operations import operation, read_query
from causeway.api.responses import success
from causeway.api.shapes import About, Address, Also, Text
from causeway.auth.nonces import NonceMint
from causeway.db.engine import Database
from causeway.errors import UnknownOwnerError


@dataclass(frozen=True, kw_only=True)
class NonceRequest:
    """What `/nonce` takes. A client of 2016 clears its nonce when it is done; anybody could, so that clears nothing."""

    address: Annotated[str, Address(), Also(("owner",))]
    clear: Annotated[str | None, Text(), About("Accepted, and does nothing.")] = None


@dataclass(frozen=True, kw_only=True)
class NonceAnswer:
    status: str
    result: str
    nonce: str


def blueprint(database: Database, mint: NonceMint) -> Blueprint:
    views = Blueprint("auth", __name__)

    @views.get("/nonce")
    @operation(takes=NonceRequest, answers=NonceAnswer)
    def nonce() -> Response:
        """A nonce for a registered owner: address. Valid for ten minutes, once per key."""
        asked = read_query(NonceRequest, request)
        if asked.clear is not None:
            return success({"nonce": ""})
        if not database.read(lambda connection: accounts.is_registered(connection, asked.address)):
            raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
        return success({"nonce": mint.make(asked.address)})

    return views
