"""What each of the three may try with payments against the others, on a real chain: nothing of it is signed.

The tests tell the whole way, from the documents to the transaction, in the homes of all three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import AuthorityError, BadSignatureError, EscrowError, FieldError, OrderError, PsbtError
from rein.escrow.payout import Coin, Split, build_payout, payout_at, sign_payout, the_price
from rein.escrow.terms import EscrowTerms
from rein.protocol import job_keys
from rein.protocol.documents import Role
from rein.protocol.orders import Order, State
from rein.protocol.reputation import Score
from rein.protocol.signed import Signed, sign, verify
from rein.workflows.chain.view import chain_view_of
from rein.workflows.jobs import offer as offers
from rein.workflows.jobs.deliver import require_deliverable
from rein.workflows.market.reputation import known_ratings
from rein.workflows.money import psbt_import
from rein.workflows.money.agree import open_proposals
from rein.workflows.money.completion import Ready, ready_payments, sign_and_send
from rein.workflows.money.explain import explain_job, identify
from rein.workflows.orders.load import find_order
from rein.workflows.orders.outbox import add_to_outbox
from tests.support.money import Deal, deal, job_id_of
from tests.support.money_steps import (
    build_acceptance,
    build_dispute,
    build_refund,
    build_resolution,
    build_settlement,
    plan_acceptance,
    plan_dispute,
    plan_refund,
    plan_resolution,
    plan_settlement,
    prepare_agreement,
    prepare_collection,
    prepare_resolution,
)
from tests.support.people import (
    PRICE,
    accept,
    accept_resolution,
    bid,
    delivery,
    enroll,
    forged,
    job,
    offer,
    person,
    rating,
    refund,
    resolution,
    settlement,
    worker_dispute,
)
from tests.workflows.conftest import Home

ALICE, BOB, CHARLIE, MALLORY = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory"))
FEE = 75_000
ALICE_TERMS = ("mediator_escrow_xpub", "mediator_escrow_signature")


@dataclass
class Trio:
    """A deal in the homes of all three, and its money."""

    told: Deal
    alice: Home
    bob: Home
    charlie: Home
    chain: CoreRpc

    def learn(self, *documents: Signed[Any]) -> None:
        for each in (self.alice, self.bob, self.charlie):
            each.learn(*documents)

    def pay(self, *payments: tuple[EscrowTerms, int]) -> None:
        """So many satoshis to an escrow, each in an output of its own, in a block."""
        faucet.pay(self.chain, [(terms.escrow.address, Sat(amount)) for terms, amount in payments])
        faucet.mine(self.chain, 1)

    def fund(self) -> None:
        self.pay(*((terms, terms.amount) for terms in self.told.terms.escrows))

    def coins(self, terms: EscrowTerms) -> list[Coin]:
        found = self.chain.unspent_outputs([terms.escrow.script])
        return sorted((Coin(each.outpoint, each.amount) for each in found), key=lambda each: each.amount)

    def received(self, script: bytes) -> list[Sat]:
        return [each.amount for each in self.chain.unspent_outputs([script])]

    def order(self, who: Home) -> Order:
        return who.order(self.told.job.id)

    def send(self, who: Home, ready: list[Ready], *, mine: bool = True) -> None:
        for each in ready:
            sign_and_send(who.session, each)
        if mine:
            faucet.mine(self.chain, 1)

    @property
    def primary(self) -> EscrowTerms:
        return self.told.terms.of("primary")

    @property
    def mediator(self) -> EscrowTerms:
        return self.told.terms.of("mediator")


_numbers = iter(range(300, 400))


@pytest.fixture
def trio(chain: CoreRpc, home: Callable[[str], Home]) -> Trio:
    told = deal(next(_numbers))
    trio = Trio(told, home("Alice"), home("Bob"), home("Charlie"), chain)
    enrolled = [enroll(ALICE, True), enroll(BOB), enroll(CHARLIE)]
    trio.learn(*enrolled, *told.enrollments, told.job, told.bid, told.offer)
    return trio


# The mediator's fee


def test_the_mediator_signs_away_nothing_of_a_half_filled_escrow_beforehand(trio: Trio) -> None:
    """A signature on one output outlives what comes later: filled up by another output, the escrow would be emptied
    by the refund of the first when the work is done, and the mediator would go unpaid."""
    trio.pay((trio.primary, trio.primary.amount), (trio.mediator, 40_000))
    hers = plan_refund(trio.alice.session, trio.order(trio.alice), 5)
    assert set(hers.payouts) == {"primary"}

    planned = plan_refund(trio.charlie.session, trio.order(trio.charlie), 5)
    assert planned.payouts["mediator"].split == Split(Sat(0))
    asked = build_refund(trio.charlie.session, planned, "Never filled.")
    trio.learn(asked)
    ready = prepare_agreement(trio.alice.session, trio.order(trio.alice), asked.id)
    assert [each.escrow_id for each in ready] == ["mediator"], "agreeing at once is another thing"

    trio.pay((trio.mediator, trio.mediator.amount - 40_000))
    with pytest.raises(EscrowError, match=f"does not pay {FEE} sat to Alice"):
        prepare_agreement(trio.alice.session, trio.order(trio.alice), asked.id)


def test_a_refund_of_a_part_does_not_leave_the_mediator_unpaid(trio: Trio) -> None:
    """The escrow came in two outputs; the creator asks to take one back."""
    trio.pay((trio.primary, trio.primary.amount), (trio.mediator, 40_000), (trio.mediator, 40_000))
    one = payout_at(trio.mediator, trio.coins(trio.mediator)[:1], Split(Sat(0)), 5)
    psbt = sign_payout(one, trio.told.creator).to_base64()
    asked = refund(BOB, trio.told.offer, primary_psbt=None, mediator_psbt=psbt)
    trio.learn(asked)
    with pytest.raises(EscrowError, match=f"does not pay {FEE} sat to Alice"):
        prepare_agreement(trio.alice.session, trio.order(trio.alice), asked.id)


def test_what_comes_after_the_fee_was_paid_goes_back_and_nobody_is_paid_twice(trio: Trio) -> None:
    trio.fund()
    planned = plan_settlement(trio.charlie.session, trio.order(trio.charlie), Sat(4_000_000))
    agreed = build_settlement(trio.charlie.session, planned, "A part.")
    trio.learn(agreed)
    trio.send(trio.bob, prepare_agreement(trio.bob.session, trio.order(trio.bob), agreed.id))
    trio.send(trio.alice, prepare_collection(trio.alice.session, trio.order(trio.alice)))
    assert trio.order(trio.bob).state is State.SETTLED

    trio.pay((trio.mediator, trio.mediator.amount), (trio.primary, 90_000))
    order = trio.order(trio.bob)
    assert order.state is State.SETTLED
    left = build_refund(trio.bob.session, plan_refund(trio.bob.session, order, 5), "It came too late.")
    trio.learn(left)
    assert {each.document.id for each in open_proposals(trio.alice.session, trio.order(trio.alice))} == {left.id}
    ready = prepare_agreement(trio.alice.session, trio.order(trio.alice), left.id)
    assert {each.escrow_id: each.payout.split.payee for each in ready} == {"primary": 0, "mediator": 0}
    trio.send(trio.alice, ready)
    for who in (trio.alice, trio.bob, trio.charlie):
        assert trio.order(who).state is State.SETTLED
        assert who.notes == [], "every coin's way is known"
    assert trio.coins(trio.primary) == trio.coins(trio.mediator) == []
    assert trio.received(trio.mediator.payee.script) == [FEE]


def test_a_mediator_who_is_paid_can_still_decide(trio: Trio) -> None:
    """The creator accepts with a payment that pays the mediator and none that pays the worker. The mediator takes the
    fee; the worker protests; the mediator's second payment is the first once more."""
    trio.fund()
    handed = delivery(CHARLIE, trio.told.offer)
    fee = payout_at(trio.mediator, trio.coins(trio.mediator), the_price(trio.mediator), 5)
    psbt = sign_payout(fee, trio.told.creator).to_base64()
    trio.learn(handed, accept(BOB, handed, primary_psbt=psbt, mediator_psbt=psbt))
    trio.send(trio.alice, prepare_collection(trio.alice.session, trio.order(trio.alice)))
    with pytest.raises(EscrowError, match="another contract"):
        prepare_collection(trio.charlie.session, trio.order(trio.charlie))

    protest = build_dispute(
        trio.charlie.session,
        plan_dispute(trio.charlie.session, trio.order(trio.charlie), Role.WORKER),
        "It pays nobody.",
    )
    assert protest.document.mediator_psbt is None
    trio.learn(protest)
    decision = plan_resolution(trio.alice.session, trio.order(trio.alice), PRICE)
    assert decision.payouts["mediator"].txid == fee.txid
    decided = build_resolution(trio.alice.session, decision, "He worked.")
    trio.learn(decided)
    ready = prepare_resolution(trio.charlie.session, trio.order(trio.charlie))
    assert [each.escrow_id for each in ready] == ["primary"]
    trio.send(trio.charlie, ready)
    assert trio.order(trio.charlie).state is State.SETTLED
    assert trio.received(trio.primary.payee.script) == [PRICE]
    assert trio.received(trio.mediator.payee.script) == [FEE]


