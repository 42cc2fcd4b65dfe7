"""GET /v1/nonce."""

from __future__ import annotations

from flask import Response

from causeway.accounts.service import require_registered
from causeway.api.operations import operation, read_query, respond
from causeway.services import services
from causeway.v1.gate import versioned
from causeway.v1.schemas import NonceAnswer, OwnerRequest

views = versioned("nonce")


@views.get("/nonce")
@operation(takes=OwnerRequest, answers=NonceAnswer)
def nonce() -> Response:
    """The first nonce for a registered owner. Every answer to a signed request brings the next one."""
    owner = read_query(OwnerRequest).owner
    with services().database.reading() as connection:
        require_registered(connection, owner)
    return respond(NonceAnswer(nonce=services().mint.make(owner)))
