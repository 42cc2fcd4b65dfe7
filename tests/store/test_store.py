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
from rein.store.store import EscrowOutput, FeedRow, IdentityRow, Payment, Placement, ServerRow, Store
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
    rows = [store.add_identity(row(who), enroll(who)) for who in (CHARLIE, ALICE, BOB, person("Alice", TESTNET4))]
    assert [each.id for each in rows] == [1, 2, 3, 4]
    assert store.identities("regtest") == rows[:3]
    assert store.identities("testnet4") == rows[3:]
    assert store.identities("mainnet") == []
    assert store.own_ids("regtest", ALICE.master_address) == [enroll(ALICE).id]


def test_an_identity_and_its_enrollment_are_remembered_together_or_not_at_all(store: Store) -> None:
    store.add_identity(row(BOB), enroll(BOB))
    with pytest.raises(StoreError, match="UNIQUE"):
        store.add_identity(row(BOB), enroll(BOB, contact="new@example.com"))  # the identity is there
    assert len(store.documents("regtest", Kind.ENROLLMENT)) == 1
    assert [each.name for each in store.identities("regtest")] == ["Bob"]


def test_an_enrollment_that_a_server_has_shown_is_ours_with_the_identity(store: Store) -> None:
    store.add_received([(enroll(ALICE), URL)])
    assert store.own_ids("regtest", ALICE.master_address) == []
    store.add_identity(row(ALICE), enroll(ALICE))
    assert store.own_ids("regtest", ALICE.master_address) == [enroll(ALICE).id]


# Documents


def test_documents_come_back_byte_for_byte(store: Store) -> None:
    told = story()
    documents = [told.job, *told.documents]
    for signed in documents:
        store.add_own(signed)
    assert store.documents_of_orders([told.job.id]) == documents
    assert [store.document(signed.id) for signed in documents] == documents
    assert [each.armored for each in store.documents("regtest", *Kind)] == [each.armored for each in documents]
    assert store.documents("regtest", Kind.OFFER, Kind.BID) == [told.bid, told.offer]
    assert store.documents("testnet4", *Kind) == []
    assert store.document("00" * 32) is None
    assert store.documents_of_orders([]) == []
    assert store.documents_of_orders([ORDER, told.job.id, told.job.id]) == documents


def test_documents_of_2016_are_kept_with_what_can_be_known_of_them(store: Store) -> None:
    old = [verify(text) for text in (ENROLLMENT_ALICE, JOB, BID, OFFER)]
    assert store.add_received([(signed, URL) for signed in old]) == 4
    kinds = (Kind.ENROLLMENT, Kind.JOB, Kind.BID, Kind.OFFER)
    assert [store.documents("mainnet", kind)[0].armored for kind in kinds] == [signed.armored for signed in old]
    assert store.document(old[0].id) == old[0]


def test_received_is_counted_once(store: Store) -> None:
    told = story()
    documents: list[tuple[Signed, str]] = [(signed, URL) for signed in told.documents]
    assert store.add_received([]) == 0
    assert store.add_received(documents[:2]) == 2
    assert store.add_received([*documents, *documents]) == 2
    assert store.add_received([(signed, OTHER) for signed, _ in documents]) == 0
    assert store.known([signed.id for signed, _ in documents] + [ORDER]) == {signed.id for signed, _ in documents}
    assert store.known([]) == set()
    assert store.own_ids("regtest", CHARLIE.master_address) == []


def test_the_first_spelling_of_a_signature_stays(store: Store) -> None:
    """A server that sends my document back with the other spelling of its signature changes nothing here."""
    told = story()
    store.add_own(told.job)
    twin = verify(respelled(told.job.armored))
    assert twin.armored != told.job.armored
    assert store.add_received([(twin, URL)]) == 0
    assert store.texts([told.job.id]) == {told.job.id: told.job.armored}


def test_what_a_server_sent_first_becomes_my_own_when_i_write_it(store: Store) -> None:
    told = story()
    store.add_received([(told.job, URL)])
    assert store.own_ids("regtest", BOB.master_address) == []
    store.add_own(told.job)
    store.add_own(told.job)
    assert store.own_ids("regtest", BOB.master_address) == [told.job.id]


