"""`rein setup --restore`, and what all ways to set up share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rein.btc.hd import check_mnemonic, is_mnemonic_word
from rein.cli.common import Cli
from rein.cli.console.terminal import safe, safe_line
from rein.errors import InputError, KeyMaterialError
from rein.escrow.counted import counted
from rein.settings import CHAIN_VARIABLE, COOKIE_VARIABLE, NETWORK_VARIABLE, read_config, write_config
from rein.workflows.identity.setup_restore import restore_identity

if TYPE_CHECKING:
    from rein.protocol.documents import Enrollment
    from rein.protocol.signed import Signed
    from rein.store.tables.identities import IdentityRow
    from rein.workflows.identity.setup import SetupResult

_WORD_COUNTS: Final = (12, 15, 18, 21, 24)


def restore_from_phrase(cli: Cli, name: str | None, words_fd: int | None, servers: Sequence[str]) -> None:
    """An identity from its recovery phrase and the servers it used."""
    terminal = cli.terminal
    if not servers:
        raise InputError(
            "the recovery phrase alone is not enough: somebody must have your documents", hint="Give --server URL."
        )
    phrase = ask_phrase(cli) if words_fd is None else check_mnemonic(read_phrase(words_fd))
    passphrase = cli.new_passphrase()
    remember_chain(cli)
    restored = restore_identity(cli.session, phrase, passphrase, servers, name)
    say_identity(cli, f"You are {safe(restored.row.name)} again.", restored.row, restored.enrollment)
    terminal.say(f"{counted(restored.own, 'document')} of yours came back, in {counted(restored.jobs, 'job')}.")
    for failure in dict.fromkeys(error.message for error in restored.unreachable):
        terminal.note(safe(failure))
    for signed in restored.lost:
        terminal.note(f"The {signed.document.TITLE} {signed.id} names a key that this recovery phrase does not give.")
    for signed in restored.elsewhere:
        terminal.note(f"The {signed.document.TITLE} {signed.id} is paid to a wallet of another recovery phrase.")
    terminal.advise("Next: give every server all of them, and read the chain, with `rein sync`.")
    terminal.advise("What you were paid and have not spent is found by `rein wallet`.")
    terminal.result(restored.json(cli.settings.home))


def ask_phrase(cli: Cli) -> str:
    """A recovery phrase that somebody types: of words that are mistyped, only those are asked for again."""

    def one(text: str) -> str:
        if not is_mnemonic_word(text):
            raise KeyMaterialError("it is not in the word list either")
        return text.strip()

    def phrase(text: str) -> str:
        words = text.split()
        if len(words) in _WORD_COUNTS:
            for position, word in enumerate(words):
                if not is_mnemonic_word(word):
                    cli.terminal.note(f"Word {position + 1}, {safe_line(word, 20)!r}, is not in the list.", vital=True)
                    words[position] = cli.secret(f"Word {position + 1}", "--words-fd", one)
        return check_mnemonic(" ".join(words))

    return cli.secret("Your recovery phrase, with spaces between its words", "--words-fd", phrase, several=True)


def read_phrase(descriptor: int) -> str:
    """What a file descriptor holds, for `check_mnemonic` to read."""
    try:
        with os.fdopen(descriptor, encoding="utf-8") as file:
            return file.read(1024)
    except (OSError, ValueError) as error:
        raise InputError(f"no recovery phrase can be read from descriptor {descriptor}: {error}") from error


def remember_chain(cli: Cli) -> None:
    """Keep the network and chain source given to `setup`, by a flag or the environment, in the home, so that later
    commands need not repeat them."""
    known = read_config(cli.settings.home)
    variables = {"network": NETWORK_VARIABLE, "chain": CHAIN_VARIABLE, "chain_cookie": COOKIE_VARIABLE}
    for key, variable in variables.items():
        value = cli.given(key) or os.environ.get(variable)
        if value and key not in known:
            write_config(cli.settings.home, key, str(Path(value).resolve()) if key == "chain_cookie" else value)


def say_identity(cli: Cli, greeting: str, row: IdentityRow, signed: Signed[Enrollment]) -> None:
    """Who somebody is from now on."""
    cli.terminal.say(greeting)
    cli.terminal.say(f"  master address    {row.master_address}")
    cli.terminal.say(f"  delegate address  {row.delegate_address}")
    cli.terminal.say(f"  SIN               {signed.document.sin}")
    cli.terminal.say(f"  key file          {cli.settings.home / row.key_file}", exact=True)


def welcome(cli: Cli, result: SetupResult) -> None:
    """Tell somebody who has an identity now what it is, and what comes next."""
    say_identity(cli, f"You are {safe(result.row.name)}.", result.row, result.signed)
    cli.terminal.advise("Next: register servers with `rein request URL`, then upload your enrollment with `rein sync`.")
