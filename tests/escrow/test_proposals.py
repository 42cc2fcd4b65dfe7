"""What the documents of an order carry: each payment with its author, what it gives to whom, and who completes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.transaction import OutPoint
from rein.errors import EscrowError
from rein.escrow.contract import EscrowKind
from rein.escrow.explain import Fault
from rein.escrow.payout import Coin, Split, build_payout, payout_at, sign_payout, the_price
from rein.escrow.proposals import (
    Ending,
    Proposal,
    completers_of,
    escrow_public_key,
    find_resolution,
    is_reserved,
    proposals_of,
    refund_of,
)
from rein.escrow.terms import MIN_RESERVE_FEERATE, EscrowTerms
from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from tests.support.money import deal
from tests.support.people import (
    PRICE,
    accept,
    accept_resolution,
    creator_dispute,
    delivery,
    person,
    refund,
    resolution,
    settlement,
    worker_dispute,
)

TOLD = deal()
PRIMARY, MEDIATOR = TOLD.terms.escrows
ALICE, BOB, CHARLIE = person("Alice"), person("Bob"), person("Charlie")
C, M, W = Role.CREATOR, Role.MEDIATOR, Role.WORKER
KEYS = {C: TOLD.creator, M: TOLD.mediator, W: TOLD.worker}
HELD = {
    "primary": [Coin(OutPoint("a1" * 32, 0), PRIMARY.amount)],
    "mediator": [Coin(OutPoint("a2" * 32, 0), MEDIATOR.amount)],
}
DELIVERY = delivery(CHARLIE, TOLD.offer)
PART = Split(Sat(3_000_000), Sat(2_000_000))


def psbt(terms: EscrowTerms, split: Split, key: PrivateKey) -> str:
    return sign_payout(payout_at(terms, HELD[terms.id], split, 5), key).to_base64()


def texts(key: PrivateKey, split: Split = PART, fee: Split | None = None) -> dict[str, str]:
    return {
        "primary_psbt": psbt(PRIMARY, split, key),
        "mediator_psbt": psbt(MEDIATOR, fee or the_price(MEDIATOR), key),
    }


def fold(*documents: Signed[Any]) -> Order:
    order = TOLD.fold(TOLD.bid, TOLD.offer, DELIVERY, *documents)
    assert order.rejected == ()
    return order


COMPLAINT = creator_dispute(BOB, DELIVERY, mediator_psbt=psbt(MEDIATOR, the_price(MEDIATOR), TOLD.creator))
COUNTER = worker_dispute(CHARLIE, DELIVERY, mediator_psbt=None)
DECIDED = resolution(ALICE, COMPLAINT, **texts(TOLD.mediator))
TAKEN = accept_resolution(CHARLIE, DECIDED, W, **texts(TOLD.worker))
ACCEPTED = accept(BOB, DELIVERY, **texts(TOLD.creator, the_price(PRIMARY)))
BY_BOB = settlement(BOB, TOLD.offer, C, **texts(TOLD.creator))
BY_CHARLIE = settlement(CHARLIE, TOLD.offer, W, **texts(TOLD.worker))
REFUNDS = {
    role: refund(who, TOLD.offer, role, **texts(KEYS[role], Split(Sat(0))))
    for role, who in ((C, BOB), (M, ALICE), (W, CHARLIE))
}
ONE_SIDED = refund(BOB, TOLD.offer, primary_psbt=None, mediator_psbt=texts(TOLD.creator)["mediator_psbt"], reason="x")


def listed(*documents: Signed[Any]) -> list[tuple[Ending, Role, str]]:
    return [(each.ending, each.author, each.terms.id) for each in proposals_of(fold(*documents), TOLD.terms)]


def both(ending: Ending, author: Role) -> list[tuple[Ending, Role, str]]:
    return [(ending, author, "primary"), (ending, author, "mediator")]


def test_every_document_with_payments_is_listed_with_its_author() -> None:
    assert listed() == []
    assert listed(ACCEPTED) == both(Ending.ACCEPTANCE, C)
    assert listed(BY_BOB) == both(Ending.SETTLEMENT, C)
    assert listed(BY_CHARLIE) == both(Ending.SETTLEMENT, W)
    for role, document in REFUNDS.items():
        assert listed(document) == both(Ending.REFUND, role)
    assert listed(ONE_SIDED) == [(Ending.REFUND, C, "mediator")]
    assert listed(COMPLAINT) == [(Ending.DISPUTE, C, "mediator")]
    assert listed(COUNTER) == [], "a complaint may carry none"
    assert listed(worker_dispute(CHARLIE, DELIVERY, mediator_psbt=texts(TOLD.worker)["mediator_psbt"])) == [
        (Ending.DISPUTE, W, "mediator")
    ]


def test_disputes_come_last() -> None:
    assert listed(COMPLAINT, DECIDED, TAKEN, BY_BOB, REFUNDS[M]) == [
        *both(Ending.SETTLEMENT, C),
        *both(Ending.REFUND, M),
        *both(Ending.RESOLUTION, M),
        *both(Ending.RESOLUTION, W),
        (Ending.DISPUTE, C, "mediator"),
    ]


def test_of_two_acceptances_both_are_listed() -> None:
    """What the creator owes by one he does not take back by signing another."""
    again = accept(BOB, DELIVERY, **texts(TOLD.creator, the_price(PRIMARY)), block_height=200)
    assert listed(ACCEPTED, again) == both(Ending.ACCEPTANCE, C) * 2


HONEST: list[tuple[tuple[Signed[Any], ...], dict[str, Split]]] = [
    ((ACCEPTED,), {"primary": Split(PRICE), "mediator": Split(MEDIATOR.price)}),
    ((BY_BOB,), {"primary": PART, "mediator": Split(MEDIATOR.price)}),
    ((BY_CHARLIE,), {"primary": PART, "mediator": Split(MEDIATOR.price)}),
    *(((each,), {"primary": Split(Sat(0)), "mediator": Split(MEDIATOR.price)}) for each in REFUNDS.values()),
    ((COMPLAINT, DECIDED, TAKEN), {"primary": PART, "mediator": Split(MEDIATOR.price)}),
]


@pytest.mark.parametrize(("documents", "splits"), HONEST)
def test_what_each_gives_is_read_from_the_documents(
    documents: tuple[Signed[Any], ...], splits: dict[str, Split]
) -> None:
    for each in proposals_of(fold(*documents), TOLD.terms):
        held = HELD[each.terms.id]
        meant, found = splits[each.terms.id], each.split(held)
        assert (found.payee, found.payer) == (meant.payee, meant.payer)
        assert found.bears == (each.ending is Ending.REFUND and each.author is M and bool(meant.payee))
        for found in (
            each.explain(held, TOLD.bid.document),
            each.explain_made(held, TOLD.bid.document),
        ):
            assert found.as_agreed
            assert found.expected is not None
            assert found.expected.split == splits[each.terms.id]
        checked = each.check(held, TOLD.bid.document)
        assert set(checked.psbt.partial_signatures(0)) == {KEYS[each.author].public_key}


@pytest.mark.parametrize(("documents", "splits"), HONEST)
def test_the_signature_of_another_in_the_authors_place_is_refused(
    documents: tuple[Signed[Any], ...], splits: dict[str, Split]
) -> None:
    for each in proposals_of(fold(*documents), TOLD.terms):
        held, terms = HELD[each.terms.id], each.terms
        for role in {C, M, W} - {each.author}:
            swapped = replace(each, text=psbt(terms, splits[terms.id], KEYS[role]))
            found = swapped.explain(held, TOLD.bid.document)
            assert [difference.fault for difference in found.differences] == [Fault.SIGNER]
            with pytest.raises(EscrowError, match="not signed by those who had to"):
                swapped.check(held, TOLD.bid.document)


def test_an_accepted_decision_gives_what_was_decided() -> None:
    less = resolution(ALICE, COMPLAINT, worker_amount=Sat(1_000_000), **texts(TOLD.mediator))
    taken = accept_resolution(CHARLIE, less, W, **texts(TOLD.worker))
    primary = next(each for each in proposals_of(fold(COMPLAINT, less, taken), TOLD.terms) if each.author is W)
    assert primary.split(HELD["primary"]) == Split(Sat(1_000_000), Sat(4_000_000))
    found = primary.explain(HELD["primary"], TOLD.bid.document)
    assert found.differences[0].fault is Fault.AMOUNT


def test_a_decision_that_is_not_here_cannot_be_accepted() -> None:
    order = fold(COMPLAINT, DECIDED, TAKEN)
    assert find_resolution(order, TAKEN.document) == DECIDED.document
    with pytest.raises(EscrowError, match=r"^the resolution that was accepted is not here$"):
        find_resolution(replace(order, resolutions=()), TAKEN.document)


# Who completes what, and at whose cost

COMPLETERS = {
    (EscrowKind.PRICE, Ending.ACCEPTANCE, C): ({W}, False),
    (EscrowKind.PRICE, Ending.SETTLEMENT, C): ({W}, False),
    (EscrowKind.PRICE, Ending.SETTLEMENT, W): ({C}, False),
    (EscrowKind.PRICE, Ending.REFUND, C): ({W, M}, False),
    (EscrowKind.PRICE, Ending.REFUND, W): ({C}, False),
    (EscrowKind.PRICE, Ending.REFUND, M): ({C}, False),
    (EscrowKind.PRICE, Ending.RESOLUTION, M): ({C, W}, True),
    (EscrowKind.PRICE, Ending.RESOLUTION, C): ({M}, False),
    (EscrowKind.PRICE, Ending.RESOLUTION, W): ({M}, True),
    **{(EscrowKind.FEE, ending, C): ({M}, False) for ending in Ending},
    **{(EscrowKind.FEE, ending, W): ({M}, True) for ending in Ending},
    **{(EscrowKind.FEE, ending, M): ({C, W}, True) for ending in Ending},
}


@pytest.mark.parametrize(("how", "expected"), COMPLETERS.items())
def test_who_completes_and_whether_the_fee_is_held_to_the_reserve(
    how: tuple[EscrowKind, Ending, Role], expected: tuple[set[Role], bool]
) -> None:
    kind, ending, author = how
    assert completers_of(kind, ending, author) == expected[0]
    assert is_reserved(kind, ending, author) is expected[1]
    proposal = Proposal(TAKEN, ending, author, TOLD.terms.only(kind), "", None, Sat(0))
    assert (proposal.completers, proposal.reserved) == expected
    assert author not in proposal.completers, "one signature is not two"
    if kind is EscrowKind.FEE:
        assert M in {author, *proposal.completers}, "nobody is paid out of it without the mediator"
    if not expected[1]:
        assert C in {author} or proposal.completers == {C}, "who pays the miner has signed"


def test_a_reserved_fee_is_refused_at_receipt_and_the_payers_own_is_not() -> None:
    rich = [Coin(HELD["primary"][0].outpoint, Sat(PRIMARY.amount + 50_000))]
    payout = build_payout(PRIMARY, rich, PART, Sat(40_000))
    by_alice = Proposal(
        DECIDED, Ending.RESOLUTION, M, PRIMARY, sign_payout(payout, TOLD.mediator).to_base64(), PART.payee, PART.payer
    )
    by_bob = replace(by_alice, author=C, text=sign_payout(payout, TOLD.creator).to_base64())
    for found in (
        by_alice.explain(rich, TOLD.bid.document),
        by_alice.explain_made(rich, TOLD.bid.document),
    ):
        assert [each.fault for each in found.differences] == [Fault.FEE]
    with pytest.raises(EscrowError, match="outside"):
        by_alice.check(rich, TOLD.bid.document)
    assert by_bob.explain(rich, TOLD.bid.document).as_agreed
    assert by_bob.check(rich, TOLD.bid.document).payout == payout


def test_what_a_refund_gives() -> None:
    enough = MEDIATOR.price + MIN_RESERVE_FEERATE * MEDIATOR.largest_vsize
    less = [Coin(HELD["mediator"][0].outpoint, Sat(enough - 1))]
    nothing = Split(Sat(0))
    assert refund_of(PRIMARY, HELD["primary"]) == nothing
    assert refund_of(MEDIATOR, HELD["mediator"]) == the_price(MEDIATOR)
    assert refund_of(MEDIATOR, HELD["mediator"], paid=True) == nothing
    assert refund_of(MEDIATOR, less) == nothing
    assert refund_of(MEDIATOR, [*less, Coin(OutPoint("a3" * 32, 0), Sat(1))]) == the_price(MEDIATOR)
    pieces = [Coin(OutPoint("a3" * 32, n), Sat(enough // 8)) for n in range(9)]
    assert refund_of(MEDIATOR, pieces) == nothing, "what one payment cannot spend pays nobody"
    own = refund_of(MEDIATOR, HELD["mediator"], author=M)
    assert own == replace(the_price(MEDIATOR), bears=True)


def test_a_refund_that_was_made_stays_one_whatever_comes_in_later() -> None:
    """Before it is signed, what the escrow holds decides whether the mediator is owed; afterwards the mediator has."""
    few = [Coin(HELD["mediator"][0].outpoint, Sat(40_000))]
    later = [*few, Coin(OutPoint("a4" * 32, 0), Sat(60_000))]
    text = sign_payout(payout_at(MEDIATOR, few, Split(Sat(0)), 5), TOLD.creator).to_base64()
    given = Proposal(ONE_SIDED, Ending.REFUND, C, MEDIATOR, text, None, Sat(0))
    placed = TOLD.bid.document
    assert given.explain(few, placed).as_agreed
    assert not given.explain(later, placed).as_agreed
    assert given.explain(later, placed, paid=True).as_agreed
    assert given.explain_made(later, placed).as_agreed
    with pytest.raises(EscrowError, match="does not pay 75000 sat to Alice"):
        given.check(later, placed)
    assert given.check(later, placed, paid=True).payout.split == Split(Sat(0))
    another = replace(given, ending=Ending.SETTLEMENT)
    assert not another.explain_made(later, placed).as_agreed, "of a refund only"
    broken = replace(given, text="cHNidP8=")
    assert [each.fault for each in broken.explain_made(later, placed).differences] == [Fault.FORM]


def test_the_keys_of_the_three() -> None:
    for role, key in KEYS.items():
        assert escrow_public_key(role, TOLD.bid.document) == key.public_key
