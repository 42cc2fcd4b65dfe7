"""Sealing texts between two parties of a job.

    shared key      HKDF-SHA256(ECDH of both message keys; the job document's id, both public keys in order)
    of one text     HKDF-SHA256(shared key; a random salt of 32 bytes) gives an encryption key and a commitment
    sealed text     base64 of: salt, commitment, ChaCha20-Poly1305 (RFC 8439) of the padded text

Each text has an encryption key of its own, so the nonce can be zero and no two texts meet under one. The commitment
makes one sealed text open under one shared key only, which the AEAD alone does not promise: the shared key, disclosed
later, shows what the receiver read, or nothing. That a disclosed key is the shared one is not proved by it. The
associated data is the rest of the document, so a sealed text cannot be put into another. Lengths are hidden up to
multiples of 256 bytes.

From the shared key of one job nobody gets the message keys, nor the shared key of another job.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

from rein.btc import curve
from rein.btc.keys import PrivateKey
from rein.errors import FieldError, KeyMaterialError
from rein.lazy import lazy
from rein.protocol.limits import MAX_MESSAGE_BYTES
from rein.protocol.text import check_text
from rein.protocol.values import DocumentId

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers import aead
    from cryptography.hazmat.primitives.kdf import hkdf
else:
    exceptions = lazy("cryptography.exceptions")
    aead = lazy("cryptography.hazmat.primitives.ciphers.aead")
    hashes = lazy("cryptography.hazmat.primitives.hashes")
    hkdf = lazy("cryptography.hazmat.primitives.kdf.hkdf")

SHARED_KEY_BYTES: Final = 32
BLOCK: Final = 256
"""Bytes: a padded text is a multiple of it."""

_SALT_BYTES: Final = 32
_COMMITMENT_BYTES: Final = 32
_HEAD_BYTES: Final = _SALT_BYTES + _COMMITMENT_BYTES
_TAG_BYTES: Final = 16
_NONCE: Final = bytes(12)
_SHARED_INFO: Final = b"rein/message/shared-key"
_TEXT_INFO: Final = b"rein/message/text"
_END: Final = b"\x80"
"""Stands after the text; zeros follow (ISO/IEC 7816-4)."""


def shared_key(mine: PrivateKey, theirs: bytes, job_document: DocumentId) -> bytes:
    """The 32 bytes that two message keys share in one job, the same from either side.

    :raises KeyMaterialError: `theirs` is not a public key.
    """
    point = curve.ecdh(mine.secret, theirs)
    if point is None:
        raise KeyMaterialError("the other party's message key is not a point of the curve")
    first, second = sorted((mine.public_key, theirs))
    return _derive(point, bytes.fromhex(job_document), _SHARED_INFO + first + second, SHARED_KEY_BYTES)


def seal(shared: bytes, text: str, associated_data: bytes) -> str:
    """The sealed text, in base64.

    :raises FieldError: the text is empty, too long, or holds what no document may hold.
    """
    check_text(text)
    data = text.encode()
    if not data:
        raise FieldError("the text to seal is empty")
    if len(data) > MAX_MESSAGE_BYTES:
        raise FieldError(f"the text to seal has {len(data):,} bytes; at most {MAX_MESSAGE_BYTES:,} can be sealed")
    salt = secrets.token_bytes(_SALT_BYTES)
    key, commitment = _keys_of_text(shared, salt)
    padded = data + _END
    padded += bytes(-len(padded) % BLOCK)
    return b64encode(salt + commitment + _cipher(key).encrypt(_NONCE, padded, associated_data)).decode()


def unseal(shared: bytes, sealed: str, associated_data: bytes) -> str:
    """The text.

    :raises FieldError: it was sealed with another key, or for another document, or is not a sealed text.
    """
    try:
        data = b64decode(sealed, validate=True)
    except ValueError as error:
        raise FieldError("the sealed text is not base64") from error
    salt, commitment, rest = data[:_SALT_BYTES], data[_SALT_BYTES:][:_COMMITMENT_BYTES], data[_HEAD_BYTES:]
    if len(rest) < BLOCK + _TAG_BYTES or b64encode(data).decode() != sealed:
        raise FieldError("the sealed text is cut short, or not spelled as it must be")
    key, expected = _keys_of_text(shared, salt)
    if not hmac.compare_digest(commitment, expected):
        raise FieldError("the text is sealed with another key")
    try:
        padded: bytes = _cipher(key).decrypt(_NONCE, rest, associated_data)
    except exceptions.InvalidTag:
        raise FieldError("the sealed text was changed, or belongs to another document") from None
    return _unpadded(padded)


def _unpadded(padded: bytes) -> str:
    data, end, rest = padded.rpartition(_END)
    if not end or not data or rest.strip(b"\0") or len(padded) != -(-(len(data) + 1) // BLOCK) * BLOCK:
        raise FieldError("the sealed text is not padded as it must be")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FieldError("the sealed text is not UTF-8") from error
    check_text(text)
    return text


def _keys_of_text(shared: bytes, salt: bytes) -> tuple[bytes, bytes]:
    keys = _derive(shared, salt, _TEXT_INFO, 32 + _COMMITMENT_BYTES)
    return keys[:32], keys[32:]


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 (RFC 5869)."""

    derived: bytes = hkdf.HKDF(hashes.SHA256(), length, salt, info).derive(secret)
    return derived


def _cipher(key: bytes) -> aead.ChaCha20Poly1305:
    return aead.ChaCha20Poly1305(key)
