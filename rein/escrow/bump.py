"""Bumping the fee of a payment that waits for a block: its receiver spends it at once, to the same address, with a fee
that pays for both.

Miners take the two together or not at all (child pays for parent). It needs nobody else's signature.
"""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.address import p2wpkh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.feerate import Feerate, fee_for, format_feerate, format_rate
from rein.btc.keys import PrivateKey
from rein.btc.spending import Coin, Spend
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.errors import EscrowError, InputError
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE


@dataclass(frozen=True)
class Child:
    """A spend of one's own output of a waiting payment, back to the same address."""

    outpoint: OutPoint
    amount: Sat
    script: bytes
    fee: Sat

    @property
    def receives(self) -> Sat:
        return Sat(self.amount - self.fee)

    @property
    def spend(self) -> Spend:
        return Spend((Coin(self.outpoint, self.amount, self.script),), (TxOutput(self.receives, self.script),))


def plan_child(parent: Transaction, parent_fee: Sat, script: bytes, feerate: Feerate) -> Child:
    """The child that brings parent and child together to a feerate.

    :param script: the P2WPKH script of one's own address.
    :param feerate: sat/vB.
    :raises InputError: the feerate is outside the band.
    :raises EscrowError: the payment does not pay this script, pays such a fee already, or holds too little for it.
    """
    if not MIN_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(f"a fee rate of {format_feerate(feerate)} sat/vB is outside {MIN_FEERATE} to {MAX_FEERATE}")
    index = next((i for i, output in enumerate(parent.outputs) if output.script == script), None)
    if index is None:
        raise EscrowError(f"the payment {parent.txid} pays nothing to you")
    amount = parent.outputs[index].amount
    vsize = Child(OutPoint(parent.txid, index), amount, script, Sat(0)).spend.vsize
    fee = fee_for(feerate, parent.vsize + vsize) - parent_fee
    if fee < MIN_FEERATE * vsize:
        has = format_rate(parent_fee, parent.vsize)
        raise EscrowError(f"the payment leaves the miner that much already: {has} sat/vB")
    if amount - fee < DUST_LIMIT:
        raise EscrowError(f"a fee of {fee:,} sat would eat up the {amount:,} sat you get", hint="Choose a lower rate.")
    return Child(OutPoint(parent.txid, index), amount, script, Sat(fee))


def sign_child(child: Child, key: PrivateKey) -> Transaction:
    """The signed transaction.

    :raises EscrowError: the key is not that of the script.
    """
    if p2wpkh_script(key.public_key) != child.script:
        raise EscrowError("that key does not open the payment")
    return child.spend.sign([key])
