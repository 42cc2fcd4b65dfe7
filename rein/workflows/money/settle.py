"""Ending a job by agreement: a settlement between creator and worker, or a refund; and agreeing to one."""

from __future__ import annotations

from math import ceil

from rein.btc.amounts import Sat
from rein.errors import EscrowError, InputError, OrderError
from rein.escrow.contract import Purse
from rein.escrow.payout import choose_coins
from rein.escrow.proposals import Ending, Proposal, award_split, is_reserved, refund_of
from rein.protocol.documents import Refund, Role, Settlement
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.store import Payment
from rein.workflows.desk import Desk
from rein.workflows.money.outstanding import require_only_payment
from rein.workflows.money.payments import (
    Ready,
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
from rein.workflows.money.watch_chain import Seen
from rein.workflows.orders.answer import sign_as
from rein.workflows.orders.cases import require_open


def plan_settlement(
    desk: Desk, order: Order, worker_amount: Sat, creator_amount: Sat | None = None, feerate: int | None = None
) -> Plan:
    """Both payments of a settlement.

    :param creator_amount: the least the creator gets; the rest of the price if not given.
    :raises OrderError: neither the creator nor the worker, or the job is not open.
    :raises InputError: more than the price.
    :raises EscrowError: the escrows do not hold so much.
    """
    require_open(order)
    role = role_of(desk, order, Role.CREATOR, Role.WORKER)
    price = order.bid.document.amount if order.bid else Sat(0)
    back = Sat(max(0, price - worker_amount)) if creator_amount is None else creator_amount
    if worker_amount + back > price:
        raise InputError(f"{worker_amount + back:,} sat are more than the price of {price:,} sat")
    seen = see(desk, order)
    rate = feerate or current_feerate(desk)
    payouts = {
        Purse.PRIMARY: plan(seen, Purse.PRIMARY, award_split(seen.terms.primary, worker_amount, back), rate),
        Purse.MEDIATOR: plan_fee(seen, rate, Ending.SETTLEMENT, role),
    }
    return make_plan(desk, order, seen, role, payouts, awarded=(worker_amount, back))


def build_settlement(desk: Desk, planned: Plan, terms: str) -> Signed[Settlement]:
    """The signed proposal.

    :raises EscrowError: see `sign_plan`.
    """
    texts = sign_plan(desk, planned)
    return sign_as(
        desk,
        planned.order,
        planned.role,
        Settlement,
        require_open(planned.order).id,
        worker_amount=planned.worker_amount,
        creator_amount=planned.creator_amount,
        terms=terms,
        primary_psbt=texts[Purse.PRIMARY],
        mediator_psbt=texts[Purse.MEDIATOR],
    )


def plan_refund(desk: Desk, order: Order, feerate: int | None = None) -> Plan:
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
    role = role_of(desk, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(desk, order)
    _refuse_while_paying(seen)
    rate = feerate or current_feerate(desk)
    payouts, kept = {}, list[EscrowError]()
    for purse in Purse:
        author = role if feerate else None
        split = refund_of(seen.terms.of(purse), seen.coins(purse), author=author, paid=seen.is_paid(purse))
        waived = purse is Purse.MEDIATOR and role is Role.MEDIATOR and not split.payee and not seen.is_paid(purse)
        if seen.coins(purse) and not waived:
            try:
                payout = plan(seen, purse, split, rate, reserved=is_reserved(purse, Ending.REFUND, role))
                require_only_payment(desk, order, seen, role, [payout])
                payouts[purse] = payout
            except EscrowError as error:
                kept.append(error)
    if not payouts:
        raise kept[0] if kept else EscrowError("neither escrow holds anything", hint="Look: rein fund")
    return make_plan(desk, order, seen, role, payouts, remarks=[f"{_sentence(each.message)}." for each in kept])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _refuse_while_paying(seen: Seen) -> None:
    """Refuse to give back what is on its way to somebody: the network would take the one that pays the miner more.

    :raises EscrowError:
    """
    for purse, payment in seen.payments.items():
        if not payment.confirmations:
            raise EscrowError(
                f"the payment {payment.txid} from the {purse.value} escrow waits for a block",
                hint="Wait for it; what is left then can go back.",
            )


def build_refund(desk: Desk, planned: Plan, reason: str) -> Signed[Refund]:
    """The signed refund.

    :raises EscrowError: see `sign_plan`.
    """
    texts = sign_plan(desk, planned)
    return sign_as(
        desk,
        planned.order,
        planned.role,
        Refund,
        planned.order.contract_id,
        reason=reason,
        primary_psbt=texts.get(Purse.PRIMARY),
        mediator_psbt=texts.get(Purse.MEDIATOR),
    )


def open_proposals(desk: Desk, order: Order) -> list[Proposal]:
    """The settlements and refunds by others that the identity may complete, oldest first."""
    role = role_of(desk, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(desk, order)
    return [
        each
        for each in of_endings(seen.proposals, Ending.SETTLEMENT, Ending.REFUND)
        if role in each.completers and _is_open(order, seen, role, each)
    ]


def _is_open(order: Order, seen: Seen, role: Role, proposal: Proposal) -> bool:
    """Whether an escrow waits for this. What only gives back what a payment has left is asked for its own sake."""
    if proposal.purse.escrow.purse not in seen.payments:
        return True
    ready, _ = ready_payments(order, seen, role, [proposal], replace=True)
    return bool(ready)


def prepare_agreement(desk: Desk, order: Order, document_id: str) -> list[Ready]:
    """The payments of one settlement or refund that the identity may complete, held against the documents. One that
    leaves more to the miner may replace a payment that still waits for a block.

    :param document_id: the proposal's id, or the beginning of it.
    :raises OrderError: no such proposal is open.
    :raises EscrowError: a payment is not as agreed, be it one that others complete.
    """
    role = role_of(desk, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    seen = see(desk, order)
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


def _require_all(seen: Seen, ready: list[Ready]) -> None:
    """Refuse a refund of a part of what an escrow holds by now: what was signed for less does not end the job.

    :raises EscrowError:
    """
    for each in ready:
        worth = choose_coins(each.payout.purse, seen.coins(each.purse), ceil(each.payout.feerate))
        left = sum(coin.amount for coin in worth if coin not in each.payout.coins)
        if left and each.proposal.ending is Ending.REFUND:
            raise EscrowError(
                f"it leaves {left:,} sat in the {each.purse.value} escrow: a refund gives all back, or nothing",
                hint="Propose it anew: rein refund",
            )


def _require_whole(order: Order, seen: Seen, ready: list[Ready]) -> None:
    """Refuse a document of which another payment, that others would complete, is not as agreed: who takes his part of
    it would leave the rest where it is.

    :raises EscrowError:
    """
    signed = ready[0].proposal.document
    carried = {each.purse.escrow.purse: each for each in seen.proposals if each.document == signed}
    for purse in Purse:
        if purse in seen.payments:
            continue
        if purse in carried:
            check(order, seen, carried[purse])
        elif purse is Purse.PRIMARY and seen.funding.primary.outputs:
            raise EscrowError("it pays nothing out of the primary escrow, which holds something", hint="Sign nothing.")


def send_agreement(desk: Desk, ready: list[Ready]) -> list[Payment]:
    """Complete the payments and give them to the network."""
    return [sign_and_send(desk, each) for each in ready]
