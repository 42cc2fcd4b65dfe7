"""What waits for somebody, and what somebody waits for, in all of his jobs.

What an order came to is kept between runs (`rein.workflows.status.overview`); what depends on the time is told here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from rein.store.identities import IdentityRow
from rein.workflows.orders.turn import Turn
from rein.workflows.session import Session
from rein.workflows.status.earnings import whereabouts
from rein.workflows.status.overview import overview

_URGENCY = [due.value for due in Turn]


@dataclass(frozen=True)
class Agenda:
    """The jobs of one identity, as `rein status --json` has them: those that wait for it first, then those it waits
    for, each the oldest first; the jobs that do not count; and how many documents no server holds yet."""

    row: IdentityRow
    jobs: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    unpublished: int


def agenda(session: Session, row: IdentityRow, now: int | None) -> Agenda:
    """The agenda of an identity of this home.

    :param now: the time of the newest block, None where none was ever seen.
    """
    seen = overview(replace(session, row=row))
    unpublished = session.store.documents.unpublished_ids(row.network, row.master_address)
    jobs = [whereabouts(session, row, at_time(job, now, unpublished)) for job in seen.jobs]
    jobs.sort(key=lambda job: (_URGENCY.index(job["due"]), job["since_height"], job["job_document"]))
    return Agenda(row, jobs, seen.refused, len(unpublished))


def at_time(summary: dict[str, Any], now: int | None, unpublished: Collection[str] = ()) -> dict[str, Any]:
    """What an order comes to at a time: a job that has expired without a bid waits for nobody, and nobody pays for an
    offer that no server holds.

    :param summary: as `rein.workflows.status.summary.summary` makes it.
    :param now: as for `agenda`.
    :param unpublished: the ids of documents of the identity that no server holds yet.
    """
    if summary["state"] == "posted" and now is not None and summary["until"] <= now:
        return summary | {"due": Turn.NOTHING.value, "next": "nothing; it has expired without a bid"}
    if summary["state"] == "offered" and summary["offer"] in unpublished:
        return summary | {"due": Turn.ACT.value, "next": "publish the offer: rein sync; pay only then: rein fund"}
    return summary
