"""The order machine: verified documents and what the chain shows, folded into a state.

Pure: the same answer in whatever order the documents arrived. An order is identified by the id of its job document,
and every document of it names that id and the one it answers, so a Job ID somebody else also uses captures nothing.

    bid.previous = job                    settlement.previous, refund.previous = offer
    offer.previous = one bid              dispute.previous = offer, a delivery or an acceptance
    delivery.previous = offer, or an      resolution.previous = one dispute
        earlier delivery                  accept resolution.previous = one resolution
    accept.previous = one delivery        rating.previous = offer
    message.previous, disclosure.previous = anything said here
    sealed bid.previous = job

Messages, disclosures and sealed bids belong to an order and move nothing. A sealed bid holds a bid for the creator
alone, which counts as any other wherever it is known.

A document that is well signed but has no right to speak here, or answers something that is not here, is kept apart
in `Order.apart` with the reason, and changes nothing.

Whatever binds a party in the contract is signed by the party's escrow key as well, from the job and the bid that
introduce these keys to the rating (`EscrowSigned`). So no document undoes what others have relied on:

- what an escrow key has signed stands, whatever delegate is revoked and whoever inherits the identity;
- a revoked delegate's bid stands once the creator's offer answers it, and a job once somebody else's bid does;
- only what nobody has answered falls by a revocation: a job, a bid, a message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any, TypeVar

from rein.errors import AuthorityError, ReinError
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    AwardDocument,
    Bid,
    Delivery,
    Disclosure,
    Dispute,
    DisputeResolution,
    Enrollment,
    EscrowSigned,
    Job,
    Message,
    Offer,
    OrderDocument,
    PartyDocument,
    Rating,
    Refund,
    Role,
    SealedBid,
    SealedDocument,
    Settlement,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.enums import State as State
from rein.protocol.job_keys import check_mediator, mediator_escrow_key, parts_of
from rein.protocol.messages import check_sealed, in_reading_order, speakers_of
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId, mediator_fee


class Event(Enum):
    """What moves an order: a document, or something the chain shows."""

    BID = "bid"
    OFFER = "offer"
    FUNDING = "funding"
    DELIVERY = "delivery"
    DISPUTE = "dispute"
    ACCEPTANCE = "acceptance"
    RESOLUTION = "resolution"
    CONFLICT = "conflict"
    PAYMENT = "payment"
    REFUND = "refund"


_OFFERED_AND_OPEN = (State.OFFERED, State.FUNDED, State.DELIVERED)
_FROM_OFFER_TO_END = (*_OFFERED_AND_OPEN, State.DISPUTED, State.ACCEPTED, State.RESOLVED, State.FROZEN)

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.POSTED, Event.BID): State.BID,
    (State.BID, Event.OFFER): State.OFFERED,
    (State.OFFERED, Event.FUNDING): State.FUNDED,
    (State.FUNDED, Event.DELIVERY): State.DELIVERED,
    **{(state, Event.DISPUTE): State.DISPUTED for state in (*_OFFERED_AND_OPEN, State.ACCEPTED)},
    (State.DELIVERED, Event.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Event.ACCEPTANCE): State.ACCEPTED,
    (State.DISPUTED, Event.RESOLUTION): State.RESOLVED,
    **{
        (state, Event.CONFLICT): State.FROZEN
        for state in (State.BID, *_OFFERED_AND_OPEN, State.DISPUTED, State.RESOLVED)
    },
    **{(state, Event.PAYMENT): State.SETTLED for state in _FROM_OFFER_TO_END},
    **{(state, Event.REFUND): State.REFUNDED for state in _FROM_OFFER_TO_END},
}
"""The whole machine. An event that has no row for a state leaves the state as it is."""


@dataclass(frozen=True)
class Evidence:
    """What the chain shows of an order, found and checked by `rein.escrow`.

    `funded`: both escrows hold, or held, what the offer says. `primary_paid`, `mediator_paid`: the payment from that
    escrow is confirmed. `refunded`: the payment from the primary escrow is that of a refund.
    """

    funded: bool = False
    primary_paid: bool = False
    mediator_paid: bool = False
    refunded: bool = False


NO_EVIDENCE = Evidence()


@dataclass(frozen=True)
class Apart:
    """A document kept apart, and why."""

    document: Signed[Any]
    reason: ReinError


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job with everything that was rightly said in it.

    `offer` is the one that counts; where the creator signed several it is the one looked at, out of `conflict`, and
    what answers another of them is not here. Of `ratings` there is one for each rater and rated; `void_ratings` are
    those in which somebody rates the same person twice and differently.
    """

    job: Signed[Job]
    state: State
    evidence: Evidence
    bids: tuple[Signed[Bid], ...]
    offer: Signed[Offer] | None
    bid: Signed[Bid] | None
    sealed_bids: tuple[Signed[SealedBid], ...]
    deliveries: tuple[Signed[Delivery], ...]
    acceptance: Signed[AcceptDelivery] | None
    settlements: tuple[Signed[Settlement], ...]
    refunds: tuple[Signed[Refund], ...]
    disputes: tuple[Signed[Dispute], ...]
    resolutions: tuple[Signed[DisputeResolution], ...]
    accepted_resolutions: tuple[Signed[AcceptResolution], ...]
    messages: tuple[Signed[SealedDocument], ...]
    ratings: tuple[Signed[Rating], ...]
    void_ratings: tuple[Signed[Rating], ...]
    conflict: tuple[Signed[Any], ...]
    apart: tuple[Apart, ...]

    @property
    def id(self) -> DocumentId:
        """The id of the job document."""
        return self.job.id

    @property
    def contract_id(self) -> DocumentId:
        """What names the money of an order: the offer looked at, or the job while there is none."""
        return self.job.id if self.offer is None else self.offer.id

    @property
    def unopened_bids(self) -> tuple[Signed[SealedBid], ...]:
        """The sealed bids whose bids are not known here."""
        known = {each.id for each in self.bids}
        return tuple(each for each in self.sealed_bids if each.document.bid not in known)

    @property
    def delivery(self) -> Signed[Delivery] | None:
        """The delivery that was accepted, or else the last one."""
        if self.acceptance is not None:
            accepted = self.acceptance.document.previous
            return next(each for each in self.deliveries if each.id == accepted)
        return self.deliveries[-1] if self.deliveries else None

    @property
    def acceptances(self) -> tuple[Signed[AcceptDelivery], ...]:
        """Every acceptance the creator signed. Of several none counts, but each carries payments that he signed: what
        he owes by one of them he cannot take back by signing another."""
        if self.acceptance is not None:
            return (self.acceptance,)
        return tuple(each for each in self.conflict if isinstance(each.document, AcceptDelivery))

    @property
    def is_over(self) -> bool:
        """Whether the money has reached those it was for."""
        return self.state in (State.SETTLED, State.REFUNDED)

    def master_address(self, role: Role) -> str | None:
        """The identity in a role; None for the worker while there is no offer."""
        if role is Role.CREATOR:
            return self.job.document.creator_master_address
        if role is Role.MEDIATOR:
            return self.job.document.mediator_master_address
        return None if self.bid is None else self.bid.document.worker_master_address

    def documents(self) -> tuple[Signed[Any], ...]:
        """Every document that counts, in the order of the story. Conflicting ones stand in `conflict` only."""
        conflict = set(self.conflict)
        single = [self.offer] if self.offer is not None and self.offer not in conflict else []
        resolutions = [each for each in self.resolutions if each not in conflict]
        after = [self.acceptance] if self.acceptance else []
        return (
            self.job,
            *self.sealed_bids,
            *self.bids,
            *single,
            *self.deliveries,
            *self.disputes,
            *after,
            *self.settlements,
            *self.refunds,
            *resolutions,
            *self.accepted_resolutions,
            *self.messages,
            *self.ratings,
        )

    def all_documents(self) -> tuple[Signed[Any], ...]:
        """Every document said in this order: those that count, then those that contradict each other, then those kept
        apart."""
        return (*self.documents(), *self.conflict, *self.void_ratings, *(each.document for each in self.apart))


