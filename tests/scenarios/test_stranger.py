"""A stranger who signs every document there is, in his own name and in everybody else's: nothing comes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.errors import AuthorityError
from rein.protocol import job_keys
from rein.protocol.documents import Role
from rein.protocol.orders import State
from rein.protocol.signed import Signed, verify
from tests.scenarios.stage import FEE, PRICE, Play
from tests.support import people
from tests.support.hostile import in_the_name_of_its_author
from tests.support.people import Person

PRIMARY, MEDIATOR = "primary", "mediator"
Say = Callable[[Person], Signed[Any]]


def sayings(play: Play) -> dict[str, tuple[str, str, Say]]:
    """What may be said in this job: by whom, in which field his delegate stands, and how it is made."""
    order = play.seen_by(play.mediator)
    dispute, resolution = order.disputes[0], order.resolutions[0]
    payments = {
        "primary_psbt": play.psbt(PRIMARY, (play.creator, PRICE), by=play.mediator),
        "mediator_psbt": play.psbt(MEDIATOR, (play.creator, FEE), by=play.mediator),
    }
    fee = {"mediator_psbt": payments["mediator_psbt"]}
    rows: dict[str, tuple[str, str, Say]] = {
        "offer": (
            "creator",
            "creator_delegate_address",
            lambda who: people.offer(
                who,
                play.bid,
                play.job,
                primary_amount=Sat(PRICE + 9_000),
                creator_public_key=who.job_key(job_keys.CREATOR_ESCROW, play.job.document.job_id).public_key,
            ),
        ),
        "delivery": ("worker", "worker_delegate_address", lambda who: people.delivery(who, play.delivery)),
        "acceptance": (
            "creator",
            "creator_delegate_address",
            lambda who: people.accept(who, play.delivery, **payments),
        ),
        "creator's dispute": (
            "creator",
            "delegate_address",
            lambda who: people.creator_dispute(who, play.delivery, **fee),
        ),
        "worker's dispute": ("worker", "delegate_address", lambda who: people.worker_dispute(who, play.offer, **fee)),
        "resolution": (
            "mediator",
            "delegate_address",
            lambda who: people.resolution(who, dispute, PRICE, worker_amount=Sat(0), **payments),
        ),
    }
    for role in (Role.CREATOR, Role.WORKER):
        rows[f"settlement as {role.value}"] = (
            role.value.split()[-1],
            "delegate_address",
            lambda who, role=role: people.settlement(who, play.offer, role=role, worker_amount=Sat(0), **payments),
        )
        rows[f"taking as {role.value}"] = (
            role.value.split()[-1],
            "delegate_address",
            lambda who, role=role: people.accept_resolution(who, resolution, role=role, **payments),
        )
    for role in Role:
        rows[f"refund as {role.value}"] = (
            role.value.split()[-1],
            "delegate_address",
            lambda who, role=role: people.refund(who, play.offer, role=role, **payments),
        )
    return rows


def test_nothing_a_stranger_signs_counts(play: Play) -> None:
    """Threats S4 and S5: every document, under his own name and under the name of who may sign it."""
    play.disputed()
    play.resolve(PRICE)
    mallory = play.stranger.person
    rows = sayings(play)
    assert len(rows) == 13
    before = play.seen_by(play.worker).documents()
    with play.nothing_moves():
        for author, delegate_field, say in rows.values():
            play.tell(say(mallory), play.stranger)
            rightful = getattr(play, author).person
            play.tell(in_the_name_of_its_author(say(rightful), mallory, delegate_field), play.stranger)
    order = play.seen_by(play.worker)
    assert order.documents() == before
    assert len(order.rejected) == 2 * len(rows), "each is kept apart, with the reason"
    play.take(play.worker)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


def test_a_stranger_without_enrollment_is_nobody(play: Play) -> None:
    play.delivered()
    eve = people.person("Eve")
    with play.nothing_moves():
        play.tell(people.bid(eve, play.job), play.stranger)
        play.tell(people.accept(eve, play.delivery), play.stranger)
        play.tell(people.creator_dispute(eve, play.delivery), play.stranger)
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)


@pytest.mark.parametrize("step", ["bid", "offer", "delivery", "acceptance"])
def test_replayed_from_another_job_of_the_same_people(play: Play, new_play: Callable[[], Play], step: str) -> None:
    """Threat S7: what the same people rightly said elsewhere says nothing here."""
    other = new_play()
    other.accepted()
    play.delivered()
    said = {
        "bid": other.bid,
        "offer": other.offer,
        "delivery": other.delivery,
        "acceptance": other.seen_by(other.worker).acceptance,
    }[step]
    assert said is not None
    moved = dataclasses.replace(said.document, job_document=play.job.id)
    with pytest.raises(AuthorityError):
        verify(people.forged(moved, play.stranger.person.delegate))
    with play.nothing_moves():
        play.tell(said, play.stranger)
    play.accept()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
