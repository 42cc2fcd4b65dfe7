"""What all lists share: the options that sort and page them, and how people and prices stand in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, number
from rein.cli.console.terminal import safe_line
from rein.cli.toolkit.amounts import parse_amount
from rein.errors import InputError
from rein.protocol.reputation import Score
from rein.protocol.values import job_tags, typed_tags
from rein.workflows.market.listings import Page, page
from rein.workflows.market.reputation import Averages

Option = Callable[[Callable[..., None]], Callable[..., None]]


def list_options(sorts: Iterable[str]) -> Option:
    """`--sort`, `--reverse`, `--page`, `--limit` and `--hidden`."""
    names = list(sorts)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        options = (
            click.option("--sort", type=click.Choice(names), default=names[0], show_default=True, help="Sort by."),
            click.option("--reverse", is_flag=True, help="Reverse the order."),
            click.option("--page", "page_number", default="1", metavar="N", help="Page number. [1]"),
            click.option("--limit", default="30", metavar="N", help="Rows per page. [30]"),
            click.option("--hidden", "hidden_too", is_flag=True, help="Also show what you have hidden."),
        )
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def cut(rows: list[Any], page_number: str, limit: str, *, reverse: bool) -> Page[Any]:
    """One page, as the options ask.

    :raises InputError: an invalid number.
    """
    rows = rows[::-1] if reverse else rows
    return page(rows, number(page_number, "the page"), number(limit, "the rows on a page"))


def say_where(cli: Cli, shown: Page[Any], what: str, advice: Callable[[], str]) -> None:
    """Below a list: which part of it that was, and how to see more.

    :param advice: tells what to do where the whole list is empty; asked only then, since it may look for more.
    """
    if not shown.total:
        cli.terminal.advise(f"No {what}. {advice()}")
    elif shown.number > shown.pages:
        cli.terminal.say(f"There is no page {shown.number}: {shown.total:,} {what} end on page {shown.pages}.")
    elif shown.pages > 1:
        following = f"Next: --page {shown.number + 1}" if shown.number < shown.pages else "That was the last."
        cli.terminal.note(f"Page {shown.number} of {shown.pages}, {shown.total:,} {what}. {following}")


def paging(shown: Page[Any]) -> dict[str, Any]:
    """The same for programs."""
    return shown.json()


def prices(
    lowest: str | None, highest: str | None, option: str = "price", what: str = "bid"
) -> tuple[Sat | None, Sat | None]:
    """The bounds of an amount that somebody typed, as `parse_amount`.

    :param option: how the options end; `what` is filtered by them.
    :raises InputError: one is not an amount, or nothing lies between them.
    """
    least, most = (None if text is None else parse_amount(text)[0] for text in (lowest, highest))
    if least is not None and most is not None and least > most:
        raise InputError(f"--min-{option} is more than --max-{option}, so no {what} can be between them")
    return least, most


def tags(texts: Iterable[str]) -> tuple[str, ...]:
    """Tags to look for, however they were typed; several may stand in one text, as in a job.

    :raises InputError: no job can have such a tag.
    """
    try:
        found = [typed_tags(text) or job_tags(text) for text in texts]
    except ValueError as error:
        raise InputError(f"--tag: {error}", hint="Such as: --tag music --tag 'theme song'") from error
    return tuple(tag for some in found for tag in some)


def btc(amount: Sat | None) -> str:
    """An amount in a table."""
    return "-" if amount is None else format_btc(amount)


def stars(score: Score) -> str:
    """An average in a table, as rein 0.3 wrote it."""
    return f"{score} ({score.count})" if score.count else "not rated"


def rated(ratings: Averages, name: str, master_address: str) -> dict[str, Any]:
    """Somebody for programs; the average in tenths, so that it needs no fractions."""
    return ratings.person(name, master_address).json()


def person(name: str, ratings: Averages, master_address: str) -> str:
    """Somebody in a list to choose from, with the average of the ratings."""
    return f"{safe_line(name, 40)} [{stars(ratings.average(master_address))}]"
