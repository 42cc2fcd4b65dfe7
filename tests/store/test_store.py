"""What is remembered comes back as it was, one transaction a method."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST, TESTNET4
from rein.btc.transaction import OutPoint
from rein.errors import DocumentError, StoreError
from rein.protocol.documents import Kind
from rein.protocol.signed import Signed, verify
from rein.protocol.values import DocumentId
from rein.store.store import Store
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.store.tables.identities import IdentityRow
from rein.store.tables.servers import FeedRow, Placement, ServerRow
from tests.support.legacy_documents import BID, ENROLLMENT_ALICE, JOB, OFFER
from tests.support.people import Person, enroll, job, person, respelled, story

BOB, ALICE, CHARLIE, MALLORY = (person(name) for name in ("Bob", "Alice", "Charlie", "Mallory"))
URL, OTHER = "http://127.0.0.1:2016/", "http://127.0.0.1:2017/"
ORDER = DocumentId("ab" * 32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "rein.db")


def row(who: Person) -> IdentityRow:
    return IdentityRow(0, who.network.name, who.name, who.contact, who.master_address, who.delegate_address, "keys/x")


# Identities


def test_identities_come_back_by_network_in_the_order_they_were_made(store: Store) -> None:
    rows = [store.identities.add(row(who), enroll(who)) for who in (CHARLIE, ALICE, BOB, person("Alice", TESTNET4))]
    assert [each.id for each in rows] == [1, 2, 3, 4]
    assert store.identities.of_network("regtest") == rows[:3]
    assert store.identities.of_network("testnet4") == rows[3:]
    assert store.identities.of_network("mainnet") == []
    assert store.documents.own_ids("regtest", ALICE.master_address) == [enroll(ALICE).id]


def test_an_identity_and_its_enrollment_are_remembered_together_or_not_at_all(store: Store) -> None:
    store.identities.add(row(BOB), enroll(BOB))
    with pytest.raises(StoreError, match="UNIQUE"):
        store.identities.add(row(BOB), enroll(BOB, contact="new@example.com"))  # the identity is there
    assert len(store.documents.of_kinds("regtest", Kind.ENROLLMENT)) == 1
    assert [each.name for each in store.identities.of_network("regtest")] == ["Bob"]


def test_an_enrollment_that_a_server_has_shown_is_ours_with_the_identity(store: Store) -> None:
    store.documents.add_received([(enroll(ALICE), URL)])
    assert store.documents.own_ids("regtest", ALICE.master_address) == []
    store.identities.add(row(ALICE), enroll(ALICE))
    assert store.documents.own_ids("regtest", ALICE.master_address) == [enroll(ALICE).id]


# Documents


def test_documents_come_back_byte_for_byte(store: Store) -> None:
    told = story()
    documents = [told.job, *told.documents]
    for signed in documents:
        store.documents.add_own(signed)
    assert store.orders.documents([told.job.id]) == documents
    assert [store.documents.get(signed.id) for signed in documents] == documents
    assert [each.armored for each in store.documents.of_kinds("regtest", *Kind)] == [each.armored for each in documents]
    assert store.documents.of_kinds("regtest", Kind.OFFER, Kind.BID) == [told.bid, told.offer]
    assert store.documents.of_kinds("testnet4", *Kind) == []
    assert store.documents.get("00" * 32) is None
    assert store.orders.documents([]) == []
    assert store.orders.documents([ORDER, told.job.id, told.job.id]) == documents


def test_documents_of_2016_are_kept_with_what_can_be_known_of_them(store: Store) -> None:
    old = [verify(text) for text in (ENROLLMENT_ALICE, JOB, BID, OFFER)]
    assert store.documents.add_received([(signed, URL) for signed in old]) == 4
    kinds = (Kind.ENROLLMENT, Kind.JOB, Kind.BID, Kind.OFFER)
    assert [store.documents.of_kinds("mainnet", kind)[0].armored for kind in kinds] == [
        signed.armored for signed in old
    ]
    assert store.documents.get(old[0].id) == old[0]


def test_received_is_counted_once(store: Store) -> None:
    told = story()
    documents: list[tuple[Signed, str]] = [(signed, URL) for signed in told.documents]
    assert store.documents.add_received([]) == 0
    assert store.documents.add_received(documents[:2]) == 2
    assert store.documents.add_received([*documents, *documents]) == 2
    assert store.documents.add_received([(signed, OTHER) for signed, _ in documents]) == 0
    assert store.documents.known([signed.id for signed, _ in documents] + [ORDER]) == {
        signed.id for signed, _ in documents
    }
    assert store.documents.known([]) == set()
    assert store.documents.own_ids("regtest", CHARLIE.master_address) == []


def test_the_first_spelling_of_a_signature_stays(store: Store) -> None:
    """A server that sends my document back with the other spelling of its signature changes nothing here."""
    told = story()
    store.documents.add_own(told.job)
    twin = verify(respelled(told.job.armored))
    assert twin.armored != told.job.armored
    assert store.documents.add_received([(twin, URL)]) == 0
    assert store.documents.texts([told.job.id]) == {told.job.id: told.job.armored}


def test_what_a_server_sent_first_becomes_my_own_when_i_write_it(store: Store) -> None:
    told = story()
    store.documents.add_received([(told.job, URL)])
    assert store.documents.own_ids("regtest", BOB.master_address) == []
    store.documents.add_own(told.job)
    store.documents.add_own(told.job)
    assert store.documents.own_ids("regtest", BOB.master_address) == [told.job.id]


def test_more_documents_than_a_statement_can_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile servers decide how many ids there are. SQLite takes 32,766 by default; Debian builds it with more."""
    connect = store._database._connect

    def limited() -> sqlite3.Connection:
        connection = connect()
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        return connection

    monkeypatch.setattr(store._database, "_connect", limited)
    told = story()
    store.documents.add_received([(told.job, URL), (told.bid, URL)])
    many = [DocumentId(f"{number:064x}") for number in range(33_000)]
    assert store.documents.known([*many, told.bid.id]) == {told.bid.id}
    assert store.orders.documents([*many, told.job.id]) == [told.job, told.bid]


