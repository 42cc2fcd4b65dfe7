"""Sealed bids in the order machine: they move nothing, name their maker, and hold one bid."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from rein.errors import FieldError
from rein.protocol.documents import Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, State, fold
from rein.protocol.sealing import unseal
from rein.protocol.signed import Signed, verify
from rein.protocol.values import DocumentId, Revocation
from tests.support.people import (
    bid,
    conversation_key,
    enroll,
    message_key,
    offer,
    person,
    sealed_bid,
    sealed_bid_of_story,
    sealed_message,
    story,
    with_changes,
)

TOLD = story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
SEALED = sealed_bid_of_story()


def order_of(*documents: Signed[Any]) -> Order:
    return fold(TOLD.job, documents, TOLD.enrollments)


def apart(*documents: Signed[Any]) -> str:
    """Why the last of these documents is kept apart."""
    [found] = [each for each in order_of(*documents).rejected if each.document == documents[-1]]
    return found.reason.message


def test_a_sealed_bid_moves_nothing_and_tells_no_price() -> None:
    order = order_of(SEALED)
    assert (order.state, order.bids, order.sealed_bids) == (State.POSTED, (), (SEALED,))
    assert order.unopened_bids == (SEALED,)
    assert "0.05" not in SEALED.armored
    assert SEALED in order.documents()


def test_who_knows_the_bid_sees_an_ordinary_bid() -> None:
    order = order_of(SEALED, TOLD.bid)
    assert (order.state, order.bids, order.unopened_bids) == (State.BID, (TOLD.bid,), ())


def test_once_the_bid_is_published_everybody_holds_the_offer_against_it() -> None:
    hidden = order_of(SEALED, TOLD.offer)
    assert (hidden.state, hidden.offer) == (State.POSTED, None)
    assert "is not a bid" in apart(SEALED, TOLD.offer)
    for documents in itertools.permutations((SEALED, TOLD.offer, TOLD.bid)):
        assert order_of(*documents).state is State.OFFERED


def test_only_the_two_of_them_open_it_and_the_bid_in_it_is_whole() -> None:
    key = conversation_key((CHARLIE, Role.WORKER), (BOB, Role.CREATOR), TOLD.job)
    text = unseal(key, SEALED.document.sealed, SEALED.document.associated_data())
    assert verify(text) == TOLD.bid
    other = conversation_key((CHARLIE, Role.WORKER), (ALICE, Role.MEDIATOR), TOLD.job)
    with pytest.raises(FieldError):
        unseal(other, SEALED.document.sealed, SEALED.document.associated_data())


def test_the_bid_it_names_is_bound_to_the_sealed_text() -> None:
    """Nobody, the worker included, can say afterwards that another bid was sealed."""
    moved = sealed_bid(CHARLIE, BOB, TOLD.job, TOLD.bid, sealed=SEALED.document.sealed, bid=DocumentId("ab" * 32))
    key = conversation_key((CHARLIE, Role.WORKER), (BOB, Role.CREATOR), TOLD.job)
    with pytest.raises(FieldError, match="belongs to another document"):
        unseal(key, moved.document.sealed, moved.document.associated_data())


def test_it_must_be_sealed_to_the_key_that_the_job_names() -> None:
    elsewhere = sealed_bid(
        CHARLIE, BOB, TOLD.job, TOLD.bid, to_key=message_key(ALICE, Role.MEDIATOR, TOLD.job).public_key
    )
    assert apart(elsewhere) == "it is sealed to somebody else than the job creator"
    to_mallory = sealed_bid(CHARLIE, BOB, TOLD.job, TOLD.bid, to_address=MALLORY.master_address)
    assert "somebody else" in apart(to_mallory)


def test_it_answers_the_job() -> None:
    why = "a sealed bid answers the job document, and this one answers something else"
    assert apart(sealed_bid(CHARLIE, BOB, TOLD.job, TOLD.bid, previous=TOLD.bid.id)) == why


def test_the_mediator_bids_not_even_sealed() -> None:
    by_alice = sealed_bid(ALICE, BOB, TOLD.job, TOLD.bid)
    assert apart(by_alice) == "the worker is also the job creator or the mediator"


def test_a_thief_of_the_name_alone_is_kept_apart() -> None:
    stolen = with_changes(SEALED, MALLORY.delegate, delegate_address=MALLORY.delegate_address)
    assert "delegate" in apart(stolen)


def test_a_sealed_bidder_may_write_to_the_creator_and_a_stranger_not() -> None:
    asked = sealed_message((CHARLIE, Role.WORKER), (BOB, Role.CREATOR), TOLD.job, "May it be red?")
    assert order_of(SEALED, asked).messages == (asked,)
    assert order_of(asked).messages == ()


def test_a_revoked_delegates_sealed_bid_stands_once_its_own_bid_is_offered() -> None:
    hers = bid(MALLORY, TOLD.job)
    to_her = offer(BOB, hers, TOLD.job)
    successor = person("Charlie's next delegate").delegate_address
    revoked = (Revocation(CHARLIE.delegate_address, 0),)
    enrolled = [*TOLD.enrollments, enroll(MALLORY)]
    renewed = enroll(CHARLIE, delegate_address=successor, revoked=revoked, previous=enroll(CHARLIE).id)
    for documents, stands in (
        ([], False),
        ([TOLD.bid], False),
        ([TOLD.bid, TOLD.offer], True),
        ([hers, to_her], False),
    ):
        assert fold(TOLD.job, [SEALED, *documents], Enrollments(enrolled)).sealed_bids == (SEALED,)
        order = fold(TOLD.job, [SEALED, hers, *documents], Enrollments([*enrolled, renewed]))
        assert order.sealed_bids == ((SEALED,) if stands else ())
        assert (SEALED in [each.document for each in order.rejected]) != stands


def test_many_bid_and_each_opens_alone() -> None:
    enrolled = [*TOLD.enrollments, enroll(MALLORY)]
    hers = bid(MALLORY, TOLD.job)
    both = [SEALED, sealed_bid(MALLORY, BOB, TOLD.job, hers)]
    order = fold(TOLD.job, [*both, hers], Enrollments(enrolled))
    assert set(order.sealed_bids) == set(both)
    assert order.unopened_bids == (SEALED,)
