"""The one way in which a command signs money: show a frozen plan, ask, and sign exactly that plan.

Nothing is planned between the question and the signature. What signs (`rein.workflows.money.plan`, `payments`)
refuses a plan that the chain does not carry any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rein.cli.common import Cli
from rein.cli.toolkit.show import say_payouts
from rein.cli.toolkit.terminal import safe
from rein.workflows.money.plan import Plan

P = TypeVar("P")
R = TypeVar("R")


def sign_shown(
    cli: Cli, plan: P, show: Callable[[P], None], question: str, sign: Callable[[P], R], *, dry_run: bool = False
) -> R:
    """Show, ask unless this is a dry run, and sign what was shown.

    :param plan: whatever is to be signed, which nothing changes any more.
    """
    show(plan)
    if not dry_run:
        cli.terminal.confirm(question)
    return sign(plan)


def say_plan(cli: Cli, plan: Plan) -> None:
    """The payments of a plan, and what to know beside them."""
    if plan.payouts:
        say_payouts(cli, plan.payouts.values())
    for each in plan.remarks:
        cli.terminal.note(safe(each), vital=True)
