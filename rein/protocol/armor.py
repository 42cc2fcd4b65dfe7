"""The envelope of a signed text, as the Bitcoin signature tools of 2016 write it:

    -----BEGIN BITCOIN SIGNED MESSAGE-----
    the text, one or more lines
    -----BEGIN SIGNATURE-----
    the signing address
    the signature in base64
    -----END BITCOIN SIGNED MESSAGE-----

The signed bytes are exactly what stands between the line feed after the first line and the line feed before
`-----BEGIN SIGNATURE-----`. Nothing is trimmed, folded or unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import ArmorError, TooLargeError
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.text import is_utf8

BEGIN = "-----BEGIN BITCOIN SIGNED MESSAGE-----"
BEGIN_SIGNATURE = "-----BEGIN SIGNATURE-----"
END = "-----END BITCOIN SIGNED MESSAGE-----"


@dataclass(frozen=True)
class Armored:
    """The three parts of an armored text. Nothing has been verified yet."""

    text: str
    address: str
    signature: str

    def __str__(self) -> str:
        return "\n".join((BEGIN, self.text, BEGIN_SIGNATURE, self.address, self.signature, END))


def read_armor(armored: str) -> Armored:
    """Take an armored text apart. A line feed after the last line is allowed, as enrollments of 2016 have it.

    :raises TooLargeError: over `MAX_DOCUMENT_BYTES` bytes of UTF-8.
    :raises ArmorError: for anything that is not exactly the layout above.
    """
    check_size(armored)
    lines = armored.removesuffix("\n").split("\n")
    if len(lines) < 6:
        raise ArmorError("the document is cut short: it has fewer lines than the armor alone needs")
    if lines[0] != BEGIN:
        raise ArmorError(f"the first line is not {BEGIN}")
    if lines[-1] != END:
        raise ArmorError(f"the last line is not {END}: the document is cut short or something follows it")
    if lines[-4] != BEGIN_SIGNATURE:
        raise ArmorError(f"{BEGIN_SIGNATURE} does not stand four lines from the end")
    body = lines[1:-4]
    for number, line in enumerate(body, start=2):
        if line.startswith("-----"):
            raise ArmorError(f"line {number} begins with five dashes, which only armor may")
        if "\r" in line:
            raise ArmorError(f"line {number} holds a carriage return; lines end with a line feed alone")
    return Armored(text="\n".join(body), address=lines[-3], signature=lines[-2])


def check_size(armored: str) -> None:
    """Refuse what is too large or not UTF-8, before any other work is spent on it."""
    if len(armored) > MAX_DOCUMENT_BYTES:
        raise TooLargeError(f"the document has more than {MAX_DOCUMENT_BYTES:,} bytes")
    if not is_utf8(armored):
        raise ArmorError("the document holds a lone surrogate, which UTF-8 cannot carry")
    if "\x00" in armored:
        raise ArmorError("the document holds a NUL character")
    size = len(armored.encode())
    if size > MAX_DOCUMENT_BYTES:
        raise TooLargeError(f"the document has {size:,} bytes; {MAX_DOCUMENT_BYTES:,} are allowed")