def test_more_documents_than_a_statement_can_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile servers decide how many ids there are. SQLite takes 32,766 by default; Debian builds it with more."""
    connect = store._database._connect

    def limited() -> sqlite3.Connection:
        connection = connect()
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        return connection

    monkeypatch.setattr(store._database, "_connect", limited)
    told = story()
    store.add_received([(told.job, URL), (told.bid, URL)])
    many = [DocumentId(f"{number:064x}") for number in range(33_000)]
    assert store.known([*many, told.bid.id]) == {told.bid.id}
    assert store.documents_of_orders([*many, told.job.id]) == [told.job, told.bid]


def test_my_orders_are_those_i_wrote_in_or_mediate_in_the_order_they_came(store: Store) -> None:
    told, second = story(), story(job_id="second0job0of0theirs")
    store.add_own(enroll(BOB))
    store.add_received([(told.job, URL), (second.job, URL)])
    store.add_received([(second.bid, URL), (told.bid, URL)])
    both = [told.job.id, second.job.id]
    assert store.my_order_ids("regtest", BOB.master_address) == both
    assert store.my_order_ids("regtest", ALICE.master_address) == both  # who has not written a word yet
    assert store.my_order_ids("regtest", CHARLIE.master_address) == both[::-1]
    assert store.my_order_ids("regtest", MALLORY.master_address) == []
    assert store.my_order_ids("testnet4", BOB.master_address) == []


def test_a_document_changed_on_the_disk_is_noticed(store: Store, tmp_path: Path) -> None:
    store.add_own(story().job)
    with sqlite3.connect(tmp_path / "rein.db") as connection:
        connection.execute("UPDATE document SET armored = replace(armored, 'Widget', 'Gadget')")
    connection.close()
    with pytest.raises(DocumentError, match="signature"):
        store.document(story().job.id)


# Servers


def test_servers_belong_to_an_identity_and_keep_their_order(store: Store) -> None:
    bob, alice = (store.add_identity(row(who), enroll(who)) for who in (BOB, ALICE))
    rows = [ServerRow(url, 1, 500_000) for url in (URL, OTHER, "http://[::1]:2018/")]
    for each in rows:
        store.set_server(bob.id, each)
    store.set_server(alice.id, ServerRow(OTHER, 3, 2**53))
    store.set_server(bob.id, ServerRow(URL, 2, 0))
    assert store.servers(bob.id) == [ServerRow(URL, 2, 0), *rows[1:]]
    assert store.servers(alice.id) == [ServerRow(OTHER, 3, 2**53)]
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.set_server(99, ServerRow(URL, 1, 1))


def test_placements_are_updated_in_place(store: Store) -> None:
    told = story()
    store.add_own(told.job)
    first = Placement(told.job.id, URL, "A" * 32, proved=False)
    store.set_placements([first, Placement(told.job.id, OTHER, "B" * 32, proved=True)])
    assert store.placements(URL) == {told.job.id: first}
    proved = Placement(told.job.id, URL, "C" * 32, proved=True)
    store.set_placements([proved])
    assert store.placements(URL) == {told.job.id: proved}
    assert store.placements("http://nowhere/") == {}
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.set_placements([Placement(ORDER, URL, "D" * 32, proved=False)])


def test_only_what_no_server_was_given_is_removed(store: Store) -> None:
    told = story()
    for signed in (told.job, told.offer):
        store.add_own(signed)
    store.add_received([(told.bid, URL)])
    store.set_placements([Placement(told.job.id, URL, "A" * 32, proved=False)])
    store.add_own(told.bid)  # which a server showed before it was written here
    assert [store.remove_unpublished(each.id) for each in (told.job, told.bid, told.offer)] == [False, False, True]
    assert store.documents_of_orders([told.job.id]) == [told.job, told.bid]
    assert not store.remove_unpublished(ORDER)


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
    store.set_seen(ORDER, all_[::-1], [])
    assert store.escrow_outputs(ORDER) == all_
    store.set_seen(ORDER, [_output("mediator", 7, 1, 9)], [])
    assert store.escrow_outputs(ORDER) == [_output("mediator", 7, 1, 9)]
    store.set_seen(ORDER, [], [])
    assert store.escrow_outputs(ORDER) == []


def test_contracts_do_not_touch_each_other(store: Store) -> None:
    other = DocumentId("ef" * 32)
    store.set_seen(ORDER, [_output("primary")], [_payment("primary")])
    store.set_seen(other, [], [])
    assert store.escrow_outputs(ORDER) == [_output("primary")]
    assert list(store.payments(ORDER)) == ["primary"]


def test_payments_are_replaced_as_a_whole(store: Store) -> None:
    first, second = _payment("primary", amount=5_000_000), _payment("mediator", "22", 75_000, 3)
    store.set_seen(ORDER, [], [first, second])
    assert store.payments(ORDER) == {"primary": first, "mediator": second}
    store.set_seen(ORDER, [], [second])
    assert store.payments(ORDER) == {"mediator": second}


def test_what_is_known_already_changes_nothing(store: Store) -> None:
    outputs, payments = [_output("primary"), _output("primary", 1)], [_payment("primary")]
    store.set_seen(ORDER, outputs, payments)
    generation = store.generation()
    store.set_seen(ORDER, outputs[::-1], payments)
    assert store.generation() == generation
    store.set_seen(ORDER, [replace(each, spent=True) for each in outputs], payments)
    assert store.generation() > generation


def test_a_failure_half_way_leaves_the_state_before(store: Store) -> None:
    store.set_seen(ORDER, [_output("primary")], [_payment("primary")])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.set_seen(ORDER, [_output("mediator"), _output("mediator")], [])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.set_seen(ORDER, [], [_payment("mediator"), _payment("mediator", "22")])
    assert store.escrow_outputs(ORDER) == [_output("primary")]
    assert store.payments(ORDER) == {"primary": _payment("primary")}


def test_any_order_of_arrival_gives_the_same_documents(tmp_path: Path) -> None:
    told = story()
    documents = [(signed, URL) for signed in (told.job, *told.documents, *(enroll(who) for who in (ALICE, BOB)))]
    for seed in range(5):
        store = Store(tmp_path / f"{seed}.db")
        shuffled = list(documents)
        random.Random(seed).shuffle(shuffled)
        for each in shuffled:
            store.add_received([each])
        assert set(store.documents("regtest", *Kind)) == {signed for signed, _ in documents}


def test_jobs_keep_the_mediator_they_name_and_others_none(store: Store, tmp_path: Path) -> None:
    told = story()
    for signed in (told.job, *told.documents, enroll(ALICE, True), job(BOB, ALICE, job_id="second0job0of0theirs")):
        store.add_received([(signed, URL)])
    with sqlite3.connect(tmp_path / "rein.db") as connection:
        found = set(connection.execute("SELECT kind, mediator, received_from FROM document WHERE mediator NOT NULL"))
    connection.close()
    assert found == {("job", ALICE.master_address, URL)}
    assert REGTEST.name == "regtest"


def test_jobs_are_found_without_reading_their_documents(store: Store) -> None:
    told, other = story(), job(person("Bob"), person("Alice"), job_id="another0job0id000000")
    old_job = verify(JOB)
    store.add_received([(signed, "http://x/") for signed in (told.job, *told.documents, other, old_job)])
    assert store.orders_with("regtest", Kind.JOB) == [told.job.id, other.id]
    assert store.orders_with("mainnet", Kind.JOB) == [], "jobs of 2016 are in no order"
    assert store.find_jobs("regtest", told.job.document.job_id) == [told.job.id]
    assert store.find_jobs("regtest", other.id[:8]) == [other.id]
    assert store.find_jobs("regtest", "%") == []
    assert store.orders_of_offers("regtest", told.offer.id[:8]) == [told.job.id]
    assert store.orders_of_offers("regtest", "%") == store.orders_of_offers("mainnet", told.offer.id) == []
    assert store.people_in([told.job.id, ORDER]) == {
        each.master_address for each in (told.creator, told.mediator, told.worker)
    }


# Feeds


def test_how_far_a_feed_is_read_is_kept_with_what_it_brought(store: Store) -> None:
    told = story()
    assert store.feed(URL, "regtest") == FeedRow(URL, "regtest")
    row = FeedRow(URL, "regtest", "1.0", 7, told.job.id, 7, '"tag"', shown=2, passed=5, people=3)
    assert store.add_received([(told.job, URL), (told.bid, URL)], row) == 2
    assert store.feed(URL, "regtest") == row
    assert store.feed(URL, "mainnet") == FeedRow(URL, "mainnet")
    assert store.add_received([], replace(row, cursor=9)) == 0
    assert store.feed(URL, "regtest").cursor == 9
    fresh = row.from_the_beginning("2.0")
    assert fresh == FeedRow(URL, "regtest", "2.0")


def test_a_snapshot_does_not_see_what_is_written_meanwhile(store: Store, tmp_path: Path) -> None:
    told = story()
    with store.snapshot():
        assert store.count("regtest") == 0
        Store(tmp_path / "rein.db").add_own(told.job)
        assert store.count("regtest") == 0
    assert store.count("regtest") == 1


def test_enrollments_are_found_by_whose_they_are(store: Store) -> None:
    store.add_received([(enroll(who), URL) for who in (ALICE, BOB, CHARLIE)])
    found = store.enrollments_of("regtest", {ALICE.master_address, BOB.master_address, MALLORY.master_address})
    assert found == [enroll(ALICE), enroll(BOB)]
    assert store.enrollments_of("mainnet", {ALICE.master_address}) == []
    assert store.texts([enroll(ALICE).id, ORDER]) == {enroll(ALICE).id: enroll(ALICE).armored}


# Watching


def test_an_event_is_told_each_hook_until_it_succeeds(store: Store) -> None:
    kept = store.add_identity(row(ALICE), enroll(ALICE))
    store.notice(kept.id, [("bid:1", "{}", ["exec a", "webhook b"])])
    store.notice(kept.id, [("bid:1", "other", ["notify"]), ("bid:0", "[]", ["exec a"])])  # the first is known
    assert store.noticed(kept.id) == {"bid:1", "bid:0"}
    assert store.undelivered(kept.id, "exec a", 3) == [("bid:1", "{}"), ("bid:0", "[]")]
    store.tried(kept.id, "bid:1", "exec a", done=True)
    assert store.undelivered(kept.id, "exec a", 3) == [("bid:0", "[]")]
    assert store.undelivered(kept.id, "webhook b", 3) == [("bid:1", "{}")]
    for _ in range(3):
        store.tried(kept.id, "bid:0", "exec a", done=False)
    assert store.undelivered(kept.id, "exec a", 3) == []
    assert store.undelivered(kept.id, "notify", 3) == []
    assert store.noticed(kept.id + 1) == set()
