"""Replication as operators run it: processes, one of which pulls; the command; backups; numbers; settings."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from causeway.app import create_app, make_puller
from causeway.db.engine import Database, make_patient_engine
from causeway.db.leadership import Duty
from causeway.db.migrate import upgrade
from causeway.errors import SettingsError
from causeway.housekeeping import Job, _jobs, run_repeatedly
from causeway.kv.incoming import IncomingDocument
from causeway.maintenance.doctor import check_machine
from causeway.maintenance.export import export_to
from causeway.maintenance.restore import restore_from
from causeway.maintenance.stats import read_stats
from causeway.outbound import Peer
from causeway.replication import service
from causeway.replication.allowance import Allowance
from causeway.replication.feed import OfferedDocument
from causeway.replication.service import Budget, FeedIngester, ReadElsewhereError
from causeway.search import index
from causeway.settings import load_settings
from rein.btc.networks import REGTEST
from rein.protocol.description import describe
from tests.causeway.replication.conftest import Node
from tests.causeway.test_serving import command, failure, serving
from tests.support.people import Story, enroll, person

BOB = person("Bob")
PATIENCE_S = 40
Nodes = tuple[Node, Node, Node]
ROOM = Budget(2**30, 2**30)


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory) / "data"


def wait_for(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# ----- processes -----------------------------------------------------------------------------------------------------


def test_real_servers_replicate_by_themselves(nodes: Nodes, data: Path, deal: Story) -> None:
    a, _, _ = nodes
    a.put(BOB, deal.job, enroll(BOB))
    flags = ("--data", data, "--workers", 2, "--peers", a.url, "--pull-interval-s", 1)
    with serving(*flags) as server:
        wait_for(lambda: server.get("/v1/status")["documents"] == 2)
        a.put(BOB, deal.offer)
        wait_for(lambda: server.get("/v1/status")["documents"] == 3)
        a.stop()
        assert server.get("/v1/feed")["documents"][0]["id"] == deal.job.id
        wait_for(lambda: server.get("/status")["peers"][0]["state"] == "failing")
        (peer,) = server.get("/status")["peers"]
        assert (peer["url"], peer["behind"], peer["taken"], peer["refused"]) == (a.url, 0, 3, 0)
        assert server.stop() == 0


def test_an_operator_pulls_by_hand(nodes: Nodes, data: Path, deal: Story) -> None:
    a, _, _ = nodes
    a.put(BOB, deal.job)
    flags = ("--network", "regtest", "--data", data, "--peers", a.url)
    once = command("replicate", "--once", *flags)
    out, err = once.communicate(timeout=PATIENCE_S)
    assert (out, err) == (f"{a.url}  ok  0 behind, 0 refused in all\n1 documents taken\n", "")
    a.put(BOB, deal.offer)
    again = command("replicate", "--once", "--json", "--from-start", *flags)
    said = json.loads(again.communicate(timeout=PATIENCE_S)[0])
    assert (said["taken"], said["peers"][0]["taken"], said["peers"][0]["state"]) == (1, 2, "ok")
    code, said = failure("replicate", "--once", *flags[:4])
    assert (code, "no peers" in said) == (2, True)


def test_of_two_processes_one_pulls(nodes: Nodes) -> None:
    a, b, _ = nodes
    b.peers = (a.url,)
    settings = replace(b.settings, pull_interval_s=1)
    assert [job.duty for job in _jobs(settings)] == [Duty.SWEEP, Duty.PULL]
    assert [job.duty for job in _jobs(replace(settings, pull_interval_s=0))] == [Duty.SWEEP]
    turns: list[int] = []
    stop = threading.Event()

    def process(number: int) -> None:
        run_repeatedly(Job(Duty.PULL, 0.05, lambda: turns.append(number)), settings, stop)

    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(process, number)
        wait_for(lambda: len(turns) > 5)
        leaders = set(turns)
        stop.set()
    assert len(leaders) == 1


def test_if_two_pull_all_the_same_nothing_is_taken_twice(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, *deal.documents)
    b.peers = (a.url,)
    pullers = [make_puller(b.settings)[0] for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda puller: puller.pull(), pullers)) == 5
    assert b.feed() == [deal.job.id, *(each.id for each in deal.documents)]
    assert b.status()[0]["taken"] == 5
    database = Database(b.server.engine.url, connections=1)
    with pytest.raises(ReadElsewhereError):
        FeedIngester(database, REGTEST).ingest(a.url, 0, [OfferedDocument(1, deal.job.id, deal.job.armored)], 1, ROOM)
    database.close()


def test_a_deletion_at_the_same_moment_is_not_undone(nodes: Nodes, deal: Story) -> None:
    """Its author deletes a document here while it is being taken from a peer: whoever is second sees the first."""
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    for _ in range(10):
        b.put(BOB, deal.job)
        b.server.rows("DELETE FROM peer")
        with ThreadPoolExecutor(2) as pool:
            taken = pool.submit(b.pull)
            deleted = pool.submit(b.v1.delete, BOB, deal.job.id)
            assert (deleted.result().codes, taken.result()) == ([None], 0)
        assert b.feed() == []


def test_who_takes_a_document_waits_for_who_deletes_it(nodes: Nodes, deal: Story) -> None:
    """The deletion has not ended when the page is looked at, and has when the document is indexed."""
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.put(BOB, deal.job)
    b.peers = (a.url,)
    b.server.rows("DELETE FROM kv")
    puller, database = make_puller(b.settings)
    with ThreadPoolExecutor(1) as pool, b.server.engine.connect() as deleting:
        index.remove(deleting, deal.job.id)
        deleting.execute(
            text("INSERT INTO tombstone (document_id, seq, owner) VALUES (:id, nextval('document_seq'), :by)"),
            {"id": deal.job.id, "by": BOB.master_address},
        )
        taken = pool.submit(puller.pull)
        time.sleep(0.5)
        assert not taken.done()
        deleting.commit()
        assert taken.result() == 0
    assert b.feed() == []
    database.close()


def test_a_deletion_between_two_looks_is_seen(nodes: Nodes, deal: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    choose, times = service._choose, []

    def slow(*arguments: Any) -> Any:
        times.append(1)
        if len(times) == 1:
            b.put(BOB, deal.job)
            assert b.v1.delete(BOB, deal.job.id).codes == [None]
        return choose(*arguments)

    monkeypatch.setattr(service, "_choose", slow)
    assert b.pull() == 0
    assert (b.feed(), len(times)) == ([], 2)


def test_what_the_database_does_not_take_does_not_stop_the_feed(
    nodes: Nodes, deal: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, deal.offer)
    b.peers = (a.url,)
    good = index._row

    def row(incoming: IncomingDocument) -> object:
        return {**good(incoming), "title": "x" * 10_000 if incoming.signed.id == deal.job.id else None}

    monkeypatch.setattr(index, "_row", row)
    assert b.pull() == 1
    assert b.feed() == [deal.offer.id]
    assert (b.status()[0]["state"], b.status()[0]["refused"]) == ("ok", 1)


def test_the_new_version_reads_everything_again(nodes: Nodes, deal: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older one could not read is no longer refused."""
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    monkeypatch.setattr("causeway.replication.service.read_incoming", lambda *_, **__: None)
    assert (b.pull(), b.status()[0]["refused"]) == (0, 1)
    monkeypatch.undo()
    assert b.pull() == 0
    monkeypatch.setattr("causeway.replication.progress.__version__", "99")
    assert b.pull() == 1