def check_job(job: Signed[Job], enrollments: Enrollments) -> Enrollment:
    """Refuse a job that its creator may not have signed, or that misquotes its mediator. Whether the delegate was
    revoked before anybody bid on it is a question to the order.

    :returns: the mediator's enrollment.
    :raises AuthorityError: saying which.
    """
    document = job.document
    enrollments.check_delegate(document)
    enrollment = enrollments.by_id(document.mediator_enrollment)
    if enrollment is None:
        raise AuthorityError("the mediator's enrollment that the job names is not known here")
    check_mediator(document, enrollment.document, enrollment.id)
    if document.creator_master_address == document.mediator_master_address:
        raise AuthorityError("the job creator and the mediator are the same identity")
    return enrollment.document


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
    sieve = _Sieve(job, enrollments, documents)
    bids = sieve.take(Bid, lambda bid: _check_bid(bid, job, enrollment))
    offers = sieve.take(Offer, lambda offer: _check_offer(offer, job, bids))
    offered_bids = {each.document.previous for each in offers}
    bids = sieve.drop_revoked(bids, offered_bids)
    offer = _chosen(offers, offer_id)
    bid = _answered(offer, bids) if offer else None
    sieve.keys = _escrow_keys(job, bid)
    deliveries = _take_deliveries(sieve, offer, bid)
    acceptances = sieve.take(AcceptDelivery, lambda accept: _check_acceptance(accept, job, deliveries))
    acceptance = acceptances[0] if len(acceptances) == 1 else None
    parties = _Parties(job, bid)

    def answers(candidates: Iterable[Signed[Any]], what: str) -> Callable[[PartyDocument], None]:
        ids = {each.id for each in candidates}
        return lambda document: _check_party_document(document, parties, ids, what)

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
    sealed_bids = sieve.take(SealedBid, lambda sealed: _check_sealed_bid(sealed, job))
    answered = {each.id for each in sealed_bids if each.document.bid in offered_bids}
    sealed_bids = sieve.drop_revoked(sealed_bids, answered)
    enrollments.check_author(job.document, answered=bool(bids or sealed_bids))
    speakers = speakers_of(job, bids, sealed_bids, enrollment)
    messages = sieve.drop_revoked(sieve.take((Message, Disclosure), lambda message: check_sealed(message, speakers)))
    ratings, void_ratings = _one_each(sieve.take(Rating, lambda rating: _check_rating(rating, parties, at_offer)))
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


