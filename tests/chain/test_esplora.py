"""An Esplora server over a real chain: what it tells honestly is the truth, and where it lies it is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from rein.btc.amounts import COIN
from rein.btc.header import BlockHeader
from rein.btc.networks import MAINNET, REGTEST
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.chain.core_rpc import CoreRpc
from rein.chain.esplora import open_esplora
from rein.chain.proofs import PROVED_BLOCKS, gather_proof
from rein.chain.proved import ProvedSource
from rein.chain.source import Output
from rein.devnet import faucet
from rein.errors import ChainError, InputError, RejectedError
from tests.chain.test_core_rpc import ESCROW_SCRIPT, NO_HASH, escrow_coin, signed
from tests.support.esplora import Esplora, esplora_server


@pytest.fixture
def server(chain: CoreRpc) -> Iterator[Esplora]:
    with esplora_server(chain) as served:
        yield served


@pytest.fixture
def esplora(server: Esplora) -> Iterator[ProvedSource]:
    with closing(open_esplora(server.url, REGTEST)) as source:
        yield source


@pytest.fixture
def coin(chain: CoreRpc) -> Output:
    return escrow_coin(chain)


# The truth


def test_it_says_what_the_node_says(chain: CoreRpc, esplora: ProvedSource, coin: Output) -> None:
    tip = chain.tip()
    assert esplora.tip() == tip
    assert esplora.block(tip.hash) == esplora.block_at(tip.height) == tip
    assert esplora.block(NO_HASH) is None
    assert esplora.headers(tip.height - 3, 10) == chain.headers(tip.height - 3, 10)
    assert len(chain.headers(tip.height - 3, 10)) == 4
    assert esplora.unspent_output(coin.outpoint) == coin
    by_outpoint = lambda output: output.outpoint  # noqa: E731
    assert sorted(esplora.unspent_outputs([ESCROW_SCRIPT]), key=by_outpoint) == sorted(
        chain.unspent_outputs([ESCROW_SCRIPT]), key=by_outpoint
    )
    assert esplora.unspent_outputs([b"\x51", b"\x52"]) == []
    block = chain.block_at(tip.height)
    found = esplora.find_transaction(coin.outpoint.txid)
    assert found == chain.find_transaction(coin.outpoint.txid)
    assert found is not None
    assert (found.block, found.confirmations) == (block, 1)
    assert esplora.merkle_proof(coin.outpoint.txid, block.hash) == chain.merkle_proof(coin.outpoint.txid, block.hash)
    assert esplora.feerate(6) == 5
    assert esplora.feerate(100) == 5
    assert esplora.feerate(500) == 1
    for asked in (esplora.transaction, esplora.find_transaction):
        assert asked(NO_HASH) is None
    assert esplora.unspent_output(OutPoint(NO_HASH, 0)) is None
    for source in (chain, esplora):
        with pytest.raises(ChainError, match="no block at height"):
            source.headers(tip.height + 1, 1)


def test_what_waits_and_what_is_spent(chain: CoreRpc, esplora: ProvedSource, coin: Output) -> None:
    payment = signed(coin)
    assert esplora.broadcast(payment) == payment.txid
    assert esplora.broadcast(payment) == payment.txid, "a second time is as good"
    assert esplora.unspent_output(coin.outpoint) is None
    waiting = esplora.unspent_output(OutPoint(payment.txid, 0))
    assert waiting == chain.unspent_output(OutPoint(payment.txid, 0))
    assert waiting is not None
    assert (waiting.height, waiting.confirmations) == (None, 0)
    found = esplora.find_transaction(payment.txid)
    assert (found.block, found.confirmations) == (None, 0) if found else False
    assert gather_proof(esplora, payment.txid) is None
    faucet.mine(chain, 1)
    assert coin.outpoint not in {each.outpoint for each in esplora.unspent_outputs([ESCROW_SCRIPT])}


def test_a_refused_transaction(esplora: ProvedSource, coin: Output) -> None:
    with pytest.raises(RejectedError, match="refuses the transaction"):
        esplora.broadcast(signed(coin, fee=0))


def test_deep_ones_are_proved_by_so_many_blocks(
    chain: CoreRpc, esplora: ProvedSource, server: Esplora, coin: Output
) -> None:
    faucet.mine(chain, PROVED_BLOCKS + 3)
    found = esplora.unspent_output(coin.outpoint)
    assert found is not None
    assert found.confirmations == PROVED_BLOCKS + 4
    asked = len([path for path in server.asked if path.endswith("/header")])
    assert esplora.unspent_output(coin.outpoint) == found
    assert len([path for path in server.asked if path.endswith("/header")]) == asked, "headers are kept"
    assert asked < PROVED_BLOCKS + 5


def test_a_block_that_leaves_the_chain_takes_its_confirmation_along(
    chain: CoreRpc, esplora: ProvedSource, coin: Output
) -> None:
    tip = esplora.tip()
    assert esplora.unspent_output(coin.outpoint) == coin
    chain.call("invalidateblock", tip.hash)
    try:
        found = esplora.unspent_output(coin.outpoint)
        assert found is not None
        assert found.confirmations == 0
        assert esplora.block(tip.hash) is None
    finally:
        chain.call("reconsiderblock", tip.hash)
    assert esplora.unspent_output(coin.outpoint) == coin


# Lies


def txid_of(coin: Output) -> str:
    return coin.outpoint.txid


def refused(esplora: ProvedSource, coin: Output, *words: str) -> None:
    """Neither way to ask for the coin gets a lie accepted."""
    for ask in (lambda: esplora.unspent_outputs([ESCROW_SCRIPT]), lambda: esplora.find_transaction(txid_of(coin))):
        with pytest.raises(ChainError) as caught:
            ask()
        assert any(word in caught.value.message for word in words), caught.value.message


def test_an_amount_is_read_in_the_transaction(server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    path = f"scripthash/{script_hash()}/utxo"
    told = server.answer(path)
    for item in told:
        item["value"] = 100 * COIN
    server.lies[path] = told
    assert {each.amount for each in esplora.unspent_outputs([ESCROW_SCRIPT])} == {COIN}


def script_hash() -> str:
    from rein.btc.hashes import sha256

    return sha256(ESCROW_SCRIPT)[::-1].hex()


def test_another_script_is_not_taken(chain: CoreRpc, server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    change = chain.unspent_outputs([faucet.SCRIPT])[0]
    place = server.answer(f"tx/{change.outpoint.txid}/status")
    told = [{"txid": change.outpoint.txid, "vout": change.outpoint.vout, "value": COIN, "status": place}]
    server.lies[f"scripthash/{script_hash()}/utxo"] = told
    with pytest.raises(ChainError, match="a script that nobody asked for"):
        esplora.unspent_outputs([ESCROW_SCRIPT])
    told[0]["vout"] = 77
    with pytest.raises(ChainError, match="there is no output"):
        esplora.unspent_outputs([ESCROW_SCRIPT])


def test_another_transaction_is_not_taken(server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    real = Transaction(server.answer(f"tx/{txid_of(coin)}/raw"))
    richer = TxOutput(COIN, ESCROW_SCRIPT)
    from rein.btc.transaction import build_unsigned

    for lie in (build_unsigned(real.inputs, [richer, richer]).raw, real.raw[:-1], b"", b"{}", real.raw.hex()):
        server.lies[f"tx/{txid_of(coin)}/raw"] = lie
        refused(esplora, coin, "another transaction", "cannot be read")


def test_a_confirmation_needs_a_proof(chain: CoreRpc, server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    payment = signed(coin)
    esplora.broadcast(payment)
    tip = chain.tip()
    server.lies[f"tx/{payment.txid}/status"] = {
        "confirmed": True,
        "block_height": tip.height,
        "block_hash": tip.hash,
    }
    with pytest.raises(ChainError, match="does not prove it"):
        esplora.find_transaction(payment.txid)
    honest = server.answer(f"tx/{txid_of(coin)}/merkle-proof")
    for lie in (
        honest,
        {**honest, "merkle": []},
        {**honest, "pos": honest["pos"] ^ 1},
        {**honest, "merkle": [NO_HASH]},
        {**honest, "merkle": [NO_HASH] * 40},
        {**honest, "merkle": "x"},
        {**honest, "pos": -1},
        {**honest, "pos": 2**70},
        {"pos": 0},
        [],
        b"junk",
    ):
        server.lies[f"tx/{payment.txid}/merkle-proof"] = lie
        with pytest.raises(ChainError):
            esplora.find_transaction(payment.txid)
        with pytest.raises(ChainError):
            esplora.unspent_output(OutPoint(payment.txid, 0))
    chain.call("generatetoaddress", 1, faucet.ADDRESS)


def test_a_missing_proof_is_no_proof(server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    server.lies[f"tx/{txid_of(coin)}/merkle-proof"] = 404
    refused(esplora, coin, "does not prove it")


def test_a_block_made_up_has_no_work(server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    """A header with the root one likes is free; that its hash is below the target is not."""
    tip = esplora.tip()
    header = bytearray(esplora.headers(tip.height, 1)[0].raw)
    fake = _unmined(header)
    server.lies[f"block-height/{tip.height}"] = fake[1]
    server.lies[f"block/{fake[1]}/header"] = fake[0]
    with pytest.raises(ChainError, match="has no header"):
        esplora.tip()


def _unmined(header: bytearray) -> tuple[str, str]:
    """A header with another root and without work, and its hash."""
    from rein.btc.hashes import sha256d

    while True:
        header[40] = (header[40] + 1) % 256
        digest = sha256d(bytes(header))
        try:
            BlockHeader(bytes(header))
        except InputError:
            return bytes(header).hex(), digest[::-1].hex()


def test_blocks_that_do_not_follow_each_other_prove_no_depth(
    chain: CoreRpc, server: Esplora, esplora: ProvedSource, coin: Output
) -> None:
    """A confirmation counted from a block elsewhere in the chain."""
    tip = chain.tip()
    server.lies["blocks/tip/height"] = str(tip.height + 5)
    for ahead in range(1, 6):
        server.lies[f"block-height/{tip.height + ahead}"] = chain.block_at(tip.height - ahead).hash
    refused(esplora, coin, "does not follow")


def test_more_blocks_than_it_shows(server: Esplora, esplora: ProvedSource, chain: CoreRpc, coin: Output) -> None:
    server.lies["blocks/tip/height"] = str(chain.tip().height + 3)
    refused(esplora, coin, "no block at height")


def test_a_wrong_height_is_noticed(server: Esplora, esplora: ProvedSource, chain: CoreRpc, coin: Output) -> None:
    faucet.mine(chain, 3)
    honest = server.answer(f"tx/{txid_of(coin)}/status")
    server.lies[f"tx/{txid_of(coin)}/status"] = {**honest, "block_height": honest["block_height"] - 3}
    with pytest.raises(ChainError, match="contradicts itself"):
        esplora.find_transaction(txid_of(coin))


def test_that_an_output_is_unspent_is_its_word(
    chain: CoreRpc, server: Esplora, esplora: ProvedSource, coin: Output
) -> None:
    """The one lie that cannot be found out here, and why two sources are asked: see test_agreement.py."""
    payment = signed(coin)
    chain.broadcast(payment)
    faucet.mine(chain, 1)
    server.lies[f"tx/{txid_of(coin)}/outspend/{coin.outpoint.vout}"] = {"spent": False}
    assert esplora.unspent_output(coin.outpoint) is not None
    assert chain.unspent_output(coin.outpoint) is None


def test_another_network_is_refused(server: Esplora, chain: CoreRpc) -> None:
    with closing(open_esplora(server.url, MAINNET)) as source, pytest.raises(ChainError, match="not on mainnet"):
        source.tip()
    server.lies["block-height/0"] = chain.block_at(1).hash
    with closing(open_esplora(server.url, REGTEST)) as source, pytest.raises(ChainError, match="not on regtest"):
        source.tip()


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"\xff\xfe",
        "not found",
        "1e3",
        "-1",
        "9" * 30,
        503,
        429,
        301,
        b'{"confirmed": true, "confirmed": false}',
        b"[" * 100_000,
        b"NaN",
        {"confirmed": "yes"},
        {"confirmed": True},
        {"confirmed": True, "block_height": 1.5, "block_hash": NO_HASH},
        {"confirmed": True, "block_height": -1, "block_hash": NO_HASH},
        {"confirmed": True, "block_height": 5, "block_hash": "\x1b[2J"},
        {"confirmed": True, "block_height": 2**40, "block_hash": NO_HASH},
        [],
        None,
    ],
    ids=lambda lie: repr(lie)[:30],
)
def test_junk_is_an_error_of_ours(server: Esplora, esplora: ProvedSource, coin: Output, lie: Any) -> None:
    esplora.tip()
    if not isinstance(lie, dict):
        server.lies["blocks/tip/height"] = lie
        with pytest.raises(ChainError) as caught:
            esplora.tip()
        assert caught.value.message.isprintable()
        del server.lies["blocks/tip/height"]
    server.lies[f"tx/{txid_of(coin)}/status"] = lie
    with pytest.raises(ChainError) as caught:
        esplora.find_transaction(txid_of(coin))
    assert caught.value.message.isprintable()


def test_it_says_it_took_another_transaction(server: Esplora, esplora: ProvedSource, coin: Output) -> None:
    server.lies["tx"] = NO_HASH
    with pytest.raises(ChainError, match="another transaction"):
        esplora.broadcast(signed(coin))
    server.lies["tx"] = 500
    with pytest.raises(ChainError, match="HTTP status 500"):
        esplora.broadcast(signed(coin))


@pytest.mark.parametrize(
    "url", ["", "blockstream.info", "ftp://x", "http://", "http://a:b@c/", "http://x?y", "http://x:0", "http://a b"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError):
        open_esplora(url, REGTEST)
