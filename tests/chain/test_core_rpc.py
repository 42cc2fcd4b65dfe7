"""What CoreRpc says of a real chain: the development node's, and Bitcoin Core's where there is one."""

from __future__ import annotations

import pytest

from rein.btc.address import p2wsh_address, p2wsh_script
from rein.btc.amounts import COIN, Sat
from rein.btc.curve import sign_der
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST, SIGNET, Network
from rein.btc.script import multisig_script
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    with_witnesses,
    witness_v0_sighash,
)
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import ChainSource, Output
from rein.devnet import faucet
from rein.errors import ChainError, RejectedError

ALICE, BOB, CAROL, MALLORY = (PrivateKey(bytes([number]) * 32) for number in range(0x21, 0x25))
ESCROW = multisig_script(2, [ALICE.public_key, BOB.public_key, CAROL.public_key])
ESCROW_SCRIPT, ESCROW_ADDRESS = p2wsh_script(ESCROW), p2wsh_address(ESCROW, REGTEST)
NO_HASH = "11" * 32


def test_a_block_is_read_and_checked(chain: CoreRpc) -> None:
    coin = escrow_coin(chain, 12_345)
    tip = chain.tip()
    block = chain.read_block(tip.hash)
    assert (block.hash, block.time) == (tip.hash, tip.time)
    assert block.previous == chain.block_at(tip.height - 1).hash
    assert TxOutput(Sat(12_345), ESCROW_SCRIPT) == dict(block.outputs())[coin.outpoint]
    with pytest.raises(ChainError, match="no block"):
        chain.read_block(NO_HASH)


def escrow_coin(chain: CoreRpc, amount: int = COIN, *, confirmed: bool = True) -> Output:
    """A fresh output that pays to the escrow."""
    txid = faucet.pay(chain, [(ESCROW_ADDRESS, Sat(amount))])
    if confirmed:
        faucet.mine(chain, 1)
    found = chain.unspent_output(OutPoint(txid, 0))
    assert found is not None
    return found


def signed(coin: Output, signers: tuple[PrivateKey, ...] = (ALICE, BOB), *, fee: int = 1000) -> Transaction:
    """The escrow's coin, sent back to the faucet."""
    unsigned = build_unsigned([coin.outpoint], [TxOutput(Sat(coin.amount - fee), faucet.SCRIPT)])
    digest = witness_v0_sighash(unsigned, 0, ESCROW, coin.amount)
    signatures = [sign_der(signer.secret, digest) + b"\x01" for signer in signers]
    return with_witnesses(unsigned, [(b"", *signatures, ESCROW)])


def test_it_is_a_chain_source(chain: CoreRpc) -> None:
    source: ChainSource = chain
    assert source.network is REGTEST


def test_blocks(chain: CoreRpc) -> None:
    [mined] = faucet.mine(chain, 1)
    tip = chain.tip()
    assert tip.hash == mined
    assert chain.block(mined) == tip == chain.block_at(tip.height)
    below = chain.block_at(tip.height - 1)
    assert (below.height, below.time <= tip.time) == (tip.height - 1, True)
    genesis = chain.block_at(0)
    assert (genesis.hash, genesis.height, genesis.time) == (REGTEST.genesis_hash, 0, 1296688602)
    assert chain.block(NO_HASH) is None
    with pytest.raises(ChainError, match="no block at height"):
        chain.block_at(tip.height + 1)
    with pytest.raises(ChainError):
        chain.block_at(-1)


def test_an_output_from_the_mempool_to_its_end(chain: CoreRpc) -> None:
    waiting = escrow_coin(chain, confirmed=False)
    assert (waiting.height, waiting.confirmations) == (None, 0)
    assert (waiting.amount, waiting.script) == (COIN, ESCROW_SCRIPT)
    assert waiting.outpoint not in [output.outpoint for output in chain.unspent_outputs([ESCROW_SCRIPT])]

    faucet.mine(chain, 2)
    tip = chain.tip()
    confirmed = chain.unspent_output(waiting.outpoint)
    assert confirmed == Output(waiting.outpoint, Sat(COIN), ESCROW_SCRIPT, tip.height - 1, 2)
    assert confirmed in chain.unspent_outputs([ESCROW_SCRIPT, b"\x51", ESCROW_SCRIPT])

    spending = signed(confirmed)
    assert chain.broadcast(spending) == spending.txid
    assert chain.unspent_output(confirmed.outpoint) is None
    assert confirmed in chain.unspent_outputs([ESCROW_SCRIPT])  # the scan sees blocks only
    faucet.mine(chain, 1)
    assert confirmed.outpoint not in [output.outpoint for output in chain.unspent_outputs([ESCROW_SCRIPT])]


def test_scans_of_nothing(chain: CoreRpc) -> None:
    assert chain.unspent_outputs([]) == []
    assert chain.unspent_outputs([p2wsh_script(b"\x52")]) == []
    assert chain.unspent_output(OutPoint(NO_HASH, 0)) is None


def test_one_scan_for_many_scripts(chain: CoreRpc) -> None:
    scripts = [p2wsh_script(bytes([0x01, number])) for number in range(5)]
    addresses = [p2wsh_address(bytes([0x01, number]), REGTEST) for number in range(5)]
    faucet.pay(chain, [(address, Sat(10_000 + place)) for place, address in enumerate(addresses)])
    faucet.mine(chain, 1)
    found = {output.script: output for output in chain.unspent_outputs(scripts)}
    assert [found[script].amount for script in scripts] == [10_000, 10_001, 10_002, 10_003, 10_004]
    assert {output.height for output in found.values()} == {chain.tip().height}


