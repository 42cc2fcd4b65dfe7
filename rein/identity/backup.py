"""A whole home in one encrypted file.

A line of JSON (the header, as `rein.identity.sealing` makes it), then the ciphertext. What is sealed is again a line of
JSON and after it the bytes of the database: what is in the key file of every identity, by its name, and the settings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rein.errors import IdentityError
from rein.identity.keyfile import write_private
from rein.identity.sealing import Cost, Seal

MAX_BYTES = 2**30
_MAX_HEADER = 4_096
_HINT = "Give a file that `rein backup` wrote, whole."
_SEAL = Seal("rein_backup", "backup")


@dataclass(frozen=True)
class Backup:
    """What a home is made of. `words`: by key file, relative to the home; `settings`: the text of its file, if any."""

    words: dict[str, str] = field(repr=False)
    settings: str | None
    database: bytes = field(repr=False)


def write_backup(path: Path, backup: Backup, passphrase: str, *, cost: Cost | None = None) -> int:
    """Seal a home into a new file, complete or not at all; its size. Never overwrites.

    :raises PassphraseError: the passphrase is too short.
    :raises IdentityError: too large, or the file exists or cannot be written.
    """
    inside = json.dumps({"words": backup.words, "settings": backup.settings}).encode() + b"\n" + backup.database
    if len(inside) > MAX_BYTES:
        raise IdentityError(f"the home holds more than {MAX_BYTES >> 20} MiB, which is more than a backup takes")
    header, sealed = _SEAL.close(inside, passphrase, cost or Cost())
    content = json.dumps(header).encode() + b"\n" + sealed
    write_private(path, content)
    return len(content)


def read_backup(path: Path, passphrase: str) -> Backup:
    """What `write_backup` wrote.

    :raises PassphraseError: wrong passphrase, or the file was changed.
    :raises IdentityError: the file cannot be read or is no backup.
    """
    header, sealed = _load(path)
    inside = _SEAL.open(header, sealed, passphrase)
    line, _, database = inside.partition(b"\n")
    try:
        content = json.loads(line)
        words, settings = content["words"], content["settings"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IdentityError(f"{path} is a backup of another Rein: {error}") from error
    texts = isinstance(words, dict) and all(isinstance(each, str) for each in words.values())
    if not texts or not (settings is None or isinstance(settings, str)):
        raise IdentityError(f"{path} is a backup of another Rein")
    return Backup(words, settings, database)


def _load(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline(_MAX_HEADER))
            sealed = file.read(MAX_BYTES + _MAX_HEADER)
    except FileNotFoundError:
        raise IdentityError(f"there is no file {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise IdentityError(f"{path} is not a backup, or is damaged", hint=_HINT) from error
    if not isinstance(header, dict):
        raise IdentityError(f"{path} is not a backup, or is damaged", hint=_HINT)
    return header, sealed
