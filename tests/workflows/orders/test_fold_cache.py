"""What is kept of a fold is what a fold would come to now, whatever came in between and in whatever order."""

from __future__ import annotations

import dataclasses
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.errors import BadSignatureError
from rein.protocol.documents import Kind
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.store.tables.fold_cache import SummaryRow
from rein.workflows.market.listings import market
from rein.workflows.notify import events as watching
from rein.workflows.orders import fold_cache as keeping
from rein.workflows.orders.build_view import build_view, view_of
from rein.workflows.orders.fold_cache import NO_JOB, my_views, orders_to_watch
from rein.workflows.orders.load import find_order, load_orders, my_orders
from rein.workflows.orders.view import EscrowView, OrderView, OutputView, PaymentView, parse_view
from rein.workflows.session import Session
from tests.support.people import enroll, offer, person, story
from tests.workflows.conftest import Sit

STORIES = [story(job_id=f"overview{number:012}") for number in range(3)]
TOLD = STORIES[0]
DOCUMENTS: list[Signed[Any]] = [
    *TOLD.enrollments,
    *(signed for told in STORIES for signed in (told.job, *told.documents)),
    offer(person("Bob"), TOLD.bid, TOLD.job, block_height=TOLD.offer.document.block_height + 1),
    enroll(person("Charlie"), previous=enroll(person("Charlie")).id, contact="new@example.com"),
]


SECOND_OFFER = DOCUMENTS[-2]
CONTRACTS = [SECOND_OFFER.id, *(told.offer.id for told in STORIES), TOLD.job.id]


def receive(session: Session, *documents: Signed[Any]) -> None:
    session.store.documents.add_received([(signed, "http://x/") for signed in documents])


def payments(contract: DocumentId, dice: random.Random) -> list[Payment]:
    """Those of none, one or both escrows, waiting or confirmed."""
    paid = dice.sample(("primary", "mediator"), dice.choice((0, 1, 2, 2)))
    depth = dice.randrange(9)
    return [
        Payment(contract, purse, "11" * 32, Sat(5), Sat(0), Sat(9), None, depth, "acceptance", contract)
        for purse in paid
    ]


def output(contract: DocumentId, dice: random.Random) -> EscrowOutput:
    amount = Sat(dice.choice([TOLD.offer.document.primary_amount, 7]))
    return EscrowOutput(contract, "primary", OutPoint("22" * 32, 0), amount, None, dice.randrange(9))


def anew(session: Session) -> tuple[list[OrderView], list[str]]:
    """The same without anything kept."""
    cases = my_orders(session)
    place = {each: number for number, each in enumerate(session.store.orders.of_person("regtest", session.address))}
    orders = sorted(cases.orders, key=lambda order: (place[order.id], order.contract_id))
    return [view_of(session, order) for order in orders], [each.job.id for each in cases.refused]


def kept(session: Session) -> tuple[list[OrderView], list[str]]:
    seen = my_views(session)
    return seen.orders, [each.job_document for each in seen.refused]


def listed_anew(session: Session) -> list[OrderView]:
    """Every job as nobody in particular sees it, without anything kept."""
    ids = session.store.orders.having("regtest", Kind.JOB)
    return [build_view(order) for order in load_orders(dataclasses.replace(session, row=None), ids).orders]


def told_anew(session: Session) -> set[str]:
    """The ids of everything to be told, without anything kept."""
    folded = watching._fold(session, session.store.orders.of_person("regtest", session.address))
    happened = [json.loads(row.content) for rows in folded.values() for row in rows]
    said = {event["id"] for each in happened for event in each["said"]}
    return said | {f"{event['id']}#1" for each in happened for event in each["shown"]}


