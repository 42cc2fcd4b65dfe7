"""How somebody was rated, and how far one may trust that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.protocol.documents import Enrollment, Rating
from rein.protocol.reputation import Link, Ratings, Score, Trust, counted, not_counted
from rein.protocol.signed import Signed
from rein.workflows.market.reputation import (
    Record,
    find_person,
    jobs_of,
    prove_endings_if_possible,
    rated_orders,
    record_of,
)
from rein.workflows.session import Session


@dataclass(frozen=True)
class TrustReport:
    """What is known of somebody: the ratings that count and those that do not, with the reason; the trust that follows
    from one's own ratings; and the record as a mediator."""

    person: Enrollment
    average: Score
    ratings: tuple[Signed[Rating], ...]
    trust: Trust
    not_counted: tuple[tuple[Signed[Rating], str], ...]
    record: Record

    def json(self) -> dict[str, Any]:
        return {
            "name": self.person.user,
            "master_address": self.person.master_address,
            "sin": self.person.sin,
            "rating_tenths": self.average.tenths,
            "ratings": [_rating_json(each) for each in self.ratings],
            "trust_tenths": self.trust.score.tenths,
            "links": [_link_json(each) for each in self.trust.links],
            "not_counted": [_rating_json(each) | {"why": why} for each, why in self.not_counted],
            "mediated": self.record.json(),
        }


def trust_report(session: Session, name: str) -> TrustReport:
    """What is known of the person of that name, after a look at the chain for how their jobs ended.

    :raises NotFoundError, InputError: as `find_person`.
    """
    person = find_person(session, name)
    address = person.master_address
    prove_endings_if_possible(session, jobs_of(session, address))
    orders = rated_orders(session, session.address, address)
    ratings = Ratings(counted(orders))
    void = tuple((each, why) for each, why in not_counted(orders) if each.document.rated_master_address == address)
    return TrustReport(
        person=person,
        average=ratings.average(address),
        ratings=ratings.of(address),
        trust=ratings.trust(session.address, address),
        not_counted=void,
        record=record_of(jobs_of(session, address), address),
    )


def _rating_json(signed: Signed[Rating]) -> dict[str, Any]:
    rating = signed.document
    return {
        "document_id": signed.id,
        "job_id": rating.job_id,
        "job_document": rating.job_document,
        "rater": rating.master_address,
        "rater_role": rating.role.value,
        "rated_role": rating.rated_role.value,
        "rating": rating.rating,
        "comment": rating.comment,
    }


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "through": link.through,
        "trusted": link.trusted,
        "rating": link.rating.document.rating,
        "strength": link.strength,
        "rating_document": link.rating.id,
        "trusted_by_document": link.trusted_by.id if link.trusted_by else None,
    }
