"""Agreeing to a settlement or a refund that another has proposed: the second signature, and sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from rein.errors import EscrowError, InputError, OrderError
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import Payout, choose_coins
from rein.escrow.proposals import Ending, Proposal
from rein.protocol.documents import PartyDocument, Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.chain.view import ChainView, chain_view_of
from rein.workflows.money.completion import (
    CompletionPlan,
    OnSent,
    PaymentsResult,
    Ready,
    Refusal,
    check,
    ignore,
    ready_payments,
    send_all,
)
from rein.workflows.money.payouts import role_of
from rein.workflows.session import Session


@dataclass(frozen=True)
class OpenProposal:
    """A settlement or a refund by another that waits for the identity's signature. `payouts`: what of it is as agreed
    and could be completed now."""

    document: Signed[PartyDocument]
    proposal: Proposal
    payouts: tuple[Payout, ...]


def open_proposals(session: Session, order: Order) -> list[OpenProposal]:
    """The settlements and refunds by others that the identity may complete, oldest first."""
    role, view = _role(session, order), chain_view_of(session, order)
    found: dict[str, OpenProposal] = {}
    for proposal in _proposed(view, role):
        ready, _ = ready_payments(order, view, role, [proposal], replace=True)
        if proposal.terms.id in view.payments and not ready:
            continue  # what only gives back what a payment has left is asked for its own sake
        before = found.get(proposal.document.id, OpenProposal(proposal.document, proposal, ()))
        payouts = (*before.payouts, *(each.payout for each in ready))
        found[proposal.document.id] = OpenProposal(before.document, before.proposal, payouts)
    return list(found.values())


def prepare(session: Session, order: Order, document_id: str) -> CompletionPlan:
    """The payments of one settlement or refund that the identity may complete, held against the documents. One that
    leaves more to the miner may replace a payment that still waits for a block.

    :param document_id: the proposal's id, or the beginning of it.
    :raises OrderError: no such proposal is open.
    :raises EscrowError: a payment is not as agreed, be it one that others complete.
    """
    role, view = _role(session, order), chain_view_of(session, order)
    wanted = [each for each in _proposed(view, role) if each.document.id.startswith(document_id)]
    if len({each.document.id for each in wanted}) > 1:
        raise InputError(f"several proposals begin with {document_id}", hint="Name more of it.")
    ready, refused = ready_payments(order, view, role, wanted, replace=True)
    Refusal.raise_first(refused)
    if not ready:
        raise OrderError(f"no proposal {document_id[:12]} waits for your signature in this job")
    _require_whole(order, view, ready)
    _require_all(view, ready)
    return CompletionPlan(order, tuple(ready))


def commit(
    session: Session, plan: CompletionPlan, *, dry_run: bool = False, on_sent: OnSent = ignore
) -> PaymentsResult:
    """Complete the payments and give them to the network.

    :raises EscrowError, RejectedError: as `sign_and_send`.
    """
    return send_all(session, plan, dry_run=dry_run, on_sent=on_sent)


def _role(session: Session, order: Order) -> Role:
    return role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)


def _proposed(view: ChainView, role: Role) -> list[Proposal]:
    """The payments of settlements and refunds that this role may complete."""
    endings = (Ending.SETTLEMENT, Ending.REFUND)
    return [each for each in view.proposals if each.ending in endings and role in each.completers]


def _require_all(view: ChainView, ready: Sequence[Ready]) -> None:
    """Refuse a refund of a part of what an escrow holds by now: what was signed for less does not end the job.

    :raises EscrowError:
    """
    for each in ready:
        worth = choose_coins(each.payout.terms, view.coins(each.escrow_id), ceil(each.payout.feerate))
        left = sum(coin.amount for coin in worth if coin not in each.payout.coins)
        if left and each.proposal.ending is Ending.REFUND:
            raise EscrowError(
                f"it leaves {left:,} sat in the {each.escrow_id} escrow: a refund gives all back, or nothing",
                hint="Propose the refund again.",
            )


def _require_whole(order: Order, view: ChainView, ready: Sequence[Ready]) -> None:
    """Refuse a document of which another payment, that others would complete, is not as agreed: who takes their part of
    it would leave the rest where it is.

    :raises EscrowError:
    """
    signed = ready[0].proposal.document
    carried = {each.terms.id: each for each in view.proposals if each.document == signed}
    for escrow in view.funding.escrows:
        if escrow.id in view.payments:
            continue
        if escrow.id in carried:
            check(order, view, carried[escrow.id])
        elif escrow.kind is EscrowKind.PRICE and escrow.outputs:
            raise EscrowError(
                f"it pays nothing out of the {escrow.id} escrow, which holds something", hint="Sign nothing."
            )
