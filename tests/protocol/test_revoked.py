"""A stolen delegate key: what its thief cannot say, and what its owner cannot take back."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest

from rein.btc import message
from rein.btc.amounts import Sat
from rein.errors import AuthorityError, BadSignatureError, FieldError
from rein.protocol.armor import Armored, read_armor
from rein.protocol.documents import Enrollment, Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, State, fold
from rein.protocol.signed import Signed, verify
from rein.protocol.values import Revocation
from tests.support.people import (
    HEIGHT,
    Person,
    accept,
    bid,
    delivery,
    disputed_story,
    enroll,
    forged,
    job,
    offer,
    person,
    rating,
    refund,
    refunded_story,
    resolution,
    rewritten,
    settlement,
)
from tests.support.people import respelled as respelled_armor

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
DISPUTED = disputed_story()


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
        ((Revocation(BOB.delegate_address, 5), Revocation(BOB.delegate_address, 6)), "duplicate"),
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


def test_new_statements_below_the_height_stay_and_the_rest_goes() -> None:
    enrollments = known(revoking(HEIGHT + 50))
    late, just = (job(BOB, ALICE, block_height=HEIGHT + more) for more in (50, 49))
    with pytest.raises(AuthorityError) as revoked:
        fold(late, [], enrollments)
    assert revoked.value.message == f"the delegate {BOB.delegate_address} of {BOB.master_address} was revoked"
    assert fold(just, [], enrollments).state is State.POSTED


def test_a_bid_nobody_has_answered_is_gone_and_one_that_was_offered_stays() -> None:
    revoked = (Revocation(CHARLIE.delegate_address, 0),)
    renewed = enroll(CHARLIE, delegate_address=NEW.delegate_address, revoked=revoked, previous=enroll(CHARLIE).id)
    order = folded(known(renewed), [BID])
    assert (order.state, order.bids) == (State.POSTED, ())
    assert [each.document for each in order.rejected] == [BID]
    assert folded(known(renewed), [BID, OFFER]).state is State.OFFERED


THIEVES = {
    "offer": (OFFER, BOB),
    "delivery": (DELIVERY, CHARLIE),
    "acceptance": (ACCEPT, BOB),
    "settlement": (settlement(BOB, OFFER), BOB),
    "refund": (refund(CHARLIE, OFFER, role=Role.WORKER), CHARLIE),
    "creator's dispute": (DISPUTED.dispute, BOB),
    "worker's dispute": (DISPUTED.counter, CHARLIE),
    "resolution": (DISPUTED.resolution, ALICE),
    "accepted resolution": (DISPUTED.accepted, CHARLIE),
    "rating": (rating(BOB, OFFER, Role.CREATOR, CHARLIE, Role.WORKER), BOB),
}


@pytest.mark.parametrize("name", THIEVES)
def test_the_thief_of_a_delegate_key_binds_nobody(name: str) -> None:
    """Without the escrow key nothing about the contract can be said: not in other words, not at another block, not by
    an old signature, a respelled one, or with a line more."""
    meant, who = THIEVES[name]
    others = [each for each in (*EVERYTHING, *DISPUTED.documents) if each != meant]
    before = folded(known(), others)
    respelled = dataclasses.replace(meant.document, escrow_signature=high_s(meant.document.escrow_signature))
    tries = [
        forged(dataclasses.replace(meant.document, block_height=meant.document.block_height + 1), who.delegate),
        forged(dataclasses.replace(meant.document, escrow_signature=signature_of(meant, MALLORY)), who.delegate),
        forged(respelled, who.delegate),
        rewritten(meant, who.delegate, lambda text: f"{text}\nX-More: a line"),
    ]
    for armored in tries:
        try:
            stolen = verify(armored)
        except (BadSignatureError, AuthorityError):
            continue  # the document names the key that should have signed
        after = folded(known(), [*others, stolen])
        assert (after.state, set(after.documents())) == (before.state, set(before.documents()))
        assert stolen in [each.document for each in after.rejected]
    with pytest.raises(FieldError, match=f"^{meant.document.TITLE} lacks the field 'Escrow key signature'$"):
        verify(forged(dataclasses.replace(meant.document, escrow_signature=None), who.delegate))


def signature_of(signed: Signed[Any], thief: Person) -> str:
    """What the thief's own key says to the text."""
    text = signed.text.rsplit("\nEscrow key signature: ", 1)[0]
    return message.sign(thief.delegate, text)


def high_s(signature: str | None) -> str:
    """The same signature in the spelling that anybody can compute."""
    return read_armor(respelled_armor(str(Armored("a", "b", signature or "")))).signature


