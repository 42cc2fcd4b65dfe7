"""Handing an identity on: only the recovery key of its first enrollment can, and a thief of the master key cannot."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from rein.btc import message
from rein.errors import AuthorityError, FieldError
from rein.protocol.documents import Enrollment
from rein.protocol.documents.enrollment import succession_text
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import fold
from rein.protocol.signed import Signed, verify
from tests.support.people import Person, bid, enroll, job, offer, person

ALICE, BOB, CHARLIE, MALLORY = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory"))
NEW, SAFE = person("Bob's new words"), person("Bob's safe")
FIRST = enroll(BOB, mediator=True, recovery_address=SAFE.master_address)
TEXT = succession_text(BOB.network, BOB.master_address, NEW.master_address)


def heir(who: Person = NEW, by: Person = SAFE, text: str = TEXT, **changes: Any) -> Signed[Enrollment]:
    """An enrollment that replaces Bob's identity."""
    signature = message.sign(by.master, text)
    values = {"replaces": BOB.master_address, "recovery_signature": signature, "block_height": 150}
    return enroll(who, True, **(values | changes))


def test_it_is_written_and_read_again() -> None:
    signed = heir()
    assert f"\nReplaces identity: {BOB.master_address}\nRecovery signature: " in signed.text
    assert f"\nRecovery address: {SAFE.master_address}\n" in FIRST.text
    for each in (signed, FIRST):
        assert verify(each.armored).document == each.document
    assert f"Rein: {NEW.master_address} replaces {BOB.master_address} on regtest" == TEXT


def test_the_recovery_key_hands_on() -> None:
    for known in permutations([FIRST, heir(), enroll(BOB, previous=FIRST.id)]):
        enrollments = Enrollments(known)
        assert enrollments.successor(BOB.network, BOB.master_address) == NEW.master_address
        assert [each.document.master_address for each in enrollments] == [NEW.master_address]


@pytest.mark.parametrize(
    "claim",
    [
        heir(by=BOB),
        heir(by=MALLORY),
        heir(MALLORY),
        heir(text=succession_text(BOB.network, BOB.master_address, MALLORY.master_address)),
        heir(text=TEXT.replace("regtest", "mainnet")),
        heir(recovery_signature="A" * 88),
    ],
    ids=["master", "stranger", "signature for another", "another heir", "another network", "nonsense"],
)
def test_nobody_else_does(claim: Signed[Enrollment]) -> None:
    enrollments = Enrollments([FIRST, claim])
    assert enrollments.successor(BOB.network, BOB.master_address) is None
    assert BOB.master_address in {each.document.master_address for each in enrollments}


def test_a_thief_of_the_master_key_cannot_name_himself() -> None:
    """He writes a first enrollment of his own, dated as far back as he likes. Then nobody hands on."""
    his = enroll(BOB, recovery_address=MALLORY.master_address, block_height=0)
    stolen = heir(MALLORY, MALLORY, succession_text(BOB.network, BOB.master_address, MALLORY.master_address))
    for known in permutations([FIRST, his, stolen, heir()]):
        assert Enrollments(known).successor(BOB.network, BOB.master_address) is None


def test_two_heirs_are_none_and_the_identity_ends_all_the_same() -> None:
    other = heir(CHARLIE, text=succession_text(BOB.network, BOB.master_address, CHARLIE.master_address))
    enrollments = Enrollments([FIRST, heir(), other])
    assert enrollments.successor(BOB.network, BOB.master_address) is None
    assert BOB.master_address not in {each.document.master_address for each in enrollments}


def test_what_the_old_delegates_sign_from_then_on_counts_only_where_others_rely_on_it() -> None:
    mediator = enroll(ALICE, mediator=True)
    enrollments = Enrollments([FIRST, heir(), mediator, enroll(CHARLIE)])
    early, late = job(BOB, ALICE, block_height=149), job(BOB, ALICE, block_height=150)
    enrollments.check_author(early.document)
    with pytest.raises(AuthorityError, match="was revoked"):
        enrollments.check_author(late.document)
    placed = bid(CHARLIE, early)
    given = offer(BOB, placed, early, block_height=151)
    assert fold(early, [placed, given], enrollments).offer == given, "it is signed by the escrow key"
    with pytest.raises(AuthorityError, match="was revoked"):
        fold(late, [], enrollments)
    assert fold(late, [bid(CHARLIE, late)], enrollments).bids, "somebody has answered it"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recovery_address": SAFE.master_address, "previous": FIRST.id}, "first enrollment only"),
        ({"recovery_address": BOB.master_address}, "there for their loss"),
        ({"recovery_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}, "Recovery address"),
        ({"replaces": NEW.master_address}, "stand together"),
        ({"recovery_signature": "A" * 88}, "stand together"),
        ({"replaces": BOB.master_address, "recovery_signature": "A" * 88}, "replace itself"),
    ],
)
def test_what_cannot_stand(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(FieldError, match=reason):
        enroll(BOB, **changes)
