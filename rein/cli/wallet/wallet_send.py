"""`rein wallet send` and `rein wallet sweep`"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import click

from rein.btc.feerate import format_feerate
from rein.cli.common import Cli, command
from rein.cli.common import feerate as parse_feerate
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.units import amount as in_btc
from rein.errors import InputError
from rein.escrow.counted import counted
from rein.files import write_new
from rein.workflows.wallet.wallet_send import (
    Choice,
    Planned,
    SendPlan,
    SendResult,
    commit,
    hand_out,
    prepare_send,
    prepare_sweep,
)

_ALL = "all"

_rate_option = click.option("--feerate", metavar="SAT/VB", help="For the miner. [estimated]")
_join_option = click.option("--join", is_flag=True, help="Spend coins of different jobs together, for all to see.")
_from_option = click.option("--from", "group", metavar="ID", help="Only the coins of this job, or at this address.")
_psbt_option = click.option("--psbt", is_flag=True, help="Sign nothing: give a PSBT for a signer that has the keys.")
_out_option = click.option("-o", "out", type=FilePath(), help="With --psbt: write it into this file.")
_dry_run_option = click.option("--dry-run", "-n", is_flag=True, help="Show the payment without signing it.")


@command("send", writes=True, documents=False)
@click.argument("address")
@click.argument("amount")
@_rate_option
@_from_option
@_join_option
@_psbt_option
@_out_option
@_dry_run_option
def send(
    cli: Cli,
    address: str,
    amount: str,
    feerate: str | None,
    group: str | None,
    join: bool,
    psbt: bool,
    out: Path | None,
    dry_run: bool,
) -> None:
    """Send AMOUNT in BTC, or "all", to ADDRESS from your wallet, out of the coins of one job.

    Example: rein wallet send bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu 0.01
    """
    _check_psbt(psbt=psbt, out=out, dry_run=dry_run)
    wanted = None if amount.lower() == _ALL else typed_amount(cli.terminal, amount, "the payment")
    plan = prepare_send(cli.session, address, wanted, parse_feerate(feerate), Choice(group, join))
    _finish(cli, plan, psbt=psbt, out=out, dry_run=dry_run)


@command("sweep", writes=True, documents=False)
@click.argument("to")
@_rate_option
@_from_option
@_join_option
@_psbt_option
@_out_option
@_dry_run_option
def sweep(
    cli: Cli,
    to: str,
    feerate: str | None,
    group: str | None,
    join: bool,
    psbt: bool,
    out: Path | None,
    dry_run: bool,
) -> None:
    """Send all that jobs paid to another wallet. There is one payment for each job. TO is a bech32 address, or
    an extended key or descriptor for an address of its own for each.

    Example: rein wallet sweep bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
    """
    _check_psbt(psbt=psbt, out=out, dry_run=dry_run)
    plan = prepare_sweep(cli.session, to, parse_feerate(feerate), Choice(group, join))
    if psbt and len(plan.payments) > 1 and out is not None:
        raise InputError(
            f"these are {len(plan.payments)} payments, and a file holds one PSBT",
            hint="Take them without -o, or one by one: --from ID",
        )
    _finish(cli, plan, psbt=psbt, out=out, dry_run=dry_run)


def _finish(cli: Cli, plan: SendPlan, *, psbt: bool, out: Path | None, dry_run: bool) -> None:
    """Show the payments, ask, and sign just these; or hand them out unsigned."""
    terminal, session = cli.terminal, cli.session
    for each in plan.payments:
        _say_planned(cli, each, plan)
    if plan.left:
        terminal.note(f"{plan.left:,} sat are left: sending them would cost more than it is worth.")
    if psbt:
        result = hand_out(session, plan)
        _give(cli, result, out)
    else:
        if dry_run:
            terminal.say("This was a dry run: nothing was sent.")
        else:
            terminal.confirm("Sign and send it?" if len(plan.payments) == 1 else "Sign and send them?")
        tell = "Sent in transaction {}.".format
        result = commit(session, plan, dry_run=dry_run, on_sent=lambda txid: terminal.say(tell(txid)))
    terminal.result(result.json() | {"file": str(out) if out else None})


def _give(cli: Cli, result: SendResult, out: Path | None) -> None:
    """The PSBTs, to standard output or into a file that does not exist yet."""
    for raw in result.psbts:
        if out is None:
            cli.terminal.say(b64encode(raw).decode(), exact=True)
        else:
            write_new(out, raw)
            cli.terminal.note(f"Written to {out}.")


def _say_planned(cli: Cli, planned: Planned, plan: SendPlan) -> None:
    say, spend = cli.terminal.say, planned.spend
    coins = f"{counted(len(spend.coins), 'coin')} of yours, which hold{'s' * (len(spend.coins) == 1)}"
    say(f"{in_btc(planned.amount)} to {planned.address}")
    say(f"  from {coins} {spend.spent:,} sat, of {', '.join(planned.groups)}")
    say(f"  {spend.fee:,} sat for the miner, at {format_feerate(plan.feerate)} sat/vB")
    if planned.change is not None:
        say(f"  {planned.left:,} sat come back to {planned.change}, an address of your wallet")


def _check_psbt(*, psbt: bool, out: Path | None, dry_run: bool) -> None:
    if out is not None and not psbt:
        raise InputError("-o is for a PSBT", hint="Give --psbt too.")
    if psbt and dry_run:
        raise InputError("--psbt signs and sends nothing anyhow", hint="Leave --dry-run out.")
