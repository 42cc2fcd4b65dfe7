"""Who may sign for whom, whatever order enrollments were met in."""

from __future__ import annotations

import dataclasses
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.networks import MAINNET, REGTEST, SIGNET, TESTNET4, Network
from rein.errors import AuthorityError
from rein.protocol.documents import Enrollment
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed, verify
from rein.protocol.sin import secure_identity_number
from tests.support.people import accept, bid, delivery, enroll, forged, job, offer, person, respelled, with_changes

ALICE, BOB, CHARLIE, MALLORY = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory"))

FIRST = enroll(BOB, block_height=10)
SECOND = enroll(BOB, block_height=20, previous=FIRST.id, contact="bob@new.example.com")
THIRD = enroll(BOB, block_height=30, previous=SECOND.id, delegate_address=CHARLIE.delegate_address)


def test_the_enrollment_that_nothing_replaces_is_current() -> None:
    for known in permutations([FIRST, SECOND, THIRD, enroll(ALICE, mediator=True)]):
        enrollments = Enrollments(known)
        assert enrollments.current(REGTEST, BOB.master_address) == THIRD
        assert list(enrollments) == sorted(
            [THIRD, enroll(ALICE, mediator=True)], key=lambda e: e.document.master_address
        )


def test_a_replacement_counts_even_when_it_was_signed_at_a_lower_height() -> None:
    replacement = enroll(BOB, block_height=1, previous=FIRST.id)
    assert Enrollments([FIRST, replacement]).current(REGTEST, BOB.master_address) == replacement


def test_of_two_that_replace_nothing_the_later_is_current() -> None:
    other = enroll(BOB, block_height=11)
    assert Enrollments([FIRST, other]).current(REGTEST, BOB.master_address) == other
    assert Enrollments([other, FIRST]).current(REGTEST, BOB.master_address) == other


def test_at_one_height_the_choice_does_not_depend_on_the_order() -> None:
    twins = [enroll(BOB, block_height=10, contact=f"{number}@example.com") for number in range(4)]
    chosen = {Enrollments(known).current(REGTEST, BOB.master_address) for known in permutations(twins)}
    assert chosen == {max(twins, key=lambda signed: signed.id)}


def test_a_middle_one_that_was_never_seen_leaves_no_gap() -> None:
    assert Enrollments([THIRD, FIRST]).current(REGTEST, BOB.master_address) == THIRD


def test_nobody_replaces_somebody_elses_enrollment() -> None:
    hostile = enroll(MALLORY, previous=FIRST.id, user="Bob", contact=BOB.contact)
    enrollments = Enrollments([hostile, FIRST])
    assert enrollments.current(REGTEST, BOB.master_address) == FIRST
    assert enrollments.current(REGTEST, MALLORY.master_address) == hostile


def test_an_enrollment_in_somebody_elses_name_does_not_verify() -> None:
    hostile = dataclasses.replace(FIRST.document, delegate_address=MALLORY.delegate_address, previous=FIRST.id)
    for key in (MALLORY.master, MALLORY.delegate, BOB.delegate):
        with pytest.raises(
            AuthorityError, match=rf"^it is signed by \w+, but its author would sign as {BOB.master_address}$"
        ):
            verify(forged(hostile, key))


def test_one_that_is_met_twice_counts_once() -> None:
    again = verify(respelled(FIRST.armored))
    assert list(Enrollments([FIRST, again, FIRST])) == [FIRST]
    assert Enrollments([FIRST, again]).by_id(FIRST.id) == FIRST


def test_a_superseded_one_is_still_found_by_its_id() -> None:
    enrollments = Enrollments([SECOND, FIRST])
    assert enrollments.by_id(FIRST.id) == FIRST
    assert enrollments.by_id(SECOND.id) == SECOND
    assert enrollments.by_id(THIRD.id) is None


def test_nobody_is_known_at_first() -> None:
    assert list(Enrollments()) == []
    assert Enrollments().current(REGTEST, BOB.master_address) is None
    with pytest.raises(AuthorityError, match=f"the enrollment of {BOB.master_address} is not known here"):
        Enrollments().check_author(job(BOB, ALICE).document)


@pytest.mark.parametrize("other", [MAINNET, TESTNET4, SIGNET])
def test_an_enrollment_counts_on_its_own_network_only(other: Network) -> None:
    elsewhere = enroll(person("Bob", other))
    enrollments = Enrollments([elsewhere])
    assert enrollments.current(REGTEST, BOB.master_address) is None
    assert enrollments.current(other, elsewhere.document.master_address) == elsewhere
    with pytest.raises(AuthorityError, match="is not known here"):
        enrollments.check_author(job(BOB, ALICE).document)


