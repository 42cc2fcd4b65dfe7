"""Hurrying a payment that waits: the child pays what both together lack, out of one's own output and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.btc.address import p2wpkh_script
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.keys import PrivateKey
from rein.btc.spending import Coin, Spend
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.errors import EscrowError, InputError
from rein.escrow.bump import plan_child, sign_child
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE
from tests.support.money import SOME_TXID, deal

TOLD = deal()
MINE, THEIRS = TOLD.worker, TOLD.creator
SCRIPT = p2wpkh_script(MINE.public_key)
OTHER_SCRIPT = p2wpkh_script(THEIRS.public_key)
PLENTY = 5_000_000


def waiting(mine: int = PLENTY, fee: int = 0, key: PrivateKey = THEIRS) -> Transaction:
    """A payment of this to oneself, as its second output, that leaves the miner so much."""
    outputs = (TxOutput(Sat(40_000), OTHER_SCRIPT), TxOutput(Sat(mine), SCRIPT))
    coin = Coin(OutPoint(SOME_TXID, 0), Sat(40_000 + mine + fee), p2wpkh_script(key.public_key))
    return Spend((coin,), outputs).sign([key])


def lacking(parent: Transaction, feerate: int) -> int:
    """What parent and child leave the miner at a feerate."""
    return feerate * (parent.vsize + plan_child(parent, Sat(0), SCRIPT, feerate).spend.vsize)


@example(feerate=MIN_FEERATE, parent_fee=0)
@example(feerate=MAX_FEERATE, parent_fee=0)
@given(feerate=st.integers(MIN_FEERATE, MAX_FEERATE), parent_fee=st.integers(0, 100))
def test_parent_and_child_together_have_the_feerate(feerate: int, parent_fee: int) -> None:
    parent = waiting(fee=parent_fee)
    child = plan_child(parent, Sat(parent_fee), SCRIPT, feerate)
    made = sign_child(child, MINE)
    [paid] = made.outputs
    assert list(made.inputs) == [OutPoint(parent.txid, 1)]
    assert paid == TxOutput(child.receives, SCRIPT)
    left = parent_fee + PLENTY - paid.amount
    assert feerate * (parent.vsize + made.vsize) <= left <= feerate * (parent.vsize + made.vsize + 2)


@pytest.mark.parametrize("feerate", [0, MIN_FEERATE - 1, MAX_FEERATE + 1])
def test_a_feerate_outside_the_band_is_refused(feerate: int) -> None:
    with pytest.raises(InputError, match=rf"^a fee rate of {feerate} sat/vB is outside 1 to 500$"):
        plan_child(waiting(), Sat(0), SCRIPT, feerate)


def test_a_payment_to_others_is_not_ones_own_to_hurry() -> None:
    parent = waiting()
    stranger = p2wpkh_script(TOLD.mediator.public_key)
    with pytest.raises(EscrowError, match=f"^the payment {parent.txid} pays nothing to you$"):
        plan_child(parent, Sat(0), stranger, 10)


def test_a_child_leaves_no_less_than_nodes_carry() -> None:
    """A payment that lacks too little for a child of its own is said to have the feerate already."""
    parent, feerate = waiting(), 10
    vsize = plan_child(parent, Sat(0), SCRIPT, feerate).spend.vsize
    least = lacking(parent, feerate) - MIN_FEERATE * vsize
    assert plan_child(parent, Sat(least), SCRIPT, feerate).fee == MIN_FEERATE * vsize
    rate = f"{(least + 1) / parent.vsize:.1f}"
    with pytest.raises(EscrowError, match=f"^the payment leaves the miner that much already: {rate} sat/vB$"):
        plan_child(parent, Sat(least + 1), SCRIPT, feerate)


def test_what_is_left_of_ones_own_output_is_no_dust() -> None:
    feerate = 20
    fee = lacking(waiting(), feerate)
    child = plan_child(waiting(mine=fee + DUST_LIMIT), Sat(0), SCRIPT, feerate)
    assert (child.fee, child.receives) == (fee, DUST_LIMIT)
    with pytest.raises(EscrowError, match=f"^a fee of {fee:,} sat would eat up the {fee + DUST_LIMIT - 1:,} sat") as no:
        plan_child(waiting(mine=fee + DUST_LIMIT - 1), Sat(0), SCRIPT, feerate)
    assert no.value.hint == "Choose a lower rate."


def test_only_the_key_of_the_output_signs() -> None:
    child = plan_child(waiting(), Sat(0), SCRIPT, 10)
    with pytest.raises(EscrowError, match=r"^that key does not open the payment$"):
        sign_child(child, THEIRS)
