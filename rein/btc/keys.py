"""Single private keys, their WIF spelling, and public keys as documents write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rein.btc import base58, curve
from rein.btc.networks import Network
from rein.errors import KeyMaterialError

_COMPRESSED_FLAG: Final = b"\x01"
_PUBLIC_KEY_HEX = re.compile(r"0[23][0-9a-f]{64}|04[0-9a-f]{128}")


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """A secp256k1 secret and whether its public key is written compressed. KeyMaterialError for an invalid secret."""

    secret: bytes
    compressed: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or not curve.is_valid_secret(self.secret):
            raise KeyMaterialError("that is not a secret key: it must be 32 bytes, not zero and below the group order")

    def __repr__(self) -> str:
        return f"PrivateKey(<secret>, compressed={self.compressed})"

    @property
    def public_key(self) -> bytes:
        """33 bytes when compressed, else 65."""
        return curve.public_key(self.secret, self.compressed)

    def to_wif(self, network: Network) -> str:
        """Wallet import format: the secret itself, in base58."""
        flag = _COMPRESSED_FLAG if self.compressed else b""
        return base58.encode_check(bytes([network.wif_version]) + self.secret + flag)

    @classmethod
    def from_wif(cls, text: str, network: Network) -> PrivateKey:
        """Read WIF of that very network. KeyMaterialError, which never repeats the text, for anything else."""
        payload = base58.decode_check(text)
        if payload is None:
            raise KeyMaterialError("that is not a WIF private key: a letter is missing, added or mistyped")
        version, secret, flag = payload[0], payload[1:33], payload[33:]
        if version != network.wif_version:
            raise KeyMaterialError(f"that is not a WIF private key of {network.name}")
        if len(secret) != curve.SECRET_BYTES or flag not in (b"", _COMPRESSED_FLAG):
            raise KeyMaterialError("that is not a WIF private key: it has the wrong length or an unknown flag")
        return cls(secret, compressed=bool(flag))


def parse_public_key(hex_text: str, *, allow_uncompressed: bool = False) -> bytes:
    """The bytes of a public key in lower-case hex: 33 bytes, or also 65 if allowed. KeyMaterialError otherwise."""
    if _PUBLIC_KEY_HEX.fullmatch(hex_text) is None:
        raise KeyMaterialError(
            f"{hex_text[:140]!r} is not a public key",
            hint="66 lower-case hexadecimal digits that begin with 02 or 03",
        )
    key = bytes.fromhex(hex_text)
    if len(key) != curve.COMPRESSED_BYTES and not allow_uncompressed:
        raise KeyMaterialError("that public key is uncompressed; only compressed ones (66 digits) can be used here")
    if not curve.is_valid_public_key(key):
        raise KeyMaterialError(f"{hex_text!r} is not a point of the curve, so not a public key")
    return key
