"""Whether what one wrote is where others can read it."""

from __future__ import annotations

from collections.abc import Iterator

from rein.findings import Finding, ok, warn
from rein.workflows.hosting.same_server import same_servers
from rein.workflows.hosting.unpublished import in_words, unpublished
from rein.workflows.hosting.warnings import are_full
from rein.workflows.session import Session


def check_documents(session: Session) -> Iterator[Finding]:
    """What no server holds, and servers that count as one, as far as is known here."""
    rows = session.store.servers.of_identity(session.identity.id)
    missing = unpublished(session)
    if missing:
        count = f"{len(missing):,} of your documents {'is' if len(missing) == 1 else 'are'} at no server"
        hint = (
            "Buy space, or register another server."
            if are_full(rows)
            else "Publish it."
            if rows
            else "Register a server."
        )
        yield warn("documents", f"{count}: {in_words(missing)}", hint)
    elif rows:
        yield ok("documents", "everything you wrote is at a server")
    for url, first in same_servers(session).items():
        message = f"{url} and {first} are one server: both hold one copy between them"
        yield warn("servers", message, "Remove one of the two addresses.")
