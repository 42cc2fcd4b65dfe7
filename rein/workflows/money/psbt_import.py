"""Taking in a payment that was signed elsewhere: by a wallet, a hardware signer, or another program of the three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rein.btc.psbt import Psbt
from rein.errors import EscrowError, OrderError, PsbtError
from rein.escrow.explain import Checked, explain
from rein.escrow.proposals import Proposal
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.escrows import Payment
from rein.workflows.money.chain_view import ChainView
from rein.workflows.money.explain import signers_of
from rein.workflows.money.outstanding import remember_completed
from rein.workflows.money.payments import Ready, check, may_be_made, may_follow, remember_payment, see
from rein.workflows.session import Session

_HINT = "See what differs: rein explain --file FILE"


@dataclass(frozen=True)
class Imported:
    """A payment of a document with every signature that is known of it. `complete`: it can be sent."""

    ready: Ready
    signers: tuple[Role, ...]
    complete: bool

    @property
    def psbt(self) -> Psbt:
        return self.ready.checked.psbt


def combine_imported(session: Session, order: Order, text: str) -> Imported:
    """Find the payment of a document that a PSBT is, check both, and put their signatures together.

    :param text: base64.
    :raises OrderError: no document of the job carries this payment, or it was made already.
    :raises EscrowError: it is not as agreed, or the chain does not show what it spends.
    """
    theirs = Psbt.parse(text)
    seen = see(session, order)
    carrying = [each for each in seen.proposals if _txid(each.text) == theirs.transaction.txid]
    if not carrying:
        raise OrderError(
            f"no document of the job {order.job.document.job_id} carries the payment {theirs.transaction.txid}",
            hint=_HINT,
        )
    if not any(may_be_made(each, seen, replace=True) for each in carrying):
        raise OrderError("this escrow was paid out already", hint="See: rein status")
    agreed = _as_agreed(order, seen, carrying)
    first, checked = agreed[0]
    if not may_follow(checked.payout, seen):
        raise OrderError("another payment waits that leaves the miner as much", hint="See: rein status")
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
    return Imported(ready, signers_of(combined, order), _is_complete(combined))


def send_imported(session: Session, imported: Imported) -> Payment:
    """Give a complete payment to the network and remember it.

    :raises RejectedError: the network's rules refuse it.
    """
    remember_completed(session, imported.ready.order, imported.ready.payout)
    session.chain.broadcast(imported.psbt.finalize())
    return remember_payment(session, imported.ready)


def _as_agreed(order: Order, seen: ChainView, carrying: Sequence[Proposal]) -> list[tuple[Proposal, Checked]]:
    """Those that are as agreed: a document with a spoiled signature takes nothing from another with a good one.

    :raises EscrowError: none is, with the reason of the first.
    """
    agreed, refused = [], []
    for proposal in carrying:
        try:
            agreed.append((proposal, check(order, seen, proposal)))
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
