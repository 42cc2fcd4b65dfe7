"""Coins for whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rein.btc.address import p2wpkh_address, p2wsh_address, script_of_address
from rein.btc.amounts import COIN, Sat
from rein.btc.networks import REGTEST, SIGNET
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import ChainError, InputError
from tests.devnet.spending import ALICE, BOB

ALICES = p2wpkh_address(ALICE.public_key, REGTEST)
BOBS = p2wsh_address(b"\x21" + BOB.public_key + b"\xac", REGTEST)


@pytest.fixture
def chain(start: Callable[[], CoreRpc]) -> CoreRpc:
    return start()


def amounts(chain: CoreRpc, address: str) -> list[int]:
    return [output.amount for output in chain.unspent_outputs([script_of_address(address, REGTEST)])]


def test_one_transaction_pays_everybody(chain: CoreRpc) -> None:
    txid = faucet.pay(chain, [(ALICES, Sat(COIN)), (BOBS, Sat(5_000)), (ALICES, Sat(7_000))])
    faucet.mine(chain, 1)
    tx = chain.transaction(txid)
    assert [output.amount for output in tx.outputs[:3]] == [COIN, 5_000, 7_000]
    assert tx.outputs[3].script == faucet.SCRIPT
    assert sorted(amounts(chain, ALICES)) == [7_000, COIN]
    fee = 50 * COIN - sum(output.amount for output in tx.outputs)
    assert faucet.FEERATE <= fee / tx.vsize < faucet.FEERATE * 1.1


def test_many_payments_before_a_block(chain: CoreRpc) -> None:
    txids = [faucet.pay(chain, [(ALICES, Sat(COIN))]) for _ in range(8)]
    assert len(set(txids)) == 8
    assert chain.call("getrawmempool") == txids
    faucet.mine(chain, 1)
    assert amounts(chain, ALICES) == [COIN] * 8
    assert chain.find_transaction(txids[-1]).confirmations == 1


def test_several_coins_and_young_change_are_gathered(chain: CoreRpc) -> None:
    faucet.pay(chain, [(ALICES, Sat(10 * COIN))])
    faucet.mine(chain, 1)
    # Two old coinbases of 50 and 40 of change, two blocks old: all of them are needed.
    txid = faucet.pay(chain, [(BOBS, Sat(130 * COIN))])
    assert len(chain.transaction(txid).inputs) == 3


def test_change_that_would_be_dust_goes_to_the_miner(chain: CoreRpc) -> None:
    txid = faucet.pay(chain, [(ALICES, Sat(50 * COIN - 500))])
    assert len(chain.transaction(txid).outputs) == 1


def test_too_much_is_a_clear_error(chain: CoreRpc) -> None:
    with pytest.raises(ChainError, match=r"can spend 100.00000000 bitcoin now, not 1000.00000000") as caught:
        faucet.pay(chain, [(ALICES, Sat(1000 * COIN))])
    assert "mine blocks" in str(caught.value.hint)


def test_what_cannot_be_paid(chain: CoreRpc) -> None:
    with pytest.raises(InputError, match="dust"):
        faucet.pay(chain, [(ALICES, Sat(293))])
    with pytest.raises(InputError):
        faucet.pay(chain, [("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Sat(COIN))])
    with pytest.raises(InputError, match="nobody to pay"):
        faucet.pay(chain, [])
    with pytest.raises(InputError, match="no coins on signet"):
        faucet.pay(CoreRpc("http://127.0.0.1:1", SIGNET), [(ALICES, Sat(COIN))])


def test_mining_for_others(chain: CoreRpc) -> None:
    hashes = faucet.mine(chain, 2, ALICES)
    assert chain.tip().hash == hashes[-1]
    assert amounts(chain, ALICES) == [50 * COIN, 50 * COIN]
    assert len(amounts(chain, faucet.ADDRESS)) == 101
