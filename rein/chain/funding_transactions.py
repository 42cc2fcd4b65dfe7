"""The whole transaction behind an unspent output: what a signature from before segwit cannot do without."""

from __future__ import annotations

from rein.btc.transaction import Transaction, TxOutput
from rein.chain.source import ChainSource, Output
from rein.errors import ChainError


def transaction_of(chain: ChainSource, output: Output) -> Transaction:
    """The transaction that made the output.

    :raises ChainError: the source does not have it, or contradicts itself about the output.
    """
    point = output.outpoint
    block_hash = None if output.height is None else chain.block_at(output.height).hash
    found = chain.transaction(point.txid, block_hash)
    if found is None:
        raise ChainError(
            f"the chain source does not have the transaction {point.txid} any more",
            hint="A pruned node throws old blocks away. Give the transaction itself.",
        )
    if point.vout >= len(found.outputs) or found.outputs[point.vout] != TxOutput(output.amount, output.script):
        raise ChainError(f"the chain source tells two stories about the output {point}")
    return found
