"""Ending a job by agreement: a settlement between creator and worker, or a refund; and agreeing to one."""

from __future__ import annotations

from math import ceil

from rein.btc.amounts import Sat
from rein.errors import EscrowError, InputError, OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import choose_coins
from rein.escrow.proposals import Ending, Proposal, award_split, is_reserved, refund_of
from rein.protocol.documents import Refund, Role, Settlement
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.escrows import Payment
from rein.workflows.money.chain_view import ChainView
from rein.workflows.money.outstanding import require_only_payment
from rein.workflows.money.payments import (
    Ready,
    by_escrow,
    check,
    current_feerate,
    of_endings,
    plan,
    plan_fee,
    ready_payments,
    refuse_all,
    role_of,
    see,
    sign_and_send,
)
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.load import require_open
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session


def plan_settlement(
    session: Session, order: Order, worker_amount: Sat, creator_amount: Sat | None = None, feerate: int | None = None
) -> Plan:
    """Both payments of a settlement.

    :param creator_amount: the least the creator gets; the rest of the price if not given.
    :raises OrderError: neither the creator nor the worker, or the job is not open.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold so much.
    """
    require_open(order)
    role = role_of(session, order, Role.CREATOR, Role.WORKER)
    price = order.bid.document.amount if order.bid else Sat(0)
    back = Sat(max(0, price - worker_amount)) if creator_amount is None else creator_amount
    if worker_amount + back > price:
        raise InputError(f"{worker_amount + back:,} sat are more than the price of {price:,} sat")
    seen = see(session, order)
    rate = feerate or current_feerate(session)
    terms = seen.terms.only(EscrowKind.PRICE)
    payouts = by_escrow(
        plan(seen, terms.id, award_split(terms, worker_amount, back), rate),
        plan_fee(seen, rate, Ending.SETTLEMENT, role),
    )
    return make_plan(session, order, seen, role, payouts, awarded=(worker_amount, back))


def build_settlement(session: Session, planned: Plan, terms: str) -> Signed[Settlement]:
    """The signed proposal.

    :raises EscrowError: see `sign_plan`.
    """
    texts = sign_plan(session, planned)
    return sign_as(
        session,
        planned.order,
        planned.role,
        Settlement,
        require_open(planned.order).id,
        worker_amount=planned.worker_amount,
        creator_amount=planned.creator_amount,
        terms=terms,
        **psbt_fields(texts),
    )


def plan_refund(session: Session, order: Order, feerate: int | None = None) -> Plan:
    """The payments that give the money back, from the escrows that hold any.

    A mediator signs away nothing of the mediator's escrow beforehand: filled up later, it would not pay the mediator.
    To that the mediator agrees, at once, when another proposes it.

    :param feerate: sat/vB; the estimate if not given. A mediator who names one above what the offer keeps for the miner
        gives up that much of the fee.
    :raises OrderError: no part in this job, or there never was an offer.
    :raises EscrowError: neither escrow holds anything that can go back now, or a payment from one waits for a block.
    """
    if order.offer is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so there is no money in it")
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(session, order)
    _refuse_while_paying(seen)
    rate = feerate or current_feerate(session)
    payouts, kept = {}, list[EscrowError]()
    for terms in seen.terms.escrows:
        coins, paid = seen.coins(terms.id), seen.is_paid(terms.id)
        split = refund_of(terms, coins, author=role if feerate else None, paid=paid)
        waived = terms.kind is EscrowKind.FEE and role is Role.MEDIATOR and not split.payee and not paid
        if coins and not waived:
            try:
                payout = plan(seen, terms.id, split, rate, reserved=is_reserved(terms.kind, Ending.REFUND, role))
                require_only_payment(session, order, seen, role, [payout])
                payouts[terms.id] = payout
            except EscrowError as error:
                kept.append(error)
    if not payouts:
        raise kept[0] if kept else EscrowError("none of the escrows holds anything", hint="Look: rein fund")
    return make_plan(session, order, seen, role, payouts, remarks=[f"{_sentence(each.message)}." for each in kept])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _refuse_while_paying(seen: ChainView) -> None:
    """Refuse to give back what is on its way to somebody: the network would take the one that pays the miner more.

    :raises EscrowError:
    """
    for escrow_id, payment in seen.payments.items():
        if not payment.confirmations:
            raise EscrowError(
                f"the payment {payment.txid} from the {escrow_id} escrow waits for a block",
                hint="Wait for it; what is left then can go back.",
            )


