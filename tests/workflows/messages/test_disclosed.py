"""What a mediator reads and may conclude, where one of the two seals or discloses what he should not."""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path
from typing import Any, cast

import pytest

from rein.btc.networks import REGTEST
from rein.identity.keyring import Keyring
from rein.protocol import sealing
from rein.protocol.documents import Role, SealedDocument
from rein.protocol.signed import Signed, sign
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.workflows.messages.disclosed import _DIFFERENT, _EITHER, _FALSE_KEY, _NO_KEY, _ONE_WORD, _SENDER, _UNREADABLE
from rein.workflows.messages.read import Read, read_messages
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session
from tests.support.people import (
    Named,
    Person,
    bid,
    disclosure,
    enroll,
    person,
    sealed_message,
    story,
)
from tests.workflows.conftest import PersonsKeyring, no_chain

TOLD = story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
CREATOR, WORKER, MEDIATOR = (BOB, Role.CREATOR), (CHARLIE, Role.WORKER), (ALICE, Role.MEDIATOR)
LOSER = (MALLORY, Role.WORKER)
OTHER_KEY = bytes(range(32))


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """What somebody reads of these documents, as (text, problem, remark)."""

    homes = itertools.count()

    def read_as(who: Person, *said: Signed[Any]) -> list[tuple[str | None, str | None, str | None]]:
        found = reading(tmp_path / str(next(homes)), who, *said)
        return [(each.text, each.problem, each.remark) for each in found]

    return read_as


def reading(folder: Path, who: Person, *said: Signed[Any]) -> list[Read]:
    store = Store(folder / who.name / "rein.db")
    row = IdentityRow(0, "regtest", who.name, who.contact, who.master_address, who.delegate_address, "none")
    row = store.identities.add(row, next((e for e in TOLD.enrollments if e.document.user == who.name), enroll(who)))
    known = (*TOLD.enrollments, enroll(MALLORY), TOLD.job, bid(MALLORY, TOLD.job), *TOLD.documents, *said)
    store.documents.add_received([(each, "http://x/") for each in known])
    keys = cast(Keyring, PersonsKeyring(who))
    session = Session(folder, REGTEST, store, row, lambda _: keys, no_chain, lambda _: None)
    return list(read_messages(session, find_order(session, TOLD.job.id)).messages)


def sealed_under(key: bytes, sender: Named, receiver: Named, answers: Signed[Any], text: str) -> Signed[SealedDocument]:
    """As a hostile program would: with any key."""
    document = sealed_message(sender, receiver, answers, text).document
    sealed = sealing.seal(key, text, document.associated_data())
    return sign(dataclasses.replace(document, sealed=sealed), sender[0].delegate)


def test_both_wrote_under_the_disclosed_key(read: Any) -> None:
    asked = sealed_message(WORKER, CREATOR, TOLD.offer, "Blue?")
    said = sealed_message(CREATOR, WORKER, asked, "Green.")
    talk = (asked, said, disclosure(WORKER, CREATOR, ALICE, said))
    assert read(ALICE, *talk)[:2] == [("Blue?", None, None), ("Green.", None, None)]
    assert read(BOB, *talk)[:2] == [("Blue?", None, None), ("Green.", None, None)]


def test_one_word_alone_vouches_for_the_key(read: Any) -> None:
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "I pay nothing.")
    talk = (said, disclosure(CREATOR, WORKER, ALICE, said))
    assert read(ALICE, *talk)[0] == ("I pay nothing.", None, _ONE_WORD)
    found = read(ALICE, *talk, disclosure(WORKER, CREATOR, ALICE, talk[1]))
    assert [remark for _, _, remark in found] == [None, None, None]


def test_a_text_made_for_the_mediator_only(read: Any) -> None:
    """Sealed and disclosed under a key of one's own making. The other reads nothing, and says so."""
    said = sealed_under(OTHER_KEY, CREATOR, WORKER, TOLD.offer, "I told you so.")
    lie = disclosure(CREATOR, WORKER, ALICE, said, told=OTHER_KEY.hex())
    assert read(ALICE, said, lie)[0] == ("I told you so.", None, _ONE_WORD)
    assert read(CHARLIE, said, lie)[0][:2] == (None, "the text is sealed with another key: its sender cheats")


