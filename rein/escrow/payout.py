"""Payments out of an escrow. Each is determined to the last byte by the terms, the outputs it spends, what the
documents give to whom, and the fee: whoever signs builds it anew; nothing of a peer's is signed.

Outputs stand in one order: first whom the escrow is for, then whoever paid it in. The second gets all that is left
after the first and the miner, so nothing is lost when an escrow holds more than agreed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.errors import EscrowError, InputError
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE, PurseTerms

MAX_COINS = 8
"""Outputs one payment spends at most, so that both payments fit into a document."""

_NOTHING = Sat(0)


@dataclass(frozen=True, order=True)
class Coin:
    """One output that the chain shows under an escrow's script."""

    outpoint: OutPoint
    amount: Sat


@dataclass(frozen=True)
class Split:
    """What leaves an escrow: exactly so much to whom it is for, and no less than so much back to the payer."""

    payee: Sat
    payer: Sat = _NOTHING


@dataclass(frozen=True)
class Payout:
    """One payment out of one escrow."""

    purse: PurseTerms
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
        return self.purse.vsize_of(len(self.coins), self.outputs)

    @property
    def feerate(self) -> float:
        """sat/vB, to show."""
        return self.fee / self.vsize

    @cached_property
    def psbt(self) -> Psbt:
        """Unsigned."""
        script = self.purse.escrow.witness_script
        return Psbt.create([PsbtInput(coin.outpoint, coin.amount, script) for coin in self.coins], self.outputs)

    @property
    def txid(self) -> str:
        """Known before anybody signs: a segwit txid does not cover signatures."""
        return self.psbt.transaction.txid


def the_price(purse: PurseTerms) -> Split:
    """What the job costs, to whom the escrow is for."""
    return Split(purse.price)


def choose_coins(purse: PurseTerms, coins: Iterable[Coin], feerate: int) -> tuple[Coin, ...]:
    """The outputs worth spending, the largest first taken, in the order in which they stand in a payment. What a
    stranger strews on an escrow's address costs more than it brings, and is left where it is."""
    cost = feerate * (purse.vsize_of(2, [purse.payout]) - purse.vsize_of(1, [purse.payout]))
    worth = sorted((coin for coin in coins if coin.amount > max(cost, DUST_LIMIT)), key=lambda each: -each.amount)
    return tuple(sorted(worth[:MAX_COINS]))


def build_payout(purse: PurseTerms, coins: Iterable[Coin], split: Split, fee: Sat) -> Payout:
    """The payment that leaves this fee, or a little more where what is left for the payer is dust.

    :raises EscrowError: the outputs do not hold so much, nothing would be paid to anybody, or the split gives somebody
        less than the network carries.
    """
    spent = tuple(sorted(coins))
    name = purse.escrow.purse.value
    for person, amount in ((purse.payee, split.payee), (purse.payer, split.payer)):
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
            f"{purse.payee.name}, {split.payer} sat to {purse.payer.name} and {fee} sat to the miner"
        )
    outputs = []
    if split.payee:
        outputs.append(TxOutput(split.payee, purse.payee.script))
    if rest >= DUST_LIMIT:
        outputs.append(TxOutput(Sat(rest), purse.payer.script))
    if not outputs:
        raise EscrowError(f"the {name} escrow holds too little to be paid to anybody: {_sum(spent)} sat")
    return Payout(purse, spent, split, tuple(outputs))


def payout_at(
    purse: PurseTerms, coins: Iterable[Coin], split: Split, feerate: int, *, reserved: bool = False
) -> Payout:
    """The payment at a feerate, or at what the split or the band leaves for the miner where that is less.

    :param feerate: sat/vB.
    :param reserved: see `check_fee`.
    :raises InputError: the feerate is outside the band.
    :raises EscrowError: as `build_payout`; or too little is left for any miner.
    """
    if not MIN_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(f"a fee rate of {feerate} sat/vB is outside {MIN_FEERATE} to {MAX_FEERATE}")
    spent = tuple(coins)
    to_payee, to_payer = TxOutput(DUST_LIMIT, purse.payee.script), TxOutput(DUST_LIMIT, purse.payer.script)
    owed = [*([to_payee] if split.payee else []), *([to_payer] if split.payer else [])]
    wanted = feerate * purse.vsize_of(len(spent), [to_payee, to_payer] if split.payee else [to_payer])
    left = _sum(spent) - split.payee - split.payer
    highest = _highest_fee(purse, purse.vsize_of(len(spent), owed or [to_payer]), reserved=reserved)
    payout = build_payout(purse, spent, split, Sat(max(0, min(wanted, left, highest))))
    check_fee(payout, reserved=reserved)
    return payout


def check_fee(payout: Payout, *, reserved: bool = False) -> None:
    """Refuse a fee that no miner takes, or that gives the payer's money away. What is too little to be sent back may
    come on top of the highest.

    :param reserved: hold it against what the offer keeps for the miner, where the payer signs nothing of this.
    :raises EscrowError: saying the feerate.
    """
    purse, vsize = payout.purse, payout.vsize
    lowest = MIN_FEERATE * vsize
    highest = _highest_fee(purse, vsize, reserved=reserved) + DUST_LIMIT - 1
    if not lowest <= payout.fee <= highest:
        raise EscrowError(
            f"the {purse.escrow.purse.value} payment leaves {payout.fee} sat for the miner, which is outside {lowest} "
            f"to {highest} sat for its {vsize} virtual bytes"
        )


def _highest_fee(purse: PurseTerms, vsize: int, *, reserved: bool) -> int:
    highest = MAX_FEERATE * vsize
    return min(highest, -(-purse.miner_fee * vsize // purse.vsize)) if reserved else highest


def sign_payout(payout: Payout, key: PrivateKey) -> Psbt:
    """The payment with this key's signature.

    :raises PsbtError: the key is none of the escrow's.
    """
    return payout.psbt.sign(key)


def complete_payout(psbt: Psbt, key: PrivateKey) -> Transaction:
    """Add the second signature and make the transaction that goes to the network.

    :raises PsbtError: the key is none of the escrow's, or a signature is missing.
    """
    return psbt.sign(key).finalize()


def _sum(coins: Iterable[Coin]) -> Sat:
    return Sat(sum(coin.amount for coin in coins))
