"""Checks of a home and its machine; `network` checks what is elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rein import __version__
from rein.errors import IdentityError, StoreError
from rein.findings import Finding, fail, ok, warn
from rein.identity.keyfile import check_key_file, is_private
from rein.store.health import examine
from rein.store.tables.identities import IdentityRow

FREE_FAIL_BYTES: Final = 20_000_000
FREE_WARN_BYTES: Final = 500_000_000
OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)
LIBRARIES: Final = (
    *("click", "cryptography", "ecdsa", "embit", "python-bitcoinlib"),
    *("requests", "PySocks", "segno", "urllib3"),
)
FAST_CURVE: Final = "coincurve"


def versions() -> dict[str, str | None]:
    """Rein's, Python's and each library's version; None for a library that is not there."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"rein": __version__, "python": python, **{name: _version(name) for name in (*LIBRARIES, FAST_CURVE)}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_versions() -> Iterator[Finding]:
    """Rein, Python and libraries."""
    found = versions()
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        yield ok("versions", f"Rein {found['rein']} on Python {found['python']}")
    else:
        hint = "Install Rein with Python {}.{} to {}.{}.".format(*OLDEST_PYTHON, *NEWEST_PYTHON)
        yield warn("versions", f"Python {found['python']} is not tested with Rein", hint)
    missing = [name for name in LIBRARIES if found[name] is None]
    if missing:
        yield fail("versions", f"libraries are missing: {', '.join(missing)}", "Install Rein again: pip install rein")
    if found[FAST_CURVE] is None:
        yield warn("versions", "signatures are slow without coincurve", "pip install coincurve")


def check_home(home: Path, config: Path) -> Iterator[Finding]:
    """The folder: whose it is, and whether something can be written into it."""
    if not home.is_dir():
        yield warn("home", f"there is no home at {home} yet", "Create an identity.")
        return
    yield _private(home, "700", f"the home {home}")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield fail("home", f"the home {home} cannot be written by you", "See who owns it: ls -ld")
    if config.exists():
        yield _private(config, "600", "the settings file, which may hold a password,")
    free = shutil.disk_usage(home).free
    said = f"{free // 1_000_000:,} MB are free where the home is"
    if free < FREE_FAIL_BYTES:
        yield fail("disk", said, "Make room, or nothing can be stored.")
    elif free < FREE_WARN_BYTES:
        yield warn("disk", said, "Make room soon.")
    else:
        yield ok("disk", said)


def check_database(path: Path) -> Iterator[Finding]:
    """The database: who may read it, and whether it holds together."""
    if not path.exists():
        yield warn("database", "there is no database yet", "It is made by the first command that needs it.")
        return
    yield _private(path, "600", "the database")
    hint = f"Move {path} away and restore the home from a backup; then fetch what servers hold."
    try:
        health = examine(path)
    except StoreError as error:
        yield fail("database", error.message, hint)
        return
    if health.problems:
        yield fail("database", f"the database is damaged: {'; '.join(health.problems)}", hint)
    elif health.step > health.known:
        yield fail("database", "the database was written by a newer Rein", "Upgrade Rein.")
    else:
        yield ok("database", f"the database holds together, at step {health.step} of {health.known}")


def check_keys(home: Path, rows: Iterable[IdentityRow]) -> Iterator[Finding]:
    """Every key file: there, private and readable. Whether the passphrase opens it is not tried."""
    expected = set()
    for row in rows:
        path = home / row.key_file
        expected.add(path)
        try:
            check_key_file(path)
        except IdentityError as error:
            hint = error.hint or "Restore it from your backup."
            yield fail("keys", f"{row.name} on {row.network}: {error.message}", hint)
            continue
        yield ok("keys", f"the key file of {row.name} on {row.network} is there and readable")
        yield _private(path, "600", f"the key file of {row.name} on {row.network}")
    if not expected:
        yield warn("keys", "this home has no identity", "Create an identity.")
    for path in sorted((home / "keys").glob("*")):
        if path.suffix == ".new":
            yield warn("keys", f"{path} is half a file that an interrupted setup left", "Delete it.")
        elif path not in expected:
            hint = "Set up again with the same recovery phrase and passphrase, or move the file away."
            yield warn("keys", f"{path} belongs to no identity of this home: a setup was interrupted", hint)


def _private(path: Path, mode: str, what: str) -> Finding:
    if is_private(path):
        return ok("permissions", f"{what} is for you alone")
    return fail("permissions", f"{what} can be read by others", f"chmod {mode} {path}")
