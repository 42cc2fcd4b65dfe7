"""QR codes on a terminal: two modules a character, in half blocks."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from rein.cli.console.terminal import Terminal
from rein.errors import InputError
from rein.lazy import lazy

if TYPE_CHECKING:
    import segno
else:
    segno = lazy("segno")

MAX_BYTES = 2953
"""What the largest QR code holds: version 40, error correction L (ISO/IEC 18004)."""

QUIET_ZONE = 4
"""Light modules around the code; scanners need them to find it."""

_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_PLAIN = "\x1b[0m"

# By whether the upper and the lower module are light. Blocks are light: most terminals are dark, and where colours can
# be set they are.
_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def qr_lines(data: bytes) -> list[str]:
    """The code of these bytes with its quiet zone, a line of text for every two rows of modules; light modules are
    blocks, dark ones blank.

    :raises InputError: more bytes than a code can hold.
    """
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{len(data):,} bytes are too many for one QR code, which holds {MAX_BYTES:,}",
            hint="Write a file instead (-o FILE) and carry that.",
        )
    code = segno.make(data, error="L", mode="byte", micro=False)
    rows = [[not dark for dark in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    if len(rows) % 2:
        rows.append([True] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_BLOCKS[top, bottom] for top, bottom in zip(*pair, strict=True)) for pair in pairs]


def show_qr(terminal: Terminal, data: bytes) -> None:
    """Print the code of these bytes.

    :raises InputError: too many bytes, or a terminal that cannot show it.
    """
    lines = qr_lines(data)
    stream = sys.stderr if terminal.as_json else sys.stdout
    encoding = stream.encoding or "utf-8"  # None: a buffer of text, which takes anything
    try:
        "".join(_BLOCKS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        raise InputError(
            f"this terminal's encoding is {encoding}, which has no characters for a QR code",
            hint="Use a UTF-8 terminal (LANG=C.UTF-8, or PYTHONIOENCODING=utf-8), or copy the text instead.",
        ) from None
    is_terminal = stream.isatty()
    columns = shutil.get_terminal_size((100, 24)).columns
    if is_terminal and columns < len(lines[0]):
        raise InputError(
            f"the QR code is {len(lines[0])} columns wide and this terminal {columns}",
            hint="Make the window wider or its letters smaller, or write a file.",
        )
    coloured = is_terminal and "NO_COLOR" not in os.environ
    for line in lines:
        # In colours the blocks would be dark: so the other way round.
        terminal.say(f"{_BLACK_ON_WHITE}{_inverted(line)}{_PLAIN}" if coloured else line)


def _inverted(line: str) -> str:
    return line.translate(str.maketrans("█▀▄ ", " ▄▀█"))
