"""Seed words (BIP39, English) and the keys derived from them (BIP32)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rein.btc import base58, curve
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.errors import InputError, KeyMaterialError
from rein.lazy import lazy

if TYPE_CHECKING:
    from embit import bip32, bip39
else:
    bip32 = lazy("embit.bip32")
    bip39 = lazy("embit.bip39")

HARDENED: Final = 0x80000000

_NEW_ENTROPY_BYTES: Final = 16
_WORD_COUNTS: Final = (12, 15, 18, 21, 24)
_WORD_BITS: Final = 11
_PBKDF2_ROUNDS: Final = 2048

_SERIALIZED_BYTES: Final = 78
_MAX_DEPTH: Final = 255
_STEP = re.compile(r"(0|[1-9][0-9]{0,9})(['h]?)")


@cache
def _word_index() -> dict[str, int]:
    return {word: index for index, word in enumerate(bip39.WORDLIST)}


def new_mnemonic() -> str:
    """Twelve new words: 128 bits from the operating system's generator."""
    return str(bip39.mnemonic_from_bytes(secrets.token_bytes(_NEW_ENTROPY_BYTES)))


def check_mnemonic(text: str) -> str:
    """The words in the one spelling seeds are made from: NFKD, lower case, single spaces.

    KeyMaterialError naming the first unknown word and its place, or a wrong count, or a wrong checksum.
    """
    words = unicodedata.normalize("NFKD", text).lower().split()
    if len(words) not in _WORD_COUNTS:
        raise KeyMaterialError(f"a recovery phrase has 12, 15, 18, 21 or 24 words, not {len(words)}")
    number, index = 0, _word_index()
    for position, word in enumerate(words, start=1):
        if word not in index:
            raise KeyMaterialError(
                f"word {position} of the recovery phrase, {word[:20]!r}, is not in the word list",
                hint="a recovery phrase has words of BIP39's English list",
            )
        number = number << _WORD_BITS | index[word]
    checksum_bits = len(words) // 3
    entropy = (number >> checksum_bits).to_bytes(len(words) * 4 // 3, "big")
    if number & (1 << checksum_bits) - 1 != sha256(entropy)[0] >> 8 - checksum_bits:
        raise KeyMaterialError(
            "the recovery phrase does not add up: each word is known, but one is wrong or two are swapped"
        )
    return " ".join(words)


def is_mnemonic_word(text: str) -> bool:
    """Whether a word is in BIP39's English list, however it is capitalised."""
    return unicodedata.normalize("NFKD", text).lower().strip() in _word_index()


def seed_from_mnemonic(words: str, passphrase: str = "") -> bytes:
    """BIP39's 64-byte seed of checked words and a passphrase (which is only NFKD-normalised)."""
    try:
        salt = ("mnemonic" + unicodedata.normalize("NFKD", passphrase)).encode()
    except UnicodeEncodeError:
        raise KeyMaterialError("the passphrase holds half of a surrogate pair, which UTF-8 cannot write") from None
    return hashlib.pbkdf2_hmac("sha512", check_mnemonic(words).encode(), salt, _PBKDF2_ROUNDS)


def parse_path(path: str) -> tuple[int, ...]:
    """Child numbers of "m", "m/1'/0" or "m/48h/0h": hardened by `'` or `h`. InputError for any other text."""
    root, *steps = path.split("/")
    if root != "m":
        raise InputError(f"{path[:60]!r} is not a derivation path", hint="write m/1'/0")
    return tuple(_parse_step(step, path) for step in steps)


def _parse_step(step: str, path: str) -> int:
    match = _STEP.fullmatch(step)
    if match is None or int(match.group(1)) >= HARDENED:
        raise InputError(f"{step[:20]!r} is not a step of a derivation path, in {path[:60]!r}", hint="write m/1'/0")
    return int(match.group(1)) + (HARDENED if match.group(2) else 0)


@dataclass(frozen=True, repr=False)
class ExtendedKey:
    """A BIP32 key, private or public, of one network. Make one with `from_seed` or `parse`."""

    _key: Any
    network: Network

    def __repr__(self) -> str:
        kind = "private" if self.is_private else "public"
        return f"ExtendedKey(<{kind}>, depth={self._key.depth}, network={self.network.name})"

    @classmethod
    def from_seed(cls, seed: bytes, network: Network) -> ExtendedKey:
        """The master key of a seed of 16 to 64 bytes. KeyMaterialError otherwise."""
        if not 16 <= len(seed) <= 64:
            raise KeyMaterialError("a seed has 16 to 64 bytes")
        try:
            return cls(bip32.HDKey.from_seed(seed, version=network.xprv_version), network)
        except Exception:  # noqa: BLE001  # embit raises six unrelated types
            raise KeyMaterialError("that seed gives no key (1 in 2**127 does not): use another") from None

    @classmethod
    def parse(cls, text: str, network: Network) -> ExtendedKey:
        """Read xprv or xpub (tprv, tpub) of that network. KeyMaterialError, which never repeats the text, otherwise."""
        payload = base58.decode_check(text)
        if payload is None or len(payload) != _SERIALIZED_BYTES:
            raise KeyMaterialError("that is not an extended key: a letter is missing, added or mistyped")
        is_private = payload[:4] == network.xprv_version
        if not is_private and payload[:4] != network.xpub_version:
            raise KeyMaterialError(f"that is not an extended key of {network.name}")
        key = payload[45:]
        valid = key[0] == 0 and curve.is_valid_secret(key[1:]) if is_private else curve.is_valid_public_key(key)
        if not valid:
            raise KeyMaterialError("that is not an extended key: what it holds is not a key of its kind")
        return cls(_read_hdkey(payload), network)

    @classmethod
    def parse_public(cls, text: str, network: Network) -> ExtendedKey:
        """Read an xpub (tpub) only: a private key is refused, for it should never have been handed over."""
        key = cls.parse(text, network)
        if key.is_private:
            raise KeyMaterialError(
                "that is a private extended key where a public one is wanted",
                hint="whoever has seen it can spend: move what it guards",
            )
        return key

    @property
    def is_private(self) -> bool:
        return bool(self._key.is_private)

    @property
    def private_key(self) -> PrivateKey:
        """The compressed private key of this node. KeyMaterialError when only the public half is known."""
        if not self.is_private:
            raise KeyMaterialError("only the public half of that key is known here")
        return PrivateKey(bytes(self._key.secret))

    @property
    def public_key(self) -> bytes:
        """33 bytes."""
        return bytes(self._key.sec())

    def derive(self, path: str | Sequence[int]) -> ExtendedKey:
        """The key at a path below this one, "m/1'/0" or numbers (hardened ones from HARDENED on).

        InputError for a malformed path, KeyMaterialError for a hardened step below a public key, more than 255
        levels, or a child that does not exist (1 in 2**127).
        """
        steps = parse_path(path) if isinstance(path, str) else tuple(path)
        key = self._key
        for step in steps:
            if type(step) is not int or not 0 <= step < 2 * HARDENED:
                raise InputError("a step of a derivation path is a number of 32 bits")
            if step >= HARDENED and not self.is_private:
                raise KeyMaterialError("a hardened key cannot be derived from a public one")
            try:
                key = key.child(step)
            except Exception:  # noqa: BLE001  # embit raises six unrelated types
                raise KeyMaterialError("there is no key at that derivation path") from None
        return ExtendedKey(key, self.network)

    def public_key_at(self, steps: Sequence[int]) -> bytes:
        """The 33 bytes of the public key below this one, `derive(steps).public_key` in a third of the time.

        KeyMaterialError for a hardened step, more than 255 levels, or a child that does not exist (1 in 2**127).
        """
        key, chain_code = self.public_key, bytes(self._key.chain_code)
        if self._key.depth + len(steps) > _MAX_DEPTH or not all(0 <= step < HARDENED for step in steps):
            raise KeyMaterialError("there is no key at that derivation path")
        for step in steps:
            digest = hmac.digest(chain_code, key + step.to_bytes(4, "big"), "sha512")
            child = curve.add_secret(key, digest[:32])
            if child is None:
                raise KeyMaterialError("there is no key at that derivation path")
            key, chain_code = child, digest[32:]
        return key

    def to_public(self) -> ExtendedKey:
        """The public half of the same node."""
        if not self.is_private:
            return self
        return ExtendedKey(self._key.to_public(version=self.network.xpub_version), self.network)

    def to_string(self) -> str:
        """xprv or xpub, on test networks tprv or tpub. A private one is the secret itself."""
        return base58.encode_check(self._key.serialize())


def _read_hdkey(payload: bytes) -> Any:
    """embit's key of those bytes, if it reads all that they say (it checks depth, parent and child number)."""
    try:
        key = bip32.HDKey.parse(payload)
        again = key.serialize()
    except Exception:  # noqa: BLE001  # embit raises six unrelated types
        raise KeyMaterialError("that is not an extended key: its parts contradict each other") from None
    if again != payload:
        raise KeyMaterialError("that is not an extended key in its one proper spelling")
    return key
