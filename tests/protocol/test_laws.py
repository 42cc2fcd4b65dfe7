"""Laws over whole orders, with hostile people in them who copy, mix and sign whatever they can.

A hostile document begins as somebody's true one. Its attacker puts in fields of other documents, addresses and keys
of their own, and signs with every key they hold: their delegate's, their escrow keys of any role, and, as a thief,
the delegate of somebody else. Whatever verifies is let loose on the order.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.errors import AuthorityError, ReinError
from rein.escrow.terms import contract_of
from rein.protocol import fields, job_keys
from rein.protocol.documents import Bid, Document, Enrollment, EscrowSigned, Job, OrderDocument, Rating, Role
from rein.protocol.documents.enrollment import succession_text
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, State, fold
from rein.protocol.orders.fold import triggers_of
from rein.protocol.signed import Signed, verify
from rein.protocol.values import Revocation
from tests.support.people import (
    HEIGHT,
    JOB_ID,
    Person,
    bid,
    disputed_story,
    enroll,
    forged,
    job,
    person,
    rating,
    refunded_story,
    respelled,
    story,
)

pytestmark = pytest.mark.long

ALICE, BOB, CHARLIE, MALLORY, EVE = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory", "Eve"))
"""Alice mediates for Bob, who hires Charlie. Mallory is enrolled and would mediate; nobody knows Eve."""

TOLD, DISPUTED, REFUNDED = story(), disputed_story(), refunded_story()
RATINGS = (
    rating(BOB, TOLD.offer, Role.CREATOR, CHARLIE, Role.WORKER),
    rating(CHARLIE, TOLD.offer, Role.WORKER, ALICE, Role.MEDIATOR),
    rating(ALICE, TOLD.offer, Role.MEDIATOR, BOB, Role.CREATOR),
)
STORIES: dict[str, tuple[Signed[Any], ...]] = {
    "accepted": (*TOLD.documents, *RATINGS),
    "disputed": (*DISPUTED.documents, *RATINGS),
    "refunded": REFUNDED.documents,
}
SEEN: dict[str, tuple[Evidence, ...]] = {
    "accepted": (NO_EVIDENCE, Evidence(funded=True), Evidence(funded=True, primary_paid=True, mediator_paid=True)),
    "disputed": (NO_EVIDENCE, Evidence(funded=True), Evidence(funded=True, primary_paid=True)),
    "refunded": (NO_EVIDENCE, Evidence(primary_paid=True, mediator_paid=True, refunded=True)),
}
ELSEWHERE = (
    twin_job := job(BOB, ALICE, description="The same Job ID, another job."),
    bid(CHARLIE, twin_job),
    bid(MALLORY, TOLD.job),
    bid(MALLORY, TOLD.job, amount=Sat(600)),
    job(MALLORY, ALICE, job_id=JOB_ID),
    story(job_id="b" * 20).job,
    *story(job_id="b" * 20).documents,
)
TRUE = (TOLD.job, *dict.fromkeys(each for told in STORIES.values() for each in told))
SOURCES = (*TRUE, *ELSEWHERE)

RANK = {
    State.POSTED: 0,
    State.BID: 1,
    State.OFFERED: 2,
    State.FUNDED: 3,
    State.DELIVERED: 4,
    State.DISPUTED: 5,
    State.ACCEPTED: 5,
    State.RESOLVED: 5,
    State.FROZEN: 5,
    State.SETTLED: 6,
    State.REFUNDED: 6,
}
"""How far an order has come. What lies beside each other is no way back: a dispute and an acceptance follow either."""


def everybody(*more: Signed[Enrollment]) -> Enrollments:
    return Enrollments([enroll(ALICE, True), enroll(BOB), enroll(CHARLIE), enroll(MALLORY, True), *more])


# ---- what an attacker can make


def keys_of(who: Person, document: Any) -> dict[bytes, PrivateKey]:
    """Every key that somebody holds who might be put into this document."""
    job_document = getattr(document, "job_document", TOLD.job.id)
    found = [who.delegate, who.master]
    found += [who.job_key(job_keys.CREATOR_ESCROW, each) for each in (JOB_ID, "b" * 20)]
    found += [who.job_key(job_keys.WORKER_ESCROW, each) for each in (TOLD.job.id, twin_job.id, job_document)]
    found += [who.mediator_key(job_keys.parts_of(each.document)) for each in SOURCES if isinstance(each.document, Bid)]
    return {key.public_key: key for key in found}


POOL: dict[str, list[Any]] = defaultdict(list)
"""The values that the documents here give each field: what a hostile program can paste."""
for _signed in SOURCES:
    for _field in dataclasses.fields(_signed.document):
        if (_value := getattr(_signed.document, _field.name)) not in (None, *POOL[_field.name]):
            POOL[_field.name].append(_value)
for _name in ("creator_public_key", "worker_public_key"):
    POOL[_name] += [each.delegate.public_key for each in (ALICE, BOB, CHARLIE, MALLORY, EVE)]


@dataclasses.dataclass(frozen=True)
class Attack:
    """Who made a hostile document, and in whose name it speaks."""

    attacker: Person
    victim: Person
    signed: Signed[Any]


@st.composite
def attacks(draw: st.DrawFn, attacker: Person | None = None) -> Attack | None:
    """A hostile document that verifies; None where what was drawn does not, or is a true one."""
    source = draw(st.sampled_from(SOURCES))
    who = attacker or draw(st.sampled_from([ALICE, BOB, CHARLIE, MALLORY, EVE]))
    stolen_from = draw(st.sampled_from([None, None, ALICE, BOB, CHARLIE]))  # a delegate key and nothing else
    names = [each.name for each in dataclasses.fields(source.document)]
    changed = draw(st.sets(st.sampled_from(names), max_size=4))
    values = {name: draw(st.sampled_from(POOL[name])) for name in changed if POOL[name]}
    speaker = stolen_from or who
    document = dataclasses.replace(source.document, **(values | _author(source.document, speaker)))
    if isinstance(document, EscrowSigned):
        document = dataclasses.replace(document, escrow_signature=_proof(document, who, draw(st.booleans())))
    try:
        signed = verify(forged(document, speaker.delegate))
    except ReinError:
        return None
    return None if signed in SOURCES else Attack(who, speaker, signed)


def _author(document: Document, who: Person) -> dict[str, str]:
    """The author's fields of a document, as somebody who speaks with this delegate key must write them."""
    names = {each.name for each in dataclasses.fields(document)}
    role = next((each for each in ("creator", "worker") if f"{each}_delegate_address" in names), None)
    prefix = "" if role is None else f"{role}_"
    return {f"{prefix}delegate_address": who.delegate_address, f"{prefix}master_address": who.master_address}


