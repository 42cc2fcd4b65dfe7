"""The events that `rein watch` noticed, and which hooks were told of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rein.store.database import Database


class WatchEvents:
    """The events of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def noticed(self, identity_id: int) -> set[str]:
        """The ids of all events noticed for an identity."""
        rows = self._database.rows("SELECT event_id FROM watch_event WHERE identity_id = ?", identity_id)
        return {row["event_id"] for row in rows}

    def notice(self, identity_id: int, events: Iterable[tuple[str, str, Collection[str]]]) -> None:
        """Remember events, as (id, body, hooks to tell), all of them or none. One that is known is left as it is."""
        event = "INSERT INTO watch_event (identity_id, event_id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        delivery = "INSERT INTO watch_delivery (identity_id, event_id, hook, attempts, done) VALUES (?, ?, ?, 0, 0)"
        new = list(events)
        if not new:
            return
        with self._database.writing() as connection:
            for event_id, body, hooks in new:
                if connection.execute(event, [identity_id, event_id, body]).rowcount > 0:
                    connection.executemany(delivery, [(identity_id, event_id, hook) for hook in hooks])

    def undelivered(self, identity_id: int, hook: str, most_attempts: int) -> list[tuple[str, str]]:
        """What a hook was not told yet, as (event id, body), in the order of notice."""
        query = """SELECT event_id, body FROM watch_delivery JOIN watch_event USING (identity_id, event_id)
                   WHERE identity_id = ? AND hook = ? AND done = 0 AND attempts < ? ORDER BY watch_event.rowid"""
        return [(row["event_id"], row["body"]) for row in self._database.rows(query, identity_id, hook, most_attempts)]

    def tried(self, identity_id: int, event_id: str, hook: str, *, done: bool) -> int:
        """Remember an attempt to tell a hook of an event, and whether it succeeded. Returns how many there were."""
        which = "identity_id = ? AND event_id = ? AND hook = ?"
        named = [identity_id, event_id, hook]
        with self._database.writing() as connection:
            connection.execute(
                f"UPDATE watch_delivery SET attempts = attempts + 1, done = ? WHERE {which}",  # noqa: S608 - names of ours
                [int(done), *named],
            )
            row = connection.execute(f"SELECT attempts FROM watch_delivery WHERE {which}", named).fetchone()  # noqa: S608 - as above
        return int(row["attempts"])