# The creator's money


def test_mediator_and_worker_do_not_burn_what_the_creator_gets_back(trio: Trio) -> None:
    """The escrow holds too much; what the mediator decides leaves the miner what the offer reserves, and no more."""
    trio.fund()
    trio.pay((trio.primary, 60_000))
    complaint = worker_dispute(CHARLIE, trio.told.offer, mediator_psbt=None)
    burning = build_payout(trio.primary, trio.coins(trio.primary), the_price(trio.primary), Sat(60_000))
    fee = payout_at(trio.mediator, trio.coins(trio.mediator), the_price(trio.mediator), 5)
    texts = [sign_payout(each, trio.told.mediator).to_base64() for each in (burning, fee)]
    decided = resolution(ALICE, complaint, worker_amount=PRICE, primary_psbt=texts[0], mediator_psbt=texts[1])
    trio.learn(complaint, decided)
    with pytest.raises(EscrowError, match=r"leaves 60000 sat for the miner, which is outside"):
        prepare_resolution(trio.charlie.session, trio.order(trio.charlie))


@pytest.mark.parametrize("feerate", [1, 60, 500])
def test_an_honest_decision_is_taken_at_any_feerate(trio: Trio, feerate: int) -> None:
    """The mediator's program keeps to the reserve by itself, too much money in the escrow or not."""
    trio.fund()
    trio.pay((trio.primary, 60_000), (trio.mediator, 60_000))
    complaint = build_dispute(
        trio.charlie.session,
        plan_dispute(trio.charlie.session, trio.order(trio.charlie), Role.WORKER, feerate),
        "No answer.",
    )
    trio.learn(complaint)
    for who in (trio.bob, trio.charlie):
        assert trio.order(who).disputes
    decision = plan_resolution(trio.alice.session, trio.order(trio.alice), Sat(4_000_000), feerate=feerate)
    trio.learn(build_resolution(trio.alice.session, decision, "A part."))
    ready = prepare_resolution(trio.charlie.session, trio.order(trio.charlie))
    assert {each.escrow_id: each.payout.split.payee for each in ready} == {
        "primary": 4_000_000,
        "mediator": FEE,
    }
    assert next(each for each in ready if each.escrow_id == "primary").payout.back >= PRICE - 4_000_000
    (fee,) = prepare_collection(trio.alice.session, trio.order(trio.alice))
    assert fee.proposal.document == complaint, "signed by the worker alone, within the reserve"
    assert fee.payout.fee < trio.mediator.miner_fee + 546


