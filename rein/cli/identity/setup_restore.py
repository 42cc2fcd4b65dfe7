"""`rein setup --restore`, and what all ways to set up share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rein.btc.hd import check_mnemonic
from rein.cli.common import Cli
from rein.cli.toolkit.terminal import safe
from rein.errors import InputError
from rein.settings import CHAIN_VARIABLE, COOKIE_VARIABLE, NETWORK_VARIABLE, read_config, write_config
from rein.workflows.identity.restore import restore_identity

if TYPE_CHECKING:
    from rein.protocol.documents import Enrollment
    from rein.protocol.signed import Signed
    from rein.store.identities import IdentityRow


def restore_from_words(cli: Cli, name: str | None, words_fd: int | None, servers: Sequence[str]) -> None:
    """An identity from its words and the servers it used."""
    terminal = cli.terminal
    if not servers:
        raise InputError("the words alone are not enough: somebody must have your documents", hint="Give --server URL.")
    if words_fd is None:
        words = check_mnemonic(terminal.ask_secret("Your words, with spaces between", "--words-fd", several=True))
    else:
        words = check_mnemonic(read_words(words_fd))
    passphrase = cli.new_passphrase()
    remember_chain(cli)
    restored = restore_identity(cli.session, words, passphrase, servers, name)
    row = restored.row
    terminal.say(f"You are {safe(row.name)} again.")
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  SIN               {restored.enrollment.document.sin}")
    terminal.say(f"  key file          {cli.settings.home / row.key_file}")
    terminal.say(f"{restored.own} documents of yours came back, in {restored.jobs} jobs.")
    for failure in dict.fromkeys(error.message for error in restored.unreachable):
        terminal.note(safe(failure))
    for signed in restored.lost:
        terminal.note(f"The {signed.document.TITLE} {signed.id} names a key that these words do not give.")
    for signed in restored.elsewhere:
        terminal.note(f"The {signed.document.TITLE} {signed.id} is paid to another wallet than that of these words.")
    terminal.advise("Next: give every server all of them, and look at the chain, with `rein sync`.")
    terminal.advise("What you were paid and have not spent is found by `rein wallet`.")
    terminal.result(
        {
            "name": row.name,
            "network": row.network,
            "master_address": row.master_address,
            "delegate_address": row.delegate_address,
            "sin": restored.enrollment.document.sin,
            "document_id": restored.enrollment.id,
            "key_file": str(cli.settings.home / row.key_file),
            "documents": restored.own,
            "jobs": restored.jobs,
            "lost": [signed.id for signed in restored.lost],
            "paid_elsewhere": [signed.id for signed in restored.elsewhere],
        }
    )


def read_words(descriptor: int) -> str:
    """What a file descriptor holds, for `check_mnemonic` to read."""
    try:
        with os.fdopen(descriptor, encoding="utf-8") as file:
            return file.read(1024)
    except (OSError, ValueError) as error:
        raise InputError(f"no words can be read from descriptor {descriptor}: {error}") from error


def remember_chain(cli: Cli) -> None:
    """Keep the network and chain source given to `setup`, by a flag or the environment, in the home, so that later
    commands need not repeat them."""
    known = read_config(cli.settings.home)
    variables = {"network": NETWORK_VARIABLE, "chain": CHAIN_VARIABLE, "chain_cookie": COOKIE_VARIABLE}
    for key, variable in variables.items():
        value = cli.given(key) or os.environ.get(variable)
        if value and key not in known:
            write_config(cli.settings.home, key, str(Path(value).resolve()) if key == "chain_cookie" else value)


def welcome(cli: Cli, row: IdentityRow, signed: Signed[Enrollment]) -> dict[str, Any]:
    """Tell somebody who has an identity now what it is, and the same for programs."""
    terminal, key_file = cli.terminal, str(cli.settings.home / row.key_file)
    terminal.say(f"You are {safe(row.name)}.")
    terminal.say(f"  master address    {row.master_address}")
    terminal.say(f"  delegate address  {row.delegate_address}")
    terminal.say(f"  SIN               {signed.document.sin}")
    terminal.say(f"  key file          {key_file}")
    terminal.advise("Next: register servers with `rein request URL`, then upload your enrollment with `rein sync`.")
    return {
        "name": row.name,
        "network": row.network,
        "master_address": row.master_address,
        "delegate_address": row.delegate_address,
        "sin": signed.document.sin,
        "document_id": signed.id,
        "key_file": key_file,
    }
