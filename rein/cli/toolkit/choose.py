"""Picking one of several jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rein.cli.common import Cli
from rein.cli.toolkit.show import job_line
from rein.errors import ChainError, NotFoundError
from rein.protocol.orders import Order
from rein.workflows.money.chain_view import ChainView, look, observe
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order, my_orders
from rein.workflows.session import Session


def look_first(cli: Cli, orders: Sequence[Order]) -> dict[str, ChainView]:
    """Look at the chain, and return what is there by contract id; where that cannot be done, say so and go on with what
    was last seen."""
    try:
        return look(cli.session, orders)
    except ChainError as error:
        cli.terminal.note(f"The chain was not looked at: {error.message}")
        return {}


def choose_order(cli: Cli, candidates: Callable[[Session], list[Order]], verb: str) -> Order:
    """The only job one can do this with, or the one a person picks. The chain is looked at first, so that the list
    is of now.

    :raises NotFoundError: there is none.
    """
    look_first(cli, my_orders(cli.session).orders)
    orders = candidates(cli.session)
    if not orders:
        raise NotFoundError(f"you have no job to {verb} now", hint="See them all: rein status")
    if len(orders) == 1:
        return orders[0]
    return orders[cli.terminal.choose("job", [job_line(order) for order in orders], "--jobid")]


def order_now(cli: Cli, wanted: str | None, candidates: Callable[[Session], list[Order]], verb: str) -> Order:
    """The job meant, or picked where none was named, as it is after a look at the servers and at the chain.

    :raises NotFoundError: there is none.
    """
    session = cli.session
    _ = session.identity
    pull(session)
    name = choose_order(cli, candidates, verb).contract_id if wanted is None else wanted
    observe(session, find_order(session, name))
    return find_order(session, name)