def test_the_mediator_who_decides_twice_decides_nothing(trio: Trio) -> None:
    trio.fund()
    complaint = worker_dispute(CHARLIE, trio.told.offer, mediator_psbt=None)
    trio.learn(complaint)
    first = plan_resolution(trio.alice.session, trio.order(trio.alice), Sat(0), feerate=5)
    second = plan_resolution(trio.alice.session, trio.order(trio.alice), PRICE, feerate=5)
    texts = {"mediator_psbt": sign_payout(first.payouts["mediator"], trio.told.mediator).to_base64()}
    decided = [
        resolution(
            ALICE,
            complaint,
            worker_amount=each.worker_amount,
            primary_psbt=sign_payout(each.payouts["primary"], trio.told.mediator).to_base64(),
            **texts,
        )
        for each in (first, second)
    ]
    trio.learn(*decided)
    for who in (trio.bob, trio.charlie):
        assert trio.order(who).state is State.FROZEN
        with pytest.raises(OrderError, match="twice, and differently: neither counts"):
            prepare_resolution(who.session, trio.order(who))
    taken = accept_resolution(
        CHARLIE,
        decided[1],
        primary_psbt=sign_payout(second.payouts["primary"], trio.told.worker).to_base64(),
        mediator_psbt=sign_payout(second.payouts["mediator"], trio.told.worker).to_base64(),
    )
    trio.learn(taken)
    ready = prepare_collection(trio.alice.session, trio.order(trio.alice))
    assert [each.escrow_id for each in ready] == ["mediator"], "nor does she make it true by completing one"


# The worker's money


