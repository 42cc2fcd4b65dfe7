"""Parameters from strangers: each given once, of the right type and length, and storable as text."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from flask import Request

from causeway.api.limits import MAX_PARAMETER, MAX_PARAMETERS, MAX_QUERY_STRING
from causeway.errors import (
    BadParameterError,
    BadRequestError,
    ConflictingParametersError,
    MissingParameterError,
    UrlTooLongError,
)
from rein.btc.address import is_identity_address
from rein.protocol.text import is_utf8

_TRUE = (True, 1, "1", "True", "true")
_FALSE = (False, 0, "0", "False", "false", "")
_MAX_DIGITS = 19


class Parameters:
    """The parameters of one request, whichever way they came."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def text(self, *names: str, longest: int = MAX_PARAMETER) -> str:
        """A parameter that must be there. `names` are its synonyms: any may be given, all that are must agree."""
        value = self.optional_text(*names, longest=longest)
        if value is None:
            raise MissingParameterError(f"the parameter {names[0]!r} is missing")
        return value

    def optional_text(self, *names: str, longest: int = MAX_PARAMETER) -> str | None:
        """A parameter that may be left out; JSON's null counts as left out."""
        name, value = self._one_of(names)
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadParameterError(f"the parameter {name!r} is not text")
        if len(value) > longest:
            raise BadParameterError(f"the parameter {name!r} has {len(value):,} characters; {longest:,} are allowed")
        if "\x00" in value:
            raise BadParameterError(f"the parameter {name!r} holds a NUL character")
        if not is_utf8(value):
            raise BadParameterError(f"the parameter {name!r} holds a lone surrogate, which UTF-8 cannot carry")
        return value

    def optional_address(self, *names: str, may_be_empty: bool = False) -> str | None:
        """A P2PKH address of any Bitcoin network that may be left out. Where it `may_be_empty`, an empty text
        counts as left out."""
        value = self.optional_text(*names)
        if value is None or (may_be_empty and not value):
            return None
        if not is_identity_address(value):
            raise BadParameterError(
                f"the parameter {names[0]!r} is not a P2PKH address", hint="It begins with 1, m or n."
            )
        return value

    def flag(self, name: str) -> bool | None:
        """A truth value in any spelling that legacy clients use, or None where it was left out."""
        _, value = self._one_of((name,))
        if value is None:
            return None
        # By type as well: 1.0 and True equal 1 in Python, but only some of these spellings are in use.
        if isinstance(value, bool | int | str):
            if value in _TRUE:
                return True
            if value in _FALSE:
                return False
        raise BadParameterError(f"the parameter {name!r} is neither 0 nor 1")

    def optional_number(self, name: str, *, lowest: int, highest: int) -> int | None:
        """A whole number that may be left out: JSON's own, or in decimal digits."""
        _, value = self._one_of((name,))
        if type(value) is int and lowest <= value <= highest:
            return value
        text = self.optional_text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and lowest <= int(text) <= highest):
            raise BadParameterError(f"the parameter {name!r} must be a whole number from {lowest} to {highest}")
        return int(text)

    def optional_items(self, name: str, *, most: int) -> list[object] | None:
        """A list, of anything, that may be left out and is not empty."""
        _, value = self._one_of((name,))
        if value is None:
            return None
        if not isinstance(value, list):
            raise BadParameterError(f"the parameter {name!r} is not a list")
        if not 1 <= len(value) <= most:
            raise BadParameterError(f"{name!r} has {len(value):,} items; 1 to {most} are allowed")
        return value

    def _one_of(self, names: tuple[str, ...]) -> tuple[str, object]:
        given = [(name, self._values[name]) for name in names if self._values.get(name) is not None]
        if not given:
            return names[0], None
        for name, value in given[1:]:
            if value != given[0][1]:
                raise ConflictingParametersError(f"the parameters {given[0][0]!r} and {name!r} contradict each other")
        return given[0]


def query_parameters(request: Request) -> Parameters:
    """The parameters of a query string, read strictly: no bytes that are not UTF-8, no name twice."""
    raw = request.environ.get("QUERY_STRING", "")
    if len(raw) > MAX_QUERY_STRING:
        raise UrlTooLongError(f"the query string has {len(raw):,} characters; {MAX_QUERY_STRING:,} are allowed")
    try:
        # WSGI hands bytes over as Latin-1 (PEP 3333).
        text = raw.encode("latin-1").decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise BadRequestError("the query string is not UTF-8, or has too many parameters") from error
    return Parameters(without_repeats(pairs))


def without_repeats(pairs: list[tuple[str, object]] | list[tuple[str, str]]) -> dict[str, object]:
    """The pairs as a mapping.

    :raises BadRequestError: a name is given twice; who reads the first and who reads the last would disagree.
    """
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise BadRequestError(f"the parameter {name[:40]!r} is given twice")
        values[name] = value
    return values
