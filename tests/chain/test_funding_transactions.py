"""The whole transaction behind an output: fetched, and held against what the chain said of the output."""

from __future__ import annotations

import dataclasses

import pytest

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.chain.funding_transactions import transaction_of
from rein.devnet import faucet
from rein.errors import ChainError


def test_confirmed_and_waiting(chain: CoreRpc) -> None:
    txid = faucet.pay(chain, [(faucet.ADDRESS, Sat(70_000))])
    for _ in range(2):
        outputs = [chain.unspent_output(OutPoint(txid, vout)) for vout in range(2)]
        for output in outputs:
            assert output is not None
            found = transaction_of(chain, output)
            assert found.txid == txid
            assert found.outputs[output.outpoint.vout].amount == output.amount
        faucet.mine(chain, 1)


def test_two_stories(chain: CoreRpc) -> None:
    txid = faucet.pay(chain, [(faucet.ADDRESS, Sat(80_000))])
    output = chain.unspent_output(OutPoint(txid, 0))
    assert output is not None
    for changed in (
        dataclasses.replace(output, amount=Sat(output.amount + 1)),
        dataclasses.replace(output, script=b"\x51"),
        dataclasses.replace(output, outpoint=OutPoint(txid, 9)),
    ):
        with pytest.raises(ChainError, match="two stories"):
            transaction_of(chain, changed)
    with pytest.raises(ChainError, match="does not have"):
        transaction_of(chain, dataclasses.replace(output, outpoint=OutPoint("ab" * 32, 0)))
