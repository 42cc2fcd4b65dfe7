"""State of each peer between two rounds: how far it was read, how that went, and when it is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from causeway.db.engine import Database
from causeway.replication.models import State, peer
from rein import __version__

REREAD = timedelta(days=30)
"""A feed is read from its start as often, and by every new version: what was refused or left out gets another chance.
What is here already costs its transfer only."""

FIRST_WAIT_S = 30
MAX_WAIT_S = 3_600
"""Seconds until a peer that failed is asked again: twice as long each time it fails again, up to an hour."""


@dataclass(frozen=True)
class PeerProgress:
    """What is remembered of a peer."""

    server: str | None
    cursor: int
    doubts: int
    failures: int
    next_try: datetime | None
    reread: bool


def read(database: Database, url: str, now: datetime) -> PeerProgress:
    """What is remembered of a peer, which may be new."""

    def work(connection: Connection) -> PeerProgress:
        connection.execute(insert(peer).values(url=url).on_conflict_do_nothing())
        row = connection.execute(select(peer).where(peer.c.url == url)).one()
        is_old = row.begun is None or row.begun <= now - REREAD or row.version != __version__
        return PeerProgress(row.server, row.cursor, row.doubts, row.failures, row.next_try, is_old)

    return database.write(work)


def begin(database: Database, url: str, server: str | None, now: datetime) -> None:
    """The feed is read from its start. One that was read before is counted."""
    resets = peer.c.resets + case((peer.c.begun.is_(None), 0), else_=1)
    _set(database, url, server=server, version=__version__, cursor=0, begun=now, doubts=0, resets=resets)


def set_name(database: Database, url: str, server: str) -> None:
    """Store the name of the feed, known for the first time."""
    _set(database, url, server=server)


def succeeded(
    database: Database, url: str, state: State, why: str | None, now: datetime, *, latest: int, doubts: int = 0
) -> None:
    """It answered; it is asked again as usual. `latest` is the last number of its feed."""
    _set(
        database,
        url,
        state=state.value,
        why=why,
        latest=latest,
        succeeded=now,
        next_try=None,
        failures=0,
        doubts=doubts,
    )


def failed(database: Database, url: str, why: str, now: datetime, *, failures: int, wait_s: int) -> None:
    """It could not be read, `failures` times in a row before; it wants at least `wait_s` seconds of patience."""
    wait = max(wait_s, min(FIRST_WAIT_S * 2 ** min(failures, 20), MAX_WAIT_S))
    next_try = now + timedelta(seconds=wait)
    _set(database, url, state=State.FAILING.value, why=why, next_try=next_try, failures=failures + 1)


def forget(database: Database) -> None:
    """Begin with every peer from the start, and with those that are being waited for at once."""
    again = update(peer).values(begun=None, next_try=None)
    database.write(lambda connection: connection.execute(again))


def behind() -> Any:
    """How many numbers of a peer's feed are not read yet."""
    return func.greatest(peer.c.latest - peer.c.cursor, 0)


def _set(database: Database, url: str, **values: Any) -> None:
    database.write(lambda connection: connection.execute(update(peer).where(peer.c.url == url).values(**values)))