def run(events: Iterable[Event]) -> State:
    """The state after these events."""
    state = State.POSTED
    for event in events:
        state = TRANSITIONS.get((state, event), state)
    return state


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


O = TypeVar("O", bound=OrderDocument)  # noqa: E741 - the one type variable here: an order's document


class _Sieve:
    """The documents of one order, taken out type by type; what does not belong goes apart with a reason."""

    def __init__(
        self,
        job: Signed[Job],
        enrollments: Enrollments,
        documents: Iterable[Signed[Any]],
    ) -> None:
        self.apart: list[Apart] = []
        self.keys: Mapping[Role, bytes] = {}
        """Whose signature every document of a party must have that does not name its key itself."""
        self._enrollments = enrollments
        self._open: list[Signed[Any]] = []
        unique = {signed.id: signed for signed in documents}
        for signed in sorted(unique.values(), key=lambda each: each.id):
            document = signed.document
            if not isinstance(document, OrderDocument) or document.job_document != job.id:
                continue
            try:
                _check_belongs(document, job)
                enrollments.check_delegate(document)
            except ReinError as reason:
                self.apart.append(Apart(signed, reason))
            else:
                self._open.append(signed)

    def peek(self, cls: type[O] | tuple[type[O], ...]) -> list[Signed[O]]:
        """The documents of a type that have not been checked further."""
        return [signed for signed in self._open if isinstance(signed.document, cls)]

    def take(self, cls: type[O] | tuple[type[O], ...], check: Callable[[O], None]) -> list[Signed[O]]:
        """The documents of a type that pass a check, by height and id. `check` raises `AuthorityError`."""
        good: list[Signed[O]] = []
        for signed in self.peek(cls):
            try:
                check(signed.document)
                self._check_escrow_key(signed)
            except ReinError as reason:
                self.apart.append(Apart(signed, reason))
            else:
                good.append(signed)
        return sorted(good, key=lambda each: (each.document.block_height, each.id))

    def drop_revoked(self, taken: list[Signed[O]], answered: Container[DocumentId | None] = ()) -> list[Signed[O]]:
        """Those that a revocation or an heir does not reach, or that were answered before."""
        good: list[Signed[O]] = []
        for signed in taken:
            try:
                self._enrollments.check_author(signed.document, answered=signed.id in answered)
            except ReinError as reason:
                self.apart.append(Apart(signed, reason))
            else:
                good.append(signed)
        return good

    def _check_escrow_key(self, signed: Signed[Any]) -> None:
        document = signed.document
        if not isinstance(document, EscrowSigned) or document.own_escrow_key is not None:
            return  # `verify` held the signature against the key that the document names
        key = self.keys.get(document.signing_role)
        if key is None or not signed.is_signed_by_escrow_key(key):
            raise AuthorityError(f"it is not signed by the escrow key of the {document.signing_role.value} of this job")


