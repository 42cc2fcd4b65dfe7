"""Who may enter the mempool, and in which words the others are refused: Bitcoin Core's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rein.btc.address import p2pkh_script, p2wpkh_script, p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.curve import public_key, sign_der
from rein.btc.encoding import with_length
from rein.btc.hashes import hash160
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    with_witnesses,
    witness_v0_sighash,
)
from rein.devnet.acceptance import fee_for
from rein.devnet.node import Node
from rein.errors import RejectedError
from tests.devnet.spending import (
    ALICE,
    MINER,
    MINER_SCRIPT,
    Money,
    block_on,
    coins_of,
    output_of,
    pays,
    spend,
    with_script_sig,
)

ONE = ((1, MINER_SCRIPT),)


@pytest.fixture
def rich(long_lived: Node) -> Node:
    """A shared node with an empty mempool and mature coins of the miner's."""
    long_lived.mine(1, MINER_SCRIPT)
    assert len(long_lived.mempool) == 0
    return long_lived


def refusal(node: Node, tx: Transaction) -> str:
    with pytest.raises(RejectedError) as caught:
        node.accept(tx)
    return caught.value.message


def test_a_good_transaction_enters_and_confirms(rich: Node, coin: Money) -> None:
    tx = spend([coin], pays(*ONE))
    candidate = rich.accept(tx)
    assert candidate.fee == 1000
    assert refusal(rich, tx) == "txn-already-in-mempool"
    rich.mine(1, MINER_SCRIPT)
    assert rich.chain.find(tx.txid) == (rich.chain.tip, tx)
    assert refusal(rich, tx) == "txn-already-known"


def test_another_witness_of_a_waiting_transaction(rich: Node, coin: Money) -> None:
    tx = spend([coin], pays(*ONE))
    rich.accept(tx)
    other = with_witnesses(tx, [(b"\x01", MINER.public_key)])
    assert refusal(rich, other) == "txn-same-nonwitness-data-in-mempool"


def test_unknown_and_spent_coins(rich: Node, coin: Money) -> None:
    unknown = replace(coin, outpoint=OutPoint("11" * 32, 0))
    assert refusal(rich, spend([unknown], pays(*ONE))) == "bad-txns-inputs-missingorspent"
    rich.accept(spend([coin], pays(*ONE)))
    rich.mine(1, MINER_SCRIPT)
    assert refusal(rich, spend([coin], pays((2, MINER_SCRIPT)))) == "bad-txns-inputs-missingorspent"
    parent = spend(coins_of(rich, MINER_SCRIPT)[:1], pays(*ONE))
    rich.accept(parent)
    beyond = replace(output_of(parent), outpoint=OutPoint(parent.txid, 9))
    assert refusal(rich, spend([beyond], pays((0.5, MINER_SCRIPT)))) == "bad-txns-inputs-missingorspent"


def test_coinbases(rich: Node) -> None:
    assert refusal(rich, rich.chain.tip.transactions[0]) == "coinbase"
    young = output_of(rich.chain.at(rich.chain.height - 98).transactions[0])
    assert refusal(rich, spend([young], pays(*ONE))) == (
        "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99"
    )
    rich.mine(1, MINER_SCRIPT)
    rich.accept(spend([young], pays(*ONE)))


def test_more_out_than_in(rich: Node, coin: Money) -> None:
    message = refusal(rich, spend([coin], pays((51, MINER_SCRIPT))))
    assert message == "bad-txns-in-belowout, value in (50.00000000) < value out (51.00000000)"


def test_fee_floor(rich: Node, coin: Money) -> None:
    tx = spend([coin], pays(*ONE), fee=0)
    assert refusal(rich, tx) == f"min relay fee not met, 0 < {tx.vsize}"
    rich.accept(spend([coin], pays(*ONE), fee=tx.vsize))


def test_fees_round_up() -> None:
    assert fee_for(1000, 141) == 141
    assert fee_for(100, 141) == 15


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([TxOutput(Sat(293), MINER_SCRIPT)], "dust"),
        ([TxOutput(Sat(545), p2pkh_script(ALICE.public_key))], "dust"),
        ([TxOutput(Sat(329), p2wsh_script(b"\x51"))], "dust"),
        ([TxOutput(Sat(5000), b"\x51")], "scriptpubkey"),
        ([TxOutput(Sat(5000), b"\x00\x10" + bytes(16))], "scriptpubkey"),
        ([TxOutput(Sat(0), b"\x6a\x4c\x51" + bytes(81))], "scriptpubkey"),
        ([TxOutput(Sat(0), b"\x6a\x01\x01"), TxOutput(Sat(0), b"\x6a\x01\x02")], "multi-op-return"),
    ],
)
def test_outputs_nodes_do_not_relay(rich: Node, coin: Money, outputs: list[TxOutput], reason: str) -> None:
    assert refusal(rich, spend([coin], outputs)) == reason


