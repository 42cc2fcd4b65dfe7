"""Disputes, resolutions, settlements and refunds in the order machine: what they move, and what they do not."""

from __future__ import annotations

import re
from itertools import combinations, product
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import Sat
from rein.btc.networks import NETWORKS, Network
from rein.errors import AuthorityError
from rein.protocol.documents import Role
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, State, fold
from rein.protocol.signed import Signed, verify
from rein.protocol.values import DocumentId
from tests.support.hostile import kept_apart, of_other_orders
from tests.support.hostile_disputes import kept_apart_in_disputes, of_other_disputes
from tests.support.people import (
    MEDIATOR_PSBT,
    PRICE,
    accept,
    accept_resolution,
    bid,
    creator_dispute,
    delivery,
    disputed_story,
    offer,
    person,
    refund,
    refunded_story,
    resolution,
    respelled,
    settlement,
    story,
    worker_dispute,
)

TOLD, DISPUTED, REFUNDED = story(), disputed_story(), refunded_story()
BID, OFFER, DELIVERY, ACCEPTANCE = TOLD.documents
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
BEFORE = (BID, OFFER, DELIVERY)
QUARREL = (*BEFORE, DISPUTED.dispute)

FUNDED = Evidence(funded=True)
PAID = Evidence(True, True, True)
PAID_BACK = Evidence(True, True, True, True)
HOSTILE = kept_apart_in_disputes()

PROTEST = worker_dispute(CHARLIE, ACCEPTANCE)
OTHER_RESOLUTION = resolution(ALICE, DISPUTED.dispute, worker_amount=PRICE)
SAME_AWARD = resolution(ALICE, DISPUTED.counter, primary_psbt=MEDIATOR_PSBT)
OTHER_ACCEPTANCE = accept(BOB, DELIVERY, primary_psbt=MEDIATOR_PSBT)
OTHER_OFFER = offer(BOB, BID, TOLD.job, primary_amount=Sat(OFFER.document.primary_amount + 1))


def folded(*documents: Signed[Any], evidence: Evidence = NO_EVIDENCE, offer_id: DocumentId | None = None) -> Order:
    return fold(TOLD.job, documents, TOLD.enrollments, evidence, offer_id=offer_id)


def counts(order: Order) -> tuple[Any, ...]:
    """All that counts in an order."""
    return (
        order.state,
        order.documents(),
        order.offer,
        order.bid,
        order.delivery,
        order.acceptance,
        order.acceptances,
        order.conflict,
    )


# ---- the stories, step by step

