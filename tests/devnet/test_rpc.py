"""The JSON-RPC methods, their shapes and their errors, without HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from rein.btc.address import p2wsh_address, p2wsh_script
from rein.btc.networks import REGTEST
from rein.btc.transaction import Transaction
from rein.devnet.descriptors import describe
from rein.devnet.node import Node
from rein.devnet.rpc.dispatch import METHODS, Dispatcher, encode
from tests.devnet.spending import (
    ALICE,
    MINER_ADDRESS,
    MINER_SCRIPT,
    Money,
    block_on,
    coins_of,
    output_of,
    pays,
    spend,
)

NO_HASH = "11" * 32
Ask = Callable[..., Any]


@pytest.fixture
def dispatcher(rich: Node) -> Dispatcher:
    made = Dispatcher(threading.Event())
    made.node = rich
    return made


@pytest.fixture
def shared(long_lived: Node) -> Dispatcher:
    """For requests that change nothing."""
    made = Dispatcher(threading.Event())
    made.node = long_lived
    return made


@pytest.fixture
def ask(dispatcher: Dispatcher) -> Ask:
    """Calls a method and gives its result, or its error as (code, message)."""

    def call(method: str, *params: object, **named: object) -> Any:
        body = encode({"id": 1, "method": method, "params": list(params) or named}).encode()
        status, text = dispatcher.answer(body)
        answer = json.loads(text, parse_float=Decimal)
        assert list(answer) == ["result", "error", "id"]
        assert answer["id"] == 1
        if answer["error"] is None:
            assert status == 200
            return answer["result"]
        assert status == {-32601: 404, -32600: 400}.get(answer["error"]["code"], 500)
        return answer["error"]["code"], answer["error"]["message"]

    return call


def test_the_chain(ask: Ask, rich: Node) -> None:
    tip = rich.chain.tip
    info = ask("getblockchaininfo")
    assert (info["chain"], info["blocks"], info["bestblockhash"]) == ("regtest", 105, tip.hash)
    assert info["mediantime"] == tip.median_time
    assert info["chainwork"] == f"{212:064x}"
    assert not info["initialblockdownload"]
    assert ask("getblockcount") == 105
    assert ask("getbestblockhash") == tip.hash
    assert ask("getblockhash", 0) == REGTEST.genesis_hash
    assert ask("getblockhash", 106) == (-8, "Block height out of range")
    assert ask("getblockhash", -1) == (-8, "Block height out of range")
    assert ask("getnetworkinfo")["relayfee"] == Decimal("0.00001000")
    assert ask("gettxoutsetinfo")["total_amount"] == Decimal("5250.00000000")
    assert ask("gettxoutsetinfo", "muhash")[0] == -8
    assert 0 <= ask("uptime") < 60


def test_headers_and_blocks(ask: Ask, rich: Node, coin: Money) -> None:
    tx = spend([coin], pays((1, MINER_SCRIPT)))
    rich.accept(tx)
    parent = rich.chain.tip
    rich.mine(1, MINER_SCRIPT)
    block = rich.chain.tip
    header = ask("getblockheader", block.hash)
    assert header["hash"] == block.hash
    assert (header["confirmations"], header["height"], header["nTx"]) == (1, 106, 2)
    assert header["previousblockhash"] == parent.hash
    assert "nextblockhash" not in header
    assert ask("getblockheader", parent.hash)["nextblockhash"] == block.hash
    assert "previousblockhash" not in ask("getblockheader", REGTEST.genesis_hash)
    assert ask("getblockheader", block.hash, False) == block.raw[:80].hex()
    assert ask("getblock", block.hash, 0) == block.raw.hex()
    assert ask("getblock", block.hash, False) == block.raw.hex()
    full = ask("getblock", block.hash)
    assert full["tx"] == [other.txid for other in block.transactions]
    assert full["size"] == len(block.raw)
    assert full["weight"] == 3 * full["strippedsize"] + full["size"]
    detailed = ask("getblock", block.hash, 2)["tx"]
    assert detailed[1]["hex"] == tx.raw.hex()
    assert detailed[0]["vin"][0]["coinbase"] == block.transactions[0].script_sigs[0].hex()
    for method in ("getblock", "getblockheader", "invalidateblock", "reconsiderblock"):
        assert ask(method, NO_HASH) == (-5, "Block not found")


def test_blocks_of_the_genesis(ask: Ask) -> None:
    assert ask("getblock", REGTEST.genesis_hash, 2)["height"] == 0
    coinbase = ask("getblock", REGTEST.genesis_hash)["tx"][0]
    assert ask("getrawtransaction", coinbase)[0] == -5
    assert ask("invalidateblock", REGTEST.genesis_hash)[0] == -8


def test_mining(ask: Ask, rich: Node) -> None:
    hashes = ask("generatetoaddress", 2, MINER_ADDRESS)
    assert hashes == rich.chain.active[-2:]
    assert ask("generatetoaddress", nblocks=1, address=MINER_ADDRESS)
    assert ask("generatetoaddress", 0, MINER_ADDRESS) == []
    assert ask("generatetoaddress", 1, "nonsense") == (-5, "Error: Invalid address")
    assert ask("generatetoaddress", -1, MINER_ADDRESS)[0] == -8
    assert ask("generatetoaddress", 1, MINER_ADDRESS, "many")[0] == -3


def test_mining_too_far_ahead(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rein.devnet.node.now", lambda: 2**32 - 1)
    code, message = ask("generatetoaddress", 1, MINER_ADDRESS)
    assert code == -1
    assert "time-too-new; too many blocks" in message


def test_submitting_and_reorganising(ask: Ask, rich: Node) -> None:
    tip = rich.chain.tip.hash
    raw = block_on(rich, tip)
    assert ask("submitblock", raw.hex()) is None
    assert ask("submitblock", raw.hex()) == "duplicate"
    assert ask("submitblock", block_on(rich, tip, extranonce=1).hex()) == "inconclusive"
    assert ask("submitblock", block_on(rich, tip, fees=1).hex()) == "inconclusive"
    assert ask("submitblock", block_on(rich, rich.chain.tip.hash, fees=1).hex()) == "bad-cb-amount"
    for bad in ("", "zz", "00", raw.hex() + "00"):
        assert ask("submitblock", bad) == (-22, "Block decode failed")
    assert ask("invalidateblock", rich.chain.tip.hash) is None
    assert ask("getblockheader", rich.chain.active[-1])["confirmations"] == 1


def test_sending(ask: Ask, rich: Node, coin: Money) -> None:
    tx = spend([coin], pays((1, MINER_SCRIPT)))
    assert ask("sendrawtransaction", tx.raw.hex()) == tx.txid
    assert ask("sendrawtransaction", tx.raw.hex()) == tx.txid
    assert ask("getrawmempool") == [tx.txid]
    rich.mine(1, MINER_SCRIPT)
    assert ask("sendrawtransaction", tx.raw.hex()) == (-27, "Transaction outputs already in utxo set")
    assert ask("sendrawtransaction", spend([coin], pays((2, MINER_SCRIPT))).raw.hex()) == (
        -25,
        "bad-txns-inputs-missingorspent",
    )
    for bad in ("", "00", tx.raw.hex()[:-2], tx.raw.hex() + "00", "0" + tx.raw.hex()):
        assert ask("sendrawtransaction", bad)[0] == -22
    free = spend(coins_of(rich, MINER_SCRIPT)[:1], pays((1, MINER_SCRIPT)), fee=0)
    assert ask("sendrawtransaction", free.raw.hex())[0] == -26


def test_guards_against_fat_fingers(ask: Ask, rich: Node, coin: Money) -> None:
    generous = spend([coin], pays((49, MINER_SCRIPT)), change=None)
    code, message = ask("sendrawtransaction", generous.raw.hex())
    assert (code, message.partition(" ")[0]) == (-25, "Fee")
    assert ask("testmempoolaccept", [generous.raw.hex()])[0]["reject-reason"] == "max-fee-exceeded"
    assert ask("sendrawtransaction", generous.raw.hex(), "1")[0] == -8
    assert ask("sendrawtransaction", generous.raw.hex(), {})[0] == -3
    assert ask("sendrawtransaction", generous.raw.hex(), "x")[0] == -3
    assert ask("sendrawtransaction", generous.raw.hex(), -1)[0] == -3
    burning = spend([coin], pays((1, b"\x6a\x01\x01")))
    assert "maxburnamount" in ask("sendrawtransaction", burning.raw.hex())[1]
    assert ask("sendrawtransaction", burning.raw.hex(), Decimal("0.1"), 1) == burning.txid
    assert ask("sendrawtransaction", generous.raw.hex(), 0) == generous.txid  # replaces the other: it pays more


def test_testing_acceptance(ask: Ask, rich: Node, coin: Money) -> None:
    tx = spend([coin], pays((1, MINER_SCRIPT)), fee=1234)
    [verdict] = ask("testmempoolaccept", [tx.raw.hex()])
    assert verdict == {
        "txid": tx.txid,
        "wtxid": tx.wtxid,
        "allowed": True,
        "vsize": tx.vsize,
        "fees": {"base": Decimal("0.00001234")},
    }
    assert len(rich.mempool) == 0
    child = spend([output_of(tx)], pays((0.5, MINER_SCRIPT)))
    assert ask("testmempoolaccept", [child.raw.hex()])[0]["reject-reason"] == "missing-inputs"
    poor = ask("testmempoolaccept", [spend([coin], pays((1, MINER_SCRIPT)), fee=0).raw.hex()])[0]
    assert poor["reject-reason"] == "min relay fee not met"
    assert ask("testmempoolaccept", [])[0] == -8
    assert ask("testmempoolaccept", ["00"])[0] == -22


def test_the_mempool(ask: Ask, rich: Node, coin: Money) -> None:
    parent = spend([coin], pays((1, MINER_SCRIPT)), fee=1000)
    child = spend([output_of(parent)], pays((0.5, MINER_SCRIPT)), fee=2000, sequence=0xFFFFFFFF)
    rich.accept(parent)
    rich.accept(child)
    entry = ask("getmempoolentry", child.txid)
    assert entry["ancestorcount"] == 2
    assert entry["depends"] == [parent.txid]
    assert entry["fees"]["ancestor"] == Decimal("0.00003000")
    assert entry["bip125-replaceable"] is False
    verbose = ask("getrawmempool", True)
    assert verbose[child.txid] == entry
    assert verbose[parent.txid]["spentby"] == [child.txid]
    assert verbose[parent.txid]["descendantsize"] == parent.vsize + child.vsize
    assert ask("getmempoolentry", NO_HASH) == (-5, "Transaction not in mempool")


def test_finding_transactions(ask: Ask, rich: Node, coin: Money) -> None:
    tx = spend([coin], pays((1, MINER_SCRIPT)))
    rich.accept(tx)
    waiting = ask("getrawtransaction", tx.txid, 1)
    assert "blockhash" not in waiting
    [block] = rich.mine(1, MINER_SCRIPT)
    assert ask("getrawtransaction", tx.txid) == tx.raw.hex()
    assert ask("getrawtransaction", tx.txid, False) == tx.raw.hex()
    found = ask("getrawtransaction", tx.txid, True)
    assert (found["blockhash"], found["confirmations"], found["hex"]) == (block, 1, tx.raw.hex())
    assert found["vout"][0]["value"] == Decimal("1.00000000")
    assert found["vout"][0]["scriptPubKey"]["address"] == MINER_ADDRESS
    assert found["vin"][0]["txinwitness"] == [item.hex() for item in tx.witnesses[0]]
    assert ask("getrawtransaction", tx.txid, 1, block)["in_active_chain"] is True
    assert ask("getrawtransaction", tx.txid, 1, rich.chain.active[5])[0] == -5
    assert ask("getrawtransaction", tx.txid, 1, NO_HASH) == (-5, "Block hash not found")
    assert ask("getrawtransaction", NO_HASH)[0] == -5
    rich.invalidate(block)
    assert "blockhash" not in ask("getrawtransaction", tx.txid, 1)
    assert ask("getrawtransaction", tx.txid, 1, block)["in_active_chain"] is False


def test_outputs(ask: Ask, rich: Node, coin: Money) -> None:
    shown = ask("gettxout", coin.outpoint.txid, 0)
    assert (shown["confirmations"], shown["value"], shown["coinbase"]) == (105, Decimal("50.00000000"), True)
    assert shown["scriptPubKey"]["hex"] == MINER_SCRIPT.hex()
    tx = spend([coin], pays((1, MINER_SCRIPT)))
    rich.accept(tx)
    assert ask("gettxout", coin.outpoint.txid, 0) is None
    assert ask("gettxout", coin.outpoint.txid, 0, False) is not None
    waiting = ask("gettxout", tx.txid, 0)
    assert (waiting["confirmations"], waiting["coinbase"]) == (0, False)
    assert ask("gettxout", tx.txid, 0, False) is None
    assert ask("gettxout", tx.txid, 2) is None
    assert ask("gettxout", tx.txid, -1) is None
    assert ask("gettxout", NO_HASH, 0) is None


def test_scanning(ask: Ask, rich: Node, coin: Money) -> None:
    script = p2wsh_script(b"\x51")
    rich.accept(spend([coin], pays((1, script), (2, script))))
    rich.mine(1, MINER_SCRIPT)
    address = p2wsh_address(b"\x51", REGTEST)
    for descriptor in (f"raw({script.hex()})", f"addr({address})", describe(script), {"desc": describe(script)}):
        answer = ask("scantxoutset", "start", [descriptor, f"raw({script.hex()})"])
        assert answer["success"] is True
        assert answer["height"] == 106
        assert answer["total_amount"] == Decimal("3.00000000")
        assert [item["amount"] for item in answer["unspents"]] == [Decimal("1.00000000"), Decimal("2.00000000")]
        assert answer["unspents"][0]["desc"] == describe(script)
        assert answer["unspents"][0]["coinbase"] is False
    assert ask("scantxoutset", "start", ["raw()"])["unspents"] == []
    assert ask("scantxoutset", "status") is None
    assert ask("scantxoutset", "abort") is False
    assert ask("scantxoutset", "stop")[0] == -8
    assert ask("scantxoutset", "start")[0] == -1
    assert ask("scantxoutset", "start", [5])[0] == -8
    bad = ["wpkh(x)", "raw(0)", "raw(zz)", "addr(x)", describe(script)[:-1] + "x", "raw(\x00)#", "addr(x))"]
    for descriptor in bad:
        assert ask("scantxoutset", "start", [descriptor])[0] == -5


def test_long_scripts_have_a_descriptor_without_checksum() -> None:
    assert describe(b"\x51" * 2000) == f"raw({'51' * 2000})"


def test_addresses(ask: Ask) -> None:
    assert ask("validateaddress", MINER_ADDRESS) == {
        "isvalid": True,
        "address": MINER_ADDRESS,
        "scriptPubKey": MINER_SCRIPT.hex(),
        "isscript": False,
        "iswitness": True,
        "witness_version": 0,
        "witness_program": MINER_SCRIPT[2:].hex(),
    }
    assert ask("validateaddress", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")["isvalid"] is False


def test_fee_estimates_are_cores_on_regtest(ask: Ask) -> None:
    assert ask("estimatesmartfee", 6) == {"errors": ["Insufficient data or no feerate found"], "blocks": 6}
    assert ask("estimatesmartfee", 1)["blocks"] == 2
    assert ask("estimatesmartfee", 0)[0] == -8
    assert ask("estimatesmartfee", 1009)[0] == -8
    assert ask("estimatesmartfee", "6")[0] == -3
    assert ask("estimatesmartfee", True)[0] == -3


def test_proofs(ask: Ask, rich: Node) -> None:
    sent = [spend([money], pays((1, MINER_SCRIPT))) for money in coins_of(rich, MINER_SCRIPT)[:4]]
    for tx in sent:
        rich.accept(tx)
    assert ask("gettxoutproof", [sent[0].txid]) == (-5, "Transaction not yet in block")
    [block] = rich.mine(1, MINER_SCRIPT)
    proof = ask("gettxoutproof", [sent[1].txid, sent[3].txid])
    assert ask("verifytxoutproof", proof) == [sent[1].txid, sent[3].txid]
    assert ask("gettxoutproof", [sent[1].txid, sent[3].txid], block) == proof
    assert ask("gettxoutproof", [])[0] == -8
    assert ask("gettxoutproof", [sent[0].txid, NO_HASH])[0] == -5
    assert ask("gettxoutproof", [sent[0].txid], rich.chain.active[3])[0] == -5
    assert ask("verifytxoutproof", proof[:-2]) == []
    assert ask("verifytxoutproof", "zz")[0] == -22
    rich.invalidate(block)
    assert ask("verifytxoutproof", proof) == (-5, "Block not found in chain")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("getblockhash", [], -1),
        ("getblockhash", [1, 2], -1),
        ("getblockhash", ["1"], -3),
        ("getblockhash", [True], -3),
        ("getblockhash", [None], -3),
        ("getblockhash", [1.5], -3),
        ("getblockheader", [5], -3),
        ("getblockheader", ["ab"], -8),
        ("getblockheader", ["z" * 64], -8),
        ("getblockheader", [REGTEST.genesis_hash, "yes"], -3),
        ("getblockheader", {"blockhash": REGTEST.genesis_hash, "unknown": 1}, -1),
        ("getblock", [REGTEST.genesis_hash, "2"], -3),
        ("gettxoutproof", ["00"], -3),
        ("sendrawtransaction", [None], -3),
        ("getwalletinfo", [], -32601),
        ("__class__", [], -32601),
        (None, [], -32600),
        (5, [], -32600),
        ("getblockcount", 5, -32600),
        ("getblockcount", "x", -32600),
    ],
)
def test_wrong_requests(shared: Dispatcher, method: object, params: object, code: int) -> None:
    request = {"id": "x", "method": method, "params": params}
    status, text = shared.answer(json.dumps(request).encode())
    answer = json.loads(text)
    assert answer["error"]["code"] == code
    assert answer["result"] is None
    assert answer["id"] == "x"
    assert status == {-32601: 404, -32600: 400}.get(code, 500)
    modern_status, modern = shared.answer(json.dumps({**request, "jsonrpc": "2.0"}).encode())
    assert modern_status == 200
    assert json.loads(modern) == {"jsonrpc": "2.0", "error": answer["error"], "id": "x"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id":1e' + b"9" * 30 + b"}"])
def test_bodies_that_are_not_json(shared: Dispatcher, body: bytes) -> None:
    status, text = shared.answer(body)
    assert status == 500
    assert json.loads(text) == {"result": None, "error": {"code": -32700, "message": "Parse error"}, "id": None}


def test_batches(dispatcher: Dispatcher) -> None:
    batch = [
        {"id": 1, "method": "getblockcount"},
        {"id": 2, "method": "nonsense", "params": []},
        {"jsonrpc": "2.0", "id": 3, "method": "getblockcount", "params": {}},
        7,
    ]
    status, text = dispatcher.answer(json.dumps(batch).encode())
    answers = json.loads(text)
    assert status == 200
    assert answers[0] == {"result": 105, "error": None, "id": 1}
    assert answers[1]["error"]["code"] == -32601
    assert answers[2] == {"jsonrpc": "2.0", "result": 105, "id": 3}
    assert answers[3]["error"]["code"] == -32600
    assert dispatcher.answer(b"[]") == (200, "[]\n")


def test_before_the_node_is_ready_every_method_says_so() -> None:
    status, text = Dispatcher(threading.Event()).answer(b'{"method":"getblockcount"}')
    assert status == 500
    assert json.loads(text)["error"]["code"] == -28


def test_stop_and_help(ask: Ask, dispatcher: Dispatcher, rich: Node) -> None:
    listed = [line.partition(" ")[0] for line in ask("help").splitlines()]
    assert set(listed) == {*METHODS, "help", "stop", "uptime"}
    assert "getrawtransaction txid ( verbosity ) ( blockhash )" in ask("help").splitlines()
    assert ask("stop") == "Rein devnet stopping"
    assert dispatcher._stop.is_set()
    rich.close()
    assert ask("getblockcount") == (-1, "the node has been stopped")


def test_a_fault_of_ours_is_an_internal_error(
    ask: Ask, rich: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rich, "chain", None)
    assert ask("getblockcount")[0] == -32603
    assert "getblockcount failed" in caplog.text


def test_amounts_are_written_with_eight_decimals() -> None:
    assert encode({"a": [Decimal("1E-8"), Decimal("21000000.00000000")], "b": None}) == (
        '{"a":[0.00000001,21000000.00000000],"b":null}'
    )
    assert encode('"é\x00') == json.dumps('"é\x00')


def test_our_own_transactions_round_trip(ask: Ask, rich: Node, coin: Money) -> None:
    tx = spend([coin], pays((1, MINER_SCRIPT)), key=ALICE)
    assert Transaction.from_hex(tx.raw.hex()) == tx
    assert ask("testmempoolaccept", [tx.raw.hex()])[0]["allowed"] is False
