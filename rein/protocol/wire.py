"""Names and shapes that client and causeway exchange over HTTP (the API of 2016, JSON)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
"""What a key of a stored value may look like. Clients of 2016 use 32 of A-Z and 0-9."""

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
    ENROLLMENTS = "enrollments"
    """Not of 2016: every enrollment of the identities `masters=` (master addresses, comma separated)."""


def testnet_flag(network_name: str) -> int:
    """The `testnet` parameter of 2016 for a network: 0 for mainnet, 1 for every other."""
    return 0 if network_name == "mainnet" else 1