def _check_belongs(document: OrderDocument, job: Signed[Job]) -> None:
    if document.network != job.document.network:
        raise AuthorityError(f"it is for {document.network.name}, the job for {job.document.network.name}")
    if (document.job_id, document.job_name) != (job.document.job_id, job.document.name):
        raise AuthorityError("its Job ID or job name is not that of the job document it names")


def _escrow_keys(job: Signed[Job], bid: Signed[Bid] | None) -> Mapping[Role, bytes]:
    """The three keys of a contract; none while there is no offer."""
    if bid is None:
        return {}
    return {
        Role.CREATOR: job.document.creator_public_key,
        Role.WORKER: bid.document.worker_public_key,
        Role.MEDIATOR: bid.document.mediator_public_key,
    }


def _check_bid(bid: Bid, job: Signed[Job], mediator: Enrollment) -> None:
    posted = job.document
    if bid.previous != job.id:
        raise AuthorityError("a bid answers the job document, and this one answers something else")
    if bid.worker_master_address in (posted.creator_master_address, posted.mediator_master_address):
        raise AuthorityError("the worker is also the job creator or the mediator")
    if bid.creator_public_key != posted.creator_public_key:
        raise AuthorityError("the bid names another key of the job creator than the job")
    if bid.mediator_public_key != mediator_escrow_key(mediator, parts_of(bid)):
        raise AuthorityError("the mediator's key in the bid is not the one that belongs to this contract")
    if len({bid.creator_public_key, bid.mediator_public_key, bid.worker_public_key}) < 3:
        raise AuthorityError("two of the three escrow keys are the same")


def _check_sealed_bid(sealed: SealedBid, job: Signed[Job]) -> None:
    posted = job.document
    if sealed.previous != job.id:
        raise AuthorityError("a sealed bid answers the job document, and this one answers something else")
    if sealed.master_address in (posted.creator_master_address, posted.mediator_master_address):
        raise AuthorityError("the worker is also the job creator or the mediator")
    if (sealed.to_address, sealed.to_key) != (posted.creator_master_address, posted.creator_message_key):
        raise AuthorityError("it is sealed to somebody else than the job creator")


