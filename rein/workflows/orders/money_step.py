"""What the money of an order asks of somebody, as it was last seen: what is missing, what waits for blocks, what others
could take, and what came too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rein.btc.amounts import DUST_LIMIT, format_btc
from rein.btc.transaction import TxOutput
from rein.escrow.claims import Claim
from rein.escrow.funding import EscrowFunding, Funding, Verdict
from rein.escrow.proposals import Ending
from rein.escrow.terms import MIN_FEERATE
from rein.protocol.documents import Offer, Role
from rein.protocol.orders import Order, State
from rein.store.escrows import EscrowOutput, Payment
from rein.workflows.orders.load import can_deliver, recorded_funding, terms_if_any
from rein.workflows.orders.step import Step, act, wait


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
    if order.state is State.FROZEN and any(isinstance(each.document, Offer) for each in order.conflict):
        return _frozen(order, role)
    if order.state is State.OFFERED and not payments:
        return _offered(funding, role)
    if role is Role.WORKER and order.state in (State.FUNDED, State.DELIVERED) and not payments:
        return _could_be_taken(funding, order)
    return None


def _came_late(funding: Funding, role: Role) -> Step | None:
    """What lies in an escrow after the end is the creator's; two of the three give it back."""
    left = [purse for purse in funding.purses if _can_go_back(purse)]
    if not left:
        return None
    came = f"{sum(purse.holds for purse in left):,} sat lie in escrow after the end"
    open_refunds = [claim for purse in left for claim in purse.claims if _gives_back(claim, purse)]
    if any(role in claim.takers for claim in open_refunds):
        return act(f"{came}, and a refund waits for you: rein agree")
    if any(claim.author is role for claim in open_refunds):
        return wait(f"{came}: wait until another agrees to your refund")
    if role is Role.CREATOR:
        return act(f"{came}: rein refund")
    return wait(f"{came} and are the job creator's: wait for a refund to agree to, or propose it: rein refund")


def _can_go_back(purse: EscrowFunding) -> bool:
    """Whether what is left is worth a payment of its own."""
    output = TxOutput(DUST_LIMIT, purse.terms.payer.script)
    return purse.holds >= DUST_LIMIT + MIN_FEERATE * purse.terms.vsize_of(len(purse.outputs), [output])


def _gives_back(claim: Claim, purse: EscrowFunding) -> bool:
    there = {output.outpoint for output in (*purse.outputs, *purse.dust)}
    return claim.ending is Ending.REFUND and claim.is_open(there)


def _frozen(order: Order, role: Role) -> Step:
    offers = f"the job creator signed {len(order.conflict)} offers that contradict each other"
    if role is Role.CREATOR:
        return act("you signed offers that contradict each other: pay nothing; settle or refund what is there")
    if role is Role.MEDIATOR:
        return act(f"{offers}: rein resolve, if one disputes, and for one of them only where they share the escrows")
    if can_deliver(order):
        return act(f"{offers}; yours is funded: deliver (rein deliver), or call the mediator: rein workerdispute")
    if order.evidence.funded:
        return act(f"{offers}; yours is funded: call the mediator: rein workerdispute")
    return wait(f"{offers}, and yours is not funded: do not work for it")


def _offered(funding: Funding, role: Role) -> Step | None:
    wanting = [purse for purse in funding.purses if purse.ask is not None]
    waiting = [purse for purse in funding.purses if purse.verdict is Verdict.WAIT]
    leaving = [purse for purse in funding.purses if purse.verdict is Verdict.LEAVING]
    if role is Role.MEDIATOR:
        return None
    if leaving:
        return wait(f"what was paid in is being spent; {leaving[0]}")
    back = [claim for purse in wanting for claim in purse.may_come_back]
    if back and role is Role.CREATOR:
        return act(f"before you pay anew, see what may come back, the {back[0]}: rein fund")
    if wanting and role is Role.CREATOR:
        if not any(purse.counted for purse in funding.purses):
            return act("pay into escrow: rein fund")
        rest = " and ".join(
            f"{format_btc(purse.ask)} BTC more into the {purse.terms.escrow.kind.value} escrow"
            for purse in wanting
            if purse.ask is not None
        )
        return act(f"pay {rest}: rein fund")
    if wanting:
        given_back = [str(claim) for purse in funding.purses for claim in purse.given_back]
        but = f"; the creator can take what is there by the {given_back[0]}" if given_back else ""
        return wait(f"wait until both escrows are funded, do not deliver before{but}")
    if waiting:
        return wait(f"wait for blocks; {'; '.join(str(purse) for purse in waiting)}")
    return None


def _could_be_taken(funding: Funding, order: Order) -> Step | None:
    takers = funding.primary.given_back if funding.primary.verdict is Verdict.CLAIMED else ()
    takers = takers or funding.primary.takers_without(Role.WORKER)
    if not takers:
        return None
    name = f"{takers[0]}, can be completed without you"
    if order.deliveries:
        return act(f"the {name}: agree (rein agree, rein settle), or call the mediator: rein workerdispute")
    return act(f"do not deliver: the {name}; agree (rein agree, rein settle), or call the mediator: rein workerdispute")
