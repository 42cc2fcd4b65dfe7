"""A peer that lies: whatever it answers, nothing false is kept, little time is lost, and /status says what it did."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from causeway.outbound import Peer
from causeway.replication import feed, progress, puller
from rein.btc.networks import MAINNET
from rein.net.http import Limits
from tests.causeway.replication.conftest import LIMITS, Node
from tests.remote.conftest import Answer, Request, http, says, sends
from tests.remote.conftest import Server as Scripted
from tests.support.people import Story, bid, enroll, forged, person, rewritten, story
from tests.support.tls import self_signed

STORY = story()
MALLORY = person("Mallory")
NAME = "ab" * 16
MAX_SEQ = 2**63 - 1
Nodes = tuple[Node, Node, Node]
Start = Callable[..., Scripted]


def offered(seq: int, text: str, document_id: str) -> dict[str, Any]:
    return {"seq": seq, "id": document_id, "kind": "job", "armored": text}


def page(*documents: dict[str, Any], **changes: Any) -> dict[str, Any]:
    last = documents[-1]["seq"] if documents else 0
    return {"server": NAME, "documents": list(documents), "removed": [], "next": last, "settled": last, **changes}


JOB = offered(7, STORY.job.armored, STORY.job.id)


def as_feed(documents: list[dict[str, Any]], name: str = NAME) -> Answer:
    """An honest way of answering, whatever the documents are."""

    def answer(request: Request, client: socket.socket) -> bool:
        after, limit = int(request.query["after"]), int(request.query["limit"])
        behind = [each for each in documents if each["seq"] > after]
        last = documents[-1]["seq"] if documents else 0
        end = behind[limit - 1]["seq"] if len(behind) > limit else max(last, after)
        body = page(*behind[:limit], next=end, settled=last, server=name)
        client.sendall(http(json.dumps(body).encode()))
        return True

    return answer


def pulled(node: Node, peer: Scripted) -> dict[str, Any]:
    """What /status says of a peer after one round."""
    before, node.peers = node.peers, (peer.url.rstrip("/"),)
    node.forget_waiting()
    node.pull(fresh=node.peers != before)
    (status,) = node.status()
    return status


# ----- documents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        (STORY.job.armored.replace("Widget", "Wodget"), STORY.job.id),
        (STORY.job.armored[:-10], STORY.job.id),
        (STORY.job.armored, STORY.bid.id),
        (STORY.job.armored, "0" * 64),
        (forged(STORY.bid.document, MALLORY.master), STORY.bid.id),
        (rewritten(STORY.job, STORY.creator.delegate, lambda text: text.replace("Widget", "Wodget")), STORY.job.id),
        (story(MAINNET).job.armored, story(MAINNET).job.id),
        ("", "0" * 64),
        ("opaque", "0" * 64),
        ("-----BEGIN BITCOIN SIGNED MESSAGE-----", "0" * 64),
        (STORY.job.armored + "x" * 70_000, STORY.job.id),
        ("\x00", "0" * 64),
        ("\ud800", "0" * 64),
        (STORY.job.armored.replace("Widget", "W\x00dget"), STORY.job.id),
    ],
    ids=lambda value: None if len(value) == 64 else "text",
)
def test_what_does_not_verify_is_refused_and_the_rest_is_taken(
    nodes: Nodes, scripted: Start, text: str, document_id: str
) -> None:
    a, _, _ = nodes
    good = offered(9, STORY.offer.armored, STORY.offer.id)
    status = pulled(a, scripted(as_feed([offered(7, text, document_id), good])))
    assert (status["state"], status["taken"], status["refused"], status["behind"]) == ("ok", 1, 1, 0)
    assert a.feed() == [STORY.offer.id]


def test_only_our_own_reading_of_a_document_is_kept(nodes: Nodes, scripted: Start) -> None:
    a, b, _ = nodes
    b.put(STORY.creator, STORY.job)
    lies = {**JOB, "kind": "accept", "network": "mainnet", "author": "1Mallory", "seq": 3, "owner": "x"}
    assert pulled(a, scripted(as_feed([lies])))["taken"] == 1
    columns = "id, kind, network, author, signer, title, job_id, order_id, tags, size, armored, words"
    sql = f"SELECT {columns} FROM document"
    assert a.server.rows(sql) == b.server.rows(sql)


def test_the_text_of_a_document_that_is_known_is_not_replaced(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    a.put(MALLORY, STORY.job)
    assert pulled(a, scripted(as_feed([offered(7, "lies", STORY.job.id)])))["refused"] == 0
    assert a.server.value("SELECT armored FROM document") == STORY.job.armored


def test_a_document_that_stands_twice_is_kept_once(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    again = [{**JOB, "seq": seq} for seq in range(1, 60)]
    assert pulled(a, scripted(as_feed(again)))["taken"] == 1
    assert a.feed() == [STORY.job.id]


def test_who_sends_what_does_not_verify_is_left_alone_for_longer_each_time(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    garbage = [offered(seq, f"garbage {seq}", f"{seq:064x}") for seq in range(1, 400)]
    peer = scripted(as_feed(garbage))
    status = pulled(a, peer)
    assert (status["state"], status["refused"], status["failures"]) == ("failing", 20, 1)
    assert "verify" in status["why"]
    asked = len(peer.requests)
    assert a.pull() == 0
    assert len(peer.requests) == asked
    # It is read on all the same: behind the garbage there may be something.
    assert pulled(a, peer)["refused"] == 40
    assert a.status()[0]["failures"] == 2


def test_an_enrollment_that_was_replaced_gives_no_power_back(nodes: Nodes, scripted: Start) -> None:
    """A peer shows an old enrollment of Bob's, and keeps the newer one to itself, which is stored here."""
    a, _, _ = nodes
    bob = person("Bob")
    old = enroll(bob, delegate_address=MALLORY.delegate_address)
    a.put(bob, enroll(bob, previous=old.id))
    assert pulled(a, scripted(as_feed([offered(1, old.armored, old.id)])))["taken"] == 1
    a.v1.nonces.clear()
    assert a.v1.put(bob, {"key": "stolen"}, by=MALLORY.delegate).code == "not_delegate"


