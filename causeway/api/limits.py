"""Limits of a request, checked before anything else."""

from __future__ import annotations

from typing import Final

from rein.protocol.wire import MAX_BATCH_BYTES

MAX_BODY_BYTES: Final = 262_144
"""A document of 65,536 bytes at most triples when JSON escapes it, and still fits."""

MAX_BATCH_BODY: Final = MAX_BATCH_BYTES
"""Bytes of a body of the versioned API: many values in one."""

MAX_QUERY_STRING: Final = 65_536
"""Characters of a query string: 500 document ids or addresses fit."""

MAX_PARAMETERS: Final = 32
"""Parameters of one request, of the query string or of the body."""

MAX_PARAMETER: Final = 40_000
"""Characters of one parameter of a query string."""


VERSIONED: Final = "/v1/"
"""The paths of the versioned API: its bodies may be larger, and its errors have a shape of their own."""
