"""Command-line flags, generated from the list of settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from causeway.db.engine import parse_url
from causeway.errors import SettingsError
from causeway.settings import CONFIG_VARIABLE, SETTINGS, Setting, Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

HELP = {"help_option_names": ["-h", "--help"]}
"""The `context_settings` of every command."""

DATABASE = ("database_url", "data")
"""What a command needs that uses the database only."""


def setting_options(*names: str) -> Callable[[F], F]:
    """Add `--config` and the flags of these settings, or of all if none is named."""
    wanted = [each for each in SETTINGS if each.name in names or not names]

    def decorate(command: F) -> F:
        for setting in reversed(wanted):
            command = _option(setting)(command)
        return click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"Settings in TOML [{CONFIG_VARIABLE}]; flags and variables go before it.",
        )(command)

    return decorate


def _option(setting: Setting) -> Callable[[F], F]:
    said = f"{setting.what} [{setting.variables[-1]}]"
    if not setting.metavar:
        switch = setting.name.replace("_", "-")
        return click.option(f"--{switch}/--no-{switch}", default=None, help=said)
    type_ = int if setting.metavar == "N" else str
    return click.option(setting.flag, type=type_, metavar=setting.metavar, help=said)


def named_database(flags: Mapping[str, Any]) -> Settings:
    """The settings of a command that removes or replaces what is in a database. The command line must name it:
    the settings of the server that runs here are not what an operator means who tries something out.

    :raises SettingsError: only the environment names it, or a file the environment names, or nothing does.
    """
    settings = load_settings(os.environ, **flags)
    if not settings.database_named:
        raise SettingsError(
            "this changes a database for good, and the command line does not say which one: "
            f"{shown_database(settings)} is only what is set",
            hint="Name it: --data DIR, --database-url URL, or --config FILE with a file that has one of them.",
        )
    return settings


def shown_database(settings: Settings) -> str:
    """Which database it is, for people."""
    if settings.database_url is None:
        return f"the PostgreSQL under {settings.data}"
    return parse_url(settings.database_url).render_as_string(hide_password=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
