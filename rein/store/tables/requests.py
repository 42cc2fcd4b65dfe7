"""What was done for requests that may be repeated: each has a key that a script has given it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rein.protocol.values import DocumentId
from rein.store.database import Database


@dataclass(frozen=True)
class Request:
    """A run of a command under a key. `arguments` is a digest of what it was told."""

    key: str
    command: str
    arguments: str


@dataclass(frozen=True)
class Done:
    """What a request has done: the document it stored, if any, and what it printed for programs; None where it was
    ended before it could."""

    request: Request
    document_id: DocumentId | None
    result: dict[str, Any] | None


class Requests:
    """The requests of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current: tuple[int, Request] | None = None

    def find(self, identity_id: int, key: str) -> Done | None:
        """What an identity has done under a key."""
        query = "SELECT command, arguments, document_id, result FROM request WHERE identity_id = ? AND key = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [identity_id, key]).fetchone()
        if row is None:
            return None
        result = None if row["result"] is None else json.loads(row["result"])
        return Done(Request(key, row["command"], row["arguments"]), row["document_id"], result)

    @contextmanager
    def recording(self, identity_id: int, request: Request) -> Iterator[None]:
        """Until it ends, what is stored of an identity's own documents is this request's."""
        self._current = identity_id, request
        try:
            yield
        finally:
            self._current = None

    def stored(self, document_id: DocumentId) -> None:
        """The current request, if there is one, is done by this document. Called in the transaction that stores it."""
        if self._current is not None:
            with self._database.writing() as connection:
                self._write(connection, *self._current, "document_id", document_id)

    def finish(self, identity_id: int, request: Request, result: Mapping[str, Any]) -> None:
        """Remember what a request has printed."""
        with self._database.writing() as connection:
            self._write(connection, identity_id, request, "result", json.dumps(result))

    def _write(
        self, connection: sqlite3.Connection, identity_id: int, request: Request, column: str, value: str
    ) -> None:
        statement = f"""INSERT INTO request (identity_id, key, command, arguments, time, {column})
                        VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT (identity_id, key) DO UPDATE SET {column} = excluded.{column}"""  # noqa: S608 - a name of ours
        values = [identity_id, request.key, request.command, request.arguments, int(time.time()), value]
        connection.execute(statement, values)
