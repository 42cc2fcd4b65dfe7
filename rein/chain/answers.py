"""Reading a stranger's JSON: each value is checked where it is used, and every surprise is a ChainError."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from rein.btc.amounts import Sat, sat_from_decimal
from rein.errors import ChainError, InputError
from rein.net.strict_json import strict_json

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")
_HINT: Final = "check that the address is a Bitcoin node's, and that nothing between here and there alters answers"


def printable(text: str, limit: int = 300) -> str:
    """A stranger's text made safe for one line of a terminal: no control or escape characters, bounded length."""
    return "".join(c if c.isprintable() else "?" for c in text[:limit])


def parse_json(data: bytes, what: str) -> Any:
    """The JSON value, its numbers with a point or exponent as Decimal: money never passes through a float."""
    try:
        return strict_json(data, Decimal)
    except ValueError as error:
        raise ChainError(f"the answer to {what} is not JSON", hint=_HINT) from error


@dataclass(frozen=True)
class Answer:
    """A part of an answer and what it is called in messages, such as "getblockheader height"."""

    value: Any
    what: str

    def malformed(self, expected: str) -> ChainError:
        return ChainError(f"{self.what} is not {expected}", hint=_HINT)

    def __getitem__(self, name: str) -> Answer:
        found = self.get(name)
        if found is None:
            raise ChainError(f"{self.what} has no {name}", hint=_HINT)
        return found

    def get(self, name: str) -> Answer | None:
        """That member; None when it is absent or null."""
        if not isinstance(self.value, dict):
            raise self.malformed("an object")
        value = self.value.get(name)
        return None if value is None else Answer(value, f"{self.what} {name}")

    def __iter__(self) -> Iterator[Answer]:
        if not isinstance(self.value, list):
            raise self.malformed("a list")
        return (Answer(item, f"{self.what} item") for item in self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.malformed("true or false")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.malformed("a text")
        return self.value

    def integer(self, low: int, high: int) -> int:
        # bool is an int to Python, not to JSON.
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.malformed(f"a whole number between {low} and {high}")
        return self.value

    def ceiling(self, low: int, high: int) -> int:
        """A number rounded up to a whole one."""
        value = self.value
        if type(value) not in (int, Decimal) or not 0 <= value <= high:
            raise self.malformed(f"a number up to {high}")
        return max(low, int(value.to_integral_value(ROUND_CEILING)) if isinstance(value, Decimal) else int(value))

    def height(self) -> int:
        return self.integer(0, 2**31 - 1)

    def hash(self) -> str:
        """A block hash or txid: 64 lower-case hexadecimal digits."""
        text = self.text()
        if not _HASH.fullmatch(text):
            raise self.malformed("a hash")
        return text

    def data(self) -> bytes:
        """Bytes written as lower-case hexadecimal."""
        text = self.text()
        if not _HEX.fullmatch(text):
            raise self.malformed("hexadecimal")
        return bytes.fromhex(text)

    def long_data(self) -> bytes:
        """As `data`, for millions of digits: a pattern would take gigabytes to match them."""
        text = self.text()
        try:
            data = bytes.fromhex(text)
        except ValueError as error:
            raise self.malformed("hexadecimal") from error
        if data.hex() != text:
            raise self.malformed("hexadecimal")
        return data

    def amount(self) -> Sat:
        """Satoshis from a JSON number of bitcoin, exactly."""
        value = self.value
        if type(value) is int:
            value = Decimal(value)
        if not isinstance(value, Decimal):
            raise self.malformed("an amount of bitcoin")
        try:
            return sat_from_decimal(value)
        except InputError as error:
            raise self.malformed("an amount of bitcoin") from error
