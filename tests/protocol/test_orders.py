"""The order machine: one state, whatever arrives, in whatever order, from whomever."""

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
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import (
    NO_EVIDENCE,
    TRANSITIONS,
    Evidence,
    Order,
    State,
    Trigger,
    check_job,
    fold,
    run,
)
from rein.protocol.signed import Signed, verify
from rein.protocol.values import BasisPoints
from tests.support.hostile import in_the_name_of_its_author, kept_apart, of_other_orders
from tests.support.people import (
    MEDIATOR_PSBT,
    PRICE,
    accept,
    bid,
    creator_dispute,
    delivery,
    disputed_story,
    enroll,
    job,
    offer,
    person,
    refunded_story,
    resolution,
    respelled,
    story,
    worker_dispute,
)

TOLD, DISPUTED = story(), disputed_story()
BID, OFFER, DELIVERY, ACCEPTANCE = TOLD.documents
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")

FUNDED = Evidence(funded=True)
PAID = Evidence(funded=True, primary_paid=True, mediator_paid=True)
HOSTILE = kept_apart()

OTHER_BID = bid(MALLORY, TOLD.job)
OTHER_OFFER = offer(BOB, BID, TOLD.job, primary_amount=Sat(OFFER.document.primary_amount + 1))
OFFER_OF_OTHER_BID = offer(BOB, OTHER_BID, TOLD.job)
OTHER_ACCEPTANCE = accept(BOB, DELIVERY, primary_psbt=MEDIATOR_PSBT)


def folded(*documents: Signed[Any], evidence: Evidence = NO_EVIDENCE) -> Order:
    return fold(TOLD.job, documents, TOLD.enrollments, evidence)


def shape(order: Order) -> tuple[Any, ...]:
    """All that an order says. (Two `Rejected` are never equal, because two exceptions never are.)"""
    return (
        order.state,
        order.evidence,
        [signed.id for signed in order.documents()],
        order.offer,
        order.bid,
        order.acceptance,
        order.settlements,
        order.refunds,
        order.disputes,
        order.resolutions,
        order.accepted_resolutions,
        order.conflict,
        [(each.document.id, type(each.reason), each.reason.message) for each in order.rejected],
    )


# ---- the story, step by step

