"""One sweep: values of expired buckets move where there is room, owners are warned, and in the end values are removed.

Sweeps may run at any time, at the same time, and be killed: each step is a transaction of its own, and what is left
is what the next one finds. The time is an argument.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from causeway.accounts import service as accounts
from causeway.db.engine import Database
from causeway.errors import MailError, MailLostError, MailRefusedError
from causeway.expiry import notices
from causeway.expiry.models import warning
from causeway.hosting import expiring
from causeway.hosting import service as hosting
from causeway.hosting.expiring import ExpiringBucket
from causeway.kv.expired import ExpiredValues
from causeway.mail.smtp import Mailer
from causeway.outbound import is_email

log = logging.getLogger(__name__)

STAGES = (0, 1, 7, 30)
"""Days before the end at which an owner is warned, last one first."""

MAIL_PAUSE = timedelta(hours=20)
"""The least time between two mails to a contact: a stranger named as contact of a hundred buckets is not flooded."""

NOTICE = timedelta(days=7)
"""After a time without sweeps, values are kept that long after their owner was warned."""


@dataclass(frozen=True)
class SweepResult:
    """What a sweep did: values moved and removed, mails sent, mails that will be tried again, buckets removed."""

    moved: int
    mails: int
    mails_failed: int
    removed: int
    buckets: int


class Sweeper:
    """Does sweeps. Without a `mailer`, no owner is warned."""

    def __init__(
        self, database: Database, upkeep: ExpiredValues, mailer: Mailer | None, *, grace: timedelta, is_free: bool
    ) -> None:
        self._database = database
        self._upkeep = upkeep
        self._mailer = mailer
        self._grace = grace
        self._is_free = is_free

    def sweep(self, now: datetime) -> SweepResult:
        """Do everything that is due.

        :raises ApiError: the database is busy or gone; what was done so far stays done.
        """
        with self._database.reading() as connection:
            owners = expiring.owners_with_expired(connection, now)
        moved = sum(self._upkeep.move(owner, now) for owner in owners)
        sent, failed = self._warn(self._mailer, now) if self._mailer else (0, 0)
        removed = sum(self._upkeep.remove(each.owner, each.id) for each in self._ended(now))
        return SweepResult(moved, sent, failed, removed, self._tidy(now))

    # ----- warning -----

    def _warn(self, mailer: Mailer, now: datetime) -> tuple[int, int]:
        """Send a mail to each contact that is to be warned; how many were sent, and how many could not be."""
        sent = 0
        with self._database.reading() as connection:
            due = _due(connection, now)
        for (contact, days), buckets in due.items():
            claimed = self._claim(contact, days, buckets, now)
            if not claimed:
                continue
            try:
                mailer.send(
                    contact, notices.subject(days), notices.body(days, claimed, self._grace, is_free=self._is_free)
                )
            except (MailLostError, MailRefusedError) as error:
                # It stays claimed: it may have arrived, or never will.
                log.warning("a warning is given up: %s", error.message)
            except MailError as error:
                self._unclaim(days, claimed)
                log.warning("warnings are put off: %s", error.message)
                return sent, len(due) - sent
            else:
                self._mark_sent(days, claimed, now)
                sent += 1
        return sent, 0

    def _claim(self, contact: str, days: int, buckets: Sequence[ExpiringBucket], now: datetime) -> list[ExpiringBucket]:
        """Record that the contact is warned of these buckets, before the mail is sent; those not recorded before."""

        def work(connection: Connection) -> list[ExpiringBucket]:
            lately = exists().where(warning.c.contact == contact, warning.c.claimed > now - MAIL_PAUSE)
            if connection.scalar(select(lately)):
                return []
            rows = [{"bucket_id": each.id, "days": days, "contact": contact, "claimed": now} for each in buckets]
            claim = insert(warning).values(rows).on_conflict_do_nothing().returning(warning.c.bucket_id)
            mine = set(connection.scalars(claim))
            return [each for each in buckets if each.id in mine]

        return self._database.write(work)

    def _unclaim(self, days: int, buckets: Sequence[ExpiringBucket]) -> None:
        ids = [each.id for each in buckets]
        gone = delete(warning).where(warning.c.bucket_id.in_(ids), warning.c.days == days, warning.c.sent.is_(None))
        self._database.write(lambda connection: connection.execute(gone))

    def _mark_sent(self, days: int, buckets: Sequence[ExpiringBucket], now: datetime) -> None:
        ids = [each.id for each in buckets]
        marked = update(warning).where(warning.c.bucket_id.in_(ids), warning.c.days == days).values(sent=now)
        self._database.write(lambda connection: connection.execute(marked))

    # ----- removing -----

    def _ended(self, now: datetime) -> list[ExpiringBucket]:
        """Buckets whose values are to be removed."""
        with self._database.reading() as connection:
            ended = expiring.expiring_before(connection, now - self._grace)
            told = select(warning.c.bucket_id).where(
                warning.c.days == 0, warning.c.claimed > now - min(NOTICE, self._grace)
            )
            spared = set(connection.scalars(told))
        return [each for each in ended if each.id not in spared]

    def _tidy(self, now: datetime) -> int:
        def work(connection: Connection) -> int:
            hosting.forget_old_grants(connection, now)
            return expiring.remove_empty(connection, now - self._grace)

        return self._database.write(work)


def _due(connection: Connection, now: datetime) -> dict[tuple[str, int], list[ExpiringBucket]]:
    """The buckets to warn of, by contact and stage. A stage that was missed is not made up for: the next
    one says more."""
    soon = expiring.expiring_before(connection, now + timedelta(days=max(STAGES)))
    contacts = accounts.contacts(connection, {each.owner for each in soon})
    rows = connection.execute(
        select(warning.c.bucket_id, warning.c.days).where(warning.c.bucket_id.in_([each.id for each in soon]))
    )
    told = {(row.bucket_id, row.days) for row in rows}
    due: dict[tuple[str, int], list[ExpiringBucket]] = defaultdict(list)
    used: dict[str, int] = defaultdict(int)
    for each in soon:
        used[each.owner] += each.bytes_used
        days = next(stage for stage in STAGES if each.expires - now <= timedelta(days=stage))
        contact = contacts.get(each.owner)
        if contact is None or not is_email(contact) or (each.id, days) in told:
            continue
        # What has expired was moved where there was room: what is left fits nowhere.
        if days == 0 or used[each.owner] > expiring.free_bytes_after(connection, each.owner, each.expires):
            due[contact, days].append(each)
    # The nearest end first: of two mails on one day only the first is sent.
    return dict(sorted(due.items(), key=lambda item: item[0][1]))
