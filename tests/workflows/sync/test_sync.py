"""Uploading, proving, and uploading again: to servers that lose, hide, change and refuse."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from rein.errors import InputError, NotFoundError, OrderError
from rein.findings import Level
from rein.remote import fleet
from rein.store.tables.servers import ServerRow
from rein.workflows.diagnostics.documents import check_documents
from rein.workflows.hosting.same_server import same_servers
from rein.workflows.hosting.servers import forget
from rein.workflows.hosting.unpublished import unpublished
from rein.workflows.hosting.warnings import hosting_warnings
from rein.workflows.jobs import withdraw
from rein.workflows.sync import check, upload
from rein.workflows.sync.replicas import Replicas
from rein.workflows.sync.report import ServerReport, SyncReport
from rein.workflows.sync.sync import sync
from tests.support.evil_server import EvilServer
from tests.support.people import job, person, respelled
from tests.support.socks import socks_server
from tests.workflows.conftest import Sit

Evils = Callable[[], EvilServer]
MINE = [job(person("Bob"), person("Alice"), job_id=f"sync{number:016}") for number in range(6)]


def held(report: SyncReport) -> list[int]:
    return [server.held for server in report.servers]


def write(session: Any, count: int = len(MINE)) -> int:
    """With the enrollment, so many documents."""
    for signed in MINE[:count]:
        session.store.documents.add_own(signed)
    return count + 1


def test_one_batch_one_reading_back_and_then_nothing(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    count = write(session)
    report = sync(session)
    assert (report.documents, report.safe, report.copies) == (count, count, 1)
    assert [(server.uploaded, server.held, server.checked) for server in report.servers] == [(count, count, count)]
    assert evil.asked.count("v1/put") == evil.asked.count("v1/get") == 1
    sync(session)
    evil.asked.clear()
    (server,) = sync(session).servers
    assert sorted(evil.asked) == ["v1/documents", "v1/feed"], "two requests, however much is stored"
    assert (server.uploaded, server.checked, server.error) == (0, count, None)


def test_a_sync_with_nothing_to_sign_asks_for_no_passphrase(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    write(session)
    sync(session)
    again = sit(evil)
    sync(again)
    assert "keyring" not in vars(again)


def test_two_addresses_of_one_server_are_one_copy(sit: Sit, evils: Evils) -> None:
    one, same, other = evils(), evils(), evils()
    one.name = same.name = "ab" * 16
    other.name = "cd" * 16
    count = write(sit(one, same))
    report = sync(sit(one, same))
    assert (report.copies, report.safe, held(report)) == (2, 0, [count, count])
    assert report.servers[1].feed.notes == [f"it is the same server as {one.url}: both count as one copy"]
    assert sync(sit(one, same)).safe == 0, "it is remembered where nothing is new"
    report = sync(sit(one, same, other))
    assert (report.safe, report.distinct_servers) == (count, 2)
    assert [each.same_as for each in report.servers] == [None, one.url, None]
    session = sit(one, same, other)
    assert same_servers(session) == {same.url: one.url}
    assert [each for each in hosting_warnings(session, int(time.time())) if "same server" in each] == [
        f"{same.url}  it is the same server as {one.url}: both count as one copy"
    ]
    assert forget(session, same.url) == same.url
    assert same_servers(session) == {}
    with pytest.raises(NotFoundError, match="is registered"):
        forget(session, same.url)


def test_what_no_server_has_room_for_is_named(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.refused = {signed.id for signed in MINE[2:4]}
    session = sit(evil)
    count = write(session)
    report = sync(session)
    assert [each.document_id for each in report.unpublished] == [signed.id for signed in MINE[2:4]]
    assert str(report.unpublished[0]) == f"job {MINE[2].id[:12]} in job {MINE[2].document.job_id}"
    assert (report.servers[0].answered, report.servers[0].held) == (True, count - 2)
    assert report.json()["unpublished"] == [each.json() for each in unpublished(session)]
    (finding,) = check_documents(session)
    assert ("2 of your documents are at no server: job" in finding.message, finding.hint) == (True, "Publish it.")
    assert hosting_warnings(session, int(time.time())) == []
    session.store.servers.set(1, ServerRow(evil.url, 1, 10, 50_000_000, asked=1))
    (finding,) = check_documents(session)
    assert finding.hint == "Buy space, or register another server."
    space, room = hosting_warnings(session, int(time.time()))
    assert "only 10 bytes of space are left" in space
    assert room.startswith("no server has room for what you wrote: job")
    evil.refused.clear()
    assert sync(session).unpublished == []
    assert [each.verdict for each in check_documents(session)] == [Level.OK]


@pytest.mark.parametrize("name", ["", "x", 7, None, "A" * 32, "ab" * 16 + "\n"])
def test_a_server_without_a_name_counts_as_one(sit: Sit, evils: Evils, name: Any) -> None:
    servers = [evils(), evils()]
    for each in servers:
        each.bend = lambda path, _asked, answer: answer | {"server": name} if "feed" in path else answer
    count = write(sit(*servers))
    assert sync(sit(*servers)).safe == count


def test_safe_is_what_enough_servers_hold(sit: Sit, evils: Evils) -> None:
    good, better, full = evils(), evils(), evils()
    full.full = True
    session = sit(good, full)
    count = write(session)
    report = sync(session)
    assert (report.copies, report.safe, held(report)) == (2, 0, [count, 0])
    assert report.servers[1].error is not None
    assert getattr(report.servers[1].error, "reason", None) == "storage_exhausted"
    report = sync(sit(good, better, full))
    assert (report.copies, report.safe) == (2, count)
    assert sync(sit(good, better, full, copies=3)).safe == 0
    assert sync(sit(good, better, full, copies=1)).safe == count


def test_what_a_server_lost_is_uploaded_again_under_the_same_keys(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    count = write(session)
    sync(session)
    keys = set(evil.stored)
    evil.forget()
    (server,) = sync(session).servers
    assert (server.lost, server.uploaded, server.held) == (count, count, count)
    assert set(evil.stored) == keys


def test_one_missing_in_the_sample_and_all_are_asked_for(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SAMPLE", 2)
    evil = evils()
    session = sit(evil)
    count = write(session)
    sync(session)
    assert sync(session).servers[0].checked == 2
    for signed in MINE:  # all but the enrollment, so that no sample of two misses them
        evil.feed = [each for each in evil.feed if each["id"] != signed.id]
    (server,) = sync(session).servers
    assert (server.lost, server.uploaded, server.held) == (6, 6, count)
    assert sync(session, everything=True).servers[0].checked == count


def test_a_deletion_told_in_the_feed_is_looked_at_whatever_the_sample(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SAMPLE", 0)
    evil = evils()
    session = sit(evil)
    write(session)
    sync(session)
    evil.remove(MINE[3].id)
    (server,) = sync(session).servers
    assert (server.lost, server.uploaded) == (1, 1)


@pytest.mark.parametrize("instead", ["something else", MINE[0].armored.replace("Widget", "Gadget")])
def test_what_is_not_given_back_byte_for_byte_is_not_held(sit: Sit, evils: Evils, instead: str) -> None:
    evil = evils()
    evil.instead = instead
    session = sit(evil)
    write(session)
    (server,) = sync(session).servers
    assert (server.uploaded, server.held) == (0, 0)
    assert "does not give it back" in str(server.error)


def test_what_is_kept_and_shown_to_nobody_is_not_held(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.hidden = True
    session = sit(evil)
    count = write(session)
    (server,) = sync(session).servers
    assert (server.held, str(server.error)) == (0, f"{evil.url} keeps {count} of your documents, but hides them")


def test_another_spelling_of_a_signature_is_the_same_document(sit: Sit, evils: Evils) -> None:
    """Whoever stored it first decided the spelling; the text is mine all the same."""
    evil = evils()
    session = sit(evil)
    write(session, 1)
    evil.show(respelled(MINE[0].armored))
    assert held(sync(session)) == [2]
    assert sync(session).servers[0].lost == 0


def test_another_text_under_an_id_of_mine_is_noticed(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    count = write(session)
    sync(session)
    for each in evil.feed:
        if each["id"] == MINE[2].id:
            each["armored"] = MINE[1].armored
    (server,) = sync(session).servers
    assert server.lost == 1
    assert server.held == count - 1
    assert "hides them" in str(server.error)


VERDICTS: dict[str, Any] = {
    "no list": {"verdicts": None},
    "too few": {"verdicts": [{"key": "x", "stored": True}]},
    "no objects": {"verdicts": ["stored"] * 7},
    "nearly true": {"verdicts": [{"stored": 1}] * 7},
    "nothing": {},
}


@pytest.mark.parametrize("lie", VERDICTS, ids=list(VERDICTS))
def test_only_a_plain_yes_counts(sit: Sit, evils: Evils, lie: str) -> None:
    evil, good = evils(), evils()
    evil.bend = lambda path, _asked, answer: VERDICTS[lie] if path == "v1/put" else answer
    session = sit(evil, good)
    count = write(session)
    report = sync(session)
    assert held(report) == [0, count]
    assert report.servers[0].error is not None
    assert report.servers[1].error is None


def test_a_feed_that_lies_does_not_keep_mine_from_the_server(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.bend = lambda path, _asked, answer: {**answer, "next": -1} if path == "v1/feed" else answer
    session = sit(evil)
    count = write(session)
    (server,) = sync(session).servers
    assert (server.held, server.error) == (count, None)
    assert "not a number" in str(server.feed.error)


def test_slow_and_dead_servers_delay_nobody(sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "STRAGGLER_SECONDS", 0.5)
    good, better, slow = evils(), evils(), evils()
    slow.delay = 30
    dead = EvilServer()
    dead.url = "http://127.0.0.1:9/"
    session = sit(good, slow, better, dead)
    count = write(session)
    began = time.monotonic()
    report = sync(session)
    assert time.monotonic() - began < 5
    assert held(report) == [count, 0, count, 0]
    assert (report.safe, report.copies) == (count, 2)
    told = {server.url: str(server.error) for server in report.servers}
    assert "was left behind" in told[slow.url]
    assert "cannot be reached" in told[dead.url]
    assert told[good.url] == told[better.url] == "None"


def test_a_crash_between_put_and_proof_pays_for_no_second_key(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = evils()
    session = sit(evil)
    write(session)

    def crash(*_: object, proved: bool) -> None:
        if proved:
            raise KeyboardInterrupt

    monkeypatch.setattr(Replicas, "set_proved", crash)
    with pytest.raises(KeyboardInterrupt):
        sync(session)
    monkeypatch.undo()
    keys = set(evil.stored)
    sync(sit(evil))
    assert set(evil.stored) == keys


def test_what_may_have_been_sent_is_not_withdrawn_and_not_lost(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the placements are noted and before anything is sent: nobody can tell it from one after."""
    evil = evils()
    session = sit(evil)
    count = write(session)
    assert withdraw.commit(session, withdraw.prepare(session, MINE[0].id)).signed == MINE[0]
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(upload, "_put", crash)
        with pytest.raises(KeyboardInterrupt):
            sync(session)
    assert not evil.stored
    again = sit(evil)
    for signed in MINE[1:]:
        with pytest.raises(OrderError, match="was sent to a server"):
            withdraw.commit(again, withdraw.prepare(again, signed.id))
    report = sync(again)
    assert (report.documents, held(report)) == (count - 1, [count - 1])
    with pytest.raises(NotFoundError):
        withdraw.commit(again, withdraw.prepare(again, MINE[0].id))


