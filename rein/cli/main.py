"""`rein`: one run of the program, from the words of the command line to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from rein.cli.common import Cli
from rein.cli.tree import tree
from rein.errors import ReinError
from rein.lazy import lazy

if TYPE_CHECKING:
    from click import shell_completion

    from rein.cli.identity import legacy_names
else:
    shell_completion = lazy("click.shell_completion")
    legacy_names = lazy("rein.cli.identity.legacy_names")


COMPLETION_VARIABLE = "_REIN_COMPLETE"
"""Set by the shell when it wants to know what may stand next (`rein completion`)."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the signal's number."""

USAGE = "usage"
"""The code, for programs, of a usage error."""

_LOOK = "Check where the output goes, and the disk: rein doctor"

STOPPED = "stopped"
"""The code, for programs, after Ctrl-C."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code. Every error of ours is one sentence and a hint, never a traceback."""
    cli, code = Cli(), 1
    try:
        code = _run(cli, list(sys.argv[1:] if arguments is None else arguments))
    finally:
        cli.terminal.leave(failed=code != 0)
    return code


def _run(cli: Cli, words: list[str]) -> int:
    try:
        with tree.make_context("rein", [*words], obj=cli) as context:
            tree.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if "--json" not in words:
            error.show()
            return error.exit_code
        return _misused(cli, words, click.UsageError("no command was given", error.ctx))
    except click.ClickException as error:
        return _misused(cli, words, error)
    except (click.Abort, KeyboardInterrupt):
        cli.terminal.stopped(STOPPED)
        return INTERRUPTED
    except ReinError as error:
        cli.terminal.error(error)
        return error.exit_code
    except OSError as error:
        return _lost(cli, error)
    return 0


def _in_todays_words(error: click.ClickException) -> click.ClickException:
    """Where an option of 2016 was typed, add what to type today."""
    if isinstance(error, click.NoSuchOption) and error.option_name in legacy_names.OPTIONS:
        return click.UsageError(f"{error.message} {legacy_names.OPTIONS[error.option_name]}", error.ctx)
    return error


def _misused(cli: Cli, words: list[str], error: click.ClickException) -> int:
    """A usage error."""
    error = _in_todays_words(error)
    cli.update({"as_json": "--json" in words})
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "rein"
    cli.terminal.failure(USAGE, error.format_message(), f"The options and an example: {command} --help")
    return error.exit_code


def _lost(cli: Cli, error: OSError) -> int:
    """What was printed went nowhere: who read it has read enough, or the disk is full. Or the system says no to
    something that nobody foresaw."""
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            cli.terminal.failure(ReinError.code, f"the system did not let this finish: {error}", _LOOK)
    with suppress(OSError, ValueError):  # else Python tries once more at its end, and complains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def main() -> None:
    """The console script."""
    _prepare_streams()
    if COMPLETION_VARIABLE in os.environ:
        sys.exit(
            shell_completion.shell_complete(tree, {}, "rein", COMPLETION_VARIABLE, os.environ[COMPLETION_VARIABLE])
        )
    try:
        code = run()
    except KeyboardInterrupt:  # once more, while the first was answered
        code = INTERRUPTED
    sys.exit(code)


def _prepare_streams() -> None:
    """Have a stream where the shell closed it, and none that stumbles over a letter it cannot write."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_WRONLY), "w", closefd=False))  # noqa: SIM115 - to the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
