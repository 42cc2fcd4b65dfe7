"""Everything about one's hosting that somebody should do something about, as far as it is known here."""

from __future__ import annotations

from collections.abc import Sequence

from rein.store.tables.servers import ServerRow
from rein.workflows.hosting.same_server import same_servers
from rein.workflows.hosting.unpublished import in_words, unpublished
from rein.workflows.session import Session

LITTLE_SPACE = 100_000
LITTLE_TRANSFER = 5_000_000
"""Bytes: below that somebody should be told. A document has one or two thousand."""
LITTLE_TIME = 30 * 86_400


def warnings_of(row: ServerRow, now: int, left_out: int = 0) -> list[str]:
    """What runs out soon, in sentences; nothing where the server has not said yet.

    :param left_out: documents of others in one's jobs for which there is no room beside one's own.
    """
    if not row.asked:
        return []
    if not row.buckets:
        return ["you have no hosting there any more"]
    warnings = []
    if row.bytes_free < LITTLE_SPACE:
        warnings.append(f"only {row.bytes_free:,} bytes of space are left")
    if left_out:
        documents = "1 document" if left_out == 1 else f"{left_out:,} documents"
        warnings.append(f"no room for {documents} of others in your jobs")
    if row.transfer_free < LITTLE_TRANSFER:
        warnings.append(f"only {row.transfer_free:,} bytes of transfer are left")
    if row.expires and row.expires - now < LITTLE_TIME:
        days = max(0, (row.expires - now) // 86_400)
        warnings.append(f"hosting there ends in {days} days")
    return warnings


def are_full(rows: Sequence[ServerRow]) -> bool:
    """Whether no server has room where there is hosting, by what each said when it was last asked."""
    hosting = [row for row in rows if row.buckets]
    return bool(hosting) and all(row.asked and row.bytes_free < LITTLE_SPACE for row in hosting)


def hosting_warnings(session: Session, now: int) -> list[str]:
    """What runs out soon at each server, servers that count as one, and documents for which none has room.

    :param now: seconds since 1970.
    """
    rows = session.store.servers.of_identity(session.identity.id)
    found = [f"{row.url}  {each}" for row in rows for each in warnings_of(row, now)]
    found += [
        f"{url}  it is the same server as {first}: both count as one copy"
        for url, first in same_servers(session).items()
    ]
    if are_full(rows) and (missing := unpublished(session)):
        found.append(f"no server has room for what you wrote: {in_words(missing)}")
    return found
