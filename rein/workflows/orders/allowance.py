"""How much of the market servers may bring here: bounded by server, by signer and by time, never for good.

What the parties of my orders say in them, and their enrollments and with them their revocations, is taken whatever a
server has brought before. For what others say in my orders each server has an allowance of its own. What is passed over
is read again when the time is over, or as soon as there is somebody in my orders whom I did not know.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rein.protocol.documents import Enrollment, Job
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.allowances import Usage
from rein.store.tables.servers import FeedRow
from rein.workflows.session import Session

SERVER_BYTES = 512 * 2**20
"""What one server may add in `SECONDS`: of the market, and as much again in my orders."""
SIGNER_BYTES = 16 * 2**20
"""What one key may have signed of it. By whom a document is, it says itself; who signed it is proved."""
SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Mine:
    """Whom my orders are about: the parties of each, all of these and me, everybody who speaks in one, and who signs
    for the parties."""

    parties: dict[DocumentId, set[str]]
    everybody: set[str]
    people: set[str]
    enrollments: Enrollments
    size: int
    """Grows with every party, and with every enrollment of one."""


def mine(session: Session) -> Mine:
    """As far as is known here."""
    network = session.network.name
    if session.row is None:
        return Mine({}, set(), set(), Enrollments(), 0)
    order_ids = session.store.orders.of_person(network, session.address)
    parties = session.store.orders.parties(order_ids)
    everybody = {session.address, *(each for some in parties.values() for each in some)}
    enrolled = session.store.documents.enrollments_of(network, everybody)
    size = sum(map(len, parties.values())) + len(enrolled)
    known = Enrollments(each for each in enrolled if isinstance(each.document, Enrollment))
    return Mine(parties, everybody, session.store.orders.people(order_ids) | everybody, known, size)


class Allowance:
    """What was brought, and what may still be, while feeds are read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._now = int(time.time())
        self._spent: dict[str, Usage] = {}
        self._mine: Mine | None = None

    def is_to_be_read_again(self, feed: FeedRow) -> bool:
        """Whether something that was passed over may be taken by now."""
        return feed.passed > 0 and (
            not 0 <= self._now - feed.passed < SECONDS or self._whom_mine_are_about().size > feed.people
        )

    def passing(self, feed: FeedRow) -> FeedRow:
        """The feed, of which something was passed over now."""
        return feed if feed.passed else replace(feed, passed=self._now, people=self._whom_mine_are_about().size)

    def sift(self, url: str, documents: Sequence[Signed[Any]]) -> tuple[list[Signed[Any]], list[Signed[Any]]]:
        """What is taken of verified documents that a server brought, and what is passed over."""
        taken: list[Signed[Any]] = []
        passed: list[Signed[Any]] = []
        for each in documents:
            (taken if self._take(url, each) else passed).append(each)
        return taken, passed

    def learned(self) -> None:
        """Documents were taken: my orders may be about others now."""
        self._mine = None

    def save(self) -> None:
        """Note what was brought."""
        self._session.store.allowances.set(self._session.network.name, list(self._spent.items()), self._now - SECONDS)
        self._spent.clear()

    def _take(self, url: str, signed: Signed[Any]) -> bool:
        size, signer = len(signed.armored.encode()), signed.address
        if not self._has_room(signer, size, SIGNER_BYTES):
            return self._is_by_a_party(signed)
        for name, is_open in ((url, True), (f"{url} in my orders", self._is_about_mine(signed))):
            if is_open and self._has_room(name, size, SERVER_BYTES):
                self._spend(name, size)
                self._spend(signer, size)
                return True
        return self._is_by_a_party(signed)

    def _is_about_mine(self, signed: Signed[Any]) -> bool:
        document, mine = signed.document, self._whom_mine_are_about()
        if isinstance(document, Enrollment):
            return document.master_address in mine.people
        if isinstance(document, Job) and document.mediator_master_address in self._me:
            return True
        return _order_of(signed) in mine.parties

    def _is_by_a_party(self, signed: Signed[Any]) -> bool:
        """By one of the three of an order of mine, as a key says that one of them has enrolled."""
        document, mine = signed.document, self._whom_mine_are_about()
        author = document.author.master_address
        if isinstance(document, Enrollment):
            return author in mine.everybody
        parties = mine.parties.get(_order_of(signed), set()) | self._me
        return author in parties and mine.enrollments.is_delegate(self._session.network, author, signed.address)

    @property
    def _me(self) -> set[str]:
        return {self._session.row.master_address} if self._session.row else set()

    def _whom_mine_are_about(self) -> Mine:
        if self._mine is None:
            self._mine = mine(self._session)
        return self._mine

    def _has_room(self, name: str, size: int, limit: int) -> bool:
        if name not in self._spent:
            spent = self._session.store.allowances.spent(self._session.network.name, name)
            is_over = not 0 <= self._now - spent.since < SECONDS
            self._spent[name] = Usage(self._now, 0) if is_over else spent
        return self._spent[name].bytes + size <= limit

    def _spend(self, name: str, size: int) -> None:
        spent = self._spent[name]
        self._spent[name] = Usage(spent.since, spent.bytes + size)


def _order_of(signed: Signed[Any]) -> DocumentId:
    if isinstance(signed.document, Job):
        return signed.id
    return DocumentId(getattr(signed.document, "job_document", ""))
