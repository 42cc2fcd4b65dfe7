"""Lists without any chain or server: what is open by the time of a block, what is hidden, what a past proves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.source import BlockRef, ChainSource
from rein.errors import ChainError, IdentityError, InputError
from rein.identity.keyring import Keyring
from rein.protocol.documents import Role
from rein.protocol.orders import Evidence, fold
from rein.protocol.reputation import Score
from rein.protocol.signed import Signed
from rein.protocol.values import Budget
from rein.store.store import Store
from rein.store.tables.chain_tip import SeenBlock
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.store.tables.hidden import Hidden, Hideable
from rein.store.tables.identities import IdentityRow
from rein.workflows.accounting.ledger import Account, Transaction, as_beancount, as_csv
from rein.workflows.market.listings import (
    BidFilter,
    JobFilter,
    find_bids,
    find_jobs,
    find_people,
    is_open,
    listed,
    load_offered,
    page,
)
from rein.workflows.market.reputation import MAX_LOOKED_AT, Record, find_person, known_ratings, prove_endings, record_of
from rein.workflows.orders.build_view import build_view
from rein.workflows.orders.load import LoadedOrders
from rein.workflows.orders.next_step import next_step
from rein.workflows.orders.tip import newest_block
from rein.workflows.orders.view import AHEAD_SECONDS, OrderView
from rein.workflows.session import Session
from rein.workflows.status.agenda import Turn, agenda
from tests.support.people import (
    PRICE,
    TIME,
    bid,
    creator_dispute,
    disputed_story,
    enroll,
    job,
    offer,
    person,
    rating,
    resolution,
    story,
    worker_dispute,
)

TOLD, DISPUTED = story(), disputed_story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
ENROLLED = [enroll(ALICE, True), enroll(CHARLIE), enroll(MALLORY, True)]
DAY = 86_400
EXPIRES = TIME + 14 * DAY
PAID = Evidence(funded=True, primary_paid=True, mediator_paid=True)


class Clock:
    """A chain that tells the time, or nothing."""

    def __init__(self) -> None:
        self.tells: BlockRef | None = BlockRef("ab" * 32, 120, TIME)

    def tip(self) -> BlockRef:
        if self.tells is None:
            raise ChainError("it is away")
        return self.tells


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tmp_path: Path, clock: Clock) -> Session:
    store = Store(tmp_path / "rein.db")
    row = IdentityRow(0, "regtest", "Bob", BOB.contact, BOB.master_address, BOB.delegate_address, "key")

    def no_keys(_: IdentityRow) -> Keyring:
        raise IdentityError("no key is needed for a list")

    open_chain: Callable[[], ChainSource] = lambda: clock  # type: ignore[assignment, return-value]  # noqa: E731
    row = store.identities.add(row, enroll(BOB))
    made = Session(tmp_path, REGTEST, store, row, no_keys, open_chain, lambda _: None)
    receive(made, *ENROLLED)
    return made


def receive(session: Session, *documents: Signed[Any]) -> None:
    session.store.documents.add_received([(each, "http://x/") for each in documents])


def job_id(number: int) -> str:
    return f"{number:020d}"


# ---- open or not


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (EXPIRES - 1, True),
        (EXPIRES, False),
        (EXPIRES + DAY, False),
        (TIME - AHEAD_SECONDS, True),
        (TIME - AHEAD_SECONDS - 1, False),
        (None, True),
    ],
)
def test_a_job_is_open_by_the_time_of_a_block(now: int | None, expected: bool) -> None:
    """A stranger dates his job in the year 2100, so that it stands in every list for ever: it does not."""
    assert is_open(fold(TOLD.job, [], TOLD.enrollments), now) is expected


def test_what_is_given_away_is_not_open() -> None:
    assert is_open(fold(TOLD.job, [TOLD.bid], TOLD.enrollments), TIME)
    assert not is_open(fold(TOLD.job, [TOLD.bid, TOLD.offer], TOLD.enrollments), TIME)


def test_the_clock_is_the_chain_and_the_last_block_seen_while_it_is_away(session: Session, clock: Clock) -> None:
    clock.tells = None
    assert newest_block(session) is None
    clock.tells = BlockRef("cd" * 32, 121, TIME + 600)
    assert newest_block(session) == SeenBlock(121, TIME + 600)
    clock.tells = None
    assert newest_block(session) == SeenBlock(121, TIME + 600)


# ---- lists


def test_filters_of_jobs(session: Session) -> None:
    fence = job(MALLORY, ALICE, job_id=job_id(1), name="Paint my fence", tags=("paint",), description="Café green.")
    receive(session, TOLD.job, TOLD.bid, fence, bid(CHARLIE, fence, amount=Sat(PRICE + 1)))

    def found(**wanted: Any) -> list[str]:
        return [job.name for job in find_jobs(session, JobFilter(**wanted), TIME, "name")]

    widget = "A Software Widget"
    assert found() == [widget, "Paint my fence"]
    assert found(text="CAFÉ fence") == ["Paint my fence"]
    assert found(text="café widget") == []
    assert found(tags=["web", "javascript"]) == [widget]
    assert found(tags=["web", "paint"]) == []
    assert found(min_price=Sat(PRICE + 1)) == ["Paint my fence"]
    assert found(max_price=PRICE) == [widget]
    assert found(min_price=Sat(PRICE + 1), max_price=PRICE) == []
    assert found(mine=True) == [widget]
    for name in ("Mallory", MALLORY.master_address, ENROLLED[2].document.sin):
        assert found(creator=name) == ["Paint my fence"]
    assert found(mediator="Alice") == [widget, "Paint my fence"]
    assert found(mediator="Mallory") == []
    assert found(expires_within=13 * DAY) == []
    assert found(expires_within=14 * DAY) == [widget, "Paint my fence"]
    with pytest.raises(InputError, match="cannot be sorted by"):
        find_jobs(session, JobFilter(), TIME, "beauty")


def test_words_tags_and_names_are_compared_normalised(session: Session) -> None:
    """Composed and decomposed letters look the same, and nobody minds their case."""
    zoe = person("Zoë")
    posted = job(zoe, ALICE, job_id=job_id(2), name="Übersetzung", tags=("strasse", "翻訳"), creator="Zoe\u0308")
    receive(session, enroll(zoe, user="Zoe\u0308"), posted)

    def found(**wanted: Any) -> int:
        return len(find_jobs(session, JobFilter(**wanted), TIME))

    assert found(text="U\u0308BERSETZUNG") == 1
    assert found(tags=["STRASSE"]) == found(tags=["翻訳", "Straße"]) == 1
    assert found(tags=["strase"]) == 0
    assert found(creator="ZO\u00cb") == 1
    assert find_person(session, "zo\u00eb").master_address == zoe.master_address
    assert [each.master_address for each in find_people(session, "ZO\u00cb")] == [zoe.master_address]


def test_a_name_in_another_case_is_not_somebody_else(session: Session) -> None:
    """Who enrolls as `alice` does not get what is meant for `Alice`: both answer to either."""
    receive(session, enroll(person("Eve"), user="alice"))
    for name in ("Alice", "alice", "ALICE"):
        with pytest.raises(InputError, match="several people"):
            find_person(session, name)


def test_filters_of_budgets_and_deadlines(session: Session) -> None:
    coin = 100_000_000
    upto = job(MALLORY, ALICE, job_id=job_id(1), name="Up to", budget=Budget(None, Sat(coin)), deadline="2026-12-24")
    span = Budget(Sat(2 * coin), Sat(3 * coin))
    ranged = job(MALLORY, ALICE, job_id=job_id(2), name="Range", budget=span, deadline="2027-01-06")
    receive(session, upto, ranged, job(MALLORY, ALICE, job_id=job_id(3), name="Silent"))

    def found(**wanted: Any) -> list[str]:
        return [job.name for job in find_jobs(session, JobFilter(**wanted), TIME, "name")]

    assert found() == ["Range", "Silent", "Up to"]
    assert found(min_budget=Sat(coin)) == ["Range", "Up to"]
    assert found(min_budget=Sat(coin + 1)) == ["Range"]
    assert found(max_budget=Sat(2 * coin)) == ["Range", "Up to"]
    assert found(max_budget=Sat(2 * coin - 1)) == ["Up to"]
    assert found(deadline_before="2026-12-24") == ["Up to"]
    assert found(deadline_before="2027-01-06") == ["Range", "Up to"]
    (shown, _) = listed(session, find_jobs(session, JobFilter(min_budget=Sat(coin)), TIME, "name"), TIME)
    assert (shown.json()["budget_min_sat"], shown.json()["budget_max_sat"]) == (2 * coin, 3 * coin)
    assert shown.json()["deadline"] == "2027-01-06"


def test_a_hidden_job_is_off_the_agenda_unless_it_holds_money(session: Session) -> None:
    receive(session, TOLD.job, TOLD.bid, TOLD.offer)
    session.store.hidden.add("regtest", Hidden(Hideable.JOB, TOLD.job.id, ""))
    empty = agenda(session, session.identity, TIME)
    assert (empty.jobs, empty.hidden) == ([], 1)
    held = EscrowOutput(TOLD.offer.id, "primary", OutPoint("22" * 32, 0), Sat(70_000), 110, 3)
    session.store.escrows.observe(TOLD.offer.id, [held], [])
    assert [each.id for each in agenda(session, session.identity, TIME).jobs] == [TOLD.job.id]


def test_hidden_jobs_bids_and_people(session: Session) -> None:
    other = bid(MALLORY, TOLD.job, amount=Sat(PRICE - 1))
    receive(session, TOLD.job, TOLD.bid, other)

    def bids() -> list[str]:
        return [each.bid.id for each in find_bids(session, BidFilter(), TIME)]

    assert bids() == [other.id, TOLD.bid.id], "the cheapest first"
    session.store.hidden.add("regtest", Hidden(Hideable.BID, TOLD.bid.id, ""))
    assert bids() == [other.id]
    session.store.hidden.add("regtest", Hidden(Hideable.PERSON, MALLORY.master_address, ""))
    assert bids() == []
    assert len(find_bids(session, BidFilter(hidden_too=True), TIME)) == 2
    assert [each.user for each in find_people(session, "")] == ["Alice", "Bob", "Charlie"]
    session.store.hidden.add("regtest", Hidden(Hideable.JOB, TOLD.job.id, ""))
    assert find_jobs(session, JobFilter(), TIME) == []
    assert len(find_jobs(session, JobFilter(hidden_too=True), TIME)) == 1


def test_pages() -> None:
    rows = list(range(7))
    assert [list(page(rows, number, 3).rows) for number in (1, 2, 3, 4)] == [[0, 1, 2], [3, 4, 5], [6], []]
    assert (page(rows, 1, 3).pages, page(rows, 1, 7).pages, page([], 1, 7).pages) == (3, 1, 0)
    for number, limit in ((0, 1), (1, 0)):
        with pytest.raises(InputError):
            page(rows, number, limit)


def test_two_of_one_name_are_not_mistaken_for_each_other(session: Session) -> None:
    receive(session, enroll(person("Eve"), user="Alice"))
    with pytest.raises(InputError, match="several people"):
        find_person(session, "Alice")
    assert find_person(session, ALICE.master_address).contact == ALICE.contact
    assert find_person(session, ENROLLED[0].document.sin).contact == ALICE.contact


def test_a_name_that_is_somebody_elses_address_does_not_catch_him(session: Session) -> None:
    receive(session, enroll(person("Eve"), user=ALICE.master_address))
    assert find_person(session, ALICE.master_address).contact == ALICE.contact


# ---- what a past proves


def test_ratings_of_jobs_that_the_chain_was_not_asked_about_do_not_count(session: Session) -> None:
    given = rating(BOB, TOLD.offer, Role.CREATOR, CHARLIE, Role.WORKER)
    receive(session, TOLD.job, *TOLD.documents, given)
    assert known_ratings(session).average(CHARLIE.master_address) == Score(0, 0)
    seen = [payment(purse) for purse in ("primary", "mediator")]
    session.store.escrows.observe(TOLD.offer.id, [], seen)
    assert known_ratings(session).average(CHARLIE.master_address) == Score(50, 1)
    session.store.escrows.observe(TOLD.offer.id, [], seen[:1])
    assert known_ratings(session).average(CHARLIE.master_address) == Score(0, 0)


def payment(purse: str) -> Payment:
    return Payment(TOLD.offer.id, purse, "ab" * 32, Sat(1), Sat(0), Sat(1), 130, 6, "acceptance", TOLD.acceptance.id)


def test_strangers_do_not_decide_how_much_is_looked_up(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "rein.workflows.market.reputation.load_orders",
        lambda _, ids: LoadedOrders([fold(TOLD.job, [], TOLD.enrollments)] * len(ids), []),
    )
    monkeypatch.setattr("rein.workflows.market.reputation.observe_all", lambda _, orders: asked.append(len(orders)))
    offered = build_view(fold(TOLD.job, TOLD.documents, TOLD.enrollments))
    over = build_view(fold(TOLD.job, TOLD.documents, TOLD.enrollments, PAID))
    assert prove_endings(session, [offered] * (MAX_LOOKED_AT + 3) + [over]) == 3
    assert asked == [MAX_LOOKED_AT]


def order_of(*documents: Signed[Any], evidence: Evidence = Evidence(funded=True)) -> OrderView:  # noqa: B008 - frozen
    before = (TOLD.bid, TOLD.offer, TOLD.delivery)
    return build_view(fold(TOLD.job, [*before, *documents], TOLD.enrollments, evidence))


@pytest.mark.parametrize(
    ("worker", "favoured"),
    [(PRICE, "for_worker"), (0, "for_creator"), (PRICE // 2, "even"), (PRICE // 2 + 1_000, "for_worker")],
)
def test_whom_a_mediator_favoured_and_how_long_it_took(worker: int, favoured: str) -> None:
    decided = resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(worker), block_height=110)
    record = record_of([order_of(DISPUTED.dispute, decided)], ALICE.master_address)
    expected = {"cases": 1, "ended": 0, "disputed": 1, "resolved": 1, favoured: 1, "blocks_to_decide": 6}
    assert record == Record(**expected)


def test_the_median_is_of_all_decisions_and_never_negative() -> None:
    orders = [
        order_of(DISPUTED.dispute, resolution(ALICE, DISPUTED.dispute, block_height=height))
        for height in (90, 114, 204)
    ]
    assert record_of(orders, ALICE.master_address).blocks_to_decide == 10


def test_two_different_decisions_count_as_a_contradiction_and_favour_nobody() -> None:
    both = [resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(amount)) for amount in (0, PRICE)]
    record = record_of([order_of(DISPUTED.dispute, *both)], ALICE.master_address)
    assert record == Record(cases=1, disputed=1, contradicted=1)


def test_a_job_that_nobody_got_is_no_case() -> None:
    assert record_of([build_view(fold(TOLD.job, [TOLD.bid], TOLD.enrollments))], ALICE.master_address) == Record()
    assert record_of([order_of(evidence=PAID)], ALICE.master_address) == Record(cases=1, ended=1)
    assert record_of([order_of(evidence=PAID)], MALLORY.master_address) == Record()


# ---- whose turn it is


@pytest.mark.parametrize(
    ("documents", "evidence", "turns"),
    [
        ((), Evidence(), ("wait", "nothing", "nothing")),
        ((TOLD.bid,), Evidence(), ("act", "nothing", "wait")),
        ((TOLD.bid, TOLD.offer), Evidence(), ("act", "nothing", "wait")),
        ((TOLD.bid, TOLD.offer), Evidence(funded=True), ("wait", "nothing", "act")),
        ((TOLD.bid, TOLD.offer, TOLD.delivery), Evidence(funded=True), ("act", "nothing", "wait")),
        (TOLD.documents, Evidence(funded=True), ("nothing", "act", "act")),
        (TOLD.documents, PAID, ("nothing", "nothing", "nothing")),
        ((*TOLD.documents[:3], creator_dispute(BOB, TOLD.delivery)), Evidence(funded=True), ("wait", "act", "wait")),
        ((*TOLD.documents[:3], worker_dispute(CHARLIE, TOLD.delivery)), Evidence(funded=True), ("wait", "act", "wait")),
        ((*DISPUTED.documents[:5], DISPUTED.resolution), Evidence(funded=True), ("act", "act", "act")),
    ],
)
def test_whose_turn_it_is(documents: tuple[Signed[Any], ...], evidence: Evidence, turns: tuple[str, ...]) -> None:
    order = fold(TOLD.job, documents, TOLD.enrollments, evidence)
    found = tuple(next_step(order, who.master_address, {}).due.value for who in (BOB, ALICE, CHARLIE))
    assert found == turns


def test_a_job_that_expired_without_a_bid_waits_for_nobody_although_it_was_folded_before(session: Session) -> None:
    receive(session, TOLD.job)
    due = [
        agenda(session, session.identity, now).jobs[0].step.due.value
        for now in (None, EXPIRES - 1, EXPIRES, EXPIRES - 1)
    ]
    assert due == ["wait", "wait", "nothing", "wait"]
    assert "expired" in agenda(session, session.identity, EXPIRES).jobs[0].step.text
    receive(session, TOLD.bid)
    assert agenda(session, session.identity, EXPIRES).jobs[0].step.due is Turn.ACT, "a bid can be taken later"


def test_an_agenda_is_of_one_identity_and_tells_since_when(session: Session) -> None:
    second = IdentityRow(0, "regtest", "Dora", "x", person("Dora").master_address, person("Dora").delegate_address, "k")
    dora = session.store.identities.add(second, enroll(person("Dora")))
    receive(session, TOLD.job)
    [posted] = agenda(session, session.identity, TIME).jobs
    assert (posted.since, posted.until) == (100, EXPIRES)
    receive(session, TOLD.bid, TOLD.offer)
    [job] = agenda(session, session.identity, TIME).jobs
    assert (job.roles, job.step.due, job.since, job.until) == ({Role.CREATOR}, Turn.ACT, 102, None)
    assert agenda(session, dora, TIME).jobs == []


def test_what_waits_for_somebody_comes_first(session: Session) -> None:
    waiting = job(BOB, ALICE, ENROLLED[0], job_id=job_id(1))
    receive(session, waiting, TOLD.job, TOLD.bid)
    listed = agenda(session, session.identity, TIME).jobs
    assert [(each.id, each.step.due) for each in listed] == [(TOLD.job.id, Turn.ACT), (waiting.id, Turn.WAIT)]


# ---- the books and strangers' words


def entry(payee: str, name: str) -> Transaction:
    postings = ((Account.WALLET, 5), (Account.WAGES, -5))
    return Transaction(TIME, 120, "ab" * 32, "c" * 20, name, Role.WORKER, payee, "received", postings)


@pytest.mark.parametrize("payee", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1"])
def test_no_cell_is_a_formula(payee: str) -> None:
    _, first, _ = as_csv([entry(payee, "x")]).split("\n", 2)
    assert f",'{payee.strip()}" in first or f"\"'{payee.strip()}" in first


def test_a_name_cannot_write_lines_of_its_own_into_the_books() -> None:
    evil = 'x"\n2026-01-01 * "paid" "me"\n  Assets:Bitcoin:Wallet  1 BTC\x1b[2J\u2028\\'
    lines = as_beancount([entry(evil, evil)]).split("\n")
    assert [line for line in lines if line.startswith("2026-01-01")] == []
    [booked] = [line for line in lines if " * " in line and line.startswith("2026")]
    assert re.sub(r"\\.", "", booked).count('"') == 4, "two quoted texts"
    assert booked.isprintable()
    assert len(as_csv([entry(evil, evil)]).splitlines()) == 3


def test_an_entry_that_does_not_balance_is_no_entry() -> None:
    with pytest.raises(Exception, match="does not balance"):
        Transaction(TIME, 1, "", "", "", Role.WORKER, "", "", ((Account.WALLET, 1),))


def test_no_movement_is_a_valid_book() -> None:
    assert as_csv([]).count("\n") == 1
    assert as_beancount([]) == 'option "operating_currency" "BTC"\n\n'


def test_offers_of_another_bid_leave_mine_behind(session: Session) -> None:
    lost = bid(MALLORY, TOLD.job)
    receive(session, TOLD.job, TOLD.bid, lost, offer(BOB, TOLD.bid, TOLD.job))
    orders = {each.bid.id: each.order for each in load_offered(session, find_bids(session, BidFilter(), TIME))}
    assert next_step(orders[lost.id], MALLORY.master_address, {}).text == "nothing; it went to somebody else"