def test_what_is_withdrawn_during_a_sync_is_not_sent(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    count = write(session)
    withdrawn: list[str] = []

    def meanwhile(path: str, _asked: object, answer: Any) -> Any:
        if path == "v1/feed" and not withdrawn:
            withdrawn.append(withdraw.commit(sit(), withdraw.prepare(sit(), MINE[2].id)).signed.id)
        return answer

    evil.bend = meanwhile
    report = sync(session)
    assert withdrawn == [MINE[2].id]
    assert (report.documents, held(report)) == (count - 1, [count - 1])
    assert MINE[2].id not in {each["id"] for each in evil.feed}


def test_servers_are_reached_through_the_proxy(sit: Sit, evils: Evils) -> None:
    evil = evils()
    host, port = evil.url.removeprefix("http://").rstrip("/").split(":")
    evil.url = "http://abcdefgh.onion:2016/"
    session = sit(evil)
    with socks_server((host, int(port))) as proxy:
        session.proxy = proxy.url
        assert held(sync(session)) == [write(session, 0)]
        assert set(proxy.asked) == {("name", "abcdefgh.onion", 2016)}


def test_a_stale_nonce_is_replaced_once(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = sit(evil)
    write(session, 1)
    sync(session)
    refusals = ["nonce_expired"]

    def once(path: str, _asked: object, answer: Any) -> Any:
        if path == "v1/put" and refusals:
            return {"error": {"code": refusals.pop(), "message": "too old"}}
        return answer

    evil.bend = once
    session.store.documents.add_own(MINE[1])
    (server,) = sync(session).servers
    assert (server.uploaded, server.error) == (1, None)


def test_space_and_time_that_run_out_are_told(sit: Sit, evils: Evils) -> None:
    evil = evils()
    soon = int(time.time()) + 3 * 86_400 + 60
    left = {"buckets": [{"id": 1, "created": 1, "expires": soon, "bytes_free": 5_000, "transfer_free": 9}]}
    evil.bend = lambda path, _asked, answer: left if path == "v1/buckets" else answer
    warnings = warned(sync(sit(evil)).servers[0])
    assert "only 5,000 bytes of space" in warnings
    assert "only 9 bytes of transfer" in warnings
    assert "ends in 3 days" in warnings


def warned(server: ServerReport) -> str:
    return "\n".join(server.warnings)


def test_hosting_that_ended_is_told(sit: Sit, evils: Evils) -> None:
    evil = evils()
    evil.bend = lambda path, _asked, answer: {"buckets": []} if path == "v1/buckets" else answer
    assert "you have no hosting there any more" in warned(sync(sit(evil)).servers[0])


def test_nobody_to_sync_with(sit: Sit) -> None:
    with pytest.raises(InputError, match="no server is registered"):
        sync(sit())
