"""The laws of payments: the books balance for every split, and whatever differs is refused by its right name.

The author is assumed hostile and able to sign: what he sends carries a signature that is right for what he sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rein.btc.address import p2wpkh_script, p2wsh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.curve import sign_der
from rein.btc.keys import PrivateKey
from rein.btc.transaction import OutPoint, TxOutput, build_unsigned
from rein.errors import EscrowError, InputError
from rein.escrow.explain import Explanation, Fault, check_payout, explain, in_words
from rein.escrow.payout import (
    MAX_COINS,
    Coin,
    Payout,
    Split,
    build_payout,
    check_fee,
    choose_coins,
    payout_at,
    sign_payout,
    the_price,
)
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE, EscrowTerms
from tests.support.money import (
    MALLORY,
    PARTIAL_SIGNATURE,
    SIGHASH_TYPE,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    LoosePsbt,
    deal,
    high_s,
    sighash,
)

TOLD = deal()
PRIMARY, MEDIATOR = TOLD.terms.escrows
MALLORY_SCRIPT = p2wpkh_script(MALLORY.public_key)
ELSEWHERE = OutPoint("ee" * 32, 7)


def coin(number: int, amount: int) -> Coin:
    return Coin(OutPoint(f"{number:064x}", number % 3), Sat(amount))


def coins_holding(total: int, parts: Sequence[int]) -> list[Coin]:
    """Coins in some order that together hold so much."""
    share = total // (len(parts) + 1)
    amounts = [share] * len(parts) + [total - share * len(parts)]
    return [coin(seed, amount) for seed, amount in zip([*parts, 2**40], amounts, strict=True)]


_amount = st.just(0) | st.integers(DUST_LIMIT, 10**9)
_parts = st.lists(st.integers(1, 2**32), max_size=MAX_COINS - 1, unique=True)
_terms = st.sampled_from([PRIMARY, MEDIATOR])
_split = st.builds(lambda payee, payer: Split(Sat(payee), Sat(payer)), _amount, _amount)


# The books


@given(terms=_terms, split=_split, parts=_parts, more=st.integers(0, 10**7), feerate=st.integers(1, 500))
def test_what_goes_in_comes_out_for_every_split_of_every_coins_at_every_feerate(
    terms: EscrowTerms, split: Split, parts: list[int], more: int, feerate: int
) -> None:
    coins = coins_holding(split.payee + split.payer + 2_000 + more, parts)
    try:
        payout = payout_at(terms, coins, split, feerate)
    except EscrowError as error:
        left = sum(each.amount for each in coins) - split.payee - split.payer
        vsize = terms.vsize_of(len(coins), _two(terms))
        if not split.payee and not split.payer:
            left -= DUST_LIMIT  # somebody must get something
        if "sat for the miner" not in error.message or left >= vsize:
            raise
        return
    assert payout.total == sum(each.amount for each in coins) == split.payee + payout.back + payout.fee
    assert sum(each.amount for each in payout.outputs if each.script == terms.payee.script) == split.payee
    assert sum(each.amount for each in payout.outputs if each.script == terms.payer.script) == payout.back
    assert payout.back >= split.payer
    assert all(each.amount >= DUST_LIMIT for each in payout.outputs)
    assert {each.script for each in payout.outputs} <= {terms.payee.script, terms.payer.script}
    assert payout.fee <= feerate * payout.terms.vsize_of(len(coins), _two(terms)) + DUST_LIMIT
    assert MIN_FEERATE * payout.vsize <= payout.fee < MAX_FEERATE * payout.vsize + DUST_LIMIT
    check_fee(payout)
    left = payout.total - split.payee - split.payer
    if not split.payee and not split.payer:
        left -= DUST_LIMIT  # somebody must get something
    assert payout.fee >= min(left, feerate * payout.vsize)
    assert payout.feerate == Fraction(payout.fee, payout.vsize)


def _two(terms: EscrowTerms) -> list[TxOutput]:
    return [TxOutput(DUST_LIMIT, terms.payee.script), TxOutput(DUST_LIMIT, terms.payer.script)]


@given(terms=_terms, split=_split, parts=_parts, more=st.integers(0, 10**7), shuffled=st.randoms())
def test_a_payment_is_one_and_the_same_whoever_builds_it(
    terms: EscrowTerms, split: Split, parts: list[int], more: int, shuffled: Any
) -> None:
    coins = coins_holding(split.payee + split.payer + 9_000 + more, parts)
    ours = payout_at(terms, coins, split, 5)
    shuffled.shuffle(coins)
    theirs = payout_at(terms, iter(coins), split, 5)
    assert (ours, ours.psbt, ours.txid) == (theirs, theirs.psbt, theirs.txid)
    assert ours.psbt.transaction.inputs == tuple(sorted(each.outpoint for each in coins))
    assert build_payout(terms, coins, split, ours.fee) == ours, "its fee and its coins say all"


@given(terms=_terms, split=_split, parts=_parts, more=st.integers(0, 10**7), feerate=st.integers(1, 500))
def test_the_honest_payment_passes(terms: EscrowTerms, split: Split, parts: list[int], more: int, feerate: int) -> None:
    held = coins_holding(split.payee + split.payer + 2_000 + more, parts)
    for reserved in (False, True):
        try:
            payout = payout_at(terms, held, split, feerate, reserved=reserved)
        except EscrowError:
            continue
        sent = sign_payout(payout, TOLD.creator)
        held_now = [*held, coin(2**41, 1_000)]
        found = explain(sent.to_base64(), terms, split, held_now, {TOLD.creator.public_key}, reserved=reserved)
        assert (found.as_agreed, found.expected, found.psbt) == (True, payout, sent)


@given(
    split=st.builds(lambda worker: Split(Sat(worker), Sat(PRIMARY.price - worker)), st.integers(546, PRIMARY.price)),
    more=st.just(0) | st.integers(0, 10**6),
    feerate=st.integers(1, 500),
)
def test_who_does_not_pay_the_fee_cannot_choose_it(split: Split, more: int, feerate: int) -> None:
    """Mediator and worker together leave the miner what the creator reserved for him, and no more."""
    assume(split.payer == 0 or split.payer >= DUST_LIMIT)
    held = [coin(1, PRIMARY.amount + more)]
    payout = payout_at(PRIMARY, held, split, feerate, reserved=True)
    cap = PRIMARY.miner_fee + DUST_LIMIT
    assert payout.fee < cap
    check_fee(payout, reserved=True)
    burnt = build_payout(PRIMARY, held, split, Sat(cap)) if payout.back - split.payer >= cap else None
    if burnt is not None and burnt.back >= DUST_LIMIT:
        with pytest.raises(EscrowError, match="outside"):
            check_fee(burnt, reserved=True)
        check_fee(burnt)  # with the creator's own word it would do


def test_the_reserve_is_the_most_whatever_the_size() -> None:
    """A payment of any shape may leave the miner what the offer keeps, what those who gain give up beside it, and what
    is too little to be sent back; one satoshi more is refused."""
    split = Split(Sat(1_000_000), Sat(PRIMARY.price - 1_000_000))
    held = [coin(1, PRIMARY.amount), coin(2, 60_000)]
    vsize = PRIMARY.vsize_of(2, _two(PRIMARY))
    highest = PRIMARY.miner_fee + DUST_LIMIT - 1
    check_fee(build_payout(PRIMARY, held, split, Sat(highest)), reserved=True)
    with pytest.raises(EscrowError, match=rf"outside {vsize} to {highest} sat for its {vsize} virtual bytes"):
        check_fee(build_payout(PRIMARY, held, split, Sat(highest + 1)), reserved=True)
    given_up = Split(Sat(split.payee - 900), split.payer, Sat(900))
    check_fee(build_payout(PRIMARY, held, given_up, Sat(highest + 900)), reserved=True)
    with pytest.raises(EscrowError, match=rf"outside {vsize} to {highest + 900} sat"):
        check_fee(build_payout(PRIMARY, held, given_up, Sat(highest + 901)), reserved=True)


@pytest.mark.parametrize("terms", [PRIMARY, MEDIATOR])
def test_the_band_of_fees_is_closed(terms: EscrowTerms) -> None:
    held, split = [coin(1, terms.amount + 10**6)], the_price(terms)
    vsize = terms.vsize_of(1, _two(terms))
    for fee in (0, 1, vsize - 1, vsize, 500 * vsize + 545, 500 * vsize + 546, 10**6):
        payout = build_payout(terms, held, split, Sat(fee))
        if vsize <= fee <= 500 * vsize + 545:
            check_fee(payout)
        else:
            with pytest.raises(EscrowError, match=f"leaves {fee} sat for the miner, which is outside {vsize} to"):
                check_fee(payout)


@pytest.mark.parametrize("feerate", [MIN_FEERATE - 1, -1, MAX_FEERATE + 1])
def test_nobody_pays_at_a_feerate_outside_the_band(feerate: int) -> None:
    with pytest.raises(InputError, match=rf"^a fee rate of {feerate} sat/vB is outside 1 to 500$"):
        payout_at(PRIMARY, [coin(1, PRIMARY.amount)], the_price(PRIMARY), feerate)


@pytest.mark.parametrize("feerate", [MIN_FEERATE, MAX_FEERATE])
@pytest.mark.parametrize("more", [0, 1, 545, 546, 547, 1_000, 15_000, 20_000])
def test_at_the_edges_of_the_band_whatever_came_too_much_can_be_paid_out(feerate: int, more: int) -> None:
    terms = deal(3, feerate=MAX_FEERATE).terms.of("primary")
    payout = payout_at(terms, [coin(1, terms.amount + more)], the_price(terms), feerate)
    assert payout.total == terms.price + payout.back + payout.fee


def test_a_payment_is_not_built_where_it_cannot_be() -> None:
    one = [coin(1, 100_000)]
    assert build_payout(PRIMARY, one, Split(Sat(99_000), Sat(546)), Sat(454)).back == 546
    with pytest.raises(EscrowError, match=r"holds 100000 sat, which is too little for 99000 sat to Charlie, 546 sat"):
        build_payout(PRIMARY, one, Split(Sat(99_000), Sat(546)), Sat(455))
    for count in (0, MAX_COINS + 1):
        with pytest.raises(EscrowError, match=f"spends 1 to 8 outputs, and not {count}"):
            build_payout(PRIMARY, [coin(n, 100_000) for n in range(count)], Split(Sat(5_000)), Sat(1_000))
    assert len(build_payout(PRIMARY, [coin(n, 10_000) for n in range(MAX_COINS)], Split(Sat(5_000)), Sat(9)).coins) == 8
    for split, who in ((Split(Sat(545)), "Charlie"), (Split(Sat(0), Sat(545)), "Bob"), (Split(Sat(1)), "Charlie")):
        with pytest.raises(
            EscrowError, match=rf"^{who} would get \d+ sat from the primary escrow; the network does not"
        ):
            build_payout(PRIMARY, one, split, Sat(1_000))
    with pytest.raises(EscrowError, match="too little to be paid to anybody: 1545 sat"):
        build_payout(PRIMARY, [coin(1, 1_545)], Split(Sat(0)), Sat(1_000))
    assert build_payout(PRIMARY, [coin(1, 1_546)], Split(Sat(0)), Sat(1_000)).back == 546


def test_the_largest_coins_are_chosen_and_trifles_left() -> None:
    coins = [coin(n, amount) for n, amount in enumerate([546, 547, 5_000, 700_000, *([20_000] * 7)])]
    chosen = choose_coins(PRIMARY, coins, 1)
    assert sorted(each.amount for each in chosen) == [*([20_000] * 7), 700_000]
    assert list(chosen) == sorted(chosen)
    cost = PRIMARY.vsize_of(2, [PRIMARY.payout]) - PRIMARY.vsize_of(1, [PRIMARY.payout])
    assert 90 < cost < 120, "virtual bytes of one more input"
    few = [coin(1, 100 * cost), coin(2, 100 * cost + 1)]
    assert choose_coins(PRIMARY, few, 100) == (few[1],), "what it costs to spend is not worth spending"
    assert choose_coins(PRIMARY, few, 99) == tuple(few)
    assert choose_coins(PRIMARY, [coin(1, cost)], 1) == ()
    assert choose_coins(PRIMARY, [coin(1, cost + 1)], 1) == (coin(1, cost + 1),)


# Whatever differs


@dataclass(frozen=True)
class Sent:
    """A payment as its author writes it: anything, rightly signed by whoever he has the key of."""

    terms: EscrowTerms
    coins: tuple[Coin, ...]
    outputs: tuple[TxOutput, ...]
    signers: tuple[PrivateKey, ...]
    scripts: tuple[bytes, ...] = ()
    version: int = 2
    locktime: int = 0
    sequence: int = 0xFFFFFFFD
    hash_type: int = 1
    spoil: Callable[[bytes], bytes] = field(default=lambda signature: signature)

    def __str__(self) -> str:
        scripts = self.scripts or (self.terms.escrow.witness_script,) * len(self.coins)
        transaction = build_unsigned(
            [each.outpoint for each in self.coins],
            self.outputs,
            sequence=self.sequence,
            locktime=self.locktime,
            version=self.version,
        )
        inputs = []
        for index, (each, script) in enumerate(zip(self.coins, scripts, strict=True)):
            digest = sighash(transaction, script, each.amount, self.hash_type, index)
            signed = [
                (PARTIAL_SIGNATURE + key.public_key, self.spoil(sign_der(key.secret, digest) + bytes([self.hash_type])))
                for key in self.signers
            ]
            shown = TxOutput(each.amount, p2wsh_script(script)).to_bytes()
            inputs.append(((WITNESS_UTXO, shown), *sorted(signed), (WITNESS_SCRIPT, script)))
        return str(LoosePsbt(((b"\x00", transaction.raw),), tuple(inputs), tuple(() for _ in self.outputs)))


@dataclass(frozen=True)
class Case:
    """An honest payment with both outputs, out of several coins, and what the chain shows."""

    terms: EscrowTerms
    split: Split
    payout: Payout
    held: tuple[Coin, ...]

    @property
    def sent(self) -> Sent:
        return Sent(self.terms, self.payout.coins, self.payout.outputs, (TOLD.creator,))

    def explain(self, text: object) -> Explanation:
        return explain(str(text), self.terms, self.split, self.held, {TOLD.creator.public_key})

    def paying(self, *outputs: TxOutput) -> Sent:
        return replace(self.sent, outputs=outputs)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    terms = draw(_terms)
    payee, payer = draw(st.integers(5_000, 10**7)), draw(st.just(0) | st.integers(5_000, 10**7))
    parts = draw(st.lists(st.integers(1, 2**32), min_size=1, max_size=2, unique=True))
    feerate = draw(st.integers(1, 50))
    held = coins_holding(payee + payer + 200_000, parts)
    split = Split(Sat(payee), Sat(payer))
    spare = coin(2**42, 44_000)
    payout = payout_at(terms, held, split, feerate)
    assume(len(payout.outputs) == 2)
    return Case(terms, split, payout, (*held, spare))


def _less(output: TxOutput, by: int) -> TxOutput:
    return TxOutput(Sat(output.amount - by), output.script)


Change = Callable[[Case, int], object]

CHANGES: dict[str, tuple[Change, Fault]] = {
    "an output more": (
        lambda it, n: it.paying(it.payout.outputs[0], _less(it.payout.outputs[1], n), TxOutput(Sat(n), MALLORY_SCRIPT)),
        Fault.PAYEE,
    ),
    "an output to a stranger instead": (
        lambda it, n: it.paying(TxOutput(it.payout.outputs[0].amount, MALLORY_SCRIPT), it.payout.outputs[1]),
        Fault.PAYEE,
    ),
    "the change to a stranger": (
        lambda it, n: it.paying(it.payout.outputs[0], TxOutput(it.payout.outputs[1].amount, MALLORY_SCRIPT)),
        Fault.PAYEE,
    ),
    "the payee gets less": (
        lambda it, n: it.paying(_less(it.payout.outputs[0], n), _less(it.payout.outputs[1], -n)),
        Fault.AMOUNT,
    ),
    "the payee gets more": (
        lambda it, n: it.paying(_less(it.payout.outputs[0], -n), _less(it.payout.outputs[1], n)),
        Fault.AMOUNT,
    ),
    "the payee is paid twice": (
        lambda it, n: it.paying(
            it.payout.outputs[0], _less(it.payout.outputs[1], n), TxOutput(Sat(n), it.terms.payee.script)
        ),
        Fault.EXTRA_OUTPUT,
    ),
    "the change in two": (
        lambda it, n: it.paying(
            it.payout.outputs[0], _less(it.payout.outputs[1], n), TxOutput(Sat(n), it.terms.payer.script)
        ),
        Fault.AMOUNT,
    ),
    "nothing to the payee": (lambda it, n: it.paying(it.payout.outputs[1]), Fault.MISSING_OUTPUT),
    "all back": (
        lambda it, n: it.paying(TxOutput(Sat(it.payout.total - it.payout.fee), it.terms.payer.script)),
        Fault.AMOUNT,
    ),
    "the outputs the other way round": (lambda it, n: it.paying(*it.payout.outputs[::-1]), Fault.SHAPE),
    "the inputs in another order": (
        lambda it, n: replace(it.sent, coins=it.payout.coins[::-1]),
        Fault.SHAPE,
    ),
    "another version": (lambda it, n: replace(it.sent, version=1 if n % 2 else 3), Fault.SHAPE),
    "a lock time": (lambda it, n: replace(it.sent, locktime=n), Fault.SHAPE),
    "another sequence": (lambda it, n: replace(it.sent, sequence=0xFFFFFFFD - n), Fault.SHAPE),
    "a final sequence": (lambda it, n: replace(it.sent, sequence=0xFFFFFFFF), Fault.SHAPE),
    "a coin the chain does not show": (
        lambda it, n: replace(it.sent, coins=(*it.payout.coins, Coin(ELSEWHERE, Sat(n)))),
        Fault.UNKNOWN_OUTPOINT,
    ),
    "a coin that is not there instead": (
        lambda it, n: replace(it.sent, coins=(Coin(ELSEWHERE, it.payout.coins[0].amount), *it.payout.coins[1:])),
        Fault.UNKNOWN_OUTPOINT,
    ),
    "the other escrow's coin": (
        lambda it, n: replace(
            it.sent,
            scripts=tuple(
                (MEDIATOR if it.terms is PRIMARY else PRIMARY).escrow.witness_script for _ in it.payout.coins
            ),
        ),
        Fault.FOREIGN_INPUT,
    ),
    "one coin of another job": (
        lambda it, n: replace(
            it.sent,
            scripts=(
                *(it.terms.escrow.witness_script for _ in it.payout.coins[1:]),
                deal(1).terms.of(it.terms.id).escrow.witness_script,
            ),
        ),
        Fault.FOREIGN_INPUT,
    ),
    "a coin said to hold more": (
        lambda it, n: replace(
            it.sent, coins=(*it.payout.coins[:-1], replace(it.payout.coins[-1], amount=it.payout.coins[-1].amount + n))
        ),
        Fault.INPUT_AMOUNT,
    ),
    "a coin said to hold less": (
        lambda it, n: replace(
            it.sent, coins=(*it.payout.coins[:-1], replace(it.payout.coins[-1], amount=it.payout.coins[-1].amount - 1))
        ),
        Fault.INPUT_AMOUNT,
    ),
    "not signed": (lambda it, n: replace(it.sent, signers=()), Fault.SIGNER),
    "signed by another of the three": (lambda it, n: replace(it.sent, signers=(TOLD.worker,)), Fault.SIGNER),
    "signed by one more": (lambda it, n: replace(it.sent, signers=(TOLD.creator, TOLD.mediator)), Fault.SIGNER),
    "signed by a stranger": (lambda it, n: replace(it.sent, signers=(MALLORY,)), Fault.SIGNATURE),
    "signed by a stranger too": (lambda it, n: replace(it.sent, signers=(TOLD.creator, MALLORY)), Fault.SIGNATURE),
    "SIGHASH_NONE": (lambda it, n: replace(it.sent, hash_type=2), Fault.SIGNATURE),
    "SIGHASH_SINGLE": (lambda it, n: replace(it.sent, hash_type=3), Fault.SIGNATURE),
    "SIGHASH_ANYONECANPAY": (lambda it, n: replace(it.sent, hash_type=0x81), Fault.SIGNATURE),
    "high s": (lambda it, n: replace(it.sent, spoil=high_s), Fault.SIGNATURE),
    "a bit of the signature": (
        lambda it, n: replace(it.sent, spoil=lambda raw: raw[:20] + bytes([raw[20] ^ 1]) + raw[21:]),
        Fault.SIGNATURE,
    ),
    "asks for another sighash": (
        lambda it, n: LoosePsbt.parse(str(it.sent)).with_input((SIGHASH_TYPE, (2).to_bytes(4, "little"))),
        Fault.FORM,
    ),
    "a field nobody reads": (
        lambda it, n: LoosePsbt.parse(str(it.sent)).with_globals((b"\xfc\x04rein", n.to_bytes(4, "little"))),
        Fault.FORM,
    ),
    "a coin twice": (
        lambda it, n: _doubled(it),
        Fault.FORM,
    ),
    "no fee": (
        lambda it, n: it.paying(it.payout.outputs[0], _less(it.payout.outputs[1], -it.payout.fee)),
        Fault.FEE,
    ),
    "a fee too low": (
        lambda it, n: it.paying(it.payout.outputs[0], _less(it.payout.outputs[1], it.payout.vsize - 1 - it.payout.fee)),
        Fault.FEE,
    ),
    "more than there is": (
        lambda it, n: it.paying(it.payout.outputs[0], _less(it.payout.outputs[1], -it.payout.fee - n)),
        Fault.FORM,
    ),
}


def _doubled(it: Case) -> LoosePsbt:
    """The first input named twice; no program of ours can write that, so by hand."""
    loose = LoosePsbt.parse(str(it.sent))
    raw, first = loose.transaction.raw, it.payout.coins[0].outpoint.to_bytes()
    one = first + b"\x00\xfd\xff\xff\xff"
    count = bytes([len(it.payout.coins)])
    assert raw.count(count + one) == 1
    doubled = raw.replace(count + one, bytes([count[0] + 1]) + one + one)
    return replace(loose.with_transaction(doubled), inputs=(loose.inputs[0], *loose.inputs))


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=min(15, settings().max_examples))
@given(case=_cases(), n=st.integers(600, 4_000))
def test_whatever_differs_is_refused_by_its_name(name: str, case: Case, n: int) -> None:
    assert case.explain(case.sent).as_agreed, "what was changed was honest before"
    change, fault = CHANGES[name]
    found = case.explain(change(case, n))
    assert not found.as_agreed
    assert found.psbt is None
    assert fault in [each.fault for each in found.differences]
    with pytest.raises(EscrowError) as caught:
        check_payout(str(change(case, n)), case.terms, case.split, case.held, {TOLD.creator.public_key})
    assert caught.value.message == found.differences[0].text
    assert caught.value.hint == "Sign nothing. It was made by a broken or hostile program."


@given(case=_cases())
def test_the_change_cannot_be_burnt(case: Case) -> None:
    """Whoever does not pay the miner may not be generous to him; and with the payer's word there is a limit too."""
    rest = case.payout.outputs[1].amount - DUST_LIMIT
    assume(rest > 500 * case.payout.vsize and case.split.payer == 0)
    burnt = case.paying(case.payout.outputs[0], _less(case.payout.outputs[1], rest))
    assert [each.fault for each in case.explain(burnt).differences] == [Fault.FEE]


