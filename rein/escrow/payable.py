"""Whether the money in an escrow can be paid out, whichever way the job ends: outputs, fee and dust together.

The miner's reserve of an offer is for the largest payment (`rein.escrow.terms`), so an escrow whose largest outputs
cover the price and the least reserve can be emptied by every ending, however many pieces it was paid in, and whatever
a stranger adds. This is tried here by building each of them, not reasoned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.errors import EscrowError
from rein.escrow.contract import EscrowKind
from rein.escrow.payout import Coin, Split, largest, plan_payout, the_price
from rein.escrow.terms import MAX_COINS, MIN_RESERVE_FEERATE, EscrowTerms


def payable_in_every_ending(terms: EscrowTerms, coins: Collection[Coin]) -> bool:
    """Try acceptance, every kind of award, settlement and refund with these outputs, at the least feerate that an offer
    reserves for. The amount of an offer may reserve more: what is there need not, to be safe.

    :param coins: the unspent outputs of this escrow that nothing else may take.
    """
    return all(_is_payable(terms, coins, split) for split in _endings(terms))


def _is_payable(terms: EscrowTerms, coins: Collection[Coin], split: Split) -> bool:
    """Its fee is held against the reserve: without that as much can be paid, or more."""
    try:
        payout = plan_payout(terms, coins, split, MIN_RESERVE_FEERATE, reserved=True)
    except EscrowError:
        return False
    return payout.reaches(MIN_RESERVE_FEERATE) == 1


def covers(terms: EscrowTerms, coins: Collection[Coin]) -> bool:
    """Whether the outputs that one payment can spend hold the price and the least reserve. Then, and only then, the
    mediator's escrow owes the mediator the fee when the money goes back."""
    return _sum(coins) >= _least(terms)


def missing_from(terms: EscrowTerms, coins: Collection[Coin]) -> Sat:
    """What one more output must hold so that the amount of the offer is there and can be spent at once."""
    if _sum(coins) >= terms.amount:
        return Sat(0)
    beside_it = sum(coin.amount for coin in largest(coins)[: MAX_COINS - 1])
    return Sat(max(DUST_LIMIT, terms.amount - beside_it))


def _endings(terms: EscrowTerms) -> Iterator[Split]:
    """What may become of an escrow: everything it may give has the shape and the sum of one of these."""
    price, nothing = terms.price, Sat(0)
    yield the_price(terms)
    if terms.kind is EscrowKind.PRICE:
        yield Split(nothing, price)
        if price >= 2 * DUST_LIMIT:
            yield Split(Sat(price // 2), Sat(price - price // 2))
    yield Split(nothing)


def _least(terms: EscrowTerms) -> int:
    return terms.price + MIN_RESERVE_FEERATE * terms.largest_vsize


def _sum(coins: Collection[Coin]) -> int:
    return sum(coin.amount for coin in largest(coins))