# ----- feeds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        None,
        "text",
        page(server=None),
        page(server="x" * 32),
        page(server="ab" * 5_000),
        page(JOB, documents={}),
        page(JOB, documents=None),
        page(JOB, documents=[None]),
        page(JOB, documents=[[]]),
        page(JOB, documents=["text"]),
        page({**JOB, "seq": "7"}, next=7, settled=7),
        page({**JOB, "seq": True}, next=7, settled=7),
        page({**JOB, "seq": 7.0}, next=7, settled=7),
        page({**JOB, "seq": None}, next=7, settled=7),
        page({**JOB, "seq": 0}, next=7, settled=7),
        page({**JOB, "seq": -1}, next=7, settled=7),
        page({**JOB, "seq": MAX_SEQ + 1}, next=MAX_SEQ, settled=MAX_SEQ),
        page({**JOB, "id": 7}, next=7, settled=7),
        page({**JOB, "id": "../../etc"}, next=7, settled=7),
        page({**JOB, "armored": ["text"]}, next=7, settled=7),
        page({**JOB, "seq": 8}, JOB, next=8, settled=8),
        page(JOB, JOB),
        page(*({**JOB, "seq": seq} for seq in range(1, 22))),
        page(JOB, next=6),
        page(JOB, next=-1),
        page(JOB, next="7"),
        page(JOB, next=True),
        page(JOB, next=8),
        page(JOB, next=MAX_SEQ),
        page(JOB, next=10**30, settled=10**30),
        page(JOB, settled=6),
        page(JOB, settled=None),
        page(settled=5),
    ],
)
def test_what_is_no_feed_is_named_and_waited_for(nodes: Nodes, scripted: Start, answer: object) -> None:
    a, _, _ = nodes
    status = pulled(a, scripted(says(answer)))
    assert (status["state"], status["failures"], status["cursor"], status["taken"]) == ("failing", 1, 0, 0)
    assert status["why"]
    assert a.feed() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        http(b"nonsense"),
        http(b"\xff\xfe"),
        http(b"[" * 100_000),
        http(b'{"server":' + b"9" * 5_000 + b"}"),
        http(json.dumps(page(JOB)).encode(), "500 Oh No"),
        http(json.dumps(page(JOB)).encode(), "404 Not Found"),
        http(json.dumps(page(JOB)).encode(), "304 Not Modified"),
        http(json.dumps(page(JOB)).encode()[:-20]),
        http(json.dumps(page(JOB)).encode())[:-20],
        http(gzip.compress(json.dumps(page(JOB)).encode()), "200 OK", "Content-Encoding: gzip"),
        http(gzip.compress(b" " * 200_000_000), "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffffffffff\r\n" + b"x" * 1_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000,
    ],
    ids=range(15),
)
def test_what_is_no_answer_is_named_and_waited_for(nodes: Nodes, scripted: Start, raw: bytes) -> None:
    a, _, _ = nodes
    began = time.monotonic()
    status = pulled(a, scripted(sends(raw)))
    assert (status["state"], status["cursor"]) == ("failing", 0)
    assert time.monotonic() - began < 10
    assert a.feed() == []


