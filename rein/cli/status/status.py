"""`rein status`"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from rein.btc.amounts import Sat
from rein.cli.common import Cli, as_of, command, job_option, moment
from rein.cli.console.layout import cut
from rein.cli.console.remedies import MORE_HOSTING
from rein.cli.console.terminal import Terminal, safe, safe_line
from rein.cli.toolkit.units import amount, price
from rein.escrow.counted import counted
from rein.lazy import lazy
from rein.protocol.sin import secure_identity_number
from rein.store.tables.chain_tip import SeenBlock
from rein.workflows.orders.step import Turn
from rein.workflows.orders.view import OrderView, Paid
from rein.workflows.status.agenda import Agenda, agenda

if TYPE_CHECKING:
    from rein.cli.status import story
else:
    story = lazy("rein.cli.status.story")


_HEADINGS = {Turn.ACT: "Needs your action:", Turn.WAIT: "Waiting for others:", Turn.NOTHING: "Nothing to do:"}


@command("status")
@job_option
@click.option("--documents", is_flag=True, help="With --jobid: the signed texts too.")
def status(cli: Cli, job: str | None, documents: bool) -> None:
    """See what needs you now, and what you wait for; with --jobid, the whole story of one job.

    Every identity of this home is shown, unless you name one with --identity. What others did since is fetched by
    `rein sync`. A job without money that you hide (`rein hide job ID`) is left out.

    Example: rein status --jobid n0qlna45dgynluhtl0gf
    """
    if job is None:
        _overview(cli)
    else:
        story.say_story(cli, job, documents=documents)


def _overview(cli: Cli) -> None:
    session, terminal = cli.session, cli.terminal
    acting = session.identity
    seen = session.store.chain_tip.get(session.network.name)
    others = (
        []
        if cli.settings.identity
        else [row for row in session.store.identities.of_network(acting.network) if row != acting]
    )
    agendas = [agenda(session, row, seen.time if seen else None) for row in (acting, *others)]
    for each in agendas:
        _say_agenda(cli, each, seen)
    mine, *more = (each.json() for each in agendas)
    terminal.result(mine | {"others": more})


def _say_agenda(cli: Cli, mine: Agenda, seen: SeenBlock | None) -> None:
    terminal, row = cli.terminal, mine.row
    terminal.say(terminal.bold(f"{safe_line(row.name)} on {row.network}"))
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  SIN               {secure_identity_number(row.master_address)}")
    terminal.advise(f"  servers           {', '.join(mine.servers) or 'none; register one with `rein request URL`'}")
    terminal.advise(f"  as of             {as_of(mine.fetched)}")
    for warning in mine.warnings:
        terminal.note(safe(warning))
    if mine.warnings:
        terminal.note(MORE_HOSTING)
    terminal.say()
    for due, heading in _HEADINGS.items():
        jobs = [job for job in mine.jobs if job.step.due is due]
        if jobs:
            terminal.say(heading)
            _say_jobs(terminal, jobs, seen)
            terminal.say()
    _say_paid(cli, [paid for job in mine.jobs for paid in job.paid])
    if not mine.jobs:
        terminal.advise("You have no jobs yet. Find one with `rein jobs`, or post one with `rein post`.")
    if mine.hidden:
        hidden = "1 job is" if mine.hidden == 1 else f"{mine.hidden:,} jobs are"
        terminal.advise(f"{hidden} hidden: rein hide")
    if mine.unpublished and not terminal.quiet:
        them = "it" if mine.unpublished == 1 else "them"
        terminal.advise(
            f"No server holds {counted(mine.unpublished, 'document')} of yours yet, so nobody else has seen {them}."
            " Publish with `rein sync`."
        )
    for refused in mine.refused:
        terminal.note(safe(f"The job {refused.job_id} does not count: {refused.message}"))


def _say_paid(cli: Cli, paid: list[Paid]) -> None:
    """How much jobs paid, where it lies, and how to spend it."""
    kept = [each.amount_sat for each in paid if each.own_wallet and not each.spent]
    elsewhere = [each.amount_sat for each in paid if not each.own_wallet]
    if kept:
        cli.terminal.say(f"Jobs paid {amount(Sat(sum(kept)))} into your wallet, not spent as far as is known here.")
        cli.terminal.advise("See it: `rein wallet`. Spend it: `rein wallet send ADDRESS AMOUNT`")
    if elsewhere:
        cli.terminal.say(f"Jobs paid {amount(Sat(sum(elsewhere)))} to wallets of yours that are elsewhere.")


def _say_jobs(terminal: Terminal, jobs: Sequence[OrderView], seen: SeenBlock | None) -> None:
    """A table of as many columns as there is room for. Where what is next does not fit beside the others, each job gets
    lines of its own: the columns, its name, and what is next."""
    rows = [_row(terminal, job, seen) for job in jobs]
    short = [row | {"Job": cut(row["Job"], 30)} for row in rows]
    used = [column for column in _COLUMNS if column != "Until" or any(row[column] != "-" for row in rows)]
    for left_out in ((), ("Until",), ("Until", "Since")):
        columns = [column for column in used if column not in left_out]
        cells = [[row[column] for column in columns] for row in short]
        if terminal.has_room([columns, *cells]):
            terminal.table(columns, cells)
            return
    for row in rows:
        _say_job(terminal, row)


def _say_job(terminal: Terminal, row: Mapping[str, str]) -> None:
    cells = {column: row[column] for column in _COLUMNS[:-2] if row[column] != "-"}
    for least_needed in ("Until", "Since"):
        if not terminal.has_room([list(cells.values())]):
            cells.pop(least_needed, None)
    terminal.say("  ".join(cells.values()))
    terminal.say(f"  {row['Job']}")
    said, found, command = row["Next"].partition(": rein ")
    if found and ";" not in command and not terminal.has_room([[f"  {row['Next']}"]]):
        terminal.say(f"  {said}:")
        terminal.say(f"  rein {command}", exact=True)  # which is copied from there
    else:
        terminal.say(f"  {row['Next']}")


_COLUMNS = ("Job ID", "You are", "State", "Since", "Until", "BTC", "Job", "Next")


def _row(terminal: Terminal, job: OrderView, seen: SeenBlock | None) -> dict[str, str]:
    ago = "" if seen is None or seen.height < job.since else f", {seen.height - job.since} ago"
    cells = (
        job.job_id,
        "/".join(sorted(role.value for role in job.roles)) or "-",
        job.state.value,
        f"block {job.since}{ago}",
        "-" if job.until is None else moment(job.until),
        price(job),
        safe_line(job.name),
        terminal.here(job.step.text),
    )
    return dict(zip(_COLUMNS, cells, strict=True))
