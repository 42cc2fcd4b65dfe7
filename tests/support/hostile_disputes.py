"""Settlements, refunds, disputes and resolutions that verify and have no right to count in a disputed job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.networks import MAINNET
from rein.protocol.documents import Role
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from tests.support.hostile import Hostile, in_the_name_of_its_author, kept_apart
from tests.support.people import (
    PRICE,
    DisputedStory,
    Person,
    accept_resolution,
    creator_dispute,
    delivery,
    disputed_story,
    person,
    refund,
    resolution,
    settlement,
    worker_dispute,
)

Say = Callable[..., Signed[Any]]


@dataclass(frozen=True)
class Part:
    """A document that one role may sign: how it is made, and what it must not answer (by a word for it)."""

    role: Role
    say: Say
    foreign: dict[str, DocumentId]
    answers: str


@lru_cache
def kept_apart_in_disputes() -> dict[str, Hostile]:
    """What belongs to the order of `disputed_story()` by the job document it names, and must be kept apart."""
    told = disputed_story()
    rows: dict[str, Hostile] = {}
    for name, part in _parts(told).items():
        rows |= _speakers(told, name, part) | _elsewhere(told, name, part)
    return rows | _amounts(told) | _answers_to_hostile(told)


def _parts(told: DisputedStory) -> dict[str, Part]:
    before = told.before
    given, delivered = before.offer, before.delivery
    early = {"job": before.job.id, "bid": before.bid.id}
    not_the_offer = early | {"delivery": delivered.id, "dispute": told.dispute.id, "settlement": told.settlement.id}
    not_disputable = early | {"dispute": told.counter.id, "resolution": told.resolution.id}
    no_dispute = early | {"offer": given.id, "delivery": delivered.id, "resolution": told.resolution.id}
    no_resolution = early | {"offer": given.id, "dispute": told.dispute.id, "acceptance of it": told.accepted.id}

    def at(make: Say, answered: Signed[Any], **fixed: Any) -> Say:
        return lambda who, **changes: make(who, answered, **fixed, **changes)

    parts = {
        f"settlement as {role.value}": Part(role, at(settlement, given, role=role), not_the_offer, "the offer")
        for role in (Role.CREATOR, Role.WORKER)
    }
    parts |= {
        f"refund as {role.value}": Part(role, at(refund, given, role=role), not_the_offer, "the offer") for role in Role
    }
    parts |= {
        f"taking a resolution as {role.value}": Part(
            role, at(accept_resolution, told.resolution, role=role), no_resolution, "a resolution"
        )
        for role in (Role.CREATOR, Role.WORKER)
    }
    disputed = "the offer, a delivery or an acceptance"
    return parts | {
        "dispute as creator": Part(Role.CREATOR, at(creator_dispute, delivered), not_disputable, disputed),
        "dispute as worker": Part(Role.WORKER, at(worker_dispute, delivered), not_disputable, disputed),
        "resolution as mediator": Part(Role.MEDIATOR, at(resolution, told.dispute), no_dispute, "a dispute"),
    }


def _people(told: DisputedStory) -> dict[Role, Person]:
    return {Role.CREATOR: told.before.creator, Role.WORKER: told.before.worker, Role.MEDIATOR: told.before.mediator}


def _speakers(told: DisputedStory, name: str, part: Part) -> dict[str, Hostile]:
    """The document by everybody whose role it does not name."""
    mallory, people = person("Mallory"), _people(told)
    wrong = {f"the {role.value}": who for role, who in people.items() if role is not part.role} | {"Mallory": mallory}
    rows = {
        f"{name} by {what}": Hostile(part.say(who), f"{who.master_address} is not the {part.role.value} of this job")
        for what, who in wrong.items()
    }
    posing = in_the_name_of_its_author(part.say(people[part.role]), mallory, "delegate_address")
    return rows | {
        f"{name} by a stranger": Hostile(part.say(person("Eve")), "is not known here"),
        f"{name} in somebody's name": Hostile(posing, "is not a delegate that"),
    }


def _elsewhere(told: DisputedStory, name: str, part: Part) -> dict[str, Hostile]:
    """The document by who may sign it, for another job or in answer to something else."""
    who = _people(told)[part.role]
    other_job = "its Job ID or job name is not"
    nothing_here = f"the document it answers is not {part.answers} of this job that counts here"
    abroad = person(who.name, MAINNET)
    rows = {
        f"{name} that answers the {what}": Hostile(part.say(who, previous=document_id), nothing_here)
        for what, document_id in part.foreign.items()
    }
    return rows | {
        f"{name} that answers nothing known": Hostile(part.say(who, previous="f" * 64), nothing_here),
        f"{name} under another Job ID": Hostile(part.say(who, job_id="b" * 20), other_job),
        f"{name} under another job name": Hostile(part.say(who, job_name="Other"), other_job),
        f"{name} of another network": Hostile(
            part.say(abroad, network=MAINNET), "it is for mainnet, the job for regtest"
        ),
    }


def _amounts(told: DisputedStory) -> dict[str, Hostile]:
    before = told.before
    bob, alice, given = before.creator, before.mediator, before.offer
    too_much = {"worker_amount": PRICE, "creator_amount": Sat(546)}
    return {
        "settlement above the price": Hostile(
            settlement(bob, given, **too_much), "it gives away 5000546 sat of a price"
        ),
        "settlement far above the price": Hostile(
            settlement(bob, given, worker_amount=Sat(21_000_000_00000000), creator_amount=Sat(0)),
            "of a price of 5000000",
        ),
        "resolution above the price": Hostile(resolution(alice, told.dispute, **too_much), "it gives away 5000546 sat"),
    }


def _answers_to_hostile(told: DisputedStory) -> dict[str, Hostile]:
    """Whoever answers what is kept apart is kept apart: no chain passes through it."""
    before = told.before
    alice, bob, charlie, mallory = before.mediator, before.creator, before.worker, person("Mallory")
    foreign = kept_apart()["offer by Mallory"].signed
    complaint = creator_dispute(mallory, before.delivery)
    decision = resolution(mallory, told.dispute)
    no_offer = "the document it answers is not the offer of this job"
    not_disputable = "the document it answers is not the offer, a delivery or an acceptance of this job"
    return {
        "settlement of Mallory's offer": Hostile(settlement(bob, foreign), no_offer),
        "refund of Mallory's offer": Hostile(refund(bob, foreign), no_offer),
        "dispute of Mallory's delivery": Hostile(creator_dispute(bob, delivery(mallory, before.offer)), not_disputable),
        "dispute of Mallory's offer": Hostile(worker_dispute(charlie, foreign), not_disputable),
        "resolution of Mallory's dispute": Hostile(resolution(alice, complaint), "is not a dispute of this job"),
        "taking Mallory's resolution": Hostile(accept_resolution(charlie, decision), "is not a resolution of this job"),
    }


@lru_cache
def of_other_disputes() -> tuple[Signed[Any], ...]:
    """Verified documents of other disputed jobs, to replay: the same people's, and those of another network."""
    other, abroad = disputed_story(job_id="b" * 20), disputed_story(MAINNET)
    return (*other.documents, *abroad.documents, refund(other.before.creator, other.before.offer))
