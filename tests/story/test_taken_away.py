"""Authors who take back from the servers all they gave them, and servers that hide: the job ends all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rein.app import open_session
from rein.chain.core_rpc import CoreRpc
from rein.demo.stage import PASSPHRASE
from rein.remote.causeway import Causeway
from rein.settings import Flags, load_settings
from rein.workflows.session import Session
from tests.story.conftest import Agreed, Person, Trio, World, agree, deliver, fund
from tests.story.test_other_endings import FEE, PRICE, ending, mine, publish
from tests.support.evil_server import EvilServer, evil_server


@pytest.fixture(scope="module")
def trio(world: World) -> Trio:
    """Three of their own: what they take away is missed by nobody else."""
    names = {"alice": "Anna", "bob": "Ben", "charlie": "Carl"}
    trio = Trio(**{role: set_up(world, name, world.server_urls) for role, name in names.items()})
    trio.sync()
    return trio


def set_up(world: World, name: str, urls: tuple[str, ...]) -> Person:
    person = Person(name, world.folder / name)
    mediate = ("--mediate", "--fee", "1.0") if name[0] in "AD" else ("--no-mediate",)
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    person.rein(*chain, "setup", "--name", name, "--contact", f"{name}@x", *mediate)
    for url in urls:
        person.rein("request", url)
    return person


def in_session(person: Person, work: Callable[[Session], Any]) -> Any:
    session = open_session(load_settings(Flags(home=person.home)), lambda _name, use: use(PASSPHRASE), print)
    try:
        return work(session)
    finally:
        session.close()


def take_everything_away(person: Person) -> None:
    """By the servers' own API, whatever they hold for this identity: the enrollment, too."""

    def delete(session: Session) -> None:
        for server in session.servers:
            keys = [each.remote_key for each in session.store.servers.placements(server.url).values() if each.proved]
            reply = server._signed_post("v1/delete", {"keys": keys}, session.keyring.delegate)
            gone = server.get(keys)
            assert len(gone) == len(keys) == len(reply.data["verdicts"])
            assert {getattr(each, "reason", each) for each in gone} <= {"key_not_found"}

    in_session(person, delete)


def shown(server: Causeway) -> set[str]:
    page = server.feed(0)
    assert page is not None
    return {each.id for each in page.entries}


def carry_on(trio: Trio, step: str, agreed: Agreed) -> None:
    """From an offer to a later step, everybody but the mediator awake."""
    if step == "offered":
        return
    fund(trio, agreed)
    if step == "funded":
        return
    deliver(trio, agreed)
    trio.bob.rein("sync")
    if step == "accepted":
        publish(trio.bob, "accept", "--jobid", agreed.job_id)
    if step == "disputed":
        publish(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "Silence.")


STEPS = ["offered", "funded", "delivered", "accepted", "disputed"]


@pytest.mark.parametrize("step", STEPS)
def test_a_creator_who_takes_everything_away_pays_all_the_same(trio: Trio, chain: CoreRpc, step: str) -> None:
    agreed = agree(trio, mediator="Anna")
    carry_on(trio, step, agreed)
    trio.charlie.rein("sync")
    take_everything_away(trio.bob)
    trio.alice.rein("sync")
    assert trio.alice.rein("status", "--jobid", agreed.job_id)["state"] == step
    if step == "offered":
        fund(trio, agreed)
        trio.charlie.rein("sync")
    if step in ("offered", "funded"):
        deliver(trio, agreed)
    if step in ("offered", "funded", "delivered"):
        publish(trio.charlie, "workerdispute", "--jobid", agreed.job_id, "--detail", "He hides.")
    if step == "accepted":
        publish(trio.charlie, "collect", "--jobid", agreed.job_id)
        publish(trio.alice, "collect", "--jobid", agreed.job_id)
    else:
        trio.alice.rein("sync")
        publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "all", "--resolution", "Done.")
        publish(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert (paid["primary"]["amount_sat"], paid["mediator"]["amount_sat"]) == (PRICE, FEE)


@pytest.mark.parametrize("step", ["funded", "delivered"])
def test_a_worker_who_takes_everything_away_keeps_no_money_back(trio: Trio, chain: CoreRpc, step: str) -> None:
    agreed = agree(trio, mediator="Anna")
    carry_on(trio, step, agreed)
    trio.bob.rein("sync")
    take_everything_away(trio.charlie)
    trio.alice.rein("sync")
    assert trio.alice.rein("status", "--jobid", agreed.job_id)["state"] == step
    publish(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "He has gone.")
    trio.alice.rein("sync")
    publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "nothing", "--resolution", "Back to Ben.")
    publish(trio.bob, "acceptresolution", "--jobid", agreed.job_id)
    mine(trio)
    paid = ending(trio, agreed, "settled", chain)
    assert paid["primary"]["amount_sat"] == 0
    assert paid["mediator"]["amount_sat"] == FEE


