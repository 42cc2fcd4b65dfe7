"""Blocks and the chain they make."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rein.btc.amounts import COIN, Sat
from rein.btc.hashes import sha256d
from rein.btc.networks import REGTEST
from rein.btc.transaction import Transaction, with_witnesses
from rein.devnet import mining
from rein.devnet.journal import block_hash
from rein.devnet.node import Node
from rein.errors import ChainError, InputError, NotFoundError
from tests.devnet.spending import MINER_SCRIPT, Money, block_on, coins_of, output_of, pays, spend


def subsidies(height: int) -> int:
    return sum(mining.subsidy(number) for number in range(1, height + 1))


def test_a_fresh_node_has_the_genesis_block_and_no_coins(node: Node) -> None:
    assert node.chain.active == [REGTEST.genesis_hash]
    assert node.chain.coins == {}
    assert node.network is REGTEST


def test_mined_blocks_pay_the_subsidy_which_halves(node: Node) -> None:
    hashes = node.mine(310, MINER_SCRIPT)
    assert node.chain.active[1:] == hashes
    assert [coin.amount for coin in node.chain.at(149).transactions[0].outputs] == [50 * COIN, 0]
    assert node.chain.at(150).transactions[0].outputs[0].amount == 25 * COIN
    assert node.chain.at(300).transactions[0].outputs[0].amount == 12.5 * COIN
    assert node.chain.total() == subsidies(310)


def test_subsidy_ends() -> None:
    assert mining.subsidy(150 * 33) == 0
    assert mining.subsidy(150 * 64) == 0


def test_times_follow_the_median_rule(node: Node) -> None:
    node.mine(30, MINER_SCRIPT)
    for height in range(1, 31):
        assert node.chain.at(height).time > node.chain.at(height - 1).median_time


def test_mining_ahead_of_the_clock_is_refused_with_a_reason(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rein.devnet.node.now", lambda: time.time() + 3 * 3600)
    with pytest.raises(ChainError, match="time-too-new"):
        node.mine(1, MINER_SCRIPT)
    assert node.chain.height == 0


def test_blocks_mined_before_a_failure_are_kept(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1_700_000_000.0, 1_700_000_001.0, 9_000_000_000.0 // 3])
    monkeypatch.setattr("rein.devnet.node.now", lambda: next(clock))
    with pytest.raises(ChainError):
        node.mine(3, MINER_SCRIPT)
    assert node.chain.height == 2


def test_a_submitted_block_becomes_the_tip(node: Node) -> None:
    raw = block_on(node, REGTEST.genesis_hash)
    assert node.submit_block(raw) is None
    assert node.chain.tip.raw == raw
    assert node.submit_block(raw) == "duplicate"
    assert node.submit_block(node.chain.at(0).raw) == "duplicate"


def test_bad_blocks_are_refused_with_cores_reason(rich: Node, coin: Money) -> None:
    tip = rich.chain.tip
    young = output_of(tip.transactions[0])
    broken = _flip_a_signature_bit(spend([coin], pays((49, MINER_SCRIPT)), fee=0))
    twice = [spend([coin], pays((1, MINER_SCRIPT))), spend([coin], pays((2, MINER_SCRIPT)))]
    good = block_on(rich, tip.hash)
    cases = {
        "bad-cb-amount": block_on(rich, tip.hash, fees=1),
        "bad-txnmrklroot": _reworked(good[:36] + bytes(32) + good[68:]),
        "high-hash": _unworked(good),
        "time-too-new": block_on(rich, tip.hash, time=tip.time + 4 * 3600),
        "time-too-old": block_on(rich, tip.hash, time=tip.median_time),
        "prev-blk-not-found": _reworked(good[:4] + b"\x01" * 32 + good[36:]),
        "bad-txns-premature-spend-of-coinbase": block_on(
            rich, tip.hash, [spend([young], pays((1, MINER_SCRIPT)))], fees=1000
        ),
        "bad-txns-inputs-missingorspent": block_on(rich, tip.hash, twice, fees=2000),
        "block-script-verify-flag-failed": block_on(rich, tip.hash, [broken]),
    }
    for reason, raw in cases.items():
        answer = rich.submit_block(raw)
        assert answer is not None
        assert answer.startswith(reason), (reason, answer)
        assert rich.chain.tip is tip
    assert rich.submit_block(cases["bad-cb-amount"]) == "duplicate-invalid"
    child = mining.assemble(
        previous=block_hash(cases["bad-cb-amount"]), height=tip.height + 2, time=tip.time + 2, script=MINER_SCRIPT
    )
    assert rich.submit_block(child) == "bad-prevblk"
    assert rich.chain.total() == subsidies(105)


def _reworked(raw: bytes) -> bytes:
    return mining.prove_work(raw[:76]) + raw[80:]


def _unworked(raw: bytes) -> bytes:
    """The block with a nonce that does not meet the target."""
    nonce = 0
    while int.from_bytes(sha256d(raw[:76] + nonce.to_bytes(4, "little")), "little") <= mining.TARGET:
        nonce += 1
    return raw[:76] + nonce.to_bytes(4, "little") + raw[80:]


def _flip_a_signature_bit(tx: Transaction) -> Transaction:
    signature, key = tx.witnesses[0]
    flipped = bytearray(signature)
    flipped[-10] ^= 1
    return with_witnesses(tx, [(bytes(flipped), key)])


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, None])
def test_what_is_not_exactly_one_block_is_an_input_error(node: Node, damage: bytes | None) -> None:
    raw = block_on(node, REGTEST.genesis_hash) + b"\x00" if damage is None else damage
    with pytest.raises(InputError):
        node.submit_block(raw)


def test_a_branch_with_less_work_is_kept_until_it_wins(rich: Node, coin: Money) -> None:
    funding = spend([coin], pays((10, MINER_SCRIPT)))
    rich.accept(funding)
    fork = rich.chain.tip
    old_tip = rich.mine(2, MINER_SCRIPT)[-1]
    assert rich.chain.find(funding.txid) is not None

    first = block_on(rich, fork.hash, extranonce=77)
    assert rich.submit_block(first) == "inconclusive"
    second = block_on(rich, block_hash(first), extranonce=77)
    assert rich.submit_block(second) == "inconclusive"
    assert rich.chain.tip.hash == old_tip
    third = block_on(rich, block_hash(second), extranonce=77)
    assert rich.submit_block(third) is None

    assert rich.chain.tip.hash == block_hash(third)
    assert rich.chain.find(funding.txid) is None
    assert funding.txid in rich.mempool
    assert rich.chain.confirmations(rich.chain.blocks[old_tip]) == -1
    assert rich.chain.total() == subsidies(rich.chain.height)
    [mined] = rich.mine(1, MINER_SCRIPT)
    assert [tx.txid for tx in rich.chain.blocks[mined].transactions[1:]] == [funding.txid]


def test_a_reorganisation_drops_what_spent_a_coin_that_is_gone(rich: Node) -> None:
    fork = rich.chain.active[5]  # below the coinbase of height 6, the youngest mature one
    lost = coins_of(rich, MINER_SCRIPT)[5]
    child = spend([lost], pays((1, MINER_SCRIPT)))
    rich.accept(child)
    previous = fork
    for _ in range(101):
        raw = block_on(rich, previous, extranonce=5)
        rich.submit_block(raw)
        previous = block_hash(raw)
    assert rich.chain.tip.hash == previous
    assert len(rich.mempool) == 0


def test_invalidate_and_reconsider(rich: Node, coin: Money) -> None:
    funding = spend([coin], pays((10, MINER_SCRIPT)))
    rich.accept(funding)
    first, second = rich.mine(2, MINER_SCRIPT)
    coins = dict(rich.chain.coins)

    rich.invalidate(first)
    assert rich.chain.height == 105
    assert funding.txid in rich.mempool
    assert rich.submit_block(rich.chain.blocks[second].raw) == "duplicate-invalid"
    assert rich.submit_block(block_on(rich, second)) == "bad-prevblk"

    other = rich.mine(1, MINER_SCRIPT)[0]
    assert other != first
    assert rich.chain.find(funding.txid) is not None

    rich.reconsider(second)
    assert rich.chain.tip.hash == second
    assert rich.chain.coins == coins
    assert len(rich.mempool) == 0


def test_reconsidering_frees_only_its_own_branch(rich: Node) -> None:
    low, high = rich.mine(2, MINER_SCRIPT)
    rich.invalidate(high)
    other = rich.mine(1, MINER_SCRIPT)[0]
    rich.invalidate(other)
    assert rich.chain.tip.hash == low
    rich.reconsider(high)
    assert rich.chain.tip.hash == high
    rich.reconsider(other)
    rich.invalidate(low)
    rich.reconsider(high)  # frees what it is built on, too
    assert rich.chain.tip.hash == high


def test_what_cannot_be_invalidated(node: Node) -> None:
    with pytest.raises(NotFoundError):
        node.invalidate("11" * 32)
    with pytest.raises(NotFoundError):
        node.reconsider("11" * 32)
    with pytest.raises(InputError):
        node.invalidate(REGTEST.genesis_hash)


def test_a_block_holds_parents_before_children_and_all_fees(rich: Node, coin: Money) -> None:
    parent = spend([coin], pays((10, MINER_SCRIPT)), fee=5_000)
    child = spend([output_of(parent)], pays((9, MINER_SCRIPT)), fee=7_000)
    rich.accept(parent)
    rich.accept(child)
    [mined] = rich.mine(1, MINER_SCRIPT)
    block = rich.chain.blocks[mined]
    assert [tx.txid for tx in block.transactions[1:]] == [parent.txid, child.txid]
    assert block.transactions[0].outputs[0].amount == Sat(50 * COIN + 12_000)
    assert len(rich.mempool) == 0
    rich.invalidate(mined)
    assert [entry.tx.txid for entry in rich.mempool] == [parent.txid, child.txid]
    assert rich.chain.total() == subsidies(105)


def test_blocks_are_not_filled_beyond_their_weight(rich: Node, coin: Money, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (spend([money], pays((1, MINER_SCRIPT))) for money in coins_of(rich, MINER_SCRIPT)[:2])
    rich.accept(one)
    rich.accept(two)
    monkeypatch.setattr("rein.devnet.node.MAX_BLOCK_WEIGHT", 8_000 + one.weight)
    rich.mine(1, MINER_SCRIPT)
    assert [entry.tx.txid for entry in rich.mempool] == [two.txid]


def test_a_bad_block_nobody_looked_at_is_found_when_it_would_win(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        first, second = node.mine(2, MINER_SCRIPT)
        bad = block_on(node, first, fees=1)
        assert node.submit_block(bad) == "inconclusive"
        child = block_on(node, block_hash(bad))
        node.invalidate(second)
        assert node.chain.tip.hash == first
        assert node.submit_block(child) == "bad-prevblk"
        assert node.submit_block(bad) == "duplicate-invalid"
    with Node(tmp_path) as again:
        assert again.chain.tip.hash == first
        again.reconsider(second)
        assert again.chain.tip.hash == second
        assert again.submit_block(child) == "inconclusive"  # that branch is behind again, and not looked at
        assert again.chain.tip.hash == second


def test_nodes_in_one_process_do_not_mix_up_their_reasons(tmp_path: Path) -> None:
    """The kernel's log, where the reasons are, is one for the whole process."""

    def refusals(name: str) -> set[str | None]:
        with Node(tmp_path / name) as node:
            node.mine(1, MINER_SCRIPT)
            bad = [block_on(node, node.chain.tip.hash, fees=1, extranonce=number) for number in range(40)]
            return {node.submit_block(raw) for raw in bad}

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(refusals, "abc")) == [{"bad-cb-amount"}] * 3
