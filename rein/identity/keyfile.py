"""The encrypted key file: twelve words under a passphrase.

JSON of one object. The passphrase (NFKD: every keyboard spells it alike) goes through Argon2id (RFC 9106), the words
through ChaCha20-Poly1305 (RFC 8439) with the whole header as associated data, so that no parameter can be changed
unnoticed. The file is 0600.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rein.errors import IdentityError, PassphraseError

VERSION = 1
MIN_PASSPHRASE = 8
"""Characters."""

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SALT_BYTES = 16
_MAX_FILE_BYTES = 16_384


@dataclass(frozen=True)
class Cost:
    """What a guess costs: memory in KiB, passes, lanes."""

    memory_kib: int = 65_536
    iterations: int = 2
    lanes: int = 1

    def check(self) -> None:
        """Refuse parameters that would make a guess cheap, or opening a planted file exhaust this machine."""
        if not (8_192 <= self.memory_kib <= 2**20 and 1 <= self.iterations <= 16 and 1 <= self.lanes <= 16):
            raise IdentityError("the key file asks for an unreasonable cost of opening it")


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short to protect anything.

    :raises PassphraseError:
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise PassphraseError(
            f"the passphrase has {len(passphrase)} characters; at least {MIN_PASSPHRASE} are needed",
            hint="A few random words make a good one.",
        )


def write_key_file(path: Path, words: str, passphrase: str, *, cost: Cost | None = None) -> None:
    """Encrypt the words into a new file, complete or not at all. Never overwrites.

    :raises PassphraseError: the passphrase is too short.
    :raises IdentityError: the file exists or cannot be written.
    """
    check_passphrase(passphrase)
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    header = _header(cost or Cost(), salt, nonce)
    sealed = _cipher(passphrase, salt, cost or Cost()).encrypt(nonce, words.encode(), _associated(header))
    content = json.dumps({**header, "ciphertext": base64.b64encode(sealed).decode()}, indent=2) + "\n"
    _write_private(path, content)


def read_key_file(path: Path, passphrase: str) -> str:
    """The words.

    :raises PassphraseError: wrong passphrase, or the file was tampered with: the two look the same.
    :raises IdentityError: the file is missing or is no key file of this version.
    """
    from cryptography.exceptions import InvalidTag

    header, sealed = _load(path)
    salt, nonce = _decode(header.get("salt"), _SALT_BYTES), _decode(header.get("nonce"), _NONCE_BYTES)
    cost = _read_cost(header)
    try:
        words: bytes = _cipher(passphrase, salt, cost).decrypt(nonce, sealed, _associated(header))
    except InvalidTag:
        raise PassphraseError("the passphrase does not open the key file", hint="Try again.") from None
    return words.decode()


def is_private(path: Path) -> bool:
    """Whether nobody but the owner can read the file."""
    return os.name == "nt" or path.stat().st_mode & 0o077 == 0


def _header(cost: Cost, salt: bytes, nonce: bytes) -> dict[str, Any]:
    return {
        "rein_key_file": VERSION,
        "kdf": "argon2id",
        **asdict(cost),
        "cipher": "chacha20-poly1305",
        "salt": base64.b64encode(salt).decode(),
        "nonce": base64.b64encode(nonce).decode(),
    }


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _cipher(passphrase: str, salt: bytes, cost: Cost) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    cost.check()
    kdf = Argon2id(
        salt=salt, length=_KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    try:
        secret = unicodedata.normalize("NFKD", passphrase).encode()
    except UnicodeEncodeError:
        raise PassphraseError("the passphrase holds bytes that are no text", hint="Give it as UTF-8.") from None
    return ChaCha20Poly1305(kdf.derive(secret))


def _load(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_FILE_BYTES))
        sealed = base64.b64decode(content.pop("ciphertext"), validate=True)
    except FileNotFoundError:
        raise IdentityError(f"the key file {path} is missing", hint="Restore it from your backup.") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise IdentityError(f"{path} is no key file: {error}") from error
    if content.get("rein_key_file") != VERSION or (content.get("kdf"), content.get("cipher")) != (
        "argon2id",
        "chacha20-poly1305",
    ):
        raise IdentityError(f"{path} is a key file of another version", hint="Upgrade Rein.")
    return content, sealed


def _read_cost(header: dict[str, Any]) -> Cost:
    numbers = [header.get(name) for name in ("memory_kib", "iterations", "lanes")]
    if not all(type(number) is int for number in numbers):
        raise IdentityError("the key file's cost parameters are no numbers")
    return Cost(*numbers)  # type: ignore[arg-type]  # the line above has seen that they are int


def _decode(text: Any, length: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise IdentityError("the key file's salt or nonce is damaged") from error
    if len(data) != length:
        raise IdentityError("the key file's salt or nonce has a wrong length")
    return data


def _write_private(path: Path, content: str) -> None:
    """Write, sync and only then give the file its name, so that an interruption leaves no half file."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _give_name(temporary, path)
            _sync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise IdentityError(f"the key file cannot be written: {error}") from error


def _give_name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, this never replaces a file
    except OSError as error:
        if isinstance(error, FileExistsError) or path.exists():
            raise IdentityError(f"there is a key file at {path} already; it is left as it is") from error
        temporary.rename(path)  # a file system without hard links


def _sync_directory(folder: Path) -> None:
    """Make the file's name as durable as its content. Windows keeps names by itself."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
