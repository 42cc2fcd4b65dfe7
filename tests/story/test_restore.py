"""From the words alone: the enrollment, every job, bid and dispute, and the keys to go on with."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rein.btc.networks import REGTEST
from rein.demo.processes import free_ports
from rein.identity.keyfile import read_key_file
from rein.protocol.documents import Kind
from rein.protocol.values import DocumentId
from rein.store.store import Store
from tests.story.conftest import PASSPHRASE, Person, Trio, World, agree, deliver, fund
from tests.support.evil_server import evil_server
from tests.support.people import bid, person, remember_job


def words_of(who: Person) -> str:
    (key_file,) = (who.home / "keys").iterdir()
    return read_key_file(key_file, PASSPHRASE)


def descriptor(text: str) -> str:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return str(reading)


def restore(world: World, home: Path, words: str, *more: str) -> Person:
    """A new home, told nothing but the chain, one server and the words."""
    again = Person(home.name, home)
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    again.rein(*chain, "setup", "--restore", "--server", world.server_urls[0], "--words-fd", descriptor(words), *more)
    return again


def test_from_two_servers_with_half_each_one_that_forges_and_one_that_is_slow(
    world: World, trio: Trio, home: Path
) -> None:
    agreed = agree(trio)
    trio.sync()
    store = Store(trio.bob.home / "rein.db")
    ids = [DocumentId(each) for each in sorted(own(trio.bob, "bob"))]
    orders = store.orders.of_person("regtest", store.identities.of_network("regtest")[0].master_address)
    others = [signed.id for signed in store.orders.documents(orders) if signed.id not in ids]
    people = [signed.id for signed in store.documents.of_kinds("regtest", Kind.ENROLLMENT) if signed.id not in ids]
    texts = list(store.documents.texts([*ids, *others, *people]).values())
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    with ExitStack() as stack:
        one, other, forger, slow = (stack.enter_context(evil_server()) for _ in range(4))
        one.show(*texts[::2])
        other.show(*texts[1::2])
        for each in texts:
            forger.show(each.replace("bob", "b0b"))
        slow.delay = 60
        urls = [part for each in (slow, forger, one, other) for part in ("--server", each.url)]
        again = Person("bob", home)
        told = again.run(*chain, "setup", "--restore", *urls, "--words-fd", descriptor(words_of(trio.bob)))
        assert told.code == 0, told.err
        assert slow.url in told.err, "it is named"
        assert own(again, "bob") >= set(ids)
        assert again.rein("status", "--jobid", agreed.job_id)["state"] == "offered"


def test_a_sealed_bid_is_opened_again(world: World, trio: Trio, home: Path) -> None:
    posted = trio.bob.rein("post", "--name", "Song", "--description", "y", "--mediator", "alice")
    trio.bob.rein("sync")
    trio.charlie.rein("sync")
    made = ("bid", "--sealed", "--jobid", posted["job_id"], "--amount", "0.02", "--description", "Mine.")
    trio.charlie.rein(*made)
    trio.charlie.rein("sync")
    again = restore(world, home, words_of(trio.charlie))
    [found] = again.rein("bids", "--jobid", posted["job_id"])["bids"]
    assert (found["amount_sat"], found["sealed"]) == (2_000_000, True)


def own(who: Person, name: str) -> set[str]:
    store = Store(who.home / "rein.db")
    (row,) = store.identities.of_network("regtest")
    return set(store.documents.own_ids("regtest", row.master_address))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "again"


def test_all_three_come_back_and_finish_the_job(world: World, trio: Trio, tmp_path: Path) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.charlie.rein("workerdispute", "--jobid", agreed.job_id, "--detail", "He does not answer.")
    trio.sync()
    back = {who.name: restore(world, tmp_path / who.name, words_of(who)) for who in trio.everybody}
    for who in trio.everybody:
        assert own(back[who.name], who.name) == own(who, who.name)
    for who in back.values():
        who.rein("sync")
    bob, charlie = back["bob"], back["charlie"]
    assert bob.rein("status", "--jobid", agreed.job_id)["state"] == "disputed"
    bob.rein("accept", "--jobid", agreed.job_id)
    bob.rein("sync")
    charlie.rein("sync")
    charlie.rein("collect", "--jobid", agreed.job_id)  # signed with the key of the job, found again
    trio.bob.rein("devnet", "mine", "1")
    back["alice"].rein("sync")
    back["alice"].rein("collect", "--jobid", agreed.job_id)


def test_nobody_can_make_a_document_mine_by_naming_me(world: World, trio: Trio, home: Path) -> None:
    """The thief signs with a key of his own and writes Charlie's address above it."""
    agreed = agree(trio)
    store = Store(trio.charlie.home / "rein.db")
    job = store.documents.get(agreed.order_id)
    (charlie,) = store.identities.of_network("regtest")
    mallory = person("Mallory", REGTEST)
    assert job is not None
    remember_job(job, person("Alice"))
    forged = bid(mallory, job, worker_master_address=charlie.master_address)
    assert forged.document.author.master_address == charlie.master_address
    thief = Person("mallory", home.with_name("mallory"))
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    thief.rein(*chain, "setup", "--name", "Mallory", "--contact", "m@x", "--no-mediate")
    thief.rein("request", world.server_urls[0])
    theirs = Store(thief.home / "rein.db")
    (row,) = theirs.identities.of_network("regtest")
    publish(thief, forged, row.master_address, world)
    again = restore(world, home, words_of(trio.charlie))
    kept = Store(again.home / "rein.db")
    assert kept.documents.known([forged.id]) == {forged.id}
    assert forged.id not in own(again, "charlie")
    assert own(again, "charlie") == own(trio.charlie, "charlie")


