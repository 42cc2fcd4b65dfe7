"""What a sync did: its result, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rein.errors import ChainError, ReinError
from rein.workflows.hosting.unpublished import Unpublished
from rein.workflows.orders.feeds import FeedReport
from rein.workflows.sync.availability import Discrepancy


@dataclass
class ServerReport:
    """What happened with one server. It was proved to hold `held` of my documents, `checked` of them in this sync. It
    was asked for `foreign` documents of others in my jobs, and the `differences` are those it did not give as they are
    here."""

    url: str
    feed: FeedReport
    uploaded: int = 0
    held: int = 0
    checked: int = 0
    lost: int = 0
    error: ReinError | None = None
    """Why it could not be asked, or did not take everything; what is wrong with its feed is in `feed.error`."""
    warnings: list[str] = field(default_factory=list)
    foreign: int = 0
    differences: list[Discrepancy] = field(default_factory=list)
    kept: int = 0
    """Of the documents of others in my orders, how many it was proved to hold for me; there is no room there for
    `left_out`."""
    left_out: int = 0
    answered: bool = False
    """Whether it was asked to the end for what it holds, so that an error is about what it did not take."""
    same_as: str | None = None
    """Another address of the same server, which was registered before this one."""

    def json(self) -> dict[str, Any]:
        error = self.error or self.feed.error
        return {
            "url": self.url,
            "uploaded": self.uploaded,
            "held": self.held,
            "read_back": self.checked,
            "lost": self.lost,
            "kept_of_others": self.kept,
            "left_out": self.left_out,
            "fetched": self.feed.new,
            "shown": self.feed.shown,
            "notes": self.feed.notes,
            "warnings": self.warnings,
            "error": error.message if error else None,
            "code": _code(error),
            "asked_of_others": self.foreign,
            "differences": [each.json() for each in self.differences],
            "same_as": self.same_as,
        }


@dataclass
class SyncReport:
    """What a sync did. `safe` of my `documents` are at `copies` servers. My orders depend on so many documents of
    `others`."""

    documents: int = 0
    others: int = 0
    safe: int = 0
    copies: int = 0
    known: int = 0
    servers: list[ServerReport] = field(default_factory=list)
    chain_error: ChainError | None = None
    unpublished: list[Unpublished] = field(default_factory=list)
    """My documents that no server holds."""

    @property
    def distinct_servers(self) -> int:
        """How many servers there are, whatever number of addresses they have."""
        return sum(server.same_as is None for server in self.servers)

    @property
    def new(self) -> int:
        """How many documents were fetched."""
        return sum(server.feed.new for server in self.servers)

    def json(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "others": self.others,
            "safe": self.safe,
            "unpublished": [each.json() for each in self.unpublished],
            "copies": self.copies,
            "known": self.known,
            "servers": [server.json() for server in self.servers],
            "fetched": self.new,
            "refused": [
                {"url": server.url, "code": reason.code, "message": reason.message}
                for server in self.servers
                for reason in server.feed.refused
            ],
            "chain_error": self.chain_error.message if self.chain_error else None,
        }


def _code(error: ReinError | None) -> str | None:
    """The server's own code where it gave one: `storage_exhausted` says more than that it refused."""
    return getattr(error, "reason", "") or error.code if error else None
