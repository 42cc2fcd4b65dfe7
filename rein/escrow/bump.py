"""Hurrying a payment that waits for a block: its receiver spends it at once, to himself, with a fee that pays for both.

Miners take the two together or not at all (child pays for parent). It needs nobody else's signature.
"""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.address import p2pkh_script, p2wpkh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.curve import sign_der
from rein.btc.keys import PrivateKey
from rein.btc.transaction import (
    MAX_SIGNATURE_BYTES,
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    escrow_spend_vsize,
    with_witnesses,
    witness_v0_sighash,
)
from rein.errors import EscrowError, InputError
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE

_SIGHASH_ALL = b"\x01"
_WITNESS_WEIGHT = 1 + 1 + MAX_SIGNATURE_BYTES + 1 + 33
"""Of a P2WPKH input (BIP141): the count of items, a signature and a compressed key, each with its length."""


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


def plan_child(parent: Transaction, parent_fee: Sat, script: bytes, feerate: int) -> Child:
    """The child that brings parent and child together to a feerate.

    :param script: the P2WPKH script of one's own address.
    :param feerate: sat/vB.
    :raises InputError: the feerate is outside the band.
    :raises EscrowError: the payment does not pay this script, pays such a fee already, or holds too little for it.
    """
    if not MIN_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(f"a fee rate of {feerate} sat/vB is outside {MIN_FEERATE} to {MAX_FEERATE}")
    index = next((i for i, output in enumerate(parent.outputs) if output.script == script), None)
    if index is None:
        raise EscrowError(f"the payment {parent.txid} pays nothing to you")
    amount = parent.outputs[index].amount
    vsize = escrow_spend_vsize([_WITNESS_WEIGHT], [TxOutput(amount, script)])
    fee = feerate * (parent.vsize + vsize) - parent_fee
    if fee < MIN_FEERATE * vsize:
        raise EscrowError(f"the payment leaves the miner that much already: {parent_fee / parent.vsize:.1f} sat/vB")
    if amount - fee < DUST_LIMIT:
        raise EscrowError(f"a fee of {fee:,} sat would eat up the {amount:,} sat you get", hint="Choose a lower rate.")
    return Child(OutPoint(parent.txid, index), amount, script, Sat(fee))


def sign_child(child: Child, key: PrivateKey) -> Transaction:
    """The signed transaction.

    :raises EscrowError: the key is not that of the script.
    """
    if p2wpkh_script(key.public_key) != child.script:
        raise EscrowError("that key does not open the payment")
    tx = build_unsigned([child.outpoint], [TxOutput(child.receives, child.script)])
    digest = witness_v0_sighash(tx, 0, p2pkh_script(key.public_key), child.amount)
    return with_witnesses(tx, [[sign_der(key.secret, digest) + _SIGHASH_ALL, key.public_key]])
