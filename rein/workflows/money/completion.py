"""Completing payments that somebody else has signed: checked, shown, and then signed and sent to the byte as shown.

What is checked is built from the documents and from what the chain shows at this moment; see `rein.escrow.explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rein.errors import EscrowError
from rein.escrow.explain import Checked
from rein.escrow.payout import Payout, complete_payout
from rein.escrow.proposals import Ending, Proposal
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.chain.view import ChainView
from rein.workflows.money.explain import remark
from rein.workflows.money.outstanding import remember_completed
from rein.workflows.money.plan import require_unchanged
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.session import Session

OnSent = Callable[[Payment], None]
"""Is told of a payment that was given to the network."""


def ignore(_payment: Payment) -> None:
    """Where nobody wants to be told."""


@dataclass(frozen=True)
class Ready:
    """A payment that was found to be as agreed, and waits for this person's signature."""

    order: Order
    role: Role
    proposal: Proposal
    checked: Checked

    @property
    def payout(self) -> Payout:
        return self.checked.payout

    @property
    def escrow_id(self) -> str:
        return self.payout.terms.id


@dataclass(frozen=True)
class Refusal:
    """A payment that is not as agreed."""

    proposal: Proposal
    reason: EscrowError

    @staticmethod
    def raise_first(refused: Collection[Refusal]) -> None:
        """:raises EscrowError: with the reason of the first, if there is one."""
        for each in refused:
            raise each.reason


@dataclass(frozen=True)
class CompletionPlan:
    """Payments of one order that wait for this person's signature, and what to know beside them."""

    order: Order
    ready: tuple[Ready, ...]

    @property
    def payouts(self) -> tuple[Payout, ...]:
        return tuple(each.payout for each in self.ready)

    @property
    def remarks(self) -> tuple[str, ...]:
        found = (remark(self.order, each.proposal) for each in self.ready)
        return tuple(each for each in found if each is not None)


@dataclass(frozen=True)
class PaymentsResult:
    """Payments that were completed. `sent` holds them as they were given to the network, none after a dry run;
    `repeated`: they had been sent before, and nothing was done."""

    order: Order
    payouts: tuple[Payout, ...]
    sent: tuple[Payment, ...]
    repeated: bool = False

    def json(self) -> dict[str, Any]:
        data = {
            "job_id": self.order.job.document.job_id,
            "job_document": self.order.id,
            "sent": bool(self.sent),
            "payments": [each.json() for each in self.payouts],
        }
        return data | {"repeated": True} if self.repeated else data


def send_all(
    session: Session, plan: CompletionPlan, *, dry_run: bool = False, on_sent: OnSent = ignore
) -> PaymentsResult:
    """Add the second signature to exactly these payments and give them to the network, one after the other.

    :param on_sent: is told of each payment at once: a later one may be refused.
    :raises EscrowError, RejectedError: as `sign_and_send`.
    """
    sent = () if dry_run else tuple(send_each(session, plan.ready, on_sent))
    return PaymentsResult(plan.order, plan.payouts, sent)


def send_each(session: Session, ready: Iterable[Ready], on_sent: OnSent) -> Iterator[Payment]:
    """Complete and send payments.

    :raises EscrowError, RejectedError: as `sign_and_send`.
    """
    for each in ready:
        payment = sign_and_send(session, each)
        on_sent(payment)
        yield payment


def ready_payments(
    order: Order, view: ChainView, role: Role, proposals: Iterable[Proposal], *, replace: bool = False
) -> tuple[list[Ready], list[Refusal]]:
    """Those of the proposals that this role may complete now: at most one for each escrow, the first that is as
    agreed; and those that are not.

    :param replace: also where a payment waits for a block that leaves the miner less.
    """
    ready: dict[str, Ready] = {}
    refused: list[Refusal] = []
    for proposal in proposals:
        escrow_id = proposal.terms.id
        if role not in proposal.completers or escrow_id in ready or not may_be_made(proposal, view, replace=replace):
            continue
        try:
            checked = check(order, view, proposal)
        except EscrowError as reason:
            refused.append(Refusal(proposal, reason))
        else:
            if may_follow(checked.payout, view):
                ready[escrow_id] = Ready(order, role, proposal, checked)
    return list(ready.values()), refused


def may_be_made(proposal: Proposal, view: ChainView, *, replace: bool) -> bool:
    """Whether an escrow still waits for a payment like this. After one that is in a block, only what is left goes
    back. While one waits for a block, no refund takes its place, but of another refund."""
    made = view.payments.get(proposal.terms.id)
    if made is None:
        return True
    is_refund = proposal.ending is Ending.REFUND
    if made.confirmations:
        return is_refund
    return replace and (not is_refund or made.ending == Ending.REFUND.value)


def may_follow(payout: Payout, view: ChainView) -> bool:
    """Whether a payment does not add to one that waits for a block, but takes its place: it spends something of the
    same, so that only one of the two can be, and leaves the miner more."""
    made = view.payments.get(payout.terms.id)
    if made is None or made.confirmations:
        return True
    return payout.fee > made.fee and not set(view.spent(payout.terms.id)).isdisjoint(payout.coins)


def check(order: Order, view: ChainView, proposal: Proposal) -> Checked:
    """Hold a payment against the documents and the chain.

    :raises EscrowError: it is not as agreed.
    """
    if order.bid is None:
        raise EscrowError("this job has no terms that count")
    escrow_id = proposal.terms.id
    return proposal.check(view.coins(escrow_id), order.bid.document, paid=view.is_paid(escrow_id))


def sign_and_send(session: Session, ready: Ready) -> Payment:
    """Add the second signature to exactly this payment, give it to the network and remember it.

    :raises EscrowError: the chain does not hold any more what it spends, or it could be paid beside what was signed
        before.
    :raises RejectedError: the network's rules refuse it.
    """
    require_unchanged(session, ready.order, ready.role, [ready.payout])
    key = escrow_key(session, ready.order, ready.role)
    remember_completed(session, ready.order, ready.payout)
    session.chain.broadcast(complete_payout(ready.checked.psbt, key))
    return remember_payment(session, ready)


def remember_payment(session: Session, ready: Ready) -> Payment:
    """Note a payment that is on its way, so that nobody signs a second one before the next look at the chain."""
    order, payout, store = ready.order, ready.payout, session.store
    payment = Payment(
        contract_id=order.contract_id,
        escrow_id=ready.escrow_id,
        txid=payout.txid,
        amount=payout.split.payee,
        back=payout.back,
        fee=payout.fee,
        height=None,
        confirmations=0,
        ending=ready.proposal.ending.value,
        document_id=ready.proposal.document.id,
    )
    before = store.escrows.payments(order.contract_id)
    is_rest = payment.escrow_id in before and before[payment.escrow_id].confirmations > 0
    payments = list((before if is_rest else before | {payment.escrow_id: payment}).values())
    spent = {coin.outpoint for coin in payout.coins}
    known = store.escrows.outputs(order.contract_id)
    kept = [each for each in known if each.outpoint not in spent]
    heights = {each.outpoint: each.height for each in known}
    rows = [
        EscrowOutput(
            order.contract_id, payment.escrow_id, coin.outpoint, coin.amount, heights.get(coin.outpoint), 0, True
        )
        for coin in payout.coins
    ]
    store.escrows.observe(order.contract_id, [*kept, *rows], payments)
    return payment