def test_nobody_ends_a_job_by_giving_a_trifle_back(trio: Trio) -> None:
    """The creator asks the worker to sign a small output back that came by mistake. It comes back with the payment; and
    whoever signs it all the same ends nothing."""
    trio.fund()
    trio.pay((trio.primary, 10_000))
    trifle = payout_at(trio.primary, trio.coins(trio.primary)[:1], Split(Sat(0)), 5)
    asked = refund(
        BOB, trio.told.offer, primary_psbt=sign_payout(trifle, trio.told.creator).to_base64(), mediator_psbt=None
    )
    trio.learn(asked)
    order = trio.order(trio.charlie)
    with pytest.raises(EscrowError, match="a refund gives all back, or nothing"):
        prepare_agreement(trio.charlie.session, order, asked.id)
    seen = chain_view_of(trio.charlie.session, order)
    ready, _ = ready_payments(order, seen, Role.WORKER, seen.proposals)
    trio.send(trio.charlie, ready)
    for who in (trio.alice, trio.bob, trio.charlie):
        assert trio.order(who).state is State.FUNDED
        assert who.notes == []

    handed = delivery(CHARLIE, trio.told.offer)
    trio.learn(handed)
    trio.learn(build_acceptance(trio.bob.session, plan_acceptance(trio.bob.session, trio.order(trio.bob), 5)))
    trio.send(trio.charlie, prepare_collection(trio.charlie.session, trio.order(trio.charlie)))
    trio.send(trio.alice, prepare_collection(trio.alice.session, trio.order(trio.alice)))
    assert trio.order(trio.charlie).state is State.SETTLED
    assert trio.received(trio.primary.payee.script) == [PRICE]


def test_what_is_in_an_escrow_later_does_not_undo_a_refund(trio: Trio) -> None:
    """A stranger fills a refunded escrow up: the refund is still one."""
    trio.pay((trio.mediator, 40_000))
    planned = plan_refund(trio.bob.session, trio.order(trio.bob), 5)
    asked = build_refund(trio.bob.session, planned, "I have no money.")
    trio.learn(asked)
    trio.send(trio.alice, prepare_agreement(trio.alice.session, trio.order(trio.alice), asked.id))
    assert trio.order(trio.charlie).state is State.REFUNDED
    trio.pay((trio.mediator, 40_000))
    for who in (trio.alice, trio.bob, trio.charlie):
        assert trio.order(who).state is State.REFUNDED
        assert who.notes == []


def test_a_worker_is_told_that_his_old_refund_still_stands(trio: Trio) -> None:
    """The creator fills half of the escrow, gets the worker to sign it back, fills the other half, and lets him work:
    the first half can still be taken back."""
    half = trio.primary.amount // 2
    trio.pay((trio.primary, half), (trio.mediator, trio.mediator.amount))
    planned = plan_refund(trio.charlie.session, trio.order(trio.charlie), 5)
    signed = build_refund(trio.charlie.session, planned, "You never paid the rest.")
    trio.learn(signed)
    trio.pay((trio.primary, trio.primary.amount - half))
    order = trio.order(trio.charlie)
    assert order.state is State.FUNDED
    seen = chain_view_of(trio.charlie.session, order)
    mine = [each for each in seen.proposals if each.document == signed]
    with pytest.raises(OrderError, match=signed.id[:12]):
        require_deliverable(trio.charlie.session, order)
    with pytest.raises(EscrowError, match="a refund gives all back, or nothing"):
        prepare_agreement(trio.bob.session, trio.order(trio.bob), signed.id)
    order = trio.order(trio.bob)
    ready, _ = ready_payments(
        order, chain_view_of(trio.bob.session, order), Role.CREATOR, mine
    )  # a program that does not care
    trio.send(trio.bob, ready)
    seen = chain_view_of(trio.charlie.session, trio.order(trio.charlie))
    paid = [*seen.payments.values(), *seen.others]
    assert [each.document_id for each in paid] == [signed.id], "what he signed was taken, as he was told it could"


# Replacing a payment that waits


def test_a_payment_replaces_another_and_never_adds_to_it(trio: Trio) -> None:
    trio.fund()
    trio.pay((trio.primary, 6_000_000))
    (small, large), fee = trio.coins(trio.primary), trio.coins(trio.mediator)

    def proposed(coins: list[Coin], feerate: int, words: str) -> Signed[Any]:
        split = Split(Sat(4_000_000), Sat(0))
        texts = [
            sign_payout(payout_at(trio.primary, coins, split, feerate), trio.told.creator),
            sign_payout(payout_at(trio.mediator, fee, the_price(trio.mediator), 5), trio.told.creator),
        ]
        return settlement(
            BOB,
            trio.told.offer,
            worker_amount=Sat(4_000_000),
            terms=words,
            primary_psbt=texts[0].to_base64(),
            mediator_psbt=texts[1].to_base64(),
        )

    first, other = proposed([small], 5, "first"), proposed([large], 50, "another output")
    cheaper, dearer = proposed([small], 4, "less for the miner"), proposed([small, large], 50, "more for the miner")
    trio.learn(first, other, cheaper, dearer)
    trio.send(trio.charlie, prepare_agreement(trio.charlie.session, trio.order(trio.charlie), first.id), mine=False)
    for refused in (first, other, cheaper):
        with pytest.raises(OrderError, match="waits for your signature"):
            prepare_agreement(trio.charlie.session, trio.order(trio.charlie), refused.id)
    trio.send(trio.charlie, prepare_agreement(trio.charlie.session, trio.order(trio.charlie), dearer.id))
    assert trio.received(trio.primary.payee.script) == [4_000_000]
    with pytest.raises(OrderError, match="waits for your signature"):
        prepare_agreement(trio.charlie.session, trio.order(trio.charlie), other.id)


