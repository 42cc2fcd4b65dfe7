"""Where the text of a setting comes from: a TOML file, the environment, a flag."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

from causeway.errors import SettingsError
from causeway.settings.names import SETTINGS, Setting
from causeway.settings.values import FILE, RawSetting

MAX_FILE_BYTES = 65_536


def read_file(path: Path) -> dict[str, str]:
    """The settings in a TOML file, as texts.

    :raises SettingsError: it cannot be read, is not TOML, or has an unknown key.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.loads(file.read(MAX_FILE_BYTES).decode())
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"the settings file {path} is not TOML: {error}") from error
    return {key: _file_text(path, key, value) for key, value in values.items()}


def _file_text(path: Path, key: str, value: object) -> str:
    names = [each.name for each in SETTINGS]
    if key not in names:
        close = difflib.get_close_matches(key, names, 1)
        meant = f"Did you mean {close[0]}?" if close else "docs/operations.md lists all settings."
        raise SettingsError(f"{path}: unknown setting {key[:40]!r}", hint=meant)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    raise SettingsError(f"{path}: {key} must be text, a whole number, true, false, or a list of texts")


def find(setting: Setting, in_file: Mapping[str, str], environ: Mapping[str, str], flag: object) -> RawSetting:
    if flag is not None:
        text = {True: "yes", False: "no"}[flag] if isinstance(flag, bool) else str(flag)
        return RawSetting(setting, text, setting.flag)
    for variable in setting.variables:
        if environ.get(variable):
            return RawSetting(setting, environ[variable], variable)
    if setting.name in in_file:
        return RawSetting(setting, in_file[setting.name], FILE)
    return RawSetting(setting, setting.default, "its default")
