"""What an escrow needs, as a law: of terms, what is unspent, what leaves, and what is signed; and of nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2wsh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.networks import MAINNET
from rein.btc.transaction import OutPoint
from rein.chain.source import Output
from rein.escrow.claims import Claim, claims_of
from rein.escrow.contract import EscrowKind
from rein.escrow.funding import EscrowFunding, Verdict, match_funding
from rein.escrow.payable import payable_in_every_ending
from rein.escrow.payout import Coin, Split, payout_at, sign_payout, the_price
from rein.escrow.proposals import Ending, all_payments, completers_of, proposals_of, refund_of
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import Role
from rein.protocol.values import DocumentId
from tests.support.money import Spend, deal
from tests.support.people import accept, delivery, person, rating, refund, settlement

TOLD = deal(network=MAINNET)
TERMS = TOLD.terms
PRIMARY, MEDIATOR = TERMS.escrows
NEEDED = 3
"""Confirmations that this price asks for."""


def out(number: int, amount: int, confirmations: int = NEEDED, terms: EscrowTerms = PRIMARY) -> Output:
    return Output(OutPoint(f"{number:064x}", 0), Sat(amount), terms.escrow.script, 200 - confirmations, confirmations)


def claim(
    outpoints: list[OutPoint], author: Role = Role.MEDIATOR, ending: Ending = Ending.REFUND, total: int = 0
) -> Claim:
    return Claim(
        DocumentId("d" * 64),
        "e" * 64,
        ending,
        author,
        completers_of(EscrowKind.PRICE, ending, author),
        PRIMARY.escrow.script,
        frozenset(outpoints),
        Sat(total),
        ending is Ending.REFUND and author is Role.MEDIATOR,
    )


def judged(outputs: list[Output], leaving: Collection[OutPoint] = (), claims: Iterable[Claim] = ()) -> EscrowFunding:
    return match_funding(TERMS, outputs, MAINNET, leaving=leaving, claims=claims).of("primary")


_outputs = st.lists(
    st.builds(
        out,
        st.integers(0, 2**32),
        st.sampled_from([PRIMARY.amount, PRIMARY.amount - 1, PRIMARY.amount // 8, PRIMARY.amount // 3 + 1])
        | st.integers(1, 2 * PRIMARY.amount),
        st.integers(1, NEEDED + 1),
    ),
    max_size=11,
    unique_by=lambda output: output.outpoint,
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Output], set[OutPoint], list[Claim]]:
    """What may be seen of an escrow: some of it spent in the mempool, some of it or of what is gone signed for."""
    outputs = draw(_outputs)
    known = [each.outpoint for each in outputs]
    lost = [OutPoint(f"{number:064x}", 7) for number in range(2)]
    some = st.lists(st.sampled_from([*known, *lost]), min_size=1, max_size=4, unique=True)
    kinds = st.sampled_from(
        [
            (Role.MEDIATOR, Ending.REFUND),
            (Role.CREATOR, Ending.REFUND),
            (Role.WORKER, Ending.REFUND),
            (Role.CREATOR, Ending.SETTLEMENT),
            (Role.WORKER, Ending.SETTLEMENT),
            (Role.CREATOR, Ending.ACCEPTANCE),
            (Role.MEDIATOR, Ending.RESOLUTION),
        ]
    )
    claims = draw(st.lists(st.builds(lambda spent, kind: claim(spent, *kind), some, kinds), max_size=4))
    leaving = draw(st.sets(st.sampled_from(known), max_size=3)) if known else set()
    return outputs, leaving, claims


@given(situation=situations(), shuffled=st.randoms())
def test_a_complete_escrow_is_there_deep_free_and_pays_in_every_ending(
    situation: tuple[list[Output], set[OutPoint], list[Claim]], shuffled: Random
) -> None:
    outputs, leaving, claims = situation
    terms = judged(outputs, leaving, claims)
    again, signed = list(outputs), list(claims)
    shuffled.shuffle(again)
    shuffled.shuffle(signed)
    twin = judged(again, set(leaving), signed)
    assert (terms.verdict, terms.ask, terms.counted) == (twin.verdict, twin.ask, twin.counted), "no order matters"
    assert (terms.ask is not None) == (terms.verdict in (Verdict.PAY, Verdict.AGAIN)), "nothing else asks for money"
    if terms.verdict is not Verdict.COMPLETE:
        return
    counted = {each.outpoint for each in terms.counted}
    assert sum(each.amount for each in terms.counted) >= PRIMARY.amount
    assert sum(each.amount for each in terms.counted if each.confirmations >= NEEDED) >= PRIMARY.amount
    assert payable_in_every_ending(PRIMARY, [Coin(each.outpoint, each.amount) for each in terms.counted])
    assert not counted & leaving
    free = {each.outpoint for each in outputs} - leaving
    for each in claims:
        mediator_has_signed = each.author is Role.MEDIATOR and each.ending is Ending.REFUND
        if mediator_has_signed and each.outpoints <= free:
            assert not counted & each.outpoints, "the creator alone could take what funds the job"


@given(situation=situations())
def test_whoever_pays_what_is_asked_is_asked_no_more(
    situation: tuple[list[Output], set[OutPoint], list[Claim]],
) -> None:
    outputs, leaving, claims = situation
    terms = judged(outputs, leaving, claims)
    if terms.ask is None:
        return
    assert terms.ask >= DUST_LIMIT, "the network carries it"
    assert terms.ask >= terms.missing > 0
    paid = judged([*outputs, out(2**40, terms.ask, 1)], leaving, claims)
    assert paid.verdict in (Verdict.WAIT, Verdict.COMPLETE)
    assert paid.ask is None
    if terms.ask > DUST_LIMIT:
        less = judged([*outputs, out(2**40, terms.ask - 1, 1)], leaving, claims)
        assert less.verdict is terms.verdict, "and nothing less is enough"


def test_what_leaves_is_not_there() -> None:
    whole = out(1, PRIMARY.amount)
    terms = judged([whole], {whole.outpoint})
    assert (terms.verdict, terms.outputs, terms.leaving, terms.ask) == (Verdict.LEAVING, (), (whole,), None)
    assert terms.coins == (Coin(whole.outpoint, whole.amount),), "who replaces what leaves spends the same"
    assert "being spent" in str(terms)


def test_a_refund_by_the_mediator_takes_what_it_covers() -> None:
    first, rest = out(1, 20_000), out(2, PRIMARY.amount - 20_000)
    signed = claim([first.outpoint], total=20_000)
    terms = judged([first, rest], claims=[signed])
    assert (terms.verdict, terms.ask) == (Verdict.PAY, 20_000)
    assert terms.complete, "what is there can still be signed for"
    assert list(terms.words())[1:] == [
        f"0.00020000 BTC of it do not count: the creator can take them by the {signed}",
        "0.00020000 BTC more must go to the same address",
    ]
    assert judged([first, rest, out(3, 20_000)], claims=[signed]).verdict is Verdict.COMPLETE


def test_a_refund_of_everything_asks_nobody_to_pay_twice() -> None:
    whole = out(1, PRIMARY.amount)
    terms = judged([whole], claims=[claim([whole.outpoint], total=whole.amount)])
    assert (terms.verdict, terms.ask) == (Verdict.CLAIMED, None)
    assert judged([whole, out(2, PRIMARY.amount)], claims=[claim([whole.outpoint])]).verdict is Verdict.COMPLETE


@pytest.mark.parametrize("author", [Role.CREATOR, Role.WORKER])
def test_what_the_mediator_has_not_signed_takes_nothing_yet(author: Role) -> None:
    whole = out(1, PRIMARY.amount)
    terms = judged([whole], claims=[claim([whole.outpoint], author)])
    assert terms.verdict is Verdict.COMPLETE
    assert terms.takers_without(Role.WORKER), "but the worker is told"


def test_what_only_the_worker_completes_is_no_danger_to_them() -> None:
    whole = out(1, PRIMARY.amount)
    terms = judged([whole], claims=[claim([whole.outpoint], Role.CREATOR, Ending.SETTLEMENT)])
    assert terms.takers_without(Role.WORKER) == ()
    assert terms.takers_without(Role.CREATOR)


def test_a_payment_of_what_is_gone_asks_for_care() -> None:
    gone = claim([OutPoint("f" * 64, 0)], Role.CREATOR, Ending.ACCEPTANCE)
    assert judged([], claims=[gone]).verdict is Verdict.AGAIN
    assert judged([out(1, PRIMARY.amount)], claims=[gone]).verdict is Verdict.COMPLETE
    harmless = claim([OutPoint("f" * 64, 0)], Role.WORKER, Ending.SETTLEMENT)
    assert judged([], claims=[harmless]).verdict is Verdict.PAY, "the creator alone decides on that"


def test_what_is_paid_needs_nothing() -> None:
    funding = match_funding(TERMS, [], MAINNET, paid=["primary"])
    assert [terms.verdict for terms in funding.escrows] == [Verdict.PAID, Verdict.PAY]
    late = match_funding(TERMS, [out(1, 2_000)], MAINNET, paid=["primary"]).of("primary")
    assert (late.verdict, late.ask) == (Verdict.PAID, None)
    assert (
        str(late)
        == "primary escrow: paid out, 0.00002000 BTC lie there beside that, which go back to the creator by a refund"
    )


COIN = Coin(OutPoint("a1" * 32, 0), PRIMARY.amount)
FEE_COIN = Coin(OutPoint("a2" * 32, 0), MEDIATOR.amount)
CREATOR, ALICE = person("Bob", MAINNET), person("Alice", MAINNET)


def carried(**texts: str) -> tuple[Claim, ...]:
    """What a refund by the mediator with these payments claims."""
    signed = refund(ALICE, TOLD.offer, role=Role.MEDIATOR, **texts)
    order = TOLD.fold(TOLD.bid, TOLD.offer, signed)
    assert order.refunds == (signed,)
    return claims_of(proposals_of(order, TERMS))


def test_only_what_is_signed_claims_something() -> None:
    payout = payout_at(PRIMARY, [COIN], Split(Sat(0)), 5)
    (found,) = carried(primary_psbt=sign_payout(payout, TOLD.mediator).to_base64())
    assert (found.outpoints, found.total, found.txid) == ({COIN.outpoint}, COIN.amount, payout.txid)
    assert (found.author, found.takers, found.is_given_back) == (Role.MEDIATOR, {Role.CREATOR}, True)
    assert carried(primary_psbt=payout.psbt.to_base64()) == (), "nobody has signed it"
    stranger = Spend(COIN.outpoint, COIN.amount, PRIMARY.escrow.witness_script, payout.outputs)
    assert carried(primary_psbt=str(stranger.psbt(TOLD.mediator)))[0].txid == payout.txid, "whoever made it"
    other = MEDIATOR.escrow.witness_script
    assert carried(primary_psbt=str(Spend(COIN.outpoint, COIN.amount, other, payout.outputs).psbt(TOLD.mediator))) == ()
    wrong = Spend(COIN.outpoint, Sat(COIN.amount - 1), PRIMARY.escrow.witness_script, payout.outputs)
    mixed = str(wrong.psbt(TOLD.mediator))
    assert [each.total for each in carried(primary_psbt=mixed)] == [COIN.amount - 1], "good for another amount only"


def test_a_mediator_who_takes_their_fee_gives_nothing_back() -> None:
    fee = payout_at(MEDIATOR, [FEE_COIN], the_price(MEDIATOR), 5)
    back = payout_at(MEDIATOR, [FEE_COIN], Split(Sat(0)), 5)
    for payout, given_back in ((fee, False), (back, True)):
        (found,) = carried(mediator_psbt=sign_payout(payout, TOLD.mediator).to_base64())
        assert found.is_given_back is given_back
    assert p2wsh_script(MEDIATOR.escrow.witness_script) == found.script


def test_a_settlement_is_claimed_by_the_other_side() -> None:
    payout = payout_at(PRIMARY, [COIN], Split(Sat(PRIMARY.price // 2)), 5)
    text = sign_payout(payout, TOLD.creator).to_base64()
    fee = sign_payout(payout_at(MEDIATOR, [FEE_COIN], the_price(MEDIATOR), 5), TOLD.creator).to_base64()
    half = Sat(PRIMARY.price // 2)
    signed = settlement(
        CREATOR, TOLD.offer, worker_amount=half, creator_amount=half, primary_psbt=text, mediator_psbt=fee
    )
    claims = claims_of(proposals_of(TOLD.fold(TOLD.bid, TOLD.offer, signed), TERMS))
    assert [each.takers for each in claims] == [{Role.WORKER}, {Role.MEDIATOR}]


def test_what_one_payment_cannot_spend_is_no_reason_to_work_for_a_young_output() -> None:
    """Twenty deep outputs make up the amount, and a payment spends eight. The young one that would pay can go again."""
    small = [out(number, PRIMARY.amount // 20 + 1) for number in range(20)]
    young = out(99, PRIMARY.amount, confirmations=1)
    found = judged([*small, young])
    assert found.verdict is Verdict.WAIT
    assert f"arrived, 1 of {NEEDED} confirmations" in str(found)
    assert judged([*small, out(99, PRIMARY.amount)]).verdict is Verdict.COMPLETE


def test_a_full_escrow_owes_the_mediator_the_fee_in_a_refund() -> None:
    """Of nine outputs a payment spends eight: those have to hold the fee and the reserve."""
    escrow = deal(network=MAINNET, feerate=5).terms.of("mediator")
    least = escrow.amount // 8 - 10
    outputs = [out(number, least, terms=escrow) for number in range(8)]
    outputs.append(out(9, escrow.amount - 8 * least + 600, terms=escrow))
    terms = deal(network=MAINNET, feerate=5).terms
    found = match_funding(terms, outputs, MAINNET).of("mediator")
    assert (found.verdict is Verdict.COMPLETE) == bool(refund_of(escrow, found.coins).payee)
    assert found.verdict is Verdict.PAY


def test_a_refund_takes_an_output_though_others_of_its_inputs_are_not_seen() -> None:
    """A source shows the largest outputs alone, and what left a block may come back."""
    big, hidden = out(1, PRIMARY.amount), OutPoint("f" * 64, 0)
    found = judged([big], claims=[claim([big.outpoint, hidden])])
    assert found.given_back
    assert found.verdict is Verdict.CLAIMED
    settled = claim([big.outpoint, hidden], Role.WORKER, Ending.SETTLEMENT)
    assert judged([big], claims=[settled]).takers_without(Role.WORKER) == (settled,)


FULL, FULL_FEE = out(1, PRIMARY.amount), out(2, MEDIATOR.amount, terms=MEDIATOR)
GONE = claim([OutPoint("f" * 64, 0)], Role.CREATOR, Ending.ACCEPTANCE)


@pytest.mark.parametrize(
    ("outputs", "leaving", "claims", "paid", "verdict", "waits"),
    [
        ([FULL], (), (), (), Verdict.COMPLETE, False),
        ([out(1, PRIMARY.amount, 1)], (), (), (), Verdict.WAIT, True),
        ([], (), (), (), Verdict.PAY, True),
        ([], (), (GONE,), (), Verdict.AGAIN, True),
        ([FULL], (FULL.outpoint,), (), (), Verdict.LEAVING, False),
        ([FULL], (), (claim([FULL.outpoint]),), (), Verdict.CLAIMED, False),
        ([], (), (), ("primary",), Verdict.PAID, False),
    ],
)
def test_a_job_waits_where_money_or_blocks_are_all_that_is_missing(
    outputs: list[Output],
    leaving: tuple[OutPoint, ...],
    claims: tuple[Claim, ...],
    paid: tuple[str, ...],
    verdict: Verdict,
    waits: bool,
) -> None:
    funding = match_funding(TERMS, [*outputs, FULL_FEE], MAINNET, leaving=leaving, claims=claims, paid=paid)
    assert [terms.verdict for terms in funding.escrows] == [verdict, Verdict.COMPLETE]
    assert funding.waits == waits
    assert funding.complete == (verdict is Verdict.COMPLETE)


def test_a_claim_is_named_by_its_document_and_author() -> None:
    assert str(GONE) == f"acceptance {'d' * 12}, which the creator signed"


def test_depth_is_asked_of_what_pays_and_not_of_a_gift() -> None:
    young = out(2, 90_000, 1)
    assert judged([out(1, PRIMARY.amount, 30), young]).verdict is Verdict.COMPLETE
    assert judged([out(1, PRIMARY.amount - 1, 30), young]).verdict is Verdict.WAIT


def test_a_payment_in_a_document_that_does_not_count_is_as_good_as_any() -> None:
    """Where the author's escrow key has signed the document, and there only."""
    nowhere, stranger = DocumentId("f" * 64), person("Mallory", MAINNET)
    delivered = delivery(person("Charlie", MAINNET), TOLD.offer)
    refunded = refund(ALICE, TOLD.offer, role=Role.MEDIATOR, previous=nowhere)
    accepted = accept(CREATOR, delivered, previous=nowhere)
    others = [
        delivery(stranger, TOLD.offer),
        accept(stranger, delivered),
        refund(stranger, TOLD.offer, role=Role.CREATOR),
        rating(CREATOR, TOLD.offer, Role.CREATOR, ALICE, Role.MEDIATOR, previous=nowhere),
    ]
    order = TOLD.fold(TOLD.bid, TOLD.offer, refunded, accepted, *others)
    assert {each.document for each in order.rejected} == {refunded, accepted, *others}
    assert proposals_of(order, TERMS) == []
    found = {(each.document, each.ending, each.author, each.terms) for each in all_payments(order, TERMS)}
    assert found == {
        (document, ending, author, terms)
        for document, ending, author in (
            (refunded, Ending.REFUND, Role.MEDIATOR),
            (accepted, Ending.ACCEPTANCE, Role.CREATOR),
        )
        for terms in TERMS.escrows
    }
