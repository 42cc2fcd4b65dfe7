"""Taking in a payment that was signed elsewhere: by a wallet, a hardware signer, or another program of the three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.psbt import Psbt
from rein.errors import EscrowError, OrderError, PsbtError
from rein.escrow.explain import Checked, explain
from rein.escrow.proposals import Proposal
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.tables.escrows import Payment
from rein.workflows.chain.view import ChainView, chain_view_of
from rein.workflows.money.completion import Ready, check, may_be_made, may_follow, remember_payment
from rein.workflows.money.explain import signers_of
from rein.workflows.money.outstanding import remember_completed
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session

_HINT = "See what differs: rein explain --file FILE"


@dataclass(frozen=True)
class ImportPlan:
    """A payment of a document with every signature that is known of it. `complete`: it can be sent."""

    ready: Ready
    signers: tuple[Role, ...]
    complete: bool

    @property
    def psbt(self) -> Psbt:
        return self.ready.checked.psbt


@dataclass(frozen=True)
class ImportResult:
    """What was taken in; `payment` is what was sent, None where a signature is missing or after a dry run."""

    plan: ImportPlan
    payment: Payment | None

    def json(self) -> dict[str, Any]:
        order = self.plan.ready.order
        return {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "signed_by": [role.value for role in self.plan.signers],
            "complete": self.plan.complete,
            "sent": self.payment is not None,
            "psbt": self.plan.psbt.to_base64(),
            "payment": self.plan.ready.payout.json(),
        }


def prepare(session: Session, name: str, text: str) -> ImportPlan:
    """Find the payment of a document that a PSBT is, check both, and put their signatures together.

    :param name: of the job, as for `find_order`; servers are asked first.
    :param text: base64.
    :raises OrderError: no document of the job carries this payment, or it was made already.
    :raises EscrowError: it is not as agreed, or the chain does not show what it spends.
    """
    _ = session.identity
    theirs = Psbt.parse(text)
    pull(session)
    order = find_order(session, name)
    view = chain_view_of(session, order)
    carrying = [each for each in view.proposals if _txid(each.text) == theirs.transaction.txid]
    if not carrying:
        raise OrderError(
            f"no document of the job {order.job.document.job_id} carries the payment {theirs.transaction.txid}",
            hint=_HINT,
        )
    if not any(may_be_made(each, view, replace=True) for each in carrying):
        raise OrderError("this escrow was paid out already", hint="See where your jobs stand.")
    agreed = _as_agreed(order, view, carrying)
    first, checked = agreed[0]
    if not may_follow(checked.payout, view):
        raise OrderError("another payment waits that leaves the miner as much", hint="See where your jobs stand.")
    combined = checked.psbt
    for _, each in agreed[1:]:
        combined = combined.combine(each.psbt)
    present = set(theirs.partial_signatures(0))
    payout = checked.payout
    found = explain(text, payout.terms, payout.split, payout.coins, present, reserved=first.reserved)
    if found.psbt is None:
        raise EscrowError(found.differences[0].text, hint=_HINT)
    combined = combined.combine(found.psbt)
    ready = Ready(order, first.author, first, Checked(checked.payout, combined))
    return ImportPlan(ready, signers_of(combined, order), _is_complete(combined))


def commit(session: Session, plan: ImportPlan, *, dry_run: bool = False) -> ImportResult:
    """Give the payment to the network and remember it, if it is complete.

    :raises RejectedError: the network's rules refuse it.
    """
    if dry_run or not plan.complete:
        return ImportResult(plan, None)
    remember_completed(session, plan.ready.order, plan.ready.payout)
    session.chain.broadcast(plan.psbt.finalize())
    return ImportResult(plan, remember_payment(session, plan.ready))


def _as_agreed(order: Order, view: ChainView, carrying: Sequence[Proposal]) -> list[tuple[Proposal, Checked]]:
    """Those that are as agreed: a document with a spoiled signature takes nothing from another with a good one.

    :raises EscrowError: none is, with the reason of the first.
    """
    agreed, refused = [], []
    for proposal in carrying:
        try:
            agreed.append((proposal, check(order, view, proposal)))
        except EscrowError as reason:
            refused.append(reason)
    if not agreed:
        raise refused[0]
    return agreed


def _txid(text: str) -> str | None:
    try:
        return Psbt.parse(text).transaction.txid
    except PsbtError:
        return None


def _is_complete(psbt: Psbt) -> bool:
    try:
        psbt.finalize()
    except PsbtError:
        return False
    return True