STEPS: dict[str, tuple[tuple[Signed[Any], ...], Evidence, State]] = {
    "posted": ((), NO_EVIDENCE, State.POSTED),
    "offered": ((BID, OFFER), NO_EVIDENCE, State.OFFERED),
    "delivered": (BEFORE, FUNDED, State.DELIVERED),
    "disputed": (QUARREL, FUNDED, State.DISPUTED),
    "disputed by both": ((*QUARREL, DISPUTED.counter), FUNDED, State.DISPUTED),
    "settlement proposed": (DISPUTED.documents[:6], FUNDED, State.DISPUTED),
    "resolved": (DISPUTED.documents[:7], FUNDED, State.RESOLVED),
    "resolution taken": (DISPUTED.documents, FUNDED, State.RESOLVED),
    "settled": (DISPUTED.documents, PAID, State.SETTLED),
    "refund asked": (REFUNDED.documents[:3], FUNDED, State.FUNDED),
    "refund agreed": (REFUNDED.documents, FUNDED, State.FUNDED),
    "refunded": (REFUNDED.documents, PAID_BACK, State.REFUNDED),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_stories_go_step_by_step(name: str) -> None:
    documents, evidence, state = STEPS[name]
    order = folded(*documents, evidence=evidence)
    assert order.state is state
    assert order.documents() == (TOLD.job, *documents)
    assert order.rejected == order.conflict == ()
    assert order.is_over == (name in ("settled", "refunded"))


def test_a_disputed_order_holds_the_whole_quarrel() -> None:
    order = folded(*DISPUTED.documents, evidence=FUNDED)
    assert order.disputes == (DISPUTED.dispute, DISPUTED.counter)
    assert order.settlements == (DISPUTED.settlement,)
    assert order.resolutions == (DISPUTED.resolution,)
    assert order.accepted_resolutions == (DISPUTED.accepted,)
    assert (order.refunds, order.acceptance, order.acceptances) == ((), None, ())
    assert folded(*REFUNDED.documents).refunds == (REFUNDED.asked, REFUNDED.agreed)


def test_everybody_in_the_order_has_an_address() -> None:
    order = folded(*DISPUTED.documents)
    people = {Role.CREATOR: BOB, Role.WORKER: CHARLIE, Role.MEDIATOR: ALICE}
    assert {role: order.master_address(role) for role in Role} == {
        role: who.master_address for role, who in people.items()
    }
    assert folded(BID).master_address(Role.WORKER) is None


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_stories_are_the_same_on_every_network(network: Network) -> None:
    told = disputed_story(network)
    known, posted = told.before.enrollments, told.before.job
    assert fold(posted, told.documents, known, FUNDED).state is State.RESOLVED
    assert fold(posted, refunded_story(network).documents, known, PAID_BACK).state is State.REFUNDED


NAMED: dict[str, Signed[Any]] = {
    "bid": BID,
    "offer": OFFER,
    "delivery": DELIVERY,
    "dispute": DISPUTED.dispute,
    "acceptance": ACCEPTANCE,
    "protest": PROTEST,
    "resolution": DISPUTED.resolution,
    "settlement": DISPUTED.settlement,
    "refund": REFUNDED.asked,
}
NEEDS = {
    "offer": "bid",
    "delivery": "offer",
    "dispute": "delivery",
    "acceptance": "delivery",
    "protest": "acceptance",
    "resolution": "dispute",
    "settlement": "offer",
    "refund": "offer",
}


def expected_state(present: set[str], evidence: Evidence) -> tuple[set[str], State]:
    """What counts of these documents, and the state, written as the conditions a person would name."""
    there = set(present)
    while lost := {each for each in there if each in NEEDS and NEEDS[each] not in there}:
        there -= lost
    if "offer" not in there:
        return there, State.BID if "bid" in there else State.POSTED
    if evidence.primary_paid and evidence.mediator_paid:
        return there, State.REFUNDED if evidence.refunded else State.SETTLED
    disputed = State.RESOLVED if "resolution" in there else State.DISPUTED
    if "protest" in there:
        return there, disputed
    if "acceptance" in there and (evidence.funded or "dispute" in there):
        return there, State.ACCEPTED
    if "dispute" in there:
        return there, disputed
    if not evidence.funded:
        return there, State.OFFERED
    return there, State.DELIVERED if "delivery" in there else State.FUNDED


def test_every_part_of_the_stories_with_every_evidence() -> None:
    reached = set()
    for size in range(len(NAMED) + 1):
        for present in combinations(NAMED, size):
            documents = [NAMED[each] for each in present]
            for flags in product((False, True), repeat=4):
                evidence = Evidence(*flags)
                there, state = expected_state(set(present), evidence)
                order = folded(*documents, evidence=evidence)
                assert order.state is state, (present, evidence)
                assert set(order.documents()) == {TOLD.job, *(NAMED[each] for each in there)}
                assert {each.document for each in order.rejected} == {NAMED[each] for each in set(present) - there}
                reached.add(state)
    assert reached == set(State) - {State.FROZEN}


# ---- laws


EVERYTHING: tuple[Signed[Any], ...] = (
    *DISPUTED.documents,
    ACCEPTANCE,
    PROTEST,
    OTHER_RESOLUTION,
    SAME_AWARD,
    accept_resolution(BOB, OTHER_RESOLUTION, role=Role.CREATOR),
    REFUNDED.asked,
    REFUNDED.agreed,
    refund(ALICE, OFFER, role=Role.MEDIATOR),
    settlement(CHARLIE, OFFER, role=Role.WORKER),
    creator_dispute(BOB, OFFER),
    worker_dispute(CHARLIE, OFFER),
    OTHER_ACCEPTANCE,
    OTHER_OFFER,
    settlement(BOB, OTHER_OFFER),
    creator_dispute(BOB, OTHER_OFFER),
    delivery(CHARLIE, OTHER_OFFER),
    creator_dispute(BOB, ACCEPTANCE),
    *(each.signed for each in list(HOSTILE.values())[::6]),
)
evidences = st.builds(Evidence, st.booleans(), st.booleans(), st.booleans(), st.booleans())
offer_ids = st.sampled_from([None, OFFER.id, OTHER_OFFER.id, BID.id])


def shape(order: Order) -> tuple[Any, ...]:
    return (*counts(order), [(each.document.id, each.reason.message) for each in order.rejected])


@given(st.permutations(DISPUTED.documents), evidences)
def test_the_quarrel_folds_to_the_same_in_any_order(shuffled: list[Signed[Any]], evidence: Evidence) -> None:
    assert folded(*shuffled, evidence=evidence) == folded(*DISPUTED.documents, evidence=evidence)


@given(st.lists(st.sampled_from(EVERYTHING)), st.randoms(use_true_random=False), evidences, offer_ids)
def test_any_part_in_any_order_folds_to_the_same(
    part: list[Signed[Any]], random: Any, evidence: Evidence, offer_id: DocumentId | None
) -> None:
    shuffled = [*part, *part[:3]]
    random.shuffle(shuffled)
    one = folded(*part, evidence=evidence, offer_id=offer_id)
    assert shape(one) == shape(folded(*shuffled, evidence=evidence, offer_id=offer_id))


@given(st.lists(st.sampled_from(EVERYTHING)), evidences, offer_ids)
def test_every_document_counts_once_or_conflicts_or_is_apart(
    part: list[Signed[Any]], evidence: Evidence, offer_id: DocumentId | None
) -> None:
    order = folded(*part, evidence=evidence, offer_id=offer_id)
    counted, conflict = order.documents(), order.conflict
    apart = [each.document for each in order.rejected]
    everything = [*counted, *conflict, *apart]
    assert len(everything) == len(set(everything))
    assert set(everything) == {TOLD.job, *part}
    # What counts, alone, is the same order, as long as there is no conflict to leave out.
    if not conflict:
        again = folded(*counted, evidence=evidence, offer_id=offer_id)
        assert counts(again) == counts(order)
        assert again.rejected == ()


@given(st.sets(st.sampled_from(EVERYTHING)), evidences, offer_ids)
def test_conflict_and_frozen_go_together_unless_the_creator_has_accepted_or_it_is_over(
    part: set[Signed[Any]], evidence: Evidence, offer_id: DocumentId | None
) -> None:
    order = folded(*part, evidence=evidence, offer_id=offer_id)
    if order.state is State.FROZEN:
        assert order.conflict
    if order.conflict:
        assert order.state in (State.FROZEN, State.ACCEPTED, State.SETTLED, State.REFUNDED)
        if order.state is State.ACCEPTED:
            assert order.acceptance is not None
            assert OFFER not in order.conflict


@given(st.sets(st.sampled_from(EVERYTHING)), offer_ids)
def test_documents_alone_end_nothing(part: set[Signed[Any]], offer_id: DocumentId | None) -> None:
    """Only the chain says that money has moved."""
    for evidence in (NO_EVIDENCE, FUNDED, Evidence(refunded=True), Evidence(True, True), Evidence(True, False, True)):
        assert not folded(*part, evidence=evidence, offer_id=offer_id).is_over


@given(st.permutations(DISPUTED.documents))
def test_the_quarrel_under_other_signatures_is_the_same(shuffled: list[Signed[Any]]) -> None:
    again = [verify(respelled(signed.armored)) for signed in shuffled]
    order = folded(*shuffled, *again, evidence=FUNDED)
    assert order == folded(*DISPUTED.documents, evidence=FUNDED)
    assert order.conflict == ()


# ---- what has no right to speak


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_kept_apart_with_the_reason_and_changes_nothing(name: str) -> None:
    hostile = HOSTILE[name]
    for documents, evidence, _ in STEPS.values():
        before = folded(*documents, evidence=evidence)
        after = folded(hostile.signed, *documents, evidence=evidence)
        assert counts(after) == counts(before)
        assert [each.document for each in after.rejected] == [hostile.signed]
    last = folded(hostile.signed, *DISPUTED.documents, evidence=FUNDED).rejected[0]
    assert type(last.reason) is AuthorityError
    assert last.reason.code == "not_authorised"
    assert hostile.why in last.reason.message


def test_the_reasons_in_full() -> None:
    """As people read them; an address stands for every address."""
    address = re.compile(r"\b[mn2][1-9A-HJ-NP-Za-km-z]{25,34}\b")
    found = [folded(each.signed, *DISPUTED.documents).rejected[0].reason.message for each in HOSTILE.values()]
    answered = ("a dispute", "a resolution", "the offer", "the offer, a delivery or an acceptance")
    assert {address.sub("ADDRESS", each) for each in found} == {
        *(f"the document it answers is not {what} of this job that counts here" for what in answered),
        *(f"ADDRESS is not the {role.value} of this job" for role in Role),
        "ADDRESS is not a delegate that ADDRESS enrolled",
        "it gives away 2100000000000000 sat of a price of 5000000 sat",
        "it gives away 5000546 sat of a price of 5000000 sat",
        "it is for mainnet, the job for regtest",
        "its Job ID or job name is not that of the job document it names",
        "the enrollment of ADDRESS is not known here",
    }


def test_all_of_them_together_change_nothing() -> None:
    before = kept_apart()
    everything = [each.signed for each in (*HOSTILE.values(), *before.values())]
    for documents, evidence, _ in STEPS.values():
        order = folded(*everything, *of_other_orders(), *of_other_disputes(), *documents, evidence=evidence)
        assert counts(order) == counts(folded(*documents, evidence=evidence))


@pytest.mark.parametrize("signed", of_other_disputes(), ids=lambda signed: signed.document.KIND.value)
def test_what_belongs_to_another_job_is_passed_over(signed: Signed[Any]) -> None:
    order = folded(signed, *DISPUTED.documents, evidence=FUNDED)
    assert order == folded(*DISPUTED.documents, evidence=FUNDED)


def test_a_quarrel_waits_apart_until_what_it_answers_is_here() -> None:
    for missing in (*BEFORE, DISPUTED.dispute):
        part = [each for each in DISPUTED.documents if each != missing]
        order = folded(*part, evidence=FUNDED)
        assert order.resolutions == ()
        assert order.state is not State.RESOLVED
        assert DISPUTED.resolution in {each.document for each in order.rejected}
        assert folded(*part, missing, evidence=FUNDED).state is State.RESOLVED


# ---- disputes


@pytest.mark.parametrize("evidence", [NO_EVIDENCE, FUNDED], ids=["unfunded", "funded"])
@pytest.mark.parametrize("delivered", [False, True], ids=["undelivered", "delivered"])
def test_either_may_dispute_from_the_offer_on(delivered: bool, evidence: Evidence) -> None:
    before = BEFORE if delivered else BEFORE[:2]
    for complaint in (creator_dispute(BOB, before[-1]), worker_dispute(CHARLIE, before[-1])):
        order = folded(*before, complaint, evidence=evidence)
        assert order.state is State.DISPUTED
        assert order.disputes == (complaint,)


def test_work_goes_on_during_a_dispute() -> None:
    second = delivery(CHARLIE, DELIVERY, deliverables="with the hello")
    order = folded(*QUARREL, second, evidence=FUNDED)
    assert order.state is State.DISPUTED
    assert order.delivery == second
    assert folded(*QUARREL, second, accept(BOB, second), evidence=FUNDED).state is State.ACCEPTED


def test_they_may_agree_during_a_dispute() -> None:
    order = folded(*QUARREL, DISPUTED.counter, ACCEPTANCE, evidence=FUNDED)
    assert order.state is State.ACCEPTED
    assert order.acceptance == ACCEPTANCE
    assert folded(*QUARREL, ACCEPTANCE, evidence=PAID).state is State.SETTLED


def test_an_acceptance_stands_whatever_the_mediator_then_decides() -> None:
    """The creator owes the whole price by it: nobody else's word lowers that."""
    for decisions in ((DISPUTED.resolution,), (OTHER_RESOLUTION,), (DISPUTED.resolution, OTHER_RESOLUTION)):
        order = folded(*QUARREL, ACCEPTANCE, *decisions, evidence=FUNDED)
        assert order.state is State.ACCEPTED
        assert order.acceptances == (ACCEPTANCE,)


# ---- a protest against an acceptance


def test_the_worker_may_protest_against_an_acceptance_that_pays_nothing() -> None:
    for before in (BEFORE, QUARREL):
        order = folded(*before, ACCEPTANCE, PROTEST, evidence=FUNDED)
        assert order.state is State.DISPUTED
        assert order.acceptance == ACCEPTANCE
        assert PROTEST in order.disputes
        decided = folded(*before, ACCEPTANCE, PROTEST, resolution(ALICE, PROTEST), evidence=FUNDED)
        assert decided.state is State.RESOLVED


def test_an_empty_acceptance_does_not_take_a_resolution_away() -> None:
    """The creator lost, and signs an acceptance with worthless payments: a protest brings the resolution back."""
    assert folded(*DISPUTED.documents, ACCEPTANCE, evidence=FUNDED).state is State.ACCEPTED
    assert folded(*DISPUTED.documents, ACCEPTANCE, PROTEST, evidence=FUNDED).state is State.RESOLVED


def test_a_protest_does_not_take_back_what_is_owed_or_paid() -> None:
    order = folded(*BEFORE, ACCEPTANCE, PROTEST, evidence=FUNDED)
    assert order.acceptances == (ACCEPTANCE,)
    assert folded(*BEFORE, ACCEPTANCE, PROTEST, evidence=PAID).state is State.SETTLED


def test_who_accepted_does_not_take_it_back_by_a_dispute() -> None:
    regret = creator_dispute(BOB, ACCEPTANCE)
    for before in (BEFORE, QUARREL):
        order = folded(*before, ACCEPTANCE, regret, evidence=FUNDED)
        assert order.state is State.ACCEPTED
        [apart] = order.rejected
        assert apart.document == regret
        assert apart.reason.message == "who accepted a delivery does not take it back by a dispute"
    late = creator_dispute(BOB, DELIVERY, detail="On second thoughts.", block_height=900)
    assert folded(*BEFORE, ACCEPTANCE, late, evidence=FUNDED).state is State.ACCEPTED


def test_a_protest_waits_for_the_acceptance() -> None:
    order = folded(*BEFORE, PROTEST, evidence=FUNDED)
    assert order.state is State.DELIVERED
    assert [each.document for each in order.rejected] == [PROTEST]


# ---- resolutions


def test_two_resolutions_with_different_awards_freeze_the_job_and_are_the_evidence() -> None:
    of_the_counter = resolution(ALICE, DISPUTED.counter, worker_amount=Sat(0))
    for other in (OTHER_RESOLUTION, of_the_counter):
        order = folded(*DISPUTED.documents, other, evidence=FUNDED)
        assert order.state is State.FROZEN
        assert set(order.conflict) == {DISPUTED.resolution, other}
        assert set(order.resolutions) == {DISPUTED.resolution, other}
        assert not set(order.conflict) & set(order.documents())
        assert DISPUTED.accepted in order.documents()


def test_the_same_award_signed_anew_is_no_conflict() -> None:
    order = folded(*DISPUTED.documents, SAME_AWARD, evidence=FUNDED)
    assert order.state is State.RESOLVED
    assert order.conflict == ()
    assert set(order.resolutions) == {DISPUTED.resolution, SAME_AWARD}
    anew = accept_resolution(CHARLIE, SAME_AWARD)
    assert set(folded(*DISPUTED.documents, SAME_AWARD, anew).accepted_resolutions) == {DISPUTED.accepted, anew}
    other = folded(*DISPUTED.documents, SAME_AWARD, OTHER_RESOLUTION, evidence=FUNDED)
    assert set(other.conflict) == {DISPUTED.resolution, SAME_AWARD, OTHER_RESOLUTION}


def test_both_may_take_a_resolution() -> None:
    by_bob = accept_resolution(BOB, DISPUTED.resolution, role=Role.CREATOR)
    order = folded(*DISPUTED.documents, by_bob, evidence=FUNDED)
    assert order.state is State.RESOLVED
    assert set(order.accepted_resolutions) == {by_bob, DISPUTED.accepted}


@pytest.mark.parametrize("worker", [Sat(0), Sat(546), Sat(PRICE - 546), PRICE])
def test_a_resolution_may_award_everything_nothing_or_any_split(worker: Sat) -> None:
    decision = resolution(ALICE, DISPUTED.dispute, worker_amount=worker)
    order = folded(*QUARREL, decision, evidence=FUNDED)
    assert order.state is State.RESOLVED
    assert order.resolutions == (decision,)


def test_a_frozen_job_still_ends_when_the_money_has_moved() -> None:
    frozen = (*DISPUTED.documents, OTHER_RESOLUTION)
    assert folded(*frozen, evidence=Evidence(True, True, False)).state is State.FROZEN
    assert folded(*frozen, evidence=PAID).state is State.SETTLED
    assert folded(*frozen, evidence=PAID_BACK).state is State.REFUNDED


# ---- settlements and refunds


def test_a_proposal_moves_nothing_until_the_money_does() -> None:
    proposals = [
        settlement(BOB, OFFER),
        settlement(BOB, OFFER, worker_amount=Sat(1_000_000)),
        settlement(CHARLIE, OFFER, role=Role.WORKER, worker_amount=PRICE),
        refund(BOB, OFFER),
        refund(ALICE, OFFER, role=Role.MEDIATOR),
    ]
    for documents, evidence, _ in list(STEPS.values())[1:]:
        before = folded(*documents, evidence=evidence)
        after = folded(*documents, *proposals, evidence=evidence)
        assert after.state is before.state
        assert after.conflict == after.rejected == ()
        assert set(after.settlements) >= set(proposals[:3])
        assert set(after.refunds) >= set(proposals[3:])


def test_a_settlement_may_give_less_than_the_price_and_no_more() -> None:
    less = settlement(BOB, OFFER, worker_amount=Sat(546), creator_amount=Sat(0))
    assert folded(BID, OFFER, less).settlements == (less,)
    more = settlement(BOB, OFFER, worker_amount=PRICE, creator_amount=Sat(546))
    assert [each.document for each in folded(BID, OFFER, more).rejected] == [more]


@pytest.mark.parametrize("documents", [BEFORE[:2], BEFORE, QUARREL, (*BEFORE, ACCEPTANCE), DISPUTED.documents])
def test_the_chain_says_how_it_ended(documents: tuple[Signed[Any], ...]) -> None:
    for funded in (False, True):
        assert folded(*documents, evidence=Evidence(funded, True, True, False)).state is State.SETTLED
        assert folded(*documents, evidence=Evidence(funded, True, True, True)).state is State.REFUNDED


# ---- one of several offers, looked at


def test_one_of_several_offers_can_be_looked_at() -> None:
    """Both escrows may hold money: what was agreed in each must be seen, though the job stays frozen."""
    documents = (*DISPUTED.documents, OTHER_OFFER)
    none = folded(*documents, evidence=FUNDED)
    assert (none.state, none.offer, none.bid) == (State.FROZEN, None, None)
    assert {each.document for each in none.rejected} == set(DISPUTED.documents) - {BID, OFFER}

    one = folded(*documents, evidence=FUNDED, offer_id=OFFER.id)
    assert (one.state, one.offer, one.bid, one.delivery) == (State.FROZEN, OFFER, BID, DELIVERY)
    assert set(one.conflict) == {OFFER, OTHER_OFFER}
    assert one.resolutions == (DISPUTED.resolution,)
    assert one.rejected == ()
    assert one.documents() == (TOLD.job, *(each for each in DISPUTED.documents if each != OFFER))

    other = folded(*documents, evidence=FUNDED, offer_id=OTHER_OFFER.id)
    assert (other.state, other.offer, other.deliveries, other.disputes) == (State.FROZEN, OTHER_OFFER, (), ())
    assert {each.document for each in other.rejected} == set(DISPUTED.documents) - {BID, OFFER}
    assert other.documents() == (TOLD.job, BID)


def test_an_offer_that_is_looked_at_ends_as_the_chain_says() -> None:
    for offer_id in (None, OFFER.id, OTHER_OFFER.id):
        documents = (*DISPUTED.documents, OTHER_OFFER)
        assert folded(*documents, evidence=PAID, offer_id=offer_id).state is State.SETTLED
        assert folded(*documents, evidence=PAID_BACK, offer_id=offer_id).state is State.REFUNDED


def test_an_acceptance_under_one_of_two_offers_does_not_thaw_the_job() -> None:
    for documents in (TOLD.documents, (*DISPUTED.documents, ACCEPTANCE)):
        order = folded(*documents, OTHER_OFFER, evidence=FUNDED, offer_id=OFFER.id)
        assert order.state is State.FROZEN
        assert order.acceptances == (ACCEPTANCE,)


def test_what_answers_each_of_two_offers_is_measured_by_its_own_bid() -> None:
    cheap = bid(MALLORY, TOLD.job, amount=Sat(1_000_000))
    other = offer(BOB, cheap, TOLD.job)
    by_mallory = delivery(MALLORY, other)
    complaint = creator_dispute(BOB, by_mallory)
    decision = resolution(ALICE, complaint, Sat(1_000_000))
    documents = (*DISPUTED.documents, cheap, other, by_mallory, complaint, decision)
    one = folded(*documents, offer_id=OFFER.id)
    assert (one.bid, one.resolutions, one.master_address(Role.WORKER)) == (
        BID,
        (DISPUTED.resolution,),
        CHARLIE.master_address,
    )
    two = folded(*documents, offer_id=other.id)
    assert (two.bid, two.resolutions, two.master_address(Role.WORKER)) == (cheap, (decision,), MALLORY.master_address)
    assert set(one.conflict) == set(two.conflict) == {OFFER, other}


def test_a_single_offer_is_looked_at_whatever_is_asked_for() -> None:
    for offer_id in (None, OFFER.id, OTHER_OFFER.id):
        assert folded(*DISPUTED.documents, evidence=FUNDED, offer_id=offer_id).state is State.RESOLVED
    assert folded(*DISPUTED.documents, OTHER_OFFER, offer_id=BID.id).offer is None


def test_conflicts_below_a_conflict_are_shown_beside_it() -> None:
    documents = (*DISPUTED.documents, OTHER_OFFER, ACCEPTANCE, OTHER_ACCEPTANCE, OTHER_RESOLUTION)
    order = folded(*documents, evidence=FUNDED, offer_id=OFFER.id)
    assert order.state is State.FROZEN
    assert set(order.conflict) == {
        OFFER,
        OTHER_OFFER,
        ACCEPTANCE,
        OTHER_ACCEPTANCE,
        DISPUTED.resolution,
        OTHER_RESOLUTION,
    }
    assert set(order.acceptances) == {ACCEPTANCE, OTHER_ACCEPTANCE}
    assert not set(order.documents()) & set(order.conflict)


# ---- much of it


@pytest.mark.long
def test_a_long_quarrel_takes_no_long_time() -> None:
    """Three people may publish thousands of documents at each other. Each is looked at once."""
    many = range(1_000, 2_500)
    loud = [worker_dispute(CHARLIE, ACCEPTANCE, detail=f"{number}") for number in many]
    empty = [accept(BOB, DELIVERY, block_height=number) for number in many]
    decisions = [resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(number)) for number in many]
    started = process_time()
    order = folded(*QUARREL, ACCEPTANCE, *loud, *empty, *decisions, evidence=FUNDED)
    folding = process_time() - started
    documents = order.documents()
    listing = process_time() - started - folding
    assert folding < 1
    assert listing < folding, "each of the conflicting documents was compared with each other"
    assert len(documents) == 1 + len(QUARREL) + len(loud)
    assert order.state is State.FROZEN
    assert len(order.conflict) == 1 + 2 * len(many)
