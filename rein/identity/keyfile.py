"""The encrypted key file: a recovery phrase, or keys, under a passphrase.

JSON of one object, sealed as `rein.identity.sealing` says. The file is 0600.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from rein.errors import IdentityError
from rein.files import write_whole
from rein.identity.sealing import Cost, Seal

_SEAL = Seal("rein_key_file", "key file")
_MAX_FILE_BYTES = 16_384


def write_key_file(path: Path, words: str, passphrase: str, *, cost: Cost | None = None) -> None:
    """Encrypt a secret into a new file, complete or not at all. Never overwrites.

    :raises PassphraseError: the passphrase is too short.
    :raises IdentityError: the file exists or cannot be written.
    """
    write_private(path, _sealed(words, passphrase, cost))


def keep_key_file(path: Path, secret: str, passphrase: str) -> bool:
    """Write a key file, unless one with the same content under the same passphrase is there, from a setup that was
    stopped halfway. Whether it was written.

    :raises PassphraseError: too short; or a file is there that it does not open.
    :raises IdentityError: a file with other content is there, or none can be written.
    """
    if not path.exists():
        write_key_file(path, secret, passphrase)
        return True
    if read_key_file(path, passphrase) != secret:
        hint = "Give the same keys again; or, if no identity uses the file, move it away."
        raise IdentityError(f"{path} holds other keys, of a setup that was begun before", hint=hint)
    return False


def replace_key_file(path: Path, secret: str, passphrase: str) -> None:
    """Put another content into a key file: at every moment the file is whole, the old or the new one.

    :raises PassphraseError: wrong passphrase; the file is left as it is.
    :raises IdentityError: the file is missing or cannot be written.
    """
    read_key_file(path, passphrase)
    try:
        write_whole(path, _sealed(secret, passphrase, None), replace=True)
    except OSError as error:
        raise IdentityError(f"the file {path} cannot be written: {error}") from error


def _sealed(secret: str, passphrase: str, cost: Cost | None) -> bytes:
    header, sealed = _SEAL.close(secret.encode(), passphrase, cost or Cost())
    return (json.dumps({**header, "ciphertext": base64.b64encode(sealed).decode()}, indent=2) + "\n").encode()


def read_key_file(path: Path, passphrase: str) -> str:
    """The secret in it.

    :raises PassphraseError: wrong passphrase, or the file was tampered with: the two look the same.
    :raises IdentityError: the file is missing or is not a key file of this version.
    """
    header, sealed = _load(path)
    return _SEAL.open(header, sealed, passphrase).decode()


def check_key_file(path: Path) -> None:
    """Read the file without opening it.

    :raises IdentityError: it is missing, damaged, or no key file of this version.
    """
    header, _ = _load(path)
    _SEAL.check_shape(header)


def is_private(path: Path) -> bool:
    """Whether nobody but the owner can read the file or folder."""
    return os.name == "nt" or path.stat().st_mode & 0o077 == 0


def _load(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_FILE_BYTES))
        sealed = base64.b64decode(content.pop("ciphertext"), validate=True)
    except FileNotFoundError:
        raise IdentityError(f"the key file {path} is missing", hint="Restore it from your backup.") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise IdentityError(f"{path} is not a key file: {error}") from error
    _SEAL.check(content)
    return content, sealed


def write_private(path: Path, content: bytes) -> None:
    """A new file for its owner's eyes, whole or not there at all.

    :raises IdentityError: it exists or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content)
    except FileExistsError as error:
        hint = "If no identity uses it, move it away and try again."
        raise IdentityError(f"there is a file at {path} already; it is left as it is", hint=hint) from error
    except OSError as error:
        raise IdentityError(f"the file {path} cannot be written: {error}") from error