def test_nothing_more_is_signed_while_the_money_is_on_its_way(trio: Trio) -> None:
    """The creator who accepts while a settlement waits would let the worker choose the better of the two."""
    trio.fund()
    planned = plan_settlement(trio.charlie.session, trio.order(trio.charlie), Sat(1_000_000))
    agreed = build_settlement(trio.charlie.session, planned, "A part.")
    trio.learn(agreed, delivery(CHARLIE, trio.told.offer), worker_dispute(CHARLIE, trio.told.offer))
    trio.send(trio.bob, prepare_agreement(trio.bob.session, trio.order(trio.bob), agreed.id), mine=False)
    with pytest.raises(EscrowError, match="was paid out already"):
        plan_acceptance(trio.bob.session, trio.order(trio.bob), 5)
    with pytest.raises(EscrowError, match="was paid out already"):
        plan_resolution(trio.alice.session, trio.order(trio.alice), Sat(0), feerate=5)


# Copies of a job (S14)


def _twin(told: Deal, creator: Any, worker: Any) -> tuple[Signed[Any], Signed[Any], Signed[Any]]:
    """Another job with the Job ID, the name, the mediator and the price of the deal's, a bid and an offer in it."""
    posted = job(creator, ALICE, job_id=told.job.document.job_id, description="Another one.")
    placed = bid(worker, posted)
    return posted, placed, offer(creator, placed, posted, primary_amount=told.offer.document.primary_amount)


@pytest.mark.parametrize("what", ["job", "bid", "offer"])
@pytest.mark.parametrize("signature", ["own", "copied", "none"])
def test_nobody_signs_with_a_key_they_have_copied(trio: Trio, what: str, signature: str) -> None:
    """Mallory and their accomplice repeat the keys of Bob and Charlie, and hold neither."""
    told = trio.told
    posted, placed, given = _twin(told, MALLORY, person("Trudy"))
    key = "worker_public_key" if what == "bid" else "creator_public_key"
    true, own = {"job": (told.job, posted), "bid": (told.bid, placed), "offer": (told.offer, given)}[what]
    author = person("Trudy") if what == "bid" else MALLORY
    branch = job_keys.WORKER_ESCROW if what == "bid" else job_keys.CREATOR_ESCROW
    copied = replace(own.document, **{key: getattr(true.document, key)})
    with pytest.raises(AuthorityError, match="signed by its author's escrow key, and this is not it"):
        sign(copied, author.delegate, author.job_key(branch, posted.id if what == "bid" else posted.document.job_id))
    signatures = {"own": own.document.escrow_signature, "copied": true.document.escrow_signature, "none": None}
    text = forged(replace(copied, escrow_signature=signatures[signature]), author.delegate)
    with pytest.raises(FieldError if signature == "none" else BadSignatureError):
        verify(text)


@pytest.mark.parametrize("creator", [MALLORY, BOB], ids=["by a stranger", "by the creator"])
@pytest.mark.parametrize("worker", [person("Trudy"), CHARLIE], ids=["for an accomplice", "for the worker"])
@pytest.mark.parametrize("first", [True, False], ids=["came first", "came later"])
def test_a_twin_has_escrows_of_its_own_and_holds_nobody_up(trio: Trio, creator: Any, worker: Any, first: bool) -> None:
    """Whichever of the two a home knows first: the mediator finds nothing to sign away in the twin, and all that the
    three do in the true job goes on. The creator who posts it again repeats their own key."""
    told = deal(next(_numbers)) if first else trio.told
    posted, placed, given = _twin(told, creator, worker)
    complaint = worker_dispute(worker, given, mediator_psbt=None)
    trio.learn(enroll(MALLORY), enroll(person("Trudy")), posted, placed, given, complaint)
    trio.learn(*told.enrollments, told.job, told.bid)
    trio = replace(trio, told=told)
    if first:
        assert offers.prepare(trio.bob.session, trio.order(trio.bob), told.bid, 5)
        trio.learn(told.offer)
    assert {placed.document.primary_address, placed.document.mediator_address}.isdisjoint(
        {told.bid.document.primary_address, told.bid.document.mediator_address}
    )
    trio.fund()
    for who in (trio.alice, trio.bob, trio.charlie):
        assert chain_view_of(who.session, trio.order(who)).funding.complete
        assert who.order(posted.id).state is not State.FUNDED
    with pytest.raises(EscrowError, match="do not hold what was agreed"):
        plan_resolution(trio.alice.session, trio.alice.order(posted.id), PRICE, feerate=5)
    trio.learn(delivery(CHARLIE, told.offer))
    trio.learn(build_acceptance(trio.bob.session, plan_acceptance(trio.bob.session, trio.order(trio.bob), 5)))
    trio.send(trio.charlie, prepare_collection(trio.charlie.session, trio.order(trio.charlie)))
    trio.send(trio.alice, prepare_collection(trio.alice.session, trio.order(trio.alice)))
    for who in (trio.alice, trio.bob, trio.charlie):
        assert trio.order(who).state is State.SETTLED
    assert trio.received(trio.primary.payee.script) == [PRICE]


