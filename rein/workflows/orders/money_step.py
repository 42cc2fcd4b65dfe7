"""What the money of an order asks of somebody, as it was last seen: what is missing, what waits for blocks, what others
could take, and what came too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rein.btc.amounts import DUST_LIMIT, format_btc
from rein.btc.transaction import TxOutput
from rein.escrow.claims import Claim
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import EscrowFunding, Funding, Verdict
from rein.escrow.proposals import Ending
from rein.escrow.terms import MIN_FEERATE
from rein.protocol.documents import Offer, Role
from rein.protocol.orders import Order, State
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import can_deliver, recorded_funding, terms_if_any
from rein.workflows.orders.step import Step, act, nothing, wait


def money_step(
    order: Order, role: Role, payments: Mapping[str, Payment], outputs: Sequence[EscrowOutput]
) -> Step | None:
    """The step that the money asks of a role; None where it asks for none of its own."""
    terms = terms_if_any(order)
    if terms is None:
        return None
    funding = recorded_funding(order, terms, outputs, payments)
    if order.is_over:
        return _came_late(funding, role)
    if order.state in (State.DISPUTED, State.FROZEN) and role is Role.MEDIATOR and _is_empty(order, funding):
        return nothing("nothing; no money is in escrow, so there is nothing to decide")
    if order.state is State.FROZEN and any(isinstance(each.document, Offer) for each in order.conflict):
        return _frozen(order, role, funding)
    if order.state is State.OFFERED and not payments:
        return _offered(funding, role)
    if role is Role.WORKER and order.state in (State.FUNDED, State.DELIVERED) and not payments:
        return _could_be_taken(funding, order)
    return None


def _came_late(funding: Funding, role: Role) -> Step | None:
    """What lies in an escrow after the end is the creator's; two of the three give it back."""
    left = [each for each in funding.escrows if _can_go_back(each)]
    if not left:
        return None
    came = f"{sum(each.holds for each in left):,} sat lie in escrow after the end"
    open_refunds = [claim for each in left for claim in each.claims if _gives_back(claim, each)]
    if any(role in claim.takers for claim in open_refunds):
        return act(f"{came}, and a refund waits for you: rein agree")
    if any(claim.author is role for claim in open_refunds):
        return wait(f"{came}: wait until another agrees to your refund")
    if role is Role.CREATOR:
        return act(f"{came}: rein refund")
    return wait(f"{came} and are the job creator's: wait for a refund to agree to, or propose it: rein refund")


def _can_go_back(held: EscrowFunding) -> bool:
    """Whether what is left is worth a payment of its own."""
    output = TxOutput(DUST_LIMIT, held.terms.payer.script)
    return held.holds >= DUST_LIMIT + MIN_FEERATE * held.terms.vsize_of(len(held.outputs), [output])


def _gives_back(claim: Claim, held: EscrowFunding) -> bool:
    there = {output.outpoint for output in (*held.outputs, *held.dust)}
    return claim.ending is Ending.REFUND and claim.is_open(there)


def _frozen(order: Order, role: Role, funding: Funding) -> Step:
    offers = f"the job creator signed {len(order.conflict)} offers that contradict each other"
    if role is Role.CREATOR:
        return act("you signed offers that contradict each other: pay nothing; settle or refund what is there")
    if role is Role.MEDIATOR:
        return act(f"{offers}: rein resolve, if one disputes, and for one of them only where they share the escrows")
    if can_deliver(order):
        taken = _could_be_taken(funding, order)
        deliver = act("yours is funded: deliver (rein deliver), or open a dispute: rein workerdispute")
        return act(f"{offers}; {(taken or deliver).text}")
    if order.evidence.funded:
        return act(f"{offers}; yours is funded: open a dispute: rein workerdispute")
    return wait(f"{offers}, and yours is not funded: do not work for it")


def _is_empty(order: Order, funding: Funding) -> bool:
    """Whether the escrows hold nothing worth a payment: then nobody can end a dispute, and anybody could begin one."""
    return not order.evidence.funded and not any(each.holds or each.leaving for each in funding.escrows)


def _offered(funding: Funding, role: Role) -> Step | None:
    wanting = [each for each in funding.escrows if each.ask is not None]
    waiting = [each for each in funding.escrows if each.verdict is Verdict.WAIT]
    leaving = [each for each in funding.escrows if each.verdict is Verdict.LEAVING]
    if role is Role.MEDIATOR:
        return None
    if leaving:
        return wait(f"what was paid in is being spent; {leaving[0]}")
    back = [claim for each in wanting for claim in each.may_come_back]
    if back and role is Role.CREATOR:
        return act(f"before you pay again, see what may come back, the {back[0]}: rein fund")
    if wanting and role is Role.CREATOR:
        if not any(each.counted for each in funding.escrows):
            return act("pay into escrow: rein fund")
        rest = " and ".join(
            f"{format_btc(each.ask)} BTC more into the {each.id} escrow" for each in wanting if each.ask is not None
        )
        return act(f"pay {rest}: rein fund")
    if wanting:
        given_back = [str(claim) for each in funding.escrows for claim in each.given_back]
        but = f"; the creator can take what is there by the {given_back[0]}" if given_back else ""
        return wait(f"wait until both escrows are funded, do not deliver before{but}")
    if waiting:
        return wait(f"wait for blocks; {'; '.join(str(each) for each in waiting)}")
    return None


def _could_be_taken(funding: Funding, order: Order) -> Step | None:
    prices = funding.of_kind(EscrowKind.PRICE)
    in_question = prices if order.deliveries else funding.escrows
    takers = [claim for each in in_question if each.verdict is Verdict.CLAIMED for claim in each.given_back]
    takers = takers or [claim for each in prices for claim in each.takers_without(Role.WORKER)]
    if not takers:
        return None
    name = f"the {takers[0]}, can be completed without you"
    choice = "agree (rein agree, rein settle), or open a dispute: rein workerdispute"
    return act(f"{name}: {choice}" if order.deliveries else f"do not deliver: {name}; {choice}")
