"""What all commands share: the global options, which may stand before or after the command's name, and the session."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rein.cli.console.terminal import Terminal
from rein.cli.toolkit.amounts import fee_points, feerate, number
from rein.cli.toolkit.autosync import autosync
from rein.cli.toolkit.once import run_once
from rein.cli.toolkit.options import (
    GLOBAL_NAMES,
    GLOBAL_OPTIONS,
    Command,
    Forgiving,
    documents_option,
    dry_run_option,
    feerate_option,
    form_option,
    job_option,
    pay_to_option,
    request_option,
)
from rein.cli.toolkit.questions import Questions
from rein.errors import PassphraseError, ReinError
from rein.lazy import lazy

__all__ = [
    "GLOBAL_OPTIONS",
    "Cli",
    "alone",
    "command",
    "day",
    "dry_run_option",
    "fee_points",
    "feerate",
    "feerate_option",
    "first",
    "form_option",
    "job_option",
    "moment",
    "number",
    "pay_to_option",
]

if TYPE_CHECKING:
    import logging

    from rein import app
    from rein import settings as home_settings
    from rein.identity import sealing
    from rein.settings import Settings
    from rein.workflows.session import Session
else:
    logging = lazy("logging")
    app = lazy("rein.app")
    sealing = lazy("rein.identity.sealing")
    home_settings = lazy("rein.settings")

_TERMINAL_NAMES = ("as_json", "assume_yes", "verbose", "quiet")


T = TypeVar("T")


class Cli(Questions):
    """One run of the program: its global options, its terminal, and the session, opened when first needed."""

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}

    def update(self, options: dict[str, Any]) -> None:
        """Take options: those before the command's name first, then those after it."""
        given = {name: value for name, value in options.items() if value is not None and value is not False}
        self._options.update(given)

    @cached_property
    def terminal(self) -> Terminal:
        flags = {name: bool(self._options.get(name)) for name in _TERMINAL_NAMES}
        terminal = Terminal(**flags, options=self.repeated)
        if terminal.verbose:
            _show_log(terminal)
        return terminal

    def given(self, name: str) -> Any:
        """A global option, if it was given on the command line."""
        return self._options.get(name)

    def repeated(self) -> str:
        """The options that the next command needs as well, to act in this home, as this identity, on this network."""
        home = self._options.get("home")
        words = [] if home is None else ["--home", str(home)]
        try:
            known = home_settings.load_settings(home_settings.Flags(home=home))
            kept = {"identity": known.identity, "network": known.network.name}
        except ReinError:
            kept = {}
        for name in ("identity", "network"):
            given = self._options.get(name)
            if given is not None and given != kept.get(name):
                words += [f"--{name}", str(given)]
        return shlex.join(words)

    @cached_property
    def settings(self) -> Settings:
        names = ("home", "network", "identity", "chain", "chain_cookie")
        return home_settings.load_settings(home_settings.Flags(**{name: self._options.get(name) for name in names}))

    @cached_property
    def session(self) -> Session:
        session = app.open_session(self.settings, self.opened, self.terminal.note)
        click.get_current_context().call_on_close(session.close)
        return session

    def opened(self, name: str, use: Callable[[str], T]) -> T:
        """What the passphrase of something opens (`Opener`): one that is given, or typed, in three tries."""
        return self.passphrase(use, f"Passphrase of {name}")

    def new_passphrase(self, prompt: str = "A passphrase for your key file") -> str:
        """A passphrase for a file that is about to be written.

        :raises PassphraseError: it is too short.
        """

        def checked(passphrase: str) -> str:
            sealing.check_passphrase(passphrase)
            return passphrase

        return self.passphrase(checked, prompt, confirm=True)

    @cached_property
    def given_passphrase(self) -> str | None:
        """The passphrase, if it was given to a script: first line of the descriptor, or the variable.

        :raises PassphraseError: the descriptor cannot be read.
        """
        descriptor = self._options.get("passphrase_fd")
        if descriptor is None:
            return os.environ.get(home_settings.PASSPHRASE_VARIABLE)
        try:
            with os.fdopen(descriptor, encoding="utf-8", closefd=True) as file:
                return file.readline(4096).rstrip("\n")
        except (OSError, ValueError) as error:
            raise PassphraseError(f"no passphrase can be read from descriptor {descriptor}: {error}") from error


def _show_log(terminal: Terminal) -> None:
    """Lets the terminal show what the packages of Rein log as they go (`logging`, level INFO)."""

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            terminal.detail(record.getMessage())

    log = logging.getLogger("rein")
    log.handlers[:] = [Shown()]
    log.setLevel(logging.INFO)
    log.propagate = False


def command(
    name: str, *, waits: bool = False, writes: bool = False, documents: bool = True
) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command. Its function gets the `Cli` first, then its own parameters by name.

    :param waits: it goes on for as long as somebody likes, so that nobody needs to be told that it does.
    :param writes: it signs or orders something: running it twice would do so twice. Such a command takes
        `--request-id` and, unless `documents` says that there is none to show.
    """
    shows = writes and documents
    own = (*([request_option] if writes else ()), *([documents_option] if shows else ()))
    options = (*GLOBAL_OPTIONS, *own)
    names = (*GLOBAL_NAMES, "documents") if shows else GLOBAL_NAMES

    def decorate(function: Callable[..., None]) -> click.Command:
        def run(**parameters: Any) -> None:
            cli = click.get_current_context().ensure_object(Cli)
            cli.update({each: parameters.pop(each) for each in names})
            cli.terminal.command = click.get_current_context().command_path
            key = parameters.pop("request_id", None)
            progress = nullcontext() if waits else cli.terminal.progress(cli.terminal.command)
            with progress, autosync(cli, name, writes=writes):
                run_once(cli, key, parameters, partial(function, cli, **parameters))

        run.__doc__ = function.__doc__
        vars(run)["__click_params__"] = getattr(function, "__click_params__", [])  # where click keeps options
        for option in reversed(options):
            option(run)
        return click.command(name, cls=Command)(run)

    return decorate


def alone(default: str) -> type[click.Group]:
    """A group whose name alone, or with options, stands for one of its commands."""

    class Group(Forgiving, click.Group):
        alone = default

        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            asks_what_there_is = not args and ctx.resilient_parsing  # a shell that completes
            if not asks_what_there_is and (not args or args[0] not in (*self.commands, "-h", "--help")):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return Group


def first(*values: str | None) -> str | None:
    """The first answer that was given."""
    return next((value for value in values if value is not None), None)


def day(time: int) -> str:
    """A day, in UTC. A stranger's number may be any that a document can hold."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def moment(time: int) -> str:
    """A day and a time of it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def local_moment(time: int) -> str:
    """A day and a time of it where the person is: of what this machine did, by its own clock."""
    return datetime.fromtimestamp(time, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def as_of(fetched: int | None) -> str:
    """When this home last fetched what is new, for what is shown without fetching."""
    return "never fetched: rein sync" if fetched is None else f"{local_moment(fetched)}, when it was last fetched"
