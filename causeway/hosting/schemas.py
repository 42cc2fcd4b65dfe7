"""The answer of GET /v1/buckets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What is left of a bucket, in bytes; times in seconds since 1970."""

    id: int
    created: int
    expires: int
    bytes_free: int
    transfer_free: int


@dataclass(frozen=True, kw_only=True)
class BucketsAnswer:
    buckets: list[Bucket]