def test_a_decision_that_the_mediator_takes_away_stands(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio, mediator="Anna")
    carry_on(trio, "disputed", agreed)
    publish(trio.alice, "sync")
    publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "all", "--resolution", "Done.")
    trio.charlie.rein("sync")
    take_everything_away(trio.alice)
    trio.bob.rein("sync")
    assert trio.bob.rein("status", "--jobid", agreed.job_id)["state"] == "resolved", "Ben slept, and Carl keeps it"
    publish(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    mine(trio)
    assert ending(trio, agreed, "settled", chain)["primary"]["amount_sat"] == PRICE


def test_everybody_keeps_the_job_and_nobody_the_bids_that_got_nothing(world: World, trio: Trio) -> None:
    posted = trio.bob.rein("post", "--name", "Song", "--description", "x", "--mediator", "Anna")
    trio.bob.rein("sync")
    loser = set_up(world, "Lost", world.server_urls)
    bids = {}
    for bidder in (loser, trio.charlie):
        bidder.rein("sync")
        words = ("--jobid", posted["job_id"], "--amount", "0.015", "--description", "y")
        bids[bidder.name] = publish(bidder, "bid", *words)["document_id"]
    take_everything_away(trio.bob)
    trio.alice.rein("sync")
    assert trio.alice.rein("status", "--jobid", posted["job_id"])["state"] == "bid", "who bids keeps the job"
    trio.bob.rein("sync")
    offered = publish(trio.bob, "offer", "--bid", bids["Carl"])["document_id"]
    trio.charlie.rein("sync")
    report = trio.charlie.rein("sync")
    assert all(each["uploaded"] == each["left_out"] == 0 for each in report["servers"]), "once is enough"
    assert all(each["kept_of_others"] == report["others"] for each in report["servers"])
    for person in (trio.bob, loser):
        take_everything_away(person)
    assert in_session(
        trio.alice, lambda session: [shown(each) & {*bids.values(), offered} for each in session.servers]
    ) == [{bids["Carl"], offered}] * len(world.server_urls)
    refused = trio.charlie.fails("withdraw", "--document", offered)
    assert refused["code"] == "not_found", "it is kept, and is Ben's all the same"
    for person in (trio.bob, loser):
        person.rein("sync")


@pytest.fixture
def evil() -> Iterator[EvilServer]:
    with evil_server() as server:
        yield server


def test_a_server_that_hides_one_document_and_files_that_carry_all(
    world: World, trio: Trio, chain: CoreRpc, evil: EvilServer, tmp_path: Path
) -> None:
    """The mediator knows no other server, and it shows all but the offer: the rest is done by files."""
    dora = set_up(world, "Dora", (evil.url,))
    dora.rein("sync")
    enrolled = tmp_path / "dora.txt"
    enrolled.write_text("Dear Ben, here I am:\n\n" + evil.feed[0]["armored"] + "\n-- \nDora\n")
    for person in (trio.bob, trio.charlie):
        assert person.rein("keep", str(enrolled))["documents"][0]["new"] is True
        assert person.rein("keep", str(enrolled))["documents"][0]["new"] is False
    agreed = agree(trio, mediator=in_session(dora, lambda session: session.address))
    carry_on(trio, "delivered", agreed)
    publish(trio.charlie, "workerdispute", "--jobid", agreed.job_id, "--detail", "He hides.")
    told = in_session(trio.charlie, lambda session: session.store.orders.documents([agreed.order_id]))
    for each in told:
        if each.document.KIND.value != "offer":
            evil.show(each.armored)
    dora.rein("sync")
    for person in (trio.bob, trio.charlie):
        enrollments = in_session(
            person, lambda session: session.store.documents.enrollments_of("regtest", {session.address})
        )
        evil.show(*(each.armored for each in enrollments))
    dora.rein("sync")
    assert dora.rein("status", "--jobid", agreed.job_id)["state"] == "bid"
    case = tmp_path / "case.zip"
    trio.charlie.rein("case", "export", agreed.job_id, "--out", str(case))
    assert dora.rein("case", "keep", str(case))["state"] == "disputed"
    assert dora.rein("status", "--jobid", agreed.job_id)["state"] == "disputed"
    decided = tmp_path / "decided.txt"
    done = dora.rein("resolve", "--jobid", agreed.job_id, "--worker", "all", "--resolution", "Done.")
    decided.write_text(done["document"])
    trio.charlie.rein("keep", str(decided))
    publish(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.bob.rein("sync")
    story = trio.bob.rein("status", "--jobid", agreed.job_id)
    assert story["state"] == "settled"
    assert [each["payment"]["amount_sat"] for each in story["escrows"]] == [PRICE, FEE]
