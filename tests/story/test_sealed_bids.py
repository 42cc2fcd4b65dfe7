"""A job given to a sealed bid: nobody but the creator learns a price before, and everybody can check it after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rein.store.store import Store
from tests.story.conftest import Agreed, Person, Trio, World, deliver, fund, post


@pytest.fixture(scope="module")
def dave(world: World, trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Another worker."""
    person = Person("dave", tmp_path_factory.mktemp("dave") / "home")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    person.rein(*chain, "setup", "--name", "dave", "--contact", "dave@x", "--no-mediate")
    for url in world.server_urls:
        person.rein("request", url)
    person.rein("sync")
    return person


def bid_sealed(who: Person, job_id: str, amount: str) -> dict[str, Any]:
    made = who.rein("bid", "--sealed", "--jobid", job_id, "--amount", amount, "--description", f"{who.name} would.")
    who.rein("sync")
    return made


def texts_at(who: Person, job_document: str) -> str:
    """Everything of a job that somebody has, as text."""
    store = Store(who.home / "rein.db")
    return "\n".join(signed.text for signed in store.orders.documents([job_document]))


def test_two_bid_sealed_and_one_gets_the_job(trio: Trio, dave: Person, tmp_path: Path) -> None:
    posted = post(trio)
    job_id, order_id = posted["job_id"], posted["document_id"]
    made = bid_sealed(trio.charlie, job_id, "0.015")
    assert (made["kind"], made["stored"]) == ("sealedbid", True)
    bid_sealed(dave, job_id, "0.0149")
    assert trio.charlie.fails("withdraw", "--document", made["document_id"])["code"] == "order_state"

    trio.sync()
    for stranger in (trio.alice, dave):
        assert "0.015" not in texts_at(stranger, order_id)
        assert "charlie would" not in texts_at(stranger, order_id)
    mine = trio.charlie.rein("bids", "--jobid", job_id)["bids"]
    assert [(each["amount_sat"], each["sealed"]) for each in mine] == [(1_500_000, True)]

    [listed] = [each for each in trio.alice.rein("jobs")["jobs"] if each["job_id"] == job_id]
    assert (listed["bids"], listed["sealed_bids"], listed["lowest_bid_sat"]) == (0, 2, None)

    unopened = trio.bob.rein("bids", "--jobid", job_id)
    assert (unopened["bids"], len(unopened["unopened"])) == ([], 2)
    waiting = next(job for job in trio.bob.rein("status")["jobs"] if job["job_id"] == job_id)
    assert (waiting["due"], waiting["sealed_bids"]) == ("act", 2)

    opened = trio.bob.rein("bids", "--jobid", job_id, "--unseal")
    assert [(each["amount_sat"], each["sealed"]) for each in opened["bids"]] == [(1_490_000, True), (1_500_000, True)]
    trio.bob.rein("sync")
    case = tmp_path / "before.zip"
    trio.bob.rein("case", "export", job_id, "--out", str(case))
    trio.sync()
    assert "would" not in texts_at(trio.alice, order_id), "what was opened went to no server"
    assert trio.alice.rein("case", "verify", str(case))["state"] == "posted", "nor into a case"

    chosen = next(each for each in opened["bids"] if each["worker"]["name"] == "charlie")
    trio.bob.rein("offer", "--bid", chosen["document_id"])
    trio.bob.rein("sync")
    trio.sync()
    seen = texts_at(trio.alice, order_id)
    assert "Bid amount (BTC): 0.01500000" in seen
    assert "dave would" not in seen, "who gets nothing stays sealed"
    dave.rein("sync")
    lost = next(job for job in dave.rein("status")["jobs"] if job["job_id"] == job_id)
    assert lost["next"] == "nothing; it went to somebody else"

    agreed = Agreed(job_id, order_id, trio.bob.rein("fund", "--jobid", job_id, "--no-wait")["escrows"])
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", "--jobid", job_id)
    trio.alice.rein("sync")
    trio.alice.rein("collect", "--jobid", job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    for who in trio.everybody:
        assert who.rein("status", "--jobid", job_id)["state"] == "settled"


def test_who_watches_is_told_once_of_a_sealed_bid(trio: Trio) -> None:
    trio.bob.rein("watch", "--once")
    job_id = post(trio)["job_id"]
    made = bid_sealed(trio.charlie, job_id, "0.02")
    told = trio.bob.rein("watch", "--once")["events"]
    assert [(each["type"], each["document_id"]) for each in told] == [("bid", made["document_id"])]
    trio.bob.rein("bids", "--unseal")
    assert trio.bob.rein("watch", "--once")["events"] == []


def test_rein_offer_opens_them_by_itself(trio: Trio) -> None:
    job_id = post(trio)["job_id"]
    bid_sealed(trio.charlie, job_id, "0.02")
    assert trio.bob.rein("offer", "--bid", job_id)["kind"] == "offer"


def test_a_creator_who_hides_the_bid_cannot_hide_the_price(trio: Trio) -> None:
    """Whether he publishes the bid with his offer or not, the worker does."""
    job_id = post(trio)["job_id"]
    bid_sealed(trio.charlie, job_id, "0.02")
    [mine] = trio.charlie.rein("bids", "--jobid", job_id)["bids"]
    assert not published(trio.charlie, mine["document_id"])
    trio.bob.rein("offer", "--bid", job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("sync")
    trio.charlie.rein("sync")
    assert published(trio.charlie, mine["document_id"])
    assert trio.charlie.rein("bids", "--jobid", job_id)["bids"][0]["sealed"] is False


def published(who: Person, document_id: str) -> bool:
    """Whether somebody gave a document to every server."""
    placed = [
        Store(who.home / "rein.db").servers.placements(url)
        for url in (each["url"] for each in who.rein("servers")["servers"])
    ]
    return all(document_id in each and each[document_id].proved for each in placed)


def test_what_was_not_sent_is_withdrawn_with_the_bid_in_it(trio: Trio) -> None:
    posted = post(trio)
    trio.charlie.rein("sync")
    words = ("bid", "--sealed", "--jobid", posted["job_id"], "--amount", "0.02", "--description", "No.")
    assert trio.charlie.rein(*words, "--dry-run")["stored"] is False
    assert trio.charlie.rein("bids", "--jobid", posted["job_id"])["bids"] == []
    made = trio.charlie.rein(*words)
    assert len(trio.charlie.rein("bids", "--jobid", posted["job_id"])["bids"]) == 1
    trio.charlie.rein("withdraw", "--document", made["document_id"])
    assert trio.charlie.rein("bids", "--jobid", posted["job_id"])["bids"] == []


def test_too_long_a_bid_is_refused_whole(trio: Trio) -> None:
    posted = post(trio)
    trio.charlie.rein("sync")
    words = ("bid", "--jobid", posted["job_id"], "--amount", "0.02", "--description", "x" * 39_900)
    assert trio.charlie.fails(*words, "--sealed")["code"] == "bad_field"
    assert trio.charlie.rein("bids", "--jobid", posted["job_id"])["bids"] == []
