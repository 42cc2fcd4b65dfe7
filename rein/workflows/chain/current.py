"""Orders as they are now: after asking the servers and the chain. Every step that concerns an order begins here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rein.errors import ChainError
from rein.protocol.orders import Order
from rein.workflows.chain.view import ChainView, observe, observe_all
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.fetch import fetched_order
from rein.workflows.orders.load import find_order, my_orders
from rein.workflows.session import Session

Candidates = Callable[[Session], list[Order]]
"""Which orders one can do something with, as far as is known here."""


def current_orders(session: Session, candidates: Candidates) -> list[Order]:
    """The orders that are candidates now. Where the chain does not answer, as it was last seen.

    :raises IdentityError: this home has no identity on this network.
    """
    _ = session.identity
    pull(session)
    observe_if_possible(session, my_orders(session).orders)
    return candidates(session)


def current_order(session: Session, name: str, *, fetch: bool = True) -> Order:
    """The order of that name as it is now.

    :param name: as for `find_order`.
    :param fetch: ask the servers first; not after `current_orders`, which did.
    :raises NotFoundError: there is none.
    :raises ChainError: the chain does not answer.
    """
    observe(session, fetched_order(session, name) if fetch else find_order(session, name))
    return find_order(session, name)


def observe_if_possible(session: Session, orders: Sequence[Order]) -> dict[str, ChainView]:
    """What is on the chain, by contract id; nothing where the chain does not answer, which is said."""
    try:
        return observe_all(session, orders)
    except ChainError as error:
        session.note(f"The chain was not looked at: {error.message}")
        return {}