def test_it_is_found_out_when_the_other_wrote_or_discloses(read: Any) -> None:
    asked = sealed_message(WORKER, CREATOR, TOLD.offer, "When?")
    said = sealed_message(CREATOR, WORKER, asked, "Today.")
    made_up = sealed_under(OTHER_KEY, CREATOR, WORKER, said, "I told you so.")
    lie = disclosure(CREATOR, WORKER, ALICE, made_up, told=OTHER_KEY.hex())
    truth = disclosure(WORKER, CREATOR, ALICE, lie)
    found = read(ALICE, asked, said, made_up, lie, truth)
    assert found[:3] == [("When?", None, None), ("Today.", None, None), ("I told you so.", None, _UNREADABLE)]
    assert [remark for _, _, remark in found[3:]] == [_FALSE_KEY, None]


def test_two_keys_and_nothing_else(read: Any) -> None:
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "x")
    made_up = sealed_under(OTHER_KEY, CREATOR, WORKER, said, "y")
    lie = disclosure(WORKER, CREATOR, ALICE, made_up, told="ab" * 32)
    other = disclosure(CREATOR, WORKER, ALICE, lie, told=bytes(32).hex())
    found = read(ALICE, said, made_up, lie, other)
    for text, problem, _ in found[:2]:
        assert (text, problem) == (None, f"the text is sealed with another key; {_DIFFERENT}")
    assert [remark for _, _, remark in found[2:]] == [_DIFFERENT, _DIFFERENT]


def test_who_lies_of_one_key_alone_is_not_known(read: Any) -> None:
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "x")
    lie = disclosure(WORKER, CREATOR, ALICE, said, told=OTHER_KEY.hex())
    assert read(ALICE, said, lie)[0] == (None, f"the text is sealed with another key; {_EITHER}", None)


def test_a_text_that_opens_for_nobody(read: Any) -> None:
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "x")
    dark = sealed_under(OTHER_KEY, CREATOR, WORKER, said, "y")
    answer = sealed_message(WORKER, CREATOR, dark, "I cannot read that.")
    found = read(ALICE, said, dark, answer, disclosure(WORKER, CREATOR, ALICE, answer))
    assert found[1] == (None, f"the text is sealed with another key; {_SENDER}", None)


@pytest.mark.parametrize("told", ["no hex", "ab", "ab" * 33])
def test_a_disclosure_without_a_key(read: Any, told: str) -> None:
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "x")
    found = read(ALICE, said, disclosure(CREATOR, WORKER, ALICE, said, told=told))
    assert found[0] == (None, "it was not disclosed to you", None)
    assert found[1][2] == _NO_KEY


def test_who_lost_the_bidding_reads_his_own_and_nothing_later(read: Any) -> None:
    mine = sealed_message(LOSER, CREATOR, bid(MALLORY, TOLD.job), "Take me.")
    said = sealed_message(CREATOR, WORKER, TOLD.offer, "Well done.")
    shown = disclosure(WORKER, CREATOR, ALICE, said)
    found = read(MALLORY, mine, said, shown)
    assert sorted(str(text) for text, _, _ in found) == [
        "None",
        "Take me.",
        "disclosed the conversation with Bob to the mediator",
    ]
    assert [remark for _, _, remark in found] == [None, None, None]
    assert (None, "it was not disclosed to you", None) in read(ALICE, mine, said, shown)


def test_what_is_put_into_another_conversation_opens_nowhere(read: Any) -> None:
    """The sealed text of one, copied into a message of another's, in the same job."""
    said = sealed_message(WORKER, CREATOR, TOLD.offer, "I give up.")
    document = sealed_message(CREATOR, WORKER, said, "x").document
    copied = sign(dataclasses.replace(document, sealed=said.document.sealed), BOB.delegate)
    assert read(CHARLIE, said, copied)[1][:2] == (
        None,
        "the sealed text was changed, or belongs to another document: its sender cheats",
    )


def test_five_hundred_messages_are_read_quickly(tmp_path: Path) -> None:
    """CPU seconds: 500 signatures are verified and 500 texts opened."""
    talk: list[Signed[Any]] = []
    for number in range(500):
        sender, receiver = (CREATOR, WORKER) if number % 2 else (WORKER, CREATOR)
        talk.append(sealed_message(sender, receiver, talk[-1] if talk else TOLD.offer, f"Line {number}."))
    talk.append(disclosure(CREATOR, WORKER, ALICE, talk[-1]))
    found = reading(tmp_path / "first", ALICE, *talk)
    assert [each.text for each in found[:500]] == [f"Line {number}." for number in range(500)]
    assert {each.remark for each in found} == {None}
    began = time.process_time()
    reading(tmp_path / "second", ALICE, *talk)
    assert time.process_time() - began < 10
