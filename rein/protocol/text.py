"""How a value becomes one line of a document, and back.

A document of 2016 is a title and `Label: value` lines, one line a field. To let a value hold any text without
being able to forge a line, a title or a piece of armor, a value is written with these escapes, and only these:

    \\\\       a backslash
    \\n       a line feed
    \\t       a tab
    \\s       a space at either end of the value
    \\-       a dash that stands in a run of five or more (armor begins with five dashes)
    \\u{H}    any other control or line-breaking character, H its code point in lower-case hex

There is exactly one way to write a value; whoever reads one refuses every other spelling.
"""

from __future__ import annotations

import re
import unicodedata

from rein.errors import FieldError

_NAMED = {"\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_NAMED_BACK = {"\\": "\\", "n": "\n", "t": "\t", "s": " ", "-": "-"}
_NEEDS_ESCAPE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029]|-{5,}")
_ESCAPE = re.compile(r"\\(?:([\\nts-])|u\{([0-9a-f]{1,6})\})")


def check_text(value: str) -> None:
    """Refuse what no document may hold: characters that have no UTF-8, and NUL, which databases cut at.

    :raises FieldError: naming the character.
    """
    if "\x00" in value:
        raise FieldError("the text holds a NUL character", hint="Remove it and try again.")
    if not is_utf8(value):
        raise FieldError("the text holds a lone surrogate, which UTF-8 cannot carry", hint="Remove it and try again.")


def is_utf8(value: str) -> bool:
    """Whether every character can be written in UTF-8 (lone surrogates cannot)."""
    return value.isascii() or not any(unicodedata.category(char) == "Cs" for char in value)


def is_plain(value: str) -> bool:
    """Whether a value certainly passes `check_text` and is written as it is. False says nothing."""
    return value.isprintable() and not ("\\" in value or "-----" in value or value[:1] == " " or value[-1:] == " ")


def escape(value: str) -> str:
    """Write a value as one line. The inverse of `unescape`."""
    escaped = _NEEDS_ESCAPE.sub(_escape_match, value)
    head = len(escaped) - len(escaped.lstrip(" "))
    if head:
        escaped = "\\s" * head + escaped[head:]
    tail = len(escaped) - len(escaped.rstrip(" "))
    if tail:
        escaped = escaped[:-tail] + "\\s" * tail
    return escaped


def unescape(line: str) -> str:
    """Read a value from its line. Accepts every escape, not only the canonical spelling: compare with `escape`.

    :raises FieldError: for a backslash that begins no known escape, or a code point that is not a character.
    """
    if "\\" not in line:
        return line
    remainder = _ESCAPE.sub("", line)
    if "\\" in remainder:
        raise FieldError("a backslash begins no known escape", hint=r"Write \\ for a backslash.")
    return _ESCAPE.sub(_unescape_match, line)


def _escape_match(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == "-":
        return "\\-" * len(found)
    return _NAMED.get(found) or f"\\u{{{ord(found):x}}}"


def _unescape_match(match: re.Match[str]) -> str:
    name, code = match.groups()
    if name is not None:
        return _NAMED_BACK[name]
    point = int(code, 16)
    if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
        raise FieldError(f"\\u{{{code}}} is not a character")
    return chr(point)
