"""`rein oldescrow`: the P2SH escrows of 2016, shown and spent."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.app import open_chain
from rein.btc.amounts import sat
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, TESTNET4
from rein.btc.psbt_p2sh import P2shPsbt
from rein.cli.common import Cli, command
from rein.cli.console.terminal import safe
from rein.cli.money.legacy_input import choose_escrow, find_inputs, first_escrow, read_payment, read_source
from rein.cli.money.psbt import hand_out, read_raw
from rein.cli.toolkit.files import read_secret_line
from rein.cli.toolkit.options import FilePath
from rein.errors import ReinError
from rein.escrow.legacy import LegacyEscrow, build_legacy_spend, checked
from rein.workflows.money.psbt import address_or_script

if TYPE_CHECKING:
    from rein.btc.psbt_p2sh import P2shPsbt
    from rein.btc.transaction import Transaction
    from rein.escrow.legacy import LegacyEscrow

_PURSES = ("primary", "mediator")

_out_option = click.option("-o", "out", type=FilePath(), help="Write the PSBT to this file.")
_key_option = click.option("--key-fd", type=int, metavar="N", help="Read the private key (WIF) from this descriptor.")
_send_option = click.option("--send", is_flag=True, help="Send the transaction to the network once it is complete.")


@command("show")
@click.argument("source")
def show(cli: Cli, source: str) -> None:
    """Show an escrow of 2016, from a signed offer or bid (a file) or a redeem script in hexadecimal.

    Example: rein oldescrow show offer.txt
    """
    contract, escrows = read_source(source)
    for name, escrow in escrows.items():
        for line in _escrow_lines(name, escrow):
            cli.terminal.say(safe(line))
    for doubt in contract.doubts if contract else ():
        cli.terminal.say(safe(f"Take care: {doubt}."))
    cli.terminal.result(
        {
            "escrows": [escrow.json(name) for name, escrow in escrows.items()],
            "doubts": list(contract.doubts) if contract else [],
        }
    )


@command("spend")
@click.argument("source")
@click.option("--purse", type=click.Choice(_PURSES), help="Which of a document's two escrows.")
@click.option("--to", "payments", multiple=True, required=True, metavar="ADDRESS=SATS", help="A payment; repeatable.")
@click.option("--fee", type=click.IntRange(min=1), required=True, metavar="SATS", help="What the miner gets.")
@click.option("--coin", "coins", multiple=True, metavar="TXID:VOUT", help="Spend only this output; repeatable.")
@click.option(
    "--previous-tx",
    "files",
    multiple=True,
    metavar="FILE",
    help="A whole transaction that paid the escrow (hexadecimal or binary), instead of asking the chain; repeatable.",
)
@click.option("--unsigned", is_flag=True, help="Make the PSBT without signing it.")
@_key_option
@_out_option
@_send_option
def spend(
    cli: Cli,
    source: str,
    purse: str | None,
    payments: tuple[str, ...],
    fee: int,
    coins: tuple[str, ...],
    files: tuple[str, ...],
    unsigned: bool,
    key_fd: int | None,
    out: Path | None,
    send: bool,
) -> None:
    """Make a PSBT that spends an escrow of 2016, and sign it first.

    Example: rein oldescrow spend 5221026b... --to 1Dj...=4990000 --fee 10000 -o payment.psbt
    """
    escrow = choose_escrow(source, purse)
    coins_to_spend = find_inputs(cli, escrow, coins, files)
    psbt = build_legacy_spend(coins_to_spend, [read_payment(text) for text in payments], sat(fee), cli.settings.network)
    _explain(cli, psbt, escrow)
    if not unsigned:
        psbt = _sign(cli, psbt, key_fd)
    _finish(cli, psbt, out, send=send)


@command("sign")
@click.argument("psbt_file", metavar="PSBT")
@click.option("--document", metavar="FILE", help="The offer or bid, to tell whose keys they are.")
@_key_option
@_out_option
@_send_option
def sign(cli: Cli, psbt_file: str, document: str | None, key_fd: int | None, out: Path | None, send: bool) -> None:
    """Add a signature to a PSBT that spends an escrow of 2016, after showing what it does.

    Example: rein oldescrow sign payment.psbt -o signed.psbt --send
    """
    psbt = _read_spend(psbt_file)
    _explain(cli, psbt, first_escrow(document))
    _finish(cli, _sign(cli, psbt, key_fd), out, send=send)


@command("finish")
@click.argument("psbt_file", metavar="PSBT")
@_send_option
def finish(cli: Cli, psbt_file: str, send: bool) -> None:
    """Turn a PSBT with enough signatures (see `rein psbt combine`) into the transaction.

    Example: rein oldescrow finish both.psbt --send
    """
    psbt = _read_spend(psbt_file)
    _explain(cli, psbt, None)
    final = psbt.finalize()
    if send:
        _broadcast(cli, final)
    else:
        cli.terminal.say(final.raw.hex())
    cli.terminal.result({"txid": final.txid, "transaction": final.raw.hex(), "sent": send})


def _escrow_lines(name: str, escrow: LegacyEscrow) -> list[str]:
    return [
        f"{name.capitalize()}, P2SH of 2016",
        f"  on mainnet     {escrow.address(MAINNET)}",
        f"  on testnet     {escrow.address(TESTNET4)}",
        f"  redeem script  {escrow.redeem_script.hex()}",
        f"  {escrow.rule()}",
    ]


def _read_spend(given: str) -> P2shPsbt:
    return checked(P2shPsbt(read_raw(given)))


def _explain(cli: Cli, psbt: P2shPsbt, known: LegacyEscrow | None) -> None:
    """Say in words what signing would do. On stderr: stdout is for the PSBT."""
    network, note = cli.settings.network, partial(cli.terminal.note, vital=True)
    names = known.names if known else {}
    for index, item in enumerate(psbt.inputs):
        escrow = LegacyEscrow(item.redeem_script, item.form, names)
        note(f"Spends  {item.amount:,} sat at {escrow.address(network)} (output {item.outpoint})")
        note(safe(f"        {escrow.rule()}"))
        for key in psbt.signers(index):
            note(safe(f"        Signed by {escrow.who(key)}."))
    for output in psbt.outputs:
        note(f"Pays    {output.amount:,} sat to {address_or_script(output.script, network)}")
    note(f"Fee     {psbt.fee:,} sat, about {psbt.fee / psbt.vsize:.1f} sat/vB; on {network.name}")


def _sign(cli: Cli, psbt: P2shPsbt, key_fd: int | None) -> P2shPsbt:
    cli.terminal.confirm("Sign this payment?")
    if key_fd is None:
        wif = cli.terminal.ask_secret("Your delegate key of 2016 (WIF)", "--key-fd").strip()
    else:
        wif = read_secret_line(key_fd, "a private key")
    return psbt.sign(PrivateKey.from_wif(wif, cli.settings.network))


def _finish(cli: Cli, psbt: P2shPsbt, out: Path | None, *, send: bool) -> None:
    """Send what the PSBT has become, if that was asked for; and hand it out in any case, for a signature is in it."""
    final, failure = psbt.finalize() if psbt.is_complete else None, None
    if send:
        try:
            _broadcast(cli, final or psbt.finalize())
        except ReinError as error:
            failure = error
    hand_out(
        cli,
        psbt.raw,
        out,
        complete=final is not None,
        txid=final.txid if final else None,
        transaction=final.raw.hex() if final else None,
        sent=send and failure is None,
    )
    if failure is not None:
        raise failure
    if final is None:
        cli.terminal.note("It needs another signature: hand it on, or combine it with the other's.")
    elif not send:
        cli.terminal.note("It is complete. Send it: rein oldescrow finish PSBT --send")


def _broadcast(cli: Cli, final: Transaction) -> None:
    cli.terminal.confirm("Send it to the network?")
    open_chain(cli.settings).broadcast(final)
    cli.terminal.note(f"Sent: transaction {final.txid}.")


@click.group("oldescrow")
def oldescrow() -> None:
    """Show and spend the P2SH escrows of 2016.

    Example: rein oldescrow show offer.txt
    """


for _each in (show, spend, sign, finish):
    oldescrow.add_command(_each)
