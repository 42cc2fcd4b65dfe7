"""`rein setup`"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.cli.common import Cli, command, first, form_option
from rein.errors import InputError

if TYPE_CHECKING:
    from rein.cli.form import Form
    from rein.protocol.values import BasisPoints

_WORDS_TO_CONFIRM = 3


@command("setup")
@click.option("--name", help="Your name, or any handle.")
@click.option("--contact", help="E-mail address or another way to reach you; public.")
@click.option("--mediate/--no-mediate", default=None, help="Whether you are willing to mediate.")
@click.option("--fee", metavar="PERCENT", help="Your fee as a mediator, such as 1.5.")
@click.option("--words-fd", type=int, metavar="N", help="Use the twelve words read from this file descriptor.")
@form_option
def setup(
    cli: Cli,
    name: str | None,
    contact: str | None,
    mediate: bool | None,
    fee: str | None,
    words_fd: int | None,
    form_file: Path | None,
) -> None:
    """Create your identity: twelve words, an encrypted key file and a signed enrollment.

    Example: rein setup --name Alice --contact alice@example.com --mediate --fee 1.0
    """
    from rein.btc.hd import check_mnemonic, new_mnemonic
    from rein.cli.form import read_form
    from rein.workflows.enroll import NewIdentity, check_free, create_identity

    terminal, form = cli.terminal, read_form(form_file, "Rein User Enrollment")
    terminal.note(f"This creates an identity on {cli.settings.network.name}, in {cli.settings.home}.")
    name = first(name, form.get("User")) or terminal.ask("Name or handle", "--name")
    check_free(cli.desk, name)
    contact = first(contact, form.get("Contact")) or terminal.ask("Contact (public, such as an e-mail)", "--contact")
    points = _mediator_fee(cli, mediate, fee, form)
    words = check_mnemonic(_read_words(words_fd)) if words_fd is not None else new_mnemonic()
    passphrase = cli.given_passphrase() or terminal.ask_secret(
        "A passphrase for your key file", "--passphrase-fd", confirm=True
    )
    if words_fd is None:
        _show_words(cli, words)
    _remember_chain(cli)
    row, signed = create_identity(cli.desk, NewIdentity(name, contact, points), words, passphrase)
    terminal.say(f"You are {name}.")
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  key file          {cli.settings.home / row.key_file}")
    terminal.say("Next: register servers with `rein request URL`, then upload your enrollment with `rein sync`.")
    result = {
        "name": name,
        "network": row.network,
        "master_address": row.master_address,
        "delegate_address": row.delegate_address,
        "sin": signed.document.sin,
        "document_id": signed.id,
        "key_file": str(cli.settings.home / row.key_file),
    }
    terminal.result(result if words_fd is not None else result | {"words": words})


def _remember_chain(cli: Cli) -> None:
    """Keep the network and chain source given to `setup` in the home, so that later commands need not repeat them."""
    from rein.settings import read_config, write_config

    known = read_config(cli.settings.home)
    for key in ("network", "chain", "chain_cookie"):
        value = cli.given(key)
        if value is not None and key not in known:
            write_config(cli.settings.home, key, str(value.resolve() if key == "chain_cookie" else value))


def _mediator_fee(cli: Cli, mediate: bool | None, fee: str | None, form: Form) -> BasisPoints | None:
    from rein.protocol.values import fee_percent

    if mediate is None:
        answer = form.get("Willing to mediate")
        if answer is not None:
            mediate = answer.lower() in ("true", "yes", "y")
        elif fee is not None:
            mediate = True
        elif cli.terminal.interactive:
            mediate = click.confirm("Are you willing to mediate?", default=False, err=True)
    if not mediate:
        return None
    text = first(fee, form.get("Mediator fee")) or cli.terminal.ask("Your fee in percent", "--fee", default="1.0")
    number = text.strip().rstrip("%").strip()
    try:
        return fee_percent(f"{number if '.' in number else number + '.0'}%")
    except ValueError as error:
        raise InputError(f"the mediator's fee: {error}") from error


def _read_words(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, encoding="utf-8") as file:
            return file.read(1024)
    except (OSError, ValueError) as error:
        raise InputError(f"no words can be read from descriptor {descriptor}: {error}") from error


def _show_words(cli: Cli, words: str) -> None:
    """Show the words once, and make sure that they were written down."""
    terminal = cli.terminal
    if terminal.as_json:
        return  # they are in the result
    terminal.say("\nThese twelve words are your identity. Whoever has them is you; without them, nobody is.")
    terminal.say("Write them down on paper. They are shown this once.\n")
    listed = words.split()
    for row in range(0, 12, 4):
        terminal.say("   ".join(f"{n + 1:2} {listed[n]:<10}" for n in range(row, row + 4)))
    terminal.say()
    if terminal.assume_yes:
        return
    for number in sorted(secrets.SystemRandom().sample(range(12), _WORDS_TO_CONFIRM)):
        answer = terminal.ask(f"Word {number + 1}", "--yes (the words were shown and are safe)")
        if answer.strip().lower() != listed[number]:
            raise InputError(f"that is not word {number + 1}; no identity was created", hint="Start again: rein setup")