# ----- backups and numbers -------------------------------------------------------------------------------------------


def test_documents_kept_for_peers_are_exported_and_restored(
    nodes: Nodes, empty_database: URL, tmp_path: Path, deal: Story
) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job, deal.offer, enroll(BOB))
    b.peers = (a.url,)
    b.pull()
    b.put(BOB, deal.job)
    upgrade(empty_database)
    first, second = tmp_path / "first", tmp_path / "second"
    export_to(b.server.engine.url, first)
    database = Database(empty_database, connections=1)
    restored = restore_from(database, first)
    assert restored.refused == []
    assert restored.counts["documents added"] == 3
    export_to(empty_database, second)
    assert first.read_bytes() == second.read_bytes()
    with make_patient_engine(empty_database).connect() as connection:
        stats = read_stats(connection)
        rows = "SELECT document_id, peer, signer, size FROM replica ORDER BY 1"
        assert [tuple(row) for row in connection.execute(text(rows))] == b.server.rows(rows)
    assert stats.replicas == 3
    assert stats.replica_bytes == b.server.value("SELECT sum(size) FROM replica") > 0
    # Into a server that has them by its own means, they are still kept for the peer.
    b.server.rows("DELETE FROM replica WHERE document_id = :id", id=deal.job.id)
    restore_from(Database(b.server.engine.url, connections=1), first)
    assert b.server.value("SELECT count(*) FROM replica") == 3
    # Another secret, another feed: whoever pulls from the restored server begins anew.
    restored_app = create_app(replace(b.settings, database_url=empty_database.render_as_string(hide_password=False)))
    names = [app.test_client().get("/v1/feed").get_json()["server"] for app in (restored_app, b.server.app)]
    assert len(set(names)) == 2
    database.close()


