"""Deleting the uses of expired nonces."""

from __future__ import annotations

import logging
import threading
import time

from causeway.auth import service as auth
from causeway.auth.nonces import NonceMint
from causeway.db.engine import Database
from causeway.errors import ApiError

log = logging.getLogger(__name__)

PURGE_INTERVAL_S = 60


class Purger:
    """Removes what is not needed any more, beside the requests that leave it behind."""

    def __init__(self, database: Database, mint: NonceMint) -> None:
        self._database = database
        self._mint = mint
        self._lock = threading.Lock()
        self._purged = time.monotonic()

    def purge_if_due(self) -> None:
        """Begin to remove, if it is time. Call it after a write: a failure of this must not look like one of that."""
        with self._lock:
            if time.monotonic() - self._purged < PURGE_INTERVAL_S:
                return
            self._purged = time.monotonic()
        threading.Thread(target=self._purge, name="purge", daemon=True).start()

    def _purge(self) -> None:
        oldest_valid = self._mint.oldest_valid()
        try:
            while self._database.read(lambda connection: auth.forget_old_nonces(connection, oldest_valid)):
                pass
        except ApiError as error:
            log.warning("old nonces were not removed: %s", error.message)
