"""A stranger's case file is bounded before any of it is read."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.casefile.archive import MAX_CASE_BYTES, MAX_PIECES, read_archive, write_archive
from rein.errors import CaseError

PIECES = {"case.txt": b"index", "documents/a.txt": b"x" * 1_000, "proofs/b.json": b"{}"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_archive(tmp_path / "case.zip", PIECES)
    return tmp_path / "case.zip"


def test_what_is_written_is_read(file: Path) -> None:
    assert read_archive(file) == PIECES


def test_as_many_pieces_as_a_case_may_have(tmp_path: Path) -> None:
    pieces = {f"documents/{'a' * 145}{number:04}": b"" for number in range(MAX_PIECES)}
    write_archive(tmp_path / "full.zip", pieces)
    assert read_archive(tmp_path / "full.zip") == pieces


def _directory(entries: int) -> bytes:
    """A ZIP of nothing but a directory of this many entries."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, *[0] * 14)
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, min(entries, 65_535), min(entries, 65_535), len(entry) * entries, 0, 0
    )
    return entry * entries + end


@pytest.mark.parametrize("entries", [MAX_PIECES + 1, 60_000, 1_300_000])
def test_a_huge_directory_is_refused_before_it_is_read(entries: int, tmp_path: Path) -> None:
    """60 MB of entries took 15 seconds and 595 MB."""
    (tmp_path / "huge.zip").write_bytes(_directory(entries))
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(CaseError, match="more than 5,000 pieces"):
        read_archive(tmp_path / "huge.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - began < 1
    assert peak < 3 * MAX_CASE_BYTES


def test_a_directory_that_lies_about_its_size_costs_no_more(tmp_path: Path) -> None:
    """The count and the size in its last record are small, and it begins earlier than it says."""
    content = bytearray(_directory(1_300_000))
    for start, size in ((0, 46), (46 * 1_299_999, 46)):
        content[-22:] = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, start, 0)
        (tmp_path / "lying.zip").write_bytes(content)
        began = time.process_time()
        with pytest.raises(CaseError):
            read_archive(tmp_path / "lying.zip")
        assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("where", "value"),
    [(4, b"\1"), (6, b"\1"), (8, b"\2"), (16, b"\xff"), (20, b"\1"), (0, b"X")],
    ids=["disk", "first disk", "count", "offset", "comment", "signature"],
)
def test_a_last_record_that_is_not_as_rein_writes_it(file: Path, where: int, value: bytes) -> None:
    content = bytearray(file.read_bytes())
    at = len(content) - 22 + where
    content[at : at + 1] = value
    file.write_bytes(content)
    with pytest.raises(CaseError, match="not a case file"):
        read_archive(file)


def test_a_zip64_is_refused(file: Path) -> None:
    """Its records would tell other sizes than the ones that were held against the bounds."""
    content = file.read_bytes()
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    end = bytearray(content[-22:])
    size = struct.unpack_from("<L", end, 12)[0] + len(locator)
    struct.pack_into("<L", end, 12, size)
    file.write_bytes(content[:-22] + locator + bytes(end))
    with pytest.raises(CaseError, match="not where it says"):
        read_archive(file)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_piece_chooses_no_way_of_packing(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "case.zip", "w", method) as archive:
        archive.writestr("case.txt", b"index")
    with pytest.raises(CaseError, match="packed in a way"):
        read_archive(tmp_path / "case.zip")


@given(content=st.binary(max_size=200), tail=st.binary(max_size=60), cut=st.integers(0, 400))
@example(content=b"", tail=b"", cut=0)
def test_no_bytes_end_in_a_traceback(
    content: bytes, tail: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = io.BytesIO()
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("case.txt", content)
    path = tmp_path_factory.getbasetemp() / "any.zip"
    for data in (content, good.getvalue()[cut:], good.getvalue()[: -cut or None] + tail, tail + good.getvalue()):
        path.write_bytes(data)
        with contextlib.suppress(CaseError):
            read_archive(path)
