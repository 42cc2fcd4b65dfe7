"""Payments of an order: planning one of my own, and completing one that somebody else has signed.

Both are built from the documents and from what the chain shows at this moment; see `rein.escrow.explain`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from rein.errors import EscrowError, OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.explain import Checked
from rein.escrow.payout import (
    Payout,
    Split,
    build_payout,
    complete_payout,
    plan_payout,
    the_price,
)
from rein.escrow.proposals import Ending, Proposal, is_reserved
from rein.escrow.terms import DEFAULT_FEERATE, MAX_FEERATE
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.escrows import EscrowOutput, Payment
from rein.workflows.money.chain_view import ChainView, observe
from rein.workflows.money.outstanding import remember_completed
from rein.workflows.money.plan import require_unchanged
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.orders.load import roles_in
from rein.workflows.session import Session


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


def current_feerate(session: Session) -> int:
    """sat/vB for a payment now: the chain source's estimate, or a default where it has none. Beyond the band it is cut:
    what an estimate says keeps nobody from complaining, or from being paid."""
    return min(session.chain.feerate() or DEFAULT_FEERATE, MAX_FEERATE)


def see(session: Session, order: Order) -> ChainView:
    """What the chain shows of an order now, before anything in it is signed.

    :raises OrderError: it has no offer that counts, so there is no money.
    """
    seen = observe(session, order)
    if seen is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so there is no money in it")
    return seen


def plan(seen: ChainView, escrow_id: str, split: Split, feerate: int, *, reserved: bool = False) -> Payout:
    """A payment from an escrow with the confirmed outputs that are there now.

    :param reserved: see `rein.escrow.payout.check_fee`.
    :raises EscrowError: the escrow does not hold so much.
    """
    terms = seen.terms.of(escrow_id)
    coins = seen.safe_coins(escrow_id) if split.payee or split.payer else seen.coins(escrow_id)
    if not coins:
        raise EscrowError(f"the {escrow_id} escrow holds nothing now", hint="Look: rein fund")
    return plan_payout(terms, coins, split, feerate, reserved=reserved)


def by_escrow(*payouts: Payout) -> dict[str, Payout]:
    """Payments by the ids of their escrows."""
    return {each.terms.id: each for each in payouts}


def plan_fee(seen: ChainView, feerate: int, ending: Ending, author: Role) -> Payout:
    """The mediator's payment. Where the mediator has it already, or it is on its way, that very payment once more:
    documents carry it always, and nobody is paid twice.

    :raises EscrowError: the escrow does not hold so much.
    """
    terms = seen.terms.only(EscrowKind.FEE)
    made = seen.payments.get(terms.id)
    if made is not None and made.amount:
        bears = made.amount < terms.price
        return build_payout(terms, seen.spent[terms.id], replace(the_price(terms), bears=bears), made.fee)
    reserved = is_reserved(terms.kind, ending, author)
    return plan(seen, terms.id, the_price(terms), feerate, reserved=reserved)


def require_filled(seen: ChainView) -> None:
    """Refuse to sign for escrows that do not hold what was agreed, or whose money is on its way to somebody.

    :raises EscrowError:
    """
    for each in seen.funding.of_kind(EscrowKind.PRICE):
        if each.id in seen.payments:
            txid = seen.payments[each.id].txid
            raise EscrowError(f"the {each.id} escrow was paid out already, in {txid}", hint="See: rein status")
    if not all(each.complete or each.id in seen.payments for each in seen.funding.escrows):
        raise EscrowError("the escrows do not hold what was agreed", hint="Look: rein fund")


def role_of(session: Session, order: Order, *wanted: Role) -> Role:
    """The one role the identity has in a job.

    :raises OrderError: none of those wanted.
    """
    found = [role for role in wanted if role in roles_in(order, session.address)]
    if not found:
        names = " or the ".join(role.value for role in wanted)
        raise OrderError(f"you are not the {names} of the job {order.job.document.job_id}")
    return found[0]


def ready_payments(
    order: Order, seen: ChainView, role: Role, proposals: Iterable[Proposal], *, replace: bool = False
) -> tuple[list[Ready], list[Refusal]]:
    """Those of the proposals that this role may complete now: at most one for each escrow, the first that is as
    agreed; and those that are not.

    :param replace: also where a payment waits for a block that leaves the miner less.
    """
    ready: dict[str, Ready] = {}
    refused: list[Refusal] = []
    for proposal in proposals:
        escrow_id = proposal.terms.id
        if role not in proposal.completers or escrow_id in ready or not may_be_made(proposal, seen, replace=replace):
            continue
        try:
            checked = check(order, seen, proposal)
        except EscrowError as reason:
            refused.append(Refusal(proposal, reason))
        else:
            if may_follow(checked.payout, seen):
                ready[escrow_id] = Ready(order, role, proposal, checked)
    return list(ready.values()), refused


def may_be_made(proposal: Proposal, seen: ChainView, *, replace: bool) -> bool:
    """Whether an escrow still waits for a payment like this. After one that is in a block, only what is left goes
    back. While one waits for a block, no refund takes its place, but of another refund."""
    made = seen.payments.get(proposal.terms.id)
    if made is None:
        return True
    is_refund = proposal.ending is Ending.REFUND
    if made.confirmations:
        return is_refund
    return replace and (not is_refund or made.ending == Ending.REFUND.value)


def may_follow(payout: Payout, seen: ChainView) -> bool:
    """Whether a payment does not add to one that waits for a block, but takes its place: it spends something of the
    same, so that only one of the two can be, and leaves the miner more."""
    made = seen.payments.get(payout.terms.id)
    if made is None or made.confirmations:
        return True
    return payout.fee > made.fee and not set(seen.spent[payout.terms.id]).isdisjoint(payout.coins)


def check(order: Order, seen: ChainView, proposal: Proposal) -> Checked:
    """Hold a payment against the documents and the chain.

    :raises EscrowError: it is not as agreed.
    """
    if order.bid is None:
        raise EscrowError("this job has no terms that count")
    escrow_id = proposal.terms.id
    return proposal.check(seen.coins(escrow_id), order.bid.document, paid=seen.is_paid(escrow_id))


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


def of_endings(proposals: Iterable[Proposal], *endings: Ending) -> list[Proposal]:
    """Those that end the job in one of these ways."""
    return [each for each in proposals if each.ending in endings]


def refuse_all(refused: Collection[Refusal]) -> None:
    """Refuse with the reason of the first, if there is one.

    :raises EscrowError:
    """
    for each in refused:
        raise each.reason
