"""From a document class to its lines and back.

A document class is a frozen dataclass whose fields are made by `line(label, codec)`. The order of the fields is the
order of the lines; fields marked `tail` (the network's block at signing) come last. Reading is strict: the text must
be exactly what writing the same document would give.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from rein.errors import FieldError, ReinError
from rein.protocol.text import check_text, escape, is_plain, unescape

T = TypeVar("T")

FORMAT_LABEL = "Format"
FORMAT = "3"
"""The second line of every document of this generation is `Format: 3`. Documents of 2016 have no such line."""

EXTENSION_PREFIX = "X-"
"""A line whose label begins so may follow the last known field: readers that do not know it pass it over.
Every other unknown label is critical: the document is refused."""

_EXTENSION_LABEL = re.compile(r"X-[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)*")
_LABEL_SHOWN = 40
"""Characters of a stranger's label that an error repeats."""


@dataclass(frozen=True)
class Codec(Generic[T]):
    """How one kind of value is read from text and written. `parse` raises `ReinError` or ValueError."""

    parse: Callable[[str], T]
    format: Callable[[T], str]


@dataclass(frozen=True)
class Line:
    """One field of a document class: its label, its codec, whether it may be left out, whether it stands last."""

    attribute: str
    label: str
    codec: Codec[Any]
    optional: bool
    tail: bool


def line(label: str, codec: Codec[Any], *, optional: bool = False, tail: bool = False) -> Any:
    """Declare a field of a document class. Returns `Any`, as `dataclasses.field` does, so that it can stand as a
    default under the field's own type."""
    metadata = {"label": label, "codec": codec, "optional": optional, "tail": tail}
    if optional:
        return dataclasses.field(default=None, metadata=metadata)
    return dataclasses.field(metadata=metadata)


_LINES: dict[type[Any], tuple[Line, ...]] = {}


def lines_of(cls: type[Any]) -> tuple[Line, ...]:
    """The lines of a document class, in the order they are written."""
    if cls not in _LINES:
        _LINES[cls] = tuple(sorted(_declared_lines(cls), key=lambda each: each.tail))
    return _LINES[cls]


def _declared_lines(cls: type[Any]) -> list[Line]:
    return [
        Line(
            attribute=field.name,
            label=field.metadata["label"],
            codec=field.metadata["codec"],
            optional=field.metadata["optional"],
            tail=field.metadata["tail"],
        )
        for field in dataclasses.fields(cls)
    ]


def write(title: str, document: object) -> str:
    """The text of a document: what is signed."""
    rows = [title, f"{FORMAT_LABEL}: {FORMAT}"]
    for each in lines_of(type(document)):
        value = getattr(document, each.attribute)
        if value is None and each.optional:
            continue
        rows.append(f"{each.label}: {_write_value(each, value)}")
    return "\n".join(rows)


def read(cls: type[T], title: str, text: str) -> T:
    """Read a document of class `cls` from its signed text.

    :raises FieldError: a missing, unknown, duplicate, misplaced or malformed field, naming its label.
    """
    rows, extensions = split_rows(text)
    _check_extensions(extensions)
    values = dict(rows)
    wanted = lines_of(cls)
    known = {each.label for each in wanted}
    unknown = [label for label in values if label not in known]
    if unknown:
        raise FieldError(
            f"{title} has no field {unknown[0][:_LABEL_SHOWN]!r}", hint="It may come from a newer Rein: try upgrading."
        )
    attributes: dict[str, Any] = {}
    order: list[str] = []
    is_spelled = text.startswith(f"{title}\n{FORMAT_LABEL}: {FORMAT}\n")
    for each in wanted:
        if each.label in values:
            attributes[each.attribute], value_is_spelled = _read_value(each, values[each.label])
            is_spelled = is_spelled and value_is_spelled
            order.append(each.label)
        elif not each.optional:
            raise FieldError(f"{title} lacks the field {each.label!r}")
    document = cls(**attributes)
    if not is_spelled or order != list(values):
        _refuse_spelling(title, document, text, extensions)
    return document


def split_rows(text: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The `(label, value)` rows after the title and the format line, and the extension rows after them.

    :raises FieldError: a row without a label, or a duplicate label.
    """
    rows: list[tuple[str, str]] = []
    seen = {FORMAT_LABEL}
    for number, row in enumerate(text.split("\n")[2:], start=3):
        label, separator, value = row.partition(": ")
        if not separator:
            raise FieldError(f"line {number} is not `Label: value`")
        if label in seen:
            raise FieldError(f"duplicate field {label[:_LABEL_SHOWN]!r}")
        seen.add(label)
        rows.append((label, value))
    if f"\n{EXTENSION_PREFIX}" not in text:
        return rows, []
    first_extension = next((i for i, (label, _) in enumerate(rows) if label.startswith(EXTENSION_PREFIX)), len(rows))
    return rows[:first_extension], rows[first_extension:]


def _check_extensions(extensions: list[tuple[str, str]]) -> None:
    for label, value in extensions:
        shown = label[:_LABEL_SHOWN]
        if not label.startswith(EXTENSION_PREFIX):
            raise FieldError(f"the field {shown!r} stands after an extension line, where only extensions may stand")
        if not _EXTENSION_LABEL.fullmatch(label):
            raise FieldError(f"{shown!r} is not a label of an extension: letters, digits, single blanks and dashes")
        meant = unescape(value)
        check_text(meant)
        if not value or escape(meant) != value:
            raise FieldError(f"the extension {shown!r} is empty or not spelled as it must be")


def _refuse_spelling(title: str, document: object, text: str, extensions: list[tuple[str, str]]) -> NoReturn:
    """One document has one spelling: order, escapes, number formats and all. Say where this one departs from it."""
    rows = text.split("\n")
    expected = write(title, document).split("\n")
    given = rows[: len(rows) - len(extensions)]
    for number, (is_there, should_be) in enumerate(zip(given, expected, strict=True), start=1):
        if is_there == should_be:
            continue
        there, should = is_there.partition(": ")[0], should_be.partition(": ")[0]
        if there != should:
            raise FieldError(f"line {number} is {there!r} where {should!r} belongs: fields have a fixed order")
        raise FieldError(f"the value of {there!r} is not written the one way it can be written")
    raise FieldError(f"this {title} is not written the one way it can be written")


def _write_value(each: Line, value: Any) -> str:
    text: str = each.codec.format(value)
    check_text(text)
    if not text:
        raise FieldError(f"{each.label!r} is empty", hint="Give it a value, or leave an optional field out.")
    return escape(text)


def _read_value(each: Line, raw: str) -> tuple[Any, bool]:
    """The value, and whether `raw` is how it is written."""
    try:
        text, is_escaped_well = raw, True
        if not is_plain(raw):
            text = unescape(raw)
            check_text(text)
            is_escaped_well = escape(text) == raw
        if not text:
            raise FieldError("it is empty")
        value = each.codec.parse(text)
        return value, is_escaped_well and each.codec.format(value) == text
    except ReinError as error:
        raise FieldError(f"{each.label!r}: {error.message}", hint=error.hint) from error
    except ValueError as error:
        raise FieldError(f"{each.label!r}: {error}") from error
