"""Documents that verify and have no right to count in a story's order, each with the reason it must be given."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.networks import MAINNET
from rein.protocol import job_keys
from rein.protocol.documents import Bid, Document, Job, Offer
from rein.protocol.signed import Signed, verify
from rein.protocol.values import mediator_fee
from tests.support import legacy_documents
from tests.support.people import (
    Person,
    Story,
    accept,
    bid,
    delivery,
    enroll,
    forged,
    job,
    offer,
    person,
    story,
    with_changes,
)


@dataclass(frozen=True)
class Hostile:
    """A verified document, and a piece of the sentence that must keep it apart from a whole order."""

    signed: Signed[Any]
    why: str


def in_the_name_of_its_author(signed: Signed[Any], thief: Person, delegate_field: str) -> Signed[Any]:
    """The same words under the same master address, but the thief's own delegate signs them. Where the document names
    its author's escrow key, the thief, who does not hold it, names one of their own."""
    changes: dict[str, Any] = {delegate_field: thief.delegate_address}
    if (named := _ESCROW_KEY_OF.get(type(signed.document))) is not None:
        return with_changes(signed, thief.delegate, **changes, **{named: thief.delegate.public_key})
    document: Document = dataclasses.replace(signed.document, **changes)
    return verify(forged(document, thief.delegate))


_ESCROW_KEY_OF: dict[type[Any], str] = {
    Job: "creator_public_key",
    Bid: "worker_public_key",
    Offer: "creator_public_key",
}


@lru_cache
def kept_apart() -> dict[str, Hostile]:
    """What belongs to the order of `story()` by the job document it names, and must be kept apart."""
    told = story()
    return {**_bids(told), **_offers(told), **_deliveries(told), **_acceptances(told)}


def _bids(told: Story) -> dict[str, Hostile]:
    alice, bob, charlie, mallory = told.mediator, told.creator, told.worker, person("Mallory")
    abroad = person("Charlie", MAINNET)
    posted, placed = told.job, told.bid
    key_of_bob = posted.document.creator_public_key
    both_roles = "the worker is also the job creator or the mediator"
    moved = with_changes(
        story(MAINNET).bid, abroad.delegate, job_document=posted.id, previous=posted.id, description="cheap"
    )
    the_addresses = {name: getattr(placed.document, name) for name in ("primary_address", "mediator_address")}
    cheaper = bid(charlie, posted, amount=Sat(600))
    return {
        "bid by the creator": Hostile(bid(bob, posted), both_roles),
        "bid by the mediator": Hostile(bid(alice, posted), both_roles),
        "bid by a stranger": Hostile(bid(person("Eve"), posted), "is not known here"),
        "bid in the worker's name": Hostile(
            in_the_name_of_its_author(placed, mallory, "worker_delegate_address"), "is not a delegate that"
        ),
        "bid that answers itself to something else": Hostile(
            bid(charlie, posted, previous=told.offer.id), "a bid answers the job document"
        ),
        "bid with another creator's key": Hostile(
            bid(charlie, posted, creator_public_key=mallory.delegate.public_key), "another key of the job creator"
        ),
        "bid with another mediator's key": Hostile(
            bid(charlie, posted, mediator_public_key=mallory.delegate.public_key), "not the one that belongs to this"
        ),
        "bid with the mediator's key of another price": Hostile(
            bid(charlie, posted, mediator_public_key=cheaper.document.mediator_public_key),
            "not the one that belongs to this",
        ),
        "bid with the creator's key as the worker's": Hostile(
            bid(charlie, posted, worker_public_key=key_of_bob, **the_addresses), "two of the three escrow keys"
        ),
        "bid of another network": Hostile(moved, "it is for mainnet, the job for regtest"),
        "bid under another Job ID": Hostile(bid(charlie, posted, job_id="b" * 20), "its Job ID or job name is not"),
        "bid under another job name": Hostile(bid(charlie, posted, job_name="Other"), "its Job ID or job name is not"),
    }