def told(session: Session) -> set[str]:
    return {event.id for event in watching.news(session, set())}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_is_what_a_fold_comes_to(sit: Sit, seed: int) -> None:
    session = sit(who=("Bob", "Alice", "Charlie", "Mallory")[seed % 4])
    dice = random.Random(seed)
    coming = dice.sample(DOCUMENTS, len(DOCUMENTS))
    while coming:
        match dice.randrange(4):
            case 0:
                contract = dice.choice(CONTRACTS)
                session.store.escrows.observe(
                    contract, session.store.escrows.outputs(contract), payments(contract, dice)
                )
            case 1:
                contract = dice.choice(CONTRACTS)
                paid = list(session.store.escrows.payments(contract).values())
                session.store.escrows.observe(contract, [output(contract, dice)] * dice.randrange(2), paid)
            case _:
                session.store.documents.add_received([(coming.pop(), "http://x/") for _ in range(min(len(coming), 2))])
        if dice.randrange(3):
            assert kept(session) == anew(session)
        if dice.randrange(3):
            assert market(session) == listed_anew(session)
        if dice.randrange(3):
            assert told(session) == told_anew(session)
    assert kept(session) == kept(session) == anew(session)
    assert market(session) == market(session) == listed_anew(session)
    assert told(session) == told(session) == told_anew(session)


