"""An order as the servers have it now, for what needs no look at the chain."""

from __future__ import annotations

from rein.protocol.orders import Order
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session


def fetched_order(session: Session, name: str) -> Order:
    """The order of that name (`find_order`), after asking the servers.

    :raises IdentityError: this home has no identity on this network.
    :raises NotFoundError: there is none.
    :raises InputError: several orders answer to that name.
    """
    _ = session.identity
    pull(session)
    return find_order(session, name)
