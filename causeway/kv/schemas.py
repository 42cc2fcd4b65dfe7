"""Requests and answers about values: many in one request, each with a verdict of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from causeway.api.limits import MAX_BODY_BYTES
from causeway.api.shapes import Items, Text
from causeway.v1.schemas import ErrorDetail
from rein.protocol.wire import KEY_PATTERN, MAX_BATCH

Key = Annotated[str, Text(128, 1, KEY_PATTERN, "1 to 128 characters of A-Z a-z 0-9 . _ : / -")]
Value = Annotated[str, Text(MAX_BODY_BYTES, 1)]


@dataclass(frozen=True, kw_only=True)
class OneKey:
    key: Key


@dataclass(frozen=True, kw_only=True)
class NewValue:
    key: Key
    value: Value


@dataclass(frozen=True, kw_only=True)
class PutRequest:
    values: Annotated[list[object], Items(NewValue, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class PutVerdict:
    key: str | None
    stored: bool | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class PutAnswer:
    verdicts: list[PutVerdict]


@dataclass(frozen=True, kw_only=True)
class KeysRequest:
    keys: Annotated[list[object], Items(Key, MAX_BATCH)]


@dataclass(frozen=True, kw_only=True)
class DeleteVerdict:
    key: str | None
    deleted: bool | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteAnswer:
    verdicts: list[DeleteVerdict]


@dataclass(frozen=True, kw_only=True)
class FoundValue:
    key: str | None
    value: str | None = None
    error: ErrorDetail | None = None


@dataclass(frozen=True, kw_only=True)
class ValuesAnswer:
    values: list[FoundValue]