def test_nothing_is_read_again_while_nothing_changes(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    session = sit()
    session.store.documents.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    before = my_views(session)
    assert len(before.orders) == 4, "one is there for each of its two offers"
    lists = market(session), told(session)
    assert len(lists[0]) == 3
    assert len(lists[1]) > 3

    def refuse(*_: object) -> None:
        raise AssertionError("it was folded again")

    for module in (keeping, watching):
        monkeypatch.setattr(module, "_fold", refuse)
    assert my_views(session) == before
    assert (market(session), told(session)) == lists
    session.store.escrows.observe(TOLD.offer.id, [], [])  # which says what is known already
    assert my_views(session) == before
    session.store.documents.add_received([(enroll(person("Zoe")), "http://x/")])  # who has no part in it
    assert my_views(session) == before
    assert (market(session), told(session)) == lists


def test_another_version_of_the_program_folds_again(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    session = sit()
    session.store.documents.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    my_views(session)
    folded: list[int] = []
    fold = keeping._fold
    monkeypatch.setattr(keeping, "_fold", lambda session, ids: folded.append(len(ids)) or fold(session, ids))
    monkeypatch.setattr(keeping, "VERSION", "99")
    my_views(session)
    assert folded == [3]


def test_what_was_folded_before_a_change_is_not_kept_after_it(sit: Sit) -> None:
    """Another `rein` may write between the fold and the keeping of it."""
    session = sit()
    session.store.documents.add_received([(signed, "http://x/") for signed in DOCUMENTS[:8]])
    generation = session.store.fold_cache.generation()
    stale = SummaryRow(TOLD.job.id, TOLD.job.id, "posted", "{}")
    session.store.documents.add_received([(signed, "http://x/") for signed in DOCUMENTS[8:]])
    assert not session.store.fold_cache.set_summaries(session.address, "1", generation, [stale])
    assert session.store.fold_cache.summaries(session.address, "1") == {}
    assert session.store.fold_cache.set_summaries(session.address, "1", session.store.fold_cache.generation(), [stale])
    assert session.store.fold_cache.summaries(session.address, "1") == {TOLD.job.id: [stale]}


def test_a_bid_on_a_job_that_is_not_here_is_no_job_of_mine_yet(sit: Sit, tmp_path: Path) -> None:
    session = sit(who="Charlie")
    session.store.documents.add_own(TOLD.bid)
    assert kept(session) == ([], [])
    assert [
        row.state
        for rows in session.store.fold_cache.summaries(session.address, keeping.VERSION).values()
        for row in rows
    ] == [NO_JOB]
    session.store.documents.add_received([(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job)])
    assert [job.state.value for job in my_views(session).orders] == ["bid"]


def test_what_the_chain_shows_of_one_offer_drops_every_view_of_its_job(sit: Sit) -> None:
    """A view that stayed alone would pass for the whole job, and hide the money of the other."""
    session = sit()
    session.store.documents.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    views = [row.contract_id for row in _kept_rows(session)[TOLD.job.id]]
    assert sorted(views) == views == sorted([TOLD.offer.id, SECOND_OFFER.id])
    for contract in views:
        session.store.escrows.observe(contract, [output(contract, random.Random(1))], [])
        left = session.store.fold_cache.summaries(session.address, keeping.VERSION)
        assert TOLD.job.id not in left
        assert len(left) == 2, "the other jobs are left alone"
        assert kept(session) == anew(session)
        assert [row.contract_id for row in _kept_rows(session)[TOLD.job.id]] == views
    assert [bool(each.escrows[0].outputs) for each in my_views(session).orders].count(True) == 2


@pytest.mark.parametrize("use", ["status", "list", "watch"])
def test_what_the_chain_shows_reaches_each_use_of_a_fold(sit: Sit, use: str) -> None:
    """Each is kept on its own, so each must be dropped on its own."""
    session = sit()
    session.store.documents.add_received(
        [(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    looks = {
        "status": lambda: [job.state.value for job in my_views(session).orders],
        "list": lambda: [job.state.value for job in market(session)],
        "watch": lambda: ["settled" if any(each.startswith("payment:") for each in told(session)) else "offered"],
    }
    assert looks[use]() == ["offered"]
    paid = [
        Payment(TOLD.offer.id, purse, "11" * 32, Sat(5), Sat(0), Sat(9), None, 6, "acceptance", TOLD.acceptance.id)
        for purse in ("primary", "mediator")
    ]
    session.store.escrows.observe(TOLD.offer.id, [], paid)
    assert looks[use]() == ["settled"]
    session.store.escrows.observe(TOLD.offer.id, [], paid[:1])
    assert use == "watch" or looks[use]() == ["offered"]


def _kept_rows(session: Session) -> dict[DocumentId, list[SummaryRow]]:
    my_views(session)
    return session.store.fold_cache.summaries(session.address, keeping.VERSION)


def test_a_job_that_is_over_is_watched_until_its_payments_are_deep() -> None:
    def is_done(confirmations: int | None, *spent: bool) -> bool:
        payment = None
        if confirmations is not None:
            payment = PaymentView(
                "primary", "11" * 32, Sat(5), Sat(0), Sat(9), confirmations, "acceptance", TOLD.offer.id
            )
        outputs = tuple(OutputView("22" * 32 + ":0", Sat(7), 100, each) for each in spent)
        parts = ("primary", "address", "descriptor", Sat(7), "Charlie", Sat(5), Sat(2), "paid", "paid out")
        return EscrowView(*parts, outputs, payment).is_done

    assert is_done(100, True)
    assert is_done(100)
    assert not is_done(99, True)
    assert not is_done(None, True)
    assert not is_done(100, True, False)


def test_a_view_is_read_back_as_it_was_serialised(sit: Sit) -> None:
    session = sit()
    session.store.documents.add_received(
        [(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    seen = [output(TOLD.offer.id, random.Random(1))], payments(TOLD.offer.id, random.Random(4))
    session.store.escrows.observe(TOLD.offer.id, *seen)
    view = view_of(session, find_order(session, TOLD.job.id))
    assert view.escrows
    assert view.escrows[0].outputs
    assert parse_view(view.serialised()) == view
    assert json.loads(json.dumps(view.json())) == view.json()


def test_only_orders_of_which_the_chain_can_tell_are_watched(sit: Sit) -> None:
    session = sit()
    first, second, third = STORIES
    session.store.documents.add_received(
        [(signed, "http://x/") for signed in (*TOLD.enrollments, first.job, second.job, second.bid)]
    )
    session.store.documents.add_received([(signed, "http://x/") for signed in (third.job, *third.documents)])
    assert orders_to_watch(session) == [third.job.id]
    assert [order.id for order in load_orders(session, orders_to_watch(session)).orders] == [third.job.id]


def test_what_is_kept_is_shown_but_never_signed_for(sit: Sit, tmp_path: Path) -> None:
    """Somebody who writes to the file behind the triggers' back changes what is listed, not what is acted on."""
    session = sit()
    session.store.documents.add_received(
        [(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]
    )
    listed = my_views(session)
    with sqlite3.connect(tmp_path / "home" / "rein.db") as connection:
        connection.execute("DROP TRIGGER document_update")
        connection.execute("UPDATE document SET armored = replace(armored, 'Widget', 'Gadget') WHERE kind = 'offer'")
    connection.close()
    assert my_views(session) == listed
    with pytest.raises(BadSignatureError):
        find_order(session, TOLD.job.document.job_id)
