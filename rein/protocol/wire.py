"""Names and shapes that client and causeway exchange over HTTP (the API of 2016, JSON)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from rein.errors import InputError

KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
"""What a key of a stored value may look like. Clients of 2016 use 32 of A-Z and 0-9."""

FEED_NAME: Final = re.compile(r"[0-9a-f]{32}")
"""What a server's feed calls itself, under every address of the server."""

MAX_QUERY_ITEMS: Final = 500
"""Job ids, document ids or addresses that one query may name."""

MAX_QUERY_ROWS: Final = 1_000
"""Documents that one answer holds at most."""


class Query(Enum):
    """The kinds of `/query`. The answer's list stands under the same name."""

    MEDIATORS = "mediators"
    JOBS = "jobs"
    BIDS = "bids"
    DELIVERIES = "deliveries"
    IN_PROCESS = "in-process"
    REVIEW = "review"
    BY_JOB_ID = "by_job_id"
    DISPUTE = "dispute"
    GET_USER = "get_user"
    GET_USER_RATINGS = "get_user_ratings"
    GET_USER_NAME = "get_user_name"
    ENROLLMENTS = "enrollments"
    """Not of 2016: every enrollment of the identities `masters=` (master addresses, comma separated)."""


# ----- the versioned API -------------------------------------------------------------------------------------------

MAX_BATCH: Final = 500
"""Values, keys or ids in one request."""

MAX_BATCH_BYTES: Final = 4_194_304
"""Bytes of the body of one request, and roughly of the documents in one answer."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]")


def server_name(url: str) -> str:
    """What requests sign for the server at `url`: scheme://host, and the port unless it is the scheme's own.

    :raises InputError: it is not the address of a server.
    """
    try:
        parts = urlsplit(url.strip().lower())
        port = parts.port
    except ValueError:
        raise InputError(f"{url[:60]!r} is not the address of a server") from None
    host = parts.netloc.rpartition("@")[2]
    host = host if host.endswith("]") else host.rpartition(":")[0] or host
    if parts.scheme not in _DEFAULT_PORTS or port == 0 or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise InputError(f"{url[:60]!r} is not the address of a server", hint="It looks like https://example.org.")
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