def test_a_settled_job_cannot_be_copied_for_its_ratings(trio: Trio) -> None:
    """Mallory and Trudy repeat a job that was paid, with the same mediator and the payments as they were signed, and
    praise each other. With keys of their own nothing was paid; those of the paid escrow sign nothing for them
    (`test_nobody_signs_with_a_key_they_have_copied`), and the mediator's extended key enrolls nobody else."""
    trudy = person("Trudy")
    trio.fund()
    trio.learn(delivery(CHARLIE, trio.told.offer), enroll(MALLORY), enroll(trudy))
    trio.learn(build_acceptance(trio.bob.session, plan_acceptance(trio.bob.session, trio.order(trio.bob), 5)))
    trio.send(trio.charlie, prepare_collection(trio.charlie.session, trio.order(trio.charlie)))
    trio.send(trio.alice, prepare_collection(trio.alice.session, trio.order(trio.alice)))
    posted, placed, given = _twin(trio.told, MALLORY, trudy)
    delivered = delivery(trudy, given)
    (true,) = trio.order(trio.alice).acceptances
    paid = {name: getattr(true.document, name) for name in ("primary_psbt", "mediator_psbt")}
    praise = rating(MALLORY, given, Role.CREATOR, trudy, Role.WORKER)
    earned = rating(BOB, trio.told.offer, Role.CREATOR, CHARLIE, Role.WORKER)
    trio.learn(posted, placed, given, delivered, accept(MALLORY, delivered, **paid), praise, earned)
    for who in (trio.alice, trio.bob, trio.charlie):
        assert trio.order(who).state is State.SETTLED
        assert not who.order(posted.id).is_over
        ratings = known_ratings(who.session)
        assert ratings.average(CHARLIE.master_address) == Score(50, 1)
        assert ratings.average(trudy.master_address) == Score(0, 0)
    terms = {**MALLORY.mediator_terms, **{n: ALICE.mediator_terms[n] for n in ALICE_TERMS}}
    with pytest.raises(FieldError, match="not signed by itself for this identity"):
        enroll(MALLORY, **terms, willing_to_mediate=True)


def test_copying_an_address_holds_nobody_up(trio: Trio) -> None:
    """A stranger's bid names Bob's escrow without having its keys."""
    posted = job(MALLORY, ALICE, job_id=job_id_of(next(_numbers)))
    address = trio.told.bid.document.primary_address
    copied = bid(CHARLIE, posted, primary_address=address)
    fresh = deal(next(_numbers))
    twin = bid(MALLORY, posted, primary_address=fresh.bid.document.primary_address)
    trio.bob.learn(enroll(MALLORY), *fresh.enrollments, posted, copied, twin, fresh.job, fresh.bid)
    assert chain_view_of(trio.bob.session, trio.order(trio.bob))
    assert offers.prepare(trio.bob.session, find_order(trio.bob.session, fresh.job.id), fresh.bid, 5)


# Two offers on one bid


def test_a_second_offer_on_the_same_bid_is_no_other_job(trio: Trio) -> None:
    second = offer(BOB, trio.told.bid, trio.told.job, primary_amount=Sat(PRICE + 9_000))
    trio.learn(second)
    order = find_order(trio.charlie.session, trio.told.offer.id)
    assert order.state is State.FROZEN
    assert chain_view_of(trio.charlie.session, order)


