"""The answer of GET /v1/status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from causeway.api.shapes import Doc


@dataclass(frozen=True, kw_only=True)
class Limits:
    batch: int
    body_bytes: int
    document_bytes: int
    value_bytes: int
    feed_rows: int
    search_rows: int
    nonce_seconds: int


@dataclass(frozen=True, kw_only=True)
class StatusAnswer:
    software: str
    version: str
    network: str
    servers: Annotated[list[str], Doc("What requests may be signed for.")]
    price_sat: int
    documents: int
    settled: int
    limits: Limits
