"""What every document in a job says the same way: which job, which document it answers, who signs, at which block."""

from __future__ import annotations

from typing import Any, TypeVar

from rein.btc.keys import PrivateKey
from rein.protocol.documents import EscrowSigned, OrderDocument, PartyDocument, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed, sign
from rein.protocol.values import DocumentId
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.orders.load import require_role, with_document
from rein.workflows.session import Session

D = TypeVar("D", bound=OrderDocument)


def belongs_to(session: Session, order: Order, previous: DocumentId) -> dict[str, Any]:
    """The fields of any document of this job that answers `previous`."""
    block = session.block_to_name()
    return {
        "network": session.network,
        "previous": previous,
        "block_hash": block.hash,
        "block_height": block.height,
        "job_name": order.job.document.name,
        "job_id": order.job.document.job_id,
        "job_document": order.id,
    }


def sign_answer(session: Session, order: Order, document: D, escrow: PrivateKey | None = None) -> Signed[D]:
    """Sign a document of this job, with the escrow key too where it binds its author, if everybody would count it.

    :param escrow: the key that a document introduces; by default the one of the job's documents.
    :raises OrderError: it would be kept apart, or contradict an earlier one.
    """
    key = (escrow or escrow_key(session, order, document.signing_role)) if isinstance(document, EscrowSigned) else None
    signed = sign(document, session.keyring.delegate, key)
    with_document(session, order, signed)
    return signed


P = TypeVar("P", bound=PartyDocument)


def sign_as(session: Session, order: Order, role: Role, cls: type[P], previous: DocumentId, **fields: Any) -> Signed[P]:
    """Sign a document of a type that names the role of its author.

    :raises OrderError: the identity has another role in this job; or as `sign_answer`.
    """
    require_role(order, session.address, role)
    row = session.identity
    document = cls(
        **belongs_to(session, order, previous),
        role=role,
        delegate_address=row.delegate_address,
        master_address=row.master_address,
        **fields,
    )
    return sign_answer(session, order, document)
