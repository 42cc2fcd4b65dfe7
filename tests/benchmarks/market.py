"""The lists and the watch of a home that knows a whole market, beside bare verification of the same documents."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.protocol.signed import Signed, verify
from rein.store.store import Store
from rein.store.tables.escrows import Payment
from rein.store.tables.identities import IdentityRow
from rein.workflows.market.listings import BidFilter, JobFilter, find_bids, find_jobs, market
from rein.workflows.market.reputation import known_ratings, mediators_with_records
from rein.workflows.notify.watch import Watch, watch_round
from rein.workflows.orders.fold_cache import my_views
from rein.workflows.session import Session
from tests.benchmarks.figures import Figure
from tests.support.people import TIME, Person, Story, bid, enroll, job, person, story

JOBS = 2_000
OWN_JOBS = 1_000
_BIDS = 4
_RUNS = 5


def figures() -> list[Figure]:
    """Each figure is CPU time; its limit, what verifying every document of that home once costs."""
    return [*_strangers(), *_own()]


def _strangers() -> Iterator[Figure]:
    documents = list(_jobs_of_strangers())
    with _home(person("Bob"), documents) as session:
        bare = _cpu(lambda: [verify(each.armored) for each in documents])
        known = f"{len(documents):,} documents"
        yield Figure(f"rein jobs, first, {known}", _cpu(lambda: find_jobs(session, JobFilter(), TIME)), "ms", bare)
        for name, run in (
            ("rein jobs", lambda: find_jobs(session, JobFilter(open_only=True), TIME)),
            ("rein mediators", lambda: mediators_with_records(session)),
            ("averages of ratings", lambda: known_ratings(session)),
            ("rein watch, nothing new", lambda: watch_round(session, Watch([]), TIME, lambda _: [])),
        ):
            run()
            yield Figure(f"{name}, {known}", min(_cpu(run) for _ in range(_RUNS)), "ms", bare)
        number = len(market(session))
        session.store.documents.add_received(
            [(job(person("Bob"), person("Alice"), job_id=f"{number:020d}"), "http://x/")]
        )
        once = lambda: find_jobs(session, JobFilter(), TIME)  # noqa: E731 - named as the others are
        yield Figure(f"rein jobs, one new, {known}", _cpu(once), "ms", bare)


def _own() -> Iterator[Figure]:
    stories = [story(job_id=f"own{number:017}") for number in range(OWN_JOBS)]
    documents = [signed for told in stories for signed in (told.job, *told.documents)]
    with _home(person("Bob"), documents) as session:
        for told in stories[: OWN_JOBS * 9 // 10]:
            session.store.escrows.observe(told.offer.id, [], _paid(told))
        bare = _cpu(lambda: [verify(each.armored) for each in documents])
        known = f"{OWN_JOBS:,} own jobs"
        yield Figure(f"rein status, first, {known}", _cpu(lambda: my_views(session)), "ms", bare)
        for name, run in (
            ("rein status", lambda: my_views(session)),
            ("rein bids", lambda: find_bids(session, BidFilter(), TIME)),
            ("rein watch, nothing new", lambda: watch_round(session, Watch([]), TIME, lambda _: [])),
        ):
            run()
            yield Figure(f"{name}, {known}", min(_cpu(run) for _ in range(_RUNS)), "ms", bare)


def _jobs_of_strangers() -> Iterator[Signed[Any]]:
    creators = [person(f"creator {number}") for number in range(50)]
    workers = [person(f"worker {number}") for number in range(50)]
    mediators = [person(f"mediator {number}") for number in range(10)]
    enrolled = [enroll(each, True) for each in mediators]
    yield from (*enrolled, *(enroll(each) for each in (*creators, *workers)))
    for number in range(JOBS):
        which = number % len(mediators)
        posted = job(creators[number % 50], mediators[which], enrolled[which], job_id=f"strange{number:013}")
        yield posted
        for place in range(_BIDS):
            yield bid(workers[(number + place * 7) % 50], posted, amount=Sat(1_000_000 + number))


def _paid(told: Story) -> list[Payment]:
    ending = ("acceptance", told.acceptance.id)
    return [
        Payment(told.offer.id, purse, "11" * 32, Sat(5), Sat(0), Sat(9), 110, 200, *ending)
        for purse in ("primary", "mediator")
    ]


@contextmanager
def _home(who: Person, documents: list[Signed[Any]]) -> Iterator[Session]:
    with tempfile.TemporaryDirectory(prefix="rein-bench-") as directory:
        store = Store(Path(directory) / "rein.db")
        names = (who.name, who.contact, who.master_address, who.delegate_address)
        row = store.identities.add(IdentityRow(0, "regtest", *names, "key"), enroll(who))
        others = [enroll(person("Alice"), True), enroll(person("Charlie"))]
        store.documents.add_received([(each, "http://x/") for each in (*others, *documents)])
        yield Session(Path(directory), REGTEST, store, row, _never, _never, lambda _: None)


def _never(*_: object) -> NoReturn:
    raise AssertionError("neither keys nor a chain are looked at here")


def _cpu(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return 1_000 * (time.process_time() - began)