def build_refund(session: Session, planned: Plan, reason: str) -> Signed[Refund]:
    """The signed refund.

    :raises EscrowError: see `sign_plan`.
    """
    texts = sign_plan(session, planned)
    return sign_as(
        session,
        planned.order,
        planned.role,
        Refund,
        planned.order.contract_id,
        reason=reason,
        **psbt_fields(texts),
    )


def open_proposals(session: Session, order: Order) -> list[Proposal]:
    """The settlements and refunds by others that the identity may complete, oldest first."""
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(session, order)
    return [
        each
        for each in of_endings(seen.proposals, Ending.SETTLEMENT, Ending.REFUND)
        if role in each.completers and _is_open(order, seen, role, each)
    ]


def _is_open(order: Order, seen: ChainView, role: Role, proposal: Proposal) -> bool:
    """Whether an escrow waits for this. What only gives back what a payment has left is asked for its own sake."""
    if proposal.terms.id not in seen.payments:
        return True
    ready, _ = ready_payments(order, seen, role, [proposal], replace=True)
    return bool(ready)


def prepare_agreement(session: Session, order: Order, document_id: str) -> list[Ready]:
    """The payments of one settlement or refund that the identity may complete, held against the documents. One that
    leaves more to the miner may replace a payment that still waits for a block.

    :param document_id: the proposal's id, or the beginning of it.
    :raises OrderError: no such proposal is open.
    :raises EscrowError: a payment is not as agreed, be it one that others complete.
    """
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(session, order)
    meant = [
        each
        for each in of_endings(seen.proposals, Ending.SETTLEMENT, Ending.REFUND)
        if each.document.id.startswith(document_id) and role in each.completers
    ]
    if len({each.document.id for each in meant}) > 1:
        raise InputError(f"several proposals begin with {document_id}", hint="Name more of it.")
    ready, refused = ready_payments(order, seen, role, meant, replace=True)
    refuse_all(refused)
    if not ready:
        raise OrderError(f"no proposal {document_id[:12]} waits for your signature in this job")
    _require_whole(order, seen, ready)
    _require_all(seen, ready)
    return ready


def _require_all(seen: ChainView, ready: list[Ready]) -> None:
    """Refuse a refund of a part of what an escrow holds by now: what was signed for less does not end the job.

    :raises EscrowError:
    """
    for each in ready:
        worth = choose_coins(each.payout.terms, seen.coins(each.escrow_id), ceil(each.payout.feerate))
        left = sum(coin.amount for coin in worth if coin not in each.payout.coins)
        if left and each.proposal.ending is Ending.REFUND:
            raise EscrowError(
                f"it leaves {left:,} sat in the {each.escrow_id} escrow: a refund gives all back, or nothing",
                hint="Propose it anew: rein refund",
            )


def _require_whole(order: Order, seen: ChainView, ready: list[Ready]) -> None:
    """Refuse a document of which another payment, that others would complete, is not as agreed: who takes his part of
    it would leave the rest where it is.

    :raises EscrowError:
    """
    signed = ready[0].proposal.document
    carried = {each.terms.id: each for each in seen.proposals if each.document == signed}
    for escrow in seen.funding.escrows:
        if escrow.id in seen.payments:
            continue
        if escrow.id in carried:
            check(order, seen, carried[escrow.id])
        elif escrow.kind is EscrowKind.PRICE and escrow.outputs:
            raise EscrowError(
                f"it pays nothing out of the {escrow.id} escrow, which holds something", hint="Sign nothing."
            )


def send_agreement(session: Session, ready: list[Ready]) -> list[Payment]:
    """Complete the payments and give them to the network."""
    return [sign_and_send(session, each) for each in ready]
