"""Counting what the server holds, at a bounded cost."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sqlalchemy import Connection

from causeway.db.engine import Database
from causeway.hosting import service as hosting
from causeway.replication import status as peers
from causeway.search import documents

T = TypeVar("T")

COSTLY_S = 0.1
SHARE = 20


@dataclass(frozen=True)
class Holdings:
    """Bytes of keys and values stored, the number of documents, and the bytes of those kept for peers."""

    stored: int
    documents: int
    replicas: int = 0


class CachedCount(Generic[T]):
    """Counts exactly. Where counting has become slow, an answer is kept for twenty times as long as it took, so that
    asking can never keep the database busier than a twentieth of its time."""

    def __init__(self, database: Database, count: Callable[[Connection], T]) -> None:
        self._database = database
        self._count = count
        self._lock = threading.Lock()
        self._cached: T | None = None
        self._good_until = 0.0

    def counted(self) -> T:
        with self._lock:
            if self._cached is None or time.monotonic() >= self._good_until:
                self._cached = self._database.read(self._measure)
            return self._cached

    def _measure(self, connection: Connection) -> T:
        began = time.monotonic()
        counted = self._count(connection)
        took = time.monotonic() - began
        self._good_until = began + (took * (1 + SHARE) if took > COSTLY_S else 0)
        return counted


def count_holdings(connection: Connection) -> Holdings:
    """Count what the server holds."""
    return Holdings(
        hosting.stored_bytes(connection), documents.count_documents(connection), peers.kept_bytes(connection)
    )


def free_bytes(data: Path) -> int:
    """Bytes free on the disk that holds the data directory, or would if it were made."""
    existing = next(path for path in (data, *data.parents) if path.exists())
    return shutil.disk_usage(existing).free
