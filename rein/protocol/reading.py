"""Signed texts as people hand them over: out of files, mail and other wallets, into the armor that is verified.

Only what lies around a text is put right: the encoding of the file, line ends, blank lines, quotation marks of mail,
how other wallets name the parts of the armor, and how they spell a signature and an address. The signed text itself is
never changed beyond its line ends, of which a document has one kind only, so that its id and whether its signature is
right are decided by exactly what was signed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64

from rein.btc.address import address_of_script, p2pkh_script_of_witness, script_of_address
from rein.btc.networks import NETWORKS
from rein.errors import ArmorError, InputError
from rein.protocol.armor import BEGIN, Armored
from rein.protocol.fields import FORMAT_LABEL

_BEGIN = re.compile(rf"(?P<prefix>[> \t]*){BEGIN}[ \t]*")
_BEGIN_SIGNATURE = re.compile(r"-----BEGIN (?:BITCOIN )?SIGNATURE-----")
_END = re.compile(r"-----END BITCOIN (?:SIGNED MESSAGE|SIGNATURE)-----")
_HEADER = re.compile(r"(?:Version|Comment|Hash|Charset): .*")
_ADDRESS = "Address: "
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_SIGNATURE_BYTES = 65
_COMPRESSED_HEADERS = range(31, 35)
_SEGWIT_HEADERS = range(35, 43)
"""BIP137: 35 to 38 for P2SH-P2WPKH, 39 to 42 for P2WPKH; the signature is what the same key makes for P2PKH."""


def decode(content: bytes, name: str) -> str:
    """The text in a file: UTF-8, or UTF-16 with its mark; line ends become line feeds.

    :param name: of the file, for people.
    :raises InputError: it is neither.
    """
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text in UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def armored_texts(text: str, name: str) -> list[str]:
    """The armored texts in a text, one or several, with anything around them.

    :raises InputError: there is none.
    :raises ArmorError: one is cut short, or quoted in part.
    """
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines) if _BEGIN.fullmatch(line)]
    if not begins:
        raise InputError(f"{name} holds no signed document: no line in it is {BEGIN}")
    ends = [*begins[1:], len(lines)]
    return [
        _armored(lines[begin:end], f"{name}: the document that begins in line {begin + 1}")
        for begin, end in zip(begins, ends, strict=True)
    ]


def armored_text(text: str, name: str) -> str:
    """The one armored text in a text.

    :raises InputError: there is none, or more than one.
    :raises ArmorError: it is cut short, or quoted in part.
    """
    found = armored_texts(text, name)
    if len(found) > 1:
        raise InputError(f"{name} holds {len(found)} signed documents, and one is wanted")
    return found[0]


def bare_text(text: str) -> str:
    """A text that is signed without armor, without the blank lines around it and the quotation marks of mail."""
    lines = text.strip("\n").split("\n")
    quote = re.match(r"(?:> ?)*", lines[0])
    prefix = quote[0] if quote else ""
    return "\n".join(_unquoted(lines, prefix, "the text")).strip("\n")


def read_signature(text: str) -> str:
    """A signature of a message as `rein.btc.message` spells it, out of the ways in which other wallets do: base64url,
    without padding, broken over lines, or with a header that names a segwit address (BIP137).

    :raises ArmorError: it is none.
    """
    spelled = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = a2b_base64(spelled + "=" * (-len(spelled) % 4), strict_mode=True)
    except (Base64Error, ValueError):
        raise ArmorError("the signature is not base64", hint="Copy it again, whole.") from None
    if len(data) != _SIGNATURE_BYTES:
        raise ArmorError(
            f"the signature has {len(data)} bytes, and that of a signed message has {_SIGNATURE_BYTES}",
            hint="Copy it again, whole. Signatures by BIP322 are not read: sign with the address in the text.",
        )
    if data[0] in _SEGWIT_HEADERS:
        header = _COMPRESSED_HEADERS[(data[0] - _SEGWIT_HEADERS.start) % 4]
        data = bytes([header]) + data[1:]
    return b64encode(data).decode()


def read_address(text: str) -> str:
    """The P2PKH address of who signed. A wallet may name the P2WPKH address of the same key instead."""
    address = text.strip().removeprefix(_ADDRESS)
    for network in NETWORKS.values():
        if address.lower().startswith(f"{network.hrp}1"):
            try:
                script = p2pkh_script_of_witness(script_of_address(address, network))
            except InputError:
                return address
            return address if script is None else address_of_script(script, network)
    return address


def damage_in(armored: str) -> str | None:
    """What may have happened to a text on its way whose signature is not right, as far as the text itself tells."""
    lines = armored.split("\n")[1:-4]
    if len(lines) < 2 or not lines[1].startswith(f"{FORMAT_LABEL}: "):
        return None
    for number, line in enumerate(lines[1:], start=3):
        if ": " not in line:
            return f"Line {number} of the document is not `Label: value`: a program may have broken a long line there."
        if line != line.strip():
            return f"Line {number} of the document begins or ends with a blank, which was not there when it was signed."
    return None


def _armored(lines: list[str], where: str) -> str:
    """The armored text whose first of these lines is the first."""
    begin = _BEGIN.fullmatch(lines[0])
    lines = _unquoted(lines, begin["prefix"] if begin else "", where)
    end = next((number for number, line in enumerate(lines) if _END.fullmatch(line.strip())), None)
    signature = next((number for number, line in enumerate(lines) if _BEGIN_SIGNATURE.fullmatch(line.strip())), None)
    if end is None or signature is None or signature > end:
        raise ArmorError(f"{where} is cut short")
    said = [line for line in lines[signature + 1 : end] if line.strip() and not _HEADER.fullmatch(line.strip())]
    if len(said) < 2:
        raise ArmorError(f"{where} has no address and signature")
    return str(Armored("\n".join(lines[1:signature]), read_address(said[0]), read_signature("".join(said[1:]))))


def _unquoted(lines: list[str], prefix: str, where: str) -> list[str]:
    """Lines without what stands before each of them, up to the end of the armor."""
    if not prefix.strip():
        return [line.removeprefix(prefix) for line in lines]
    found: list[str] = []
    for number, line in enumerate(lines):
        if not line.startswith(prefix.rstrip()):
            if line.strip() and not any(_END.fullmatch(each.strip()) for each in found):
                raise ArmorError(f"{where} is quoted in part: its line {number + 1} is not")
            break
        found.append(line.removeprefix(prefix) if line.startswith(prefix) else line.removeprefix(prefix.rstrip()))
    return found
