"""Something secret under a passphrase, for a file.

The passphrase (NFKD: every keyboard spells it alike) goes through Argon2id (RFC 9106), the secret through
ChaCha20-Poly1305 (RFC 8439) with the whole header as associated data, so that no parameter can be changed unnoticed.
"""

from __future__ import annotations

import base64
import json
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rein.errors import IdentityError, PassphraseError
from rein.lazy import lazy

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
    from cryptography.hazmat.primitives.kdf import argon2
else:
    exceptions = lazy("cryptography.exceptions")
    aead = lazy("cryptography.hazmat.primitives.ciphers.aead")
    argon2 = lazy("cryptography.hazmat.primitives.kdf.argon2")

MIN_PASSPHRASE = 8
"""Characters."""

VERSION = 1

T = TypeVar("T")


class Opener(Protocol):
    """Asks for the passphrase of what has this name, gives it to what it opens, and returns what comes of that.

    :raises PassphraseError: it is wrong. Where a person types it, there are several tries.
    """

    def __call__(self, name: str, use: Callable[[str], T]) -> T: ...


_KEY_BYTES = 32
_NONCE_BYTES = 12
_SALT_BYTES = 16


@dataclass(frozen=True)
class Cost:
    """What a guess costs: memory in KiB, passes, lanes."""

    memory_kib: int = 65_536
    iterations: int = 2
    lanes: int = 1

    def check(self, what: str) -> None:
        """Refuse parameters that would make a guess cheap, or opening a planted file exhaust this machine."""
        if not (8_192 <= self.memory_kib <= 2**20 and 1 <= self.iterations <= 16 and 1 <= self.lanes <= 16):
            raise IdentityError(f"the {what} asks for an unreasonable cost of opening it")


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short to protect anything.

    :raises PassphraseError:
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise PassphraseError(
            f"the passphrase has {len(passphrase)} characters; at least {MIN_PASSPHRASE} are needed",
            hint="A few random words make a good one.",
        )


@dataclass(frozen=True)
class Seal:
    """One kind of sealed thing: what its header calls itself, and what people call it ("key file")."""

    label: str
    what: str

    def close(self, secret: bytes, passphrase: str, cost: Cost) -> tuple[dict[str, Any], bytes]:
        """A header to write beside the ciphertext, and that.

        :raises PassphraseError: too short.
        """
        check_passphrase(passphrase)
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        header = {
            self.label: VERSION,
            "kdf": "argon2id",
            **asdict(cost),
            "cipher": "chacha20-poly1305",
            "salt": base64.b64encode(salt).decode(),
            "nonce": base64.b64encode(nonce).decode(),
        }
        return header, self._cipher(passphrase, salt, cost).encrypt(nonce, secret, _associated(header))

    def check_shape(self, header: dict[str, Any]) -> None:
        """Everything that can be checked without the passphrase.

        :raises IdentityError: the header is of another version, or damaged.
        """
        self.check(header)
        for name, size in (("salt", _SALT_BYTES), ("nonce", _NONCE_BYTES)):
            self._decode(header.get(name), size)
        self._read_cost(header).check(self.what)

    def open(self, header: dict[str, Any], sealed: bytes, passphrase: str) -> bytes:
        """The secret.

        :raises PassphraseError: wrong passphrase, or something was changed: the two look the same.
        :raises IdentityError: the header is of another version, or damaged.
        """
        self.check(header)
        salt, nonce = self._decode(header.get("salt"), _SALT_BYTES), self._decode(header.get("nonce"), _NONCE_BYTES)
        cipher = self._cipher(passphrase, salt, self._read_cost(header))
        try:
            secret: bytes = cipher.decrypt(nonce, sealed, _associated(header))
        except exceptions.InvalidTag:
            raise PassphraseError(
                f"the passphrase does not open the {self.what}, or the file is damaged",
                hint="Try again; if you are sure of the passphrase, take another copy of the file.",
            ) from None
        return secret

    def check(self, header: dict[str, Any]) -> None:
        """Refuse what is sealed in a way that is not known here.

        :raises IdentityError:
        """
        ways = (header.get("kdf"), header.get("cipher"))
        if header.get(self.label) != VERSION or ways != ("argon2id", "chacha20-poly1305"):
            raise IdentityError(f"that is a {self.what} of another version", hint="Upgrade Rein.")

    def _cipher(self, passphrase: str, salt: bytes, cost: Cost) -> Any:
        cost.check(self.what)
        kdf = argon2.Argon2id(
            salt=salt, length=_KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
        )
        try:
            secret = unicodedata.normalize("NFKD", passphrase).encode()
        except UnicodeEncodeError:
            raise PassphraseError("the passphrase holds bytes that are no text", hint="Give it as UTF-8.") from None
        return aead.ChaCha20Poly1305(kdf.derive(secret))

    def _read_cost(self, header: dict[str, Any]) -> Cost:
        numbers = [header.get(name) for name in ("memory_kib", "iterations", "lanes")]
        if not all(type(number) is int for number in numbers):
            raise IdentityError(f"the {self.what}'s cost parameters are no numbers")
        return Cost(*numbers)  # type: ignore[arg-type]  # the line above has seen that they are int

    def _decode(self, text: Any, length: int) -> bytes:
        try:
            data = base64.b64decode(text, validate=True)
        except (ValueError, TypeError) as error:
            raise IdentityError(f"the {self.what}'s salt or nonce is damaged") from error
        if len(data) != length:
            raise IdentityError(f"the {self.what}'s salt or nonce has a wrong length")
        return data


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
