"""Several sources as one: a node and an Esplora server over the same chain; where one lies or lags, it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

import pytest

from rein.btc.networks import MAINNET, REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.agreement import MAX_LAG, Agreement, NamedSource
from rein.chain.core_rpc import CoreRpc
from rein.chain.esplora import open_esplora
from rein.chain.proofs import gather_proof
from rein.chain.source import ChainSource, Output
from rein.devnet import faucet
from rein.errors import ChainError, InputError, RejectedError
from tests.chain.test_core_rpc import ESCROW_SCRIPT, NO_HASH, escrow_coin, signed
from tests.support.esplora import Esplora, esplora_server


class Altered:
    """A source that answers as another does, but for the methods a test replaces."""

    def __init__(self, source: ChainSource, **answers: Any) -> None:
        self._source = source
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return self._answers.get(name) or getattr(self._source, name)


def late(source: ChainSource, height: int) -> Altered:
    """The source as it was when the chain ended at that height."""

    def no_more(output: Output | None) -> Output | None:
        if output is None or output.height is None or output.height > height:
            return None
        return Output(output.outpoint, output.amount, output.script, output.height, height - output.height + 1)

    def block(name: str) -> Any:
        found = source.block(name)
        return found if found and found.height <= height else None

    def find(txid: str, block_hash: str | None = None) -> Any:
        found = source.find_transaction(txid, block_hash)
        if found is None or found.block is None or found.block.height > height:
            return None
        return replace(found, confirmations=height - found.block.height + 1)

    return Altered(
        source,
        tip=lambda: source.block_at(height),
        block=block,
        find_transaction=find,
        unspent_output=lambda outpoint: no_more(source.unspent_output(outpoint)),
        unspent_outputs=lambda scripts: [each for one in source.unspent_outputs(scripts) if (each := no_more(one))],
    )


def agree(*sources: object) -> Agreement:
    return Agreement([NamedSource(f"source {n}", cast("ChainSource", source)) for n, source in enumerate(sources)])


@pytest.fixture
def server(chain: CoreRpc) -> Iterator[Esplora]:
    with esplora_server(chain) as served:
        yield served


@pytest.fixture
def esplora(server: Esplora) -> Iterator[ChainSource]:
    with closing(open_esplora(server.url, REGTEST)) as source:
        yield source


@pytest.fixture
def both(chain: CoreRpc, esplora: ChainSource) -> Agreement:
    return agree(chain, esplora)


@pytest.fixture
def coin(chain: CoreRpc) -> Output:
    return escrow_coin(chain)


def test_honest_sources_agree(chain: CoreRpc, both: Agreement, coin: Output) -> None:
    source: ChainSource = both
    tip = chain.tip()
    assert source.network is REGTEST
    assert source.tip() == source.block(tip.hash) == source.block_at(tip.height) == tip
    assert source.block(NO_HASH) is None
    assert source.headers(tip.height - 2, 10) == chain.headers(tip.height - 2, 10)
    assert source.unspent_output(coin.outpoint) == coin
    assert coin in source.unspent_outputs([ESCROW_SCRIPT])
    assert {each.outpoint for each in source.unspent_outputs([ESCROW_SCRIPT])} == {
        each.outpoint for each in chain.unspent_outputs([ESCROW_SCRIPT])
    }
    assert source.transaction(coin.outpoint.txid) == chain.transaction(coin.outpoint.txid)
    assert source.find_transaction(coin.outpoint.txid) == chain.find_transaction(coin.outpoint.txid)
    assert source.find_transaction(NO_HASH) is None
    assert gather_proof(source, coin.outpoint.txid) == gather_proof(chain, coin.outpoint.txid)
    assert source.feerate() == 5, "a node on regtest has no estimate"


def test_a_payment_through_both(chain: CoreRpc, both: Agreement, coin: Output) -> None:
    payment = signed(coin)
    assert both.broadcast(payment) == payment.txid
    assert both.unspent_output(coin.outpoint) is None
    assert coin.outpoint not in {each.outpoint for each in both.unspent_outputs([ESCROW_SCRIPT])}, (
        "the node lists what is spent in the mempool, the server does not: no reason to quarrel"
    )
    waiting = both.unspent_output(OutPoint(payment.txid, 0))
    assert waiting is not None
    assert waiting.confirmations == 0
    found = both.find_transaction(payment.txid)
    assert found is not None
    assert found.block is None
    faucet.mine(chain, 1)


def test_a_spent_output_shown_as_unspent(chain: CoreRpc, server: Esplora, both: Agreement, coin: Output) -> None:
    """The lie that a server alone can tell."""
    payment = signed(coin)
    path = f"tx/{coin.outpoint.txid}/outspend/{coin.outpoint.vout}"
    before = server.answer(f"scripthash/{_hash()}/utxo")
    chain.broadcast(payment)
    faucet.mine(chain, 1)
    server.lies = {path: {"spent": False}, f"scripthash/{_hash()}/utxo": before}
    with pytest.raises(ChainError, match=r"disagree about output .*source 0 says there is none; source 1 says \d+"):
        both.unspent_output(coin.outpoint)
    with pytest.raises(ChainError, match="source 0 says there is none"):
        both.unspent_outputs([ESCROW_SCRIPT])


def test_an_unspent_output_left_out(server: Esplora, both: Agreement, coin: Output) -> None:
    server.lies[f"scripthash/{_hash()}/utxo"] = []
    with pytest.raises(ChainError, match="source 1 says there is none"):
        both.unspent_outputs([ESCROW_SCRIPT])


def _hash() -> str:
    from rein.btc.hashes import sha256

    return sha256(ESCROW_SCRIPT)[::-1].hex()


def test_another_amount_or_script(chain: CoreRpc, coin: Output) -> None:
    for lie in (
        Output(coin.outpoint, 2 * coin.amount, coin.script, coin.height, coin.confirmations),  # type: ignore[arg-type]
        Output(coin.outpoint, coin.amount, faucet.SCRIPT, coin.height, coin.confirmations),
    ):
        liar = Altered(chain, unspent_output=lambda _, lie=lie: lie, unspent_outputs=lambda _, lie=lie: [lie])
        for sources in ((chain, liar), (liar, chain), (chain, chain, liar)):
            with pytest.raises(ChainError, match="disagree about output"):
                agree(*sources).unspent_output(coin.outpoint)
            with pytest.raises(ChainError, match="disagree about output"):
                agree(*sources).unspent_outputs([ESCROW_SCRIPT])


def test_a_confirmation_counts_as_the_least_says(chain: CoreRpc, coin: Output) -> None:
    faucet.mine(chain, MAX_LAG)
    tip = chain.tip()
    behind = late(chain, tip.height - MAX_LAG)
    for sources in ((chain, behind), (behind, chain)):
        both = agree(*sources)
        assert both.tip().height == tip.height - MAX_LAG
        assert both.block(tip.hash) is None
        found = both.unspent_output(coin.outpoint)
        assert found is not None
        assert found.confirmations == 1
        assert next(each for each in both.unspent_outputs([ESCROW_SCRIPT]) if each == found)
        where = both.find_transaction(coin.outpoint.txid)
        assert where is not None
        assert where.confirmations == 1


def test_what_the_slowest_has_not_heard_of_is_not_there(chain: CoreRpc) -> None:
    height = chain.tip().height
    coin = escrow_coin(chain)
    both = agree(chain, late(chain, height))
    assert coin.outpoint not in {each.outpoint for each in both.unspent_outputs([ESCROW_SCRIPT])}
    found = both.find_transaction(coin.outpoint.txid)
    assert found is not None
    assert (found.block, found.confirmations) == (None, 0)


def test_too_far_behind_is_elsewhere(chain: CoreRpc) -> None:
    tip = chain.tip()
    behind = late(chain, tip.height - MAX_LAG - 1)
    with pytest.raises(ChainError, match=f"source 0 says {tip.height}; source 1 says {tip.height - MAX_LAG - 1}"):
        agree(chain, behind).tip()


def test_another_branch_is_noticed(chain: CoreRpc) -> None:
    tip = chain.tip()
    other = chain.block_at(tip.height - 1)
    liar = Altered(chain, block_at=lambda height: other)
    with pytest.raises(ChainError, match=f"disagree about the block at height {tip.height}"):
        agree(chain, liar).tip()


def test_a_transaction_in_another_block(chain: CoreRpc, coin: Output) -> None:
    found = chain.find_transaction(coin.outpoint.txid)
    assert found is not None
    moved = replace(found, block=chain.block_at(5))
    with pytest.raises(ChainError, match="disagree about where"):
        agree(chain, Altered(chain, find_transaction=lambda *_: moved)).find_transaction(coin.outpoint.txid)


def test_deep_in_one_and_unknown_to_the_other(chain: CoreRpc, coin: Output) -> None:
    faucet.mine(chain, MAX_LAG)
    blind = Altered(chain, find_transaction=lambda *_: None)
    with pytest.raises(ChainError, match="disagree about where"):
        agree(chain, blind).find_transaction(coin.outpoint.txid)


def test_a_node_without_an_index_is_told_where_to_look(chain: CoreRpc, coin: Output) -> None:
    def find(txid: str, block_hash: str | None = None) -> Any:
        return chain.find_transaction(txid, block_hash) if block_hash else None

    both = agree(Altered(chain, find_transaction=find), chain)
    assert both.find_transaction(coin.outpoint.txid) == chain.find_transaction(coin.outpoint.txid)


def test_who_is_down_is_named(chain: CoreRpc, coin: Output) -> None:
    with CoreRpc("http://127.0.0.1:1", REGTEST) as dead:
        both = agree(chain, dead)
        for ask in (both.tip, lambda: both.unspent_output(coin.outpoint), lambda: both.unspent_outputs([b"\x51"])):
            with pytest.raises(ChainError, match=r"source 1: .*cannot be reached"):
                ask()
        payment = signed(coin)
        assert both.broadcast(payment) == payment.txid, "one that takes it is enough"
        with pytest.raises(ChainError, match="cannot be reached"):
            agree(dead).broadcast(payment)
        with pytest.raises(RejectedError):
            agree(dead, chain).broadcast(signed(coin, fee=1001))
    faucet.mine(chain, 1)


def test_nobody_alone_makes_a_payment_dear(chain: CoreRpc) -> None:
    def rates(*found: int | None) -> int | None:
        return agree(*(Altered(chain, feerate=lambda _, rate=rate: rate) for rate in found)).feerate()

    assert rates(5, 10**6) == 5
    assert rates(5, 10**6, 7) == 7
    assert rates(None, 9) == 9
    assert rates(None, None) is None


def test_sources_of_several_networks_are_refused(chain: CoreRpc) -> None:
    with pytest.raises(InputError):
        agree(chain, Altered(chain, network=MAINNET))
    with pytest.raises(InputError):
        agree()
