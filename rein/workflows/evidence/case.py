"""Putting a job into one file that proves itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from rein.btc.hashes import sha256
from rein.casefile.archive import INDEX, write_archive
from rein.casefile.index import Attachment, Index, sign_index
from rein.casefile.verify import (
    DESCRIPTORS,
    DOCUMENTS,
    PROOFS,
    Case,
    descriptors,
    documents_of,
    payment_name,
    verify_case,
)
from rein.chain.proofs import gather_proof
from rein.errors import ChainError, InputError
from rein.escrow.proposals import proposals_of
from rein.protocol.orders import Order
from rein.workflows.desk import Desk
from rein.workflows.money.watch_chain import look_at
from rein.workflows.orders.cases import terms_if_any
from rein.workflows.orders.pull import load_enrollments


def export_case(desk: Desk, order: Order, path: Path, attachments: Sequence[Path] = ()) -> Case:
    """Write the case of an order, verified as its reader will verify it.

    :param attachments: files whose hashes the case names; they are not copied into it.
    :raises InputError: a file cannot be read, or the case exists already.
    """
    pieces = _pieces(desk, order)
    row = desk.identity
    index = Index(
        network=desk.network,
        job_document=order.id,
        offer=order.offer.id if order.offer else None,
        delegate_address=row.delegate_address,
        master_address=row.master_address,
        pieces={name: sha256(content).hex() for name, content in pieces.items()},
        attachments=tuple(attachment(each) for each in attachments),
    )
    pieces[INDEX] = sign_index(index, desk.keyring.delegate)
    case = verify_case(pieces)
    write_archive(path, pieces)
    return case


def _pieces(desk: Desk, order: Order) -> dict[str, bytes]:
    documents = documents_of(order, load_enrollments(desk))
    still_sealed = desk.store.sealed_bids(desk.network.name)
    pieces = {
        f"{DOCUMENTS}{each.id}.txt": each.armored.encode() for each in documents.values() if each.id not in still_sealed
    }
    terms = terms_if_any(order)
    if terms is not None:
        pieces[DESCRIPTORS] = descriptors(terms)
        pieces |= {payment_name(each): each.text.encode() for each in proposals_of(order, terms)}
        pieces |= _proofs(desk, order)
    return pieces


def _proofs(desk: Desk, order: Order) -> dict[str, bytes]:
    """Of everything that was seen to come in and go out. What the chain source cannot prove is said and left out."""
    look_at(desk, order)
    seen = {output.outpoint.txid: output.height for output in desk.store.escrow_outputs(order.contract_id)}
    seen |= {payment.txid: payment.height for payment in desk.store.payments(order.contract_id).values()}
    pieces = {}
    for txid, height in seen.items():
        try:
            block = None if height is None else desk.chain.block_at(height).hash
            proof = gather_proof(desk.chain, txid, block)
        except ChainError as error:
            desk.note(f"The case has no proof of the transaction {txid}: {error.message}")
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
