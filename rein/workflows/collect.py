"""Collecting one's money: check the payment the creator signed; then add the second signature and send it."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.errors import EscrowError, OrderError
from rein.escrow.contract import Purse
from rein.escrow.payout import check_payout, complete_payout
from rein.escrow.terms import PurseTerms, terms_of
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.store.store import Payment
from rein.workflows.cases import my_orders, roles_in
from rein.workflows.desk import Desk
from rein.workflows.watch_chain import Seen, look_at, payment_psbt

_OWING = (State.ACCEPTED, State.FROZEN, State.SETTLED)
"""States in which a creator has signed payments. Signing two acceptances freezes the job, but not what he owes."""

_PURSE_OF = {Role.WORKER: Purse.PRIMARY, Role.MEDIATOR: Purse.MEDIATOR}


@dataclass(frozen=True)
class Collectable:
    """A payment that was found to be the agreed one, and waits for this person's signature."""

    order: Order
    role: Role
    purse: PurseTerms
    psbt: Psbt

    @property
    def txid(self) -> str:
        """Known before it is signed: a segwit txid does not cover signatures."""
        return self.psbt.transaction.txid

    @property
    def receives(self) -> Sat:
        return self.purse.receives


def orders_to_collect(desk: Desk) -> list[Order]:
    """Accepted jobs that owe me money I have not collected."""
    found = []
    for order in my_orders(desk).orders:
        paid = desk.store.payments(order.id)
        owed = {_PURSE_OF[role].value for role in roles_in(order, desk.address) if role in _PURSE_OF}
        if order.acceptances and order.state in _OWING and owed - set(paid):
            found.append(order)
    return found


def prepare(desk: Desk, order: Order) -> Collectable:
    """Check a payment against the documents and the chain.

    :raises OrderError: nothing is owed to this person here, or it was collected already.
    :raises EscrowError: the payment is not the agreed one, or the escrow does not hold the money.
    """
    if not order.acceptances or order.state not in _OWING:
        raise OrderError(f"the job {order.job.document.job_id} is {order.state.value}; nothing has been paid out yet")
    role = _receiving_role(order, desk.address)
    wanted = _PURSE_OF[role]
    terms = terms_of(order)
    purse = terms.primary if wanted is Purse.PRIMARY else terms.mediator
    seen = look_at(desk, order)
    if seen is None:
        raise EscrowError("this job has no terms that count")
    if wanted in seen.payments:
        raise OrderError(f"you have collected this payment already, in {seen.payments[wanted].txid}")
    return Collectable(order, role, purse, _signed_payment(order, purse, seen))


def _signed_payment(order: Order, purse: PurseTerms, seen: Seen) -> Psbt:
    """The payment the creator signed, out of the first acceptance in which it is as agreed.

    :raises EscrowError: it is in none; what is wrong with the first.
    """
    refusals: list[EscrowError] = []
    for acceptance in order.acceptances:
        text = payment_psbt(acceptance.document, purse.escrow.purse)
        try:
            psbt = check_payout(text, purse, order.job.document.creator_public_key)
            _check_on_chain(seen, purse, psbt.inputs[0].outpoint)
        except EscrowError as error:
            refusals.append(error)
        else:
            return psbt
    raise refusals[0]


def sign_and_send(desk: Desk, collectable: Collectable) -> Payment:
    """Add the second signature, give the payment to the network and remember it.

    :raises RejectedError: the network's rules refuse it.
    """
    key = _key(desk, collectable.order, collectable.role)
    txid = desk.chain.broadcast(complete_payout(collectable.psbt, key))
    name = collectable.purse.escrow.purse.value
    payment = Payment(collectable.order.id, name, txid, collectable.receives, 0)
    others = [each for each in desk.store.payments(collectable.order.id).values() if each.purse != name]
    desk.store.set_payments(collectable.order.id, [*others, payment])
    return payment


def _receiving_role(order: Order, address: str) -> Role:
    roles = roles_in(order, address) & set(_PURSE_OF)
    if not roles:
        raise OrderError(f"nobody owes you anything in the job {order.job.document.job_id}")
    return roles.pop()


def _check_on_chain(seen: Seen, purse: PurseTerms, outpoint: OutPoint) -> None:
    """The payment must spend the output that the chain shows at this escrow, with the amount agreed."""
    funding = seen.funding.of(purse.escrow.purse)
    name = purse.escrow.purse.value
    if funding.output is None:
        raise EscrowError(f"the {name} escrow holds no output of {purse.amount} sat now", hint="Look: rein fund")
    candidates = [funding.output, *(each for each in funding.others if each.amount == purse.amount)]
    if outpoint not in {each.outpoint for each in candidates}:
        raise EscrowError(f"the {name} payment spends an output that is not one of this escrow")


def _key(desk: Desk, order: Order, role: Role) -> PrivateKey:
    if role is Role.WORKER:
        return desk.keyring.worker_escrow(order.id)
    return desk.keyring.mediator_escrow(order.job.document.job_id)