def _offers(told: Story) -> dict[str, Hostile]:
    alice, bob, charlie, mallory = told.mediator, told.creator, told.worker, person("Mallory")
    posted, placed = told.job, told.bid
    price = placed.document.amount
    fee = mediator_fee(price, posted.document.mediator_fee)
    not_a_bid = "is not a bid of this job that counts here"
    only_creator = "only the job creator may say this"
    stolen = mallory.job_key(job_keys.WORKER_ESCROW, posted.id).public_key
    elsewhere = story(job_id="b" * 20).bid.document
    wrong: dict[str, dict[str, Any]] = {
        "worker": {"worker": "Mallory"},
        "worker's master address": {"worker_master_address": mallory.master_address},
        "bid amount": {"amount": Sat(price - 1)},
        "primary escrow address": {"primary_address": elsewhere.primary_address},
        "mediator escrow address": {"mediator_address": elsewhere.mediator_address},
        "job creator's public key": {"creator_public_key": stolen},
        "mediator's public key": {"mediator_public_key": stolen},
        "worker's public key": {"worker_public_key": stolen},
    }
    misquoted = {
        f"offer with another {what}": Hostile(
            offer(bob, placed, posted, **changes), f"the {what} in the offer is not the one in the bid"
        )
        for what, changes in wrong.items()
    }
    return misquoted | {
        "offer by Mallory": Hostile(offer(mallory, placed, posted), only_creator),
        "offer by the mediator": Hostile(offer(alice, placed, posted), only_creator),
        "offer by the worker": Hostile(offer(charlie, placed, posted), only_creator),
        "offer by a stranger": Hostile(offer(person("Eve"), placed, posted), "is not known here"),
        "offer in the creator's name": Hostile(
            in_the_name_of_its_author(told.offer, mallory, "creator_delegate_address"), "is not a delegate that"
        ),
        "offer that answers the job": Hostile(offer(bob, placed, posted, previous=posted.id), not_a_bid),
        "offer that answers nothing known": Hostile(offer(bob, placed, posted, previous="f" * 64), not_a_bid),
        "offer that answers a bid kept apart": Hostile(
            offer(bob, placed, posted, previous=_bids(told)["bid by the mediator"].signed.id), not_a_bid
        ),
        "offer with too little in the primary escrow": Hostile(
            offer(bob, placed, posted, primary_amount=price), "would not hold the price and a miner's fee"
        ),
        "offer with too little in the mediator's escrow": Hostile(
            offer(bob, placed, posted, mediator_amount=fee), "would not hold the mediator's fee and a miner's fee"
        ),
        "offer with nothing in the mediator's escrow": Hostile(
            offer(bob, placed, posted, mediator_amount=Sat(0)), "would not hold the mediator's fee and a miner's fee"
        ),
        "offer under another Job ID": Hostile(offer(bob, placed, posted, job_id="b" * 20), "its Job ID or job name"),
    }


def _deliveries(told: Story) -> dict[str, Hostile]:
    alice, bob, charlie, mallory = told.mediator, told.creator, told.worker, person("Mallory")
    only_worker = "only the worker of the offered bid may say this"
    neither = "it answers neither the offer nor a delivery that does"
    foreign = delivery(mallory, told.offer)
    return {
        "delivery by Mallory": Hostile(foreign, only_worker),
        "delivery by the creator": Hostile(delivery(bob, told.offer), only_worker),
        "delivery by the mediator": Hostile(delivery(alice, told.offer), only_worker),
        "delivery by a stranger": Hostile(delivery(person("Eve"), told.offer), "is not known here"),
        "delivery in the worker's name": Hostile(
            in_the_name_of_its_author(told.delivery, mallory, "worker_delegate_address"), "is not a delegate that"
        ),
        "delivery that answers the bid": Hostile(delivery(charlie, told.offer, previous=told.bid.id), neither),
        "delivery that answers the job": Hostile(delivery(charlie, told.offer, previous=told.job.id), neither),
        "delivery that answers Mallory's": Hostile(delivery(charlie, foreign), neither),
        "delivery that answers an acceptance": Hostile(
            delivery(charlie, told.offer, previous=told.acceptance.id), neither
        ),
        "delivery by Mallory that answers the worker's": Hostile(delivery(mallory, told.delivery), only_worker),
        "delivery under another job name": Hostile(
            delivery(charlie, told.offer, job_name="Other"), "its Job ID or job name"
        ),
    }


def _acceptances(told: Story) -> dict[str, Hostile]:
    alice, bob, charlie, mallory = told.mediator, told.creator, told.worker, person("Mallory")
    only_creator = "only the job creator may say this"
    not_a_delivery = "is not a delivery of this job that counts here"
    return {
        "acceptance by the worker": Hostile(accept(charlie, told.delivery), only_creator),
        "acceptance by the mediator": Hostile(accept(alice, told.delivery), only_creator),
        "acceptance by Mallory": Hostile(accept(mallory, told.delivery), only_creator),
        "acceptance by a stranger": Hostile(accept(person("Eve"), told.delivery), "is not known here"),
        "acceptance in the creator's name": Hostile(
            in_the_name_of_its_author(told.acceptance, mallory, "creator_delegate_address"), "is not a delegate that"
        ),
        "acceptance that answers the offer": Hostile(
            accept(bob, told.delivery, previous=told.offer.id), not_a_delivery
        ),
        "acceptance of Mallory's delivery": Hostile(accept(bob, delivery(mallory, told.offer)), not_a_delivery),
        "acceptance of nothing known": Hostile(accept(bob, told.delivery, previous="f" * 64), not_a_delivery),
        "acceptance under another Job ID": Hostile(
            accept(bob, told.delivery, job_id="b" * 20), "its Job ID or job name"
        ),
    }


@lru_cache
def of_other_orders() -> tuple[Signed[Any], ...]:
    """Verified documents that belong to no order of `story()`: other jobs, other types, another generation."""
    told = story()
    mallory, charlie = person("Mallory"), told.worker
    same_id = job(mallory, told.mediator)
    again = job(told.creator, told.mediator, description="The same Job ID once more.")
    placed = bid(charlie, same_id)
    given = offer(mallory, placed, same_id)
    delivered = delivery(charlie, given)
    abroad = story(MAINNET)
    return (
        same_id,
        again,
        placed,
        given,
        delivered,
        accept(mallory, delivered),
        bid(charlie, again),
        offer(told.creator, bid(charlie, again), again),
        abroad.job,
        *abroad.documents,
        enroll(mallory),
        enroll(told.creator, block_height=99_999),
        told.job,
        verify(legacy_documents.JOB),
        verify(legacy_documents.BID),
        verify(legacy_documents.OFFER),
        verify(legacy_documents.ENROLLMENT_BOB),
    )
