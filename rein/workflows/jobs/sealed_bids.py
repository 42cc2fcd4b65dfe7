"""Bids that only the job creator can read, until one of them gets the job.

A sealed bid carries a whole signed bid. Who opens it keeps that bid as any other, but gives it to no server and puts it
into no case file. Once the creator's offer answers it, both sides publish it: from then on everybody holds the offer
against what the worker signed. A bid that gets nothing stays sealed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, OrderError, ReinError
from rein.protocol.documents import Bid, Job, Kind, Offer, Role, SealedBid
from rein.protocol.orders import Order
from rein.protocol.sealing import seal, shared_key, unseal
from rein.protocol.signed import Signed, verify
from rein.workflows.messages.write import UNSEALED
from rein.workflows.orders.job_keys import job_keyring
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.reply import belongs_to, sign_answer
from rein.workflows.session import Session


@dataclass(frozen=True)
class Unopened:
    """A sealed bid that was made to me or by me, whose bid is not here. `reason`: why it could not be opened."""

    order: Order
    sealed: Signed[SealedBid]
    reason: ReinError | None = None

    def json(self) -> dict[str, Any]:
        document = self.sealed.document
        return {
            "document_id": self.sealed.id,
            "job_id": document.job_id,
            "job_document": self.order.id,
            "author": document.master_address,
            "problem": None if self.reason is None else self.reason.message,
        }


def check_takes_sealed(job: Job) -> None:
    """
    :raises OrderError: the job creator takes no sealed texts in this job.
    """
    if job.creator_message_key is None:
        raise OrderError(f"the job creator takes no sealed bids on the job {job.job_id}", hint="Bid without --sealed.")


def seal_bid(session: Session, order: Order, bid: Signed[Bid]) -> Signed[SealedBid]:
    """The signed document for everybody, in which the job creator alone can read the bid.

    :raises FieldError: the bid is too long to be sealed.
    """
    job = order.job.document
    check_takes_sealed(job)
    row, mine = session.identity, session.keyring.worker_message(order.id)
    parameters: dict[str, Any] = {
        **belongs_to(session, order, order.id),
        "role": Role.WORKER,
        "delegate_address": row.delegate_address,
        "master_address": row.master_address,
        "to_role": Role.CREATOR,
        "to_address": job.creator_master_address,
        "from_key": mine.public_key,
        "to_key": job.creator_message_key,
        "bid": bid.id,
    }
    about = SealedBid(**parameters, sealed=UNSEALED).associated_data()
    text = seal(shared_key(mine, parameters["to_key"], order.id), bid.armored, about)
    return sign_answer(session, order, SealedBid(**parameters, sealed=text))


def unopened_bids(session: Session) -> list[Unopened]:
    """The sealed bids on my jobs that were not opened yet, and those of mine that are not here as an identity was
    restored from its words."""
    mine = set(session.store.orders.of_person(session.network.name, session.address))
    sealed = [each for each in session.store.orders.having(session.network.name, Kind.SEALED_BID) if each in mine]
    return [
        Unopened(order, each)
        for order in load_orders(session, sealed).orders
        for each in order.unopened_bids
        if session.address in (order.job.document.creator_master_address, each.document.master_address)
    ]


def unseal_bids(session: Session) -> list[Unopened]:
    """Open all of them, and keep what is in them.

    :returns: those that cannot be opened, or hold no such bid as they name.
    """
    good: list[Signed[Bid]] = []
    refused: list[Unopened] = []
    for each in unopened_bids(session):
        try:
            good.append(_opened(session, each.order, each.sealed.document))
        except ReinError as reason:
            refused.append(replace(each, reason=reason))
    session.store.documents.add_unsealed(good, session.address)
    return refused


def publish_offered(session: Session) -> None:
    """Let the bids that were sealed be published to which the job creator's offer gives the job."""
    orders = load_orders(session, session.store.orders.to_publish(session.network.name, session.address)).orders
    offers = chain.from_iterable((order.offer, *order.conflict) for order in orders)
    answered = [each.document.previous for each in offers if each is not None and isinstance(each.document, Offer)]
    session.store.documents.publish([each for each in answered if each is not None])


def _opened(session: Session, order: Order, sealed: SealedBid) -> Signed[Bid]:
    """The bid in a sealed bid.

    :raises ReinError: what is sealed there is not a bid, or not the one that everybody was told of.
    """
    mine, theirs = _keys(session, order, sealed)
    signed = verify(unseal(shared_key(mine, theirs, order.id), sealed.sealed, sealed.associated_data()))
    bid = signed.document
    if signed.id != sealed.bid or not isinstance(bid, Bid):
        raise AuthorityError("what is sealed in it is not the bid that it names")
    said = (bid.worker_master_address, bid.worker_message_key, bid.job_document)
    if said != (sealed.master_address, sealed.from_key, order.id):
        raise AuthorityError("the bid that is sealed in it is of somebody else, or on another job")
    return signed


def _keys(session: Session, order: Order, sealed: SealedBid) -> tuple[PrivateKey, bytes]:
    if sealed.master_address == session.address:
        mine = [tree.worker_message(order.id) for tree in session.keyring.trees()]
        return next((each for each in mine if each.public_key == sealed.from_key), mine[0]), sealed.to_key
    keyring = job_keyring(session, order, Role.CREATOR)
    return keyring.creator_message(order.job.document.job_id), sealed.from_key