def test_my_orders_are_those_i_wrote_in_or_mediate_in_the_order_they_came(store: Store) -> None:
    told, second = story(), story(job_id="second0job0of0theirs")
    store.documents.add_own(enroll(BOB))
    store.documents.add_received([(told.job, URL), (second.job, URL)])
    store.documents.add_received([(second.bid, URL), (told.bid, URL)])
    both = [told.job.id, second.job.id]
    assert store.orders.of_person("regtest", BOB.master_address) == both
    assert store.orders.of_person("regtest", ALICE.master_address) == both  # who has not written a word yet
    assert store.orders.of_person("regtest", CHARLIE.master_address) == both[::-1]
    assert store.orders.of_person("regtest", MALLORY.master_address) == []
    assert store.orders.of_person("testnet4", BOB.master_address) == []


def test_a_document_changed_on_the_disk_is_noticed(store: Store, tmp_path: Path) -> None:
    store.documents.add_own(story().job)
    with sqlite3.connect(tmp_path / "rein.db") as connection:
        connection.execute("UPDATE document SET armored = replace(armored, 'Widget', 'Gadget')")
    connection.close()
    with pytest.raises(DocumentError, match="signature"):
        store.documents.get(story().job.id)


# Servers


def test_servers_belong_to_an_identity_and_keep_their_order(store: Store) -> None:
    bob, alice = (store.identities.add(row(who), enroll(who)) for who in (BOB, ALICE))
    rows = [ServerRow(url, 1, 500_000) for url in (URL, OTHER, "http://[::1]:2018/")]
    for each in rows:
        store.servers.set(bob.id, each)
    store.servers.set(alice.id, ServerRow(OTHER, 3, 2**53))
    store.servers.set(bob.id, ServerRow(URL, 2, 0))
    assert store.servers.of_identity(bob.id) == [ServerRow(URL, 2, 0), *rows[1:]]
    assert store.servers.of_identity(alice.id) == [ServerRow(OTHER, 3, 2**53)]
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.servers.set(99, ServerRow(URL, 1, 1))


def test_placements_are_updated_in_place(store: Store) -> None:
    told = story()
    store.documents.add_own(told.job)
    first = Placement(told.job.id, URL, "A" * 32, proved=False)
    store.servers.set_placements([first, Placement(told.job.id, OTHER, "B" * 32, proved=True)])
    assert store.servers.placements(URL) == {told.job.id: first}
    proved = Placement(told.job.id, URL, "C" * 32, proved=True)
    store.servers.set_placements([proved])
    assert store.servers.placements(URL) == {told.job.id: proved}
    assert store.servers.placements("http://nowhere/") == {}
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.servers.set_placements([Placement(ORDER, URL, "D" * 32, proved=False)])


