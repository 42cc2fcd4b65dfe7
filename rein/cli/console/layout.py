"""How text lies on a terminal: how wide it is, where its lines break, and what a table looks like when there is no room
for it. Nothing here prints, and nothing makes a stranger's text harmless: `rein.cli.console.terminal` does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import click

_WORD = re.compile(r"\s*(?:[^\s`]*`(?:rein|causeway) [^`]{1,200}`\S*|\S+)")
"""Or a command in a hint of ours, which is copied from there: broken in two, a shell would run its first half."""
_TYPED = re.compile(
    r"""`(?P<quoted>(?:rein|causeway)[ ][^`]+)`                       # in the middle of a sentence
    |(?:(?<=[:?][ ])|(?<=,[ ]or[ ])|\A(?=.*[^.]\Z))                                 # or at its end, or alone
        (?P<bare>(?:rein|causeway)(?:[ ](?:'[^']*'|[^\s'])+)+)""",
    re.VERBOSE,
)
"""A command in a hint of ours."""
_LABEL = re.compile(r"\s*(?:\S(?:\S| (?! )){0,19}\s{2,})?(?=\S)")
"""The indent of a line, and a short label with blanks after it."""
_GAP = 2
"""Blanks between two columns."""
_MOST_LINES = 5
"""A cell of prose ends after so many."""
_LONGEST_WORD = 100
"""Columns. No id, address or onion URL is as long, so a longer word is prose or spite, and is cut like prose."""


def columns_of(text: str) -> int:
    """How wide a terminal shows a line: letters of East Asia take two columns, marks on the letter before none. Colours
    take none either."""
    if text.isascii():
        return len(click.unstyle(text)) if "\x1b" in text else len(text)
    return sum(map(_columns, click.unstyle(text)))


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if (
        unicodedata.category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff"
    ):  # marks; the rest of a syllable
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(line: str, width: int) -> str:
    """The beginning of a line that is too long: up to the end of a word, where one ends in its second half."""
    if columns_of(line) <= width:
        return line
    taken, used = [], 0
    for char in line:
        used += _columns(char)
        if used > width - 1:
            break
        taken.append(char)
    beginning = "".join(taken)
    if line[len(beginning)] != " " and beginning.rfind(" ") > len(beginning) // 2:
        beginning = beginning[: beginning.rindex(" ")]
    return beginning.rstrip(" ") + "…"


def wrap(line: str, room: int) -> list[str]:
    """A line broken at its blanks, indented as it is, or as what follows its label ("Hint:  ..."). A word with no room
    on a line of its own stays where it is, for the terminal to break: what is copied from there is whole."""
    if columns_of(line) <= room:
        return [line]
    found = _LABEL.match(click.unstyle(line))
    indent = " " * columns_of(found[0]) if found and 2 * columns_of(found[0]) <= room else ""
    lines, current, used = [], "", 0
    for token in _WORD.findall(line):
        word = token.lstrip()
        alone, width = len(indent) + columns_of(word), columns_of(token)
        if current.strip() and used + width > room >= alone:
            lines.append(current)
            current, used = indent + word, alone
        else:
            current, used = current + token, used + width
    return [*lines, current]


def apart(text: str) -> Iterator[tuple[str, bool]]:
    """A hint of ours in pieces, each with whether it is a command to be copied: that stands on a line of its own."""
    position = 0
    while found := _TYPED.search(text, position):
        command = found["quoted"] or _bare(found["bare"])
        before = _joined(text[position : found.start()], follows=position > 0)
        if before:
            yield before if before.endswith((":", "?")) else f"{before}:", False
        yield command, True
        position = found.end() if found["quoted"] else found.start() + len(command)
    rest = _joined(text[position:], follows=True) if position else text
    if rest or not position:
        yield rest, False


def _bare(words: str) -> str:
    """A command without quotes ends with its sentence."""
    end = re.search(r"[.,;](?= |$)", re.sub(r"'[^']*'", lambda quoted: "x" * len(quoted[0]), words))
    return words[: end.start()] if end else words


def _joined(text: str, *, follows: bool) -> str:
    """What stands before a command, without the punctuation that joined it to the one before."""
    text = text.strip()
    if not follows:
        return text
    text = text.lstrip(".,; ")
    return text[:1].upper() + text[1:]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], room: int | None) -> Iterator[tuple[str, bool]]:
    """The lines of a table, each with whether it is a heading. Where the columns do not fit, cells go over several
    lines; where not even their words do, every row becomes a list of its cells. Only prose is ever cut, and only where
    there is a width to keep.

    :param headings, rows: cells of one line each.
    :param room: columns; None for as many as it takes.
    """
    cells = [headings, *rows]
    by_column = list(zip(*cells, strict=True))
    widths = [max(map(columns_of, column)) for column in by_column]
    if room is None or sum(widths) + _GAP * (len(widths) - 1) <= room:
        for number, row in enumerate(cells):
            yield _beside(row, widths), number == 0
        return
    narrow = _fit(widths, [_longest_word(column) for column in by_column], room - _GAP * (len(widths) - 1))
    if narrow is None:
        yield from _stacked(headings, rows, room)
        return
    for number, row in enumerate(cells):
        columns = [_lines(cell, width) for cell, width in zip(row, narrow, strict=True)]
        for index in range(max(map(len, columns))):
            shown = [lines[index] if index < len(lines) else "" for lines in columns]
            yield _beside(shown, narrow), number == 0


def width_of_table(rows: Sequence[Sequence[str]]) -> int:
    """How wide a table is with every cell on one line."""
    widths = [max(map(columns_of, column)) for column in zip(*rows, strict=True)]
    return sum(widths) + _GAP * (len(widths) - 1)


def _stacked(headings: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> Iterator[tuple[str, bool]]:
    """Each row as lines of "Heading  cell"."""
    label = max(map(columns_of, headings)) + _GAP
    for number, row in enumerate(rows):
        if number:
            yield "", False
        for index, (heading, cell) in enumerate(zip(headings, row, strict=True)):
            first, *more = _lines(cell, max(room - label, label))
            yield f"{heading}{' ' * (label - columns_of(heading))}{first}".rstrip(), index == 0
            yield from ((" " * label + line, False) for line in more)


def _beside(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - columns_of(cell)) for cell, width in zip(cells, widths, strict=True)]
    return (" " * _GAP).join(padded).rstrip()


def _longest_word(cells: Sequence[str]) -> int:
    widths = (columns_of(word) for cell in cells for word in cell.split())
    return max((width for width in widths if width <= _LONGEST_WORD), default=1)


def _lines(cell: str, width: int) -> list[str]:
    """A cell in a column, its last line marked if there is more."""
    words = (word if columns_of(word) <= _LONGEST_WORD else cut(word, width) for word in cell.split(" "))
    lines = wrap(" ".join(words), width)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [cut(f"{lines[_MOST_LINES - 1]} {lines[_MOST_LINES]}", width)]
    return lines


def _fit(widths: list[int], least: list[int], room: int) -> list[int] | None:
    """Narrow the widest columns until all fit; None if they cannot."""
    fitted = [min(width, max(room, floor)) for width, floor in zip(widths, least, strict=True)]
    while sum(fitted) > room:
        widest = max(range(len(fitted)), key=lambda index: (fitted[index] > least[index], fitted[index], index))
        if fitted[widest] <= least[widest]:
            return None
        fitted[widest] -= 1
    return fitted
