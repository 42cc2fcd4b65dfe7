"""`rein backup` and `rein restore`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from rein.cli.common import Cli, command
from rein.cli.toolkit.options import FilePath
from rein.workflows.identity.backup import back_up, restore_home


@command("backup")
@click.argument("file", type=FilePath(dir_okay=False))
def backup(cli: Cli, file: Path) -> None:
    """Write this home into one encrypted file: the keys of every identity, all documents, and the settings.

    The file has a passphrase of its own.

    Example: rein backup rein-2026-11.backup
    """
    session, terminal = cli.session, cli.terminal
    chosen = cli.new_passphrase("A passphrase for the backup")
    result = back_up(session.home, session.store, file, chosen, cli.opened)
    terminal.say(
        f"{file} holds {result.identities} identities and {result.documents} documents, in {result.size:,} bytes."
    )
    terminal.say("Whoever has it and its passphrase is you. Keep it somewhere else than this machine.")
    terminal.result(result.json())


@command("restore")
@click.argument("file", type=FilePath(dir_okay=False))
def restore(cli: Cli, file: Path) -> None:
    """Make a home from a file of `rein backup`. It is checked first, and a home that exists is left alone.

    The passphrase of the backup becomes that of every key file.

    Example: rein restore --home ~/.rein rein.backup
    """
    home, terminal = cli.settings.home, cli.terminal
    result = cli.opened("the backup", partial(restore_home, file, home))
    terminal.say(f"{home} holds {result.identities} identities and {result.documents} documents again.")
    terminal.advise("Next: fetch what has happened since with `rein sync`, before you sign anything.")
    terminal.result(result.json())
