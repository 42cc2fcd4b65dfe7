"""Laws of the ledger: whatever happens, coins are exactly the subsidies of the active chain."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rein.btc.amounts import COIN
from rein.devnet.mining import subsidy
from rein.devnet.node import Node
from rein.errors import RejectedError
from tests.devnet.spending import MINER_SCRIPT, Money, block_on, coins_of, output_of, pays, spend
from tests.devnet.test_journal import state

Step = Callable[[Node, int], None]


def _pay(node: Node, choice: int) -> None:
    """Spend a confirmed or waiting coin, perhaps one already spent: then it must replace or be refused."""
    coins = coins_of(node, MINER_SCRIPT) + [output_of(entry.tx) for entry in node.mempool]
    if not coins:
        return
    coin: Money = coins[choice % len(coins)]
    half = coin.amount / 2 / COIN
    try:
        node.accept(spend([coin], pays((half, MINER_SCRIPT)), fee=1000 + choice % 3 * 2000))
    except RejectedError:
        pass


def _mine(node: Node, choice: int) -> None:
    node.mine(1 + choice % 3, MINER_SCRIPT)


def _fork(node: Node, choice: int) -> None:
    """A rival branch of two blocks from one below the tip: it wins."""
    previous = node.chain.at(node.chain.height - 1).hash
    for number in range(2):
        node.submit_block(block_on(node, previous, extranonce=1_000_000 + choice * 10 + number))
        previous = next(reversed(node.chain.blocks))


def _invalidate(node: Node, choice: int) -> None:
    depth = choice % 4
    if node.chain.height - depth > 103:
        node.invalidate(node.chain.active[-1 - depth])


def _reconsider(node: Node, choice: int) -> None:
    names = list(node.chain.blocks)
    node.reconsider(names[-1 - choice % 6])


STEPS: tuple[Step, ...] = (_pay, _pay, _mine, _fork, _invalidate, _reconsider)


def check_laws(node: Node) -> None:
    chain = node.chain
    assert chain.total() == sum(subsidy(height) for height in range(1, chain.height + 1))
    indexed = {
        outpoint for script in {coin.script for coin in chain.coins.values()} for outpoint, _ in chain.paying_to(script)
    }
    assert indexed == set(chain.coins)
    spent = [outpoint for entry in node.mempool for outpoint in entry.tx.inputs]
    assert len(spent) == len(set(spent))
    for outpoint in spent:
        assert outpoint in chain.coins or node.mempool.output(outpoint) is not None
    for block in map(chain.at, range(1, chain.height + 1)):
        assert block.previous == chain.active[block.height - 1]
        assert all(chain.find(tx.txid) == (block, tx) for tx in block.transactions)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1000)), max_size=25))
def test_any_sequence_of_events_keeps_the_ledger(steps: list[tuple[Step, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        with Node(data) as node:
            node.mine(105, MINER_SCRIPT)
            for step, choice in steps:
                step(node, choice)
                check_laws(node)
            chain, coins, _, blocks = state(node)
        with Node(data) as again:
            check_laws(again)
            # The mempool may differ: what a later reorganisation made impossible may be possible again.
            assert state(again)[:2] == (chain, coins)
            assert set(state(again)[3]) == set(blocks)
