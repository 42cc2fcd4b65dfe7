"""What others wrote in my orders is kept on my servers too: all that I rely on, and no more than there is room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.errors import NotFoundError, PassphraseError
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.escrows import EscrowOutput
from rein.workflows.evidence import document_import
from rein.workflows.hosting import warnings
from rein.workflows.jobs import withdraw
from rein.workflows.session import Session
from rein.workflows.sync import check, others
from rein.workflows.sync.others import documents_of_others
from rein.workflows.sync.sync import sync
from tests.support.evil_server import EvilServer
from tests.support.people import bid, disputed_story, enroll, person, settlement, story
from tests.workflows.conftest import Sit

Evils = Callable[[], EvilServer]
TOLD, QUARREL = story(), disputed_story()
ENROLLED = {name: enroll(person(name), name == "Alice") for name in ("Alice", "Bob", "Charlie")}
JOB = (TOLD.job, *QUARREL.documents)


def at(sit: Sit, who: str, *servers: EvilServer, told: tuple[Signed[Any], ...] = JOB) -> Session:
    """The session of one of the three, who has written what they wrote and received the rest."""
    session = sit(*servers, who=who, home=who)
    me = person(who).master_address
    for each in told:
        if each.document.author.master_address == me:
            session.store.documents.add_own(each)
    theirs = [each for each in told if each.document.author.master_address != me]
    session.store.documents.add_received([(each, "http://x/") for each in (*theirs, *ENROLLED.values())])
    return session


def ids(*documents: Signed[Any]) -> set[DocumentId]:
    return {each.id for each in documents}


def not_by(who: str, *documents: Signed[Any]) -> set[DocumentId]:
    return {each.id for each in documents if each.document.author.master_address != person(who).master_address}


@pytest.mark.parametrize("who", ["Alice", "Bob", "Charlie"])
def test_each_of_the_three_keeps_all_that_the_others_said(sit: Sit, who: str) -> None:
    mine = ids(ENROLLED[who]) if who == "Alice" else set()  # of another home: here she does not mediate
    assert set(documents_of_others(at(sit, who))) == not_by(who, *JOB, *ENROLLED.values()) | mine


def test_a_mediator_keeps_a_job_once_there_is_money_in_it(sit: Sit) -> None:
    """Anybody can name anybody in any number of jobs, and bid on them, and give them away."""
    session = at(sit, "Alice", told=(TOLD.job, TOLD.bid, TOLD.offer))
    assert documents_of_others(session) == []
    paid_in = EscrowOutput(TOLD.offer.id, "primary", OutPoint("ab" * 32, 0), Sat(1_000), 5, 1)
    session.store.escrows.observe(TOLD.offer.id, [paid_in], [])
    assert ids(TOLD.job, TOLD.bid, TOLD.offer) < set(documents_of_others(session))


def test_bids_that_got_nothing_are_left_to_who_made_them(sit: Sit) -> None:
    lost = bid(person("Dora"), TOLD.job)
    session = at(sit, "Bob", told=(TOLD.job, TOLD.bid, lost, TOLD.offer))
    session.store.documents.add_received([(enroll(person("Dora")), "http://x/")])
    assert set(documents_of_others(session)) == ids(ENROLLED["Alice"], ENROLLED["Charlie"], TOLD.bid)
    session = at(sit, "Charlie", told=(TOLD.job, TOLD.bid, lost))
    assert set(documents_of_others(session)) == ids(ENROLLED["Alice"], ENROLLED["Bob"], TOLD.job), (
        "a bidder keeps the job"
    )


def test_what_is_sealed_is_given_to_no_server(sit: Sit) -> None:
    session = at(sit, "Bob", told=(TOLD.job, TOLD.offer))
    session.store.documents.add_unsealed([TOLD.bid], session.address)
    assert TOLD.bid.id not in documents_of_others(session)


def test_what_another_identity_of_the_home_has_not_published_is_not_published(sit: Sit) -> None:
    session = at(sit, "Bob", told=(TOLD.job, TOLD.bid, TOLD.offer))
    session.store.documents.add_own(TOLD.delivery)  # by Charlie, in the same home
    assert TOLD.delivery.id not in documents_of_others(session)


def test_one_author_makes_nobody_keep_more_than_so_much(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is needed comes first, however much else that author writes."""
    monkeypatch.setattr(others, "MOST_OF_AUTHOR", 6)
    bob = person("Bob")
    flood = [settlement(bob, TOLD.offer, terms=f"{number}", block_height=900_100 + number) for number in range(20)]
    enrollments = [enroll(bob, contact=f"{number}") for number in range(20)]
    told = (TOLD.job, *flood, *QUARREL.documents)
    session = at(sit, "Charlie", told=told)
    session.store.documents.add_received([(each, "http://x/") for each in enrollments])
    kept = set(documents_of_others(session))
    by_bob = kept - not_by("Bob", *told, *ENROLLED.values(), *enrollments)
    assert len(by_bob) == 6
    assert ids(TOLD.job, TOLD.offer, QUARREL.dispute) < by_bob
    assert by_bob & ids(*enrollments, ENROLLED["Bob"])


