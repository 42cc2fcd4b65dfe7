"""Who may say what in an order. Each check raises `AuthorityError` with its reason, or returns nothing."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TypeVar

from rein.errors import AuthorityError
from rein.protocol.documents import (
    AcceptDelivery,
    AwardDocument,
    Bid,
    Delivery,
    Dispute,
    Enrollment,
    Job,
    Offer,
    OrderDocument,
    PartyDocument,
    Rating,
    Role,
    SealedBid,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.job_keys import check_mediator, mediator_escrow_key, parts_of
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId, mediator_fee


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


def check_belongs(document: OrderDocument, job: Signed[Job]) -> None:
    """A document that names this job must also be of its network, Job ID and job name."""
    if document.network != job.document.network:
        raise AuthorityError(f"it is for {document.network.name}, the job for {job.document.network.name}")
    if (document.job_id, document.job_name) != (job.document.job_id, job.document.name):
        raise AuthorityError("its Job ID or job name is not that of the job document it names")


def check_bid(bid: Bid, job: Signed[Job], mediator: Enrollment) -> None:
    """A bid by somebody who is neither creator nor mediator, with the three escrow keys of this contract."""
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


def check_sealed_bid(sealed: SealedBid, job: Signed[Job]) -> None:
    """A bid sealed to the job creator by somebody who is neither creator nor mediator."""
    posted = job.document
    if sealed.previous != job.id:
        raise AuthorityError("a sealed bid answers the job document, and this one answers something else")
    if sealed.master_address in (posted.creator_master_address, posted.mediator_master_address):
        raise AuthorityError("the worker is also the job creator or the mediator")
    if (sealed.to_address, sealed.to_key) != (posted.creator_master_address, posted.creator_message_key):
        raise AuthorityError("it is sealed to somebody else than the job creator")


def check_offer(offer: Offer, job: Signed[Job], bids: Sequence[Signed[Bid]]) -> None:
    """An offer by the job creator that repeats what its bid says, and fills both escrows with enough."""
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


def check_delivery(delivery: Delivery, worker: str, reachable: Container[DocumentId | None]) -> None:
    """A delivery by the worker, in answer to the offer or a delivery that does (`reachable`)."""
    _check_speaker(delivery, worker, "the worker of the offered bid")
    if delivery.previous not in reachable:
        raise AuthorityError("it answers neither the offer nor a delivery that does")


def check_acceptance(accept: AcceptDelivery, job: Signed[Job], deliveries: Sequence[Signed[Delivery]]) -> None:
    """An acceptance of a delivery by the job creator."""
    _check_speaker(accept, job.document.creator_master_address, "the job creator")
    _answered_document(accept, deliveries, "a delivery")


class Parties:
    """Who is who in a job, and what it costs; no worker and no price while there is no offer."""

    def __init__(self, job: Signed[Job], bid: Signed[Bid] | None) -> None:
        self.price = None if bid is None else bid.document.amount
        self.addresses = {
            Role.CREATOR: job.document.creator_master_address,
            Role.MEDIATOR: job.document.mediator_master_address,
            Role.WORKER: None if bid is None else bid.document.worker_master_address,
        }


def check_party_document(
    document: PartyDocument, parties: Parties, answered: Container[DocumentId | None], what: str
) -> None:
    """A document by whom it says, in answer to one of some, that gives away no more than the price.

    :param what: what the answered documents are, in words.
    """
    if document.previous not in answered:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    if document.master_address != parties.addresses[document.role]:
        raise AuthorityError(f"{document.master_address} is not the {document.role.value} of this job")
    if isinstance(document, AwardDocument) and parties.price is not None:
        given = document.worker_amount + document.creator_amount
        if given > parties.price:
            raise AuthorityError(f"it gives away {given} sat of a price of {parties.price} sat")


def check_dispute(
    dispute: Dispute,
    parties: Parties,
    disputable: Container[DocumentId | None],
    accepting: Container[DocumentId | None],
) -> None:
    """A dispute about the offer, a delivery or an acceptance; about an acceptance only by the worker."""
    check_party_document(dispute, parties, disputable, "the offer, a delivery or an acceptance")
    if dispute.previous in accepting and dispute.role is Role.CREATOR:
        raise AuthorityError("who accepted a delivery does not take it back by a dispute")


def check_rating(rating: Rating, parties: Parties, offered: Container[DocumentId | None]) -> None:
    """A rating of one party by another, in answer to the offer."""
    check_party_document(rating, parties, offered, "the offer")
    if rating.rated_master_address != parties.addresses[rating.rated_role]:
        raise AuthorityError(f"{rating.rated_master_address} is not the {rating.rated_role.value} of this job")


def _check_speaker(document: OrderDocument, master_address: str, who: str) -> None:
    if document.author.master_address != master_address:
        raise AuthorityError(f"only {who} may say this, and {document.author.master_address} is somebody else")


A = TypeVar("A", bound=OrderDocument)


def _answered_document(document: OrderDocument, candidates: Sequence[Signed[A]], what: str) -> A:
    found = next((each for each in candidates if each.id == document.previous), None)
    if found is None:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    return found.document