def test_every_document_of_an_order_is_by_the_delegate() -> None:
    posted = job(BOB, ALICE)
    placed = bid(CHARLIE, posted)
    given_to = offer(BOB, placed, posted)
    delivered = delivery(CHARLIE, given_to)
    both = Enrollments([enroll(BOB), enroll(CHARLIE)])
    for signed in (posted, placed, given_to, delivered, accept(BOB, delivered)):
        both.check_author(signed.document)
        with pytest.raises(AuthorityError, match="is not known here"):
            Enrollments([enroll(ALICE, mediator=True)]).check_author(signed.document)


def test_an_enrollment_is_by_its_master_and_needs_no_other() -> None:
    assert FIRST.document.author.signing_address == BOB.master_address
    with pytest.raises(AuthorityError, match="is not a delegate that"):
        Enrollments([FIRST]).check_author(FIRST.document)


def test_a_key_that_was_never_enrolled_may_not_sign() -> None:
    hostile = with_changes(job(BOB, ALICE), MALLORY.delegate, creator_delegate_address=MALLORY.delegate_address)
    with pytest.raises(AuthorityError, match=f"{MALLORY.delegate_address} is not a delegate that {BOB.master_address}"):
        Enrollments([FIRST, SECOND, enroll(MALLORY)]).check_author(hostile.document)


def test_a_delegate_of_an_earlier_enrollment_may_still_sign() -> None:
    """Documents have no trusted time, so what a replaced delegate signed before cannot be told from after."""
    Enrollments([FIRST, SECOND, THIRD]).check_author(job(BOB, ALICE).document)


def test_who_was_ever_a_delegate() -> None:
    enrollments = Enrollments([FIRST, THIRD, enroll(MALLORY)])
    for delegate, known in ((BOB, True), (CHARLIE, True), (MALLORY, False)):
        assert enrollments.is_delegate(REGTEST, BOB.master_address, delegate.delegate_address) == known
    assert not enrollments.is_delegate(MAINNET, BOB.master_address, BOB.delegate_address)
    assert not Enrollments().is_delegate(REGTEST, BOB.master_address, BOB.delegate_address)


@given(st.permutations([FIRST, SECOND, THIRD, enroll(ALICE, mediator=True), enroll(CHARLIE)]), st.data())
def test_any_order_and_repetition_gives_the_same_answers(known: list[Signed[Enrollment]], data: st.DataObject) -> None:
    repeated = known + data.draw(st.lists(st.sampled_from(known)))
    one, other = Enrollments(known), Enrollments(repeated)
    assert list(one) == list(other)
    for signed in known:
        assert one.by_id(signed.id) == other.by_id(signed.id) == signed
        master = signed.document.master_address
        assert one.current(REGTEST, master) == other.current(REGTEST, master)


SINS = {
    "18mSWcpYB9X9nobaxc4kCHZXPNZaVVLYbR": "Tf56uFHJfn6QDp28qfToKCc3aZ9517qL8CA",
    "1MGbFjsPAJTZAhf136shUrXinHJZJo1DKT": "Tf7zeGaF33y687oAUTDF6dzmXx84rKN3gBo",
    "1LQP3sfbScgG3fqnkMhELe5Zvpvay8bnMg": "TfF2CfMKTDMkK5F4tqK2t1WXjKkXQL5ZCYE",
    "1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN": "TfKq1uQKV3KcjuW9r6JayjT4UA5dyEodPys",
    "1wexCMzikX7yxcWwzmbKHrtmxShqfthpe": "TfLKmd8xNtv3evdWQtmYaWiRLZBpi52ND4x",
    "12AR5UHwzpqScrYiJvgJeNbp222eWv6vRF": "Tf6kxw9Wniyr5idzGLLE6ftFnT3LoCH8oLz",
}


@pytest.mark.parametrize(("address", "sin"), SINS.items())
def test_secure_identity_numbers_are_those_of_2016(address: str, sin: str) -> None:
    assert secure_identity_number(address) == sin


def test_an_enrollment_from_the_far_future_is_not_there_yet() -> None:
    ahead = enroll(CHARLIE, block_height=3_017)
    assert Enrollments([ahead], tip=1_001).current(REGTEST, CHARLIE.master_address) == ahead
    assert Enrollments([ahead], tip=1_000).current(REGTEST, CHARLIE.master_address) is None
