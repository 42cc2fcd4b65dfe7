"""One server under several addresses: what it holds is one copy, however often it is asked."""

from __future__ import annotations

from rein.workflows.session import Session


def server_ids(session: Session) -> dict[str, str]:
    """By URL, what each server's feed calls itself, as far as it was read; or its URL."""
    network = session.network.name
    rows = session.store.servers.of_identity(session.identity.id)
    return {row.url: session.store.servers.feed(row.url, network).server or row.url for row in rows}


def same_servers(session: Session) -> dict[str, str]:
    """Addresses of a server that was registered under another one before, which is the value."""
    first: dict[str, str] = {}
    same: dict[str, str] = {}
    for url, server in server_ids(session).items():
        if first.setdefault(server, url) != url:
            same[url] = first[server]
    return same
