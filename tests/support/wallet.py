"""Watch-only descriptor wallets in front of a node that has none, as Bitcoin Core's RPC documentation describes them.

The node's own methods are passed on to it. It stands in for Bitcoin Core's wallet only where there is no Bitcoin Core:
with the variable BITCOIND set, the same tests run against the real one.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from rein.btc.descriptor import with_checksum
from rein.chain.core_rpc import CoreRpc
from tests.support.liar import Number, encode
from tests.support.serving import QuietHandler, serving


class WalletError(Exception):
    """A JSON-RPC error: code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Wallets:
    """Wallets by name: each has the time since which it watches each descriptor. `asked` counts wallet methods."""

    node: CoreRpc
    wallets: dict[str, dict[str, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses_imports: bool = False
    url: str = ""

    def call(self, name: str, method: str, params: list[Any]) -> Any:
        if name not in self.wallets:
            raise WalletError(-18, "Requested wallet does not exist or is not loaded")
        self.asked.append(method)
        wallet = self.wallets[name]
        if method == "listdescriptors":
            return {"wallet_name": name, "descriptors": [{"desc": each, "active": False} for each in wallet]}
        if method == "importdescriptors":
            return [self._import(wallet, each) for each in params[0]]
        if method == "listunspent":
            return [self._shown(each) for each in self._unspent(wallet, params)]
        raise WalletError(-32601, "Method not found")

    def _import(self, wallet: dict[str, int], request: dict[str, Any]) -> dict[str, Any]:
        if self.refuses_imports:
            error = {"code": -4, "message": "Cannot import descriptor without private keys to a wallet with them"}
            return {"success": False, "error": error}
        assert with_checksum(request["desc"].partition("#")[0]) == request["desc"], "Core wants the checksum"
        since = request["timestamp"]
        # Core reads blocks from two hours before on; here not even those, so that a wrong time shows.
        wallet[request["desc"]] = self.node.tip().time + 1 if since == "now" else since
        return {"success": True}

    def _unspent(self, wallet: dict[str, int], params: list[Any]) -> list[Any]:
        least, most, addresses, unsafe = params
        assert (least, addresses, unsafe) == (1, [], True)
        found = []
        for descriptor, since in wallet.items():
            script = bytes.fromhex(descriptor.partition("(")[2].partition(")")[0])
            for output in self.node.unspent_outputs([script]):
                is_seen = output.height is not None and self.node.block_at(output.height).time >= since
                if is_seen and output.confirmations <= most and self.node.unspent_output(output.outpoint):
                    found.append(output)
        return found

    @staticmethod
    def _shown(output: Any) -> dict[str, Any]:
        return {
            "txid": output.outpoint.txid,
            "vout": output.outpoint.vout,
            "scriptPubKey": output.script.hex(),
            "amount": Number(f"{output.amount // 10**8}.{output.amount % 10**8:08d}"),
            "confirmations": output.confirmations,
            "spendable": True,
            "solvable": False,
            "safe": True,
        }


@contextmanager
def wallet_server(node: CoreRpc) -> Iterator[Wallets]:
    """One that runs on the loopback until the block ends. `node` is nobody else's."""
    served = Wallets(node)

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self.path.startswith("/wallet/"):
                self.send(*self._pass_on(body))
                return
            request = json.loads(body)
            answer: dict[str, Any] = {"result": None, "error": None, "id": request["id"]}
            try:
                answer["result"] = served.call(self.path.removeprefix("/wallet/"), request["method"], request["params"])
            except WalletError as error:
                answer["error"] = {"code": error.code, "message": error.message}
            self.send(500 if answer["error"] else 200, encode(answer).encode())

        def _pass_on(self, body: bytes) -> tuple[int, bytes]:
            headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
            request = urllib.request.Request(node._rpc.endpoint.url, body, headers)
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return 200, response.read()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield served
