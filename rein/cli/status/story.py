"""`rein status --jobid`: the story of one job."""

from __future__ import annotations

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, local_moment, moment
from rein.cli.console.terminal import safe, safe_line
from rein.cli.toolkit.units import amount
from rein.escrow.counted import counted
from rein.protocol.orders import Order
from rein.workflows.orders.view import EscrowView, Paid
from rein.workflows.status.story import Event, tell_story
from rein.workflows.sync.availability import Availability, DocumentAvailability, check_availability

_AVAILABILITY = {
    Availability.AVAILABLE: "shows it",
    Availability.ABSENT: "does not have it",
    Availability.REMOVED: "has removed it",
    Availability.WITHHELD: "showed it before and does not show it any more",
    Availability.ALTERED: "shows another text instead",
}
_WORDS = 200
"""Characters of what somebody wrote that are shown in a story; the document has them all."""
_OUTPUTS = 8
"""Of an escrow that are shown one by one, the largest: a payment spends no more, and strangers may pay in many."""


def say_story(cli: Cli, job: str, *, documents: bool) -> None:
    """Show one job: what happened, where its money is, what is next."""
    session, terminal = cli.session, cli.terminal
    story = tell_story(session, job)
    order, view = story.order, story.view
    servers = check_availability(session, order) if documents else []
    if documents:
        _say_documents(cli, order, servers)
    terminal.say(terminal.bold(f"Job {view.job_id}, {safe_line(view.name)}: {view.state.value}"))
    for event in story.events:
        _say_event(cli, event, story.times)
    if order.messages:
        terminal.advise(
            f"It has {counted(len(order.messages), 'sealed document')}: rein messages --jobid {view.job_id}"
        )
    for each in order.rejected:
        terminal.say(safe(f"Kept apart: document {each.document.id}: {each.reason.message}"))
    for signed in (*order.conflict, *order.void_ratings):
        terminal.say(f"Conflicting: document {signed.id}")
    for escrow in view.escrows:
        _say_escrow(cli, escrow)
    for paid in view.paid:
        _say_paid(cli, paid, view.job_id)
    until = f", until {moment(view.until)}" if view.until is not None else ""
    terminal.advise(f"Next: {view.step.text} (since block {view.since}{until})")
    if not documents:
        terminal.note("The signed texts: add --documents")
    terminal.result(story.json() | ({"servers": [each.json() for each in servers]} if documents else {}))


def _say_documents(cli: Cli, order: Order, servers: list[DocumentAvailability]) -> None:
    """What everybody signed, and who shows it. What people wrote to each other is theirs."""
    terminal, sealed = cli.terminal, set(order.messages)
    for signed in (*order.documents(), *order.conflict, *order.void_ratings):
        if signed in sealed:
            continue
        terminal.say(terminal.bold(f"{signed.document.TITLE}, document {signed.id}"))
        terminal.say(safe(signed.armored), exact=True)
        _say_servers(cli, [each for each in servers if each.document_id == signed.id])
        terminal.say()


def _say_paid(cli: Cli, paid: Paid, job_id: str) -> None:
    """How much one was paid, where it lies, and how to spend it."""
    cli.terminal.say(f"You were paid {amount(paid.amount_sat)} at {paid.address}.")
    if paid.spent:
        cli.terminal.say("It was spent since.")
    elif paid.own_wallet:
        cli.terminal.advise(f"Spend it: `rein wallet send ADDRESS AMOUNT --from {job_id}`")
    else:
        cli.terminal.say("Only the wallet that has this address can spend it.")


def _say_servers(cli: Cli, sights: list[DocumentAvailability]) -> None:
    """Where everybody can read a document."""
    for each in sights:
        word = _AVAILABILITY[each.showing] if each.showing else "cannot be asked now"
        cli.terminal.say(safe(f"  {each.url}  {word}"))


def _say_event(cli: Cli, event: Event, times: dict[int, int]) -> None:
    when = "waiting for a block"
    if event.place is not None:
        date = f", {moment(times[event.place])}" if event.place in times else ""
        when = f"{'block' if event.document_id is None else 'after block'} {event.place}{date}"
    here = "" if event.learned is None else f"  (here since {local_moment(event.learned)})"
    cli.terminal.say(f"  {when}{here}")
    cli.terminal.say(f"    {safe_line(event.what, _WORDS)}")
    if event.document_id is not None:
        cli.terminal.say(f"    document {event.document_id[:12]}, signed by {event.by}")
    if event.txid is not None:
        cli.terminal.say(f"    transaction {event.txid}")


def _say_escrow(cli: Cli, escrow: EscrowView) -> None:
    terminal, payment = cli.terminal, escrow.payment
    terminal.say(f"  {escrow.purse} escrow  {format_btc(escrow.amount_sat)} BTC were agreed on")
    terminal.say(f"    {safe_line(escrow.condition, _WORDS)}")
    terminal.say("    descriptor")
    terminal.say(escrow.descriptor, exact=True)
    outputs = sorted(escrow.outputs, key=lambda each: -each.amount_sat)
    for output in outputs[:_OUTPUTS]:
        how = "spent" if output.spent else counted(output.confirmations, "confirmation")
        terminal.say(f"    holds  {format_btc(output.amount_sat)} BTC in {output.outpoint}, {how}")
    if rest := outputs[_OUTPUTS:]:
        more = format_btc(Sat(sum(output.amount_sat for output in rest)))
        terminal.say(f"    and {len(rest)} smaller, {more} BTC in all: --json lists them")
    if payment:
        terminal.say(
            f"    paid out by {payment.ending} in {payment.txid}, {counted(payment.confirmations, 'confirmation')}: "
            f"{payment.amount_sat:,} sat to {safe_line(escrow.receiver)}, {payment.back_sat:,} sat back, "
            f"{payment.fee_sat:,} sat to the miner"
        )