def test_what_is_relied_on_in_any_job_comes_before_the_rest(sit: Sit) -> None:
    """Who writes much in a new job pushes nothing out of an old one."""
    session = at(sit, "Charlie")
    newer = story(job_id="another0000000000000")
    flood = [settlement(person("Bob"), newer.offer, terms=f"{number}") for number in range(5)]
    session.store.documents.add_own(newer.bid)
    session.store.documents.add_received([(each, "http://x/") for each in (newer.job, newer.offer, *flood)])
    kept = documents_of_others(session)
    last = max(kept.index(each.id) for each in (TOLD.job, TOLD.offer, newer.offer, QUARREL.dispute, QUARREL.resolution))
    assert last < min(kept.index(each.id) for each in flood)


def test_what_i_wrote_in_another_home_is_kept_too(sit: Sit) -> None:
    session = at(sit, "Charlie", told=(TOLD.job, TOLD.bid, TOLD.offer))
    session.store.documents.add_received([(TOLD.delivery, "a file")])
    assert TOLD.delivery.id in documents_of_others(session)


def test_it_is_put_once_read_back_and_put_again_where_it_is_lost(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = at(sit, "Bob", evil)
    report = sync(session)
    (server,) = report.servers
    others = not_by("Bob", *JOB, *ENROLLED.values())
    assert (report.others, server.kept, server.left_out) == (len(others), len(others), 0)
    assert others < {each["id"] for each in evil.feed}
    evil.asked.clear()
    (server,) = sync(session).servers
    assert (server.uploaded, server.kept, evil.asked.count("v1/put")) == (0, len(others), 0)
    evil.feed = [each for each in evil.feed if each["id"] != TOLD.delivery.id]
    (server,) = sync(session).servers
    assert (server.uploaded, server.lost) == (1, 0), "it was not mine that was lost"
    evil.forget()
    (server,) = sync(session).servers
    assert (server.held, server.kept) == (report.documents, len(others))


def test_what_i_write_has_room_before_what_others_wrote(
    sit: Sit, evils: Evils, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = evils()
    room = warnings.LITTLE_SPACE + 8_000

    def little(path: str, _asked: dict[str, str], answer: Any) -> Any:
        if path == "v1/buckets":
            used = sum(len(each) + 32 for each in evil.stored.values())
            answer["buckets"][0]["bytes_free"] = max(0, room - used)
        return answer

    evil.bend = little
    monkeypatch.setattr(check, "HOSTING_SECONDS", 0)
    session = at(sit, "Bob", evil)
    report = sync(session)
    (server,) = report.servers
    assert server.held == report.documents
    assert 0 < server.left_out < report.others
    assert server.error is None
    assert any(f"no room for {server.left_out} documents of others" in each for each in server.warnings)
    again = at(sit, "Bob", evil)
    evil.asked.clear()
    assert sync(again).servers[0].left_out == server.left_out
    assert "v1/put" not in evil.asked, "no server is asked again and again for room that it does not have"
    assert "keyring" not in vars(again)
    room += 100_000
    (server,) = sync(again).servers
    assert (server.left_out, server.warnings) == (0, [])


def test_who_only_fetches_need_not_open_the_keys(sit: Sit, evils: Evils) -> None:
    evil = evils()
    session = at(sit, "Bob", evil, told=(TOLD.job, TOLD.bid, TOLD.offer))
    sync(session)
    evil.show(TOLD.delivery.armored)

    def locked(_: object) -> Any:
        raise PassphraseError("nobody is there to type it")

    again = at(sit, "Bob", evil, told=(TOLD.job, TOLD.bid, TOLD.offer))
    notes: list[str] = []
    again.open_keyring, again.note = locked, notes.append
    assert sync(again).new == 1
    assert notes == ["What others wrote in your jobs was not put on your servers: nobody is there to type it"]


def test_nobody_withdraws_what_another_wrote(sit: Sit) -> None:
    session = at(sit, "Bob")
    with pytest.raises(NotFoundError):
        withdraw.commit(session, withdraw.prepare(session, TOLD.delivery.id))


def test_documents_that_were_handed_over_are_kept_as_those_of_a_server(sit: Sit) -> None:
    session = at(sit, "Charlie", told=(TOLD.job, TOLD.bid))
    content = f"{TOLD.offer.armored}\n{TOLD.offer.armored}"
    handed = document_import.commit(
        session, document_import.prepare(session, [("mail", content.encode()), ("job", TOLD.job.armored.encode())])
    )
    assert ids(*handed.new) == {TOLD.offer.id}
    assert ids(*handed.known) == {TOLD.job.id}
    assert TOLD.offer.id in documents_of_others(session)
