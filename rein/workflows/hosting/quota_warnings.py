"""Knowing before hosting ends: what servers said of space, transfer and time."""

from __future__ import annotations

from rein.store.tables.servers import ServerRow

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
