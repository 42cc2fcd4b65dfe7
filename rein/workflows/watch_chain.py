"""Looking at the chain: are the escrows funded, are the payments made? One scan for all orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint, TxOutput
from rein.chain.source import ChainSource, Output
from rein.errors import PsbtError
from rein.escrow.contract import Purse
from rein.escrow.funding import Funding, PurseFunding, match_funding
from rein.escrow.terms import Terms
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
    known = desk.store.escrow_outputs(order.id)
    payments: dict[Purse, Payment] = {}
    now: list[EscrowOutput] = []
    for each in funding.purses:
        purse = each.terms.escrow.purse
        recorded = known.get(purse.value)
        payment = _find_payment(desk.chain, order, each, recorded)
        if payment is not None:
            payments[purse] = payment
        if each.output is not None:
            now.append(_escrow_output(order, purse, each.output))
        elif payment is not None and recorded is not None:
            now.append(recorded)  # spent by the agreed payment: the record of what funded it stays
    desk.store.set_escrow_outputs(order.id, now)
    desk.store.set_payments(order.id, list(payments.values()))
    return Seen(funding, payments)


def _escrow_output(order: Order, purse: Purse, output: Output) -> EscrowOutput:
    return EscrowOutput(order.id, purse.value, output.outpoint, output.amount, output.confirmations)


def _find_payment(
    chain: ChainSource, order: Order, funding: PurseFunding, recorded: EscrowOutput | None
) -> Payment | None:
    """The agreed payment, if it is on the chain or on its way. Its txid is known before it is signed, because a
    segwit txid does not cover signatures.

    It counts only if it spends an output of this very escrow: the same people may have another job with the same
    receiver and amount, whose payment must not pass for this one's.
    """
    for acceptance in order.acceptances:
        payment = _payment_by(acceptance.document, chain, order, funding, recorded)
        if payment is not None:
            return payment
    return None


def _payment_by(
    acceptance: AcceptDelivery,
    chain: ChainSource,
    order: Order,
    funding: PurseFunding,
    recorded: EscrowOutput | None,
) -> Payment | None:
    purse = funding.terms
    try:
        agreed = Psbt.parse(payment_psbt(acceptance, purse.escrow.purse)).transaction
    except PsbtError:
        return None
    if agreed.outputs != (purse.payout,) or len(agreed.inputs) != 1:
        return None
    if not _is_of_escrow(chain, agreed.inputs[0], funding, recorded):
        return None
    output = chain.unspent_output(OutPoint(agreed.txid, 0))
    if output is not None:
        confirmations = output.confirmations
    elif (found := chain.find_transaction(agreed.txid)) is not None:
        confirmations = found.confirmations
    else:
        return None
    return Payment(order.id, purse.escrow.purse.value, agreed.txid, purse.receives, confirmations)


def _is_of_escrow(chain: ChainSource, outpoint: OutPoint, funding: PurseFunding, recorded: EscrowOutput | None) -> bool:
    """Whether an outpoint holds, or held, the agreed amount under this escrow's script: seen now, seen before, or
    read in the transaction that made it."""
    purse = funding.terms
    seen = [funding.output, *funding.others] if funding.output else list(funding.others)
    if outpoint in {each.outpoint for each in seen if each.amount == purse.amount}:
        return True
    if recorded is not None and (recorded.outpoint, recorded.amount) == (outpoint, purse.amount):
        return True
    made = chain.find_transaction(outpoint.txid)
    if made is None or outpoint.vout >= len(made.transaction.outputs):
        return False
    return made.transaction.outputs[outpoint.vout] == TxOutput(purse.amount, purse.escrow.script)
