"""The payments of an order's documents that are on the chain or on their way there.

A payment counts only if a document of the job carries it and it is what that document gives: its txid is known before
it is signed, because a segwit txid does not cover signatures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.chain.source import FoundTransaction
from rein.escrow.funding import EscrowFunding
from rein.escrow.payout import Coin, Payout
from rein.escrow.proposals import Ending, Proposal
from rein.escrow.terms import EscrowTerms
from rein.protocol.orders import Order
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.chain.lookups import Lookups, to_try


@dataclass(frozen=True)
class MadePayment:
    """A payment that was found, and what it is by its document."""

    payment: Payment
    payout: Payout

    @property
    def is_refund(self) -> bool:
        return self.payment.ending == Ending.REFUND.value


def find_payments(
    chain: Lookups,
    order: Order,
    terms: EscrowTerms,
    proposals: Iterable[Proposal],
    unspent: Collection[Coin],
    recorded: Collection[EscrowOutput],
    before: Payment | None,
) -> list[MadePayment]:
    """The payments of documents that are on the chain or on their way: one, or several that spent different outputs."""
    if order.bid is None:
        return []
    known = {Coin(each.outpoint, each.amount) for each in recorded} | set(unspent)
    tried: set[str] = set()
    gone: set[OutPoint] = set()
    found: list[MadePayment] = []
    for proposal, psbt in to_try(chain, proposals, terms, order.bid.document, before.txid if before else None):
        inputs = psbt.transaction.inputs
        if psbt.transaction.txid in tried or not gone.isdisjoint(inputs) or _all_unspent(chain, psbt, unspent):
            continue  # it spends what another payment has spent, or what nobody has
        payout = _agreed_payout(chain, order, proposal, psbt, known)
        if payout is None:
            continue
        tried.add(payout.txid)
        payment = _payment(chain, order, proposal, payout, before)
        if payment is not None:
            found.append(MadePayment(payment, payout))
            gone.update(inputs)
    return found


def ending_payment(made: Sequence[MadePayment], escrow: EscrowFunding) -> MadePayment | None:
    """The payment that ends what an escrow is for. Not the refund of something that was left over or came too much,
    while the escrow still holds all that was agreed on: nobody closes a job by giving a trifle back."""
    gone = {coin for each in made for coin in each.payout.coins}
    still_full = sum(coin.amount for coin in escrow.coins if coin not in gone) >= escrow.terms.amount
    ending = [each for each in made if not each.is_refund or not still_full]
    return max(ending, key=lambda each: (not each.is_refund, each.payment.confirmations), default=None)


def _all_unspent(chain: Lookups, psbt: Psbt, unspent: Collection[Coin]) -> bool:
    """Whether nothing this payment spends is spent: in a block, or on the way to one."""
    confirmed = {coin.outpoint for coin in unspent}
    return all(each in confirmed and not chain.spends(each) for each in psbt.transaction.inputs)


def _agreed_payout(
    chain: Lookups, order: Order, proposal: Proposal, psbt: Psbt, known: Collection[Coin]
) -> Payout | None:
    """The payment, if it is as agreed, held against outputs of this very escrow: seen now, seen before, or read in what
    made them. The same people may have another job of the same price, whose payment must not pass for this one's."""
    if order.bid is None:
        return None
    outpoints = {coin.outpoint for coin in known}
    held = set(known)
    for each in psbt.transaction.inputs:
        if each not in outpoints:
            coin = _read_coin(chain, proposal.terms, each)
            if coin is None:
                return None  # it spends what was never there, so it was never made
            held.add(coin)
    found = proposal.explain_made(held, order.bid.document)
    return found.expected if found.as_agreed else None


def _read_coin(chain: Lookups, terms: EscrowTerms, outpoint: OutPoint) -> Coin | None:
    made = chain.find_transaction(outpoint.txid)
    if made is None or outpoint.vout >= len(made.transaction.outputs):
        return None
    output = made.transaction.outputs[outpoint.vout]
    return Coin(outpoint, output.amount) if output.script == terms.escrow.script else None


def _find(chain: Lookups, txid: str, before: Payment | None) -> FoundTransaction | None:
    """A payment whose outputs are spent again. A node without an index finds it only in the block one names: that of
    the height at which it was last seen."""
    found = chain.find_transaction(txid)
    if found is None and before is not None and before.txid == txid and before.height is not None:
        found = chain.find_transaction(txid, chain.block_at(before.height).hash)
    return found


def _payment(
    chain: Lookups, order: Order, proposal: Proposal, payout: Payout, before: Payment | None
) -> Payment | None:
    output = chain.unspent_output(OutPoint(payout.txid, 0))
    if output is not None:
        height, confirmations = output.height, output.confirmations
    elif (found := _find(chain, payout.txid, before)) is not None:
        height, confirmations = (found.block.height if found.block else None), found.confirmations
    else:
        return None
    return Payment(
        contract_id=order.contract_id,
        escrow_id=payout.terms.id,
        txid=payout.txid,
        amount=payout.split.payee,
        back=payout.back,
        fee=payout.fee,
        height=height,
        confirmations=confirmations,
        ending=proposal.ending.value,
        document_id=proposal.document.id,
    )
