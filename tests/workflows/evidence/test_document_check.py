"""Who signed a document and whether they had the authority, as far as a home knows the people and the job."""

from __future__ import annotations

from typing import Any

import pytest

from rein.errors import AuthorityError, OrderError
from rein.protocol.documents.enrollment import Enrollment, Revocation
from rein.protocol.limits import MAX_BLOCKS_AHEAD
from rein.protocol.signed import Signed, verify
from rein.protocol.values import BasisPoints
from rein.store.tables.chain_tip import SeenBlock
from rein.workflows.evidence.document_check import check_document
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
        told = check_document(session, signed).finding
        assert (told.authorised, told.counts, told.doubts, told.objection) == (True, True, (), None)
    assert {check_document(session, each).finding.name for each in TOLD.documents} == {"Bob", "Charlie"}


def test_who_knows_nobody_is_told_what_is_missing(sit: Sit) -> None:
    session = sit(who="Dora")
    (first, *_) = TOLD.documents
    alone = check_document(session, first).finding
    assert (alone.name, alone.authorised, alone.counts) == (None, None, None)
    assert "enrollment of" in alone.doubts[0]
    given = check_document(session, first, TOLD.enrollments).finding
    assert (given.name, given.authorised, given.counts) == ("Charlie", True, None)
    assert "its job is not here" in given.doubts[0]
    assert check_document(session, TOLD.job, TOLD.enrollments).finding.counts is True
    no_mediator = check_document(session, TOLD.job, [enroll(BOB)]).finding
    assert (no_mediator.authorised, no_mediator.counts, len(no_mediator.doubts)) == (True, None, 1)
    assert check_document(session, enroll(BOB)).finding.authorised is True


def test_what_answers_something_that_is_not_here_is_not_called_wrong(sit: Sit) -> None:
    session = sit(who="Dora")
    first, *_, last = TOLD.documents
    learn(session, *TOLD.enrollments, TOLD.job, first)
    told = check_document(session, last).finding
    assert (told.authorised, told.counts, told.objection) == (True, None, None)
    assert "the document it answers is not here" in told.doubts[0]


def test_what_is_said_in_a_job_that_does_not_count_does_not_either(sit: Sit) -> None:
    session = sit(who="Dora")
    wrong = job(BOB, person("Alice"), mediator_fee=BasisPoints(1))
    learn(session, *TOLD.enrollments, wrong)
    told = check_document(session, bid(person("Charlie"), wrong)).finding
    assert (told.authorised, told.counts) == (True, False)
    assert "its job does not count" in str(told.objection)


def test_a_key_that_was_never_enrolled_is_named(sit: Sit) -> None:
    session = sit(who="Dora")
    stranger = enroll(BOB, delegate_address=MALLORY.delegate_address)
    learn(session, stranger)
    told = check_document(session, TOLD.job).finding
    assert (told.name, told.authorised) == ("Bob", False)
    assert isinstance(told.objection, AuthorityError)
    assert "is not a delegate" in str(told.objection)


def test_a_document_by_somebody_who_has_no_part_does_not_count(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *EVERYTHING, enroll(MALLORY))
    told = check_document(session, offer(MALLORY, bid(person("Charlie"), TOLD.job), TOLD.job)).finding
    assert (told.name, told.authorised, told.counts) == ("Mallory", True, False)
    assert isinstance(told.objection, OrderError)
    assert "does not count" in str(told.objection)


def test_two_offers_contradict_each_other(sit: Sit) -> None:
    session = sit(who="Dora")
    other = bid(MALLORY, TOLD.job)
    learn(session, *EVERYTHING, enroll(MALLORY), other)
    told = check_document(session, offer(BOB, other, TOLD.job)).finding
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
    told = check_document(session, TOLD.job).finding
    assert told.counts is answered
    if not answered:
        assert "revoked" in str(told.objection)
    old = check_document(session, enroll(BOB)).finding
    assert (old.authorised, len(old.doubts)) == (True, 1), "there is a newer enrollment"


def test_no_revocation_takes_back_what_an_escrow_key_signed(sit: Sit) -> None:
    """Whether the job is here or not: a delivery, and an offer that nobody has answered yet."""
    for home, jobs in (("knows", (TOLD.job, TOLD.bid, TOLD.offer)), ("does not", ())):
        session = sit(who="Dora", home=home)
        learn(session, *TOLD.enrollments, *jobs, revoking(BOB), revoking(person("Charlie")))
        for signed in (TOLD.offer, TOLD.delivery):
            told = check_document(session, signed).finding
            assert (told.authorised, told.counts, told.objection) == (True, True if jobs else None, None)


def test_a_message_of_a_revoked_delegate_does_not_count_wherever_its_job_is(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments, revoking(person("Charlie")))
    asked, _ = messages_of_story()
    told = check_document(session, asked).finding
    assert (told.authorised, told.counts) == (True, False)
    assert "revoked" in str(told.objection)


def test_a_document_from_the_future_does_not_count(sit: Sit) -> None:
    """As soon as this home has seen where the chain ends."""
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments)
    early = job(BOB, person("Alice"), block_height=HEIGHT + 50 + MAX_BLOCKS_AHEAD + 1)
    assert check_document(session, early).finding.counts is True
    session.store.chain_tip.set("regtest", SeenBlock(HEIGHT + 50, 1_800_000_000))
    told = check_document(session, early).finding
    assert (told.authorised, told.counts) == (True, False)
    assert "the chain as last seen ends at block 150" in str(told.objection)


def test_a_job_that_misquotes_its_mediator_does_not_count(sit: Sit) -> None:
    session = sit(who="Dora")
    learn(session, *TOLD.enrollments)
    told = check_document(session, job(BOB, person("Alice"), mediator_fee=BasisPoints(1))).finding
    assert (told.authorised, told.counts) == (True, False)
    assert told.objection is not None


def test_a_false_delegate_of_2016(sit: Sit) -> None:
    session = sit(who="Dora")
    signed = verify(real.JOB)
    assert check_document(session, signed, [verify(real.ENROLLMENT_ALICE)]).finding.authorised is None
    assert check_document(session, signed, [verify(real.ENROLLMENT_BOB)]).finding.name == "Bob"