def test_a_change_left_out_is_a_fee() -> None:
    """Without the payer's signature the reserve is the most that the miner gets, whatever else the escrow holds."""
    held = (coin(1, PRIMARY.amount + 50_000),)
    burnt = str(Sent(PRIMARY, held, (PRIMARY.payout,), (TOLD.mediator,)))
    keys = {TOLD.mediator.public_key}
    assert explain(burnt, PRIMARY, the_price(PRIMARY), held, keys).as_agreed
    found = explain(burnt, PRIMARY, the_price(PRIMARY), held, keys, reserved=True)
    assert [each.fault for each in found.differences] == [Fault.FEE]
    assert "outside 146 to" in found.differences[0].text
    assert found.expected is not None


def test_a_guaranteed_part_is_never_given_away() -> None:
    """The creator's part of a resolution is the least; a payment that leaves it out is short, however it looks."""
    split = Split(Sat(PRIMARY.price - 600), Sat(600))
    held = (coin(1, PRIMARY.amount),)
    sent = str(Sent(PRIMARY, held, (TxOutput(split.payee, PRIMARY.payee.script),), (TOLD.mediator,)))
    found = explain(sent, PRIMARY, split, held, {TOLD.mediator.public_key})
    assert [each.fault for each in found.differences] == [Fault.MISSING_OUTPUT, Fault.SHORT]
    assert found.expected is None


