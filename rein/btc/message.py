"""Bitcoin signed messages, as Bitcoin Core's signmessage and verifymessage.

The signature is 65 bytes in base64: a header (27 plus the recovery id, plus 4 when the key is compressed), r
and s. It proves that the holder of a P2PKH address's key signed the text.

One text and key have several accepted signatures (high s, for one): a signature is not an identifier.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final

from rein.btc import curve
from rein.btc.address import hash_of_identity
from rein.btc.encoding import compact_size
from rein.btc.hashes import hash160, sha256d
from rein.btc.keys import PrivateKey
from rein.errors import InputError

_MAGIC: Final = b"\x18Bitcoin Signed Message:\n"
_FIRST_HEADER: Final = 27
_COMPRESSED: Final = 4
_LAST_HEADER: Final = _FIRST_HEADER + 3 + _COMPRESSED

_SIGNATURE_BYTES: Final = 65
_SIGNATURE_TEXT: Final = 88


def is_low_s(signature: str) -> bool:
    """Whether a signature has the one spelling that its key's holder alone can make: from any other, anybody computes
    this one and the other way round."""
    data = _decode(signature)
    return data is not None and int.from_bytes(data[33:], "big") <= curve.HALF_ORDER


def _digest(text: str) -> bytes:
    data = text.encode()
    return sha256d(_MAGIC + compact_size(len(data)) + data)


def sign(key: PrivateKey, text: str) -> str:
    """The signature Bitcoin Core would make of the same key and text. InputError if UTF-8 cannot hold the text."""
    try:
        digest = _digest(text)
    except UnicodeEncodeError:
        raise InputError("the text holds half of a surrogate pair, which UTF-8 cannot write") from None
    recid, r_s = curve.sign_recoverable(key.secret, digest)
    header = _FIRST_HEADER + recid + (_COMPRESSED if key.compressed else 0)
    return b64encode(bytes([header]) + r_s).decode()


def _decode(signature: str) -> bytes | None:
    """The 65 bytes, if that text is their one base64 spelling."""
    if len(signature) != _SIGNATURE_TEXT or not signature.isascii():
        return None
    try:
        data = a2b_base64(signature)
    except Base64Error:
        return None
    # a2b_base64 skips what it does not know and drops non-zero trailing bits: only the exact spelling comes back.
    if len(data) != _SIGNATURE_BYTES or b64encode(data) != signature.encode():
        return None
    return data


def verify(address: str, text: str, signature: str) -> bool:
    """Whether the holder of a P2PKH address (of any known network) signed exactly this text. Never raises.

    Stricter than Bitcoin Core on spelling: exact base64 and a header of 27..34. A high s is accepted, as Core does.
    """
    data = _decode(signature)
    key_hash = hash_of_identity(address)
    if data is None or key_hash is None:
        return False
    header = data[0]
    if not _FIRST_HEADER <= header <= _LAST_HEADER:
        return False
    try:
        digest = _digest(text)
    except UnicodeEncodeError:
        return False
    recid, compressed = (header - _FIRST_HEADER) % 4, header >= _FIRST_HEADER + _COMPRESSED
    public_key = curve.recover(digest, recid, data[1:], compressed)
    return public_key is not None and hash160(public_key) == key_hash