def test_a_job_nobody_has_answered_is_gone() -> None:
    with pytest.raises(AuthorityError, match="was revoked"):
        fold(JOB, [], known(revoking(0)))


STORIES = {"accepted": EVERYTHING, "disputed": DISPUTED.documents, "refunded": refunded_story().documents}


@pytest.mark.parametrize("who", [ALICE, BOB, CHARLIE], ids=lambda who: who.name)
@pytest.mark.parametrize("height", [0, HEIGHT, HEIGHT + 3, 2**31 - 1])
@pytest.mark.parametrize("name", STORIES)
def test_what_others_rely_on_cannot_be_taken_back(name: str, height: int, who: Person) -> None:
    """Whoever regrets revokes their own delegate from any block they like, or all three do: from the offer on, the
    order stays where it is, whatever of it has been said."""
    told = STORIES[name]
    for count in range(2, len(told) + 1):
        before = folded(known(), told[:count])
        after = folded(known(*ENDS[who](height)), told[:count])
        assert (after.state, set(after.documents())) == (before.state, set(before.documents()))
        assert after.rejected == ()


def _ends(who: Person, height: int) -> list[Signed[Enrollment]]:
    """A revocation of somebody's delegate from a height on, and an heir of the whole identity dated back to it."""
    first = enroll(who, who is ALICE)
    next_delegate = person(f"{who.name}'s next delegate")
    terms = {"mediator_public_key": next_delegate.delegate.public_key} if who is ALICE else {}
    revoked = (Revocation(who.delegate_address, height),)
    renewed = enroll(
        who, who is ALICE, delegate_address=next_delegate.delegate_address, revoked=revoked, previous=first.id, **terms
    )
    return [renewed]


ENDS = {who: functools.partial(_ends, who) for who in (ALICE, BOB, CHARLIE)}


def test_two_offers_on_the_two_sides_of_a_revocation_are_two() -> None:
    other = offer(BOB, bid(MALLORY, JOB), JOB, block_height=HEIGHT + 60)
    documents = [BID, bid(MALLORY, JOB), OFFER, other]
    for enrollments in (known(), known(revoking(HEIGHT + 50)), known(revoking(0))):
        order = folded(enrollments, documents)
        assert (order.state, set(order.conflict)) == (State.FROZEN, {OFFER, other})


def test_two_awards_on_the_two_sides_of_a_revocation_are_two() -> None:
    other = resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(0), block_height=HEIGHT + 60)
    for enrollments in (known(), known(*ENDS[ALICE](HEIGHT + 50))):
        order = folded(enrollments, [*DISPUTED.documents, other])
        assert (order.state, set(order.conflict)) == (State.FROZEN, {DISPUTED.resolution, other})


def test_a_delegate_signs_from_a_day_before_its_enrollment_on() -> None:
    enrolled = FIRST.document.block_height
    late = enroll(CHARLIE, block_height=enrolled + 1_000)
    enrollments = Enrollments([MEDIATOR, FIRST, late])
    dated = {height: bid(CHARLIE, JOB, block_height=height) for height in (enrolled + 856, enrolled + 855)}
    assert fold(JOB, [dated[enrolled + 856]], enrollments).bids
    order = fold(JOB, [dated[enrolled + 855]], enrollments)
    assert (order.bids, order.state) == ((), State.POSTED)
    assert order.rejected[0].reason.message == (
        f"it names block {enrolled + 855}, and its delegate was enrolled at block {enrolled + 1_000}"
    )


def test_nobody_signs_in_the_far_future() -> None:
    """A document that names block 2147483647 would count today, and be unsaid by a revocation from there."""
    everybody = [MEDIATOR, FIRST, enroll(CHARLIE)]
    ahead = bid(CHARLIE, JOB, block_height=3_017)
    assert fold(JOB, [ahead], Enrollments(everybody)).bids, "where no chain was asked yet"
    assert fold(JOB, [ahead], Enrollments(everybody, tip=1_001)).bids
    order = fold(JOB, [ahead], Enrollments(everybody, tip=1_000))
    assert order.bids == ()
    assert order.rejected[0].reason.message == "it names block 3017, and the chain as last seen ends at block 1000"


def test_an_answer_by_a_revoked_delegate_counts_once_others_rely_on_it() -> None:
    """Both lost their delegates. Until somebody holds a document against a contract, nothing of it stands."""
    charlie = ENDS[CHARLIE](0)
    with pytest.raises(AuthorityError):
        fold(JOB, [BID], known(revoking(0), *charlie))
    order = folded(known(revoking(0), *charlie), [BID, OFFER, DELIVERY])
    assert (order.bid, order.offer, order.deliveries) == (BID, OFFER, (DELIVERY,))


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
