"""Picking one of several jobs."""

from __future__ import annotations

from collections.abc import Sequence

from rein.cli.common import Cli
from rein.cli.toolkit.show import job_line
from rein.errors import NotFoundError
from rein.protocol.orders import Order
from rein.workflows.chain.current import Candidates, current_order, current_orders
from rein.workflows.orders.load import my_orders
from rein.workflows.orders.next_step import next_step_of

_SHOWN = 2


def choose_order(cli: Cli, candidates: Candidates, verb: str) -> Order:
    """The only job one can do this with, or the one a person picks.

    :raises NotFoundError: there is none.
    """
    orders = current_orders(cli.session, candidates)
    if not orders:
        raise NotFoundError(f"you have no job to {verb} now{_awaited(cli)}", hint="See them all: rein status")
    if len(orders) == 1:
        return orders[0]
    return pick_order(cli, orders, [job_line(order) for order in orders])


def _awaited(cli: Cli) -> str:
    """What some jobs wait for that are not over: that may be what is missing."""
    unfinished = [order for order in my_orders(cli.session).orders if not order.is_over][-_SHOWN:]
    steps = [f"{order.job.document.job_id}: {next_step_of(cli.session, order).text}" for order in unfinished]
    return "".join(f"; {each}" for each in steps)


def pick_order(cli: Cli, orders: Sequence[Order], lines: Sequence[str]) -> Order:
    """The one a person picks, by its number, its name, or its Job ID."""
    names = [(order.job.document.name, order.job.document.job_id) for order in orders]
    return orders[cli.terminal.choose("job", lines, "--jobid", names)]


def order_now(cli: Cli, wanted: str | None, candidates: Candidates, verb: str) -> Order:
    """The job that was named, or the one a person picks, as it is now.

    :raises NotFoundError: there is none.
    """
    if wanted is None:
        return current_order(cli.session, choose_order(cli, candidates, verb).contract_id, fetch=False)
    return current_order(cli.session, wanted)
