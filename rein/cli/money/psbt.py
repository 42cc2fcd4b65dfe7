"""`rein psbt`: partially signed transactions of any wallet, shown, combined and carried. No key is used here."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rein.btc.psbt_any import MAX_GIVEN, combine_psbts, inspect_psbt, psbt_bytes
from rein.btc.script import MandatoryMultisig
from rein.cli.common import Cli, command
from rein.cli.console.qr import MAX_BYTES, show_qr
from rein.cli.money.psbt_import import psbt_import
from rein.cli.toolkit.files import read_given
from rein.cli.toolkit.options import FilePath
from rein.errors import InputError
from rein.files import write_new
from rein.workflows.money.psbt import address_or_script, json_of_psbt

if TYPE_CHECKING:
    from rein.btc.networks import Network
    from rein.btc.psbt_any import InspectedInput, InspectedPsbt

_out_option = click.option("-o", "out", type=FilePath(), help="Write a file instead of base64.")
_base64_option = click.option("--base64", "as_text", is_flag=True, help="Write the file as base64 text.")


@command("show")
@click.argument("psbt")
def show(cli: Cli, psbt: str) -> None:
    """Show what a PSBT (a file, base64 or hexadecimal; - for standard input) would do, and who has signed it.

    Example: rein psbt show payment.psbt
    """
    seen = inspect_psbt(read_raw(psbt))
    network, say, fee = cli.settings.network, cli.terminal.say, _fee_line(seen)
    say(f"Transaction {seen.transaction.txid} before signing; addresses as on {network.name}")
    if seen.transaction.locktime:
        say(f"Cannot be mined before {_lock(seen.transaction.locktime)}")
    for index, item in enumerate(seen.inputs):
        say(f"Input {index}  {item.outpoint}")
        for line in _input_lines(item, network):
            say(f"  {line}")
    for index, output in enumerate(seen.outputs):
        say(f"Output {index}  {output.amount:,} sat to {address_or_script(output.script, network)}")
    say(fee)
    cli.terminal.result(json_of_psbt(seen, network))


@command("combine")
@click.argument("one")
@click.argument("other")
@_out_option
@_base64_option
def combine(cli: Cli, one: str, other: str, out: Path | None, as_text: bool) -> None:
    """Put the signatures of two PSBTs of the same transaction into one.

    Example: rein psbt combine mine.psbt theirs.psbt -o both.psbt
    """
    hand_out(cli, combine_psbts(read_raw(one), read_raw(other)), out, as_text=as_text)


@command("export")
@click.argument("psbt")
@_out_option
@_base64_option
@click.option("--binary", is_flag=True, help="Write the file in binary, as wallets do (the default for files).")
@click.option("--qr", is_flag=True, help="Show it as a QR code.")
def export(cli: Cli, psbt: str, out: Path | None, as_text: bool, binary: bool, qr: bool) -> None:
    """Carry a PSBT to another program: as a file, as base64 text, or as a QR code.

    Example: rein psbt export payment.txt -o payment.psbt
    """
    if as_text + binary + qr > 1:
        raise InputError("--base64, --binary and --qr exclude each other")
    if binary and out is None:
        raise InputError("binary goes to a file", hint="Give -o FILE.")
    if qr and out is not None:
        raise InputError("a QR code is shown, not written", hint="Leave -o out.")
    raw = read_raw(psbt)
    inspect_psbt(raw)  # nothing broken is handed on
    if qr:
        _show_qr(cli, raw)
    else:
        hand_out(cli, raw, out, as_text=as_text)


def _show_qr(cli: Cli, raw: bytes) -> None:
    """As base64, which every wallet scans, or in binary, where only that fits."""
    text = b64encode(raw)
    if len(text) > MAX_BYTES >= len(raw):
        cli.terminal.note("This code holds the PSBT in binary, for base64 is too long; not every wallet reads that.")
    show_qr(cli.terminal, text if len(text) <= MAX_BYTES else raw)
    cli.terminal.result({"psbt": text.decode()})


def read_raw(given: str) -> bytes:
    """The bytes of the PSBT an argument stands for.

    :raises PsbtError: it is no spelling of one.
    """
    return psbt_bytes(read_given(given, MAX_GIVEN))


def hand_out(cli: Cli, raw: bytes, out: Path | None, *, as_text: bool = False, **more: Any) -> None:
    """Write a PSBT to a file that does not exist yet, in binary unless told otherwise; or base64 to stdout.

    :param more: what else belongs into the result for programs.
    """
    text = b64encode(raw).decode()
    if out is None:
        cli.terminal.say(text)
    else:
        write_new(out, f"{text}\n".encode() if as_text else raw)
        cli.terminal.note(f"Written to {out}.")
    cli.terminal.result({"psbt": text, "file": str(out) if out else None, **more})


def _lock(locktime: int) -> str:
    return f"block {locktime:,}" if locktime < 500_000_000 else f"the time {locktime} (seconds since 1970)"


def _input_lines(item: InspectedInput, network: Network) -> list[str]:
    if item.output is None:
        return ["does not show what it spends"]
    proof = "proved by its transaction" if item.proved else "as it claims"
    lines = [f"spends {item.output.amount:,} sat ({proof}) of {address_or_script(item.output.script, network)}"]
    if item.form is not None:
        lines.append(_rule(item))
    if item.final:
        lines.append("finalised: complete, and not to be checked here")
    lines += [f"signed by {key.hex()}: {verdict.value}" for key, verdict in item.signatures.items()]
    if not item.signatures and not item.final:
        lines.append("signed by nobody yet")
    return lines


def _rule(item: InspectedInput) -> str:
    form = item.form
    if form is None:
        return ""
    keys = ", ".join(key.hex() for key in form.keys)
    if isinstance(form, MandatoryMultisig):
        return f"needs {form.mandatory.hex()} and {form.threshold} of {keys}"
    return f"needs {form.threshold} of {keys}"


def _fee_line(seen: InspectedPsbt) -> str:
    fee = seen.fee
    if fee is None:
        return "Fee: not told, for an input does not show what it spends"
    rate = f", at least {fee / seen.vsize:.1f} sat/vB" if seen.vsize else ""
    proof = "" if seen.proved else ", if the amounts are as it claims"
    return f"Fee: {fee:,} sat{rate}{proof}"


@click.group("psbt")
def psbt() -> None:
    """Show, combine and carry partially signed transactions of any wallet.

    Example: rein psbt show payment.psbt
    """


psbt.add_command(show)
psbt.add_command(combine)
psbt.add_command(export)
psbt.add_command(psbt_import)