@pytest.mark.parametrize(
    "output",
    [
        TxOutput(Sat(294), MINER_SCRIPT),
        TxOutput(Sat(546), p2pkh_script(ALICE.public_key)),
        TxOutput(Sat(330), p2wsh_script(b"\x51")),
        TxOutput(Sat(330), b"\x51\x20" + bytes(32)),
        TxOutput(Sat(0), b"\x6a\x4c\x50" + bytes(80)),
        TxOutput(Sat(5000), b"\x51\x21" + MINER.public_key + b"\x51\xae"),
        TxOutput(Sat(5000), b"\x21" + MINER.public_key + b"\xac"),
    ],
)
def test_outputs_nodes_do_relay(rich: Node, coin: Money, output: TxOutput) -> None:
    rich.accept(spend([coin], [output]))
    rich.mine(1, MINER_SCRIPT)


@pytest.mark.parametrize("version", [0, 4, 0xFFFFFFFF])
def test_versions(rich: Node, coin: Money, version: int) -> None:
    assert refusal(rich, spend([coin], pays(*ONE), version=version)) == "version"


def test_too_small(rich: Node, coin: Money) -> None:
    tiny = spend([coin], [TxOutput(Sat(0), b"\x6a\x01\x00")], change=None)
    assert len(tiny.unsigned_raw) < 65
    assert refusal(rich, tiny) == "tx-size-small"


def test_locktime_by_height(rich: Node, coin: Money) -> None:
    assert refusal(rich, spend([coin], pays(*ONE), locktime=rich.chain.height + 1)) == "non-final"
    rich.accept(spend([coin], pays(*ONE), locktime=rich.chain.height))


def test_locktime_is_ignored_by_final_sequences(rich: Node, coin: Money) -> None:
    rich.accept(spend([coin], pays(*ONE), locktime=rich.chain.height + 1000, sequence=0xFFFFFFFF))


def test_locktime_by_time_is_measured_by_the_median(rich: Node, coin: Money) -> None:
    median = rich.chain.tip.median_time
    assert refusal(rich, spend([coin], pays(*ONE), locktime=median)) == "non-final"
    rich.accept(spend([coin], pays(*ONE), locktime=median - 1))
    rich.mine(1, MINER_SCRIPT)


def test_relative_locktime_by_height(rich: Node, coin: Money) -> None:
    depth = rich.chain.height + 1 - rich.chain.coins[coin.outpoint].height
    assert refusal(rich, spend([coin], pays(*ONE), sequence=depth + 1)) == "non-BIP68-final"
    parent = spend([coin], pays(*ONE), sequence=depth)
    rich.accept(parent)
    child = spend([output_of(parent)], pays((0.5, MINER_SCRIPT)), sequence=1)
    assert refusal(rich, child) == "non-BIP68-final"
    rich.mine(1, MINER_SCRIPT)
    rich.accept(child)
    rich.mine(1, MINER_SCRIPT)
    assert rich.chain.find(child.txid) is not None


def test_relative_locktime_needs_version_2_and_no_disable_bit(rich: Node) -> None:
    for money, options in zip(
        coins_of(rich, MINER_SCRIPT), ({"version": 1, "sequence": 1000}, {"sequence": 1 << 31 | 1000}), strict=False
    ):
        rich.accept(spend([money], pays(*ONE), **options))


def test_relative_locktime_by_time(rich: Node) -> None:
    units, coin = 2, coins_of(rich, MINER_SCRIPT)[3]
    tx = spend([coin], pays(*ONE), sequence=1 << 22 | units)
    tip, since = rich.chain.tip, rich.chain.at(rich.chain.coins[coin.outpoint].height - 1).median_time
    assert refusal(rich, tx) == "non-BIP68-final"
    # Six of the last eleven blocks an hour ahead move the median past 1024 seconds.
    previous = tip.hash
    for number in range(7):
        rich.submit_block(block_on(rich, previous, time=tip.time + 3600 + number))
        previous = rich.chain.tip.hash
    assert rich.chain.tip.median_time >= since + units * 512
    rich.accept(tx)


def test_chains_of_waiting_transactions_are_bounded(rich: Node, coin: Money) -> None:
    last = coin
    for _ in range(25):
        tx = spend([last], pays(*ONE))
        rich.accept(tx)
        last = output_of(tx, 1)
    assert refusal(rich, spend([last], pays(*ONE))).startswith("too-long-mempool-chain, ")