def _proof(document: EscrowSigned, who: Person, copied: bool) -> str | None:
    """By the key that the document names if the attacker holds it, by some other of theirs, or copied."""
    if copied and document.escrow_signature is not None:
        return document.escrow_signature
    held = keys_of(who, document)
    key = held.get(document.own_escrow_key or b"", next(iter(held.values())))
    if document.own_escrow_key is None:
        wanted = {Role.CREATOR: TOLD.job.document.creator_public_key, Role.WORKER: TOLD.bid.document.worker_public_key}
        key = held.get(wanted.get(document.signing_role, TOLD.bid.document.mediator_public_key), key)
    return message.sign(key, fields.write(document.TITLE, dataclasses.replace(document, escrow_signature=None)))


made = st.lists(attacks(), min_size=1, max_size=8).map(lambda each: [attack for attack in each if attack is not None])


def test_the_attackers_of_these_tests_do_make_documents_that_verify() -> None:
    """A test that cannot fail proves nothing: attackers speak in every type, and with stolen delegates."""
    found: list[Attack] = []

    @given(made)
    @settings(max_examples=250, database=None)
    def look(some: list[Attack]) -> None:
        found.extend(some)

    look()
    assert {type(each.signed.document).__name__ for each in found} >= {"Job", "Bid", "Offer", "Delivery", "Rating"}
    assert any(each.attacker != each.victim for each in found)


# ---- law 1: one escrow, one contract


