"""Hurrying a payment that waits for a block: alone, by spending what one gets of it; or by both signers anew."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.address import script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat
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
from rein.store.escrows import Payment
from rein.workflows.money.chain_view import ChainView
from rein.workflows.money.payments import by_escrow, plan_fee, role_of, see
from rein.workflows.money.plan import Plan, make_plan
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import key_of


@dataclass(frozen=True)
class Hurry:
    """A waiting payment and the child that would pull it."""

    payment: Payment
    child: Child
    key: PrivateKey


def plan_bump(session: Session, order: Order, feerate: int) -> Hurry:
    """The child of the first waiting payment that pays the identity.

    :param feerate: sat/vB for payment and child together.
    :raises OrderError: no payment to the identity waits for a block.
    :raises EscrowError: as `plan_child`; or the payment goes to a wallet elsewhere, which alone can hurry it.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    address = _payment_address(order, role)
    script = script_of_address(address, session.network)
    for payment in see(session, order).payments.values():
        if payment.confirmations:
            continue
        parent = _waiting(session, payment)
        if any(output.script == script for output in parent.outputs):
            key = key_of(session, address)
            return Hurry(payment, plan_child(parent, payment.fee, script, feerate), key)
    raise OrderError("no payment to you waits for a block in this job", hint="See it: rein status --jobid")


def send_bump(session: Session, hurry: Hurry) -> str:
    """Sign the child and give it to the network; its txid.

    :raises RejectedError: the network's rules refuse it, for example because an earlier child pays more.
    """
    return session.chain.broadcast(sign_child(hurry.child, hurry.key))


def plan_replacement(session: Session, order: Order, feerate: int) -> Plan:
    """A settlement that pays the same people the same at a higher fee, which comes out of what the identity gets, and
    out of nothing else. The other signer agrees to it, and the network takes it instead of the waiting one.

    :raises OrderError: no payment of the primary escrow waits for a block.
    :raises EscrowError: the fee is no higher, or takes more than the identity gets.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    seen = see(session, order)
    terms = seen.terms.only(EscrowKind.PRICE)
    payment = seen.payments.get(terms.id)
    if payment is None or payment.confirmations:
        raise OrderError(f"no payment of the {terms.id} escrow waits for a block in this job")
    coins = seen.spent[terms.id]
    waiting = build_payout(terms, coins, Split(payment.amount), payment.fee)
    fee = Sat(feerate * waiting.vsize)
    extra = fee - payment.fee
    if extra <= 0:
        raise EscrowError(f"the payment leaves the miner {waiting.feerate:.1f} sat/vB already")
    gives = payment.amount if role is Role.WORKER else payment.back
    if extra > gives:
        raise EscrowError(f"{extra:,} sat more for the miner are more than the {gives:,} sat you get")
    worker = Sat(payment.amount - extra) if role is Role.WORKER else payment.amount
    back = payment.back if role is Role.WORKER else Sat(payment.back - extra)
    least = min(back, _awarded(seen, terms, payment))
    creator = least if least >= DUST_LIMIT else Sat(0)
    payout = build_payout(terms, coins, award_split(terms, worker, creator), fee)
    check_fee(payout)
    payouts = by_escrow(payout, plan_fee(seen, feerate, Ending.SETTLEMENT, role))
    return make_plan(session, order, seen, role, payouts, awarded=(worker, creator))


def _awarded(seen: ChainView, terms: EscrowTerms, payment: Payment) -> Sat:
    """The least that the creator gets by the document whose payment waits."""
    meant = (each for each in seen.proposals if each.document.id == payment.document_id)
    return next((each.creator_amount for each in meant if each.terms == terms), Sat(0))


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
