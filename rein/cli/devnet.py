"""`rein devnet`"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click

from rein.app import open_node
from rein.btc.amounts import parse_btc
from rein.cli.common import Cli, alone, command
from rein.cli.toolkit.options import FilePath
from rein.devnet import faucet
from rein.devnet.service import run
from rein.errors import InputError

_DEFAULT_PORT = 18443


@command("run", waits=True)
@click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT, show_default=True)
@click.option("--data", type=FilePath(file_okay=False), help="Where the chain is. [HOME/devnet]")
def _run(cli: Cli, port: int, data: Path | None) -> None:
    """Run the node until Ctrl-C.

    Example: rein devnet --data ./chain
    """
    terminal, folder = cli.terminal, data or cli.settings.home / "devnet"

    def ready(url: str, cookie: Path) -> None:
        terminal.say(f"rein devnet is answering on {url} (regtest)")
        terminal.say("Point a home at it:")
        terminal.say("  rein config network regtest")
        terminal.say(f"  rein config chain core {url} --cookie {cookie.resolve()}", exact=True)
        terminal.result({"url": url, "cookie": str(cookie.resolve())})

    run(folder, port=port, ready=ready)


@command("mine")
@click.argument("blocks", type=click.IntRange(1, 1000))
def mine(cli: Cli, blocks: int) -> None:
    """Mine blocks.

    Example: rein devnet mine 6
    """
    hashes = faucet.mine(_core(cli), blocks)
    height = _core(cli).tip().height
    cli.terminal.say(f"Mined {blocks}; the chain has {height} blocks now.")
    cli.terminal.result({"blocks": hashes, "height": height})


@command("pay")
@click.argument("uris", nargs=-1, required=True)
def pay(cli: Cli, uris: tuple[str, ...]) -> None:
    """Pay bitcoin: URIs from the faucet's coins, all in one transaction. Stands for any wallet.

    Example: rein devnet pay "bitcoin:bcrt1q...?amount=0.01"
    """
    payments = [_payment(uri) for uri in uris]
    txid = faucet.pay(_core(cli), payments)
    total = sum(amount for _, amount in payments)
    cli.terminal.say(f"Paid {total:,} sat in transaction {txid}; it waits for a block.")
    cli.terminal.result({"txid": txid, "total_sat": total})


@click.group("devnet", cls=alone("run"))
def devnet() -> None:
    """Run a private regtest chain with Bitcoin Core's own rules (alone: run), mine on it, pay from its faucet.

    Example: rein devnet --data ./chain
    """


devnet.add_command(_run)
devnet.add_command(mine)
devnet.add_command(pay)


def _core(cli: Cli) -> Any:
    """The node of the settings; on regtest, whatever else they say."""
    cli.update({"network": "regtest"})
    return open_node(cli.settings)


def _payment(uri: str) -> tuple[str, Any]:
    """Address and amount of a BIP21 URI."""
    parts = urlsplit(uri)
    amounts = parse_qs(parts.query).get("amount", [])
    if parts.scheme.lower() != "bitcoin" or not parts.path or len(amounts) != 1:
        raise InputError(f"{uri[:60]!r} is not a bitcoin: URI with an amount", hint="See what to pay: rein fund")
    return parts.path, parse_btc(amounts[0])