@given(made, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_one_escrow_belongs_to_one_contract(attacked: list[Attack], shuffle: random.Random) -> None:
    """In all orders that anybody can make of all these documents together, an escrow address has one job document, one
    creator's, worker's and mediator's key, one worker and one price; and in no order of arrival another."""
    documents = [*SOURCES, *(each.signed for each in attacked)]
    enrollments = everybody()
    contracts: dict[str, tuple[Any, ...]] = {}
    for posted in {each for each in documents if isinstance(each.document, Job)}:
        shuffle.shuffle(documents)
        for placed in _bids_of(posted, documents, enrollments):
            made_of, built = job_keys.parts_of(placed.document), contract_of(placed.document)
            for escrow in built.escrows:
                assert contracts.setdefault(escrow.address, (posted.id, made_of)) == (posted.id, made_of)


def _bids_of(
    posted: Signed[Job], documents: Iterable[Signed[Any]], enrollments: Enrollments
) -> tuple[Signed[Bid], ...]:
    try:
        return fold(posted, documents, enrollments).bids
    except ReinError:
        return ()


@pytest.mark.parametrize("thief", [ALICE, BOB, MALLORY, EVE], ids=lambda who: who.name)
def test_nobody_bids_with_a_key_that_somebody_else_holds(thief: Person) -> None:
    """The twin: the worker's key under another's payment address, in the true job or in one with the same Job ID."""
    key = TOLD.bid.document.worker_public_key
    for posted in (TOLD.job, twin_job, *(each for each in ELSEWHERE if isinstance(each.document, Job))):
        own = bid(thief, posted).document if thief is not BOB else bid(MALLORY, posted).document
        copy = dataclasses.replace(own, worker_public_key=key, escrow_signature=TOLD.bid.document.escrow_signature)
        with pytest.raises(ReinError, match=r"has not signed it|would sign as"):
            verify(forged(copy, thief.delegate))


# ---- law 2: no document undoes what others rely on


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=40)
def test_strangers_and_thieves_of_a_delegate_move_nothing(name: str, data: st.DataObject) -> None:
    """From the offer on, nothing that Mallory or Eve can write, with their own keys or with stolen delegates, takes a
    document out of the order, changes its state or freezes it."""
    told = STORIES[name]
    count = data.draw(st.integers(2, len(told)))
    attacked = [
        each
        for each in data.draw(st.lists(st.one_of(attacks(MALLORY), attacks(EVE)), min_size=1, max_size=6))
        if each is not None
    ]
    shown = data.draw(st.sampled_from(SEEN[name]))
    before = fold(TOLD.job, told[:count], everybody(), shown)
    mixed = [*told[:count], *(each.signed for each in attacked)]
    data.draw(st.randoms(use_true_random=False)).shuffle(mixed)
    after = fold(TOLD.job, mixed, everybody(), shown)
    assert (after.state, after.conflict, after.offer) == (before.state, before.conflict, before.offer)
    assert _binding(after) == _binding(before)


def _binding(order: Order) -> set[Signed[Any]]:
    """The documents that bind in the contract. Anybody may bid, and whoever has bid may write to the creator."""
    return {each for each in order.documents() if isinstance(each.document, EscrowSigned)} - set(order.bids)


@st.composite
def ends(draw: st.DrawFn) -> Signed[Enrollment]:
    """A new enrollment of one of the three that revokes their own delegate from some height, dated anyhow."""
    who = draw(st.sampled_from([ALICE, BOB, CHARLIE]))
    height = draw(st.sampled_from([0, 1, HEIGHT - 1, HEIGHT, HEIGHT + 2, HEIGHT + 5, 2**31 - 1]))
    dated = draw(st.sampled_from([0, HEIGHT - 10, HEIGHT, 2**31 - 1]))
    new = person(f"{who.name}'s next delegate")
    terms = {"mediator_public_key": new.delegate.public_key} if who is ALICE else {}
    return enroll(
        who,
        who is ALICE,
        delegate_address=new.delegate_address,
        revoked=(Revocation(who.delegate_address, height),),
        block_height=dated,
        previous=draw(st.sampled_from([None, enroll(who, who is ALICE).id])),
        **terms,
    )


@st.composite
def heirs(draw: st.DrawFn) -> list[Signed[Enrollment]]:
    """One of the three names a recovery address and hands the identity on, both dated anyhow: the delegates end."""
    who = draw(st.sampled_from([ALICE, BOB, CHARLIE]))
    safe, heir = person(f"{who.name}'s safe"), person(f"{who.name}'s heir")
    first, after = (draw(st.sampled_from([0, HEIGHT - 10, HEIGHT + 1, HEIGHT + 4, 2**31 - 1])) for _ in range(2))
    handed_on = message.sign(safe.master, succession_text(who.network, who.master_address, heir.master_address))
    return [
        enroll(who, who is ALICE, recovery_address=safe.master_address, block_height=first),
        enroll(heir, replaces=who.master_address, recovery_signature=handed_on, block_height=after),
    ]


