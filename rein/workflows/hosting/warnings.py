"""Everything about one's hosting that somebody should do something about, as far as it is known here."""

from __future__ import annotations

from collections.abc import Sequence

from rein.store.tables.servers import ServerRow
from rein.workflows.hosting.quota_warnings import LITTLE_SPACE, warnings_of
from rein.workflows.hosting.same_server import same_servers
from rein.workflows.hosting.unpublished import in_words, unpublished
from rein.workflows.session import Session


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
