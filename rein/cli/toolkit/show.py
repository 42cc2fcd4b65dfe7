"""Showing documents, the same way in every command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rein.cli.common import Cli
from rein.cli.console.layout import columns_of
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.units import amount
from rein.escrow.explain import in_words
from rein.escrow.payout import Payout
from rein.protocol import values
from rein.protocol.documents import Document
from rein.protocol.fields import Line, lines_of
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.workflows.orders.outbox import DocumentResult
from rein.workflows.wallet.payout import PaidAt, pay_at

_PUBLISH = re.compile(r"^(?:Publish|Send) it[^`]*`rein sync`[.,;] ?")


def say_written(cli: Cli, result: DocumentResult, next_step: str) -> None:
    """Show what a person has signed here, and what to do with it: a summary, or the whole text where it is asked for
    and where nothing else is left of it."""
    terminal = cli.terminal
    say_document(cli, result.signed, in_full=not result.stored)
    terminal.say()
    if result.stored:
        stored = "Already stored" if result.repeated else "Stored"
        terminal.say(f"{stored} as document {result.signed.id}.")
        advise_next(cli, next_step)
    else:
        terminal.say("This was a dry run: nothing was stored.")
    terminal.result(result.json())


def advise_next(cli: Cli, next_step: str) -> None:
    """What is to be done with a document that was stored. Autosync publishes it, and says so itself if it cannot."""
    if cli.settings.autosync:
        next_step = _PUBLISH.sub("", next_step)
    if next_step:
        cli.terminal.advise(next_step[0].upper() + next_step[1:])


def say_document(cli: Cli, signed: Signed[Any], *, in_full: bool = False) -> None:
    """A summary of a document, or with `--documents` and `-v` all of its signed text."""
    if in_full or cli.given("documents") or cli.terminal.verbose:
        cli.terminal.say(safe(signed.armored), exact=True)
        return
    for line in summary(signed.document):
        cli.terminal.say(line)


_TECHNICAL = (
    *(values.IDENTITY_ADDRESS, values.PAYMENT_ADDRESS, values.PUBLIC_KEY, values.EXTENDED_KEY, values.SIGNATURE),
    *(values.PSBT, values.SEALED, values.DOCUMENT_ID, values.BLOCK_HASH, values.HEIGHT, values.TIME, values.NETWORK),
    *(values.CONTACT, values.REVOCATIONS, values.SIN),
)
"""What a person does not read in a document, kind by kind of value."""
_SUMMARY_TEXT = 200
"""Characters of a long text that a summary repeats."""


def summary(document: Document) -> list[str]:
    """What a document says to people, a line a field: names, terms and amounts, without keys, ids and payments."""
    fields = [each for each in lines_of(type(document)) if each.codec not in _TECHNICAL]
    said = [(each, getattr(document, each.attribute)) for each in fields]
    rows = [(each.label.removesuffix(" (BTC)"), _in_words(each, value)) for each, value in said if value is not None]
    width = max((columns_of(label) for label, _ in rows), default=0)
    return [document.TITLE, *(f"  {label.ljust(width)}  {value}" for label, value in rows)]


def _in_words(field: Line, value: Any) -> str:
    if field.codec is values.AMOUNT:
        return amount(value)
    return safe_line(field.codec.format(value), _SUMMARY_TEXT)


def say_where_paid(cli: Cli, pay_to: str | None) -> PaidAt:
    """Choose the address at which somebody is paid, and show it before anything that names it is signed."""
    paid_at = pay_at(cli.session, pay_to)
    cli.terminal.advise(paid_at.in_words)
    cli.terminal.say()
    return paid_at


def job_line(order: Order) -> str:
    """One order on one line."""
    job = order.job.document
    return f"{job.name} ({job.job_id}), {order.state.value}"


def say_payouts(cli: Cli, payouts: Iterable[Payout]) -> None:
    """What would be signed, in words and satoshis."""
    cli.terminal.say("You would sign:")
    for payout in payouts:
        first, *rest = in_words(payout)
        cli.terminal.say(f"  the {payout.terms.id} payment, which {safe(first)}")
        for line in rest:
            cli.terminal.say(f"    {safe(line)}")
    cli.terminal.say()
