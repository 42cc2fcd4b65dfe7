"""Payments that are about to be signed: planned once, shown, and then signed to the byte as they were shown.

Between a plan and a signature somebody reads and answers. Meanwhile the chain may have changed; then what was shown is
refused, and nothing else is signed in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.errors import EscrowError
from rein.escrow.counted import counted
from rein.escrow.payout import Coin, Payout, sign_payout
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import ChainView, observe
from rein.workflows.money.outstanding import other_offers, remember_funding, require_only_payment
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.session import Session

_NOTHING = Sat(0)
_AGAIN = "Look again, and repeat the command: it plans again."


@dataclass(frozen=True)
class Plan:
    """Payments of one's own, from the escrows that hold something, to be shown and signed.

    `made`: the payments that were on the way or in a block when it was planned, by txid. `text`: what the document says
    in words. `remarks`: what to say beside the payments.
    """

    order: Order
    role: Role
    payouts: Mapping[str, Payout]
    made: frozenset[str]
    worker_amount: Sat = _NOTHING
    creator_amount: Sat = _NOTHING
    text: str = ""
    remarks: tuple[str, ...] = ()


def make_plan(
    session: Session,
    order: Order,
    view: ChainView,
    role: Role,
    payouts: Mapping[str, Payout],
    *,
    awarded: tuple[Sat, Sat] = (_NOTHING, _NOTHING),
    text: str = "",
    remarks: Iterable[str] = (),
) -> Plan:
    """A plan of payments that may be signed.

    :param awarded: of the price, to the worker and to the creator.
    :raises EscrowError: something signed before could be paid beside it.
    """
    remember_funding(session, view, payouts.values())
    require_only_payment(session, order, view, role, payouts.values())
    made = frozenset(each.txid for each in view.payments.values())
    left = (_left(view.coins(escrow_id), payout) for escrow_id, payout in payouts.items())
    offers = _other_offers(session, order, payouts.values()) if role is Role.MEDIATOR else []
    return Plan(order, role, dict(payouts), made, *awarded, text, (*remarks, *offers, *filter(None, left)))


def sign_plan(session: Session, plan: Plan) -> dict[str, str]:
    """The payments of a plan with this identity's signature, in base64.

    :raises EscrowError: the chain does not hold any more what they spend, or something was paid or signed meanwhile.
    """
    require_unchanged(session, plan.order, plan.role, plan.payouts.values(), plan.made)
    key = escrow_key(session, plan.order, plan.role)
    return {escrow_id: sign_payout(payout, key).to_base64() for escrow_id, payout in plan.payouts.items()}


def require_unchanged(
    session: Session, order: Order, role: Role, payouts: Iterable[Payout], made: Iterable[str] | None = None
) -> None:
    """Look again, and refuse payments of which the chain does not hold the coins any more.

    :param made: what had been paid when they were planned; not asked if not given.
    :raises EscrowError:
    """
    shown = list(payouts)
    if not shown:
        return
    view = observe(session, order)
    if view is None:
        raise EscrowError(f"the job {order.job.document.job_id} has no offer that counts any more", hint=_AGAIN)
    for payout in shown:
        escrow_id = payout.terms.id
        paid = view.payments.get(escrow_id)
        if paid is not None and paid.txid == payout.txid:
            continue
        if paid is not None and made is not None and paid.txid not in made:
            raise EscrowError(
                f"meanwhile the {escrow_id} escrow was paid out by {paid.txid}; nothing was signed", hint=_AGAIN
            )
        there = set(view.coins(escrow_id))
        for coin in payout.coins:
            if coin not in there:
                raise EscrowError(
                    f"the chain does not show {coin.outpoint} in the {escrow_id} escrow any more; nothing was signed",
                    hint=_AGAIN,
                )
    require_only_payment(session, order, view, role, shown)


def _other_offers(session: Session, order: Order, payouts: Iterable[Payout]) -> list[str]:
    """What a mediator should know before deciding: the creator has signed twice, and a decision binds in one only."""
    ids = {other.contract_id for payout in payouts for other, _ in other_offers(session, order, payout.terms.escrow)}
    return [
        f"The creator has signed another offer with the same escrow, {each[:12]}. You can sign under one of them only."
        for each in sorted(ids)
    ]


def _left(coins: Iterable[Coin], payout: Payout) -> str | None:
    """What a payment leaves in its escrow, which is the payer's."""
    left = [coin for coin in coins if coin not in payout.coins]
    if not left or not payout.coins:
        return None
    outputs, held = counted(len(left), "output"), sum(each.amount for each in left)
    return (
        f"{outputs} of the {payout.terms.id} escrow, {held:,} sat, stay there: to spend that now costs "
        "more than it brings, or there are too many for one payment. It is the creator's, and can go back after this "
        "payment: rein refund"
    )
