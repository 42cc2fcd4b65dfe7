"""`Signed[T]`: a document together with the exact bytes that were signed.

There are two ways to get one: `sign` a document of one's own, or `verify` an armored text. Holding a `Signed` means
that the signature is right and is by the address the document itself names as its author's, and that an escrow key
which the document introduces has signed it too. Whether that author may say such a thing is a question to the
enrollments (`rein.protocol.enrollments`) and to the order (`orders`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, BadSignatureError, FieldError, TooLargeError
from rein.protocol import fields
from rein.protocol.armor import Armored, check_size, read_armor
from rein.protocol.documents import TYPES, Document, EscrowSigned, LegacyDocument
from rein.protocol.documents.legacy import read_legacy
from rein.protocol.values import DocumentId

T = TypeVar("T", bound=Document | LegacyDocument)
D = TypeVar("D", bound=Document)

AnyDocument = Document | LegacyDocument

_TYPE_OF_TITLE = {cls.TITLE: cls for cls in TYPES}
_ESCROW_SIGNATURE = next(each.label for each in fields.lines_of(EscrowSigned) if each.attribute == "escrow_signature")
_FORMAT_LINE = f"{fields.FORMAT_LABEL}: {fields.FORMAT}"


@dataclass(frozen=True)
class Signed(Generic[T]):
    """A verified document. Two of them are equal if the same text was signed by the same address: a signature has
    many spellings, so it is part of neither the identity nor the id."""

    document: T
    text: str
    address: str
    armored: str

    @cached_property
    def id(self) -> DocumentId:
        """SHA-256 of the signed text, in hex. The text names its only possible signer, so it stands for both."""
        return text_id(self.text)

    def is_signed_by_escrow_key(self, public_key: bytes) -> bool:
        """Whether the holder of this key (33 bytes) has signed the document too, extension lines and all."""
        document = self.document
        if not isinstance(document, EscrowSigned) or document.escrow_signature is None:
            return False
        if not message.is_low_s(document.escrow_signature):
            return False  # whoever holds a delegate key could spell it so, and say the same thing twice
        own_line = f"\n{_ESCROW_SIGNATURE}: {document.escrow_signature}"
        address = p2pkh_address(public_key, document.network)
        return _verify(address, self.text.replace(own_line, "", 1), document.escrow_signature)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signed) and (self.text, self.address) == (other.text, other.address)

    def __hash__(self) -> int:
        return hash((self.text, self.address))


def text_id(text: str) -> DocumentId:
    """The id of a document whose signed text is `text`."""
    return DocumentId(sha256(text.encode()).hex())


def sign(document: D, key: PrivateKey, escrow_key: PrivateKey | None = None) -> Signed[D]:
    """Write a document and sign it.

    :param escrow_key: the author's key in the contract, for a document that binds its author in one (`EscrowSigned`).
    :raises AuthorityError: `key` is not the one whose address the document names as its author's, or `escrow_key` not
        the one it names, or it is missing.
    :raises FieldError: a field cannot be written, or contradicts another.
    :raises TooLargeError: the armored text is over the limit.
    """
    try:
        return _sign(document, key, escrow_key)
    except (FieldError, TooLargeError) as error:
        error.hint = error.hint or _OWN
        raise


_OWN = "Nothing was signed. Shorten or change what you gave for it."


def _sign(document: D, key: PrivateKey, escrow_key: PrivateKey | None) -> Signed[D]:
    address = p2pkh_address(key.public_key, document.network)
    _check_author(document, address)
    document.check()
    if isinstance(document, EscrowSigned):
        document = _with_escrow_signature(document, escrow_key)
    text = fields.write(document.TITLE, document)
    if fields.read(type(document), document.TITLE, text) != document:
        raise FieldError(f"this {document.TITLE} cannot be written so that it reads the same")
    armored = str(Armored(text, address, message.sign(key, text)))
    check_size(armored)
    return Signed(document, text, address, armored)


def verify(armored: str) -> Signed[Any]:
    """Check an armored text from anybody, and read it. Cheap checks come first: size, armor, signature, then fields.

    :raises TooLargeError: over the limit.
    :raises ArmorError: not the armor of a signed text, or cut short.
    :raises BadSignatureError: the signature is not by the address that stands above it.
    :raises FieldError: the text is not a document, or breaks a rule of its type.
    :raises AuthorityError: signed by an address other than the author it names.
    """
    parts = read_armor(armored)
    if not message.verify(parts.address, parts.text, parts.signature):
        raise BadSignatureError(
            "the signature does not belong to this text and address",
            hint="The text was changed after signing, or somebody else signed it.",
        )
    document = _read(parts)
    _check_author(document, parts.address)
    if isinstance(document, Document):
        document.check()
    signed = Signed(document, parts.text, parts.address, armored)
    _check_escrow_signature(signed)
    return signed


def _read(parts: Armored) -> AnyDocument:
    title, _, rest = parts.text.partition("\n")
    format_line = rest.partition("\n")[0]
    if not format_line.startswith(f"{fields.FORMAT_LABEL}:"):
        return read_legacy(parts.text)
    if format_line != _FORMAT_LINE:
        raise FieldError(
            f"{format_line[:40]!r} is not a format this Rein knows", hint="It comes from a newer Rein: try upgrading."
        )
    cls = _TYPE_OF_TITLE.get(title)
    if cls is None:
        raise FieldError(f"{title[:40]!r} is not a type of document that this Rein knows", hint="Try upgrading.")
    return fields.read(cls, title, parts.text)


def _with_escrow_signature(document: D, escrow_key: PrivateKey | None) -> D:
    assert isinstance(document, EscrowSigned)  # noqa: S101 - for the type checker: the caller has asked
    if escrow_key is None or document.own_escrow_key not in (None, escrow_key.public_key):
        raise AuthorityError(f"a {document.TITLE} is signed by its author's escrow key, and this is not it")
    unsigned = fields.write(document.TITLE, replace(document, escrow_signature=None))
    return replace(document, escrow_signature=message.sign(escrow_key, unsigned))


def _check_escrow_signature(signed: Signed[Any]) -> None:
    """Refuse a document without the signature of an escrow key, or by another one than it names."""
    document = signed.document
    if not isinstance(document, EscrowSigned):
        return
    if document.escrow_signature is None:
        raise FieldError(f"{document.TITLE} lacks the field {_ESCROW_SIGNATURE!r}")
    key = document.own_escrow_key
    if key is not None and not signed.is_signed_by_escrow_key(key):
        raise BadSignatureError(
            "the escrow key that the document names has not signed it",
            hint="Whoever wrote it does not hold that key. Rely on nothing it says.",
        )


_verify = lru_cache(maxsize=16_384)(message.verify)
"""Every fold of an order asks again."""


def _check_author(document: AnyDocument, address: str) -> None:
    expected = document.author.signing_address
    if address != expected:
        raise AuthorityError(f"it is signed by {address}, but its author would sign as {expected}")
