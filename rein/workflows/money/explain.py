"""Explaining payments: those that the documents of a job carry, and any PSBT somebody sends. Signs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rein.btc.address import address_of_script
from rein.btc.networks import Network
from rein.btc.psbt import Psbt
from rein.btc.transaction import TxOutput
from rein.errors import InputError, OrderError, PsbtError
from rein.escrow.explain import Explanation, explain
from rein.escrow.payout import Coin, Split, the_price
from rein.escrow.proposals import Ending, Proposal, escrow_public_key, refund_of
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import AcceptDelivery, Bid, Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import ChainView, chain_view_of, observe
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order, my_orders, terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class ExplainedPayment:
    """One payment of a document, held against the documents. `confirmations`: where it was made; 0 while it waits."""

    proposal: Proposal
    explanation: Explanation
    confirmations: int | None
    remark: str | None

    def json(self) -> dict[str, Any]:
        proposal = self.proposal
        return {
            "document_id": proposal.document.id,
            "kind": proposal.document.document.KIND.value,
            "ending": proposal.ending.value,
            "purse": proposal.terms.id,
            "author": proposal.author.value,
            "completers": sorted(role.value for role in proposal.completers),
            "confirmations": self.confirmations,
            "remark": self.remark,
            **self.explanation.json(),
        }


@dataclass(frozen=True)
class JobExplanation:
    """Every payment that the documents of a job carry."""

    order: Order
    payments: tuple[ExplainedPayment, ...]

    def json(self) -> dict[str, Any]:
        return {
            "job_id": self.order.job.document.job_id,
            "job_document": self.order.id,
            "state": self.order.state.value,
            "payments": [each.json() for each in self.payments],
        }


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
class IdentifiedPsbt:
    """A PSBT and the payment of a job of mine that it is, or comes nearest to; None where it spends no escrow of one.

    `signers`: those of the three whose signature it has on every input.
    """

    psbt: Psbt
    network: Network
    nearest: Candidate | None
    explanation: Explanation | None
    signers: tuple[Role, ...]

    @property
    def outputs(self) -> list[tuple[TxOutput, str | None]]:
        """What it pays, and to which address, where the script has one."""
        return [(each, _address_of(each.script, self.network)) for each in self.psbt.outputs]

    def json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "txid": self.psbt.transaction.txid,
            "inputs": [str(outpoint) for outpoint in self.psbt.transaction.inputs],
            "outputs": [
                {"amount_sat": output.amount, "address": address, "script": output.script.hex()}
                for output, address in self.outputs
            ],
            "job_id": None,
            "as_agreed": False,
        }
        if self.nearest is None or self.explanation is None:
            return data
        carried = self.nearest.proposal
        return data | {
            "job_id": self.nearest.order.job.document.job_id,
            "job_document": self.nearest.order.id,
            "purse": self.nearest.terms.id,
            "ending": self.nearest.ending.value,
            "document_id": None if carried is None else carried.document.id,
            "signed_by": [role.value for role in self.signers],
            **self.explanation.json(),
        }


def _address_of(script: bytes, network: Network) -> str | None:
    try:
        return address_of_script(script, network)
    except InputError:
        return None


def explain_job(session: Session, name: str) -> JobExplanation:
    """Every payment that the documents of a job carry, held against the documents and the chain, after asking the
    servers.

    :raises NotFoundError: no such job is here.
    :raises OrderError: it has no offer that counts, so there is no money.
    """
    _ = session.identity
    pull(session)
    order = find_order(session, name)
    view = chain_view_of(session, order)
    if order.bid is None:
        raise OrderError(f"the job {order.job.document.job_id} has no bid that counts, so there is no money in it")
    bid = order.bid.document
    return JobExplanation(order, tuple(_explained(order, view, bid, each) for each in view.proposals))


def _explained(order: Order, view: ChainView, bid: Bid, proposal: Proposal) -> ExplainedPayment:
    escrow_id = proposal.terms.id
    made, about = view.payments.get(escrow_id), remark(order, proposal)
    found = proposal.explain_made(_all_coins(view, escrow_id), bid)
    if made is not None and found.expected is not None and found.expected.txid == made.txid:
        return ExplainedPayment(proposal, found, made.confirmations, about)
    now = proposal.explain(view.coins(escrow_id), bid, paid=view.is_paid(escrow_id))
    return ExplainedPayment(proposal, now, None, about)


def identify(session: Session, text: str) -> IdentifiedPsbt:
    """Find the payment of a job of mine that a PSBT is, or comes nearest to.

    :param text: base64.
    :raises PsbtError: it is no PSBT at all.
    """
    _ = session.identity
    psbt = Psbt.parse(text, strict=False)
    best: tuple[int, Candidate, Explanation] | None = None
    for order in my_orders(session).orders:
        terms = terms_if_any(order)
        spent = [each for each in terms.escrows if _spends(psbt, each)] if terms is not None else []
        view = observe(session, order) if spent else None
        if view is None:
            continue
        for candidate in _candidates(order, view, spent):
            held = _all_coins(view, candidate.terms.id)
            found = explain(text, candidate.terms, candidate.split, held, _present(psbt), reserved=candidate.reserved)
            if best is None or len(found.differences) < best[0]:
                best = (len(found.differences), candidate, found)
    if best is None:
        return IdentifiedPsbt(psbt, session.network, None, None, ())
    _, nearest, explanation = best
    return IdentifiedPsbt(psbt, session.network, nearest, explanation, signers_of(psbt, nearest.order))


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


def _candidates(order: Order, view: ChainView, escrows: Iterable[EscrowTerms]) -> list[Candidate]:
    """The payments in documents first; then those that a document might still carry."""
    found = []
    for terms in escrows:
        held, paid = view.coins(terms.id), view.is_paid(terms.id)
        for each in view.proposals:
            if each.terms == terms:
                split = each.split(held, paid=paid)
                found.append(Candidate(order, terms, each.ending, split, each, each.reserved))
        found.append(Candidate(order, terms, Ending.ACCEPTANCE, the_price(terms), None, reserved=False))
        found.append(Candidate(order, terms, Ending.REFUND, refund_of(terms, held, paid=paid), None, reserved=False))
    return found


def _all_coins(view: ChainView, escrow_id: str) -> tuple[Coin, ...]:
    return tuple({*view.coins(escrow_id), *view.spent(escrow_id)})


def remark(order: Order, proposal: Proposal) -> str | None:
    """What a person should know of the document beside its payment."""
    document = proposal.document.document
    if proposal.document in order.conflict:
        return "its author signed another document that contradicts it"
    if isinstance(document, AcceptDelivery) and order.deliveries and document.previous != order.deliveries[-1].id:
        return "it accepts a delivery that the worker has replaced"
    return None
