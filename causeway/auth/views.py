"""GET /nonce."""

from __future__ import annotations

from flask import Blueprint, Response, request

from causeway.accounts import service as accounts
from causeway.api.parameters import query_parameters
from causeway.api.responses import success
from causeway.auth.nonces import NonceMint
from causeway.db.engine import Database
from causeway.errors import UnknownOwnerError


def blueprint(database: Database, mint: NonceMint) -> Blueprint:
    views = Blueprint("auth", __name__)

    @views.get("/nonce")
    def nonce() -> Response:
        """A nonce for a registered owner: address. Valid for ten minutes, once per key."""
        parameters = query_parameters(request)
        owner = parameters.address("address", "owner")
        if parameters.optional_text("clear") is not None:
            # A client of 2016 clears its nonce when it is done. Anybody could: so it clears nothing.
            return success({"nonce": ""})
        if not database.read(lambda connection: accounts.is_registered(connection, owner)):
            raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
        return success({"nonce": mint.make(owner)})

    return views
