"""Payments of one's own out of the escrows of an order, built from the documents and what the chain shows now."""

from __future__ import annotations

from dataclasses import replace

from rein.btc.feerate import Feerate
from rein.errors import EscrowError, OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import Payout, Split, build_payout, plan_payout, the_price
from rein.escrow.proposals import Ending, is_reserved
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import ChainView
from rein.workflows.orders.load import roles_in
from rein.workflows.session import Session


def role_of(session: Session, order: Order, *wanted: Role) -> Role:
    """The one role the identity has in a job.

    :raises OrderError: none of those wanted.
    """
    found = [role for role in wanted if role in roles_in(order, session.address)]
    if not found:
        names = " or the ".join(role.value for role in wanted)
        raise OrderError(f"you are not the {names} of the job {order.job.document.job_id}")
    return found[0]


def require_filled(view: ChainView) -> None:
    """Refuse to sign for escrows that do not hold what was agreed, or whose money is on its way to somebody.

    :raises EscrowError:
    """
    for each in view.funding.of_kind(EscrowKind.PRICE):
        if each.id in view.payments:
            txid = view.payments[each.id].txid
            raise EscrowError(
                f"the {each.id} escrow was paid out already, in {txid}", hint="See where your jobs stand."
            )
    if not all(each.complete or each.id in view.payments for each in view.funding.escrows):
        raise EscrowError("the escrows do not hold what was agreed", hint="See what the escrows hold.")


def by_escrow(*payouts: Payout) -> dict[str, Payout]:
    """Payments by the ids of their escrows."""
    return {each.terms.id: each for each in payouts}


def payout_of(view: ChainView, escrow_id: str, split: Split, feerate: Feerate, *, reserved: bool = False) -> Payout:
    """A payment from an escrow with the confirmed outputs that are there now.

    :param feerate: sat/vB.
    :param reserved: see `rein.escrow.payout.check_fee`.
    :raises EscrowError: the escrow does not hold so much.
    """
    coins = view.safe_coins(escrow_id) if split.payee or split.payer else view.coins(escrow_id)
    if not coins:
        raise EscrowError(f"the {escrow_id} escrow holds nothing now", hint="See what the escrows hold.")
    return plan_payout(view.terms.of(escrow_id), coins, split, feerate, reserved=reserved)


def fee_payout(view: ChainView, feerate: Feerate, ending: Ending, author: Role) -> Payout:
    """The mediator's payment. Where the mediator has it already, or it is on its way, that very payment once more:
    documents carry it always, and nobody is paid twice.

    :param feerate: sat/vB.
    :raises EscrowError: the escrow does not hold so much.
    """
    terms = view.terms.only(EscrowKind.FEE)
    made = view.payments.get(terms.id)
    if made is not None and made.amount:
        bears = made.amount < terms.price
        return build_payout(terms, view.spent(terms.id), replace(the_price(terms), bears=bears), made.fee)
    reserved = is_reserved(terms.kind, ending, author)
    return payout_of(view, terms.id, the_price(terms), feerate, reserved=reserved)