def _check_offer(offer: Offer, job: Signed[Job], bids: list[Signed[Bid]]) -> None:
    _check_speaker(offer, job.document.creator_master_address, "the job creator")
    bid = _answered_document(offer, bids, "a bid")
    agreed = {
        "worker": (offer.worker, bid.worker),
        "worker's master address": (offer.worker_master_address, bid.worker_master_address),
        "bid amount": (offer.amount, bid.amount),
        "primary escrow address": (offer.primary_address, bid.primary_address),
        "mediator escrow address": (offer.mediator_address, bid.mediator_address),
        "job creator's public key": (offer.creator_public_key, bid.creator_public_key),
        "mediator's public key": (offer.mediator_public_key, bid.mediator_public_key),
        "worker's public key": (offer.worker_public_key, bid.worker_public_key),
    }
    for what, (offered, was_bid) in agreed.items():
        if offered != was_bid:
            raise AuthorityError(f"the {what} in the offer is not the one in the bid it answers")
    if offer.primary_amount <= bid.amount:
        raise AuthorityError("the primary escrow would not hold the price and a miner's fee")
    if offer.mediator_amount <= mediator_fee(bid.amount, job.document.mediator_fee):
        raise AuthorityError("the mediator's escrow would not hold the mediator's fee and a miner's fee")


def _take_deliveries(sieve: _Sieve, offer: Signed[Offer] | None, bid: Signed[Bid] | None) -> list[Signed[Delivery]]:
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
        _check_speaker(delivery, worker, "the worker of the offered bid")
        if delivery.previous not in depth:
            raise AuthorityError("it answers neither the offer nor a delivery that does")

    return sorted(sieve.take(Delivery, check), key=lambda each: depth[each.id])


def _refuse_without_offer(delivery: Delivery) -> None:
    raise AuthorityError("it delivers where there is no single offer")


def _check_acceptance(accept: AcceptDelivery, job: Signed[Job], deliveries: list[Signed[Delivery]]) -> None:
    _check_speaker(accept, job.document.creator_master_address, "the job creator")
    _answered_document(accept, deliveries, "a delivery")


class _Parties:
    """Who is who in a job, and what it costs; no worker and no price while there is no offer."""

    def __init__(self, job: Signed[Job], bid: Signed[Bid] | None) -> None:
        self.price = None if bid is None else bid.document.amount
        self.addresses = {
            Role.CREATOR: job.document.creator_master_address,
            Role.MEDIATOR: job.document.mediator_master_address,
            Role.WORKER: None if bid is None else bid.document.worker_master_address,
        }


def _check_party_document(document: PartyDocument, parties: _Parties, answered: set[DocumentId], what: str) -> None:
    if document.previous not in answered:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    if document.master_address != parties.addresses[document.role]:
        raise AuthorityError(f"{document.master_address} is not the {document.role.value} of this job")
    if isinstance(document, AwardDocument) and parties.price is not None:
        given = document.worker_amount + document.creator_amount
        if given > parties.price:
            raise AuthorityError(f"it gives away {given} sat of a price of {parties.price} sat")


def _check_rating(rating: Rating, parties: _Parties, at_offer: Callable[[PartyDocument], None]) -> None:
    at_offer(rating)
    if rating.rated_master_address != parties.addresses[rating.rated_role]:
        raise AuthorityError(f"{rating.rated_master_address} is not the {rating.rated_role.value} of this job")


def _check_speaker(document: OrderDocument, master_address: str, who: str) -> None:
    if document.author.master_address != master_address:
        raise AuthorityError(f"only {who} may say this, and {document.author.master_address} is somebody else")


A = TypeVar("A", bound=OrderDocument)


def _answered(document: Signed[Any], candidates: list[Signed[A]]) -> Signed[A] | None:
    return next((each for each in candidates if each.id == document.document.previous), None)


def _answered_document(document: OrderDocument, candidates: list[Signed[A]], what: str) -> A:
    found = next((each for each in candidates if each.id == document.previous), None)
    if found is None:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    return found.document
