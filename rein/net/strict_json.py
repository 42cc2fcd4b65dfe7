"""JSON that two readers cannot read differently, and that takes no more memory than it may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

MAX_VALUES: Final = 200_000
"""In one text: a page of a feed holds some thousands."""
_FEW_BYTES: Final = 2**20
"""What is no longer cannot become much."""


def strict_json(data: bytes, parse_float: Callable[[str], object] = float) -> Any:
    """The value a JSON text stands for; ValueError for anything that two readers could read differently.

    That is: no name twice in an object, no NaN and no infinity, no brackets without end, no numbers without bounds. And
    not so many values that they take far more memory than the text does.
    """
    _check_values(data)
    try:
        return json.loads(
            data.decode(),
            parse_float=parse_float,
            parse_constant=_no_constant,
            object_pairs_hook=_object_without_repeats,
        )
    # ArithmeticError: an exponent beyond what Decimal can hold.
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("beyond what can be read") from error


def _check_values(data: bytes) -> None:
    """Count what stands outside of strings before anything is made of it: `[[],[],…]` becomes twenty times as large."""
    if len(data) <= _FEW_BYTES:
        return
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') <= 4 * MAX_VALUES:  # a name and a value
        outside = b"".join(plain.split(b'"')[::2])
        if sum(map(outside.count, (b",", b"[", b"{"))) <= MAX_VALUES:
            return
    raise ValueError(f"more than {MAX_VALUES:,} values")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("there is a duplicate name")
    return found