def two_offers(trio: Trio) -> tuple[Signed[Any], Signed[Any]]:
    """The creator has signed two offers on one bid: two views of the job, and one escrow."""
    amounts = {"primary_amount": Sat(PRICE + 5_000), "mediator_amount": trio.mediator.amount}
    second = offer(BOB, trio.told.bid, trio.told.job, **amounts)
    trio.learn(second, *(worker_dispute(CHARLIE, given, mediator_psbt=None) for given in (trio.told.offer, second)))
    trio.fund()
    return trio.told.offer, second


def test_a_mediator_decides_under_one_of_two_offers_only(trio: Trio) -> None:
    first, second = two_offers(trio)
    session = trio.alice.session
    planned = plan_resolution(session, trio.alice.order(first.id), PRICE, feerate=5)
    assert any(f"another offer with the same escrow, {second.id[:12]}" in each for each in planned.remarks)
    add_to_outbox(session, build_resolution(session, planned, "Paid."))
    other = trio.alice.order(second.id)
    for step in (
        lambda: plan_resolution(session, other, Sat(0), feerate=5),
        lambda: plan_resolution(session, other, PRICE, feerate=5),
        lambda: plan_refund(session, other, 5),
    ):
        with pytest.raises(EscrowError, match=rf"another offer with the same \w+ escrow, {first.id[:12]}") as caught:
            step()
        assert caught.value.hint == f"Go on there: --jobid {first.id[:12]}"
    assert plan_resolution(session, trio.alice.order(first.id), PRICE, feerate=5)


def test_what_a_mediator_completed_under_one_offer_is_not_decided_under_the_other(trio: Trio) -> None:
    """No document of hers carries it."""
    first, second = two_offers(trio)
    session = trio.bob.session
    asked = build_refund(session, plan_refund(session, trio.bob.order(first.id), 5), "Let us part.")
    trio.learn(asked)
    session = trio.alice.session
    trio.send(trio.alice, prepare_agreement(session, trio.alice.order(first.id), asked.id), mine=False)
    reasons = f"another offer with the same primary escrow, {first.id[:12]}|do not hold what was agreed"
    with pytest.raises(EscrowError, match=reasons):
        plan_resolution(session, trio.alice.order(second.id), PRICE, feerate=5)
    faucet.mine(trio.chain, 1)


# Payments of another job


def test_a_payment_of_another_job_of_the_same_people_is_not_completed(trio: Trio) -> None:
    other = deal(next(_numbers))
    trio.fund()
    trio.pay(*((terms, terms.amount) for terms in other.terms.escrows))
    handed = delivery(CHARLIE, trio.told.offer)
    coins = {terms.id: trio.coins(terms) for terms in other.terms.escrows}
    texts = [
        sign_payout(payout_at(terms, coins[terms.id], the_price(terms), 5), other.creator).to_base64()
        for terms in other.terms.escrows
    ]
    trio.learn(handed, accept(BOB, handed, primary_psbt=texts[0], mediator_psbt=texts[1]))
    for who in (trio.alice, trio.charlie):
        with pytest.raises(EscrowError, match="spends an output of another contract"):
            prepare_collection(who.session, trio.order(who))


def test_a_payment_of_an_output_that_is_spent_is_not_completed(trio: Trio) -> None:
    trio.fund()
    handed = delivery(CHARLIE, trio.told.offer)
    gone = Coin(replace(trio.coins(trio.primary)[0].outpoint, txid="ab" * 32), trio.primary.amount)
    stale = sign_payout(payout_at(trio.primary, [gone], the_price(trio.primary), 5), trio.told.creator).to_base64()
    fee = payout_at(trio.mediator, trio.coins(trio.mediator), the_price(trio.mediator), 5)
    texts = {"primary_psbt": stale, "mediator_psbt": sign_payout(fee, trio.told.creator).to_base64()}
    trio.learn(handed, accept(BOB, handed, **texts))
    with pytest.raises(EscrowError, match="the chain does not show as an output of this escrow now"):
        prepare_collection(trio.charlie.session, trio.order(trio.charlie))
    assert [each.escrow_id for each in prepare_collection(trio.alice.session, trio.order(trio.alice))] == ["mediator"]


def test_an_accepted_decision_carries_what_was_decided_or_is_refused(trio: Trio) -> None:
    """The worker accepts the mediator's decision with a payment of his own making."""
    trio.fund()
    complaint = worker_dispute(CHARLIE, trio.told.offer, mediator_psbt=None)
    trio.learn(complaint)
    decision = plan_resolution(trio.alice.session, trio.order(trio.alice), Sat(1_000_000), feerate=5)
    decided = build_resolution(trio.alice.session, decision, "A little.")
    more = payout_at(trio.primary, trio.coins(trio.primary), Split(Sat(4_900_000)), 5)
    texts = {
        "primary_psbt": sign_payout(more, trio.told.worker).to_base64(),
        "mediator_psbt": sign_payout(decision.payouts["mediator"], trio.told.worker).to_base64(),
    }
    trio.learn(decided, accept_resolution(CHARLIE, decided, **texts))
    ready = prepare_collection(trio.alice.session, trio.order(trio.alice))
    assert [each.escrow_id for each in ready] == ["mediator"]
    order = replace(trio.order(trio.alice), resolutions=())
    with pytest.raises(EscrowError, match="the resolution that was accepted is not here"):
        chain_view_of(trio.alice.session, order)


