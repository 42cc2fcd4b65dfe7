"""What is known here about people: their ratings, and what mediators have done."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any, Final

from rein.errors import ChainError
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.orders import Order
from rein.protocol.reputation import Score, mean
from rein.protocol.signed import Signed
from rein.protocol.sin import secure_identity_number
from rein.store.tables.hidden import Hideable
from rein.workflows.chain.view import observe_all
from rein.workflows.market.hide import hidden_names
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.fold_cache import public_views
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.people import the_person
from rein.workflows.orders.view import Favour, OrderView
from rein.workflows.session import Session

MAX_LOOKED_AT: Final = 200
"""Jobs of other people that are looked up on the chain in one run: strangers decide how many there are."""


@dataclass(frozen=True)
class RatedPerson:
    """Somebody, with the average of the ratings that count."""

    name: str
    master_address: str
    average: Score

    def json(self) -> dict[str, Any]:
        """The average in tenths, so that it needs no fractions."""
        return {
            "name": self.name,
            "master_address": self.master_address,
            "sin": secure_identity_number(self.master_address),
            "rating_tenths": self.average.tenths,
            "ratings": self.average.count,
        }


class Averages:
    """The mean of the ratings that count, by the person rated."""

    def __init__(self, known: Iterable[OrderView]) -> None:
        """:param known: each order once; those that are not over hold no rating that counts."""
        self._of: dict[str, list[int]] = defaultdict(list)
        for order in known:
            for each in order.ratings if order.is_over else ():
                self._of[each.rated_address].append(each.value)

    def average(self, master_address: str) -> Score:
        """As `rein.protocol.reputation.Ratings.average`."""
        return mean(self._of.get(master_address, ()))

    def person(self, name: str, master_address: str) -> RatedPerson:
        """Somebody with their average."""
        return RatedPerson(name, master_address, self.average(master_address))


def known_ratings(session: Session) -> Averages:
    """What the ratings that count come to, as far as the chain was looked at."""
    return Averages(rated_jobs(session))


def rated_jobs(session: Session) -> list[OrderView]:
    """Every order in which somebody rated somebody."""
    return public_views(session, lambda: session.store.orders.having(session.network.name, Kind.RATING))


def offered_jobs(session: Session) -> list[OrderView]:
    """Every order in which somebody signed an offer."""
    return public_views(session, lambda: session.store.orders.having(session.network.name, Kind.OFFER))


def prove_endings(session: Session, known: Iterable[OrderView]) -> int:
    """Look on the chain how jobs ended of which that is not known yet. Of too many, some are looked at by chance, so
    that nobody's jobs can push others out for good. Returns how many were left.

    :raises ChainError: the chain source cannot answer.
    """
    open_still = [order.id for order in known if order.worker_address is not None and not order.is_over]
    chosen = open_still
    if len(open_still) > MAX_LOOKED_AT:
        chosen = secrets.SystemRandom().sample(open_still, MAX_LOOKED_AT)
    silent = replace(session, note=lambda _: None, open_chain=lambda: session.chain)  # strangers' money is no news
    observe_all(silent, load_orders(session, chosen).orders)
    return len(open_still) - len(chosen)


def prove_endings_if_possible(session: Session, known: Iterable[OrderView]) -> None:
    """The same where the chain answers; what could not be looked up is said."""
    try:
        left = prove_endings(session, known)
    except ChainError as error:
        session.note(f"The chain was not looked at, so less is proved: {error.message}")
    else:
        if left:
            were = "1 job was" if left == 1 else f"{left:,} jobs were"
            session.note(f"{were} not looked up; {MAX_LOOKED_AT} are at once. Run it again for more.")


def jobs_of(session: Session, master_address: str) -> list[OrderView]:
    """The orders that somebody got, gave or mediates: all that hold ratings of them or by them."""
    named = public_views(session, lambda: session.store.orders.of_person(session.network.name, master_address))
    return [
        order
        for order in named
        if order.worker_address is not None
        and master_address in (order.creator_address, order.mediator_address, order.worker_address)
    ]


def rated_orders(session: Session, *people: str) -> list[Order]:
    """The orders of these people in which somebody rated somebody."""
    rated = {order.id: None for each in people for order in jobs_of(session, each) if order.rated}
    return load_orders(session, rated).orders


def find_person(session: Session, name: str) -> Enrollment:
    """As `the_person`, of everybody known here."""
    return the_person(load_enrollments(session), name)


@dataclass(frozen=True)
class Record:
    """What signed documents, and the chain where it was looked at, prove of a mediator.

    `cases`: jobs that were offered to a worker under this mediator. `ended`: those of them whose money the chain has
    shown to reach its end; `disputed`: somebody opened a dispute; `resolved`: the mediator decided, once. The whole
    or larger part of the price went `for_creator`, `for_worker` or `even` to both. `contradicted`: two different
    decisions were signed in one job. `blocks_to_decide`: the median of the heights between a dispute and its decision,
    as their signers name them; None without a decision.
    """

    cases: int = 0
    ended: int = 0
    disputed: int = 0
    resolved: int = 0
    for_creator: int = 0
    for_worker: int = 0
    even: int = 0
    contradicted: int = 0
    blocks_to_decide: int | None = None

    def json(self) -> dict[str, Any]:
        return vars(self)


def record_of(known: Iterable[OrderView], master_address: str) -> Record:
    """The record of one mediator, from all orders that are known."""
    cases = [order for order in known if order.worker_address is not None and order.mediator_address == master_address]
    decided = [order.decision for order in cases if order.decision is not None]
    favours = [decision.favours for decision in decided]
    return Record(
        cases=len(cases),
        ended=sum(order.is_over for order in cases),
        disputed=sum(order.disputed for order in cases),
        resolved=len(decided),
        for_creator=favours.count(Favour.CREATOR),
        for_worker=favours.count(Favour.WORKER),
        even=favours.count(Favour.EVEN),
        contradicted=sum(order.contradicted for order in cases),
        blocks_to_decide=median_low(decision.blocks for decision in decided) if decided else None,
    )


@dataclass(frozen=True)
class Mediator:
    """Somebody willing to mediate, and what is proved of the past."""

    enrollment: Signed[Enrollment]
    record: Record


def mediators_with_records(session: Session, *, hidden_too: bool = False) -> list[Mediator]:
    """Everybody willing to mediate, oneself too, by name."""
    hidden, cases = hidden_names(session), defaultdict(list)
    for order in offered_jobs(session):
        cases[order.mediator_address].append(order)
    willing = [
        signed
        for signed in load_enrollments(session)
        if signed.document.willing_to_mediate
        and (hidden_too or (Hideable.PERSON, signed.document.master_address) not in hidden)
    ]
    ordered = sorted(willing, key=lambda signed: (signed.document.user.casefold(), signed.id))
    return [
        Mediator(signed, record_of(cases[signed.document.master_address], signed.document.master_address))
        for signed in ordered
    ]


@dataclass(frozen=True)
class ListedMediator:
    """A mediator in a list, with their ratings."""

    mediator: Mediator
    person: RatedPerson

    def json(self) -> dict[str, Any]:
        enrollment = self.mediator.enrollment
        return {
            **self.person.json(),
            "contact": enrollment.document.contact,
            "enrollment": enrollment.id,
            "fee_basis_points": enrollment.document.mediator_fee,
            **self.mediator.record.json(),
        }


def listed_mediators(session: Session, *, hidden_too: bool = False) -> list[ListedMediator]:
    """Everybody willing to mediate, as a list shows them, after a look at the chain for what it proves of them."""
    prove_endings_if_possible(session, offered_jobs(session))
    ratings = known_ratings(session)
    return [
        ListedMediator(each, ratings.person(each.enrollment.document.user, each.enrollment.document.master_address))
        for each in mediators_with_records(session, hidden_too=hidden_too)
    ]
