"""A node that answers whatever a test wants: right by default, so that one lie can be told at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from rein.btc.networks import REGTEST, Network
from rein.chain.core_rpc import CoreRpc
from tests.support.serving import QuietHandler, serving

TIP = "aa" * 32
# The genesis coinbase of regtest, as good as any transaction: version 1, one input, one output.
RAW = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d010445546865205469"
    "6d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f"
    "722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649"
    "f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
TXID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
SCRIPT = "0014" + "11" * 20
# The genesis block of regtest (Bitcoin Core, chainparams.cpp): the header and that one transaction.
BLOCK = (
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
    "888a51323a9fb8aa4b1e5e4adae5494dffff7f200200000001" + RAW
)
# A header of mainnet: too hard for regtest, and of another hash than the one asked for.
BLOCK_100000 = (
    "0100000050120119172a610421a6c3011dd330d9df07b63616c2cc1f1cd0020000000000"
    "6657a9252aacd5c0b2940996ecff952228c3067cc38d4885efb5a4ac4247e9f337221b4d4c86041b0f2b5710"
)


@dataclass(frozen=True)
class Number:
    """A JSON number written digit for digit as given: the json module would make a float of it."""

    digits: str


def encode(value: object) -> str:
    if isinstance(value, Number):
        return value.digits
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def right_answers() -> dict[str, Any]:
    """What an honest node of a short chain would say; `result` members by method."""
    return {
        "getblockchaininfo": {"chain": "regtest"},
        "getblockhash": TIP,
        "getbestblockhash": TIP,
        "getblockheader": {"hash": TIP, "confirmations": 1, "height": 7, "time": 1_700_000_000},
        "gettxout": {
            "bestblock": TIP,
            "confirmations": 3,
            "value": Number("1.50000000"),
            "scriptPubKey": {"hex": SCRIPT},
        },
        "scantxoutset": {
            "success": True,
            "height": 7,
            "unspents": [
                {"txid": TXID, "vout": 1, "scriptPubKey": SCRIPT, "amount": Number("0.00000546"), "height": 5},
            ],
        },
        "getrawtransaction": {"hex": RAW, "blockhash": TIP, "confirmations": 1},
        "getblock": BLOCK,
        "sendrawtransaction": TXID,
        "estimatesmartfee": {"feerate": Number("0.00001001"), "blocks": 6},
    }


class Liar(ThreadingHTTPServer):
    """`answers` are results by method; `raw` replaces the whole HTTP body; the rest shape the response.

    `error` is the error member of every answer but the network check's. `accepted` is the only Authorization taken.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = right_answers() | {"raw header": BLOCK_100000, "gettxoutproof": "00" * 90}
        self.error: object = None
        self.raw: bytes | None = None
        self.packet: bytes | None = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.accepted: str | None = None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def client(self, network: Network = REGTEST, **options: Any) -> CoreRpc:
        return CoreRpc(self.url, network, **{"timeout": 5, **options})

    def body(self, request: dict[str, Any]) -> bytes:
        method = request["method"]
        self.asked.append(method)
        checking = method == "getblockchaininfo" or (method, request["params"]) == ("getblockhash", [0])
        result = REGTEST.genesis_hash if (method, request["params"]) == ("getblockhash", [0]) else self.answers[method]
        if method == "getrawtransaction" and isinstance(result, dict) and request["params"][1] == 0:
            result = result.get("hex")
        if method == "getblockheader" and request["params"][1:] == [False]:
            result = self.answers["raw header"]
        error = None if checking else self.error
        return encode({"result": result, "error": error, "id": request["id"]}).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""


class _Handler(QuietHandler):
    server: Liar

    def do_POST(self) -> None:
        server = self.server
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if server.packet is not None:
            self.wfile.write(server.packet)
            self.close_connection = True
            return
        refused = server.accepted is not None and self.headers.get("Authorization") != server.accepted
        body = b"" if refused else server.body(request)
        if server.raw is not None and not refused:
            body = server.raw
        self.send_response(401 if refused else server.status)
        for name, value in {"Content-Length": str(len(body)), **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_liar() -> Iterator[Liar]:
    """One that answers until the block ends."""
    server = Liar()
    with serving(server):
        yield server


@pytest.fixture
def liar() -> Iterator[Liar]:
    with running_liar() as server:
        yield server
