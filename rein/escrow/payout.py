"""Payments out of an escrow. Each is determined to the last byte by the terms, the outputs it spends, what the
documents give to whom, and the fee: whoever signs builds it again; nothing of a peer's is signed.

Outputs stand in one order: first whom the escrow is for, then whoever paid it in. The second gets all that is left
after the first and the miner, so nothing is lost when an escrow holds more than agreed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.feerate import Feerate, fee_for, format_feerate
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.errors import EscrowError, InputError
from rein.escrow.counted import counted
from rein.escrow.terms import MAX_COINS, MAX_FEERATE, MIN_FEERATE, EscrowTerms

_NOTHING = Sat(0)


@dataclass(frozen=True, order=True)
class Coin:
    """One output that the chain shows under an escrow's script."""

    outpoint: OutPoint
    amount: Sat


@dataclass(frozen=True)
class Split:
    """What leaves an escrow: exactly so much to whom it is for, and no less than so much back to the payer.

    `miner`: what those who gain give up for the miner, beside what the offer keeps. `bears`: whom the escrow is for
    gives up all that the miner takes above it; only in what they sign first themselves.
    """

    payee: Sat
    payer: Sat = _NOTHING
    miner: Sat = _NOTHING
    bears: bool = False


@dataclass(frozen=True)
class Payout:
    """One payment out of one escrow."""

    terms: EscrowTerms
    coins: tuple[Coin, ...]
    split: Split
    outputs: tuple[TxOutput, ...]

    @property
    def total(self) -> Sat:
        """What is spent."""
        return _sum(self.coins)

    @property
    def fee(self) -> Sat:
        """What the miner gets."""
        return Sat(self.total - sum(output.amount for output in self.outputs))

    @property
    def back(self) -> Sat:
        """What the payer gets back."""
        return Sat(sum(output.amount for output in self.outputs) - self.split.payee)

    @property
    def vsize(self) -> int:
        """Virtual bytes, signatures at their longest."""
        return self.terms.vsize_of(len(self.coins), self.outputs)

    @property
    def feerate(self) -> Fraction:
        """sat/vB."""
        return Fraction(self.fee, self.vsize)

    def reaches(self, feerate: Feerate) -> Fraction:
        """How much of a feerate (sat/vB) it has, 1 at most."""
        return min(Fraction(1), self.feerate / feerate)

    @cached_property
    def psbt(self) -> Psbt:
        """Unsigned."""
        script = self.terms.escrow.witness_script
        return Psbt.create([PsbtInput(coin.outpoint, coin.amount, script) for coin in self.coins], self.outputs)

    @property
    def txid(self) -> str:
        """Known before anybody signs: a segwit txid does not cover signatures."""
        return self.psbt.transaction.txid

    def json(self) -> dict[str, Any]:
        """For programs; amounts in satoshis."""
        return {
            "purse": self.terms.id,
            "txid": self.txid,
            "outpoints": [str(coin.outpoint) for coin in self.coins],
            "holds_sat": self.total,
            "receiver": self.terms.payee.name,
            "address": self.terms.payee.address,
            "amount_sat": self.split.payee,
            "back_address": self.terms.payer.address,
            "back_sat": self.back,
            "fee_sat": self.fee,
        }


def the_price(terms: EscrowTerms) -> Split:
    """What the job costs, to whom the escrow is for."""
    return Split(terms.price)


def largest(coins: Iterable[Coin]) -> tuple[Coin, ...]:
    """The outputs that one payment can spend, the largest first."""
    return tuple(sorted(coins, key=lambda each: (-each.amount, each.outpoint))[:MAX_COINS])


def choose_coins(terms: EscrowTerms, coins: Iterable[Coin], feerate: Feerate) -> tuple[Coin, ...]:
    """The outputs worth spending at a feerate (sat/vB), as many as one payment can spend, in the order in which they
    stand in it."""
    cost = feerate * _input_vsize(terms)
    return tuple(sorted(coin for coin in largest(coins) if coin.amount > cost))


