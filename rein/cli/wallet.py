"""`rein wallet`: what jobs paid, seen, spent and taken to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rein.btc.amounts import Sat, parse_btc
from rein.btc.bip84 import CHANGE, GAP
from rein.cli.common import Cli, alone, command
from rein.cli.common import feerate as parse_feerate
from rein.cli.units import amount as in_btc
from rein.errors import ChainError, InputError

if TYPE_CHECKING:
    from rein.workflows.wallet import Moved, Owned
    from rein.workflows.wallet_send import Planned

_ALL = "all"
_HOW_TO_SPEND = "Spend it: rein wallet send ADDRESS AMOUNT. In another wallet: rein wallet export"

_gap_option = click.option(
    "--gap", type=int, default=GAP, show_default=True, help="So many unpaid addresses in a row end the search."
)
_rate_option = click.option("--feerate", metavar="SAT/VB", help="For the miner. [estimated]")
_join_option = click.option("--join", is_flag=True, help="Spend coins of different jobs together, for all to see.")
_from_option = click.option("--from", "group", metavar="ID", help="Only the coins of this job, or at this address.")
_psbt_option = click.option("--psbt", is_flag=True, help="Sign nothing: give a PSBT for a signer that has the keys.")
_out_option = click.option("-o", "out", type=click.Path(path_type=Path), help="With --psbt: write it into this file.")
_dry_run_option = click.option("--dry-run", "-n", is_flag=True, help="Show the payment without signing it.")


@command("show")
@_gap_option
def show(cli: Cli, gap: int) -> None:
    """See how much is in the wallet of your words, and which job it is of. Jobs pay there unless you say otherwise.

    Example: rein wallet
    """
    from rein.workflows.wallet import look

    terminal, wallet = cli.terminal, look(cli.desk, gap)
    terminal.say(f"In your wallet: {in_btc(wallet.balance)}")
    if wallet.waiting:
        terminal.say(f"On its way:     {in_btc(wallet.waiting)}, which waits for a block")
    if wallet.dust:
        terminal.note(f"Besides {wallet.dust:,} sat in outputs too small to be carried; they are left alone.")
    if wallet.owned:
        terminal.say()
        terminal.table(("Of", "Amount", "Block", "Address"), [_coin_row(each) for each in wallet.owned])
        terminal.note(_HOW_TO_SPEND)
    terminal.result(
        {
            "balance_sat": wallet.balance,
            "waiting_sat": wallet.waiting,
            "dust_sat": wallet.dust,
            "coins": [_coin_data(each) for each in wallet.owned],
        }
    )


@command("addresses")
def addresses(cli: Cli) -> None:
    """List the addresses of your wallet that documents name or that were paid, as far as is known here.

    Example: rein wallet addresses
    """
    from rein.workflows.wallet import own_addresses

    rows = [each for each in own_addresses(cli.desk) if each.paid or each.document_id is not None]
    listed = [
        (each.address, "change" if each.branch == CHANGE else "payments", each.job_id or "-", _paid(each.paid))
        for each in rows
    ]
    cli.terminal.table(("Address", "For", "Job ID", "Paid"), listed)
    cli.terminal.result(
        {
            "addresses": [
                {
                    "address": each.address,
                    "path": f"{'1' if each.branch == CHANGE else '0'}/{each.number}",
                    "change": each.branch == CHANGE,
                    "job_id": each.job_id,
                    "document_id": each.document_id,
                    "paid": each.paid,
                }
                for each in rows
            ]
        }
    )


@command("history")
def history(cli: Cli) -> None:
    """List what came into your wallet and what was sent, as far as this home has seen it.

    Example: rein wallet history
    """
    from rein.workflows.wallet import history as moves
    from rein.workflows.wallet import look

    try:
        look(cli.desk)
    except ChainError as error:
        cli.terminal.note(f"{error.message}; this is what was seen before.")
    lines = moves(cli.desk)
    cli.terminal.table(("Block", "BTC", "What", "Job ID", "Address"), [_move_row(each) for each in lines])
    cli.terminal.result(
        {
            "history": [
                {
                    "height": each.height,
                    "txid": each.txid,
                    "amount_sat": each.amount,
                    "what": each.what,
                    "address": each.where,
                    "job_id": each.job_id,
                }
                for each in lines
            ]
        }
    )


@command("send")
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
    from rein.workflows.wallet import look
    from rein.workflows.wallet_send import Choice, plan_send

    _check_psbt(psbt=psbt, out=out, dry_run=dry_run)
    wanted = None if amount.lower() == _ALL else parse_btc(amount.strip())
    rate, wallet = _feerate(cli, feerate), look(cli.desk)
    planned = plan_send(cli.desk, wallet, address, wanted, rate, Choice(group, join))
    _finish(cli, [planned], rate, Sat(0), psbt=psbt, out=out, dry_run=dry_run)


@command("sweep")
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
    from rein.workflows.wallet import look
    from rein.workflows.wallet_send import Choice, plan_sweep

    _check_psbt(psbt=psbt, out=out, dry_run=dry_run)
    rate, wallet = _feerate(cli, feerate), look(cli.desk)
    swept = plan_sweep(cli.desk, wallet, to, rate, Choice(group, join))
    if psbt and len(swept.payments) > 1 and out is not None:
        raise InputError(
            f"these are {len(swept.payments)} payments, and a file holds one PSBT",
            hint="Take them without -o, or one by one: --from ID",
        )
    left = Sat(sum(each.coin.amount for each in swept.left))
    _finish(cli, list(swept.payments), rate, left, psbt=psbt, out=out, dry_run=dry_run)


@command("export")
@click.option("--private", is_flag=True, help="With the keys that spend. Whoever reads them has your money.")
def export(cli: Cli, private: bool) -> None:
    """Show your wallet as descriptors and extended keys, for Bitcoin Core, Sparrow and Electrum to watch; with
    --private to spend.

    Example: rein wallet export
    """
    import json

    from rein.workflows.wallet_export import export_wallet

    terminal = cli.terminal
    if private:
        terminal.note("What follows spends all your money. Let nobody see it, and keep it in no file.", vital=True)
        terminal.confirm("Show the private keys of the wallet?")
    exported = export_wallet(cli.desk, private=private)
    for each in exported:
        terminal.say(
            f"Account m/{each.account.path} of the key {each.account.fingerprint.hex()}, native segwit (BIP84)"
        )
        terminal.say(f"  Sparrow        {each.both}", exact=True)
        terminal.say(f"  Electrum       {each.electrum}", exact=True)
        terminal.say(f"  Bitcoin Core   importdescriptors '{json.dumps(each.core)}'", exact=True)
        terminal.say()
    terminal.result(
        {
            "private": private,
            "accounts": [
                {
                    "fingerprint": each.account.fingerprint.hex(),
                    "path": f"m/{each.account.path}",
                    "descriptors": list(each.descriptors),
                    "both": each.both,
                    "electrum": each.electrum,
                    "importdescriptors": each.core,
                }
                for each in exported
            ],
        }
    )


@click.group("wallet", cls=alone("show"))
def wallet() -> None:
    """What you were paid, in the ordinary wallet (BIP84) of your words: `rein wallet` alone shows it.

    Example: rein wallet send bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu 0.01
    """


for _command in (show, addresses, history, send, sweep, export):
    wallet.add_command(_command)


def _finish(
    cli: Cli, payments: list[Planned], rate: int, left: Sat, *, psbt: bool, out: Path | None, dry_run: bool
) -> None:
    """Show the payments, ask, and sign just these; or hand them out unsigned."""
    from base64 import b64encode

    from rein.casefile.newfile import write_new
    from rein.workflows.wallet_send import psbt_of, send_planned

    terminal, desk = cli.terminal, cli.desk
    for each in payments:
        _say_planned(cli, each, rate)
    if left:
        terminal.note(f"{left:,} sat are left: sending them would cost more than it is worth.")
    raws, txids = list[bytes](), list[str]()
    if psbt:
        raws = [psbt_of(desk, each) for each in payments]
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
            txids.append(send_planned(desk, each))
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
    rate = parse_feerate(given) or cli.desk.chain.feerate()
    if rate is None:
        raise InputError("the chain source has no estimate of a fee rate", hint="Name one: --feerate")
    return rate


def _paid(paid: bool) -> str:
    return "yes" if paid else "not yet"


def _coin_row(each: Owned) -> tuple[str, str, str, str]:
    return each.job_id or "-", in_btc(each.coin.amount), str(each.height), each.address


def _coin_data(each: Owned) -> dict[str, Any]:
    return {
        "outpoint": str(each.coin.outpoint),
        "amount_sat": each.coin.amount,
        "address": each.address,
        "job_id": each.job_id,
        "height": each.height,
        "confirmations": each.confirmations,
    }


def _move_row(each: Moved) -> tuple[str, str, str, str, str]:
    from rein.workflows.ledger import signed_btc

    height = "waiting" if each.height is None else str(each.height)
    return height, signed_btc(each.amount), each.what, each.job_id or "-", each.where
