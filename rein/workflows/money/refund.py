"""Proposing a refund: the money goes back to the job creator, who paid it in."""

from __future__ import annotations

from rein.btc.feerate import Feerate
from rein.errors import EscrowError, OrderError
from rein.escrow.carried import psbt_fields
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import Payout
from rein.escrow.proposals import Ending, is_reserved, refund_of
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import Refund, Role
from rein.protocol.orders import Order
from rein.workflows.chain.view import ChainView, chain_view_of
from rein.workflows.money.outstanding import require_only_payment
from rein.workflows.money.payouts import payout_of, role_of
from rein.workflows.money.plan import Plan, make_plan, sign_plan
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate


def prepare(session: Session, order: Order, *, reason: str, feerate: Feerate | None = None) -> Plan:
    """The payments that give the money back, from the escrows that hold any.

    A mediator signs away nothing of the mediator's escrow beforehand: filled up later, it would not pay the mediator.
    To that the mediator agrees, at once, when another proposes it.

    :param reason: why the money goes back, in words.
    :param feerate: sat/vB; the estimate if not given. A mediator who names one above what the offer keeps for the miner
        gives up that much of the fee.
    :raises OrderError: no part in this job, or there never was an offer.
    :raises EscrowError: no escrow holds anything that can go back now, or a payment from one waits for a block.
    """
    if order.offer is None:
        raise OrderError(f"the job {order.job.document.job_id} has no offer that counts, so there is no money in it")
    role = role_of(session, order, Role.CREATOR, Role.WORKER, Role.MEDIATOR)
    view = chain_view_of(session, order)
    _refuse_while_paying(view)
    rate = feerate or current_feerate(session)
    payouts, kept = dict[str, Payout](), list[EscrowError]()
    for terms in view.terms.escrows:
        try:
            payout = _payout(view, terms, role, rate, bears=feerate is not None)
            if payout is not None:
                require_only_payment(session, order, view, role, [payout])
                payouts[terms.id] = payout
        except EscrowError as error:
            kept.append(error)
    if not payouts:
        raise kept[0] if kept else EscrowError("none of the escrows holds anything", hint="See what the escrows hold.")
    remarks = [f"{_sentence(each.message)}." for each in kept]
    return make_plan(session, order, view, role, payouts, text=reason, remarks=remarks)


def _payout(view: ChainView, terms: EscrowTerms, role: Role, feerate: Feerate, *, bears: bool) -> Payout | None:
    """What one escrow gives back; None where it holds nothing, or where it is not for this role to propose it.

    :param bears: whether a mediator who proposes it gives up what the miner takes above the reserve.
    """
    coins, paid = view.coins(terms.id), view.is_paid(terms.id)
    split = refund_of(terms, coins, author=role if bears else None, paid=paid)
    waived = terms.kind is EscrowKind.FEE and role is Role.MEDIATOR and not split.payee and not paid
    if not coins or waived:
        return None
    return payout_of(view, terms.id, split, feerate, reserved=is_reserved(terms.kind, Ending.REFUND, role))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _refuse_while_paying(view: ChainView) -> None:
    """Refuse to give back what is on its way to somebody: the network would take the one that pays the miner more.

    :raises EscrowError:
    """
    for escrow_id, payment in view.payments.items():
        if not payment.confirmations:
            raise EscrowError(
                f"the payment {payment.txid} from the {escrow_id} escrow waits for a block",
                hint="Wait for it; what is left then can go back.",
            )


def commit(session: Session, plan: Plan, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly these payments and the refund that carries them.

    :raises OrderError: the refund would not count.
    :raises EscrowError: see `sign_plan`.
    """
    texts = psbt_fields(sign_plan(session, plan))
    signed = sign_as(session, plan.order, plan.role, Refund, plan.order.contract_id, reason=plan.text, **texts)
    return write(session, signed, dry_run=dry_run)
