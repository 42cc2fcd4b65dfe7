"""`Signed[T]`: a document together with the exact bytes that were signed.

There are two ways to get one: `sign` a document of one's own, or `verify` an armored text. Holding a `Signed` means
that the signature is right and is by the address the document itself names as its author's. Whether that author may
say such a thing is a question to the enrollments (`rein.protocol.enrollments`) and to the order (`orders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, BadSignatureError, FieldError
from rein.protocol import fields
from rein.protocol.armor import Armored, check_size, read_armor
from rein.protocol.documents import TYPES, Document, LegacyDocument
from rein.protocol.documents.legacy import read_legacy
from rein.protocol.values import DocumentId

T = TypeVar("T", bound=Document | LegacyDocument)
D = TypeVar("D", bound=Document)

AnyDocument = Document | LegacyDocument

_TYPE_OF_TITLE = {cls.TITLE: cls for cls in TYPES}
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signed) and (self.text, self.address) == (other.text, other.address)

    def __hash__(self) -> int:
        return hash((self.text, self.address))


def text_id(text: str) -> DocumentId:
    """The id of a document whose signed text is `text`."""
    return DocumentId(sha256(text.encode()).hex())


def sign(document: D, key: PrivateKey) -> Signed[D]:
    """Write a document and sign it.

    :raises AuthorityError: `key` is not the one whose address the document names as its author's.
    :raises FieldError: a field cannot be written, or contradicts another.
    :raises TooLargeError: the armored text is over the limit.
    """
    address = p2pkh_address(key.public_key, document.network)
    _check_author(document, address)
    document.check()
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
    :raises FieldError: the text is no document, or breaks a rule of its type.
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
    return Signed(document, parts.text, parts.address, armored)


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
        raise FieldError(f"{title[:40]!r} is no type of document this Rein knows", hint="Try upgrading.")
    return fields.read(cls, title, parts.text)


def _check_author(document: AnyDocument, address: str) -> None:
    expected = document.author.signing_address
    if address != expected:
        raise AuthorityError(f"it is signed by {address}, but its author would sign as {expected}")
