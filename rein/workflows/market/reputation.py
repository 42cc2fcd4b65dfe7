"""What is known here about people: their ratings, how far one may trust them, and what mediators have done."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any, Final

from rein.errors import InputError, NotFoundError, OrderError
from rein.protocol.documents import Enrollment, Kind, Rating, Role
from rein.protocol.orders import Order
from rein.protocol.reputation import Score, mean
from rein.protocol.signed import Signed
from rein.store.hidden import Hideable
from rein.workflows.market.entries import EVEN, Entry, entries, rated_entries
from rein.workflows.market.listings import hidden_names
from rein.workflows.money.chain_view import look
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.load import load_orders, roles_in
from rein.workflows.orders.people import meant
from rein.workflows.orders.reply import sign_as
from rein.workflows.session import Session

MAX_LOOKED_AT: Final = 200
"""Jobs of other people that are looked up on the chain in one run: strangers decide how many there are."""


class Averages:
    """The mean of the ratings that count, by whom they are of."""

    def __init__(self, known: Iterable[Entry]) -> None:
        """:param known: each order once; those that are not over hold no rating that counts."""
        self._of: dict[str, list[int]] = defaultdict(list)
        for entry in known:
            for each in entry.ratings if entry.is_over else ():
                self._of[each.rated_address].append(each.value)

    def average(self, master_address: str) -> Score:
        """As `rein.protocol.reputation.Ratings.average`."""
        return mean(self._of.get(master_address, ()))


def known_ratings(session: Session) -> Averages:
    """What the ratings that count come to, as far as the chain was looked at."""
    return Averages(rated_entries(session))


def prove_endings(session: Session, known: Iterable[Entry]) -> int:
    """Look on the chain how jobs ended of which that is not known yet. Of too many, some are looked at by chance, so
    that nobody's jobs can push others out for good. Returns how many were left.

    :raises ChainError: the chain source cannot answer.
    """
    open_still = [entry.id for entry in known if entry.worker_address is not None and not entry.is_over]
    chosen = open_still
    if len(open_still) > MAX_LOOKED_AT:
        chosen = secrets.SystemRandom().sample(open_still, MAX_LOOKED_AT)
    silent = replace(session, note=lambda _: None, open_chain=lambda: session.chain)  # strangers' money is no news
    look(silent, load_orders(session, chosen).orders)
    return len(open_still) - len(chosen)


def entries_of(session: Session, master_address: str) -> list[Entry]:
    """The orders that somebody got, gave or mediates: all that hold ratings of him or by him."""
    named = entries(session, session.store.orders.of_person(session.network.name, master_address))
    return [
        entry
        for entry in named
        if entry.worker_address is not None
        and master_address in (entry.creator_address, entry.mediator_address, entry.worker_address)
    ]


def rated_orders(session: Session, *people: str) -> list[Order]:
    """The orders of these people in which somebody rated somebody."""
    rated = {entry.id: None for each in people for entry in entries_of(session, each) if entry.rated}
    return load_orders(session, rated).orders


def find_person(session: Session, name: str) -> Enrollment:
    """The person somebody means: by master address, SIN, or name where only one has it.

    :raises NotFoundError: nobody.
    :raises InputError: several have the name.
    """
    found = meant(load_enrollments(session), name)
    if not found:
        raise NotFoundError(f"nobody called {name!r} is known here", hint="Fetch what is new: rein sync")
    if len(found) > 1:
        raise InputError(f"several people are called {name}", hint="Name the master address instead.")
    return found[0].document


def orders_to_rate(session: Session) -> list[Order]:
    """Jobs of mine that are over and in which I can still rate somebody."""
    mine = load_orders(session, session.store.orders.of_person(session.network.name, session.address)).orders
    return [order for order in mine if order.is_over and unrated_roles(session, order)]


def unrated_roles(session: Session, order: Order) -> list[Role]:
    """Whom I can still rate in an order."""
    mine = roles_in(order, session.address)
    done = {
        each.document.rated_role
        for each in (*order.ratings, *order.void_ratings)
        if each.document.master_address == session.address
    }
    return [role for role in Role if mine and role not in mine and role not in done]


def build_rating(session: Session, order: Order, rated: Role, value: int, comment: str | None) -> Signed[Rating]:
    """The signed rating of somebody in a job that is over.

    :raises OrderError: the job is not over, or I have no part in it, or have rated that person already.
    """
    if not order.is_over or order.offer is None:
        raise OrderError(
            f"the job {order.job.document.job_id} is {order.state.value}; people are rated when it is over",
            hint="Look at the chain: rein sync",
        )
    roles = roles_in(order, session.address)
    if not roles:
        raise OrderError(f"you have no part in the job {order.job.document.job_id}")
    if rated in roles:
        raise OrderError("nobody rates themselves")
    if rated not in unrated_roles(session, order):
        raise OrderError(f"you have rated the {rated.value} of this job already")
    fields: dict[str, Any] = {
        "rated_role": rated,
        "rated_master_address": order.master_address(rated),
        "rating": value,
        "comment": comment,
    }
    return sign_as(session, order, next(iter(roles)), Rating, order.offer.id, **fields)


@dataclass(frozen=True)
class Record:
    """What signed documents, and the chain where it was looked at, prove of a mediator.

    `cases`: jobs that were offered to a worker under this mediator. `ended`: those of them whose money the chain has
    shown to reach its end; `disputed`: somebody called the mediator; `resolved`: the mediator decided, once. The whole
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


def record_of(known: Iterable[Entry], master_address: str) -> Record:
    """The record of one mediator, from all orders that are known."""
    cases = [entry for entry in known if entry.worker_address is not None and entry.mediator_address == master_address]
    decided = [entry.decision for entry in cases if entry.decision is not None]
    favours = [decision.favours for decision in decided]
    return Record(
        cases=len(cases),
        ended=sum(entry.is_over for entry in cases),
        disputed=sum(entry.disputed for entry in cases),
        resolved=len(decided),
        for_creator=favours.count(Role.CREATOR.value),
        for_worker=favours.count(Role.WORKER.value),
        even=favours.count(EVEN),
        contradicted=sum(entry.contradicted for entry in cases),
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
    for entry in entries(session, session.store.orders.having(session.network.name, Kind.OFFER)):
        cases[entry.mediator_address].append(entry)
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