def test_the_heirs_of_these_tests_do_inherit() -> None:
    first, heir = find(heirs(), lambda pair: all(0 < each.document.block_height < 2**31 - 1 for each in pair))
    old, new = first.document.master_address, heir.document.master_address
    assert everybody(first, heir).successor(heir.document.network, old) == new


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=40)
def test_an_order_never_goes_back_by_a_document(name: str, data: st.DataObject) -> None:
    """Documents of all three, hostile copies by anybody, revocations and heirs arrive one by one in any order. From the
    offer on, nothing that was said stops counting, and the state never falls: only the chain takes an order back."""
    shown = data.draw(st.sampled_from(SEEN[name]))
    arrivals: list[Signed[Any]] = [
        *STORIES[name],
        *(each.signed for each in data.draw(made)),
        *data.draw(st.lists(ends(), max_size=3)),
        *data.draw(st.one_of(st.just([]), heirs())),
    ]
    data.draw(st.randoms(use_true_random=False)).shuffle(arrivals)
    documents: list[Signed[Any]] = [TOLD.bid]
    enrollments: list[Signed[Enrollment]] = []
    last = fold(TOLD.job, documents, everybody(), shown)
    for each in arrivals:
        (enrollments if isinstance(each.document, Enrollment) else documents).append(each)
        try:
            order = fold(TOLD.job, documents, everybody(*enrollments), shown)
        except AuthorityError:
            assert RANK[last.state] < RANK[State.OFFERED], "only a job that nobody got falls by a revocation"
            continue
        if RANK[last.state] >= RANK[State.OFFERED]:
            assert RANK[order.state] >= RANK[last.state], (last.state, order.state, each.document.TITLE)
            gone = _said(last) - _said(order)
            if not order.conflict:
                assert gone == set(), gone
        last = order
    if RANK[last.state] >= RANK[State.OFFERED]:
        _same_whatever_the_order(documents, everybody(*enrollments), last, shown)


def _said(order: Order) -> set[Any]:
    """What counts or is held against its author. Of two ratings that say the same, one stands for both."""
    documents = {*order.documents(), *order.conflict, *order.void_ratings} - {order.job, *order.bids}
    binding = [each for each in documents if isinstance(each.document, EscrowSigned)]
    return {
        (each.document.role, each.document.rated_role, each.document.rating, each.document.comment)
        if isinstance(each.document, Rating)
        else each
        for each in binding
    }


def _same_whatever_the_order(
    documents: list[Signed[Any]], enrollments: Enrollments, expected: Order, shown: Evidence
) -> None:
    for some in (documents[::-1], sorted(documents, key=lambda each: each.id)):
        again = fold(TOLD.job, some, enrollments, shown)
        assert (again.state, again.documents(), again.conflict) == (
            expected.state,
            expected.documents(),
            expected.conflict,
        )


@given(st.sampled_from([(name, shown) for name, each in SEEN.items() for shown in each]), st.data())
def test_neither_arrival_nor_spelling_shows_in_an_order(named: tuple[str, Evidence], data: st.DataObject) -> None:
    """Even the bytes of a text that arrived under two signatures are the same, and so is what is said to have happened:
    documents have no time of their own."""
    name, shown = named
    twice = [*STORIES[name], *(verify(respelled(each.armored)) for each in STORIES[name])]
    one, other = (fold(TOLD.job, data.draw(st.permutations(twice)), everybody(), shown) for _ in range(2))
    assert one == other
    assert [each.armored for each in one.all_documents()] == [each.armored for each in other.all_documents()]
    assert list(triggers_of(one)) == list(triggers_of(other))


def test_every_type_of_an_order_has_a_twin_by_every_role() -> None:
    """Each document of the story, said again word for word by each of the others, with their own keys: none counts."""
    for source in TRUE:
        if not isinstance(source.document, OrderDocument) or not isinstance(source.document, EscrowSigned):
            continue
        author = source.document.author.master_address
        for who in (ALICE, BOB, CHARLIE, MALLORY, EVE):
            if who.master_address == author or (isinstance(source.document, Bid) and who is MALLORY):
                continue
            copy = dataclasses.replace(source.document, **_author(source.document, who))
            for copied in (True, False):
                twin = dataclasses.replace(copy, escrow_signature=_proof(copy, who, copied))
                try:
                    signed = verify(forged(twin, who.delegate))
                except ReinError:
                    continue
                order = fold(TOLD.job, [*TRUE, signed], everybody())
                assert signed in [each.document for each in order.rejected], (source.document.TITLE, who.name)
                assert p2pkh_address(who.delegate.public_key, who.network) == signed.address