def plan_payout(
    terms: EscrowTerms, coins: Iterable[Coin], split: Split, feerate: Feerate, *, reserved: bool = False
) -> Payout:
    """The payment at a feerate that spends every output worth spending at it, and of the others as many as are needed
    to come nearest to it. What a stranger strews on an escrow's address costs more than it brings, and is left there.

    :param feerate: sat/vB.
    :param reserved: see `check_fee`.
    :raises InputError: the feerate is outside the band.
    :raises EscrowError: the escrow does not hold so much, with the reason of the largest payment.
    """
    _check_feerate(feerate)
    best = largest(coins)
    worth = len(choose_coins(terms, best, feerate))
    planned, reason = None, EscrowError(f"the {terms.id} escrow holds nothing now")
    if best and not worth and not split.payee and not split.payer:
        raise _not_worth(terms, best, feerate)
    for count in range(max(1, worth), len(best) + 1):
        try:
            payout = payout_at(terms, best[:count], split, feerate, reserved=reserved)
        except EscrowError as error:
            reason = error
        else:
            if planned is None or payout.reaches(feerate) > planned.reaches(feerate):
                planned = payout
    if planned is None:
        raise reason
    return planned


def build_payout(terms: EscrowTerms, coins: Iterable[Coin], split: Split, fee: Sat) -> Payout:
    """The payment that leaves this fee, or a little more where what is left for the payer is dust.

    :raises EscrowError: the outputs do not hold so much, nothing would be paid to anybody, or the split gives somebody
        less than the network carries.
    """
    spent = tuple(sorted(coins))
    name = terms.id
    if split.bears:
        above = Sat(max(0, fee - _kept_for_miner(terms, spent, split)))
        if split.payee - above < DUST_LIMIT:
            raise EscrowError(f"a fee of {fee:,} sat would eat up the {split.payee:,} sat that {terms.payee.name} gets")
        split = Split(Sat(split.payee - above), split.payer, above)
    for person, amount in ((terms.payee, split.payee), (terms.payer, split.payer)):
        if amount and amount < DUST_LIMIT:
            raise EscrowError(
                f"{person.name} would get {amount} sat from the {name} escrow; the network does not carry outputs "
                f"under {DUST_LIMIT} sat"
            )
    if not 1 <= len(spent) <= MAX_COINS:
        raise EscrowError(f"a payment from the {name} escrow spends 1 to {MAX_COINS} outputs, and not {len(spent)}")
    rest = _sum(spent) - split.payee - fee
    if rest < split.payer:
        raise EscrowError(
            f"the {name} escrow holds {_sum(spent)} sat, which is too little for {split.payee} sat to "
            f"{terms.payee.name}, {split.payer} sat to {terms.payer.name} and {fee} sat to the miner"
        )
    outputs = []
    if split.payee:
        outputs.append(TxOutput(split.payee, terms.payee.script))
    if rest >= DUST_LIMIT:
        outputs.append(TxOutput(Sat(rest), terms.payer.script))
    if not outputs:
        raise EscrowError(f"the {name} escrow holds too little to be paid to anybody: {_sum(spent)} sat")
    return Payout(terms, spent, split, tuple(outputs))


