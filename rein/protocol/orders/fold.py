"""Verified documents and what the chain shows, folded into an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Job,
    Message,
    Offer,
    PartyDocument,
    Rating,
    Refund,
    Role,
    SealedBid,
    Settlement,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.messages import check_sealed, in_reading_order, speakers_of
from rein.protocol.orders.candidates import Sieve
from rein.protocol.orders.order import NO_EVIDENCE, Evidence, Order
from rein.protocol.orders.rules import (
    Parties,
    check_acceptance,
    check_bid,
    check_job,
    check_offer,
    check_party_document,
    check_rating,
    check_sealed_bid,
    check_speaker,
)
from rein.protocol.orders.states import Event, run
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
    :param offer_id: which offer to look at where the creator signed several; none of them otherwise.
    :raises AuthorityError: the job itself may not be (`check_job`).
    """
    enrollment = check_job(job, enrollments)
    sieve = Sieve(job, enrollments, documents)
    bids = sieve.take(Bid, lambda bid: check_bid(bid, job, enrollment))
    offers = sieve.take(Offer, lambda offer: check_offer(offer, job, bids))
    offered_bids = {each.document.previous for each in offers}
    bids = sieve.drop_revoked(bids, offered_bids)
    offer = _chosen(offers, offer_id)
    bid = _answered(offer, bids) if offer else None
    sieve.keys = escrow_keys(job, bid)
    deliveries = _take_deliveries(sieve, offer, bid)
    acceptances = sieve.take(AcceptDelivery, lambda accept: check_acceptance(accept, job, deliveries))
    acceptance = acceptances[0] if len(acceptances) == 1 else None
    parties = Parties(job, bid)

    def answers(candidates: Iterable[Signed[Any]], what: str) -> Callable[[PartyDocument], None]:
        ids = {each.id for each in candidates}
        return lambda document: check_party_document(document, parties, ids, what)

    offered = [offer] if offer else []
    at_offer = answers(offered, "the offer")
    may_dispute = answers([*offered, *deliveries, *acceptances], "the offer, a delivery or an acceptance")
    accepting = {each.id for each in acceptances}

    def check_dispute(dispute: Dispute) -> None:
        may_dispute(dispute)
        if dispute.previous in accepting and dispute.role is Role.CREATOR:
            raise AuthorityError("who accepted a delivery does not take it back by a dispute")

    settlements = sieve.take(Settlement, at_offer)
    refunds = sieve.take(Refund, at_offer)
    disputes = sieve.take(Dispute, check_dispute)
    resolutions = sieve.take(DisputeResolution, answers(disputes, "a dispute"))
    accepted = sieve.take(AcceptResolution, answers(resolutions, "a resolution"))
    sealed_bids = sieve.take(SealedBid, lambda sealed: check_sealed_bid(sealed, job))
    answered = {each.id for each in sealed_bids if each.document.bid in offered_bids}
    sealed_bids = sieve.drop_revoked(sealed_bids, answered)
    enrollments.check_author(job.document, answered=bool(bids or sealed_bids))
    speakers = speakers_of(job, bids, sealed_bids, enrollment)
    messages = sieve.drop_revoked(sieve.take((Message, Disclosure), lambda message: check_sealed(message, speakers)))
    ratings, void_ratings = _one_each(sieve.take(Rating, lambda rating: check_rating(rating, parties, at_offer)))
    conflict = _conflict(offers, acceptances, resolutions)

    protested = any(dispute.document.previous in accepting for dispute in disputes)
    happened = (
        (Event.BID, bool(bids)),
        (Event.OFFER, len(offers) == 1),
        (Event.FUNDING, evidence.funded),
        (Event.DELIVERY, bool(deliveries)),
        (Event.DISPUTE, bool(disputes)),
        (Event.ACCEPTANCE, acceptance is not None),
        (Event.DISPUTE, protested),
        (Event.RESOLUTION, bool(resolutions)),
        (Event.CONFLICT, bool(conflict)),
        (Event.REFUND, evidence.refunded and evidence.primary_paid and evidence.mediator_paid),
        (Event.PAYMENT, evidence.primary_paid and evidence.mediator_paid),
    )
    return Order(
        job=job,
        state=run(event for event, has in happened if has),
        evidence=evidence,
        bids=tuple(bids),
        offer=offer,
        bid=bid,
        sealed_bids=tuple(sealed_bids),
        deliveries=tuple(deliveries),
        acceptance=acceptance,
        settlements=tuple(settlements),
        refunds=tuple(refunds),
        disputes=tuple(disputes),
        resolutions=tuple(resolutions),
        accepted_resolutions=tuple(accepted),
        messages=tuple(in_reading_order(messages)),
        ratings=tuple(ratings),
        void_ratings=tuple(void_ratings),
        conflict=tuple(conflict),
        apart=tuple(sieve.apart),
    )


