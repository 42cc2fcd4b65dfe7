"""Putting a job into one file that proves itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rein.btc.hashes import sha256
from rein.casefile.archive import INDEX, write_archive
from rein.casefile.index import Attachment, Index, sign_index
from rein.casefile.verify import (
    DESCRIPTORS,
    DOCUMENTS,
    PROOFS,
    descriptors,
    documents_of,
    payment_name,
    verify_case,
)
from rein.chain.proofs import gather_proof
from rein.errors import ChainError, InputError
from rein.escrow.proposals import proposals_of
from rein.protocol.orders import Order
from rein.workflows.chain.view import observe
from rein.workflows.evidence.case_result import CaseResult
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.fetch import fetched_order
from rein.workflows.orders.load import terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class CasePlan:
    """A case before its index is signed. `pieces` are all files in it but the index, by name."""

    index: Index
    pieces: Mapping[str, bytes]
    path: Path


def prepare(session: Session, name: str, path: Path | None = None, attachments: Sequence[Path] = ()) -> CasePlan:
    """The case of an order, after asking the servers.

    :param name: of the order, as for `find_order`.
    :param path: of the file; by default after the job, in the current directory.
    :param attachments: files whose hashes the case names; they are not copied into it.
    :raises NotFoundError: there is no such order.
    :raises InputError: a file cannot be read.
    """
    order, row = fetched_order(session, name), session.identity
    pieces = _pieces(session, order)
    index = Index(
        network=session.network,
        job_document=order.id,
        offer=order.offer.id if order.offer else None,
        delegate_address=row.delegate_address,
        master_address=row.master_address,
        pieces={name: sha256(content).hex() for name, content in pieces.items()},
        attachments=tuple(attachment(each) for each in attachments),
    )
    return CasePlan(index, pieces, path or Path(f"case-{order.job.document.job_id}.zip"))


def commit(session: Session, plan: CasePlan) -> CaseResult:
    """Sign the index and write the file, verified as its reader will verify it.

    :raises InputError: the file exists already, or cannot be written.
    """
    pieces = {**plan.pieces, INDEX: sign_index(plan.index, session.keyring.delegate)}
    case = verify_case(pieces)
    write_archive(plan.path, pieces)
    return CaseResult(case, plan.path)


def _pieces(session: Session, order: Order) -> dict[str, bytes]:
    documents = documents_of(order, load_enrollments(session))
    still_sealed = session.store.documents.sealed_bids(session.network.name)
    pieces = {
        f"{DOCUMENTS}{each.id}.txt": each.armored.encode() for each in documents.values() if each.id not in still_sealed
    }
    terms = terms_if_any(order)
    if terms is not None:
        pieces[DESCRIPTORS] = descriptors(terms)
        pieces |= {payment_name(each): each.text.encode() for each in proposals_of(order, terms)}
        pieces |= _proofs(session, order)
    return pieces


def _proofs(session: Session, order: Order) -> dict[str, bytes]:
    """Of everything that was seen to come in and go out. What the chain source cannot prove is said and left out."""
    observe(session, order)
    seen = {output.outpoint.txid: output.height for output in session.store.escrows.outputs(order.contract_id)}
    seen |= {payment.txid: payment.height for payment in session.store.escrows.payments(order.contract_id).values()}
    pieces = {}
    for txid, height in seen.items():
        try:
            block = None if height is None else session.chain.block_at(height).hash
            proof = gather_proof(session.chain, txid, block)
        except ChainError as error:
            session.note(f"The case has no proof of the transaction {txid}: {error.message}")
        else:
            if proof is not None:
                pieces[f"{PROOFS}{txid}.json"] = (json.dumps(proof.to_json(), indent=2) + "\n").encode()
    return pieces


def attachment(path: Path) -> Attachment:
    """What a file is known by.

    :raises InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Attachment(digest, file.tell(), path.name)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
