"""Looking at the chain: are the escrows funded, are the payments made? One scan for all orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.chain.source import ChainSource, Output
from rein.errors import PsbtError
from rein.escrow.contract import Purse
from rein.escrow.funding import Funding, match_funding
from rein.escrow.terms import PurseTerms, Terms
from rein.protocol.documents import AcceptDelivery
from rein.protocol.orders import Order
from rein.store.store import EscrowOutput, Payment
from rein.workflows.cases import terms_if_any
from rein.workflows.desk import Desk


@dataclass(frozen=True)
class Seen:
    """What the chain shows of one order."""

    funding: Funding
    payments: dict[Purse, Payment]


def look(desk: Desk, orders: Sequence[Order]) -> dict[str, Seen]:
    """Look at all orders that have terms, remember what is there, and return it by order id.

    :raises ChainError: the chain source cannot answer.
    """
    agreed = [(order, terms) for order in orders if (terms := terms_if_any(order)) is not None]
    scripts = [purse.escrow.script for _, terms in agreed for purse in terms.purses]
    outputs = desk.chain.unspent_outputs(scripts) if scripts else []
    return {order.id: _remember(desk, order, terms, outputs) for order, terms in agreed}


def look_at(desk: Desk, order: Order) -> Seen | None:
    """Look at one order; None if it has no terms."""
    return look(desk, [order]).get(order.id)


def payment_psbt(acceptance: AcceptDelivery, purse: Purse) -> str:
    """The PSBT that pays out an escrow."""
    return acceptance.primary_psbt if purse is Purse.PRIMARY else acceptance.mediator_psbt


def _remember(desk: Desk, order: Order, terms: Terms, outputs: Sequence[Output]) -> Seen:
    funding = match_funding(terms, outputs, desk.network)
    payments = {
        purse.escrow.purse: payment
        for purse in terms.purses
        if (payment := _find_payment(desk.chain, order, purse)) is not None
    }
    known = desk.store.escrow_outputs(order.id)
    now: list[EscrowOutput] = []
    for each in funding.purses:
        purse = each.terms.escrow.purse
        if each.output is not None:
            now.append(
                EscrowOutput(order.id, purse.value, each.output.outpoint, each.output.amount, each.output.confirmations)
            )
        elif purse in payments and purse.value in known:
            now.append(known[purse.value])  # spent by the agreed payment: the record of what funded it stays
    desk.store.set_escrow_outputs(order.id, now)
    desk.store.set_payments(order.id, list(payments.values()))
    return Seen(funding, payments)


def _find_payment(chain: ChainSource, order: Order, purse: PurseTerms) -> Payment | None:
    """The agreed payment, if it is on the chain or on its way. Its txid is known before it is signed, because a
    segwit txid does not cover signatures."""
    if order.acceptance is None:
        return None
    try:
        agreed = Psbt.parse(payment_psbt(order.acceptance.document, purse.escrow.purse)).transaction
    except PsbtError:
        return None
    if agreed.outputs != (purse.payout,):
        return None
    output = chain.unspent_output(OutPoint(agreed.txid, 0))
    if output is not None:
        confirmations = output.confirmations
    elif (found := chain.find_transaction(agreed.txid)) is not None:
        confirmations = found.confirmations
    else:
        return None
    return Payment(order.id, purse.escrow.purse.value, agreed.txid, purse.receives, confirmations)
