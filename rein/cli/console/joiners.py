"""Where a script needs one of the two invisible joiners: RFC 5892 (IDNA), appendix A.1 and A.2. Anywhere else they are
shown as nothing, so that two names look the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

ZWNJ, ZWJ = "\u200c", "\u200d"
JOINERS: Final = ZWNJ + ZWJ
_VIRAMA: Final = 9
"""Canonical combining class of the marks that take a consonant's vowel away."""
_JOINS_LEFT_NEVER: Final = frozenset(
    map(
        chr,
        (
            *(0x0621, *range(0x0622, 0x0626), 0x0627, 0x0629, *range(0x062F, 0x0633), 0x0648, *range(0x0671, 0x0678)),
            *(*range(0x0688, 0x069A), 0x06C0, *range(0x06C3, 0x06CC), 0x06CD, 0x06CF, *range(0x06D2, 0x06D6), 0x06EE),
            0x06EF,
        ),
    )
)
"""Arabic letters that never join the one after them, by Unicode's ArabicShaping.txt: a joiner there changes nothing."""


def is_needed_joiner(char: str, before: Sequence[str], after: str) -> bool:
    """Whether a joiner changes how the text around it is written.

    :param before, after: the characters beside it; empty at an end of the text.
    """
    if not before:
        return False
    if unicodedata.combining(before[0]) == _VIRAMA:
        return char == ZWJ or _is_letter(after)
    return char == ZWNJ and _is_arabic(before[0]) and before[0] not in _JOINS_LEFT_NEVER and _is_arabic(after)


def _is_letter(char: str) -> bool:
    return bool(char) and unicodedata.category(char) in ("Lo", "Mc", "Mn")


def _is_arabic(char: str) -> bool:
    return bool(char) and unicodedata.category(char) == "Lo" and "\u0620" <= char <= "\u06ff"
