"""Verified documents and what the chain shows, folded into an order.

One type is taken after another, each against what was taken before: bids, then offers among these bids, then what
answers the offer. Whatever has several documents is sorted by the block it names and by id, or by what answers what;
so neither the order of arrival nor a repetition shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from rein.errors import AuthorityError
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    Bid,
    Delivery,
    Disclosure,
    Dispute,
    DisputeResolution,
    Enrollment,
    Job,
    Message,
    Offer,
    PartyDocument,
    Rating,
    Refund,
    SealedBid,
    SealedDocument,
    Settlement,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.enums import Role, State
from rein.protocol.messages import Speakers, check_sealed, in_reading_order, speakers_of
from rein.protocol.orders.candidates import Candidates
from rein.protocol.orders.order import NO_EVIDENCE, Evidence, Order
from rein.protocol.orders.rules import (
    Parties,
    check_acceptance,
    check_bid,
    check_delivery,
    check_dispute,
    check_job,
    check_offer,
    check_party_document,
    check_rating,
    check_sealed_bid,
)
from rein.protocol.orders.states import Trigger, run
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId


def fold(
    job: Signed[Job],
    documents: Iterable[Signed[Any]],
    enrollments: Enrollments,
    evidence: Evidence = NO_EVIDENCE,
    *,
    offer_id: DocumentId | None = None,
) -> Order:
    """The order of a job.

    :param documents: verified documents in any order, repeated or foreign ones too.
    :param offer_id: which offer to select where the creator signed several; by default none of these.
    :raises AuthorityError: the job itself may not be (`check_job`).
    """
    mediator = check_job(job, enrollments)
    candidates = Candidates(job, enrollments, documents)
    agreed = _take_agreement(candidates, job, mediator, offer_id)
    candidates.keys = _escrow_keys(job, agreed.bid)
    deliveries = _take_deliveries(candidates, agreed)
    acceptances = candidates.take(AcceptDelivery, lambda accept: check_acceptance(accept, job, deliveries))
    parties = Parties(job, agreed.bid)
    decided = _take_decisions(candidates, parties, agreed.offer, deliveries, acceptances)
    sealed_bids = _take_sealed_bids(candidates, job, agreed.offers)
    enrollments.check_author(job.document, answered=bool(agreed.bids or sealed_bids))
    messages = _take_messages(candidates, speakers_of(job, agreed.bids, sealed_bids, mediator))
    ratings, void_ratings = _take_ratings(candidates, parties, agreed.offer)
    order = Order(
        job=job,
        state=State.POSTED,
        evidence=evidence,
        bids=tuple(agreed.bids),
        offer=agreed.offer,
        bid=agreed.bid,
        sealed_bids=tuple(sealed_bids),
        deliveries=tuple(deliveries),
        acceptance=acceptances[0] if len(acceptances) == 1 else None,
        settlements=tuple(decided.settlements),
        refunds=tuple(decided.refunds),
        disputes=tuple(decided.disputes),
        resolutions=tuple(decided.resolutions),
        accepted_resolutions=tuple(decided.accepted),
        messages=tuple(in_reading_order(messages)),
        ratings=tuple(ratings),
        void_ratings=tuple(void_ratings),
        conflict=tuple(_conflict(agreed.offers, acceptances, decided.resolutions)),
        rejected=tuple(candidates.rejected),
    )
    return replace(order, state=run(triggers_of(order)))


def triggers_of(order: Order) -> Iterator[Trigger]:
    """What has happened in an order.

    Documents have no time that anybody need believe, so this is the order in which each could happen, not the one in
    which it did, and `run` depends on it: an acceptance follows the dispute that it ends, a dispute about an
    acceptance follows that, a conflict follows all that it makes void, and payments come last, as only the chain takes
    them back.
    """
    evidence = order.evidence
    paid = evidence.primary_paid and evidence.mediator_paid
    accepting = {each.id for each in order.acceptances}
    happened = (
        (Trigger.BID, bool(order.bids)),
        (Trigger.OFFER, order.offer is not None and order.offer not in order.conflict),
        (Trigger.FUNDING, evidence.funded),
        (Trigger.DELIVERY, bool(order.deliveries)),
        (Trigger.DISPUTE, bool(order.disputes)),
        (Trigger.ACCEPTANCE, order.acceptance is not None),
        (Trigger.DISPUTE, any(each.document.previous in accepting for each in order.disputes)),
        (Trigger.RESOLUTION, bool(order.resolutions)),
        (Trigger.CONFLICT, bool(order.conflict)),
        (Trigger.REFUND, evidence.refunded and paid),
        (Trigger.PAYMENT, paid),
    )
    return (trigger for trigger, has_happened in happened if has_happened)


@dataclass(frozen=True)
class _Agreement:
    """All bids and offers; the selected offer, and the bid that it answers."""

    bids: list[Signed[Bid]]
    offers: list[Signed[Offer]]
    offer: Signed[Offer] | None
    bid: Signed[Bid] | None


def _take_agreement(
    candidates: Candidates, job: Signed[Job], mediator: Enrollment, offer_id: DocumentId | None
) -> _Agreement:
    bids = candidates.take(Bid, lambda bid: check_bid(bid, job, mediator))
    offers = candidates.take(Offer, lambda offer: check_offer(offer, job, bids))
    bids = candidates.drop_revoked(bids, {each.document.previous for each in offers})
    named = offers if len(offers) == 1 else [each for each in offers if each.id == offer_id]
    offer = named[0] if named else None
    bid = next((each for each in bids if offer and each.id == offer.document.previous), None)
    return _Agreement(bids, offers, offer, bid)


def _escrow_keys(job: Signed[Job], bid: Signed[Bid] | None) -> dict[Role, bytes]:
    """The three keys of a contract; empty while there is no offer."""
    if bid is None:
        return {}
    return {
        Role.CREATOR: job.document.creator_public_key,
        Role.WORKER: bid.document.worker_public_key,
        Role.MEDIATOR: bid.document.mediator_public_key,
    }


def _take_deliveries(candidates: Candidates, agreed: _Agreement) -> list[Signed[Delivery]]:
    """Deliveries that answer the offer, or each other in a chain that begins there; the longest chain's end last."""
    if agreed.offer is None or agreed.bid is None:
        return candidates.take(Delivery, _refuse_without_offer)
    worker = agreed.bid.document.worker_master_address
    answers: dict[DocumentId | None, list[DocumentId]] = defaultdict(list)
    for signed in candidates.peek(Delivery):
        if signed.document.author.master_address == worker:
            answers[signed.document.previous].append(signed.id)
    depth: dict[DocumentId | None, int] = {agreed.offer.id: 0}
    reached = [agreed.offer.id]
    for answered in reached:  # grows while it is walked: each delivery once, however long the chain
        for each in answers[answered]:
            depth[each] = depth[answered] + 1
            reached.append(each)
    taken = candidates.take(Delivery, lambda delivery: check_delivery(delivery, worker, depth))
    return sorted(taken, key=lambda each: depth[each.id])


