"""What a case proves, found out from nothing but its pieces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint
from rein.casefile.archive import INDEX
from rein.casefile.index import Index, check_pieces, read_index
from rein.chain.proofs import Proved, TransactionProof
from rein.errors import CaseError, ReinError
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import confirmations_needed
from rein.escrow.payout import Coin, Payout
from rein.escrow.proposals import Ending, Proposal, proposals_of
from rein.escrow.terms import EscrowTerms, Terms, terms_of
from rein.protocol.documents import Enrollment, Job
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Evidence, Order, fold
from rein.protocol.signed import Signed, verify
from rein.protocol.values import DocumentId

DOCUMENTS, PAYMENTS, PROOFS = "documents/", "payments/", "proofs/"
DESCRIPTORS = "descriptors.json"


@dataclass(frozen=True)
class Deposit:
    """Money that a proof shows to have come into an escrow."""

    coin: Coin
    proved: Proved


@dataclass(frozen=True)
class Paid:
    """A payment out of an escrow that a proof shows: what the documents say it is, or None if they do not."""

    txid: str
    proved: Proved
    spent: tuple[Coin, ...]
    proposal: Proposal | None
    payout: Payout | None


@dataclass(frozen=True)
class EscrowHistory:
    """What is proved of one escrow."""

    terms: EscrowTerms
    deposits: tuple[Deposit, ...]
    payments: tuple[Paid, ...]

    @property
    def funded(self) -> Sat:
        return Sat(sum(deposit.coin.amount for deposit in self.deposits))


@dataclass(frozen=True)
class Case:
    """A case that is sound. `terms` and `escrows` are there if the job had an offer that counts."""

    index: Index
    order: Order
    enrollments: Enrollments
    terms: Terms | None
    escrows: tuple[EscrowHistory, ...]


def verify_case(pieces: Mapping[str, bytes]) -> Case:
    """Check every piece of a case.

    :raises CaseError: naming the piece that is not what it must be, and why.
    """
    if INDEX not in pieces:
        raise CaseError(f"the piece {INDEX} is missing: this is not a case file")
    index = read_index(pieces[INDEX])
    check_pieces(index, pieces)
    documents = _documents(index.network, pieces)
    enrollments = Enrollments(each for each in documents if isinstance(each.document, Enrollment))
    order = _order(index, documents, enrollments)
    _check_maker(index, order, enrollments)
    proofs = _proofs(index.network, pieces)
    try:
        terms = terms_of(order) if order.offer is not None else None
    except ReinError as error:
        raise CaseError(f"the documents agree on no money: {error.message}") from None
    _check_payments(order, pieces)
    _check_descriptors(terms, pieces)
    if terms is None:
        return Case(index, order, enrollments, None, ())
    escrows = tuple(_history(order, each, proposals_of(order, terms), proofs) for each in terms.escrows)
    folded = fold(order.job, documents, enrollments, _evidence(escrows, index.network), offer_id=index.offer)
    return Case(index, folded, enrollments, terms, escrows)


def _documents(network: Network, pieces: Mapping[str, bytes]) -> list[Signed[Any]]:
    found = []
    for name, content in pieces.items():
        if not name.startswith(DOCUMENTS):
            continue
        try:
            signed = verify(content.decode())
        except (ReinError, UnicodeDecodeError) as error:
            raise CaseError(f"the piece {name} is not a good document: {error}") from None
        if name != f"{DOCUMENTS}{signed.id}.txt":
            raise CaseError(f"the piece {name} holds the document {signed.id}")
        if getattr(signed.document, "network", None) != network:
            raise CaseError(f"the piece {name} is not a document of {network.name}")
        found.append(signed)
    return found


def _order(index: Index, documents: Sequence[Signed[Any]], enrollments: Enrollments) -> Order:
    job = next((each for each in documents if each.id == index.job_document), None)
    if job is None or not isinstance(job.document, Job):
        raise CaseError(f"the job document {index.job_document} is not among the pieces")
    try:
        order = fold(job, documents, enrollments, offer_id=index.offer)
    except ReinError as error:
        raise CaseError(f"the job does not count: {error.message}") from None
    if (order.offer.id if order.offer else None) != index.offer:
        raise CaseError(f"the offer that {INDEX} names is not one that counts")
    return order


def _check_maker(index: Index, order: Order, enrollments: Enrollments) -> None:
    """A case is made by one of the three: somebody answers for what was put in, and left out."""
    job = order.job.document
    parties = {job.creator_master_address, job.mediator_master_address}
    parties |= {bid.document.worker_master_address for bid in order.bids}
    if index.master_address not in parties:
        raise CaseError(f"{INDEX} is signed by somebody who has no part in the job")
    if not enrollments.is_delegate(index.network, index.master_address, index.delegate_address):
        raise CaseError(f"{INDEX} is signed by {index.delegate_address}, which {index.master_address} never enrolled")


def _proofs(network: Network, pieces: Mapping[str, bytes]) -> dict[str, tuple[TransactionProof, Proved]]:
    found = {}
    for name, content in pieces.items():
        if not name.startswith(PROOFS):
            continue
        try:
            proof = TransactionProof.from_json(content)
            proved = proof.check(network)
        except ReinError as error:
            raise CaseError(f"the piece {name} proves nothing: {error.message}") from None
        if name != f"{PROOFS}{proved.txid}.json":
            raise CaseError(f"the piece {name} is a proof of the transaction {proved.txid}")
        found[proved.txid] = (proof, proved)
    return found


def _check_payments(order: Order, pieces: Mapping[str, bytes]) -> None:
    """The payments stand in the documents; the pieces repeat them for wallets, to the letter."""
    named: dict[str, str] = {}
    if order.offer is not None:
        named = {payment_name(each): each.text for each in proposals_of(order, terms_of(order))}
    for name, content in pieces.items():
        if name.startswith(PAYMENTS) and named.get(name, "").encode() != content:
            raise CaseError(f"the piece {name} is not the payment that stands in the document")


def payment_name(proposal: Proposal) -> str:
    """The piece that holds a payment."""
    return f"{PAYMENTS}{proposal.terms.id}-{proposal.document.id}.psbt"


def descriptors(terms: Terms) -> bytes:
    """The piece that holds the descriptors."""
    named = {each.id: each.escrow.descriptor for each in terms.escrows}
    return (json.dumps(named, indent=2, sort_keys=True) + "\n").encode()


def _check_descriptors(terms: Terms | None, pieces: Mapping[str, bytes]) -> None:
    expected = None if terms is None else descriptors(terms)
    if pieces.get(DESCRIPTORS) != expected:
        raise CaseError(f"the piece {DESCRIPTORS} does not hold the descriptors that the documents give")


def _history(
    order: Order,
    terms: EscrowTerms,
    carried: Sequence[Proposal],
    proofs: Mapping[str, tuple[TransactionProof, Proved]],
) -> EscrowHistory:
    deposits = [
        Deposit(Coin(OutPoint(txid, vout), output.amount), proved)
        for txid, (proof, proved) in proofs.items()
        for vout, output in enumerate(proof.transaction.outputs)
        if output.script == terms.escrow.script
    ]
    held = {deposit.coin.outpoint: deposit.coin for deposit in deposits}
    proposals = [each for each in carried if each.terms == terms]
    payments = []
    for txid, (proof, proved) in proofs.items():
        spent = tuple(held[outpoint] for outpoint in proof.transaction.inputs if outpoint in held)
        if spent:
            proposal, payout = _explained(order, proposals, txid, list(held.values()))
            payments.append(Paid(txid, proved, spent, proposal, payout))
    return EscrowHistory(terms, tuple(deposits), tuple(payments))


def _explained(
    order: Order, proposals: Sequence[Proposal], txid: str, held: Sequence[Coin]
) -> tuple[Proposal | None, Payout | None]:
    """The document whose payment that is. The chain shows that it was signed well."""
    if order.bid is None:
        return None, None
    for proposal in proposals:
        found = proposal.explain(held, order.bid.document)
        if found.as_agreed and found.expected is not None and found.expected.txid == txid:
            return proposal, found.expected
    return None, None


def _evidence(escrows: Sequence[EscrowHistory], network: Network) -> Evidence:
    def is_paid(story: EscrowHistory) -> bool:
        needed = confirmations_needed(story.terms.amount, network)
        is_made = any(paid.proposal and paid.proved.confirmations >= needed for paid in story.payments)
        return is_made or (refunded and not story.deposits)

    endings = [paid.proposal.ending for story in escrows for paid in story.payments if paid.proposal]
    refunded = Ending.REFUND in endings
    prices = [story for story in escrows if story.terms.kind is EscrowKind.PRICE]
    return Evidence(
        funded=all(story.funded >= story.terms.amount for story in escrows),
        primary_paid=all(is_paid(story) for story in prices),
        mediator_paid=all(is_paid(story) for story in escrows if story.terms.kind is EscrowKind.FEE),
        refunded=refunded and all(_is_refund(paid) for story in prices for paid in story.payments),
    )


def _is_refund(paid: Paid) -> bool:
    return paid.proposal is not None and paid.proposal.ending is Ending.REFUND


def documents_of(order: Order, enrollments: Enrollments) -> dict[DocumentId, Signed[Any]]:
    """Everything a case has to hold of an order: what counts, what contradicts it, what was rejected, and the
    enrollments of everybody who speaks in it."""
    spoken = order.all_documents()
    found = {each.id: each for each in spoken}
    job = order.job.document
    masters = {each.document.author.master_address for each in spoken} | {job.mediator_master_address}
    for master in masters:
        found |= {each.id: each for each in enrollments.of(job.network, master)}
    return found
