"""Flags that follow from the list of settings, so that no command spells a setting its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from causeway.settings import CONFIG_VARIABLE, SETTINGS, Setting

F = TypeVar("F", bound=Callable[..., Any])

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


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