def test_only_what_no_server_was_given_is_removed(store: Store) -> None:
    told = story()
    for signed in (told.job, told.offer):
        store.documents.add_own(signed)
    store.documents.add_received([(told.bid, URL)])
    store.servers.set_placements([Placement(told.job.id, URL, "A" * 32, proved=False)])
    store.documents.add_own(told.bid)  # which a server showed before it was written here
    assert [store.documents.remove_unpublished(each.id) for each in (told.job, told.bid, told.offer)] == [
        False,
        False,
        True,
    ]
    assert store.orders.documents([told.job.id]) == [told.job, told.bid]
    assert not store.documents.remove_unpublished(ORDER)


# What the chain showed


def _output(purse: str, vout: int = 0, amount: int = 5_000_000, confirmations: int = 1) -> EscrowOutput:
    return EscrowOutput(ORDER, purse, OutPoint("cd" * 32, vout), Sat(amount), 7, confirmations)


def _payment(purse: str, txid: str = "11", amount: int = 5, confirmations: int = 0) -> Payment:
    height = 8 if confirmations else None
    return Payment(
        *(
            ORDER,
            purse,
            txid * 32,
            Sat(amount),
            Sat(3),
            Sat(9),
            height,
            confirmations,
            "settlement",
            DocumentId("ee" * 32),
        )
    )


def test_escrow_outputs_are_replaced_as_a_whole(store: Store) -> None:
    """An output that a reorganisation took away is forgotten: nothing counts that is not there."""
    all_ = [
        _output("primary"),
        replace(_output("primary", 1), height=None, confirmations=0),
        replace(_output("mediator", 2**32 - 1, 2_100_000_000_000_000, 0), spent=True),
    ]
    store.escrows.observe(ORDER, all_[::-1], [])
    assert store.escrows.outputs(ORDER) == all_
    store.escrows.observe(ORDER, [_output("mediator", 7, 1, 9)], [])
    assert store.escrows.outputs(ORDER) == [_output("mediator", 7, 1, 9)]
    store.escrows.observe(ORDER, [], [])
    assert store.escrows.outputs(ORDER) == []


def test_contracts_do_not_touch_each_other(store: Store) -> None:
    other = DocumentId("ef" * 32)
    store.escrows.observe(ORDER, [_output("primary")], [_payment("primary")])
    store.escrows.observe(other, [], [])
    assert store.escrows.outputs(ORDER) == [_output("primary")]
    assert list(store.escrows.payments(ORDER)) == ["primary"]


def test_payments_are_replaced_as_a_whole(store: Store) -> None:
    first, second = _payment("primary", amount=5_000_000), _payment("mediator", "22", 75_000, 3)
    store.escrows.observe(ORDER, [], [first, second])
    assert store.escrows.payments(ORDER) == {"primary": first, "mediator": second}
    store.escrows.observe(ORDER, [], [second])
    assert store.escrows.payments(ORDER) == {"mediator": second}


def test_what_is_known_already_changes_nothing(store: Store) -> None:
    outputs, payments = [_output("primary"), _output("primary", 1)], [_payment("primary")]
    store.escrows.observe(ORDER, outputs, payments)
    generation = store.fold_cache.generation()
    store.escrows.observe(ORDER, outputs[::-1], payments)
    assert store.fold_cache.generation() == generation
    store.escrows.observe(ORDER, [replace(each, spent=True) for each in outputs], payments)
    assert store.fold_cache.generation() > generation


def test_a_failure_half_way_leaves_the_state_before(store: Store) -> None:
    store.escrows.observe(ORDER, [_output("primary")], [_payment("primary")])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.escrows.observe(ORDER, [_output("mediator"), _output("mediator")], [])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.escrows.observe(ORDER, [], [_payment("mediator"), _payment("mediator", "22")])
    assert store.escrows.outputs(ORDER) == [_output("primary")]
    assert store.escrows.payments(ORDER) == {"primary": _payment("primary")}


def test_any_order_of_arrival_gives_the_same_documents(tmp_path: Path) -> None:
    told = story()
    documents = [(signed, URL) for signed in (told.job, *told.documents, *(enroll(who) for who in (ALICE, BOB)))]
    for seed in range(5):
        store = Store(tmp_path / f"{seed}.db")
        shuffled = list(documents)
        random.Random(seed).shuffle(shuffled)
        for each in shuffled:
            store.documents.add_received([each])
        assert set(store.documents.of_kinds("regtest", *Kind)) == {signed for signed, _ in documents}


