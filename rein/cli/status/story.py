"""`rein status --jobid`: the story of one job."""

from __future__ import annotations

from typing import Any

from rein.btc.amounts import Sat, format_btc
from rein.cli.common import Cli, moment
from rein.cli.toolkit.terminal import safe, safe_line
from rein.cli.toolkit.units import amount
from rein.workflows.market.listings import newest_block
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.load import find_order
from rein.workflows.orders.outbox import json_of_document
from rein.workflows.status.agenda import at_time
from rein.workflows.status.earnings import whereabouts
from rein.workflows.status.story import Event, story_of, times_of
from rein.workflows.status.summary import summary
from rein.workflows.sync.availability import Availability, DocumentAvailability, check_availability

_SHOWINGS = {
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


def tell_story(cli: Cli, job: str, *, documents: bool) -> None:
    """Show one job: what happened, where its money is, what is next."""
    session, terminal = cli.session, cli.terminal
    _ = session.identity
    pull(session)
    order = find_order(session, job)
    seen = newest_block(session)
    unpublished = session.store.documents.unpublished_ids(session.network.name, session.address)
    told = at_time(summary(session, order), seen.time if seen else None, unpublished)
    told = whereabouts(session, session.identity, told)
    events = story_of(session, order)
    times = times_of(session, [event.height for event in events if event.height is not None])
    shown = check_availability(session, order) if documents else []
    if documents:
        sealed = set(order.messages)
        for signed in (*order.documents(), *order.conflict, *order.void_ratings):
            if signed in sealed:
                continue
            terminal.say(terminal.bold(f"{signed.document.TITLE}, document {signed.id}"))
            terminal.say(safe(signed.armored), exact=True)
            _say_servers(cli, [each for each in shown if each.document_id == signed.id])
            terminal.say()
    posted = order.job.document
    terminal.say(terminal.bold(f"Job {posted.job_id}, {safe_line(posted.name)}: {order.state.value}"))
    for event in events:
        _say_event(cli, event, times)
    if order.messages:
        terminal.advise(f"It has {len(order.messages)} sealed documents: rein messages --jobid {posted.job_id}")
    for each in order.apart:
        terminal.say(safe(f"Kept apart: document {each.document.id}: {each.reason.message}"))
    for signed in (*order.conflict, *order.void_ratings):
        terminal.say(f"Conflicting: document {signed.id}")
    for escrow in told["escrows"]:
        _say_escrow(cli, escrow)
    for paid in told["paid"]:
        _say_paid(cli, paid, posted.job_id)
    until = f", until {moment(told['until'])}" if told["until"] is not None else ""
    terminal.advise(f"Next: {told['next']} (since block {told['since_height']}{until})")
    if not documents:
        terminal.note("The signed texts: add --documents")
    terminal.result(
        told
        | {
            "story": [_event_data(event, times) for event in events],
            "documents": [json_of_document(signed) for signed in order.documents()],
            "apart": [
                {"document_id": each.document.id, "code": each.reason.code, "message": each.reason.message}
                for each in order.apart
            ],
            "conflict": [signed.id for signed in order.conflict],
            "void_ratings": [signed.id for signed in order.void_ratings],
        }
        | ({"servers": [each.json() for each in shown]} if documents else {})
    )


def _say_paid(cli: Cli, paid: dict[str, Any], job_id: str) -> None:
    """How much one was paid, where it lies, and how to spend it."""
    cli.terminal.say(f"You were paid {amount(paid['amount_sat'])} at {paid['address']}.")
    if paid["spent"]:
        cli.terminal.say("It was spent since.")
    elif paid["own_wallet"]:
        cli.terminal.advise(f"Spend it: `rein wallet send ADDRESS AMOUNT --from {job_id}`")
    else:
        cli.terminal.say("Only the wallet that has this address can spend it.")


def _say_servers(cli: Cli, sights: list[DocumentAvailability]) -> None:
    """Where everybody can read a document."""
    for each in sights:
        word = _SHOWINGS[each.showing] if each.showing else "cannot be asked now"
        cli.terminal.say(safe(f"  {each.url}  {word}"))


def _say_event(cli: Cli, event: Event, times: dict[int, int]) -> None:
    when = "waiting for a block"
    if event.height is not None:
        date = f", {moment(times[event.height])}" if event.height in times else ""
        when = f"{'block' if event.document_id is None else 'after block'} {event.height}{date}"
    cli.terminal.say(f"  {when}")
    cli.terminal.say(f"    {safe_line(event.what, _WORDS)}")
    if event.document_id is not None:
        cli.terminal.say(f"    document {event.document_id[:12]}, signed by {event.by}")
    if event.txid is not None:
        cli.terminal.say(f"    transaction {event.txid}")


def _event_data(event: Event, times: dict[int, int]) -> dict[str, Any]:
    time = times.get(event.height) if event.height is not None else None
    return {
        "height": event.height,
        "time": time,
        "what": event.what,
        "document_id": event.document_id,
        "signed_by": event.by,
        "txid": event.txid,
    }


def _say_escrow(cli: Cli, escrow: dict[str, Any]) -> None:
    terminal, payment = cli.terminal, escrow["payment"]
    terminal.say(f"  {escrow['purse']} escrow  {format_btc(escrow['amount_sat'])} BTC were agreed on")
    terminal.say(f"    {safe_line(escrow['condition'], _WORDS)}")
    terminal.say(f"    descriptor  {escrow['descriptor']}")
    outputs = sorted(escrow["outputs"], key=lambda each: -each["amount_sat"])
    for output in outputs[:_OUTPUTS]:
        how = "spent" if output["spent"] else f"{output['confirmations']} confirmations"
        terminal.say(f"    holds  {format_btc(output['amount_sat'])} BTC in {output['outpoint']}, {how}")
    if rest := outputs[_OUTPUTS:]:
        more = format_btc(Sat(sum(output["amount_sat"] for output in rest)))
        terminal.say(f"    and {len(rest)} smaller ones, {more} BTC in all: --json lists them")
    if payment:
        terminal.say(
            f"    paid out by {payment['ending']} in {payment['txid']}, {payment['confirmations']} confirmations: "
            f"{payment['amount_sat']:,} sat to {safe_line(escrow['receiver'])}, {payment['back_sat']:,} sat back, "
            f"{payment['fee_sat']:,} sat to the miner"
        )
