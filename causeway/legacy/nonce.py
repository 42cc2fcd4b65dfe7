"""GET /nonce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response

from causeway.accounts.service import require_registered
from causeway.api.operations import operation, read_query
from causeway.api.responses import success
from causeway.api.shapes import Address, Doc, Synonyms, Text
from causeway.services import services

views = Blueprint("legacy_nonce", __name__)


@dataclass(frozen=True, kw_only=True)
class LegacyNonceRequest:
    """A legacy client clears its nonce when it is done; anybody could, so that clears nothing."""

    address: Annotated[str, Address(), Synonyms(("owner",))]
    clear: Annotated[str | None, Text(), Doc("Accepted, and does nothing.")] = None


@dataclass(frozen=True, kw_only=True)
class LegacyNonce:
    status: str
    result: str
    nonce: str


@views.get("/nonce")
@operation(takes=LegacyNonceRequest, answers=LegacyNonce)
def nonce() -> Response:
    """A nonce for a registered owner: address. Valid for ten minutes, once per key."""
    asked = read_query(LegacyNonceRequest)
    if asked.clear is not None:
        return success({"nonce": ""})
    services().database.read(lambda connection: require_registered(connection, asked.address))
    return success({"nonce": services().mint.make(asked.address)})
