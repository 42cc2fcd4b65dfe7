"""GET and POST /bitcoin, and the block in the answers to queries: what the operator's node says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from causeway.app import create_app
from causeway.chain.service import MAX_TRANSACTION_BYTES, TIP_SECONDS, Node
from rein.btc.transaction import Transaction
from rein.chain.source import BlockRef, ChainSource
from rein.errors import ChainError, RejectedError
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, person

GENESIS_COINBASE = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d6573"
    "2030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e"
    "6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4"
    "f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)


@dataclass
class SmallChain:
    """A chain of eleven blocks that a node knows, and what it was asked to send."""

    tip_height: int = 10
    down: bool = False
    reject: bool = False
    asked: int = 0
    sent: list[str] = field(default_factory=list)

    def tip(self) -> BlockRef:
        self.asked += 1
        if self.down:
            raise ChainError("the node at 10.1.2.3:8332 cannot be reached")
        return self.block_at(self.tip_height)

    def block_at(self, height: int) -> BlockRef:
        return BlockRef(f"{height:064x}", height, 1_000 + height)

    def block(self, block_hash: str) -> BlockRef | None:
        height = int(block_hash, 16)
        return self.block_at(height) if height <= self.tip_height else None

    def broadcast(self, tx: Transaction) -> str:
        if self.reject:
            raise RejectedError("the node refuses the transaction: dust")
        self.sent.append(tx.txid)
        return tx.txid


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def node_caller(server: Server, chain: SmallChain, bob: Person) -> Caller:
    return Caller(create_app(server.settings, chain=cast("ChainSource", chain)).test_client())


@pytest.mark.parametrize(
    ("parameters", "height"),
    [
        ({"query": "getbydepth", "depth": "0"}, 10),
        ({"query": "getbydepth", "depth": "10"}, 0),
        ({"query": "getbyheight", "height": "3"}, 3),
        ({"query": "getbyhash", "hash": f"{7:064x}"}, 7),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_blocks(node_caller: Caller, bob: Person, method: str, parameters: dict[str, str], height: int) -> None:
    response = node_caller.http.open(
        "/bitcoin", method=method, query_string={"owner": bob.master_address, **parameters}
    )
    assert node_caller.read(response).data == {
        "status": "success",
        "result": "success",
        "height": height,
        "hash": f"{height:064x}",
        "time": 1_000 + height,
    }


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        ({}, (400, "missing_parameter")),
        ({"query": "getbydepth"}, (400, "missing_parameter")),
        ({"query": "getbyhash"}, (400, "missing_parameter")),
        ({"query": "sendrawtransaction"}, (400, "missing_parameter")),
        ({"query": "getblock"}, (400, "bad_parameter")),
        ({"query": "getbydepth", "depth": "11"}, (404, "block_not_found")),
        ({"query": "getbyheight", "height": "11"}, (404, "block_not_found")),
        ({"query": "getbyhash", "hash": "f" * 64}, (404, "block_not_found")),
        ({"query": "getbydepth", "depth": "-1"}, (400, "bad_parameter")),
        ({"query": "getbyheight", "height": "1e3"}, (400, "bad_parameter")),
        ({"query": "getbyhash", "hash": "x"}, (400, "bad_parameter")),
        ({"query": "sendrawtransaction", "tx": "zz"}, (400, "bad_parameter")),
        ({"query": "sendrawtransaction", "tx": "00" * 50}, (400, "bad_parameter")),
        ({"query": "sendrawtransaction", "tx": GENESIS_COINBASE[:-2]}, (400, "bad_parameter")),
        ({"query": "sendrawtransaction", "tx": "00" * (MAX_TRANSACTION_BYTES + 1)}, (400, "bad_parameter")),
    ],
)
def test_what_cannot_be_answered_is_named(
    node_caller: Caller, chain: SmallChain, bob: Person, parameters: dict[str, str], outcome: tuple[int, str]
) -> None:
    assert node_caller.get("/bitcoin", owner=bob.master_address, **parameters).outcome == outcome
    assert chain.sent == []


def test_a_transaction_is_sent_for_accounts_only(
    server: Server, node_caller: Caller, chain: SmallChain, bob: Person
) -> None:
    """S10 of 2016: a relay for everybody."""
    asked = {"query": "sendrawtransaction", "tx": GENESIS_COINBASE}
    eve = person("Eve").master_address
    assert node_caller.get("/bitcoin", owner=eve, **asked).outcome == (403, "account_required")
    assert chain.sent == []
    answer = node_caller.get("/bitcoin", owner=bob.master_address, **asked)
    assert answer.data["txid"] == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    chain.reject = True
    assert node_caller.get("/bitcoin", owner=bob.master_address, **asked).outcome == (422, "transaction_rejected")
    server.rows("UPDATE bucket SET expires = now()")
    assert node_caller.get("/bitcoin", owner=bob.master_address, **asked).outcome == (403, "account_required")


def test_without_a_node_it_says_so(caller: Caller, bob: Person) -> None:
    answer = caller.get("/bitcoin", owner=bob.master_address, query="getbydepth", depth=0)
    assert answer.outcome == (404, "no_chain")
    assert caller.get("/query", owner=bob.master_address, query="jobs").data["block_info"] is None


def test_a_node_that_is_down_is_not_named_to_strangers(node_caller: Caller, chain: SmallChain, bob: Person) -> None:
    chain.down = True
    answer = node_caller.get("/bitcoin", owner=bob.master_address, query="getbydepth", depth=0)
    assert answer.outcome == (503, "chain_down")
    assert "10.1.2.3" not in str(answer.data)
    assert node_caller.get("/query", owner=bob.master_address, query="jobs").data["block_info"] is None


def test_queries_carry_the_last_block(node_caller: Caller, bob: Person) -> None:
    answer = node_caller.get("/query", owner=bob.master_address, query="jobs")
    assert answer.data["block_info"] == {"height": 10, "hash": f"{10:064x}", "time": 1_010}


def test_the_node_is_asked_for_its_tip_now_and_then(chain: SmallChain) -> None:
    now = [0.0]
    node = Node(cast("ChainSource", chain), clock=lambda: now[0])
    found: list[Any] = [node.tip() for _ in range(5)]
    assert chain.asked == 1
    chain.tip_height = 11
    now[0] += TIP_SECONDS
    found = [node.tip() for _ in range(5)]
    assert (chain.asked, found[0].height) == (2, 11)
    chain.down = True
    now[0] += TIP_SECONDS
    assert [node.tip() for _ in range(5)] == [None] * 5
    assert chain.asked == 3
