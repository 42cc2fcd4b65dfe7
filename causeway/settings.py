"""What an operator can set: environment first, flags over it, checked once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from causeway.errors import SettingsError
from rein.btc.networks import MAINNET, Network, network_named
from rein.errors import ReinError

ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "host": ("CAUSEWAY_HOST",),
    "port": ("CAUSEWAY_PORT",),
    "data": ("CAUSEWAY_DATA",),
    "database_url": ("CAUSEWAY_DATABASE_URL", "DATABASE_URL"),
    "network": ("CAUSEWAY_NETWORK",),
    "workers": ("CAUSEWAY_WORKERS",),
    "threads": ("CAUSEWAY_THREADS",),
}
"""The variables that set what a flag sets, the first that is not empty."""

DEFAULT_PORT = 2016
MAX_WORKERS = 64
MAX_THREADS = 256


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A server's settings, all of them checked.

    `database_url` is None for the server's own PostgreSQL under `data`. `threads` are those that run requests in each
    of the `workers` processes; each may hold one database connection. Port 0 means any free one.
    """

    network: Network
    data: Path
    database_url: str | None = field(repr=False)
    host: str
    port: int
    workers: int
    threads: int


def load_settings(environ: Mapping[str, str], **flags: str | int | None) -> Settings:
    """Join environment and flags (None: not given).

    :raises SettingsError: naming what cannot be used and where it came from.
    """
    given = {name: _given(environ, name, flags.get(name)) for name in ENVIRONMENT}
    return Settings(
        network=_network(given["network"]),
        data=_directory(given["data"]),
        database_url=given["database_url"],
        host=given["host"] or "127.0.0.1",
        port=_number("port", given["port"], DEFAULT_PORT, 0, 65_535),
        workers=_number("workers", given["workers"], min(2, os.cpu_count() or 1), 1, MAX_WORKERS),
        threads=_number("threads", given["threads"], 16, 1, MAX_THREADS),
    )


def _given(environ: Mapping[str, str], name: str, flag: str | int | None) -> str | None:
    if flag is not None:
        return str(flag)
    return next((environ[variable] for variable in ENVIRONMENT[name] if environ.get(variable)), None)


def _network(text: str | None) -> Network:
    try:
        return network_named(text or MAINNET.name)
    except ReinError as error:
        raise SettingsError(error.message, hint=error.hint) from error


def _directory(text: str | None) -> Path:
    try:
        return Path(text or "~/.causeway").expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError("there is no home directory to keep the data in", hint="Give --data DIR.") from error


def _number(name: str, text: str | None, default: int, lowest: int, highest: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and lowest <= int(text) <= highest):
        raise SettingsError(
            f"{name} is {text[:40]!r}; it must be a whole number from {lowest} to {highest}",
            hint=f"It is set by --{name} or {ENVIRONMENT[name][0]}." if name != "threads" else None,
        )
    return int(text)