STEPS: dict[str, tuple[tuple[Signed[Any], ...], Evidence, State]] = {
    "posted": ((), NO_EVIDENCE, State.POSTED),
    "bid": ((BID,), NO_EVIDENCE, State.BID),
    "offered": ((BID, OFFER), NO_EVIDENCE, State.OFFERED),
    "funded": ((BID, OFFER), FUNDED, State.FUNDED),
    "delivered": ((BID, OFFER, DELIVERY), FUNDED, State.DELIVERED),
    "accepted": ((BID, OFFER, DELIVERY, ACCEPTANCE), FUNDED, State.ACCEPTED),
    "settled": ((BID, OFFER, DELIVERY, ACCEPTANCE), PAID, State.SETTLED),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_story_goes_forward_step_by_step(name: str) -> None:
    documents, evidence, state = STEPS[name]
    order = folded(*documents, evidence=evidence)
    assert order.state is state
    assert order.state.value == name
    assert order.documents() == (TOLD.job, *documents)
    assert order.evidence == evidence
    assert order.rejected == ()
    assert order.conflict == ()
    assert order.id == TOLD.job.id


def test_a_settled_order_holds_the_whole_story() -> None:
    order = folded(*TOLD.documents, evidence=PAID)
    assert (order.job, order.bids, order.bid, order.offer) == (TOLD.job, (BID,), BID, OFFER)
    assert (order.deliveries, order.delivery, order.acceptance) == ((DELIVERY,), DELIVERY, ACCEPTANCE)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_story_is_the_same_on_every_network(network: Network) -> None:
    told = story(network)
    assert fold(told.job, told.documents, told.enrollments, PAID).state is State.SETTLED


def expected_state(present: set[str], evidence: Evidence) -> State:
    """The ladder, written as the conditions a person would name."""
    if not {"bid"} <= present:
        return State.POSTED
    if not {"bid", "offer"} <= present:
        return State.BID
    if evidence.primary_paid and evidence.mediator_paid:
        return State.REFUNDED if evidence.refunded else State.SETTLED
    if not evidence.funded:
        return State.OFFERED
    if not {"bid", "offer", "delivery"} <= present:
        return State.FUNDED
    if not {"bid", "offer", "delivery", "acceptance"} <= present:
        return State.DELIVERED
    return State.ACCEPTED


def test_every_part_of_the_story_with_every_evidence() -> None:
    named = dict(zip(("bid", "offer", "delivery", "acceptance"), TOLD.documents, strict=True))
    reached = set()
    for size in range(len(named) + 1):
        for present in combinations(named, size):
            for flags in product((False, True), repeat=4):
                evidence = Evidence(*flags)
                order = folded(*(named[each] for each in present), evidence=evidence)
                assert order.state is expected_state(set(present), evidence), (present, evidence)
                assert len(order.documents()) + len(order.rejected) == 1 + len(present)
                reached.add(order.state)
    assert reached == set(State) - {State.FROZEN, State.DISPUTED, State.RESOLVED}


def test_a_delivery_before_the_money_is_there_waits_for_it() -> None:
    early = folded(*TOLD.documents)
    assert early.state is State.OFFERED
    assert early.acceptance == ACCEPTANCE
    assert folded(*TOLD.documents, evidence=FUNDED).state is State.ACCEPTED


@pytest.mark.parametrize("evidence", [Evidence(True, True, False), Evidence(True, False, True)])
def test_one_payment_of_two_settles_nothing(evidence: Evidence) -> None:
    assert folded(*TOLD.documents, evidence=evidence).state is State.ACCEPTED


# ---- the machine


def test_a_row_leads_from_a_state_to_another_by_one_event() -> None:
    assert all(before is not after for (before, _), after in TRANSITIONS.items())
    assert {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values()) == set(State)
    assert {event for _, event in TRANSITIONS} == set(Trigger)


def test_a_state_depends_on_the_sequence_of_triggers() -> None:
    """The same triggers in another sequence lead elsewhere, and the fold names them in a fixed one."""
    begun = (Trigger.BID, Trigger.OFFER, Trigger.FUNDING, Trigger.DELIVERY)
    assert run([*begun, Trigger.DISPUTE, Trigger.ACCEPTANCE]) is State.ACCEPTED
    assert run([*begun, Trigger.ACCEPTANCE, Trigger.DISPUTE]) is State.DISPUTED


DISPUTE, RESOLUTION = DISPUTED.dispute, DISPUTED.resolution
OFFER_DISPUTED = creator_dispute(BOB, OFFER)
DOCUMENTS_TO: dict[State, tuple[tuple[Signed[Any], ...], Evidence]] = {
    **{STEPS[name][2]: STEPS[name][:2] for name in ("offered", "funded", "delivered", "accepted")},
    State.DISPUTED: ((BID, OFFER, DELIVERY, DISPUTE), FUNDED),
    State.RESOLVED: ((BID, OFFER, DELIVERY, DISPUTE, RESOLUTION), FUNDED),
    State.FROZEN: ((*TOLD.documents, OTHER_ACCEPTANCE), FUNDED),
}
"""Documents and evidence for each state from which money may end a job."""

REACHED: dict[tuple[State, Trigger], tuple[tuple[Signed[Any], ...], Evidence]] = {
    (State.POSTED, Trigger.BID): STEPS["bid"][:2],
    (State.BID, Trigger.OFFER): STEPS["offered"][:2],
    (State.OFFERED, Trigger.FUNDING): STEPS["funded"][:2],
    (State.FUNDED, Trigger.DELIVERY): STEPS["delivered"][:2],
    (State.DELIVERED, Trigger.ACCEPTANCE): STEPS["accepted"][:2],
    (State.OFFERED, Trigger.DISPUTE): ((BID, OFFER, OFFER_DISPUTED), NO_EVIDENCE),
    (State.FUNDED, Trigger.DISPUTE): ((BID, OFFER, OFFER_DISPUTED), FUNDED),
    (State.DELIVERED, Trigger.DISPUTE): ((BID, OFFER, DELIVERY, DISPUTE), FUNDED),
    (State.ACCEPTED, Trigger.DISPUTE): ((*TOLD.documents, worker_dispute(CHARLIE, ACCEPTANCE)), FUNDED),
    (State.DISPUTED, Trigger.ACCEPTANCE): ((*TOLD.documents, DISPUTE), FUNDED),
    (State.DISPUTED, Trigger.RESOLUTION): ((BID, OFFER, DELIVERY, DISPUTE, RESOLUTION), FUNDED),
    (State.BID, Trigger.CONFLICT): ((BID, OFFER, OTHER_OFFER), NO_EVIDENCE),
    (State.OFFERED, Trigger.CONFLICT): ((*TOLD.documents, OTHER_ACCEPTANCE), NO_EVIDENCE),
    (State.DELIVERED, Trigger.CONFLICT): ((*TOLD.documents, OTHER_ACCEPTANCE), FUNDED),
    (State.DISPUTED, Trigger.CONFLICT): ((*TOLD.documents, DISPUTE, OTHER_ACCEPTANCE), FUNDED),
    (State.RESOLVED, Trigger.CONFLICT): (
        (BID, OFFER, DELIVERY, DISPUTE, RESOLUTION, resolution(ALICE, DISPUTE, worker_amount=PRICE)),
        FUNDED,
    ),
    **{
        (state, event): (documents, Evidence(before.funded, True, True, event is Trigger.REFUND))
        for state, (documents, before) in DOCUMENTS_TO.items()
        for event in (Trigger.PAYMENT, Trigger.REFUND)
    },
}
"""Documents and evidence whose last event is the one of the row."""

UNREACHABLE = {
    (
        State.FUNDED,
        Trigger.CONFLICT,
    ): "two acceptances need a delivery, two offers leave none that could be funded, "
    "and two resolutions need a dispute",
}


@pytest.mark.parametrize("state", DOCUMENTS_TO, ids=lambda state: state.value)
def test_documents_lead_to_each_state_from_which_money_ends_a_job(state: State) -> None:
    documents, evidence = DOCUMENTS_TO[state]
    assert folded(*documents, evidence=evidence).state is state


@pytest.mark.parametrize("row", REACHED, ids=lambda row: f"{row[0].value} {row[1].value}")
def test_documents_and_evidence_take_each_row(row: tuple[State, Trigger]) -> None:
    documents, evidence = REACHED[row]
    assert folded(*documents, evidence=evidence).state is TRANSITIONS[row]


def test_every_other_row_has_a_reason() -> None:
    assert set(TRANSITIONS) == set(REACHED) | set(UNREACHABLE)
    assert not set(REACHED) & set(UNREACHABLE)


PATH_TO: dict[State, tuple[Trigger, ...]] = {
    State.POSTED: (),
    State.BID: (Trigger.BID,),
    State.OFFERED: (Trigger.BID, Trigger.OFFER),
    State.FUNDED: (Trigger.BID, Trigger.OFFER, Trigger.FUNDING),
    State.DELIVERED: (Trigger.BID, Trigger.OFFER, Trigger.FUNDING, Trigger.DELIVERY),
    State.ACCEPTED: (Trigger.BID, Trigger.OFFER, Trigger.FUNDING, Trigger.DELIVERY, Trigger.ACCEPTANCE),
    State.SETTLED: (Trigger.BID, Trigger.OFFER, Trigger.FUNDING, Trigger.DELIVERY, Trigger.ACCEPTANCE, Trigger.PAYMENT),
    State.DISPUTED: (Trigger.BID, Trigger.OFFER, Trigger.DISPUTE),
    State.RESOLVED: (Trigger.BID, Trigger.OFFER, Trigger.DISPUTE, Trigger.RESOLUTION),
    State.REFUNDED: (Trigger.BID, Trigger.OFFER, Trigger.REFUND),
    State.FROZEN: (Trigger.BID, Trigger.CONFLICT),
}


@pytest.mark.parametrize("event", Trigger)
@pytest.mark.parametrize("state", State)
def test_every_event_in_every_state(state: State, event: Trigger) -> None:
    assert run(PATH_TO[state]) is state
    assert run([*PATH_TO[state], event]) is TRANSITIONS.get((state, event), state)


ENDS = (State.SETTLED, State.REFUNDED)
MONEY = (Trigger.PAYMENT, Trigger.REFUND)


@pytest.mark.parametrize("end", ENDS)
def test_the_end_is_the_end(end: State) -> None:
    assert run([*PATH_TO[end], *Trigger, *Trigger]) is end


def test_nothing_but_money_leaves_frozen() -> None:
    others = [event for event in Trigger if event not in MONEY]
    assert run([*PATH_TO[State.FROZEN], *others, *others]) is State.FROZEN


def test_nothing_but_money_ends_a_job() -> None:
    assert {event for (_, event), after in TRANSITIONS.items() if after in ENDS} == set(MONEY)


LADDER = [state for state in State if state is not State.FROZEN]


def test_only_a_protest_leads_back() -> None:
    back = {
        (before, event)
        for (before, event), after in TRANSITIONS.items()
        if State.FROZEN not in (before, after) and LADDER.index(after) < LADDER.index(before)
    }
    assert back == {(State.ACCEPTED, Trigger.DISPUTE)}


@given(st.lists(st.sampled_from(Trigger)), st.lists(st.sampled_from(Trigger)))
def test_no_events_lead_back_or_outside(first: list[Trigger], then: list[Trigger]) -> None:
    before, after = run(first), run(first + then)
    assert before in State
    assert after in State
    if before in ENDS:
        assert after is before
    elif before is State.FROZEN:
        assert after in (State.FROZEN, *ENDS)
    elif after is not State.FROZEN:
        # An accepted job may be disputed once more; nothing leads back from there.
        lowest = min(before, State.DISPUTED, key=LADDER.index) if before is State.ACCEPTED else before
        assert LADDER.index(after) >= LADDER.index(lowest)


# ---- the order of arrival

QUARREL = (*DISPUTED.documents[3:], *refunded_story().documents[2:])
WHOLE = (*TOLD.documents, *QUARREL, *(each.signed for each in HOSTILE.values()), *of_other_orders(), OTHER_BID)
evidences = st.builds(Evidence, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(st.permutations(WHOLE), st.data(), evidences)
def test_any_order_and_repetition_folds_to_the_same(
    shuffled: list[Signed[Any]], data: st.DataObject, evidence: Evidence
) -> None:
    repeated = shuffled + data.draw(st.lists(st.sampled_from(WHOLE), max_size=10))
    assert shape(folded(*repeated, evidence=evidence)) == shape(folded(*WHOLE, evidence=evidence))


@given(st.lists(st.sampled_from([*WHOLE, OTHER_OFFER, OTHER_ACCEPTANCE, OFFER_OF_OTHER_BID])), st.randoms(), evidences)
def test_any_part_in_any_order_folds_to_the_same(part: list[Signed[Any]], random: Any, evidence: Evidence) -> None:
    shuffled = list(part)
    random.shuffle(shuffled)
    one, other = folded(*part, evidence=evidence), folded(*reversed(shuffled), evidence=evidence)
    assert shape(one) == shape(other)
    assert one.state in State


@given(st.permutations(TOLD.documents))
def test_a_document_under_another_signature_is_the_same_document(shuffled: list[Signed[Any]]) -> None:
    again = [verify(respelled(signed.armored)) for signed in shuffled]
    order = folded(*shuffled, *again, evidence=PAID)
    assert order.state is State.SETTLED
    assert order.conflict == ()
    assert order == folded(*TOLD.documents, evidence=PAID)


@given(st.lists(st.sampled_from(TOLD.documents)), st.lists(st.sampled_from(TOLD.documents)), evidences)
def test_more_of_the_story_never_leads_back(
    some: list[Signed[Any]], more: list[Signed[Any]], evidence: Evidence
) -> None:
    ladder = list(State)
    before, after = folded(*some), folded(*some, *more, evidence=evidence)
    assert ladder.index(after.state) >= ladder.index(before.state)
    assert after.state is not State.FROZEN


def test_the_enrollments_may_come_in_any_order() -> None:
    known = [enroll(ALICE, mediator=True), enroll(BOB), enroll(CHARLIE)]
    for shuffled in (known, known[::-1], [*known, *known]):
        assert fold(TOLD.job, TOLD.documents, Enrollments(shuffled), PAID).state is State.SETTLED


def test_a_document_whose_authors_enrollment_is_missing_waits_apart() -> None:
    without_charlie = Enrollments([enroll(ALICE, mediator=True), enroll(BOB)])
    order = fold(TOLD.job, TOLD.documents, without_charlie, PAID)
    assert order.state is State.POSTED
    assert {each.document.id for each in order.rejected} == {signed.id for signed in TOLD.documents}
    assert f"the enrollment of {CHARLIE.master_address} is not known here" in {e.reason.message for e in order.rejected}


# ---- what has no right to speak


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_kept_apart_with_the_reason_and_changes_nothing(name: str) -> None:
    hostile = HOSTILE[name]
    for documents, evidence, state in STEPS.values():
        before = folded(*documents, evidence=evidence)
        after = folded(hostile.signed, *documents, evidence=evidence)
        assert after.state is state
        assert shape(after)[:-1] == shape(before)[:-1]
        assert [each.document for each in after.rejected] == [hostile.signed]
    last = folded(hostile.signed, *TOLD.documents, evidence=PAID).rejected[0]
    assert type(last.reason) is AuthorityError
    assert last.reason.code == "not_authorised"
    assert hostile.why in last.reason.message


def test_the_reasons_in_full() -> None:
    """As people read them; an address stands for every address."""
    address = re.compile(r"\b[mn2][1-9A-HJ-NP-Za-km-z]{25,34}\b")
    found = [
        folded(each.signed, *TOLD.documents, evidence=PAID).rejected[0].reason.message for each in HOSTILE.values()
    ]
    quoted = (
        *("worker", "worker's master address", "bid amount", "primary escrow address", "mediator escrow address"),
        *("job creator's public key", "mediator's public key", "worker's public key"),
    )
    assert {address.sub("ADDRESS", each) for each in found} == {
        *(f"the {what} in the offer is not the one in the bid it answers" for what in quoted),
        "ADDRESS is not a delegate that ADDRESS enrolled",
        "a bid answers the job document, and this one answers something else",
        "it answers neither the offer nor a delivery that does",
        "it is for mainnet, the job for regtest",
        "its Job ID or job name is not that of the job document it names",
        "only the job creator may say this, and ADDRESS is somebody else",
        "only the worker of the offered bid may say this, and ADDRESS is somebody else",
        "the bid names another key of the job creator than the job",
        "the document it answers is not a bid of this job that counts here",
        "the document it answers is not a delivery of this job that counts here",
        "the enrollment of ADDRESS is not known here",
        "the mediator's escrow would not hold the mediator's fee and a miner's fee",
        "the mediator's key in the bid is not the one that belongs to this contract",
        "the primary escrow would not hold the price and a miner's fee",
        "the worker is also the job creator or the mediator",
        "two of the three escrow keys are the same",
    }


def test_the_money_is_named_by_the_offer_once_there_is_one() -> None:
    assert folded().contract_id == folded(BID).contract_id == TOLD.job.id
    assert folded(BID, OFFER).contract_id == folded(*TOLD.documents).contract_id == OFFER.id
    assert folded(BID, OFFER, OTHER_OFFER).contract_id == TOLD.job.id, "while two contradict each other"


@given(st.sampled_from(list(STEPS)), st.lists(st.sampled_from(sorted(HOSTILE))), st.randoms())
def test_any_number_of_them_changes_nothing(step: str, names: list[str], random: Any) -> None:
    documents, evidence, state = STEPS[step]
    everything = [*documents, *(HOSTILE[name].signed for name in names), *of_other_orders()]
    random.shuffle(everything)
    order = folded(*everything, evidence=evidence)
    assert order.state is state
    assert shape(order)[:-1] == shape(folded(*documents, evidence=evidence))[:-1]
    assert {each.document.id for each in order.rejected} == {HOSTILE[name].signed.id for name in names}


@pytest.mark.parametrize("signed", of_other_orders(), ids=lambda signed: type(signed.document).__name__)
def test_what_belongs_elsewhere_is_passed_over(signed: Signed[Any]) -> None:
    order = folded(signed, *TOLD.documents, evidence=PAID)
    assert shape(order) == shape(folded(*TOLD.documents, evidence=PAID))


def test_a_job_id_that_somebody_else_also_uses_captures_nothing() -> None:
    stolen = job(MALLORY, ALICE, name=TOLD.job.document.name)
    assert stolen.document.job_id == TOLD.job.document.job_id
    order = fold(stolen, TOLD.documents, TOLD.enrollments, PAID)
    assert order.state is State.POSTED
    assert order.documents() == (stolen,)
    placed = bid(CHARLIE, stolen)
    ours = folded(placed, offer(MALLORY, placed, stolen), *TOLD.documents, evidence=PAID)
    assert shape(ours) == shape(folded(*TOLD.documents, evidence=PAID))


def test_a_second_bid_changes_nothing_once_one_was_chosen() -> None:
    order = folded(OTHER_BID, *TOLD.documents, evidence=PAID)
    assert order.state is State.SETTLED
    assert (order.bid, order.offer, order.acceptance) == (BID, OFFER, ACCEPTANCE)
    assert set(order.bids) == {BID, OTHER_BID}


def test_bids_stand_in_the_order_of_their_heights() -> None:
    bids = [bid(CHARLIE, TOLD.job, block_height=height) for height in (300, 100, 200)]
    assert [each.document.block_height for each in folded(*bids).bids] == [100, 200, 300]


# ---- the job itself


def test_the_job_must_be_by_a_delegate_of_its_creator() -> None:
    check_job(TOLD.job, TOLD.enrollments)
    posing = in_the_name_of_its_author(TOLD.job, MALLORY, "creator_delegate_address")
    with pytest.raises(AuthorityError, match="is not a delegate that"):
        fold(posing, TOLD.documents, TOLD.enrollments)
    with pytest.raises(AuthorityError, match="is not known here"):
        check_job(job(person("Eve"), ALICE), TOLD.enrollments)


def test_the_mediators_enrollment_must_be_known() -> None:
    with pytest.raises(AuthorityError, match=r"^the mediator's enrollment that the job names is not known here$"):
        check_job(TOLD.job, Enrollments([enroll(BOB)]))
    with pytest.raises(AuthorityError, match=r"^the mediator's enrollment that the job names is not known here$"):
        check_job(job(BOB, ALICE, mediator_enrollment=TOLD.job.id), TOLD.enrollments)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"mediator": "Alicia"}, "the mediator's name in the job"),
        ({"mediator_fee": BasisPoints(1)}, "the mediator's fee in the job"),
        (
            {"mediator_payment_address": BID.document.worker_payment_address},
            "the mediator's payment address in the job",
        ),
        ({"mediator_enrollment": enroll(MALLORY, mediator=True).id}, "the mediator's master address in the job"),
    ],
)
def test_a_job_that_misquotes_its_mediator_is_no_order(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(AuthorityError, match=re.escape(why)):
        fold(job(BOB, ALICE, **changes), [], TOLD.enrollments)


def test_nobody_mediates_their_own_job() -> None:
    with pytest.raises(AuthorityError, match=r"^the job creator and the mediator are the same identity$"):
        fold(job(ALICE, ALICE), [], TOLD.enrollments)


def test_a_job_may_quote_an_enrollment_that_was_replaced_since() -> None:
    newer = enroll(ALICE, mediator=True, previous=TOLD.job.document.mediator_enrollment, mediator_fee=BasisPoints(900))
    known = Enrollments([enroll(ALICE, mediator=True), newer, enroll(BOB), enroll(CHARLIE)])
    assert fold(TOLD.job, TOLD.documents, known, PAID).state is State.SETTLED


# ---- deliveries


def test_a_delivery_may_replace_an_earlier_one() -> None:
    second = delivery(CHARLIE, DELIVERY, deliverables="better")
    third = delivery(CHARLIE, second, deliverables="best", block_height=1)
    order = folded(third, BID, DELIVERY, second, OFFER, evidence=FUNDED)
    assert order.deliveries == (DELIVERY, second, third)
    assert order.delivery == third
    assert order.state is State.DELIVERED


def test_the_delivery_that_was_accepted_is_the_one_that_counts() -> None:
    second = delivery(CHARLIE, DELIVERY, deliverables="better")
    order = folded(BID, OFFER, DELIVERY, second, ACCEPTANCE, evidence=FUNDED)
    assert order.delivery == DELIVERY
    assert order.deliveries == (DELIVERY, second)
    assert folded(BID, OFFER, DELIVERY, second, accept(BOB, second), evidence=FUNDED).delivery == second


def test_two_deliveries_side_by_side_are_no_conflict() -> None:
    """The worker's to give, the creator's to choose: the acceptance names one."""
    side = delivery(CHARLIE, OFFER, deliverables="or this", block_height=1)
    order = folded(BID, OFFER, DELIVERY, side, evidence=FUNDED)
    assert order.state is State.DELIVERED
    assert order.deliveries == (side, DELIVERY)
    assert folded(BID, OFFER, DELIVERY, side, accept(BOB, side), evidence=FUNDED).delivery == side


def test_a_delivery_whose_predecessor_is_missing_waits_apart() -> None:
    second = delivery(CHARLIE, DELIVERY, deliverables="better")
    order = folded(BID, OFFER, second, evidence=FUNDED)
    assert order.state is State.FUNDED
    assert [each.document for each in order.rejected] == [second]
    assert folded(BID, OFFER, second, DELIVERY, evidence=FUNDED).deliveries == (DELIVERY, second)


def test_a_chain_of_deliveries_does_not_pass_through_a_document_kept_apart() -> None:
    foreign = delivery(MALLORY, DELIVERY)
    third = delivery(CHARLIE, foreign)
    order = folded(BID, OFFER, DELIVERY, foreign, third, evidence=FUNDED)
    assert order.deliveries == (DELIVERY,)
    assert {each.document for each in order.rejected} == {foreign, third}


def test_without_an_offer_nothing_is_delivered() -> None:
    order = folded(BID, DELIVERY, ACCEPTANCE)
    assert order.state is State.BID
    assert order.delivery is None
    reasons = {each.document.id: each.reason.message for each in order.rejected}
    assert reasons[DELIVERY.id] == "it delivers where there is no single offer"
    assert reasons[ACCEPTANCE.id] == "the document it answers is not a delivery of this job that counts here"


# ---- conflicts


def test_two_offers_freeze_the_job_and_are_the_evidence() -> None:
    for other in (OTHER_OFFER, OFFER_OF_OTHER_BID):
        order = folded(BID, OTHER_BID, OFFER, other)
        assert order.state is State.FROZEN
        assert set(order.conflict) == {OFFER, other}
        assert (order.offer, order.bid, order.acceptance, order.deliveries) == (None, None, None, ())


def test_two_acceptances_freeze_the_job_and_are_the_evidence() -> None:
    order = folded(*TOLD.documents, OTHER_ACCEPTANCE, evidence=FUNDED)
    assert order.state is State.FROZEN
    assert set(order.conflict) == {ACCEPTANCE, OTHER_ACCEPTANCE}
    assert order.acceptance is None
    assert order.offer == OFFER
    assert order.deliveries == (DELIVERY,)


def test_a_second_acceptance_does_not_take_back_what_was_paid_or_is_owed() -> None:
    frozen = folded(*TOLD.documents, OTHER_ACCEPTANCE, evidence=FUNDED)
    assert set(frozen.acceptances) == {ACCEPTANCE, OTHER_ACCEPTANCE}
    assert folded(*TOLD.documents, OTHER_ACCEPTANCE, evidence=Evidence(True, True, True)).state is State.SETTLED
    assert folded(*TOLD.documents, OTHER_ACCEPTANCE, evidence=Evidence(True, True, False)).state is State.FROZEN


def test_acceptances_of_two_deliveries_are_a_conflict_too() -> None:
    second = delivery(CHARLIE, DELIVERY, deliverables="better")
    order = folded(*TOLD.documents, second, accept(BOB, second), evidence=FUNDED)
    assert order.state is State.FROZEN


def test_a_second_offer_freezes_the_job_wherever_it_stood() -> None:
    """Nobody can prove which was first, so none counts, and nothing that answers one does."""
    for documents, evidence, _ in list(STEPS.values())[2:]:
        order = folded(*documents, OTHER_OFFER, evidence=evidence)
        paid = evidence.primary_paid and evidence.mediator_paid
        assert order.state is (State.SETTLED if paid else State.FROZEN)
        assert set(order.conflict) == {OFFER, OTHER_OFFER}
        assert {each.document for each in order.rejected} == set(documents) - {BID, OFFER}


def test_an_offer_that_does_not_count_is_no_conflict() -> None:
    for name, hostile in HOSTILE.items():
        if name.startswith(("offer", "acceptance")):
            order = folded(*TOLD.documents, hostile.signed, evidence=PAID)
            assert order.state is State.SETTLED
            assert order.conflict == ()


def test_an_offer_for_a_bid_that_was_not_seen_yet_is_no_conflict_until_then() -> None:
    assert folded(BID, OFFER, OFFER_OF_OTHER_BID).state is State.OFFERED
    assert folded(BID, OFFER, OFFER_OF_OTHER_BID, OTHER_BID).state is State.FROZEN


# ---- much of it


@pytest.mark.long
def test_a_long_chain_of_deliveries_takes_no_long_time() -> None:
    """One worker can publish thousands. When each was followed to its beginning, 1,500 took more than two seconds."""
    chain = [DELIVERY]
    for number in range(1_500):
        chain.append(delivery(CHARLIE, chain[-1], deliverables=f"{number}"))
    started = process_time()
    order = folded(BID, OFFER, *reversed(chain), evidence=FUNDED)
    assert process_time() - started < 1
    assert list(order.deliveries) == chain
    assert order.delivery == chain[-1]


def test_the_price_may_be_anything_an_escrow_can_hold() -> None:
    for price in (Sat(0), Sat(1), PRICE, Sat(1_000_000_00000000)):
        placed = bid(CHARLIE, TOLD.job, amount=price)
        given_to = offer(BOB, placed, TOLD.job)
        assert folded(placed, given_to).state is State.OFFERED
