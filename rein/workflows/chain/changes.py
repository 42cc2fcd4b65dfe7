"""Saying what the chain does not show any more, in a reorganisation or by a double spend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rein.btc.transaction import OutPoint
from rein.escrow.claims import Claim
from rein.protocol.orders import Order
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.chain.payments import MadePayment
from rein.workflows.session import Session


def say_what_is_gone(
    session: Session,
    order: Order,
    escrow_id: str,
    gone: Sequence[EscrowOutput],
    going: Sequence[OutPoint],
    paid_before: Payment | None,
    made: Collection[MadePayment],
    claims: Sequence[Claim],
) -> bool:
    """Say what the chain does not show any more. Whether it was spent by something that no document carries."""
    escrow = f"the {escrow_id} escrow of the job {order.job.document.job_id}"
    no_document = "by a transaction that no document here carries. The document may be on its way: `rein sync`"
    if paid_before is not None and paid_before.txid not in {each.payment.txid for each in made}:
        session.note(f"The payment {paid_before.txid} from {escrow} is not on the chain any more.")
    for outpoint in going:
        session.note(f"{outpoint} of {escrow} is being spent {no_document}.")
    is_spent = bool(going)
    for each in gone:
        still = session.chain.unspent_output(each.outpoint)
        if still is not None and still.height is not None:
            continue  # larger ones came, and it is not among those that are looked at
        if still is not None:
            session.note(f"{each.outpoint}, which funded {escrow}, has left its block, and waits for a block again.")
        elif session.chain.find_transaction(each.outpoint.txid) is not None:
            session.note(f"{each.outpoint} of {escrow} was spent {no_document}.")
            is_spent = True
        else:
            session.note(f"{each.outpoint}, which funded {escrow}, is not on the chain any more.")
            for claim in claims:
                if each.outpoint in claim.outpoints:
                    session.note(f"It may come back, and then the payment by the {claim}, can still be completed.")
    return is_spent


def say_what_waits_again(session: Session, order: Order, before: Iterable[Payment], now: Iterable[Payment]) -> None:
    """Say which payments were in a block and are not any more, though they may come into one again."""
    confirmed = {payment.txid for payment in before if payment.confirmations}
    for payment in now:
        if payment.txid in confirmed and not payment.confirmations:
            escrow = f"the {payment.escrow_id} escrow of the job {order.job.document.job_id}"
            session.note(f"The payment {payment.txid} from {escrow} has left its block, and waits for a block again.")
