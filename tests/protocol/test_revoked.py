"""A stolen delegate key: what its thief can still say, and what its owner cannot take back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest

from rein.errors import AuthorityError, FieldError
from rein.protocol.documents import Enrollment, Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, State, fold
from rein.protocol.signed import Signed, sign, verify
from rein.protocol.values import Revocation
from tests.support.people import HEIGHT, accept, bid, delivery, enroll, job, offer, person, rewritten, settlement

ALICE, BOB, CHARLIE, MALLORY = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory"))
MEDIATOR = enroll(ALICE, mediator=True)
NEW = person("Bob's next delegate")
FIRST = enroll(BOB)
JOB = job(BOB, ALICE)
BID = bid(CHARLIE, JOB)
OFFER = offer(BOB, BID, JOB)
DELIVERY = delivery(CHARLIE, OFFER)
ACCEPT = accept(BOB, DELIVERY)
EVERYTHING = (BID, OFFER, DELIVERY, ACCEPT)


def revoking(height: int, **changes: Any) -> Signed[Enrollment]:
    """Bob's new enrollment."""
    revoked = (Revocation(BOB.delegate_address, height),)
    values = {"previous": FIRST.id, "delegate_address": NEW.delegate_address, "revoked": revoked, "block_height": 200}
    return enroll(BOB, **(values | changes))


def known(*more: Signed[Enrollment]) -> Enrollments:
    return Enrollments([MEDIATOR, FIRST, enroll(CHARLIE), enroll(MALLORY), *more])


def folded(enrollments: Enrollments, documents: Iterable[Signed[Any]] = EVERYTHING) -> Order:
    forwards, backwards = (fold(JOB, each, enrollments) for each in (list(documents), list(documents)[::-1]))
    assert (forwards.state, forwards.documents()) == (backwards.state, backwards.documents())
    return forwards


def test_it_is_written_and_read_again() -> None:
    signed = revoking(7)
    assert f"Revoked delegate addresses: {BOB.delegate_address} from 7\n" in signed.text
    assert verify(signed.armored).document == signed.document


@pytest.mark.parametrize(
    ("revoked", "reason"),
    [
        ((Revocation(NEW.delegate_address, 5),), "among the revoked"),
        ((Revocation(BOB.delegate_address, 5), Revocation(BOB.delegate_address, 6)), "twice"),
        ((Revocation(person("Bob").delegate_address, 2**31),), "not within"),
        ((Revocation("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", 5),), "another network|regtest|network"),
    ],
)
def test_revocations_that_cannot_stand(revoked: tuple[Revocation, ...], reason: str) -> None:
    with pytest.raises(FieldError, match=reason):
        revoking(5, revoked=revoked)


@pytest.mark.parametrize("spelling", ["{} from 07", "{} from -1", "{}", "{} from 7,{} from 8", "from 7", "{}  from 7"])
def test_other_spellings_are_refused(spelling: str) -> None:
    here = f"{BOB.delegate_address} from 7"
    hostile = rewritten(
        revoking(7), BOB.master, lambda t: t.replace(here, spelling.replace("{}", BOB.delegate_address))
    )
    with pytest.raises(FieldError):
        verify(hostile)


def test_what_names_an_earlier_block_stays_and_the_rest_goes() -> None:
    enrollments = known(revoking(HEIGHT + 50))
    late = offer(BOB, BID, JOB, block_height=HEIGHT + 50)
    just = offer(BOB, BID, JOB, block_height=HEIGHT + 49)
    with pytest.raises(AuthorityError, match="was revoked"):
        enrollments.check_author(late.document)
    enrollments.check_author(just.document)
    assert folded(enrollments).acceptance == ACCEPT
    order = folded(enrollments, [BID, late])
    assert order.state is State.BID
    assert [each.document for each in order.apart] == [late]


def test_a_thief_cannot_freeze_a_job_any_more() -> None:
    stolen = offer(BOB, bid(MALLORY, JOB), JOB, block_height=HEIGHT + 60)
    documents = [BID, bid(MALLORY, JOB), OFFER, DELIVERY, stolen]
    assert folded(known(), documents).state is State.FROZEN
    assert folded(known(revoking(HEIGHT + 50)), documents).offer == OFFER


def test_a_job_nobody_has_answered_is_gone() -> None:
    with pytest.raises(AuthorityError, match="was revoked"):
        fold(JOB, [], known(revoking(0)))


def test_what_others_have_answered_cannot_be_taken_back() -> None:
    """Bob regrets, and revokes his own delegate from the beginning of the world. What nobody answered is gone."""
    order = folded(known(revoking(0)))
    assert (order.offer, order.deliveries) == (OFFER, (DELIVERY,))
    assert order.acceptance is None
    assert [each.document for each in order.apart] == [ACCEPT]
    order = folded(known(revoking(0)), [BID, OFFER])
    assert order.state is State.BID  # the offer may be a thief's: nobody has answered it
    pinned = settlement(CHARLIE, OFFER, role=Role.WORKER)
    assert folded(known(revoking(0)), [BID, OFFER, pinned]).offer == OFFER


def test_strangers_and_oneself_pin_nothing() -> None:
    by_stranger = delivery(MALLORY, OFFER)
    by_himself = settlement(BOB, OFFER)
    assert folded(known(revoking(0)), [BID, OFFER, by_stranger, by_himself]).offer is None


def test_an_answer_by_a_revoked_delegate_counts_once_it_is_answered() -> None:
    """Both lost their keys: what only they said to each other stands by nothing, until a good key answers it."""
    next_delegate = person("Charlie's next delegate")
    revoked = (Revocation(CHARLIE.delegate_address, 0),)
    renewed = enroll(CHARLIE, delegate_address=next_delegate.delegate_address, revoked=revoked, block_height=200)
    enrollments = known(revoking(0), renewed)
    with pytest.raises(AuthorityError):
        fold(JOB, [BID], enrollments)
    with pytest.raises(AuthorityError):
        fold(JOB, [BID, OFFER, DELIVERY], enrollments)
    good = sign(
        dataclasses.replace(DELIVERY.document, worker_delegate_address=next_delegate.delegate_address),
        next_delegate.delegate,
    )
    order = folded(enrollments, [BID, OFFER, good])
    assert (order.bid, order.offer, order.deliveries) == (BID, OFFER, (good,))


def test_a_revocation_cannot_be_undone_in_any_order() -> None:
    back = enroll(BOB, previous=revoking(50).id, block_height=300)
    milder = revoking(90, previous=back.id, block_height=400)
    for some in permutations([FIRST, revoking(50), back, milder]):
        enrollments = Enrollments(some)
        with pytest.raises(AuthorityError, match="was revoked"):
            enrollments.check_author(dataclasses.replace(JOB.document, block_height=50))
        enrollments.check_author(dataclasses.replace(JOB.document, block_height=49))


def test_nobody_revokes_the_delegate_of_another() -> None:
    hostile = enroll(MALLORY, revoked=(Revocation(BOB.delegate_address, 0),))
    assert folded(known(hostile)).acceptance == ACCEPT


def test_the_new_delegate_signs_the_same_offer_again() -> None:
    """How the owner of a stolen key goes on with what nobody had answered."""
    document = dataclasses.replace(OFFER.document, creator_delegate_address=NEW.delegate_address)
    again = sign(document, NEW.delegate)
    order = folded(known(revoking(0)), [BID, OFFER, again])
    assert (order.offer, order.state) == (again, State.OFFERED)