# Replacement


def test_a_higher_fee_replaces_and_takes_the_children_along(rich: Node, coin: Money) -> None:
    parent = spend([coin], pays(*ONE), fee=1000)
    child = spend([output_of(parent)], pays((0.5, MINER_SCRIPT)), fee=1000)
    rich.accept(parent)
    rich.accept(child)
    better = spend([coin], pays((2, MINER_SCRIPT)), fee=2000 + parent.vsize, sequence=0xFFFFFFFF)
    candidate = rich.examine(better)
    assert candidate.replaces == {parent.txid, child.txid}
    rich.accept(better)
    assert [entry.tx.txid for entry in rich.mempool] == [better.txid]
    rich.mine(1, MINER_SCRIPT)
    assert rich.chain.find(better.txid) is not None


@pytest.mark.parametrize(
    ("fee", "words"),
    [
        (1000, "new feerate"),
        (1001, "not enough additional fees to relay; 0.00000001 <"),
        (1140, "not enough additional fees to relay"),
    ],
)
def test_a_replacement_pays_for_itself(rich: Node, coin: Money, fee: int, words: str) -> None:
    first = spend([coin], pays(*ONE), fee=1000)
    rich.accept(first)
    message = refusal(rich, spend([coin], pays((2, MINER_SCRIPT)), fee=fee))
    assert message.startswith("insufficient fee, rejecting replacement ")
    assert words in message
    rich.accept(spend([coin], pays((2, MINER_SCRIPT)), fee=1000 + first.vsize))


def test_a_replacement_pays_for_all_it_pushes_out(rich: Node, coin: Money) -> None:
    parent = spend([coin], pays(*ONE), fee=1000)
    child = spend([output_of(parent)], pays((0.5, MINER_SCRIPT)), fee=50_000)
    rich.accept(parent)
    rich.accept(child)
    message = refusal(rich, spend([coin], pays((2, MINER_SCRIPT)), fee=40_000))
    assert "less fees than conflicting txs; 0.00040000 < 0.00051000" in message


def test_a_replacement_may_not_spend_what_it_replaces(rich: Node, coin: Money) -> None:
    parent = spend([coin], pays(*ONE))
    rich.accept(parent)
    both = spend([coin, output_of(parent)], pays((2, MINER_SCRIPT)), fee=100_000)
    assert refusal(rich, both).startswith("bad-txns-spends-conflicting-tx, ")


def test_a_replacement_adds_no_unconfirmed_input(rich: Node, coin: Money) -> None:
    other = spend(coins_of(rich, MINER_SCRIPT)[1:2], pays(*ONE))
    rich.accept(other)
    rich.accept(spend([coin], pays(*ONE)))
    both = spend([coin, output_of(other)], pays((2, MINER_SCRIPT)), fee=100_000)
    assert refusal(rich, both).startswith("replacement-adds-unconfirmed, ")


# Scripts


def script_refusal(node: Node, tx: Transaction, why: str = "") -> None:
    reason, outpoint = "mempool-script-verify-flag-failed" + (f" ({why})" if why else ""), tx.inputs[0]
    assert refusal(node, tx) == (
        f"{reason}, input 0 of {tx.txid} (wtxid {tx.wtxid}), spending {outpoint.txid}:{outpoint.vout}"
    )


def test_a_strangers_signature(rich: Node, coin: Money) -> None:
    tx = spend([coin], pays(*ONE))
    digest = witness_v0_sighash(tx, 0, p2pkh_script(MINER.public_key), coin.amount)
    forged = with_witnesses(tx, [(sign_der(ALICE.secret, digest) + b"\x01", MINER.public_key)])
    script_refusal(rich, forged)
    script_refusal(rich, with_witnesses(tx, [()]))
    rich.accept(tx)


def test_high_s_is_refused_by_the_mempool_and_fine_in_a_block(rich: Node, coin: Money) -> None:
    tx = spend([coin], pays(*ONE), make_high_s=True)
    script_refusal(rich, tx, "Non-canonical signature: S value is unnecessarily high")
    assert rich.submit_block(block_on(rich, rich.chain.tip.hash, [tx], fees=1000)) is None


def test_uncompressed_keys_in_segwit(rich: Node) -> None:
    long_key = public_key(ALICE.secret, compressed=False)
    script = b"\x00\x14" + hash160(long_key)
    frozen = _funded(rich, script)
    unsigned = build_unsigned([frozen.outpoint], [TxOutput(Sat(frozen.amount - 1000), MINER_SCRIPT)])
    code = b"\x76\xa9\x14" + hash160(long_key) + b"\x88\xac"
    signature = sign_der(ALICE.secret, witness_v0_sighash(unsigned, 0, code, frozen.amount)) + b"\x01"
    tx = with_witnesses(unsigned, [(signature, long_key)])
    script_refusal(rich, tx, "Using non-compressed keys in segwit")
    assert rich.submit_block(block_on(rich, rich.chain.tip.hash, [tx], fees=1000)) is None


