"""A small Esplora over a real chain: every answer is worked out from the blocks of a node, over real HTTP.

A test makes it lie by `lies`: a path and what is answered there instead.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from rein.btc.hashes import sha256, sha256d
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.core_rpc import CoreRpc
from rein.errors import ReinError
from tests.support.serving import QuietHandler, serving

UTXOS_LIMIT = 500
"""As the public servers have it (electrs --utxos-limit)."""
HISTORY_PAGE = 25


class NotThereError(Exception):
    """Answered with 404."""


class TooManyError(Exception):
    """Answered with 400."""


_BLOCKS: dict[str, tuple[int, str, list[Transaction]]] = {}
"""By hash, for all tests: height, the block before, what is in it."""


@dataclass
class Esplora:
    """`node` is asked for blocks; it is nobody else's."""

    node: CoreRpc
    url: str = ""
    lies: dict[str, Any] = field(default_factory=dict)
    """By path: a text, bytes, or what is written as JSON; an int is an HTTP status."""
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> Any:
        self.asked.append(path)
        if path in self.lies:
            return self.lies[path]
        with self.lock:
            match path.split("/"):
                case ["blocks", "tip", "height"]:
                    return str(self.node.tip().height)
                case ["block-height", height]:
                    return self._hash_at(int(height))
                case ["block", name, "header"]:
                    return str(self._call("getblockheader", name, False))
                case ["block", name, "status"]:
                    return self._block_status(name)
                case ["scripthash", digest, "utxo"]:
                    return self._utxo(digest)
                case ["scripthash", digest, "txs", "chain", *behind]:
                    return self._history(digest, *behind)
                case ["tx", txid, what, *rest]:
                    return self._about(txid, what, rest)
                case ["fee-estimates"]:
                    return {"1": 12.3, "6": 4.01, "144": 1}
        raise NotThereError

    def send(self, body: bytes) -> str:
        with self.lock:
            return self.node.broadcast(Transaction.from_hex(body.decode()))

    def _call(self, *request: Any) -> Any:
        try:
            return self.node.call(*request)
        except ReinError as error:
            raise NotThereError from error

    def _hash_at(self, height: int) -> str:
        return str(self._call("getblockhash", height))

    def _block_status(self, name: str) -> dict[str, Any]:
        header = self._call("getblockheader", name)
        if header["confirmations"] < 1:
            return {"in_best_chain": False}
        return {"in_best_chain": True, "height": header["height"], "next_best": header.get("nextblockhash")}

    def _chain(self) -> list[tuple[int, str, list[Transaction]]]:
        name, found = self.node.tip().hash, list[tuple[int, str, list[Transaction]]]()
        while name != self.node.network.genesis_hash:
            if name not in _BLOCKS:
                block = self._call("getblock", name, 2)
                transactions = [Transaction.from_hex(each["hex"]) for each in block["tx"]]
                _BLOCKS[name] = (block["height"], block["previousblockhash"], transactions)
            height, previous, transactions = _BLOCKS[name]
            found.append((height, name, transactions))
            name = previous
        return found

    def _mempool(self) -> list[Transaction]:
        return [Transaction.from_hex(self._call("getrawtransaction", txid)) for txid in self._call("getrawmempool")]

    def _status_of(self, txid: str) -> dict[str, Any]:
        for height, name, transactions in self._chain():
            if any(each.txid == txid for each in transactions):
                return {"confirmed": True, "block_height": height, "block_hash": name}
        return {"confirmed": False}

    def _all(self) -> list[Transaction]:
        return [tx for _, _, transactions in self._chain() for tx in transactions] + self._mempool()

    def _utxo(self, digest: str) -> list[dict[str, Any]]:
        everything = self._all()
        spent = {outpoint for tx in everything for outpoint in tx.inputs}
        count = sum(
            sha256(output.script)[::-1].hex() == digest and OutPoint(tx.txid, index) not in spent
            for tx in everything
            for index, output in enumerate(tx.outputs)
        )
        if count > UTXOS_LIMIT:
            raise TooManyError
        return [
            {"txid": tx.txid, "vout": index, "value": output.amount, "status": self._status_of(tx.txid)}
            for tx in everything
            for index, output in enumerate(tx.outputs)
            if sha256(output.script)[::-1].hex() == digest and OutPoint(tx.txid, index) not in spent
        ]

    def _history(self, digest: str, behind: str | None = None) -> list[dict[str, Any]]:
        """The confirmed transactions that pay a script or spend from it, the newest first, in pages."""
        ours = {
            OutPoint(tx.txid, index)
            for tx in self._all()
            for index, output in enumerate(tx.outputs)
            if sha256(output.script)[::-1].hex() == digest
        }
        mine = {outpoint.txid for outpoint in ours}
        found = [
            self._shown(tx, height, name)
            for height, name, transactions in self._chain()
            for tx in reversed(transactions)
            if tx.txid in mine or not ours.isdisjoint(tx.inputs)
        ]
        start = next((at + 1 for at, each in enumerate(found) if each["txid"] == behind), 0)
        return found[start : start + HISTORY_PAGE]

    @staticmethod
    def _shown(tx: Transaction, height: int, name: str) -> dict[str, Any]:
        return {
            "txid": tx.txid,
            "vin": [{"txid": each.txid, "vout": each.vout} for each in tx.inputs],
            "vout": [{"scriptpubkey": each.script.hex(), "value": each.amount} for each in tx.outputs],
            "status": {"confirmed": True, "block_height": height, "block_hash": name},
        }

    def _about(self, txid: str, what: str, rest: list[str]) -> Any:
        found = next((each for each in self._all() if each.txid == txid), None)
        if found is None:
            raise NotThereError
        if what == "raw":
            return found.raw
        if what == "status":
            return self._status_of(txid)
        if what == "merkle-proof":
            return self._merkle_proof(txid)
        if what == "outspend":
            return {"spent": any(OutPoint(txid, int(rest[0])) in tx.inputs for tx in self._all())}
        raise NotThereError

    def _merkle_proof(self, txid: str) -> dict[str, Any]:
        for height, _, transactions in self._chain():
            ids = [each.txid for each in transactions]
            if txid in ids:
                level, place, branch = [bytes.fromhex(each)[::-1] for each in ids], ids.index(txid), list[str]()
                at = place
                while len(level) > 1:
                    level += level[-1:] if len(level) % 2 else []
                    branch.append(level[at ^ 1][::-1].hex())
                    level, at = [sha256d(level[i] + level[i + 1]) for i in range(0, len(level), 2)], at // 2
                return {"block_height": height, "merkle": branch, "pos": place}
        raise NotThereError


@contextmanager
def esplora_server(node: CoreRpc) -> Iterator[Esplora]:
    """One that runs on the loopback until the block ends."""
    served = Esplora(node)

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            try:
                self._send(served.answer(self.path.removeprefix("/api/")))
            except NotThereError:
                self._send(404)
            except TooManyError:
                self._send(f"Too many unspent transaction outputs (>{UTXOS_LIMIT}).", 400)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.asked.append("tx")
            try:
                self._send(served.lies["tx"] if "tx" in served.lies else served.send(body))
            except ReinError as error:
                self._send(error.message, 400)

        def _send(self, answer: Any, status: int = 200) -> None:
            if isinstance(answer, int):
                answer, status = b"odd", answer
            text = answer if isinstance(answer, str | bytes) else json.dumps(answer)
            body = text if isinstance(text, bytes) else text.encode()
            self.send(status, body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    with serving(server):
        yield served
