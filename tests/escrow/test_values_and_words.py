"""What no other test says to the letter: the sentences of refusals, and that nothing agreed on can be changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, TxOutput
from rein.chain.source import Output
from rein.errors import EscrowError, InputError, ReinError
from rein.escrow.explain import check_payout, explain
from rein.escrow.funding import Filling, match_funding
from rein.escrow.payout import Coin, Split, build_payout, check_fee, choose_coins, payout_at, sign_payout, the_price
from rein.escrow.proposals import Ending, Proposal
from rein.escrow.terms import (
    DEFAULT_FEERATE,
    check_bid,
    check_fee_band,
    check_price,
    contract_of,
    offer_amounts,
    terms_of,
)
from rein.protocol.documents import Role
from rein.protocol.values import BasisPoints
from tests.support.money import FEERATE, SOME_TXID, Deal, Spend, agreed, check, deal
from tests.support.people import bid, person

TOLD = deal()
PRIMARY, MEDIATOR = TOLD.terms.escrows
OUTPOINT = OutPoint(SOME_TXID, 1)
COIN = Coin(OUTPOINT, PRIMARY.amount)
NOTHING = Split(Sat(0))
SIGNED = sign_payout(agreed(PRIMARY, OUTPOINT), TOLD.creator).to_base64()
FUNDING = match_funding(TOLD.terms, [Output(OUTPOINT, PRIMARY.amount, PRIMARY.escrow.script, 9, 1)], REGTEST)
EXPLAINED = explain(SIGNED + "=", PRIMARY, the_price(PRIMARY), [COIN], {TOLD.creator.public_key})
OTHER = contract_of(bid(person("Mallory"), TOLD.job).document)

VALUES = [
    COIN,
    NOTHING,
    agreed(PRIMARY, OUTPOINT),
    EXPLAINED,
    EXPLAINED.differences[0],
    check(SIGNED, PRIMARY, OUTPOINT, TOLD.creator),
    FUNDING,
    FUNDING.of("primary"),
    Proposal(TOLD.offer, Ending.REFUND, Role.CREATOR, PRIMARY, SIGNED, None, Sat(0)),
    PRIMARY,
    PRIMARY.payee,
    TOLD.terms,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_nothing_agreed_on_can_be_changed(value: Any) -> None:
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


def _with(told: Deal, **changes: Any) -> Any:
    """The order of a deal whose offer says something else."""
    document = dataclasses.replace(told.offer.document, **changes)
    return dataclasses.replace(told.order, offer=dataclasses.replace(told.offer, document=document))


_LOW = dataclasses.replace(PRIMARY, amount=Sat(PRIMARY.price + 10))

SENTENCES: list[tuple[Callable[[], object], type[ReinError], str, str | None]] = [
    (
        lambda: build_payout(PRIMARY, [], NOTHING, Sat(500)),
        EscrowError,
        "a payment from the primary escrow spends 1 to 8 outputs, and not 0",
        None,
    ),
    (
        lambda: build_payout(PRIMARY, [COIN], Split(Sat(545)), Sat(500)),
        EscrowError,
        "Charlie would get 545 sat from the primary escrow; the network does not carry outputs under 546 sat",
        None,
    ),
    (
        lambda: build_payout(MEDIATOR, [COIN], Split(PRIMARY.amount), Sat(500)),
        EscrowError,
        (
            "the mediator escrow holds 5006363 sat, which is too little for 5006363 sat to Alice, 0 sat to Bob and 500 "
            "sat to the miner"
        ),
        None,
    ),
    (
        lambda: build_payout(PRIMARY, [COIN], NOTHING, Sat(PRIMARY.amount - 545)),
        EscrowError,
        "the primary escrow holds too little to be paid to anybody: 5006363 sat",
        None,
    ),
    (
        lambda: payout_at(PRIMARY, [COIN], NOTHING, 0),
        InputError,
        "a fee rate of 0 sat/vB is outside 1 to 500",
        None,
    ),
    (
        lambda: payout_at(PRIMARY, [COIN], Split(Sat(PRIMARY.amount)), 5),
        EscrowError,
        "the primary payment leaves 0 sat for the miner, which is outside 146 to 73545 sat for its 146 virtual bytes",
        None,
    ),
    (
        lambda: check_fee(build_payout(PRIMARY, [COIN], the_price(PRIMARY), Sat(145)), reserved=True),
        EscrowError,
        "the primary payment leaves 145 sat for the miner, which is outside 177 to 6908 sat for its 177 virtual bytes",
        None,
    ),
    (
        lambda: check_payout("x", PRIMARY, the_price(PRIMARY), [COIN], set()),
        EscrowError,
        "that is not a PSBT: it is not base64",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check(SIGNED, MEDIATOR, OUTPOINT, TOLD.creator),
        EscrowError,
        f"the mediator payment spends an output of another contract: {OUTPOINT}",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check(SIGNED, PRIMARY, OutPoint(SOME_TXID, 2), TOLD.creator),
        EscrowError,
        f"the primary payment spends {OUTPOINT}, which the chain does not show as an output of this escrow now",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check_payout(SIGNED, PRIMARY, the_price(PRIMARY), [Coin(OUTPOINT, Sat(7))], set()),
        EscrowError,
        f"the primary payment says that {OUTPOINT} holds 5006363 sat; it holds 7 sat",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check_payout(SIGNED, PRIMARY, Split(Sat(4_000_000), Sat(1_000_000)), [COIN], set()),
        EscrowError,
        "the primary payment pays 5000000 sat to Charlie; 4000000 sat are agreed",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check_payout(SIGNED, PRIMARY, the_price(PRIMARY), [COIN], {TOLD.worker.public_key}),
        EscrowError,
        f"the input {OUTPOINT} is not signed by those who had to sign it, and nobody else",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check(_spend(version=1), PRIMARY, OUTPOINT, TOLD.creator),
        EscrowError,
        "the payment differs from the agreed one in its version, lock time, sequences or the order of its inputs",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check(
            _spend(outputs=(TxOutput(Sat(900), PRIMARY.payer.script), PRIMARY.payout)), PRIMARY, OUTPOINT, TOLD.creator
        ),
        EscrowError,
        "the payment's outputs stand in another order than agreed",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: check(_spend(outputs=(PRIMARY.payout, PRIMARY.payout)), PRIMARY, OUTPOINT, TOLD.creator),
        EscrowError,
        "the PSBT pays out more than it spends",
        "Sign nothing. It was made by a broken or hostile program.",
    ),
    (
        lambda: terms_of(TOLD.fold()),
        EscrowError,
        "this job has no offer that counts, so there is nothing to fund or pay",
        None,
    ),
    (
        lambda: check_bid(dataclasses.replace(TOLD.bid.document, primary_address=OTHER.of("primary").address)),
        EscrowError,
        "the escrow addresses in the bid are not those of the three keys",
        "Do not fund them. The bid was made by a broken or hostile program.",
    ),
    (
        lambda: terms_of(_with(TOLD, mediator_address=OTHER.of("mediator").address)),
        EscrowError,
        "the escrow addresses in the offer are not those of the three keys",
        "Do not fund them.",
    ),
    (
        lambda: check_fee_band(_LOW),
        EscrowError,
        (
            "the offer leaves 10 sat for the miner of the primary payment, which is outside 4545 to 454500 sat (5 to "
            "500 sat/vB of its largest shape, 8 inputs and 2 outputs)"
        ),
        None,
    ),
    (
        lambda: check_price(Sat(545), BasisPoints(100)),
        InputError,
        "the worker would get 545 sat, and the network does not carry outputs under 546 sat",
        "Ask a higher price.",
    ),
    (
        lambda: offer_amounts(TOLD.job.document, TOLD.bid.document, 501),
        InputError,
        "a reserve of 501 sat/vB is outside 5 to 500",
        "It is for the largest payment; what the miner leaves of it comes back to you.",
    ),
]


def _spend(**changes: Any) -> str:
    fields = {"outputs": (PRIMARY.payout,)} | changes
    return str(Spend(OUTPOINT, PRIMARY.amount, PRIMARY.escrow.witness_script, **fields).psbt(TOLD.creator))


@pytest.mark.parametrize(("step", "kind", "sentence", "hint"), SENTENCES, ids=[each[2][:40] for each in SENTENCES])
def test_every_refusal_is_one_exact_sentence(
    step: Callable[[], object], kind: type[ReinError], sentence: str, hint: str | None
) -> None:
    with pytest.raises(kind) as caught:
        step()
    assert (caught.value.message, caught.value.hint) == (sentence, hint)


def test_the_edge_of_what_is_left_for_anybody() -> None:
    assert build_payout(PRIMARY, [COIN], NOTHING, Sat(PRIMARY.amount - 546)).back == 546
    assert build_payout(PRIMARY, [COIN], Split(Sat(546)), Sat(500)).split.payee == 546
    assert build_payout(PRIMARY, [COIN], Split(Sat(0), Sat(546)), Sat(500)).outputs[0].script == PRIMARY.payer.script
    assert choose_coins(PRIMARY, [COIN], 1) == (COIN,)
    assert (DEFAULT_FEERATE, FEERATE) == (10, 7)


def test_names_that_are_stored_and_published() -> None:
    assert [ending.value for ending in Ending] == ["acceptance", "settlement", "refund", "resolution", "dispute"]
    assert [filling.value for filling in Filling] == ["empty", "under", "exact", "over"]


def test_dust_in_the_terms_is_refused_at_its_edge() -> None:
    for price, fine in ((546, True), (545, False)):
        terms = deal(5, price=Sat(54_600), fee=BasisPoints(100)).terms.of("mediator")
        assert terms.price == 546
        if fine:
            assert build_payout(terms, [Coin(OUTPOINT, terms.amount)], Split(Sat(price)), Sat(300))
        else:
            with pytest.raises(EscrowError, match="would get 545 sat from the mediator escrow"):
                build_payout(terms, [Coin(OUTPOINT, terms.amount)], Split(Sat(price)), Sat(300))