def publish(who: Person, document: Any, master: str, world: World) -> None:
    from rein.identity.keyring import Keyring
    from rein.remote.causeway import Causeway, remote_key

    keyring = Keyring(words_of(who), REGTEST)
    server = Causeway(world.server_urls[0], REGTEST, master, keyring.master_address)
    assert server.put([(remote_key(b"mine", "", document.id), document.armored)], keyring.master) == [None]
    server.close()


def test_words_nobody_enrolled(world: World, home: Path) -> None:
    words = "abandon " * 11 + "about"
    failed = Person("again", home).fails(
        "--network", "regtest", "setup", "--restore", "--server", world.server_urls[0], "--words-fd", descriptor(words)
    )
    assert failed["code"] == "not_found"
    assert not (home / "keys").exists()


def test_restored_twice(world: World, trio: Trio, home: Path) -> None:
    words = words_of(trio.bob)
    again = restore(world, home, words, "--name", "Robert")
    assert [row["name"] for row in again.rein("identities")["identities"]] == ["Robert"]
    failed = again.fails("setup", "--restore", "--server", world.server_urls[0], "--words-fd", descriptor(words))
    assert failed["code"] == "identity"


def test_a_key_file_without_an_identity_is_taken_up_again(world: World, trio: Trio, home: Path) -> None:
    """What `kill -9` leaves between the key file and the database; the same words and passphrase go on from there."""
    words = words_of(trio.bob)
    (old,) = (trio.bob.home / "keys").iterdir()
    (home / "keys").mkdir(parents=True)
    (home / "keys" / old.name).write_bytes(old.read_bytes())
    again = restore(world, home, words)
    assert own(again, "bob") >= own(trio.bob, "bob")  # another restored home of his may have written more
    again.rein("post", "--name", "x", "--description", "y", "--mediator", "alice", "--dry-run")


def test_a_server_is_needed(home: Path) -> None:
    failed = Person("again", home).fails("--network", "regtest", "setup", "--restore")
    assert failed["code"] == "input"
    assert failed["hint"] == "Give --server URL."


def used(who: Person) -> list[int]:
    return [server["bytes_free"] for server in who.rein("servers")["servers"]]


def test_after_several_enrollments_and_past_a_dead_server(world: World, trio: Trio, home: Path, tmp_path: Path) -> None:
    """What each of the delegates signed comes back, the revoked one's too as far as it counts."""
    dan = Person("dan", tmp_path / "dan")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dan.rein(*chain, "setup", "--name", "Dan", "--contact", "d@x", "--mediate", "--fee", "1")
    dan.rein("request", world.server_urls[0])
    dan.rein("sync")
    first = agree(Trio(trio.alice, trio.bob, dan))
    fund(trio, first)
    dan.rein("enroll", "--new-delegate", "--contact", "d@y")
    deliver(Trio(trio.alice, trio.bob, dan), first)
    second = agree(Trio(trio.alice, trio.bob, dan))
    trio.bob.rein("devnet", "mine", "1")  # what was signed before counts on
    dan.rein("enroll", "--revoke-delegate")
    dan.rein("enroll", "--fee", "2")
    dan.rein("sync")
    words = descriptor(words_of(dan))
    (port,) = free_ports(1)
    servers = ("--server", f"http://127.0.0.1:{port}", "--server", world.server_urls[0])
    again = Person("again", home)
    back = again.rein(*chain, "setup", "--restore", *servers, "--words-fd", words)
    assert (back["jobs"], back["lost"]) == (2, [])
    assert own(again, "dan") == own(dan, "dan")
    assert again.rein("identities")["identities"][0]["contact"] == "d@y"
    again.run("sync")
    trio.bob.rein("sync")
    trio.bob.rein("accept", "--jobid", first.job_id)
    trio.bob.rein("sync")
    again.run("sync")
    again.rein("collect", "--jobid", first.job_id)
    assert again.rein("status", "--jobid", second.job_id)["state"] == "offered"


def test_what_comes_back_takes_no_room_again(world: World, trio: Trio, home: Path) -> None:
    """Also after the delegate changed: the names of stored documents follow from the words."""
    agree(trio)
    charlie = trio.charlie
    charlie.rein("enroll", "--new-delegate")
    charlie.rein("sync")
    left = used(charlie)
    again = restore(world, home, words_of(charlie), "--server", world.server_urls[1])
    synced = again.rein("sync")
    mine = len(own(again, "charlie"))
    assert synced["servers"][0]["uploaded"] == mine + synced["others"] > mine > 1
    assert used(again) == left == used(charlie)
