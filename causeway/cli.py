"""The command `causeway`. It imports only what a client has, so that an installation without the server says so."""

from __future__ import annotations

import sys

import click

from causeway.ops.logs import configure_logs
from rein.errors import ReinError

INTERRUPTED = 130


def main() -> None:
    """The entry point: one sentence on stderr for whatever goes wrong, and the exit code of its class."""
    configure_logs()
    try:
        _run()
    except ReinError as error:
        click.echo(f"causeway: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _run() -> None:
    try:
        from causeway.commands.tree import tree  # noqa: PLC0415 - what is missing is told in words below

        tree.main(prog_name="causeway", standalone_mode=False)
    except ModuleNotFoundError as error:
        if (error.name or "causeway").partition(".")[0] in ("causeway", "rein"):
            raise
        raise ReinError(
            f"the server is not installed here, only the client: there is no module {error.name}",
            hint="Install it with: pip install 'rein[server]'",
        ) from error