def test_jobs_keep_the_mediator_they_name_and_others_none(store: Store, tmp_path: Path) -> None:
    told = story()
    for signed in (told.job, *told.documents, enroll(ALICE, True), job(BOB, ALICE, job_id="second0job0of0theirs")):
        store.documents.add_received([(signed, URL)])
    with sqlite3.connect(tmp_path / "rein.db") as connection:
        found = set(connection.execute("SELECT kind, mediator, received_from FROM document WHERE mediator NOT NULL"))
    connection.close()
    assert found == {("job", ALICE.master_address, URL)}
    assert REGTEST.name == "regtest"


def test_jobs_are_found_without_reading_their_documents(store: Store) -> None:
    told, other = story(), job(person("Bob"), person("Alice"), job_id="another0job0id000000")
    old_job = verify(JOB)
    store.documents.add_received([(signed, "http://x/") for signed in (told.job, *told.documents, other, old_job)])
    assert store.orders.having("regtest", Kind.JOB) == [told.job.id, other.id]
    assert store.orders.having("mainnet", Kind.JOB) == [], "jobs of 2016 are in no order"
    assert store.orders.find_jobs("regtest", told.job.document.job_id) == [told.job.id]
    assert store.orders.find_jobs("regtest", other.id[:8]) == [other.id]
    assert store.orders.find_jobs("regtest", "%") == []
    assert store.orders.of_offers("regtest", told.offer.id[:8]) == [told.job.id]
    assert store.orders.of_offers("regtest", "%") == store.orders.of_offers("mainnet", told.offer.id) == []
    assert store.orders.people([told.job.id, ORDER]) == {
        each.master_address for each in (told.creator, told.mediator, told.worker)
    }


# Feeds


def test_how_far_a_feed_is_read_is_kept_with_what_it_brought(store: Store) -> None:
    told = story()
    assert store.servers.feed(URL, "regtest") == FeedRow(URL, "regtest")
    row = FeedRow(URL, "regtest", "1.0", 7, told.job.id, 7, '"tag"', shown=2, passed=5, people=3)
    assert store.documents.add_received([(told.job, URL), (told.bid, URL)], row) == 2
    assert store.servers.feed(URL, "regtest") == row
    assert store.servers.feed(URL, "mainnet") == FeedRow(URL, "mainnet")
    assert store.documents.add_received([], replace(row, cursor=9)) == 0
    assert store.servers.feed(URL, "regtest").cursor == 9
    fresh = row.from_the_beginning("2.0")
    assert fresh == FeedRow(URL, "regtest", "2.0")


def test_a_snapshot_does_not_see_what_is_written_meanwhile(store: Store, tmp_path: Path) -> None:
    told = story()
    with store.snapshot():
        assert store.documents.count("regtest") == 0
        Store(tmp_path / "rein.db").documents.add_own(told.job)
        assert store.documents.count("regtest") == 0
    assert store.documents.count("regtest") == 1


def test_enrollments_are_found_by_whose_they_are(store: Store) -> None:
    store.documents.add_received([(enroll(who), URL) for who in (ALICE, BOB, CHARLIE)])
    found = store.documents.enrollments_of(
        "regtest", {ALICE.master_address, BOB.master_address, MALLORY.master_address}
    )
    assert found == [enroll(ALICE), enroll(BOB)]
    assert store.documents.enrollments_of("mainnet", {ALICE.master_address}) == []
    assert store.documents.texts([enroll(ALICE).id, ORDER]) == {enroll(ALICE).id: enroll(ALICE).armored}


# Watching


def test_an_event_is_told_each_hook_until_it_succeeds(store: Store) -> None:
    kept = store.identities.add(row(ALICE), enroll(ALICE))
    store.watch.notice(kept.id, [("bid:1", "{}", ["exec a", "webhook b"])])
    store.watch.notice(kept.id, [("bid:1", "other", ["notify"]), ("bid:0", "[]", ["exec a"])])  # the first is known
    assert store.watch.noticed(kept.id) == {"bid:1", "bid:0"}
    assert store.watch.undelivered(kept.id, "exec a", 3) == [("bid:1", "{}"), ("bid:0", "[]")]
    store.watch.tried(kept.id, "bid:1", "exec a", done=True)
    assert store.watch.undelivered(kept.id, "exec a", 3) == [("bid:0", "[]")]
    assert store.watch.undelivered(kept.id, "webhook b", 3) == [("bid:1", "{}")]
    for _ in range(3):
        store.watch.tried(kept.id, "bid:0", "exec a", done=False)
    assert store.watch.undelivered(kept.id, "exec a", 3) == []
    assert store.watch.undelivered(kept.id, "notify", 3) == []
    assert store.watch.noticed(kept.id + 1) == set()
