"""Picking one of several jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rein.cli.common import Cli
from rein.cli.show import job_line
from rein.errors import ChainError, NotFoundError
from rein.protocol.orders import Order
from rein.workflows.desk import Desk
from rein.workflows.money.watch_chain import Seen, look, look_at
from rein.workflows.orders.cases import find_order, my_orders
from rein.workflows.orders.pull import pull


def look_first(cli: Cli, orders: Sequence[Order]) -> dict[str, Seen]:
    """Look at the chain, and return what is there by contract id; where that cannot be done, say so and go on with what
    was last seen."""
    try:
        return look(cli.desk, orders)
    except ChainError as error:
        cli.terminal.note(f"The chain was not looked at: {error.message}")
        return {}


def choose_order(cli: Cli, candidates: Callable[[Desk], list[Order]], verb: str) -> Order:
    """The only job one can do this with, or the one a person picks. The chain is looked at first, so that the list
    is of now.

    :raises NotFoundError: there is none.
    """
    look_first(cli, my_orders(cli.desk).orders)
    orders = candidates(cli.desk)
    if not orders:
        raise NotFoundError(f"you have no job to {verb} now", hint="See them all: rein status")
    if len(orders) == 1:
        return orders[0]
    return orders[cli.terminal.choose("job", [job_line(order) for order in orders], "--jobid")]


def order_now(cli: Cli, wanted: str | None, candidates: Callable[[Desk], list[Order]], verb: str) -> Order:
    """The job meant, or picked where none was named, as it is after a look at the servers and at the chain.

    :raises NotFoundError: there is none.
    """
    desk = cli.desk
    _ = desk.identity
    pull(desk)
    name = choose_order(cli, candidates, verb).contract_id if wanted is None else wanted
    look_at(desk, find_order(desk, name))
    return find_order(desk, name)
