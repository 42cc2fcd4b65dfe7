"""Asking a causeway for microhosting."""

from __future__ import annotations

from rein.remote.causeway import Hosting
from rein.remote.transport import normal_url
from rein.store.store import ServerRow
from rein.workflows.desk import Desk


def request_hosting(desk: Desk, url: str) -> tuple[str, Hosting]:
    """Ask for a free bucket and remember the server. Returns its URL in the one spelling, and what it grants.

    :raises InputError: no server address.
    :raises RemoteError: the server cannot be reached or refuses.
    """
    normal = normal_url(url)
    server = desk.server(normal)
    try:
        hosting = server.request(desk.identity.contact)
    finally:
        server.close()
    desk.store.set_server(desk.identity.id, ServerRow(normal, hosting.buckets, hosting.bytes_free))
    return normal, hosting
