"""`rein setup`"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.btc.hd import check_mnemonic, new_mnemonic
from rein.cli.common import Cli, command, fee_points, first, form_option, pay_to_option
from rein.cli.identity import setup_offline
from rein.cli.identity.setup_restore import read_phrase, remember_chain, restore_from_phrase, welcome
from rein.cli.toolkit.form import read_form
from rein.cli.toolkit.options import FilePath
from rein.errors import InputError, ReinError
from rein.protocol.limits import MAX_CONTACT, MAX_NAME
from rein.workflows.identity.setup import NewIdentity, check_free, commit, prepare
from rein.workflows.wallet.payout import first_address

if TYPE_CHECKING:
    from rein.cli.console.terminal import Terminal
    from rein.cli.toolkit.form import Form
    from rein.protocol.values import BasisPoints
    from rein.workflows.identity.setup import NewIdentity

_FILE = FilePath(dir_okay=False)
_WORDS_TO_CONFIRM = 3
_AGAIN = "?"
_STILL_GOOD = "What you wrote down stays good: rein setup --words-fd N takes it."


@command("setup")
@click.option("--name", help="Your name, or any handle.")
@click.option("--contact", help="E-mail address or another way to reach you; public.")
@click.option("--mediate/--no-mediate", default=None, help="Whether you are willing to mediate.")
@click.option("--fee", metavar="PERCENT", help="Your fee as a mediator, such as 1.5.")
@pay_to_option
@click.option("--recovery", metavar="ADDRESS", help="Who may hand the identity on: an address whose key is elsewhere.")
@click.option("--words-fd", type=int, metavar="N", help="Use the recovery phrase read from this file descriptor.")
@click.option("--restore", is_flag=True, help="Bring an identity back from its recovery phrase and the servers.")
@click.option("--server", "servers", multiple=True, metavar="URL", help="With --restore: a server you used.")
@click.option("--offline", "offline_file", type=_FILE, help="Write what your master key must sign into this file.")
@click.option("--master", metavar="ADDRESS", help="With --offline: your master address, whose key is elsewhere.")
@click.option("--delegate-fd", type=int, metavar="N", help="With --offline: read the delegate's WIF from there.")
@click.option("--signed", "signed_file", type=_FILE, help="Finish --offline: the file, signed.")
@click.option("--signature", metavar="BASE64", help="With --signed: the signature, if the file holds the text alone.")
@click.option("--import", "old_file", type=_FILE, help="Take over a backup-rein.json or a local.db of 2016.")
@form_option
def setup(
    cli: Cli,
    name: str | None,
    contact: str | None,
    mediate: bool | None,
    fee: str | None,
    pay_to: str | None,
    recovery: str | None,
    words_fd: int | None,
    restore: bool,
    servers: tuple[str, ...],
    offline_file: Path | None,
    master: str | None,
    delegate_fd: int | None,
    signed_file: Path | None,
    signature: str | None,
    old_file: Path | None,
    form_file: Path | None,
) -> None:
    """Create your identity: a recovery phrase, an encrypted key file and a signed enrollment. Or bring one back.

    \b
    rein setup --restore --server https://causeway.example
    rein setup --offline enrollment.txt --master ADDRESS
    rein setup --signed enrollment.txt
    rein setup --import backup-rein.json

    Example: rein setup --name Alice --contact alice@example.com --mediate --fee 1.0
    """
    if restore:
        restore_from_phrase(cli, name, words_fd, servers)
        return
    if signed_file is not None:
        setup_offline.finish(cli, signed_file, signature)
        return
    if servers:
        raise InputError("--server goes with --restore", hint="Register servers later: rein request URL")
    if old_file is not None:
        setup_offline.take_over(cli, old_file, name, words_fd, offline_file)
        return

    new = _new_identity(cli, name, contact, mediate, fee, pay_to, recovery, form_file)
    if offline_file is not None:
        setup_offline.begin(cli, offline_file, new, master, delegate_fd)
        return
    phrase = check_mnemonic(read_phrase(words_fd)) if words_fd is not None else new_mnemonic()
    plan = prepare(cli.session, new, phrase)
    passphrase = cli.new_passphrase()
    if words_fd is None:
        _show_phrase(cli, phrase)
    remember_chain(cli)
    try:
        result = commit(cli.session, plan, passphrase)
    except ReinError:
        if words_fd is None and not cli.terminal.as_json:
            cli.terminal.note(_STILL_GOOD, vital=True)
        raise
    welcome(cli, result)
    cli.terminal.result(result.json() if words_fd is not None else result.json() | {"words": phrase})


def _new_identity(
    cli: Cli,
    name: str | None,
    contact: str | None,
    mediate: bool | None,
    fee: str | None,
    pay_to: str | None,
    recovery: str | None,
    form_file: Path | None,
) -> NewIdentity:
    """What a person says of themselves; every answer is checked when it is given."""
    form = read_form(form_file, "Rein User Enrollment")
    cli.terminal.note(f"This creates an identity on {cli.settings.network.name}, in {cli.settings.home}.")
    free = partial(check_free, cli.session)
    name = cli.line(first(name, form.get("User")), "Name or handle", "--name", MAX_NAME, check=free)
    given = first(contact, form.get("Contact"))
    contact = cli.line(given, "Contact (public, such as an e-mail)", "--contact", MAX_CONTACT)
    points = mediator_fee(cli, mediate, fee, form)
    return NewIdentity(name, contact, points, recovery, mediators_address(cli, pay_to, mediates=points is not None))


def mediators_address(cli: Cli, pay_to: str | None, *, mediates: bool) -> str | None:
    """The address, if it is not one of the own wallet, that a new enrollment is about to name."""
    if pay_to is not None and not mediates:
        raise InputError("only a mediator enrolls an address to be paid at", hint="Jobs and bids take --pay-to.")
    found = first_address(cli.session, pay_to) if mediates else None
    if found is not None:
        cli.terminal.say(f"You are paid at {found}: only the wallet that has it can spend it.")
    return found


def mediator_fee(cli: Cli, mediate: bool | None, fee: str | None, form: Form) -> BasisPoints | None:
    if mediate is None:
        answer = form.get("Willing to mediate")
        if answer is not None:
            mediate = answer.lower() in ("true", "yes", "y")
        elif fee is not None:
            mediate = True
        elif cli.terminal.interactive:
            mediate = cli.terminal.agrees("Are you willing to mediate?", "--mediate or --no-mediate")
    if not mediate:
        return None
    given = first(fee, form.get("Mediator fee"))
    return cli.answer(given, "Your fee in percent", "--fee", fee_points, default="1.0")


def _show_phrase(cli: Cli, phrase: str) -> None:
    """Show the recovery phrase, and make sure that it was written down."""
    terminal = cli.terminal
    if terminal.as_json:
        return  # it is in the result
    words = phrase.split()
    terminal.say("\nThis recovery phrase is your identity. Whoever has it is you; without it, nobody is.")
    terminal.say("Write its twelve words down on paper. They are shown this once.\n")
    _list_words(terminal, words)
    if terminal.assume_yes:
        return
    for number in sorted(secrets.SystemRandom().sample(range(12), _WORDS_TO_CONFIRM)):
        while True:
            answer = terminal.ask(f"Word {number + 1}", "--yes (the recovery phrase was shown and is safe)").strip()
            if answer.lower() == words[number]:
                break
            if answer == _AGAIN:
                _list_words(terminal, words)
            else:
                terminal.note(f"That is not word {number + 1}. To see all of them again: {_AGAIN}", vital=True)


def _list_words(terminal: Terminal, words: Sequence[str]) -> None:
    for row in range(0, 12, 4):
        terminal.say("   ".join(f"{n + 1:2} {words[n]:<10}" for n in range(row, row + 4)))
    terminal.say()
