"""`rein wallet`: what jobs paid, seen, spent and taken to other programs."""

from __future__ import annotations

import json

import click

from rein.btc.bip84 import GAP
from rein.cli.common import Cli, alone, command
from rein.cli.toolkit.units import amount as in_btc
from rein.cli.wallet.wallet_send import send, sweep
from rein.errors import ChainError
from rein.workflows.accounting.ledger import signed_btc
from rein.workflows.wallet.wallet import Owned, addresses_in_use, observe_wallet
from rein.workflows.wallet.wallet_export import export_wallet
from rein.workflows.wallet.wallet_history import Moved
from rein.workflows.wallet.wallet_history import history as moves

_HOW_TO_SPEND = "Spend it: rein wallet send ADDRESS AMOUNT. In another wallet: rein wallet export"

_gap_option = click.option(
    "--gap", type=int, default=GAP, show_default=True, help="So many unpaid addresses in a row end the search."
)


@command("show")
@_gap_option
def show(cli: Cli, gap: int) -> None:
    """Show how much is in your wallet, and which jobs paid it. Jobs pay there unless you say otherwise.

    Example: rein wallet
    """
    terminal, wallet = cli.terminal, observe_wallet(cli.session, gap)
    terminal.say(f"In your wallet: {in_btc(wallet.balance)}")
    if wallet.waiting:
        terminal.say(f"On its way:     {in_btc(wallet.waiting)}, which waits for a block")
    if wallet.dust:
        terminal.note(f"Besides {wallet.dust:,} sat in outputs too small to be carried; they are left alone.")
    if wallet.owned:
        terminal.say()
        terminal.table(("Of", "Amount", "Block", "Address"), [_coin_row(each) for each in wallet.owned])
        terminal.note(_HOW_TO_SPEND)
    terminal.result(wallet.json())


@command("addresses")
def addresses(cli: Cli) -> None:
    """List the addresses of your wallet. These are the ones that documents name or that were paid, as far as is known
    here.

    Example: rein wallet addresses
    """
    found = addresses_in_use(cli.session)
    listed = [
        (each.row.address, "change" if each.is_change else "payments", each.row.job_id or "-", _paid(each.row.paid))
        for each in found
    ]
    cli.terminal.table(("Address", "For", "Job ID", "Paid"), listed)
    cli.terminal.result({"addresses": [each.json() for each in found]})


@command("history")
def history(cli: Cli) -> None:
    """List what came into your wallet and what was sent. This home knows what it has seen on the chain.

    Example: rein wallet history
    """
    try:
        observe_wallet(cli.session)
    except ChainError as error:
        cli.terminal.note(f"{error.message}; this is what was seen before.")
    lines = moves(cli.session)
    cli.terminal.table(("Block", "BTC", "What", "Job ID", "Address"), [_move_row(each) for each in lines])
    cli.terminal.result({"history": [each.json() for each in lines]})


@command("export")
@click.option("--private", is_flag=True, help="With the keys that spend. Whoever reads them has your money.")
def export(cli: Cli, private: bool) -> None:
    """Export your wallet as descriptors and extended keys. They let Bitcoin Core, Sparrow and Electrum watch
    it; with --private, spend from it.

    Example: rein wallet export
    """
    terminal = cli.terminal
    if private:
        terminal.note("What follows spends all your money. Let nobody see it, and keep it in no file.", vital=True)
        terminal.confirm("Show the private keys of the wallet?")
    exported = export_wallet(cli.session, private=private)
    for each in exported:
        terminal.say(
            f"Account m/{each.account.path} of the key {each.account.fingerprint.hex()}, native segwit (BIP84)"
        )
        terminal.say(f"  Sparrow        {each.both}", exact=True)
        terminal.say(f"  Electrum       {each.electrum}", exact=True)
        terminal.say(f"  Bitcoin Core   importdescriptors '{json.dumps(each.core)}'", exact=True)
        terminal.say()
    terminal.result({"private": private, "accounts": [each.json() for each in exported]})


@click.group("wallet", cls=alone("show"))
def wallet() -> None:
    """Show and spend what you were paid, in the ordinary wallet (BIP84) of your recovery phrase; `rein wallet` alone
    shows it.

    Example: rein wallet send bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu 0.01
    """


for _command in (show, addresses, history, send, sweep, export):
    wallet.add_command(_command)


def _paid(paid: bool) -> str:
    return "yes" if paid else "not yet"


def _coin_row(each: Owned) -> tuple[str, str, str, str]:
    return each.job_id or "-", in_btc(each.coin.amount), str(each.height), each.address


def _move_row(each: Moved) -> tuple[str, str, str, str, str]:
    height = "waiting" if each.height is None else str(each.height)
    return height, signed_btc(each.amount), each.what, each.job_id or "-", each.where
