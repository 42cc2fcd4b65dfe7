"""What was signed before and may still be paid. A signature cannot be taken back, so whoever signs again for the same
money refuses what could be paid beside it.

- Funding that leaves its block may return, and with it the old payment. What is signed meanwhile spends an output of
  the old payment as well, or the escrow was filled again by a transaction that spends an input of the old one: then
  only one of the two can ever be.
- A creator may sign two offers on one bid. Their escrows are one, and a mediator decides about it in one of them only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.errors import EscrowError, PsbtError
from rein.escrow.contract import Escrow, EscrowKind
from rein.escrow.payout import Payout
from rein.escrow.proposals import Ending, proposals_of
from rein.escrow.terms import EscrowTerms, Terms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.tables.signatures import Completed
from rein.workflows.chain.view import ChainView
from rein.workflows.orders.load import load_orders, terms_if_any
from rein.workflows.session import Session


@dataclass(frozen=True)
class _Earlier:
    """A payment that the identity has signed: what it spends, what it gives to whom the escrow is for, and where."""

    txid: str
    inputs: frozenset[OutPoint]
    amount: int
    document: str


def remember_funding(session: Session, view: ChainView, payouts: Iterable[Payout]) -> None:
    """Note what the transactions spend that made these coins, while the chain still shows them."""
    for payout in payouts:
        heights = {each.outpoint.txid: each.height for each in view.funding.of(payout.terms.id).outputs}
        for txid in {coin.outpoint.txid for coin in payout.coins}:
            if session.store.signatures.funding(txid):
                continue
            height = heights.get(txid)
            block = None if height is None else session.chain.block_at(height).hash
            found = session.chain.transaction(txid, block)
            if found is not None:
                session.store.signatures.add_funding(txid, found.inputs)


def remember_completed(session: Session, order: Order, payout: Payout) -> None:
    """Note a payment before its second signature is made."""
    inputs = frozenset(coin.outpoint for coin in payout.coins)
    address = payout.terms.escrow.address
    completed = Completed(order.contract_id, address, payout.txid, payout.split.payee, inputs)
    session.store.signatures.add_completed(session.address, completed)


def require_only_payment(
    session: Session, order: Order, view: ChainView, role: Role, payouts: Iterable[Payout]
) -> None:
    """Refuse to sign what could be paid beside something that this identity has signed before.

    Workers, who only receive, may; so may mediators their own fee, and anybody a refund.

    :raises EscrowError: saying which payment, and what to do; or the mediator would take from the worker what is owed
        already.
    """
    for payout in payouts:
        terms = payout.terms
        if role is Role.MEDIATOR:
            _require_one_view(session, order, terms.escrow)
            _require_owed(session, order, view, payout)
        if role is Role.WORKER or not payout.split.payee:
            continue
        if role is Role.CREATOR or terms.kind is EscrowKind.PRICE:
            _require_shared_input(session, order, view, role, payout)


def _require_shared_input(session: Session, order: Order, view: ChainView, role: Role, payout: Payout) -> None:
    spends = {coin.outpoint for coin in payout.coins}
    funded = set[OutPoint]().union(*(session.store.signatures.funding(each.txid) for each in spends))
    for earlier in _earlier(session, order, view, role, payout.terms):
        if earlier.txid == payout.txid or not earlier.amount or not earlier.inputs.isdisjoint(spends):
            continue
        if any(not session.store.signatures.funding(each.txid).isdisjoint(funded) for each in earlier.inputs):
            continue  # only one of the two fundings can be
        lost = min(earlier.inputs)
        raise EscrowError(
            f"you have signed a payment of {earlier.amount:,} sat from the {payout.terms.id} escrow "
            f"already, in {earlier.document}; it spends {lost}, which this one does not spend, so both could be paid",
            hint="Wait until that output is in a block again, or pay the escrow again out of what had paid it before: "
            "from an input of that transaction. What came from elsewhere goes back to the creator: rein refund",
        )


def _earlier(session: Session, order: Order, view: ChainView, role: Role, terms: EscrowTerms) -> Iterator[_Earlier]:
    for proposal in view.proposals:
        if proposal.author is role and proposal.terms.escrow == terms.escrow:
            try:
                psbt = Psbt.parse(proposal.text)
                scripts = {each.witness_script for each in psbt.inputs}
            except PsbtError:
                continue
            if scripts != {terms.escrow.witness_script}:
                continue  # it moves nothing of this escrow
            transaction = psbt.transaction
            amount = sum(each.amount for each in transaction.outputs if each.script == terms.payee.script)
            name = f"the document {proposal.document.id[:12]}"
            yield _Earlier(transaction.txid, frozenset(transaction.inputs), amount, name)
    for each in session.store.signatures.completed(session.address, terms.escrow.address):
        if each.contract_id == order.contract_id:
            yield _Earlier(each.txid, each.inputs, each.amount, f"the transaction {each.txid[:12]}")


def other_offers(session: Session, order: Order, escrow: Escrow) -> list[tuple[Order, Terms]]:
    """The views of the job under other offers of its creator whose escrow is the same."""
    offered = [(other, terms_if_any(other)) for other in load_orders(session, [order.id]).orders]
    return [
        (other, terms)
        for other, terms in offered
        if other.contract_id != order.contract_id
        and terms is not None
        and escrow in [each.escrow for each in terms.escrows]
    ]


def _require_owed(session: Session, order: Order, view: ChainView, payout: Payout) -> None:
    """Refuse a mediator what gives the worker less than the creator owes by accepting, or than the mediator has
    awarded: whoever completes that first, or pays the miner more, takes the money.

    :raises EscrowError:
    """
    terms = payout.terms
    made = view.payments.get(terms.id)
    if terms.kind is not EscrowKind.PRICE or (made is not None and made.confirmations):
        return  # what is left after an ending goes back
    going = {output.outpoint for output in view.funding.of(terms.id).leaving}
    if made is None and any(coin.outpoint in going for coin in payout.coins):
        raise EscrowError(
            "what this pays out of is being spent by something no document here carries",
            hint="The creator may have accepted. Fetch what is new first.",
        )
    signed = {
        each.document_id
        for each in view.claims
        if each.ending is Ending.ACCEPTANCE and each.script == terms.escrow.script
    }  # also where the delivery that was accepted is kept from the mediator
    for offered in (order, *(other for other, _ in other_offers(session, order, terms.escrow))):
        accepting = signed | {each.id for each in offered.acceptances}
        protested = any(each.document.previous in accepting for each in offered.disputes)
        awards = {each.document.worker_amount for each in offered.resolutions}
        if accepting and not protested:
            owed, why = terms.price, "the creator has accepted the delivery"
        elif len(awards) == 1:
            owed, why = awards.pop(), "you have decided the job"
        else:
            continue
        if payout.split.payee < owed:
            raise EscrowError(
                f"{why}, and {owed:,} sat are the worker's; this pays the worker {payout.split.payee:,} sat",
                hint="Sign nothing. A worker who cannot take it opens a dispute.",
            )


def _require_one_view(session: Session, order: Order, escrow: Escrow) -> None:
    """Refuse what the mediator has decided on under another offer with the same escrow."""
    signed = {each.contract_id for each in session.store.signatures.completed(session.address, escrow.address)}
    for other, terms in other_offers(session, order, escrow):
        authors = {each.author for each in proposals_of(other, terms) if each.terms.escrow == escrow}
        if Role.MEDIATOR in authors or other.contract_id in signed:
            raise EscrowError(
                f"the creator has signed another offer with the same {escrow.id} escrow, "
                f"{other.contract_id[:12]}, and you have signed a payment in that one: you cannot sign in both",
                hint=f"Go on there: --jobid {other.contract_id[:12]}",
            )
