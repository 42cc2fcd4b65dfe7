"""Whether the money in an escrow can be paid out, whichever way the job ends."""

from __future__ import annotations

from collections.abc import Collection

from rein.btc.amounts import DUST_LIMIT
from rein.btc.transaction import TxOutput
from rein.escrow.payout import Coin
from rein.escrow.terms import MIN_FEERATE, PurseTerms


def payable_in_every_ending(purse: PurseTerms, coins: Collection[Coin]) -> bool:
    """Whether the miner's part is enough for two outputs, out of all these coins."""
    outputs = [purse.payout, TxOutput(DUST_LIMIT, purse.payer.script)]
    return sum(coin.amount for coin in coins) >= purse.price + MIN_FEERATE * purse.vsize_of(len(coins), outputs)
