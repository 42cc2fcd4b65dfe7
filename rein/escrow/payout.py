"""The two payments that settle a job, and the one gate every signature passes.

A payout is determined to the last byte by the terms and one outpoint: one input, one output, the rest to the miner.
Whoever signs builds it anew and compares; nothing of a peer's PSBT is adopted but the signature, which is verified.
"""

from __future__ import annotations

from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.transaction import OutPoint, Transaction
from rein.errors import EscrowError
from rein.escrow.terms import PurseTerms


def build_payout(purse: PurseTerms, outpoint: OutPoint) -> Psbt:
    """The unsigned payout of an escrow output that holds exactly `purse.amount`."""
    spent = PsbtInput(outpoint, purse.amount, purse.escrow.witness_script)
    return Psbt.create([spent], [purse.payout])


def sign_payout(purse: PurseTerms, outpoint: OutPoint, key: PrivateKey) -> Psbt:
    """Build a payout and add this key's signature.

    :raises PsbtError: the key is none of the escrow's.
    """
    return build_payout(purse, outpoint).sign(key)


def check_payout(psbt_text: str, purse: PurseTerms, signer: bytes) -> Psbt:
    """Hold a PSBT somebody sent against the one the documents give.

    :param signer: the public key that must have signed it, and the only one that may have.
    :returns: the rebuilt PSBT with that signature.
    :raises EscrowError: naming the first thing that differs.
    """
    theirs = Psbt.parse(psbt_text)
    name = f"the {purse.escrow.purse.value} payment"
    if len(theirs.inputs) != 1:
        raise EscrowError(f"{name} spends {len(theirs.inputs)} outputs; exactly one is agreed")
    ours = build_payout(purse, theirs.inputs[0].outpoint)
    spent = theirs.inputs[0]
    if spent.witness_script != purse.escrow.witness_script:
        raise EscrowError(f"{name} spends an output of another contract")
    if spent.amount != purse.amount:
        raise EscrowError(f"{name} claims to spend {spent.amount} sat; the escrow holds {purse.amount} sat")
    if len(theirs.transaction.outputs) != 1:
        raise EscrowError(f"{name} has {len(theirs.transaction.outputs)} outputs; exactly one is agreed")
    output = theirs.transaction.outputs[0]
    if output.script != purse.payout.script:
        raise EscrowError(f"{name} pays somebody else than {purse.receiver} at {purse.receiver_address}")
    if output.amount != purse.payout.amount:
        raise EscrowError(f"{name} pays {output.amount} sat; {purse.payout.amount} sat are agreed")
    if theirs.transaction.raw != ours.transaction.raw:
        raise EscrowError(f"{name} differs from the agreed one in its version, lock time or sequence")
    theirs.verify_signatures()
    if set(theirs.partial_signatures(0)) != {signer}:
        raise EscrowError(f"{name} is not signed by the one who had to sign it, and nobody else")
    return ours.combine(theirs)


def complete_payout(psbt: Psbt, key: PrivateKey) -> Transaction:
    """Add the second signature and make the transaction that goes to the network.

    :raises PsbtError: the key is none of the escrow's, or a signature is missing.
    """
    return psbt.sign(key).finalize()
