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
from rein.store.rows import SummaryRow
from rein.store.store import EscrowOutput, Payment
from rein.workflows.desk import Desk
from rein.workflows.market import entries as listing
from rein.workflows.market.entries import Entry, entry_of, market
from rein.workflows.notify import events as watching
from rein.workflows.orders import kept as keeping
from rein.workflows.orders.cases import find_order, load_orders, my_orders
from rein.workflows.status import overview as looking
from rein.workflows.status.overview import NO_JOB, orders_to_watch, overview
from rein.workflows.status.summary import summary
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


def anew(desk: Desk) -> tuple[list[dict[str, Any]], list[str]]:
    """The same without anything kept."""
    cases = my_orders(desk)
    place = {each: number for number, each in enumerate(desk.store.my_order_ids("regtest", desk.address))}
    orders = sorted(cases.orders, key=lambda order: (place[order.id], order.contract_id))
    jobs = [json.loads(json.dumps(summary(desk, order))) for order in orders]
    return jobs, [each.job.id for each in cases.refused]


def kept(desk: Desk) -> tuple[list[dict[str, Any]], list[str]]:
    seen = overview(desk)
    return seen.jobs, [each["job_document"] for each in seen.refused]


def listed_anew(desk: Desk) -> list[Entry]:
    """Every job as nobody in particular sees it, without anything kept."""
    ids = desk.store.orders_with("regtest", Kind.JOB)
    return [entry_of(order) for order in load_orders(dataclasses.replace(desk, row=None), ids).orders]


def told_anew(desk: Desk) -> set[str]:
    """The ids of everything to be told, without anything kept."""
    folded = watching._fold(desk, desk.store.my_order_ids("regtest", desk.address))
    happened = [json.loads(row.content) for rows in folded.values() for row in rows]
    said = {event["id"] for each in happened for event in each["said"]}
    return said | {f"{event['id']}#1" for each in happened for event in each["shown"]}


def told(desk: Desk) -> set[str]:
    return {event.id for event in watching.news(desk, set())}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_is_what_a_fold_comes_to(sit: Sit, seed: int) -> None:
    desk = sit(who=("Bob", "Alice", "Charlie", "Mallory")[seed % 4])
    dice = random.Random(seed)
    coming = dice.sample(DOCUMENTS, len(DOCUMENTS))
    while coming:
        match dice.randrange(4):
            case 0:
                contract = dice.choice(CONTRACTS)
                desk.store.set_seen(contract, desk.store.escrow_outputs(contract), payments(contract, dice))
            case 1:
                contract = dice.choice(CONTRACTS)
                paid = list(desk.store.payments(contract).values())
                desk.store.set_seen(contract, [output(contract, dice)] * dice.randrange(2), paid)
            case _:
                desk.store.add_received([(coming.pop(), "http://x/") for _ in range(min(len(coming), 2))])
        if dice.randrange(3):
            assert kept(desk) == anew(desk)
        if dice.randrange(3):
            assert market(desk) == listed_anew(desk)
        if dice.randrange(3):
            assert told(desk) == told_anew(desk)
    assert kept(desk) == kept(desk) == anew(desk)
    assert market(desk) == market(desk) == listed_anew(desk)
    assert told(desk) == told(desk) == told_anew(desk)


def test_nothing_is_read_again_while_nothing_changes(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    before = overview(desk)
    assert len(before.jobs) == 4, "one is there for each of its two offers"
    lists = market(desk), told(desk)
    assert len(lists[0]) == 3
    assert len(lists[1]) > 3

    def refuse(*_: object) -> None:
        raise AssertionError("it was folded again")

    for module in (looking, listing, watching):
        monkeypatch.setattr(module, "_fold", refuse)
    assert overview(desk) == before
    assert (market(desk), told(desk)) == lists
    desk.store.set_seen(TOLD.offer.id, [], [])  # which says what is known already
    assert overview(desk) == before
    desk.store.add_received([(enroll(person("Zoe")), "http://x/")])  # who has no part in it
    assert overview(desk) == before
    assert (market(desk), told(desk)) == lists


def test_another_version_of_the_program_folds_again(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    overview(desk)
    folded: list[int] = []
    fold = looking._fold
    monkeypatch.setattr(looking, "_fold", lambda desk, ids: folded.append(len(ids)) or fold(desk, ids))
    monkeypatch.setattr(keeping, "VERSION", "99")
    overview(desk)
    assert folded == [3]


def test_what_was_folded_before_a_change_is_not_kept_after_it(sit: Sit) -> None:
    """Another `rein` may write between the fold and the keeping of it."""
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in DOCUMENTS[:8]])
    generation = desk.store.generation()
    stale = SummaryRow(TOLD.job.id, TOLD.job.id, "posted", "{}")
    desk.store.add_received([(signed, "http://x/") for signed in DOCUMENTS[8:]])
    assert not desk.store.set_summaries(desk.address, "1", generation, [stale])
    assert desk.store.summaries(desk.address, "1") == {}
    assert desk.store.set_summaries(desk.address, "1", desk.store.generation(), [stale])
    assert desk.store.summaries(desk.address, "1") == {TOLD.job.id: [stale]}