def test_nine_inputs_are_too_many() -> None:
    held = tuple(coin(n, 1_000_000) for n in range(MAX_COINS + 1))
    split = Split(Sat(5_000_000))
    for count in (MAX_COINS, MAX_COINS + 1):
        back = TxOutput(Sat(count * 1_000_000 - 5_010_000), PRIMARY.payer.script)
        sent = Sent(PRIMARY, held[:count], (TxOutput(split.payee, PRIMARY.payee.script), back), (TOLD.creator,))
        found = explain(str(sent), PRIMARY, split, held, {TOLD.creator.public_key})
        if count == MAX_COINS:
            assert found.as_agreed
        else:
            assert [(each.fault, each.text) for each in found.differences] == [
                (Fault.TOO_MANY_INPUTS, "the primary payment spends 9 outputs; 8 are the most")
            ]


def test_every_difference_is_told_in_words() -> None:
    held, band = (coin(1, 5_100_000),), "146 to 73545 sat for its 146"
    wrong = (TxOutput(Sat(4_999_000), PRIMARY.payee.script), TxOutput(Sat(1_000), MALLORY_SCRIPT))
    found = explain(str(Sent(PRIMARY, held, wrong, ())), PRIMARY, the_price(PRIMARY), held, {TOLD.creator.public_key})
    assert [(each.fault.value, each.text) for each in found.differences] == [
        ("amount", "the primary payment pays 4999000 sat to Charlie; 5000000 sat are agreed"),
        ("payee", "the primary payment pays 1000 sat to somebody the documents do not name"),
        ("fee", f"the primary payment leaves 100000 sat for the miner, which is outside {band} virtual bytes"),
        ("signer", f"the input {held[0].outpoint} is not signed by those who had to sign it, and nobody else"),
    ]


