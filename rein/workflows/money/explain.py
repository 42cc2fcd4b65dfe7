"""Explaining payments: those that the documents of a job carry, and any PSBT somebody sends. Signs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.errors import OrderError, PsbtError
from rein.escrow.explain import Explanation, explain
from rein.escrow.payout import Coin, Split, the_price
from rein.escrow.proposals import Ending, Proposal, escrow_public_key, refund_of
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import AcceptDelivery, Role
from rein.protocol.orders import Order
from rein.workflows.money.chain_view import ChainView, observe
from rein.workflows.orders.load import find_order, my_orders, terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class Told:
    """One payment of a document, held against the documents. `confirmations`: where it was made; 0 while it waits."""

    proposal: Proposal
    explanation: Explanation
    confirmations: int | None
    remark: str | None


@dataclass(frozen=True)
class Candidate:
    """One payment that a job may make: `proposal` is the one in a document; None where no document carries it yet."""

    order: Order
    terms: EscrowTerms
    ending: Ending
    split: Split
    proposal: Proposal | None
    reserved: bool


@dataclass(frozen=True)
class Identified:
    """A PSBT and the payment of a job of mine that it is, or comes nearest to; None where it spends no escrow of one.

    `signers`: those of the three whose signature it has on every input.
    """

    psbt: Psbt
    nearest: Candidate | None
    explanation: Explanation | None
    signers: tuple[Role, ...]


def explain_job(session: Session, name: str) -> tuple[Order, list[Told]]:
    """Every payment that the documents of a job carry, held against the documents and the chain.

    :raises NotFoundError: no such job is here.
    :raises OrderError: it has no offer that counts, so there is no money.
    """
    order = find_order(session, name)
    seen = observe(session, order)
    if seen is None or order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so there is no money in it")
    bid = order.bid.document
    told = []
    for proposal in seen.proposals:
        escrow_id = proposal.terms.id
        found = proposal.explain_made(_all_coins(seen, escrow_id), bid)
        made = seen.payments.get(escrow_id)
        if made is not None and found.expected is not None and found.expected.txid == made.txid:
            told.append(Told(proposal, found, made.confirmations, remark(order, proposal)))
        else:
            now = proposal.explain(seen.coins(escrow_id), bid, paid=seen.is_paid(escrow_id))
            told.append(Told(proposal, now, None, remark(order, proposal)))
    return order, told


def identify(session: Session, text: str) -> Identified:
    """Find the payment of a job of mine that a PSBT is, or comes nearest to.

    :param text: base64.
    :raises PsbtError: it is no PSBT at all.
    """
    psbt = Psbt.parse(text, strict=False)
    best: tuple[int, Candidate, Explanation] | None = None
    for order in my_orders(session).orders:
        terms = terms_if_any(order)
        spent = [each for each in terms.escrows if _spends(psbt, each)] if terms is not None else []
        seen = observe(session, order) if spent else None
        if seen is None:
            continue
        for candidate in _candidates(order, seen, spent):
            held = _all_coins(seen, candidate.terms.id)
            found = explain(text, candidate.terms, candidate.split, held, _present(psbt), reserved=candidate.reserved)
            if best is None or len(found.differences) < best[0]:
                best = (len(found.differences), candidate, found)
    if best is None:
        return Identified(psbt, None, None, ())
    _, nearest, explanation = best
    return Identified(psbt, nearest, explanation, signers_of(psbt, nearest.order))


def signers_of(psbt: Psbt, order: Order) -> tuple[Role, ...]:
    """Those of the three whose signature is on every input. Whether it is valid is another question."""
    if order.bid is None:
        return ()
    present, bid = _present(psbt), order.bid.document
    return tuple(role for role in Role if escrow_public_key(role, bid) in present)


def _present(psbt: Psbt) -> set[bytes]:
    """The keys with a signature on every input."""
    keys = [set(psbt.partial_signatures(index)) for index in range(len(psbt.transaction.inputs))]
    return set.intersection(*keys)


def _spends(psbt: Psbt, terms: EscrowTerms) -> bool:
    """Whether any input shows this escrow's script, true or not."""
    try:
        return any(each.witness_script == terms.escrow.witness_script for each in psbt.inputs)
    except PsbtError:
        return terms.escrow.witness_script in psbt.raw


def _candidates(order: Order, seen: ChainView, escrows: Iterable[EscrowTerms]) -> list[Candidate]:
    """The payments in documents first; then those that a document might still carry."""
    found = []
    for terms in escrows:
        held, paid = seen.coins(terms.id), seen.is_paid(terms.id)
        for each in seen.proposals:
            if each.terms == terms:
                split = each.split(held, paid=paid)
                found.append(Candidate(order, terms, each.ending, split, each, each.reserved))
        found.append(Candidate(order, terms, Ending.ACCEPTANCE, the_price(terms), None, reserved=False))
        found.append(Candidate(order, terms, Ending.REFUND, refund_of(terms, held, paid=paid), None, reserved=False))
    return found


def _all_coins(seen: ChainView, escrow_id: str) -> tuple[Coin, ...]:
    return tuple({*seen.coins(escrow_id), *seen.spent.get(escrow_id, ())})


def remark(order: Order, proposal: Proposal) -> str | None:
    """What a person should know of the document beside its payment."""
    document = proposal.document.document
    if proposal.document in order.conflict:
        return "its author signed another document that contradicts it"
    if isinstance(document, AcceptDelivery) and order.deliveries and document.previous != order.deliveries[-1].id:
        return "it accepts a delivery that the worker has replaced"
    return None
