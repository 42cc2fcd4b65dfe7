"""Servers that pull from each other: every document everywhere, once, and a job outlives any server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from causeway.app import make_sweeper
from causeway.db.engine import Database
from causeway.kv.copies import OPERATOR
from causeway.maintenance.removal import find, parse_filters, remove
from rein.protocol.signed import verify
from tests.causeway.replication.conftest import LIMITS, Node
from tests.support.people import Story, bid, enroll, person

BOB, MALLORY = person("Bob"), person("Mallory")
Nodes = tuple[Node, Node, Node]


def charged(node: Node) -> object:
    return node.server.value("SELECT coalesce(sum(bytes_used), 0) FROM bucket")


def test_a_job_survives_the_death_of_its_server(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, *deal.documents, enroll(BOB))
    b.peers = (a.url,)
    assert b.pull() == 6
    a.stop()
    assert b.pull() == 0
    # The whole job can be read at the other server, every document as it was signed.
    b.put(person("Charlie"), enroll(person("Charlie")))
    found = b.v1.post("/documents", {"ids": [deal.job.id, *(each.id for each in deal.documents)]}).data["documents"]
    assert [verify(each["armored"]).id for each in found] == [
        deal.job.id,
        *(each.id for each in deal.documents),
    ]
    assert len(b.v1.get("/search", text="widget").data["jobs"]) == 1
    assert b.caller.query(person("Charlie"), "by_job_id", job_ids=deal.job.document.job_id)
    assert b.server.rows("SELECT DISTINCT peer FROM replica") == [(a.url,)]
    assert b.server.value("SELECT count(*) FROM kv WHERE owner = :bob", bob=BOB.master_address) == 0
    assert b.status()[0]["state"] == "failing"


def test_two_servers_that_pull_from_each_other_converge(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.peers, b.peers = (b.url,), (a.url,)
    a.put(BOB, deal.job, deal.offer)
    b.put(person("Charlie"), deal.bid)
    rounds = [(a.pull(), b.pull()) for _ in range(4)]
    assert rounds == [(1, 3), (2, 0), (0, 0), (0, 0)]
    wanted = sorted([deal.job.id, deal.offer.id, deal.bid.id])
    assert sorted(a.feed()) == sorted(b.feed()) == wanted
    assert {id_ for (id_,) in a.server.rows("SELECT document_id FROM replica")} == set(wanted)
    assert [each["state"] for each in a.status() + b.status()] == ["ok", "ok"]


def test_three_in_a_ring_converge_and_numbers_stay(nodes: Nodes, deal: Story) -> None:
    a, b, c = nodes
    a.peers, b.peers, c.peers = (c.url,), (a.url,), (b.url,)
    a.put(BOB, deal.job)
    c.put(BOB, deal.offer)
    before = a.server.rows("SELECT id, seq FROM document")
    for _ in range(4):
        for node in nodes:
            node.pull()
    for node in nodes:
        assert sorted(node.feed()) == sorted([deal.job.id, deal.offer.id])
    assert a.server.rows("SELECT id, seq FROM document WHERE id = :id", id=deal.job.id) == before
    assert sum(node.pull() for node in nodes) == 0


def test_a_document_becomes_its_owners_when_he_stores_it_and_stays_when_his_bucket_ends(
    nodes: Nodes, deal: Story
) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    assert b.pull() == 1
    assert charged(b) == 0
    number = b.server.value("SELECT seq FROM document")
    b.put(BOB, deal.job)
    assert charged(b) == len(deal.job.id) + len(deal.job.armored.encode())
    assert b.feed() == [deal.job.id]
    # The bucket expires and is swept.
    make_sweeper(b.settings).sweep(datetime.now(UTC) + timedelta(days=365 + 40))
    assert b.server.rows("SELECT * FROM kv") == []
    assert b.server.rows("SELECT seq FROM document") == [(number,)]
    assert b.feed() == [deal.job.id]


def test_what_another_value_replaces_stays_for_the_peer(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    b.pull()
    b.put(BOB, deal.job)
    assert b.v1.put(BOB, {deal.job.id: "something else"}).codes == [None]
    assert b.feed() == [deal.job.id]


# ----- deletion ------------------------------------------------------------------------------------------------------


def test_what_its_author_deleted_does_not_come_back(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    b.pull()
    # He was never here: he stores it, and deletes it.
    b.put(BOB, deal.job)
    assert b.v1.delete(BOB, deal.job.id).codes == [None]
    assert b.feed() == []
    assert b.server.rows("SELECT * FROM replica") == []
    assert b.server.rows("SELECT owner FROM tombstone") == [(BOB.master_address,)]
    b.server.rows("UPDATE peer SET cursor = 0")
    assert b.pull() == 0
    assert b.feed() == []
    # A stranger may store it again. That does not make it ours to keep.
    b.put(MALLORY, deal.job)
    b.server.rows("UPDATE peer SET cursor = 0")
    assert b.pull() == 0
    assert b.v1.delete(MALLORY, deal.job.id).codes == [None]
    assert b.feed() == []
    b.server.rows("UPDATE peer SET cursor = 0")
    assert b.pull() == 0
    assert b.feed() == []


def test_nor_does_an_author_take_away_what_others_rely_on(nodes: Nodes, deal: Story) -> None:
    """Bob stores his at both servers; Charlie, who keeps all of the job, has only one of them."""
    a, b, _ = nodes
    his = (enroll(BOB), deal.job, deal.offer, deal.acceptance)
    a.put(BOB, *his)
    b.put(BOB, *his)
    charlie = person("Charlie")
    a.put(charlie, enroll(charlie), deal.bid, deal.delivery)
    assert a.v1.put(charlie, {f"his-{each.id}": each for each in his}).codes == [None] * len(his)
    b.peers = (a.url,)
    b.pull()
    whole = {each.id for each in (*his, enroll(charlie), deal.bid, deal.delivery)}
    for node in (a, b):
        assert node.v1.delete(BOB, *(each.id for each in his)).codes == [None] * len(his)
        assert set(node.feed()) == whole
    assert b.server.rows("SELECT * FROM tombstone") == []
    # What it has lost it takes again.
    b.server.rows("DELETE FROM replica")
    b.put(BOB, deal.job)
    assert b.v1.delete(BOB, deal.job.id).codes == [None]
    assert deal.job.id not in b.feed()
    b.server.rows("UPDATE peer SET cursor = 0")
    assert b.pull() == len(whole)
    assert set(b.feed()) == whole


def test_a_stranger_cannot_take_a_document_away_by_storing_and_deleting_it(nodes: Nodes, deal: Story) -> None:
    a, b, c = nodes
    a.put(BOB, deal.job)
    b.peers = c.peers = (a.url,)
    b.pull()
    b.put(MALLORY, deal.job)
    assert b.v1.delete(MALLORY, deal.job.id).codes == [None]
    assert b.feed() == [deal.job.id]
    # Nor before it came.
    c.put(MALLORY, deal.job)
    assert c.v1.delete(MALLORY, deal.job.id).codes == [None]
    assert c.feed() == []
    assert c.pull() == 1
    assert c.feed() == [deal.job.id]


def test_nor_by_storing_it_before_the_peer_is_read_and_deleting_it_after(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.put(MALLORY, deal.job)
    b.peers = (a.url,)
    assert b.pull() == 1
    assert b.v1.delete(MALLORY, deal.job.id).codes == [None]
    assert b.feed() == [deal.job.id]


def test_an_operator_deletes_and_it_does_not_come_back(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, deal.offer)
    b.peers = (a.url,)
    b.pull()
    b.put(MALLORY, deal.job)
    database = Database(b.server.engine.url, connections=1)
    for filters, count in (([f"document={deal.job.id}"], 2), ([f"peer={a.url}"], 1)):
        with b.server.engine.connect() as connection:
            found = find(connection, parse_filters(filters, datetime.now(UTC)))
        assert remove(database, found, "a test") == count
    database.close()
    assert b.feed() == []
    assert b.server.rows("SELECT DISTINCT owner FROM tombstone") == [(OPERATOR,)]
    b.server.rows("UPDATE peer SET cursor = 0")
    assert b.pull() == 0
    assert b.feed() == []


# ----- limits --------------------------------------------------------------------------------------------------------


def test_one_signer_cannot_fill_the_disk_and_others_get_through(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    size = len(bid(MALLORY, deal.job, description="flood 10").armored.encode())
    flood = [bid(MALLORY, deal.job, description=f"flood {n}") for n in range(10, 40)]
    a.put(MALLORY, *flood)
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    b.limits = replace(LIMITS, signer_bytes=size * 5 + size // 2)
    assert b.pull() == 6
    assert deal.job.id in b.feed()
    (status,) = b.status()
    assert (status["state"], status["skipped"], status["behind"]) == ("ok", 25, 0)
    # With a larger share they come, when the feed is read again from its start.
    b.limits = LIMITS
    b.server.rows("UPDATE peer SET begun = now() - interval '31 days'")
    assert b.pull(fresh=True) == 25


def test_a_full_server_pauses_and_loses_nothing(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, *deal.documents)
    b.peers = (a.url,)
    first = len(deal.job.armored.encode()) + len(deal.bid.armored.encode())
    b.limits = replace(LIMITS, kept_bytes=first + 10)
    assert b.pull() == 2
    (status,) = b.status()
    assert (status["state"], status["behind"]) == ("paused", 3)
    assert "replica_mb" in status["why"]
    assert b.pull() == 0
    assert b.feed() == [deal.job.id, deal.bid.id]
    b.limits = LIMITS
    assert b.pull(fresh=True) == 3
    assert b.feed() == [deal.job.id, *(each.id for each in deal.documents)]
    assert b.status()[0]["state"] == "ok"


def test_each_peer_has_its_part_of_the_room(nodes: Nodes, deal: Story) -> None:
    a, b, c = nodes
    flood = [bid(MALLORY, deal.job, description=f"flood {n}") for n in range(10, 30)]
    size = len(flood[0].armored.encode())
    a.put(MALLORY, *flood)
    c.put(BOB, deal.job)
    b.peers = (a.url, c.url)
    b.limits = replace(LIMITS, kept_bytes=2 * (4 * size + 10))
    assert b.pull() == 5
    assert [each["state"] for each in b.status()] == ["paused", "ok"]
    assert deal.job.id in b.feed()


def test_no_more_is_read_in_a_minute_than_may_be(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(MALLORY, *(bid(MALLORY, deal.job, description=f"flood {n}") for n in range(60)))
    b.peers = (a.url,)
    b.limits = replace(LIMITS, documents=20)
    assert b.pull() == 20
    assert b.pull() == 0
    assert b.status()[0]["state"] == "behind"
    assert b.pull(fresh=True) == 20
    b.limits = replace(LIMITS, bytes=1_000)
    assert b.pull(fresh=True) == 20
    assert b.pull(fresh=True) == 0
    assert b.status()[0]["state"] == "ok"
