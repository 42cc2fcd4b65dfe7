"""Who signed a document and whether he might, as far as a home knows the people and the job."""

from __future__ import annotations

from typing import Any

import pytest

from rein.errors import AuthorityError, OrderError
from rein.protocol.documents.enrollment import Enrollment, Revocation
from rein.protocol.limits import MAX_BLOCKS_AHEAD
from rein.protocol.signed import Signed, verify
from rein.protocol.values import BasisPoints
from rein.store.chain_tip import SeenBlock
from rein.workflows.evidence.document_check import judge
from rein.workflows.session import Session
from tests.support import legacy_documents as real
from tests.support.people import HEIGHT, Person, bid, enroll, job, messages_of_story, offer, person, story
from tests.workflows.conftest import Sit

TOLD = story()
BOB, MALLORY = person("Bob"), person("Mallory")
EVERYTHING = (*TOLD.enrollments, TOLD.job, *TOLD.documents)


def learn(session: Session, *documents: Signed[Any]) -> None:
    session.store.documents.add_received([(signed, "http://x/") for signed in documents])


def test_who_knows_the_job_knows_whether_a_document_counts(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *EVERYTHING)
    for signed in (TOLD.job, *TOLD.documents):
        told = judge(session, signed)
        assert (told.authorised, told.counts, told.doubts, told.objection) == (True, True, (), None)
    assert {judge(session, each).name for each in TOLD.documents} == {"Bob", "Charlie"}


def test_who_knows_nobody_is_told_what_is_missing(sit: Sit) -> None:
    session = sit(who="Dora")
    (first, *_) = TOLD.documents
    alone = judge(session, first)
    assert (alone.name, alone.authorised, alone.counts) == (None, None, None)
    assert "enrollment of" in alone.doubts[0]
    given = judge(session, first, TOLD.enrollments)
    assert (given.name, given.authorised, given.counts) == ("Charlie", True, None)
    assert "its job is not here" in given.doubts[0]
    assert judge(session, TOLD.job, TOLD.enrollments).counts is True
    no_mediator = judge(session, TOLD.job, [enroll(BOB)])
    assert (no_mediator.authorised, no_mediator.counts, len(no_mediator.doubts)) == (True, None, 1)
    assert judge(session, enroll(BOB)).authorised is True


def test_what_answers_something_that_is_not_here_is_not_called_wrong(sit: Sit) -> None:
    session = sit(who="Dora")
    first, *_, last = TOLD.documents
    learn(session, *TOLD.enrollments, TOLD.job, first)
    told = judge(session, last)
    assert (told.authorised, told.counts, told.objection) == (True, None, None)
    assert "the document it answers is not here" in told.doubts[0]


def test_what_is_said_in_a_job_that_does_not_count_does_not_either(sit: Sit) -> None:
    session = sit(who="Dora")
    wrong = job(BOB, person("Alice"), mediator_fee=BasisPoints(1))
    learn(session, *TOLD.enrollments, wrong)
    told = judge(session, bid(person("Charlie"), wrong))
    assert (told.authorised, told.counts) == (True, False)
    assert "its job does not count" in str(told.objection)


def test_a_key_that_was_never_enrolled_is_named(sit: Sit) -> None:
    session = sit(who="Dora")
    stranger = enroll(BOB, delegate_address=MALLORY.delegate_address)
    learn(session, stranger)
    told = judge(session, TOLD.job)
    assert (told.name, told.authorised) == ("Bob", False)
    assert isinstance(told.objection, AuthorityError)
    assert "no delegate" in str(told.objection)


def test_a_document_by_somebody_who_has_no_part_does_not_count(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *EVERYTHING, enroll(MALLORY))
    told = judge(session, offer(MALLORY, bid(person("Charlie"), TOLD.job), TOLD.job))
    assert (told.name, told.authorised, told.counts) == ("Mallory", True, False)
    assert isinstance(told.objection, OrderError)
    assert "does not count" in str(told.objection)


def test_two_offers_contradict_each_other(sit: Sit) -> None:
    session = sit(who="Dora")
    other = bid(MALLORY, TOLD.job)
    learn(session, *EVERYTHING, enroll(MALLORY), other)
    told = judge(session, offer(BOB, other, TOLD.job))
    assert (told.authorised, told.counts) == (True, False)
    assert "contradicts" in str(told.objection)


def revoking(who: Person) -> Signed[Enrollment]:
    """The enrollment in which somebody takes back all that their first delegate signed and nobody has answered."""
    revoked = (Revocation(who.delegate_address, 0),)
    new = person(f"{who.name}, new").delegate_address
    return enroll(who, previous=enroll(who).id, delegate_address=new, revoked=revoked, block_height=HEIGHT + 50)


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("known", [True, False], ids=["known", "given"])
def test_a_revocation_counts_unless_the_document_was_answered(sit: Sit, answered: bool, known: bool) -> None:
    session = sit(who="Dora")
    if not (known or answered):
        learn(session, *TOLD.enrollments)
    else:
        learn(session, *TOLD.enrollments, TOLD.job, *(TOLD.documents if answered else ()))
    learn(session, revoking(BOB))
    told = judge(session, TOLD.job)
    assert told.counts is answered
    if not answered:
        assert "revoked" in str(told.objection)
    old = judge(session, enroll(BOB))
    assert (old.authorised, len(old.doubts)) == (True, 1), "there is a newer enrollment"


def test_no_revocation_takes_back_what_an_escrow_key_signed(sit: Sit) -> None:
    """Whether the job is here or not: a delivery, and an offer that nobody has answered yet."""
    for home, jobs in (("knows", (TOLD.job, TOLD.bid, TOLD.offer)), ("does not", ())):
        session = sit(who="Dora", home=home)
        learn(session, *TOLD.enrollments, *jobs, revoking(BOB), revoking(person("Charlie")))
        for signed in (TOLD.offer, TOLD.delivery):
            told = judge(session, signed)
            assert (told.authorised, told.counts, told.objection) == (True, True if jobs else None, None)


def test_a_message_of_a_revoked_delegate_does_not_count_wherever_its_job_is(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments, revoking(person("Charlie")))
    asked, _ = messages_of_story()
    told = judge(session, asked)
    assert (told.authorised, told.counts) == (True, False)
    assert "revoked" in str(told.objection)


def test_a_document_from_the_future_does_not_count(sit: Sit) -> None:
    """As soon as this home has seen where the chain ends."""
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments)
    early = job(BOB, person("Alice"), block_height=HEIGHT + 50 + MAX_BLOCKS_AHEAD + 1)
    assert judge(session, early).counts is True
    session.store.chain_tip.set("regtest", SeenBlock(HEIGHT + 50, 1_800_000_000))
    told = judge(session, early)
    assert (told.authorised, told.counts) == (True, False)
    assert "the chain as last seen ends at block 150" in str(told.objection)


def test_a_job_that_misquotes_its_mediator_does_not_count(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments)
    told = judge(session, job(BOB, person("Alice"), mediator_fee=BasisPoints(1)))
    assert (told.authorised, told.counts) == (True, False)
    assert told.objection is not None


def test_a_false_delegate_of_2016(sit: Sit) -> None:
    session = sit(who="Dora")
    signed = verify(real.JOB)
    assert judge(session, signed, [verify(real.ENROLLMENT_ALICE)]).authorised is None
    assert judge(session, signed, [verify(real.ENROLLMENT_BOB)]).name == "Bob"
