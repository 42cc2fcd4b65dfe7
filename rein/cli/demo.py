"""`rein demo`"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import click

from rein.cli.common import Cli, command
from rein.cli.main import run
from rein.cli.toolkit.options import FilePath
from rein.demo.stage import PASSPHRASE
from rein.demo.tour import tour
from rein.settings import PASSPHRASE_VARIABLE


@command("demo", waits=True)
@click.option("--keep", type=FilePath(file_okay=False), help="Leave everything in this folder.")
def demo(cli: Cli, keep: Path | None) -> None:
    """Watch a whole job on a private chain: three people, two servers, real signatures, real rules, no real money.

    Example: rein demo --keep ./demo
    """
    report = tour(run_command, cli.terminal.say, keep)
    cli.terminal.result(report)


def run_command(arguments: list[str]) -> tuple[int, str, str]:
    """Run one command as the console script would, in this process: starting Python thirty times would take longer
    than the whole story."""
    out, err = io.StringIO(), io.StringIO()
    with _alone(), redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return code, out.getvalue(), err.getvalue()


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody at the terminal, and no settings of whoever watches the demo."""
    environment, keyboard = dict(os.environ), sys.stdin
    for name in list(os.environ):
        if name.startswith("REIN_"):
            del os.environ[name]
    os.environ[PASSPHRASE_VARIABLE] = PASSPHRASE
    with open(os.devnull, encoding="utf-8") as nobody:
        sys.stdin = nobody
        try:
            yield
        finally:
            sys.stdin = keyboard
            os.environ.clear()
            os.environ.update(environment)
