"""A home into one file, and back."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rein.btc.networks import NETWORKS, network_named
from rein.errors import IdentityError, InputError
from rein.identity.backup import Backup, read_backup, write_backup
from rein.identity.keyfile import read_key_file, write_key_file
from rein.identity.keyring import open_secret
from rein.identity.sealing import Opener
from rein.store import database_copy
from rein.store.store import Store

DATABASE, SETTINGS = "rein.db", "config.toml"

_KEY_FILE = re.compile(r"keys/[A-Za-z0-9-]{1,80}\.json")


@dataclass(frozen=True)
class BackupResult:
    """What a backup holds: how many identities and documents, and its size in bytes."""

    file: Path
    identities: int
    documents: int
    size: int

    def json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "identities": self.identities,
            "documents": self.documents,
            "size": self.size,
        }


@dataclass(frozen=True)
class RestoreResult:
    """What a home holds that was made from a backup."""

    home: Path
    identities: int
    documents: int

    def json(self) -> dict[str, Any]:
        return {"home": str(self.home), "identities": self.identities, "documents": self.documents}


def back_up(home: Path, store: Store, to: Path, passphrase: str, opened: Opener) -> BackupResult:
    """Write all that this home is into one new file, after checking that it could be restored.

    :param passphrase: of the backup.
    :param opened: opens the key file of each identity, by its name.
    :raises PassphraseError: one does not open its file, or that of the backup is too short.
    :raises IdentityError: a key file is not the one of its identity; or the file exists or cannot be written.
    """
    rows = [row for network in NETWORKS for row in store.identities.of_network(network)]
    secrets = {row.key_file: opened(row.name, partial(read_key_file, home / row.key_file)) for row in rows}
    settings = home / SETTINGS
    text = settings.read_text(encoding="utf-8") if settings.exists() else None
    backup = Backup(secrets, text, database_copy.take_copy(home / DATABASE))
    contents = _check(backup)
    size = write_backup(to, backup, passphrase)
    return BackupResult(to, len(contents.identities), contents.documents, size)


def restore_home(path: Path, home: Path, passphrase: str) -> RestoreResult:
    """Make a home from a backup. Everything is checked before anything is written; then it appears whole or not at all.

    :raises InputError: there is something at `home` already.
    :raises PassphraseError: wrong passphrase, or the file was changed.
    :raises ReinError: what is in the file does not fit together.
    """
    _check_absent(home)
    backup = read_backup(path, passphrase)
    contents = _check(backup)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))  # 0700
    except OSError as error:
        raise InputError(f"nothing can be written beside {home}: {error}") from error
    try:
        for key_file, secret in backup.words.items():
            write_key_file(making / key_file, secret, passphrase)
        _write(making / DATABASE, backup.database)
        if backup.settings is not None:
            _write(making / SETTINGS, backup.settings.encode())
        making.rename(home)  # fails where something other than an empty folder has come to be there
    except OSError as error:
        raise InputError(f"{home} cannot be written: {error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return RestoreResult(home, len(contents.identities), contents.documents)


def _check_absent(home: Path) -> None:
    try:
        taken = home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir())))
    except OSError as error:
        raise InputError(f"{home} cannot be read: {error}") from error
    if taken:
        raise InputError(f"there is something at {home}; a home is never overwritten", hint="Give another --home.")


def _check(backup: Backup) -> database_copy.Contents:
    """Check the keys against the identities, and the database."""
    contents = database_copy.check_copy(backup.database)
    if {key_file for _, _, _, key_file in contents.identities} != set(backup.words):
        raise IdentityError("the keys and the identities do not belong together")
    for network, master, delegate, key_file in contents.identities:
        if not _KEY_FILE.fullmatch(key_file):
            raise IdentityError(f"{key_file[:80]!r} is not the name of a key file")
        keyring = open_secret(backup.words[key_file], network_named(network))
        if keyring.master_address != master:
            raise IdentityError(f"the keys in {key_file} are not those of {master}")
        keyring.with_delegate(delegate)
    return contents


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
