"""Leader election by advisory lock: of many processes, one does each duty."""

from __future__ import annotations

from contextlib import suppress
from enum import IntEnum

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from causeway.db.engine import make_patient_engine
from causeway.errors import DatabaseDownError


class Duty(IntEnum):
    """What one process does for all. The numbers are advisory locks, for as long as it leads."""

    SWEEP = 0x73776570
    WATCH = 0x77617463
    PULL = 0x70756C6C


class Leadership:
    """Leads from the first `held` that finds the place free until `release`, or until its process or connection dies:
    PostgreSQL drops the lock with the connection, and another process's next `held` takes it."""

    def __init__(self, url: URL, duty: Duty) -> None:
        self._engine = make_patient_engine(url).execution_options(isolation_level="AUTOCOMMIT")
        self._duty = duty
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether this process leads now.

        :raises DatabaseDownError: the database cannot be reached.
        """
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._engine.connect()
            if connection.scalar(text("SELECT pg_try_advisory_lock(:duty)"), {"duty": int(self._duty)}):
                self._connection = connection
                return True
            connection.close()
        except DBAPIError as error:
            self.release()
            raise DatabaseDownError("the database cannot be reached") from error
        return False

    def release(self) -> None:
        """Let another process lead."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None
