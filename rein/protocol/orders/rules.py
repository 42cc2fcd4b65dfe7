"""Who may say what in an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rein.errors import AuthorityError
from rein.protocol.documents import (
    AcceptDelivery,
    AwardDocument,
    Bid,
    Delivery,
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
    if document.network != job.document.network:
        raise AuthorityError(f"it is for {document.network.name}, the job for {job.document.network.name}")
    if (document.job_id, document.job_name) != (job.document.job_id, job.document.name):
        raise AuthorityError("its Job ID or job name is not that of the job document it names")


def check_bid(bid: Bid, job: Signed[Job], mediator: Enrollment) -> None:
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
    posted = job.document
    if sealed.previous != job.id:
        raise AuthorityError("a sealed bid answers the job document, and this one answers something else")
    if sealed.master_address in (posted.creator_master_address, posted.mediator_master_address):
        raise AuthorityError("the worker is also the job creator or the mediator")
    if (sealed.to_address, sealed.to_key) != (posted.creator_master_address, posted.creator_message_key):
        raise AuthorityError("it is sealed to somebody else than the job creator")


def check_offer(offer: Offer, job: Signed[Job], bids: list[Signed[Bid]]) -> None:
    check_speaker(offer, job.document.creator_master_address, "the job creator")
    bid = answered_document(offer, bids, "a bid")
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


def check_acceptance(accept: AcceptDelivery, job: Signed[Job], deliveries: list[Signed[Delivery]]) -> None:
    check_speaker(accept, job.document.creator_master_address, "the job creator")
    answered_document(accept, deliveries, "a delivery")


class Parties:
    """Who is who in a job, and what it costs; no worker and no price while there is no offer."""

    def __init__(self, job: Signed[Job], bid: Signed[Bid] | None) -> None:
        self.price = None if bid is None else bid.document.amount
        self.addresses = {
            Role.CREATOR: job.document.creator_master_address,
            Role.MEDIATOR: job.document.mediator_master_address,
            Role.WORKER: None if bid is None else bid.document.worker_master_address,
        }


def check_party_document(document: PartyDocument, parties: Parties, answered: set[DocumentId], what: str) -> None:
    if document.previous not in answered:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    if document.master_address != parties.addresses[document.role]:
        raise AuthorityError(f"{document.master_address} is not the {document.role.value} of this job")
    if isinstance(document, AwardDocument) and parties.price is not None:
        given = document.worker_amount + document.creator_amount
        if given > parties.price:
            raise AuthorityError(f"it gives away {given} sat of a price of {parties.price} sat")


def check_rating(rating: Rating, parties: Parties, at_offer: Callable[[PartyDocument], None]) -> None:
    at_offer(rating)
    if rating.rated_master_address != parties.addresses[rating.rated_role]:
        raise AuthorityError(f"{rating.rated_master_address} is not the {rating.rated_role.value} of this job")


def check_speaker(document: OrderDocument, master_address: str, who: str) -> None:
    if document.author.master_address != master_address:
        raise AuthorityError(f"only {who} may say this, and {document.author.master_address} is somebody else")


A = TypeVar("A", bound=OrderDocument)


def answered_document(document: OrderDocument, candidates: list[Signed[A]], what: str) -> A:
    found = next((each for each in candidates if each.id == document.previous), None)
    if found is None:
        raise AuthorityError(f"the document it answers is not {what} of this job that counts here")
    return found.document
