"""QR codes on a terminal, read again as a scanner would: from the characters, module for module."""

from __future__ import annotations

import io
import sys
from base64 import b64decode
from collections.abc import Sequence

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from rein.cli.console.qr import MAX_BYTES, QUIET_ZONE, qr_lines, show_qr
from rein.cli.console.terminal import Terminal
from rein.errors import InputError
from tests.btc import bip174
from tests.cli.conftest import Rein

URI = "bitcoin:bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry?amount=0.01500000&label=Rein%20x"
_LIGHT = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}


def modules(lines: Sequence[str]) -> list[list[bool]]:
    """Rows of modules, True where dark: what the eye sees on a dark terminal."""
    rows: list[list[bool]] = []
    for line in lines:
        pairs = [_LIGHT[character] for character in line]
        rows += [[not top for top, _ in pairs], [not bottom for _, bottom in pairs]]
    return rows


def scan(lines: Sequence[str]) -> bytes:
    """The bytes in a code, by a scanner that knows nothing of who made it."""
    scanner = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")
    scale = 4
    pixels = [
        bytes(0 if dark else 255 for dark in row for _ in range(scale)) for row in modules(lines) for _ in range(scale)
    ]
    image = memoryview(b"".join(pixels)).cast("B", shape=[len(pixels), len(pixels[0])])
    [found] = scanner.read_barcodes(image)
    return bytes(found.bytes)


@pytest.mark.parametrize("data", [b"a", URI.encode(), bip174.COMBINED.encode(), b64decode(bip174.COMBINED)])
def test_a_scanner_reads_it(data: bytes) -> None:
    assert scan(qr_lines(data)) == data


def test_the_largest_code_there_is() -> None:
    data = bytes(range(256)) * 12
    largest = data[:MAX_BYTES]
    lines = qr_lines(largest)
    assert len(lines[0]) == 177 + 2 * QUIET_ZONE
    assert scan(lines) == largest
    with pytest.raises(InputError, match="too many"):
        qr_lines(data[: MAX_BYTES + 1])


@given(st.binary(min_size=1, max_size=400))
@settings(max_examples=25)
def test_every_cell_is_the_librarys(data: bytes) -> None:
    code = segno.make(data, error="L", mode="byte", micro=False)
    rows = modules(qr_lines(data))
    size = len(code.matrix) + 2 * QUIET_ZONE
    assert [len(row) for row in rows] == [size] * (size + 1), "the last row of modules is paired with a light one"
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            inside = QUIET_ZONE <= x < size - QUIET_ZONE and QUIET_ZONE <= y < size - QUIET_ZONE
            assert dark == (inside and bool(code.matrix[y - QUIET_ZONE][x - QUIET_ZONE]))


class Screen(io.TextIOWrapper):
    """A terminal of an encoding."""

    def __init__(self, encoding: str, is_terminal: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def shown(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


def test_on_a_terminal_with_colours_it_is_black_on_white(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stdout", screen := Screen("utf-8"))
    show_qr(Terminal(), URI.encode())
    lines = screen.shown.splitlines()
    on, off = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
    assert all(line.startswith(on) and line.endswith(off) for line in lines)
    swapped = str.maketrans("█▀▄ ", " ▄▀█")
    assert [line.removeprefix(on).removesuffix(off).translate(swapped) for line in lines] == qr_lines(URI.encode())


def test_without_colours_light_modules_are_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    for is_terminal in (True, False):
        monkeypatch.setattr(sys, "stdout", screen := Screen("utf-8", is_terminal))
        show_qr(Terminal(), URI.encode())
        assert screen.shown.splitlines() == qr_lines(URI.encode())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_the_characters(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", screen := Screen(encoding))
    with pytest.raises(InputError, match=encoding) as caught:
        show_qr(Terminal(), b"x")
    assert "UTF-8" in str(caught.value.hint)
    assert screen.shown == ""


def test_a_terminal_that_is_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", screen := Screen("utf-8"))
    with pytest.raises(InputError, match="this terminal 40"):
        show_qr(Terminal(), URI.encode())
    assert screen.shown == ""


def test_a_psbt_as_a_code(rein: Rein) -> None:
    done = rein("psbt", "export", bip174.COMBINED, "--qr")
    assert done.code == 0, done.err
    assert scan(done.out.splitlines()) == bip174.COMBINED.encode()
    told = rein("psbt", "export", bip174.COMBINED, "--qr", "--json")
    assert told.data == {"psbt": bip174.COMBINED}