def _funded(node: Node, script: bytes) -> Money:
    """A confirmed coin of one bitcoin that pays to the script."""
    tx = spend(coins_of(node, MINER_SCRIPT)[:1], pays((1, script)))
    node.accept(tx)
    node.mine(1, MINER_SCRIPT)
    return output_of(tx)


def _p2sh(redeem: bytes) -> bytes:
    return b"\xa9\x14" + hash160(redeem) + b"\x87"


@pytest.mark.parametrize(
    ("redeem", "script_sig", "why"),
    [
        # 1 <nothing>: true whatever lies below it on the stack
        (b"\x51", b"\x51" + with_length(b"\x51"), "Stack size must be exactly one after execution"),
        (b"\x75\x51", b"\x51\x51" + with_length(b"\x75\x51"), "Stack size must be exactly one after execution"),
        (b"\x75\x51", b"\x01\x05" + with_length(b"\x75\x51"), "Data push larger than necessary"),
        (b"\x75\x51", b"\x4c\x02\x05\x05" + with_length(b"\x75\x51"), "Data push larger than necessary"),
        (b"\x75\x51", b"\x02\x05\x05" + with_length(b"\x75\x51"), None),
        (b"\x63\x51\x68", b"\x51" + with_length(b"\x63\x51\x68"), None),
    ],
)
def test_p2sh_stacks(rich: Node, redeem: bytes, script_sig: bytes, why: str | None) -> None:
    money = _funded(rich, _p2sh(redeem))
    tx = with_script_sig(build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT))), script_sig)
    if why is None:
        rich.accept(tx)
    else:
        script_refusal(rich, tx, why)
    raw = block_on(rich, rich.chain.tip.hash, [tx], fees=money.amount - tx.outputs[0].amount)
    assert rich.submit_block(raw) is None  # consensus does not mind either way


@pytest.mark.parametrize(
    ("redeem", "reason"),
    [(b"\x75" * 3600 + b"\x51", "bad-witness-nonstandard"), (b"\x75\x51", "bad-witness-nonstandard")],
)
def test_witnesses_nodes_do_not_relay(rich: Node, redeem: bytes, reason: str) -> None:
    money = _funded(rich, p2wsh_script(redeem))
    unsigned = build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT)))
    assert refusal(rich, with_witnesses(unsigned, [(bytes(81), redeem)])) == reason


def test_a_witness_where_none_belongs(rich: Node) -> None:
    money = _funded(rich, _p2sh(b"\x51"))
    bare = with_script_sig(build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT))), b"\x01\x51")
    assert refusal(rich, with_witnesses(bare, [(b"x",)])) == "bad-witness-nonstandard"


def test_script_sigs_are_pushes_of_bounded_size(rich: Node) -> None:
    money = _funded(rich, _p2sh(b"\x51"))
    unsigned = build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT)))
    assert refusal(rich, with_script_sig(unsigned, b"\x61\x01\x51")) == "scriptsig-not-pushonly"
    assert refusal(rich, with_script_sig(unsigned, b"\x05\x51")) == "scriptsig-not-pushonly"


def test_expensive_redeem_scripts(rich: Node) -> None:
    redeem = b"\xac" * 16
    money = _funded(rich, _p2sh(redeem))
    tx = with_script_sig(build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT))), with_length(redeem))
    assert refusal(rich, tx) == "bad-txns-nonstandard-inputs"


def test_unknown_witness_versions_are_not_spent(rich: Node) -> None:
    money = _funded(rich, b"\x52\x20" + bytes(32))
    assert refusal(rich, build_unsigned([money.outpoint], pays((0.5, MINER_SCRIPT)))) == "bad-txns-nonstandard-inputs"


@pytest.mark.parametrize("extra", [0, 1])
def test_p2pkh_and_p2pk_take_exactly_their_items(rich: Node, extra: int) -> None:
    # Signatures over the legacy digest are another room's business: what matters here is who refuses.
    for script in (p2pkh_script(MINER.public_key), b"\x21" + MINER.public_key + b"\xac"):
        money = _funded(rich, script)
        tx = build_unsigned([money.outpoint], pays((0.5, p2wpkh_script(ALICE.public_key))))
        script_refusal(rich, with_script_sig(tx, b"\x51" * (2 + extra)))
