"""Hosting that was ordered and is not known to be credited."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import Sat
from rein.store.database import Database


@dataclass(frozen=True)
class HostingOrder:
    """Hosting that was ordered and not credited yet: `price` to `address`. `newest` is the highest number a bucket had
    there then; `time` of the order and `until` when it holds its price in seconds since 1970."""

    url: str
    address: str
    price: Sat
    newest: int
    time: int
    until: int


class HostingOrders:
    """The open orders of one home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, identity_id: int, order: HostingOrder) -> None:
        """Remember what was ordered, in place of an earlier order at that server."""
        statement = """INSERT OR REPLACE INTO hosting_order (identity_id, url, address, price, newest, time, until)
                       VALUES (?, ?, ?, ?, ?, ?, ?)"""
        with self._database.writing() as connection:
            connection.execute(statement, [identity_id, *vars(order).values()])

    def get(self, identity_id: int, url: str) -> HostingOrder | None:
        """What was ordered at a server and is not known to be credited."""
        query = "SELECT url, address, price, newest, time, until FROM hosting_order WHERE identity_id = ? AND url = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, [identity_id, url]).fetchone()
        return None if row is None else HostingOrder(**dict(row))

    def remove(self, identity_id: int, url: str) -> None:
        """It was credited, or nobody waits for it any more."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM hosting_order WHERE identity_id = ? AND url = ?", [identity_id, url])
