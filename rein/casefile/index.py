"""The index of a case: who made it, of which job, and the hash of every piece; signed like a document.

It is not a document of the job: it goes to no server and moves nothing.

    Rein Case
    Format: 1
    Network: regtest
    Job document: <id>
    Offer: <id>                      where the job has one
    Delegate address: <who signs>
    Master address: <for whom>
    Piece: <SHA-256> <name>          once for each, by name
    Attachment: <SHA-256> <bytes> <name>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import NETWORKS, Network
from rein.casefile.archive import INDEX
from rein.errors import ArmorError, CaseError, TooLargeError
from rein.protocol.armor import BEGIN, BEGIN_SIGNATURE, END, Armored
from rein.protocol.text import escape, unescape
from rein.protocol.values import IDENTITY_ADDRESS, DocumentId, document_id

TITLE = "Rein Case"
_MAX_INDEX = 1_048_576
_PIECE = re.compile(r"([0-9a-f]{64}) ([a-z0-9._/-]+)")
_ATTACHMENT = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,15}) (.+)")


@dataclass(frozen=True)
class Attachment:
    """A file that belongs to the case and is not in it. `name` is whatever its owner calls it."""

    sha256: str
    size: int
    name: str


@dataclass(frozen=True)
class Index:
    """What the maker of a case signs."""

    network: Network
    job_document: DocumentId
    offer: DocumentId | None
    delegate_address: str
    master_address: str
    pieces: Mapping[str, str]
    """SHA-256 in hex by name."""
    attachments: tuple[Attachment, ...]


def sign_index(index: Index, key: PrivateKey) -> bytes:
    """The signed text.

    :raises CaseError: the key is not that of the delegate address.
    """
    if p2pkh_address(key.public_key, index.network) != index.delegate_address:
        raise CaseError("the key is not the one that the index names")
    text = "\n".join(_lines(index))
    return str(Armored(text, index.delegate_address, message.sign(key, text))).encode()


def read_index(content: bytes) -> Index:
    """Check the signature and read.

    :raises CaseError: saying what is wrong.
    """
    try:
        parts = _read_armor(content)
        if not message.verify(parts.address, parts.text, parts.signature):
            raise CaseError(f"{INDEX} is not signed by the address that stands in it: it was changed")
        index = _parse(parts.text)
    except (ArmorError, TooLargeError, ValueError) as error:
        raise CaseError(f"{INDEX} is not the signed index of a case: {error}") from None
    if parts.address != index.delegate_address:
        raise CaseError(f"{INDEX} is signed by {parts.address}, and names {index.delegate_address}")
    if "\n".join(_lines(index)) != parts.text:
        raise CaseError(f"{INDEX} is not written the one way it can be written")
    return index


def check_pieces(index: Index, pieces: Mapping[str, bytes]) -> None:
    """Hold every piece against the index.

    :raises CaseError: naming the piece that was changed, added or is missing.
    """
    for name, digest in index.pieces.items():
        if name not in pieces:
            raise CaseError(f"the piece {name} is missing")
        if sha256(pieces[name]).hex() != digest:
            raise CaseError(f"the piece {name} was changed")
    for name in pieces:
        if name != INDEX and name not in index.pieces:
            raise CaseError(f"the piece {name} was added: the index does not name it")


def _lines(index: Index) -> Iterable[str]:
    yield TITLE
    yield "Format: 1"
    yield f"Network: {index.network.name}"
    yield f"Job document: {index.job_document}"
    if index.offer is not None:
        yield f"Offer: {index.offer}"
    yield f"Delegate address: {index.delegate_address}"
    yield f"Master address: {index.master_address}"
    for name in sorted(index.pieces):
        yield f"Piece: {index.pieces[name]} {name}"
    for each in index.attachments:
        yield f"Attachment: {each.sha256} {each.size} {escape(each.name)}"


def _read_armor(content: bytes) -> Armored:
    """As `read_armor`, for a text that may be longer than a document."""
    if len(content) > _MAX_INDEX:
        raise TooLargeError("it is too large")
    lines = content.decode().split("\n")
    if len(lines) < 6 or (lines[0], lines[-4], lines[-1]) != (BEGIN, BEGIN_SIGNATURE, END):
        raise ArmorError("it has not the armor of a signed text")
    return Armored("\n".join(lines[1:-4]), lines[-3], lines[-2])


def _parse(text: str) -> Index:
    rows = text.split("\n")
    if rows[:2] != [TITLE, "Format: 1"]:
        raise ValueError("it is not one, or one of a newer Rein")
    single: dict[str, str] = {}
    pieces: dict[str, str] = {}
    attachments: list[Attachment] = []
    for row in rows[2:]:
        label, separator, value = row.partition(": ")
        if label == "Piece" and (match := _PIECE.fullmatch(value)) and match[2] not in pieces:
            pieces[match[2]] = match[1]
        elif label == "Attachment" and (match := _ATTACHMENT.fullmatch(value)):
            attachments.append(Attachment(match[1], int(match[2]), unescape(match[3])))
        elif separator and label not in single and label not in ("Piece", "Attachment"):
            single[label] = value
        else:
            raise ValueError(f"{row[:60]!r} is not a line of one")
    known = {"Network", "Job document", "Offer", "Delegate address", "Master address"}
    if not known - {"Offer"} <= set(single) <= known or single["Network"] not in NETWORKS:
        raise ValueError("a line is missing, or one too many")
    return Index(
        NETWORKS[single["Network"]],
        document_id(single["Job document"]),
        document_id(single["Offer"]) if "Offer" in single else None,
        IDENTITY_ADDRESS.parse(single["Delegate address"]),
        IDENTITY_ADDRESS.parse(single["Master address"]),
        pieces,
        tuple(attachments),
    )