def test_a_bid_on_a_job_that_is_not_here_is_no_job_of_mine_yet(sit: Sit, tmp_path: Path) -> None:
    desk = sit(who="Charlie")
    desk.store.add_own(TOLD.bid)
    assert kept(desk) == ([], [])
    assert [row.state for rows in desk.store.summaries(desk.address, keeping.VERSION).values() for row in rows] == [
        NO_JOB
    ]
    desk.store.add_received([(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job)])
    assert [job["state"] for job in overview(desk).jobs] == ["bid"]


def test_what_the_chain_shows_of_one_offer_drops_every_view_of_its_job(sit: Sit) -> None:
    """A view that stayed alone would pass for the whole job, and hide the money of the other."""
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in DOCUMENTS])
    views = [row.contract_id for row in _kept_rows(desk)[TOLD.job.id]]
    assert sorted(views) == views == sorted([TOLD.offer.id, SECOND_OFFER.id])
    for contract in views:
        desk.store.set_seen(contract, [output(contract, random.Random(1))], [])
        left = desk.store.summaries(desk.address, keeping.VERSION)
        assert TOLD.job.id not in left
        assert len(left) == 2, "the other jobs are left alone"
        assert kept(desk) == anew(desk)
        assert [row.contract_id for row in _kept_rows(desk)[TOLD.job.id]] == views
    assert [bool(each["escrows"][0]["outputs"]) for each in overview(desk).jobs].count(True) == 2


@pytest.mark.parametrize("use", ["status", "list", "watch"])
def test_what_the_chain_shows_reaches_each_use_of_a_fold(sit: Sit, use: str) -> None:
    """Each is kept on its own, so each must be dropped on its own."""
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)])
    looks = {
        "status": lambda: [job["state"] for job in overview(desk).jobs],
        "list": lambda: [entry.state for entry in market(desk)],
        "watch": lambda: ["settled" if any(each.startswith("payment:") for each in told(desk)) else "offered"],
    }
    assert looks[use]() == ["offered"]
    paid = [
        Payment(TOLD.offer.id, purse, "11" * 32, Sat(5), Sat(0), Sat(9), None, 6, "acceptance", TOLD.acceptance.id)
        for purse in ("primary", "mediator")
    ]
    desk.store.set_seen(TOLD.offer.id, [], paid)
    assert looks[use]() == ["settled"]
    desk.store.set_seen(TOLD.offer.id, [], paid[:1])
    assert use == "watch" or looks[use]() == ["offered"]


def _kept_rows(desk: Desk) -> dict[DocumentId, list[SummaryRow]]:
    overview(desk)
    return desk.store.summaries(desk.address, keeping.VERSION)


def test_a_job_that_is_over_is_watched_until_its_payments_are_deep() -> None:
    deep, shallow = {"confirmations": 100}, {"confirmations": 99}
    spent, unspent = {"spent": True}, {"spent": False}

    def is_deep(*escrows: tuple[dict[str, int] | None, list[dict[str, bool]]]) -> bool:
        return looking._is_deep({"escrows": [{"payment": paid, "outputs": outputs} for paid, outputs in escrows]})

    assert is_deep((deep, [spent]), (deep, []))
    assert not is_deep((deep, [spent]), (shallow, [spent]))
    assert not is_deep((deep, [spent]), (None, []))
    assert not is_deep((deep, [spent, unspent]))


def test_only_orders_of_which_the_chain_can_tell_are_watched(sit: Sit) -> None:
    desk = sit()
    first, second, third = STORIES
    desk.store.add_received(
        [(signed, "http://x/") for signed in (*TOLD.enrollments, first.job, second.job, second.bid)]
    )
    desk.store.add_received([(signed, "http://x/") for signed in (third.job, *third.documents)])
    assert orders_to_watch(desk) == [third.job.id]
    assert [order.id for order in load_orders(desk, orders_to_watch(desk)).orders] == [third.job.id]


def test_what_is_kept_is_shown_but_never_signed_for(sit: Sit, tmp_path: Path) -> None:
    """Somebody who writes to the file behind the triggers' back changes what is listed, not what is acted on."""
    desk = sit()
    desk.store.add_received([(signed, "http://x/") for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)])
    listed = overview(desk)
    with sqlite3.connect(tmp_path / "home" / "rein.db") as connection:
        connection.execute("DROP TRIGGER document_update")
        connection.execute("UPDATE document SET armored = replace(armored, 'Widget', 'Gadget') WHERE kind = 'offer'")
    connection.close()
    assert overview(desk) == listed
    with pytest.raises(BadSignatureError):
        find_order(desk, TOLD.job.document.job_id)
