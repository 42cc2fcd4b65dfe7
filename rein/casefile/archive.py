"""The file: a ZIP of texts and a signed index that names each with its hash. Strict, bounded, and the same bytes for
the same case."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rein.errors import CaseError, InputError
from rein.files import write_new

INDEX: Final = "case.txt"
MAX_PIECES: Final = 5_000
MAX_PIECE_BYTES: Final = 1_048_576
MAX_CASE_BYTES: Final = 67_108_864
"""Of the file, and of all its pieces unpacked."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(/[a-z0-9][a-z0-9._-]{0,149})?")
_MAX_DIRECTORY: Final = MAX_PIECES * (46 + 251)
"""Bytes: what a ZIP's directory takes for each piece, and the longest name."""
_END = struct.Struct("<4sI2H2IH")
_END_SIGNATURE, _ZIP64_SIGNATURE = b"PK\x05\x06", b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others let a piece choose how much memory unpacking takes."""
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16


def write_archive(path: Path, pieces: Mapping[str, bytes]) -> None:
    """Write a new file, whole or not at all. Never overwrites.

    :raises InputError: the file exists or cannot be written.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(pieces, key=lambda each: (each != INDEX, each)):
            info = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, _REGULAR_FILE
            archive.writestr(info, pieces[name])
    write_new(path, packed.getvalue())


def read_archive(path: Path) -> dict[str, bytes]:
    """Every piece by its name.

    :raises InputError: the file cannot be read.
    :raises CaseError: it is not such an archive; or a piece is damaged, too large, or has no proper name, saying which.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CASE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_CASE_BYTES:
        raise CaseError(f"{path} is larger than any case: {MAX_CASE_BYTES:,} bytes")
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpack(archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise CaseError(f"{path} is not a case file, or a damaged one: {error}") from None


def _check_directory(content: bytes) -> None:
    """Hold the ZIP's directory against its bounds before anything reads it: an entry of 46 bytes becomes 500 of memory.
    Without a comment the record of its size ends the file (APPNOTE.TXT 4.3.16), and nothing stands in between.

    :raises CaseError: it has more entries or bytes than that of a case.
    :raises BadZipFile: it is not where a case has it.
    """
    start = len(content) - _END.size
    if start < 0:
        raise zipfile.BadZipFile("it is not a ZIP archive")
    signature, disks, here, entries, size, offset, comment = _END.unpack_from(content, start)
    if signature != _END_SIGNATURE or comment:
        raise zipfile.BadZipFile("it is not a ZIP archive, is cut short, or goes on after its end")
    if entries > MAX_PIECES or size > _MAX_DIRECTORY:
        raise CaseError(f"the case has more than {MAX_PIECES:,} pieces")
    locator = content[max(0, start - _ZIP64_LOCATOR_BYTES) : start]
    if disks or here != entries or offset + size != start or locator.startswith(_ZIP64_SIGNATURE):
        raise zipfile.BadZipFile("its directory is not where it says")


def _unpack(archive: zipfile.ZipFile) -> dict[str, bytes]:
    members = archive.infolist()
    if len(members) > MAX_PIECES:
        raise CaseError(f"the case has more than {MAX_PIECES:,} pieces")
    pieces: dict[str, bytes] = {}
    total = 0
    for member in members:
        name = member.filename
        if not _NAME.fullmatch(name):
            raise CaseError(f"{name[:60]!r} is not the name of a piece")
        if name in pieces:
            raise CaseError(f"the piece {name} is repeated")
        pieces[name] = _read(archive, member)
        total += len(pieces[name])
        if total > MAX_CASE_BYTES:
            raise CaseError(f"the pieces of the case are larger than {MAX_CASE_BYTES:,} bytes")
    return pieces


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """One piece, whatever length it pretends to have."""
    if member.compress_type not in _METHODS:
        raise CaseError(f"the piece {member.filename} is packed in a way that no case uses")
    try:
        with archive.open(member) as piece:
            content = piece.read(MAX_PIECE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise CaseError(f"the piece {member.filename} is damaged: {error}") from None
    if len(content) > MAX_PIECE_BYTES:
        raise CaseError(f"the piece {member.filename} is larger than {MAX_PIECE_BYTES:,} bytes")
    return content