def test_redirects_are_not_followed(nodes: Nodes, scripted: Start) -> None:
    a, b, _ = nodes
    b.put(STORY.creator, STORY.job)
    inside = scripted(as_feed([JOB]))
    for status in ("301 Moved", "302 Found", "307 Temporary", "308 Permanent"):
        peer = scripted(sends(http(b"{}", status, f"Location: {inside.url}v1/feed")))
        assert "HTTP 30" in pulled(a, peer)["why"]
    assert inside.requests == []
    assert a.feed() == []


def test_a_certificate_that_nobody_vouches_for_is_refused(nodes: Nodes, scripted: Start, tmp_path: Path) -> None:
    a, _, _ = nodes
    peer = scripted(as_feed([JOB]), self_signed(tmp_path))
    assert "a certificate that nobody vouches for" in pulled(a, peer)["why"]
    assert (peer.requests, a.feed()) == ([], [])


def test_the_environment_leads_nowhere_else(
    nodes: Nodes, scripted: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a, _, _ = nodes
    elsewhere, peer = scripted(as_feed([])), scripted(as_feed([JOB]))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert pulled(a, peer)["taken"] == 1
    assert elsewhere.requests == []
    assert "authorization" not in peer.requests[0].headers


def test_an_onion_service_is_reached_through_its_proxy_or_not_at_all() -> None:
    peer = Peer("http://" + "a" * 56 + ".onion", "socks5h://127.0.0.1:1")
    reader = feed.HttpFeed(peer)
    with pytest.raises(feed.PeerError, match="cannot be reached"):
        reader.page(0)
    reader.close()


def test_a_body_without_end_is_dropped(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    sent = 0

    def answer(_: Request, client: socket.socket) -> None:
        nonlocal sent
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 10 * feed.MAX_PAGE_BYTES:
            client.sendall(b" " * 65_536)
            sent += 65_536

    assert "more than" in pulled(a, scripted(answer))["why"]
    assert sent < 3 * feed.MAX_PAGE_BYTES


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"]
)
def test_an_answer_that_trickles_ends(scripted: Start, beginning: bytes) -> None:
    def answer(_: Request, client: socket.socket) -> None:
        client.sendall(beginning)
        while True:
            client.sendall(b"x")
            time.sleep(0.02)

    hurried = Limits(connect_seconds=1, read_seconds=0.4, total_seconds=0.6, answer_bytes=10_000)
    peer = feed.HttpFeed(Peer(scripted(answer).url.rstrip("/")), hurried)
    began = time.monotonic()
    with pytest.raises(feed.PeerError):
        peer.page(0)
    peer.close()
    assert time.monotonic() - began < 5


def test_the_largest_honest_page_fits() -> None:
    """Twenty documents as large as may be, of letters that JSON needs six for."""
    text = "\x01" * 65_536
    answer = page(*(offered(seq, text, "0" * 64) for seq in range(1, feed.PAGE_ROWS + 1)))
    answer["removed"] = [{"seq": seq, "id": "0" * 64} for seq in range(feed.PAGE_ROWS)]
    assert len(json.dumps(answer).encode()) < feed.MAX_PAGE_BYTES


def test_empty_pages_without_end_cost_what_documents_cost(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes

    def answer(request: Request, client: socket.socket) -> bool:
        after = int(request.query["after"])
        client.sendall(http(json.dumps(page(next=after + 1, settled=MAX_SEQ)).encode()))
        return True

    peer = scripted(answer)
    a.limits = replace(LIMITS, documents=30)
    status = pulled(a, peer)
    # One or two come back while it asks.
    assert 30 <= len(peer.requests) == status["cursor"] < 35
    assert status["state"] == "behind"


def test_a_round_has_an_end_however_much_there_is(
    nodes: Nodes, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, _, _ = nodes
    monkeypatch.setattr(puller, "TURN_S", 0)
    peer = scripted(as_feed([{**JOB, "seq": seq} for seq in range(1, 400)]))
    assert pulled(a, peer)["state"] == "behind"
    assert len(peer.requests) == 1


def test_a_cursor_sent_to_the_end_of_all_numbers_heals(nodes: Nodes, scripted: Start) -> None:
    """The peer, or who speaks for it, says that everything was read; later it is itself again."""
    a, _, _ = nodes
    peer = scripted(says(page(next=MAX_SEQ, settled=MAX_SEQ)))
    assert pulled(a, peer)["cursor"] == MAX_SEQ
    peer.answer = as_feed([JOB])
    first = pulled(a, peer)
    assert (first["state"], first["taken"], first["resets"]) == ("behind", 0, 0)
    assert "backup" in first["why"]
    second = pulled(a, peer)
    assert (second["state"], second["taken"], second["resets"], second["cursor"]) == ("ok", 1, 1, 7)


def test_a_feed_that_was_restored_from_a_backup_is_read_again(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    many = [offered(seq, STORY.job.armored, STORY.job.id) for seq in range(1, 50)]
    peer = scripted(as_feed(many))
    assert pulled(a, peer)["cursor"] == 49
    peer.answer = as_feed([JOB, offered(8, STORY.bid.armored, STORY.bid.id)])
    pulled(a, peer)
    assert pulled(a, peer)["taken"] == 2
    # A step back for a moment only, as it happens where a server writes, changes nothing.
    peer.answer = as_feed([JOB])
    assert pulled(a, peer)["state"] == "behind"
    peer.answer = as_feed([JOB, offered(8, STORY.bid.armored, STORY.bid.id)])
    status = pulled(a, peer)
    assert (status["state"], status["resets"]) == ("ok", 1)


def test_a_peer_with_another_database_is_read_from_its_start(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    peer = scripted(as_feed([JOB]))
    assert pulled(a, peer)["cursor"] == 7
    peer.answer = as_feed([offered(3, STORY.bid.armored, STORY.bid.id), {**JOB, "seq": 20}], name="cd" * 16)
    status = pulled(a, peer)
    assert (status["taken"], status["cursor"], status["resets"]) == (2, 20, 1)


def test_a_feed_with_a_new_name_each_time_is_given_up(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    names = iter(f"{number:032x}" for number in range(100))

    def answer(request: Request, client: socket.socket) -> bool | None:
        return as_feed([JOB], name=next(names))(request, client)

    peer = scripted(answer)
    pulled(a, peer)
    status = pulled(a, peer)
    assert (status["state"], status["failures"]) == ("failing", 1)
    assert len(peer.requests) <= 4


def test_a_server_does_not_pull_from_itself(nodes: Nodes, deal: Story) -> None:
    a, _, _ = nodes
    a.put(deal.creator, deal.job)
    a.peers = (a.url,)
    assert a.pull() == 0
    (status,) = a.status()
    assert (status["state"], status["cursor"]) == ("paused", 0)
    assert "itself" in status["why"]
    assert a.server.rows("SELECT * FROM replica") == []


def test_what_is_read_again_because_there_was_no_room_is_counted_once(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    bad = [offered(seq, "bad", f"{seq:064x}") for seq in (1, 9, 10)]
    peer = scripted(as_feed([bad[0], JOB, *bad[1:]]))
    a.limits = replace(LIMITS, kept_bytes=100)
    for _ in range(3):
        status = pulled(a, peer)
        assert (status["state"], status["refused"], status["cursor"]) == ("paused", 1, 6)


# ----- patience ------------------------------------------------------------------------------------------------------


def test_a_peer_that_fails_is_asked_less_and_less(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    peer = scripted(sends(b""))
    waits = []
    for number in range(1, 12):
        assert pulled(a, peer)["failures"] == number
        waits.append(round(float(str(a.server.value("SELECT extract(epoch FROM next_try - now()) FROM peer")))))
        asked = peer.connections
        a.pull()
        assert peer.connections == asked
    wanted = [min(progress.FIRST_WAIT_S * 2**n, progress.MAX_WAIT_S) for n in range(11)]
    assert all(abs(wait - want) <= 5 for wait, want in zip(waits, wanted, strict=True))
    peer.answer = as_feed([JOB])
    assert (pulled(a, peer)["failures"], a.feed()) == (0, [STORY.job.id])


def test_a_peer_may_ask_for_patience_but_not_for_ever(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    for said, least, most in (("120", 110, 121), ("99999", 3_500, 3_601), ("soon", 20, 31)):
        a.server.rows("DELETE FROM peer")
        pulled(a, scripted(sends(http(b"{}", "429 Too Many Requests", f"Retry-After: {said}"))))
        wait = float(str(a.server.value("SELECT extract(epoch FROM next_try - now()) FROM peer")))
        assert least <= wait <= most


def test_one_bad_peer_does_not_keep_us_from_the_others(
    nodes: Nodes, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = nodes
    b.put(STORY.creator, STORY.job)
    bad = scripted(sends(b"HTTP/1.1 200 OK\r\n\r\nno")).url.rstrip("/")
    a.peers = (bad, "http://127.0.0.1:1", b.url)
    assert a.pull() == 1
    assert [each["state"] for each in a.status()] == ["failing", "failing", "ok"]
    # Not even where the fault is ours.
    good = feed.HttpFeed.page

    def page(self: feed.HttpFeed, after: int) -> feed.FeedPage:
        if bad in self._url:
            raise ZeroDivisionError
        return good(self, after)

    monkeypatch.setattr(feed.HttpFeed, "page", page)
    b.put(STORY.creator, STORY.bid)
    a.forget_waiting()
    assert a.pull() == 1
    assert "fault" in a.status()[0]["why"]


def test_a_flood_of_bids_is_read_in_bounded_pages(nodes: Nodes, scripted: Start) -> None:
    a, _, _ = nodes
    bids = [bid(MALLORY, STORY.job, description=f"bid {n}") for n in range(50)]
    peer = scripted(as_feed([offered(n + 1, each.armored, each.id) for n, each in enumerate(bids)]))
    assert pulled(a, peer)["taken"] == 50
    assert [each.query["limit"] for each in peer.requests] == [str(feed.PAGE_ROWS)] * 3
    assert all(each.headers["accept-encoding"] == "identity" for each in peer.requests)
    assert "cookie" not in peer.requests[-1].headers