def test_transactions(chain: CoreRpc) -> None:
    spending = signed(escrow_coin(chain))
    assert chain.transaction(spending.txid) is None
    assert chain.find_transaction(spending.txid) is None
    chain.broadcast(spending)
    assert chain.transaction(spending.txid) == spending
    found = chain.find_transaction(spending.txid)
    assert (found.transaction, found.block, found.confirmations) == (spending, None, 0)
    [mined] = faucet.mine(chain, 1)
    block = chain.block(mined)
    assert chain.transaction(spending.txid, mined) == spending
    found = chain.find_transaction(spending.txid, mined)
    assert (found.transaction, found.block, found.confirmations) == (spending, block, 1)
    assert chain.transaction(spending.txid, REGTEST.genesis_hash) is None
    assert chain.transaction(NO_HASH, mined) is None
    assert chain.transaction(NO_HASH) is None


def test_sending_twice_answers_twice(chain: CoreRpc) -> None:
    spending = signed(escrow_coin(chain))
    assert chain.broadcast(spending) == chain.broadcast(spending) == spending.txid
    faucet.mine(chain, 1)
    assert chain.broadcast(spending) == spending.txid


def test_sending_again_what_is_confirmed_and_spent_since(chain: CoreRpc) -> None:
    """The node then sees a transaction with unknown coins; its index knows better."""
    coin = escrow_coin(chain)
    unsigned = build_unsigned([coin.outpoint], [TxOutput(Sat(coin.amount - 1000), ESCROW_SCRIPT)])
    digest = witness_v0_sighash(unsigned, 0, ESCROW, coin.amount)
    signatures = [sign_der(signer.secret, digest) + b"\x01" for signer in (ALICE, CAROL)]
    first = with_witnesses(unsigned, [(b"", *signatures, ESCROW)])
    chain.broadcast(first)
    middle = chain.unspent_output(OutPoint(first.txid, 0))
    chain.broadcast(signed(middle))
    faucet.mine(chain, 1)
    assert chain.broadcast(first) == first.txid


@pytest.mark.parametrize("signers", [(), (ALICE,), (ALICE, MALLORY), (BOB, ALICE)])
def test_wrong_signatures_are_refused(chain: CoreRpc, signers: tuple[PrivateKey, ...]) -> None:
    coin = escrow_coin(chain)
    with pytest.raises(RejectedError, match="script-verify-flag-failed"):
        chain.broadcast(signed(coin, signers))
    assert chain.unspent_output(coin.outpoint) == coin


def test_refusals_carry_the_nodes_reason(chain: CoreRpc) -> None:
    coin = escrow_coin(chain)
    with pytest.raises(RejectedError, match="min relay fee not met"):
        chain.broadcast(signed(coin, fee=0))
    with pytest.raises(RejectedError, match="bad-txns-inputs-missingorspent"):
        chain.broadcast(signed(Output(OutPoint(NO_HASH, 0), coin.amount, coin.script, 1, 1)))
    with pytest.raises(RejectedError, match="bad-txns-in-belowout"):
        chain.broadcast(signed(coin, fee=-1))
    with pytest.raises(RejectedError, match=r"[Ff]ee"):
        chain.broadcast(signed(coin, fee=COIN // 2))
    dust = build_unsigned([coin.outpoint], [TxOutput(Sat(100), faucet.SCRIPT)])
    with pytest.raises(RejectedError, match="dust"):
        chain.broadcast(dust)


def test_a_better_paid_spend_replaces(chain: CoreRpc) -> None:
    coin = escrow_coin(chain)
    first, better = signed(coin), signed(coin, fee=5000)
    chain.broadcast(first)
    with pytest.raises(RejectedError, match="insufficient fee"):
        chain.broadcast(signed(coin, (ALICE, CAROL), fee=999))
    chain.broadcast(better)
    assert chain.find_transaction(first.txid) is None
    assert chain.unspent_output(OutPoint(better.txid, 0)) is not None


def test_a_reorganisation_takes_a_funding_back(chain: CoreRpc) -> None:
    coin = escrow_coin(chain)
    held = chain.tip()
    chain.call("invalidateblock", held.hash)
    assert chain.tip().height == held.height - 1
    assert chain.block(held.hash) is None
    again = chain.unspent_output(coin.outpoint)
    assert (again.height, again.confirmations) == (None, 0)
    assert chain.find_transaction(coin.outpoint.txid).block is None

    [rival] = faucet.mine(chain, 1, p2wsh_address(b"\x53", REGTEST))
    assert rival != held.hash
    assert chain.unspent_output(coin.outpoint).confirmations == 1
    chain.call("reconsiderblock", held.hash)


def test_feerate_without_data_is_none(chain: CoreRpc) -> None:
    assert chain.feerate() is None
    assert chain.feerate(2) is None
    with pytest.raises(ChainError):
        chain.feerate(0)


def test_any_method_can_be_called(chain: CoreRpc) -> None:
    assert chain.call("getblockcount") == chain.tip().height
    with pytest.raises(ChainError, match=r"refuses getblockhash: .*\(-8\)"):
        chain.call("getblockhash", 10**6)
    with pytest.raises(ChainError, match=r"\(-32601\)"):
        chain.call("nonsense")


@pytest.mark.parametrize("network", [MAINNET, SIGNET])
def test_a_node_of_another_network_is_refused(chain: CoreRpc, network: Network) -> None:
    with CoreRpc(chain._rpc.endpoint.url, network, cookie_file=chain._rpc._cookie_file) as other:
        for _ in range(2):
            with pytest.raises(ChainError, match=f"is not on {network.name}"):
                other.tip()