def _chosen(offers: Sequence[Signed[Offer]], offer_id: DocumentId | None) -> Signed[Offer] | None:
    if len(offers) == 1:
        return offers[0]
    return next((each for each in offers if each.id == offer_id), None)


def _conflict(
    offers: list[Signed[Offer]],
    acceptances: list[Signed[AcceptDelivery]],
    resolutions: list[Signed[DisputeResolution]],
) -> list[Signed[Any]]:
    """What one author signed and cannot mean together. Resolutions of one award are one decision, signed anew where
    the escrow's outputs have changed."""
    awards = {each.document.worker_amount for each in resolutions}
    groups: tuple[list[Signed[Any]], ...] = (
        offers if len(offers) > 1 else [],
        acceptances if len(acceptances) > 1 else [],
        resolutions if len(awards) > 1 else [],
    )
    return list(chain.from_iterable(groups))


def _one_each(ratings: list[Signed[Rating]]) -> tuple[list[Signed[Rating]], list[Signed[Rating]]]:
    """The first rating of each rater and rated, and those that contradict each other: they count for nothing. The
    same words signed again, at another block, say nothing new."""
    by_pair: dict[tuple[Role, Role], list[Signed[Rating]]] = defaultdict(list)
    for signed in ratings:
        by_pair[signed.document.role, signed.document.rated_role].append(signed)
    good: list[Signed[Rating]] = []
    void: list[Signed[Rating]] = []
    for pair in by_pair.values():
        if len({(each.document.rating, each.document.comment) for each in pair}) == 1:
            good.append(pair[0])
        else:
            void += pair
    return good, void


def escrow_keys(job: Signed[Job], bid: Signed[Bid] | None) -> Mapping[Role, bytes]:
    """The three keys of a contract; none while there is no offer."""
    if bid is None:
        return {}
    return {
        Role.CREATOR: job.document.creator_public_key,
        Role.WORKER: bid.document.worker_public_key,
        Role.MEDIATOR: bid.document.mediator_public_key,
    }


def _take_deliveries(sieve: Sieve, offer: Signed[Offer] | None, bid: Signed[Bid] | None) -> list[Signed[Delivery]]:
    """Deliveries that answer the offer, or each other in a chain that begins there; the longest chain's end last."""
    if offer is None or bid is None:
        return sieve.take(Delivery, _refuse_without_offer)
    worker = bid.document.worker_master_address
    answers: dict[DocumentId | None, list[DocumentId]] = defaultdict(list)
    for signed in sieve.peek(Delivery):
        if signed.document.author.master_address == worker:
            answers[signed.document.previous].append(signed.id)
    depth: dict[DocumentId | None, int] = {offer.id: 0}
    reached = [offer.id]
    for answered in reached:  # grows while it is walked: each delivery once, however long the chain
        for each in answers[answered]:
            depth[each] = depth[answered] + 1
            reached.append(each)

    def check(delivery: Delivery) -> None:
        check_speaker(delivery, worker, "the worker of the offered bid")
        if delivery.previous not in depth:
            raise AuthorityError("it answers neither the offer nor a delivery that does")

    return sorted(sieve.take(Delivery, check), key=lambda each: depth[each.id])


def _refuse_without_offer(delivery: Delivery) -> None:
    raise AuthorityError("it delivers where there is no single offer")


def _answered(document: Signed[Any], candidates: list[Signed[Bid]]) -> Signed[Bid] | None:
    return next((each for each in candidates if each.id == document.document.previous), None)