def test_what_is_paid_twice_and_what_is_not_paid_are_told_in_words() -> None:
    held = (coin(1, 5_100_000),)
    twice = (TxOutput(Sat(20_000), PRIMARY.payer.script), TxOutput(Sat(30_000), PRIMARY.payer.script))
    found = explain(str(Sent(PRIMARY, held, twice, ())), PRIMARY, the_price(PRIMARY), held, {TOLD.creator.public_key})
    texts = {each.fault: each.text for each in found.differences}
    assert texts[Fault.EXTRA_OUTPUT] == "the primary payment pays 30000 sat too much to Bob"
    assert texts[Fault.MISSING_OUTPUT] == (
        f"the primary payment does not pay 5000000 sat to Charlie at {PRIMARY.payee.address}, as agreed"
    )


def test_a_payment_in_words() -> None:
    split = Split(Sat(1_000_000))
    payout = build_payout(PRIMARY, [coin(1, 5_000_000), coin(2, 1_022)], split, Sat(2_760))
    assert list(in_words(payout)) == [
        f"spends 0.05001022 BTC (5,001,022 sat) in 2 outputs of the primary escrow {PRIMARY.escrow.address}",
        f"pays 0.01000000 BTC (1,000,000 sat) to the worker Charlie at {PRIMARY.payee.address}",
        f"pays 0.03998262 BTC (3,998,262 sat) to the creator Bob at {PRIMARY.payer.address}",
        f"leaves 0.00002760 BTC (2,760 sat) to the miner, {2_760 / payout.vsize:.1f} sat/vB",
    ]
    alone = build_payout(MEDIATOR, [coin(1, 76_064)], the_price(MEDIATOR), Sat(1_064))
    assert [line.split(" ")[0] for line in in_words(alone)] == ["spends", "pays", "leaves"]
    assert "in 1 output of the mediator escrow" in next(in_words(alone))
    back = build_payout(MEDIATOR, [coin(1, 70_000)], Split(Sat(0)), Sat(1_000))
    assert [line.split(" ")[0] for line in in_words(back)] == ["spends", "pays", "leaves"]
    assert "to the creator Bob" in list(in_words(back))[1]


@given(text=st.text(max_size=300))
def test_any_text_has_a_fault_of_form(text: str) -> None:
    found = explain(text, PRIMARY, the_price(PRIMARY), (), set())
    assert [each.fault for each in found.differences] == [Fault.FORM]
    assert (found.expected, found.psbt, found.as_agreed) == (None, None, False)


def test_faults_are_names_that_programs_read() -> None:
    assert [fault.value for fault in Fault] == [
        "form",
        "foreign_input",
        "unknown_outpoint",
        "too_many_inputs",
        "input_amount",
        "short",
        "payee",
        "amount",
        "extra_output",
        "missing_output",
        "shape",
        "fee",
        "signature",
        "signer",
    ]