def payout_at(
    terms: EscrowTerms, coins: Iterable[Coin], split: Split, feerate: Feerate, *, reserved: bool = False
) -> Payout:
    """The payment at a feerate, or at what the split or the band leaves for the miner where that is less. Its fee is
    of the size it really has: with an output for the payer, unless what is left for them is dust.

    :param feerate: sat/vB.
    :param reserved: see `check_fee`.
    :raises InputError: the feerate is outside the band.
    :raises EscrowError: as `build_payout`; or too little is left for any miner.
    """
    _check_feerate(feerate)
    spent = tuple(coins)
    to_payee = [TxOutput(split.payee, terms.payee.script)] if split.payee else []
    vsize = terms.vsize_of(len(spent), [*to_payee, TxOutput(DUST_LIMIT, terms.payer.script)])
    left = _sum(spent) - split.payee - split.payer
    if split.bears:
        left = _kept_for_miner(terms, spent, split) + split.payee - DUST_LIMIT
        left = min(left, MAX_FEERATE * terms.vsize_of(len(spent), to_payee))  # nothing may be left for the payer
    elif not split.payee and not split.payer:
        left -= DUST_LIMIT
    fee = min(fee_for(feerate, vsize), left, MAX_FEERATE * vsize)
    if reserved and not split.bears:
        fee = min(fee, _highest_fee(terms, vsize, split, reserved=True))
    payout = build_payout(terms, spent, split, Sat(max(0, fee)))
    check_fee(payout, reserved=reserved)
    return payout


def check_fee(payout: Payout, *, reserved: bool = False) -> None:
    """Refuse a fee that no miner takes, or that gives the payer's money away. What is too little to be sent back may
    come on top of the highest.

    :param reserved: hold it against what the offer keeps for the miner and what those who gain give up for it, where
        the payer signs nothing of this.
    :raises EscrowError: saying the feerate.
    """
    terms, vsize = payout.terms, payout.vsize
    lowest = MIN_FEERATE * vsize
    highest = _highest_fee(terms, vsize, payout.split, reserved=reserved) + DUST_LIMIT - 1
    if not lowest <= payout.fee <= highest:
        raise EscrowError(
            f"the {terms.id} payment leaves {payout.fee} sat for the miner, which is outside {lowest} "
            f"to {highest} sat for its {vsize} virtual bytes"
        )


def _highest_fee(terms: EscrowTerms, vsize: int, split: Split, *, reserved: bool) -> int:
    """Never less than what the network relays: then no shape is impossible."""
    highest = MAX_FEERATE * vsize
    return min(highest, max(terms.miner_fee + split.miner, MIN_FEERATE * vsize)) if reserved else highest


def _kept_for_miner(terms: EscrowTerms, coins: tuple[Coin, ...], split: Split) -> int:
    """What the miner may take before the receiver gives anything up: what the offer keeps, as far as it is there, and
    what is too little to be sent back."""
    left = _sum(coins) - split.payee - split.payer
    return terms.miner_fee if left >= terms.miner_fee + DUST_LIMIT else left


def _not_worth(terms: EscrowTerms, best: tuple[Coin, ...], feerate: Feerate) -> EscrowError:
    """Why nothing goes back at this feerate, and the one at which it would."""
    lower = (best[0].amount - 1) // _input_vsize(terms)
    hint = f"It does at a lower rate: --feerate {lower}" if lower >= MIN_FEERATE else "It is lost to fees."
    return EscrowError(
        f"what the {terms.id} escrow holds, {_sum(best):,} sat in {counted(len(best), 'output')}, costs more to "
        f"spend at {format_feerate(feerate)} sat/vB than it brings",
        hint=hint,
    )


def _input_vsize(terms: EscrowTerms) -> int:
    """Virtual bytes that spending one output more adds to a payment."""
    return terms.vsize_of(2, [terms.payout]) - terms.vsize_of(1, [terms.payout])


def _check_feerate(feerate: Feerate) -> None:
    if not MIN_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(f"a fee rate of {format_feerate(feerate)} sat/vB is outside {MIN_FEERATE} to {MAX_FEERATE}")


def sign_payout(payout: Payout, key: PrivateKey) -> Psbt:
    """The payment with this key's signature.

    :raises PsbtError: the key is not one of the escrow's.
    """
    return payout.psbt.sign(key)


def complete_payout(psbt: Psbt, key: PrivateKey) -> Transaction:
    """Add the second signature and make the transaction that goes to the network.

    :raises PsbtError: the key is not one of the escrow's, or a signature is missing.
    """
    return psbt.sign(key).finalize()


def _sum(coins: Iterable[Coin]) -> Sat:
    return Sat(sum(coin.amount for coin in coins))
