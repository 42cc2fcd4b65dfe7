"""What all lists share: the options that sort and page them, and how people and prices stand in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from rein.btc.amounts import Sat, format_btc, parse_btc
from rein.cli.common import Cli, number
from rein.cli.terminal import safe_line
from rein.protocol.reputation import Score
from rein.workflows.market import Page, page
from rein.workflows.reputation import Averages

Option = Callable[[Callable[..., None]], Callable[..., None]]


def list_options(sorts: Iterable[str]) -> Option:
    """`--sort`, `--reverse`, `--page`, `--limit` and `--hidden`."""
    names = list(sorts)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        options = (
            click.option("--sort", type=click.Choice(names), default=names[0], show_default=True, help="By what."),
            click.option("--reverse", is_flag=True, help="Turn the order around."),
            click.option("--page", "page_number", default="1", metavar="N", help="Which page. [1]"),
            click.option("--limit", default="30", metavar="N", help="Rows on a page. [30]"),
            click.option("--hidden", "hidden_too", is_flag=True, help="Also what you have hidden."),
        )
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def cut(rows: list[Any], page_number: str, limit: str, *, reverse: bool) -> Page[Any]:
    """One page, as the options ask.

    :raises InputError: a number that is none.
    """
    rows = rows[::-1] if reverse else rows
    return page(rows, number(page_number, "the page"), number(limit, "the rows on a page"))


def say_where(cli: Cli, shown: Page[Any], what: str) -> None:
    """Below a list: which part of it that was."""
    if shown.pages > 1:
        cli.terminal.note(f"Page {shown.number} of {shown.pages}, {shown.total:,} {what}. More: --page N")
    elif not shown.total:
        cli.terminal.say(f"No {what}. Fetch what is new: rein sync")


def paging(shown: Page[Any]) -> dict[str, int]:
    """The same for programs."""
    return {"total": shown.total, "page": shown.number, "pages": shown.pages}


def price(text: str | None) -> Sat | None:
    """A bound of a price that somebody typed, in BTC."""
    return None if text is None else parse_btc(text.strip())


def btc(amount: Sat | None) -> str:
    """An amount in a table."""
    return "-" if amount is None else format_btc(amount)


def stars(score: Score) -> str:
    """An average in a table, as rein 0.3 wrote it."""
    return f"{score} ({score.count})" if score.count else "not rated"


def rated(ratings: Averages, master_address: str) -> dict[str, Any]:
    """An average for programs: in tenths, so that it needs no fractions."""
    score = ratings.average(master_address)
    return {"rating_tenths": score.tenths, "ratings": score.count}


def person(name: str, ratings: Averages, master_address: str) -> str:
    """Somebody in a list to choose from, with the average of the ratings."""
    return f"{safe_line(name, 40)} [{stars(ratings.average(master_address))}]"
