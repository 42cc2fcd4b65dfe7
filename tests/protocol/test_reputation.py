"""Who may rate whom, which ratings count, and what they say together."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.errors import FieldError
from rein.protocol.documents import Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, State, fold
from rein.protocol.reputation import Ratings, Score, counted, not_counted
from rein.protocol.signed import Signed, verify
from rein.protocol.values import Revocation
from tests.support.hostile import in_the_name_of_its_author
from tests.support.people import (
    HEIGHT,
    Person,
    bid,
    creator_dispute,
    enroll,
    forged,
    job,
    offer,
    person,
    rating,
    rewritten,
    story,
)

TOLD = story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
PAID = Evidence(funded=True, primary_paid=True, mediator_paid=True)
REFUNDED = Evidence(funded=True, primary_paid=True, mediator_paid=True, refunded=True)
C, M, W = Role.CREATOR, Role.MEDIATOR, Role.WORKER
PEOPLE = {C: BOB, M: ALICE, W: CHARLIE}


def given_by(role: Role, rated: Role, **changes: Any) -> Signed[Any]:
    return rating(PEOPLE[role], TOLD.offer, role, PEOPLE[rated], rated, **changes)


def folded(*documents: Signed[Any], evidence: Evidence = PAID) -> Order:
    return fold(TOLD.job, [*TOLD.documents, *documents], TOLD.enrollments, evidence)


# ---- in the order


def test_each_of_the_three_rates_each_other() -> None:
    all_six = [given_by(role, rated, rating=i) for i, (role, rated) in enumerate(permutations(Role, 2))]
    order = folded(*all_six)
    assert set(order.ratings) == set(all_six)
    assert (order.state, order.void_ratings, order.rejected) == (State.SETTLED, (), ())
    assert set(order.documents()) >= set(all_six)
    assert set(counted([order])) == set(all_six)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (rating(MALLORY, TOLD.offer, W, BOB, C), "is not the worker of this job"),
        (rating(MALLORY, TOLD.offer, M, BOB, C), "is not the mediator of this job"),
        (rating(BOB, TOLD.offer, C, MALLORY, W), "is not the worker of this job"),
        (rating(BOB, TOLD.offer, C, CHARLIE, M), "is not the mediator of this job"),
        (rating(BOB, TOLD.offer, W, ALICE, M), "is not the worker of this job"),
        (rating(BOB, TOLD.offer, C, CHARLIE, W, previous=TOLD.delivery.id), "is not the offer of this job"),
        (rating(BOB, TOLD.offer, C, CHARLIE, W, previous=TOLD.job.id), "is not the offer of this job"),
        (rating(person("Eve"), TOLD.offer, C, CHARLIE, W), "is not known here"),
        (in_the_name_of_its_author(given_by(C, W), MALLORY, "delegate_address"), "is not a delegate that"),
    ],
)
def test_nobody_else_rates_anybody(document: Signed[Any], why: str) -> None:
    order = folded(document)
    [apart] = order.rejected
    assert apart.document == document
    assert why in apart.reason.message
    assert counted([order]) == ()


def test_whoever_is_rated_in_a_role_they_do_not_have_is_named() -> None:
    [apart] = folded(rating(BOB, TOLD.offer, C, MALLORY, W)).rejected
    assert apart.reason.message == f"{MALLORY.master_address} is not the worker of this job"


def test_a_loser_among_the_bidders_rates_nobody() -> None:
    other = bid(MALLORY, TOLD.job)
    order = folded(other, rating(MALLORY, TOLD.offer, W, BOB, C))
    assert (order.ratings, len(order.rejected)) == ((), 1)


@pytest.mark.parametrize("value", [-1, 6, 10**30])
def test_a_rating_is_nothing_to_five(value: int) -> None:
    document = given_by(C, W).document
    changed = type(document)(**{**vars(document), "rating": value})
    with pytest.raises(FieldError, match="Rating"):
        verify(forged(changed, BOB.delegate))


@pytest.mark.parametrize("text", ["05", "4.5", "+5", "\uff15", "5 "])
def test_a_rating_has_one_spelling(text: str) -> None:
    with pytest.raises(FieldError):
        verify(rewritten(given_by(C, W), BOB.delegate, lambda old: old.replace("\nRating: 5", f"\nRating: {text}")))


def test_a_comment_may_be_left_out_and_has_an_end() -> None:
    assert given_by(C, W, comment=None).document.comment is None
    document = given_by(C, W).document
    with pytest.raises(FieldError, match="at most 1,000"):
        verify(forged(type(document)(**{**vars(document), "comment": "x" * 1_001}), BOB.delegate))


@pytest.mark.parametrize("changes", [{"rating": 0}, {"comment": None}, {"comment": "Never."}])
def test_two_different_ratings_of_one_person_are_both_void(changes: dict[str, Any]) -> None:
    first, second, other = given_by(C, W), given_by(C, W, **changes), given_by(C, M)
    orders = [folded(*documents) for documents in permutations([first, second, other])]
    for order in orders:
        assert order.ratings == (other,)
        assert set(order.void_ratings) == {first, second}
        assert set(order.all_documents()) >= {first, second}
        assert not {first, second} & set(order.documents())
        assert order.state is State.SETTLED, "it freezes nothing"
        assert counted([order]) == (other,)
        assert {signed for signed, _ in not_counted([order])} == {first, second}


def test_whoever_contradicts_themselves_about_two_people_loses_both_ratings() -> None:
    given = [given_by(C, rated, rating=stars) for rated in (W, M) for stars in (1, 5)]
    order = folded(*given)
    assert (order.ratings, set(order.void_ratings)) == ((), set(given))


def test_the_same_words_again_at_another_block_say_nothing_new() -> None:
    first, again = given_by(C, W), given_by(C, W, block_height=999)
    for documents in permutations([first, again]):
        order = folded(*documents)
        assert (order.ratings, order.void_ratings) == ((first,), ())


@pytest.mark.parametrize(
    ("evidence", "count"),
    [
        (NO_EVIDENCE, 0),
        (Evidence(funded=True), 0),
        (Evidence(funded=True, primary_paid=True), 0),
        (Evidence(funded=True, mediator_paid=True), 0),
        (PAID, 1),
        (REFUNDED, 1),
    ],
)
def test_without_proof_of_the_end_no_rating_counts(evidence: Evidence, count: int) -> None:
    """A job between three names of one person costs nothing until money has moved."""
    order = folded(given_by(C, W), evidence=evidence)
    assert len(order.ratings) == 1
    assert len(counted([order])) == count
    assert len(not_counted([order])) == 1 - count


@pytest.mark.parametrize("since", [HEIGHT + 9, HEIGHT + 8, 0])
@pytest.mark.parametrize("who", [ALICE, BOB, CHARLIE], ids=lambda who: who.name)
def test_no_rating_falls_by_a_revocation(who: Person, since: int) -> None:
    """Neither one's own nor the others': who was rated badly does not revoke the job away, and who regrets a rating
    does not unsay it."""
    revoked = (Revocation(who.delegate_address, since),)
    new = person("Another delegate")
    first = enroll(who, who is ALICE)
    changes = {"previous": first.id, "delegate_address": new.delegate_address, "revoked": revoked}
    others = [enroll(each, each is ALICE) for each in (ALICE, BOB, CHARLIE)]
    terms = {"mediator_public_key": new.delegate.public_key} if who is ALICE else {}
    known = Enrollments([*others, enroll(who, who is ALICE, **changes, **terms)])
    order = fold(TOLD.job, [*TOLD.documents, given_by(C, W), given_by(W, C)], known, PAID)
    assert order.state is State.SETTLED
    assert len(counted([order])) == 2


def test_who_holds_only_a_delegate_key_rates_nobody() -> None:
    stolen = verify(forged(dataclasses.replace(given_by(C, W).document, rating=0), BOB.delegate))
    order = fold(TOLD.job, [*TOLD.documents, stolen], TOLD.enrollments, PAID)
    assert counted([order]) == ()
    assert order.rejected[0].reason.message == "it is not signed by the escrow key of the creator of this job"


def test_a_rating_moves_no_state_and_quarrels_with_nothing() -> None:
    for evidence in (NO_EVIDENCE, Evidence(funded=True), PAID):
        without = fold(TOLD.job, TOLD.documents, TOLD.enrollments, evidence)
        assert folded(given_by(W, C, rating=0), evidence=evidence).state is without.state
    disputed = folded(creator_dispute(BOB, TOLD.delivery), given_by(C, W), evidence=NO_EVIDENCE)
    assert disputed.conflict == ()


# ---- together


def between(rater: Person, rated: Person, value: int, job_id: str, height: int = 200) -> Signed[Any]:
    """A rating in a job of its own. (Whether it counts was asked before.)"""
    posted = job(rater, ALICE, job_id=job_id)
    placed = bid(rated, posted)
    given = offer(rater, placed, posted)
    return rating(rater, given, C, rated, W, rating=value, block_height=height)


def job_id(number: int) -> str:
    return f"{number:020d}"


S, D, L1, L2, L3 = (person(f"trust {name}") for name in ("S", "D", "L1", "L2", "L3"))


def test_the_worked_example_of_the_authors() -> None:
    """S rates L1=5, L2=3, L3=4; each of them rates D=5: links 5, 3 and 4, score 4.0."""
    given = [between(S, each, value, job_id(i)) for i, (each, value) in enumerate(((L1, 5), (L2, 3), (L3, 4)))]
    given += [between(each, D, 5, job_id(10 + i)) for i, each in enumerate((L1, L2, L3))]
    trust = Ratings(given).trust(S.master_address, D.master_address)
    assert (str(trust.score), trust.score.count) == ("4.0", 3)
    assert sorted(link.strength for link in trust.links) == [3, 4, 5]
    assert {link.through for link in trust.links} == {each.master_address for each in (L1, L2, L3)}
    assert Ratings(given).trust(D.master_address, S.master_address).score == Score(0, 0), "trust goes one way"


def test_the_weaker_of_the_two_is_the_strength_of_a_link() -> None:
    given = [between(S, L1, 5, job_id(1)), between(L1, D, 2, job_id(2))]
    [link] = Ratings(given).trust(S.master_address, D.master_address).links
    assert (link.trusted, link.strength) == (5, 2)


def test_ones_own_rating_is_a_link_of_its_full_strength() -> None:
    trust = Ratings([between(S, D, 3, job_id(1))]).trust(S.master_address, D.master_address)
    assert (str(trust.score), trust.links[0].trusted_by) == ("3.0", None)


def test_the_first_rating_of_somebody_is_how_far_he_is_trusted() -> None:
    given = [between(S, L1, 1, job_id(1), 100), between(S, L1, 5, job_id(2), 101), between(L1, D, 5, job_id(3))]
    for order in permutations(given):
        [link] = Ratings(order).trust(S.master_address, D.master_address).links
        assert link.strength == 1


def test_several_jobs_with_one_person_are_several_links() -> None:
    given = [between(S, L1, 4, job_id(1)), between(L1, D, 5, job_id(2)), between(L1, D, 1, job_id(3))]
    trust = Ratings(given).trust(S.master_address, D.master_address)
    assert (str(trust.score), trust.score.count) == ("2.5", 2)


def test_strangers_who_praise_each_other_are_no_link() -> None:
    given = [between(L1, D, 5, job_id(1)), between(L2, D, 5, job_id(2)), between(L2, L1, 5, job_id(3))]
    ratings = Ratings(given)
    assert ratings.trust(S.master_address, D.master_address).score == Score(0, 0)
    assert str(ratings.average(D.master_address)) == "5.0"


def test_one_document_counts_once() -> None:
    given = between(S, D, 2, job_id(1))
    assert Ratings([given, given, given]).average(D.master_address) == Score(20, 1)


def test_nobody_rated_has_no_average() -> None:
    assert Ratings([]).average(D.master_address) == Score(0, 0)


MANY = [[between(S, D, value, job_id(10 * number + value)) for value in range(6)] for number in range(6)]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_the_average_is_the_mean_with_halves_of_a_tenth_rounded_up(values: list[int]) -> None:
    ratings = Ratings(MANY[number][value] for number, value in enumerate(values))
    score = ratings.average(D.master_address)
    exact = Fraction(sum(values), len(values)) * 10
    assert -Fraction(1, 2) < score.tenths - exact <= Fraction(1, 2)
    assert score.count == len(values)
