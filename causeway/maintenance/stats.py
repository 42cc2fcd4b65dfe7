"""Statistics of a whole database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from causeway.accounts.models import owner
from causeway.auth.models import nonce_use
from causeway.hosting.models import bucket
from causeway.kv.models import kv
from causeway.payments.figures import read_figures
from causeway.replication.models import replica
from causeway.search.models import document
from rein.protocol.documents import Kind


@dataclass(frozen=True)
class Stats:
    """Sizes are in bytes, amounts in satoshis. `transfer_used` is what was served from the buckets there are. Orders
    are open while their price is held, and late after that; `credited_sat` came in, and buckets were bought for
    `income_sat` of it."""

    owners: int
    buckets: int
    buckets_live: int
    values: int
    values_opaque: int
    documents: Mapping[str, int]
    bytes_used: int
    bytes_bought: int
    transfer_used: int
    transfer_bought: int
    orders_open: int
    orders_late: int
    orders_paid: int
    credited_sat: int
    income_sat: int
    replicas: int
    replica_bytes: int
    nonces_remembered: int
    database_bytes: int


def read_stats(connection: Connection) -> Stats:
    """Count everything. Reads all of the larger tables, so it takes a while on a large server."""
    buckets = connection.execute(
        select(
            func.count(),
            func.count().filter(bucket.c.expires > func.now()),
            _sum(bucket.c.bytes_used),
            _sum(bucket.c.bytes_total),
            _sum(bucket.c.transfer_used),
            _sum(bucket.c.transfer_total),
        )
    ).one()
    values = connection.execute(select(func.count(), func.count().filter(kv.c.document_id.is_(None)))).one()
    kinds = connection.execute(select(document.c.kind, func.count()).group_by(document.c.kind)).all()
    sold = read_figures(connection)
    counted: dict[str, int] = {row[0]: row[1] for row in kinds}
    return Stats(
        owners=_count(connection, owner),
        buckets=buckets[0],
        buckets_live=buckets[1],
        values=values[0],
        values_opaque=values[1],
        documents={kind.value: counted.get(kind.value, 0) for kind in Kind},
        bytes_used=int(buckets[2]),
        bytes_bought=int(buckets[3]),
        transfer_used=int(buckets[4]),
        transfer_bought=int(buckets[5]),
        orders_open=sold.open,
        orders_late=sold.late,
        orders_paid=sold.paid,
        credited_sat=sold.credited_sat,
        income_sat=sold.income_sat,
        replicas=_count(connection, replica),
        replica_bytes=int(connection.scalar(select(_sum(replica.c.size))) or 0),
        nonces_remembered=_count(connection, nonce_use),
        database_bytes=connection.scalar(text("SELECT pg_database_size(current_database())")) or 0,
    )


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
