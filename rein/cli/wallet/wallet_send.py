"""`rein wallet send` and `rein wallet sweep`"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rein.btc.amounts import Sat
from rein.cli.common import Cli, command
from rein.cli.common import feerate as parse_feerate
from rein.cli.toolkit.amounts import typed_amount
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.units import amount as in_btc
from rein.errors import InputError
from rein.files import write_new
from rein.workflows.money.payments import current_feerate
from rein.workflows.wallet.wallet import look
from rein.workflows.wallet.wallet_send import Choice, plan_send, plan_sweep, psbt_of, send_planned

if TYPE_CHECKING:
    from rein.workflows.wallet.wallet_send import Planned

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
    rate, wallet = _feerate(cli, feerate), look(cli.session)
    planned = plan_send(cli.session, wallet, address, wanted, rate, Choice(group, join))
    _finish(cli, [planned], rate, Sat(0), psbt=psbt, out=out, dry_run=dry_run)


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
    """Send all that jobs paid to another wallet, in one payment for each job. TO is a bech32 address, or an extended
    key or descriptor for an address of its own for each.

    Example: rein wallet sweep bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
    """
    _check_psbt(psbt=psbt, out=out, dry_run=dry_run)
    rate, wallet = _feerate(cli, feerate), look(cli.session)
    swept = plan_sweep(cli.session, wallet, to, rate, Choice(group, join))
    if psbt and len(swept.payments) > 1 and out is not None:
        raise InputError(
            f"these are {len(swept.payments)} payments, and a file holds one PSBT",
            hint="Take them without -o, or one by one: --from ID",
        )
    left = Sat(sum(each.coin.amount for each in swept.left))
    _finish(cli, list(swept.payments), rate, left, psbt=psbt, out=out, dry_run=dry_run)


def _finish(
    cli: Cli, payments: list[Planned], rate: int, left: Sat, *, psbt: bool, out: Path | None, dry_run: bool
) -> None:
    """Show the payments, ask, and sign just these; or hand them out unsigned."""
    terminal, session = cli.terminal, cli.session
    for each in payments:
        _say_planned(cli, each, rate)
    if left:
        terminal.note(f"{left:,} sat are left: sending them would cost more than it is worth.")
    raws, txids = list[bytes](), list[str]()
    if psbt:
        raws = [psbt_of(session, each) for each in payments]
        for raw in raws:
            if out is None:
                terminal.say(b64encode(raw).decode(), exact=True)
            else:
                write_new(out, raw)
                terminal.note(f"Written to {out}.")
    elif dry_run:
        terminal.say("This was a dry run: nothing was sent.")
    else:
        terminal.confirm("Sign and send it?" if len(payments) == 1 else "Sign and send them?")
        for each in payments:
            txids.append(send_planned(session, each))
            terminal.say(f"Sent in transaction {txids[-1]}.")
    described = [_planned_data(each) for each in payments]
    for number, data in enumerate(described):
        data["sent"] = bool(txids)
        data["psbt"] = b64encode(raws[number]).decode() if raws else None
    terminal.result({"feerate": rate, "left_sat": left, "payments": described, "file": str(out) if out else None})


def _say_planned(cli: Cli, planned: Planned, rate: int) -> None:
    say, spend = cli.terminal.say, planned.spend
    say(f"{in_btc(planned.amount)} to {planned.address}")
    say(f"  from {len(spend.coins)} of your coins, which hold {spend.spent:,} sat, of {', '.join(planned.groups)}")
    say(f"  {spend.fee:,} sat for the miner, at {rate} sat/vB")
    if planned.change is not None:
        say(f"  {planned.left:,} sat come back to {planned.change}, an address of your wallet")


def _planned_data(planned: Planned) -> dict[str, Any]:
    spend = planned.spend
    return {
        "txid": spend.unsigned.txid,
        "address": planned.address,
        "amount_sat": planned.amount,
        "fee_sat": spend.fee,
        "change_address": planned.change,
        "change_sat": planned.left,
        "outpoints": [str(coin.outpoint) for coin in spend.coins],
        "of": list(planned.groups),
    }


def _check_psbt(*, psbt: bool, out: Path | None, dry_run: bool) -> None:
    if out is not None and not psbt:
        raise InputError("-o is for a PSBT", hint="Give --psbt too.")
    if psbt and dry_run:
        raise InputError("--psbt signs and sends nothing anyhow", hint="Leave --dry-run out.")


def _feerate(cli: Cli, given: str | None) -> int:
    rate = parse_feerate(given)
    return current_feerate(cli.session) if rate is None else rate
