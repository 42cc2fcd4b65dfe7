"""What every document in a job says the same way: which job, which document it answers, who signs, at which block."""

from __future__ import annotations

from typing import Any, TypeVar

from rein.btc.keys import PrivateKey
from rein.protocol.documents import EscrowSigned, OrderDocument, PartyDocument, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed, sign
from rein.protocol.values import DocumentId
from rein.workflows.desk import Desk
from rein.workflows.orders.cases import require_role, with_document
from rein.workflows.orders.job_keyring import escrow_key

D = TypeVar("D", bound=OrderDocument)


def belongs_to(desk: Desk, order: Order, previous: DocumentId) -> dict[str, Any]:
    """The fields of any document of this job that answers `previous`."""
    block = desk.block_to_name()
    return {
        "network": desk.network,
        "previous": previous,
        "block_hash": block.hash,
        "block_height": block.height,
        "job_name": order.job.document.name,
        "job_id": order.job.document.job_id,
        "job_document": order.id,
    }


def sign_answer(desk: Desk, order: Order, document: D, escrow: PrivateKey | None = None) -> Signed[D]:
    """Sign a document of this job, with the escrow key too where it binds its author, if everybody would count it.

    :param escrow: the key that a document introduces; by default the one of the job's documents.
    :raises OrderError: it would be kept apart, or contradict an earlier one.
    """
    key = (escrow or escrow_key(desk, order, document.signing_role)) if isinstance(document, EscrowSigned) else None
    signed = sign(document, desk.keyring.delegate, key)
    with_document(desk, order, signed)
    return signed


P = TypeVar("P", bound=PartyDocument)


def sign_as(desk: Desk, order: Order, role: Role, cls: type[P], previous: DocumentId, **fields: Any) -> Signed[P]:
    """Sign a document of a type that names the role of its author.

    :raises OrderError: the identity has another role in this job; or as `sign_answer`.
    """
    require_role(order, desk.address, role)
    row = desk.identity
    document = cls(
        **belongs_to(desk, order, previous),
        role=role,
        delegate_address=row.delegate_address,
        master_address=row.master_address,
        **fields,
    )
    return sign_answer(desk, order, document)