def _refuse_without_offer(delivery: Delivery) -> None:
    raise AuthorityError("it delivers where there is no single offer")


@dataclass(frozen=True)
class _Decisions:
    """What the parties and the mediator said about the money."""

    settlements: list[Signed[Settlement]]
    refunds: list[Signed[Refund]]
    disputes: list[Signed[Dispute]]
    resolutions: list[Signed[DisputeResolution]]
    accepted: list[Signed[AcceptResolution]]


def _take_decisions(
    candidates: Candidates,
    parties: Parties,
    offer: Signed[Offer] | None,
    deliveries: Sequence[Signed[Delivery]],
    acceptances: Sequence[Signed[AcceptDelivery]],
) -> _Decisions:
    at_offer = _answering(parties, [offer] if offer else [], "the offer")
    disputable = _ids([*([offer] if offer else []), *deliveries, *acceptances])
    accepting = _ids(acceptances)
    settlements = candidates.take(Settlement, at_offer)
    refunds = candidates.take(Refund, at_offer)
    disputes = candidates.take(Dispute, lambda dispute: check_dispute(dispute, parties, disputable, accepting))
    resolutions = candidates.take(DisputeResolution, _answering(parties, disputes, "a dispute"))
    accepted = candidates.take(AcceptResolution, _answering(parties, resolutions, "a resolution"))
    return _Decisions(settlements, refunds, disputes, resolutions, accepted)


def _answering(parties: Parties, answered: Iterable[Signed[Any]], what: str) -> Callable[[PartyDocument], None]:
    ids = _ids(answered)
    return lambda document: check_party_document(document, parties, ids, what)


def _ids(documents: Iterable[Signed[Any]]) -> set[DocumentId]:
    return {each.id for each in documents}


def _take_sealed_bids(
    candidates: Candidates, job: Signed[Job], offers: Iterable[Signed[Offer]]
) -> list[Signed[SealedBid]]:
    sealed_bids = candidates.take(SealedBid, lambda sealed: check_sealed_bid(sealed, job))
    offered = {each.document.previous for each in offers}
    return candidates.drop_revoked(sealed_bids, {each.id for each in sealed_bids if each.document.bid in offered})


def _take_messages(candidates: Candidates, speakers: Speakers) -> list[Signed[SealedDocument]]:
    return candidates.drop_revoked(
        candidates.take((Message, Disclosure), lambda message: check_sealed(message, speakers))
    )


def _take_ratings(
    candidates: Candidates, parties: Parties, offer: Signed[Offer] | None
) -> tuple[list[Signed[Rating]], list[Signed[Rating]]]:
    """The first rating of each rater and rated, and those that contradict each other: they count for nothing. The
    same text signed again, at another block, says nothing new."""
    offered = _ids([offer] if offer else [])
    by_pair: dict[tuple[Role, Role], list[Signed[Rating]]] = defaultdict(list)
    for signed in candidates.take(Rating, lambda rating: check_rating(rating, parties, offered)):
        by_pair[signed.document.role, signed.document.rated_role].append(signed)
    good: list[Signed[Rating]] = []
    void: list[Signed[Rating]] = []
    for pair in by_pair.values():
        if len({(each.document.rating, each.document.comment) for each in pair}) == 1:
            good.append(pair[0])
        else:
            void += pair
    return good, void


def _conflict(
    offers: Sequence[Signed[Offer]],
    acceptances: Sequence[Signed[AcceptDelivery]],
    resolutions: Sequence[Signed[DisputeResolution]],
) -> Iterator[Signed[Any]]:
    """What one author signed and cannot mean together. Resolutions of one award are one decision, signed again where
    the escrow's outputs have changed."""
    awards = {each.document.worker_amount for each in resolutions}
    groups: tuple[Sequence[Signed[Any]], ...] = (
        offers if len(offers) > 1 else (),
        acceptances if len(acceptances) > 1 else (),
        resolutions if len(awards) > 1 else (),
    )
    return chain.from_iterable(groups)
