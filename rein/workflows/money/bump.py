"""Bumping the fee of a payment that waits for a block: alone, by spending what one gets of it; or by both signers, who
sign it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.btc.address import script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.feerate import Feerate, fee_for, format_rate
from rein.btc.keys import PrivateKey
from rein.btc.transaction import Transaction
from rein.errors import EscrowError, OrderError
from rein.escrow.bump import Child, plan_child, sign_child
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import Split, build_payout, check_fee
from rein.escrow.proposals import Ending, award_split
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.tables.escrows import Payment
from rein.workflows.chain.view import ChainView, chain_view_of
from rein.workflows.money.payouts import by_escrow, fee_payout, role_of
from rein.workflows.money.plan import Plan, make_plan
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import key_of

REPLACEMENT = "The same payment at a higher fee."
"""What a replacement says in words."""


@dataclass(frozen=True)
class BumpPlan:
    """A waiting payment, and the child that brings both to a feerate (sat/vB)."""

    order: Order
    payment: Payment
    child: Child
    feerate: Feerate
    key: PrivateKey


@dataclass(frozen=True)
class BumpResult:
    """The child, and its txid; None after a dry run."""

    plan: BumpPlan
    txid: str | None

    def json(self) -> dict[str, Any]:
        child = self.plan.child
        return {
            "job_id": self.plan.order.job.document.job_id,
            "job_document": self.plan.order.id,
            "payment_txid": self.plan.payment.txid,
            "txid": self.txid,
            "amount_sat": child.receives,
            "fee_sat": child.fee,
            "sent": self.txid is not None,
        }


def prepare(session: Session, order: Order, feerate: Feerate) -> BumpPlan:
    """The child of the first waiting payment that pays the identity.

    :param feerate: sat/vB for payment and child together.
    :raises OrderError: no payment to the identity waits for a block.
    :raises EscrowError: as `plan_child`; or the payment goes to a wallet elsewhere, which alone can bump it.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    address = _payment_address(order, role)
    script = script_of_address(address, session.network)
    for payment in chain_view_of(session, order).payments.values():
        if payment.confirmations:
            continue
        parent = _waiting(session, payment)
        if any(output.script == script for output in parent.outputs):
            key = key_of(session, address)
            return BumpPlan(order, payment, plan_child(parent, payment.fee, script, feerate), feerate, key)
    raise OrderError("no payment to you waits for a block in this job", hint="See the job.")


def commit(session: Session, plan: BumpPlan, *, dry_run: bool = False) -> BumpResult:
    """Sign exactly this child and give it to the network.

    :raises RejectedError: the network's rules refuse it, for example because an earlier child pays more.
    """
    txid = None if dry_run else session.chain.broadcast(sign_child(plan.child, plan.key))
    return BumpResult(plan, txid)


def prepare_replacement(session: Session, order: Order, feerate: Feerate) -> Plan:
    """A settlement that pays the same people the same at a higher fee, which comes out of what the identity gets, and
    out of nothing else. The other signer agrees to it, and the network takes it instead of the waiting one. It is
    committed as a settlement is.

    :raises OrderError: no payment of the price waits for a block.
    :raises EscrowError: the fee is no higher, or takes more than the identity gets.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    view = chain_view_of(session, order)
    terms = view.terms.only(EscrowKind.PRICE)
    payment = view.payments.get(terms.id)
    if payment is None or payment.confirmations:
        raise OrderError(f"no payment of the {terms.id} escrow waits for a block in this job")
    coins = view.spent(terms.id)
    waiting = build_payout(terms, coins, Split(payment.amount), payment.fee)
    fee = fee_for(feerate, waiting.vsize)
    extra = fee - payment.fee
    if extra <= 0:
        raise EscrowError(f"the payment leaves the miner {format_rate(waiting.fee, waiting.vsize)} sat/vB already")
    gives = payment.amount if role is Role.WORKER else payment.back
    if extra > gives:
        raise EscrowError(f"{extra:,} sat more for the miner are more than the {gives:,} sat you get")
    worker = Sat(payment.amount - extra) if role is Role.WORKER else payment.amount
    back = payment.back if role is Role.WORKER else Sat(payment.back - extra)
    least = min(back, _awarded(view, terms, payment))
    creator = least if least >= DUST_LIMIT else Sat(0)
    payout = build_payout(terms, coins, award_split(terms, worker, creator), fee)
    check_fee(payout)
    payouts = by_escrow(payout, fee_payout(view, feerate, Ending.SETTLEMENT, role))
    return make_plan(session, order, view, role, payouts, awarded=(worker, creator), text=REPLACEMENT)


def _awarded(view: ChainView, terms: EscrowTerms, payment: Payment) -> Sat:
    """The least that the creator gets by the document whose payment waits."""
    carried = (each for each in view.proposals if each.document.id == payment.document_id)
    return next((each.creator_amount for each in carried if each.terms == terms), Sat(0))


def _waiting(session: Session, payment: Payment) -> Transaction:
    found = session.chain.transaction(payment.txid)
    if found is None:
        raise OrderError(f"the chain source does not give the payment {payment.txid}", hint="Ask another one.")
    return found


def _payment_address(order: Order, role: Role) -> str:
    """Where documents say that somebody is paid in a job."""
    job = order.job.document
    if role is Role.MEDIATOR:
        return job.mediator_payment_address
    if role is Role.CREATOR or order.bid is None:
        return job.creator_payment_address
    return order.bid.document.worker_payment_address