def test_numbers_for_whoever_watches(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    dead = "http://127.0.0.1:1"
    b.peers = (a.url, dead)
    assert [each["state"] for each in b.status()] == ["new", "new"]
    b.pull()
    client = create_app(b.settings).test_client()
    status = client.get("/status").get_json()
    assert status["replica_bytes"] == len(deal.job.armored.encode())
    alive, gone = status["peers"]
    assert (alive["state"], alive["cursor"], alive["latest"], alive["behind"]) == ("ok", 1, 1, 0)
    assert 0 <= alive["seconds_since_success"] < 60
    assert (gone["state"], gone["failures"], gone["seconds_since_success"]) == ("failing", 1, None)
    lines = client.get("/metrics").text.split("\n")
    for line in (
        f"causeway_replica_bytes {status['replica_bytes']}",
        f'causeway_peer_behind{{peer="{a.url}"}} 0',
        f'causeway_peer_taken_total{{peer="{a.url}"}} 1',
        f'causeway_peer_failures{{peer="{dead}"}} 1',
    ):
        assert line in lines
    assert not any(line.startswith(f'causeway_peer_success_seconds{{peer="{dead}"}}') for line in lines)


def test_an_enrollment_that_was_replicated_lets_its_delegate_sign(nodes: Nodes) -> None:
    a, b, _ = nodes
    a.put(BOB, enroll(BOB))
    b.peers = (a.url,)
    b.pull()
    b.caller.register(BOB)
    assert b.v1.put(BOB, {"key": "value"}, by=BOB.delegate).codes == [None]


def test_a_document_that_is_needed_cannot_leave_the_index(nodes: Nodes, deal: Story) -> None:
    a, b, _ = nodes
    a.put(BOB, deal.job)
    b.peers = (a.url,)
    b.pull()
    with pytest.raises(Exception, match="replica_document_id_fk"), b.server.engine.begin() as connection:
        index.remove(connection, deal.job.id)
    with b.server.engine.connect() as connection:
        index.add(connection, IncomingDocument(deal.job, describe(deal.job)))


# ----- settings ------------------------------------------------------------------------------------------------------


def test_peers_are_named_by_the_operator() -> None:
    settings = load_settings(
        {},
        peers="https://One.example/, http://127.0.0.1:2017,https://one.example, http://" + "a" * 56 + ".onion",
        peers_proxy="127.0.0.1:9050",
    )
    assert settings.peers == (
        Peer("https://one.example"),
        Peer("http://127.0.0.1:2017"),
        Peer("http://" + "a" * 56 + ".onion", "socks5h://127.0.0.1:9050"),
    )
    assert settings.pull_limits.kept_bytes == 1_000 * 2**20
    assert load_settings({}).peers == ()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"peers": "one.example"}, "peers"),
        ({"peers": "ftp://one.example"}, "peers"),
        ({"peers": "file:///etc/passwd"}, "peers"),
        ({"peers": "https://me:secret@one.example"}, "peers"),
        ({"peers": "https://one.example/v1/feed"}, "peers"),
        ({"peers": "https://one.example?x"}, "peers"),
        ({"peers": "https://one.example#x"}, "peers"),
        ({"peers": "https://one.example,"}, "peers"),
        ({"peers": ",".join(f"http://{n}.example" for n in range(101))}, "100 are allowed"),
        ({"peers": "http://" + "a" * 56 + ".onion"}, "peers_proxy"),
        ({"peers_proxy": "http://127.0.0.1:8118"}, "peers_proxy"),
        ({"peers_proxy": "127.0.0.1"}, "peers_proxy"),
        ({"peers_proxy": "[127.0.0.1:9050"}, "peers_proxy"),
        ({"peers": "http://[::1"}, "peers"),
        ({"pull_documents": 0}, "pull_documents"),
        ({"pull_mb": "1.5"}, "pull_mb"),
        ({"replica_mb": -1}, "replica_mb"),
    ],
)
def test_what_cannot_be_used_is_named(flags: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings({}, **flags)


@pytest.mark.parametrize(
    ("peers", "says"),
    [
        ("https://one.example", "documents of 1 peers"),
        ("https://one.example, http://two.example", "http://two.example is asked without TLS"),
        ("https://one.example, http://127.0.0.1:2016", "is this server itself"),
    ],
)
def test_the_doctor_looks_at_peers(peers: str, says: str, tmp_path: Path) -> None:
    settings = load_settings({}, peers=peers, data=str(tmp_path), port=2016)
    assert any(says in finding.message for finding in check_machine(settings, None))


def test_an_allowance_comes_back_by_the_second() -> None:
    now = [0.0]
    allowance = Allowance(60, lambda: now[0])
    allowance.spend(59)
    assert allowance.is_left()
    allowance.spend(11)
    assert not allowance.is_left()
    now[0] = 10.0
    assert not allowance.is_left()
    now[0] = 10.1
    assert allowance.is_left()
    now[0] = 10_000.0
    allowance.spend(60)
    assert not allowance.is_left()