# What `rein explain` tells


def test_a_replaced_delivery_that_was_accepted_is_remarked(trio: Trio) -> None:
    trio.fund()
    first = delivery(CHARLIE, trio.told.offer)
    second = delivery(CHARLIE, first, deliverables="https://example.com/better")
    payouts = [payout_at(terms, trio.coins(terms), the_price(terms), 5) for terms in trio.told.terms.escrows]
    texts = [sign_payout(each, trio.told.creator).to_base64() for each in payouts]
    accepted = accept(BOB, first, primary_psbt=texts[0], mediator_psbt=texts[1])
    trio.learn(first, second, accepted)
    told = explain_job(trio.charlie.session, trio.told.job.id).payments
    assert [each.explanation.as_agreed for each in told] == [True, True], "it pays all the same"
    assert {each.remark for each in told} == {"it accepts a delivery that the worker has replaced"}
    again = accept(BOB, second, primary_psbt=texts[0], mediator_psbt=texts[1])
    trio.learn(again)
    explained = explain_job(trio.charlie.session, trio.told.job.id)
    order, told = explained.order, explained.payments
    assert order.state is State.FROZEN
    assert {each.remark for each in told} == {"its author signed another document that contradicts it"}
    trio.send(trio.charlie, prepare_collection(trio.charlie.session, order))
    told = explain_job(trio.charlie.session, trio.told.job.id).payments
    assert {each.confirmations for each in told if each.proposal.terms == trio.primary} == {1}


def test_a_payment_no_document_carries_is_told_by_what_it_comes_nearest_to(trio: Trio) -> None:
    trio.fund()
    wanted = {
        the_price(trio.primary): "acceptance",
        Split(Sat(0)): "refund",
    }
    for split, ending in wanted.items():
        psbt = sign_payout(payout_at(trio.primary, trio.coins(trio.primary), split, 5), trio.told.worker)
        found = identify(trio.bob.session, psbt.to_base64())
        assert found.nearest is not None
        assert found.explanation is not None
        assert (found.nearest.ending.value, found.nearest.proposal) == (ending, None)
        assert (found.explanation.as_agreed, found.signers) == (True, (Role.WORKER,))
    other = deal(next(_numbers))
    foreign = payout_at(
        other.terms.of("primary"), trio.coins(trio.primary), the_price(other.terms.of("primary")), 5
    ).psbt
    found = identify(trio.bob.session, foreign.to_base64())
    assert (found.nearest, found.explanation, found.signers) == (None, None, ())
    with pytest.raises(PsbtError):
        identify(trio.bob.session, "cHNidP8=")


def test_a_spoiled_document_takes_nothing_from_a_good_one(trio: Trio) -> None:
    """Of two documents with one payment, one carries no signature of its author; what was signed elsewhere is put
    together with the other, whichever stands first."""
    trio.fund()
    handed = delivery(CHARLIE, trio.told.offer)
    primary, fee = (payout_at(each, trio.coins(each), the_price(each), 5) for each in trio.told.terms.escrows)
    good = sign_payout(primary, trio.told.creator).to_base64()
    text = sign_payout(fee, trio.told.creator).to_base64()
    honest = accept(BOB, handed, primary_psbt=good, mediator_psbt=text)
    spoiled = [
        accept(BOB, handed, primary_psbt=primary.psbt.to_base64(), mediator_psbt=text, block_height=height)
        for height in (50, 500)
    ]
    theirs = sign_payout(primary, trio.told.worker).to_base64()
    trio.learn(handed, spoiled[0], spoiled[1])
    with pytest.raises(EscrowError, match="not signed by those who had to sign it"):
        psbt_import.prepare(trio.charlie.session, trio.told.job.id, theirs)
    trio.learn(honest)
    imported = psbt_import.prepare(trio.charlie.session, trio.told.job.id, theirs)
    assert (imported.complete, imported.signers) == (True, (Role.CREATOR, Role.WORKER))
    assert psbt_import.commit(trio.charlie.session, imported).payment
    faucet.mine(trio.chain, 1)
    assert trio.received(trio.primary.payee.script) == [PRICE]
