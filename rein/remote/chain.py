"""The chain as a causeway server's node tells it, unproved: see `rein.chain.proved`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from rein.btc.header import BlockHeader
from rein.btc.merkle import MAX_DEPTH, MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.answers import Answer
from rein.chain.proved import BlockPosition, ProvedSource, Unspent
from rein.chain.source import MAX_OUTPUTS
from rein.errors import ChainError, InputError, RefusedError, RejectedError, RemoteError
from rein.remote.transport import Transport, normal_url

SCAN_SECONDS: Final = 600
"""How long a server may look for unspent outputs. It is asked now and then meanwhile."""
_MAX_PAUSE_S: Final = 30
_SCRIPTS_AT_ONCE: Final = 100
_HEADERS_AT_ONCE: Final = 100


def open_causeway_chain(url: str, network: Network, owner: str, *, proxy: str | None = None) -> ProvedSource:
    """A ChainSource over a causeway server's node, which believes nothing unproved.

    :param owner: the master address of an account on that server.
    :raises InputError: not an address, or not a proxy.
    """
    return ProvedSource(CausewayChain(url, owner, proxy=proxy), network)


class CausewayChain:
    """What one server tells."""

    def __init__(
        self, url: str, owner: str, *, proxy: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = normal_url(url)
        self._owner = owner
        self._transport = Transport(self._url, proxy)
        self._sleep = sleep

    @property
    def shown(self) -> str:
        return self._url

    def close(self) -> None:
        self._transport.close()

    def tip_height(self) -> int:
        return self._answer("getbydepth", depth=0)["height"].height()

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        found: list[BlockHeader] = []
        while len(found) < count:
            asked = min(count - len(found), _HEADERS_AT_ONCE)
            answer = self._unless_unknown("getheaders", height=height + len(found), count=asked)
            page = [self._header(item) for item in answer["headers"]] if answer else []
            found += page[:asked]
            if len(page) < asked:
                break
        return found

    def _header(self, item: Answer) -> BlockHeader:
        try:
            return BlockHeader(item.data())
        except InputError as error:
            raise ChainError(f"{self._url} shows an invalid block header: {error.message}") from error

    def height_of(self, block_hash: str) -> int | None:
        answer = self._unless_unknown("getbyhash", hash=block_hash)
        return None if answer is None else answer["height"].height()

    def outpoints(self, scripts: Sequence[bytes]) -> list[tuple[OutPoint, BlockPosition]]:
        found: list[tuple[OutPoint, BlockPosition]] = []
        for start in range(0, len(scripts), _SCRIPTS_AT_ONCE):
            found += self._scan(scripts[start : start + _SCRIPTS_AT_ONCE])
        return found

    def _scan(self, scripts: Sequence[bytes]) -> list[tuple[OutPoint, BlockPosition]]:
        """One scan of the server's node, told in pages, the largest outputs first."""
        asked = ",".join(script.hex() for script in scripts)
        answer = self._unspent_page(asked, 0)
        total, found = answer["total"].integer(0, MAX_OUTPUTS * len(scripts)), [*map(_unspent, answer["unspent"])]
        while len(found) < total:
            answer = self._unspent_page(asked, len(found))
            page = [*map(_unspent, answer["unspent"])]
            if not page or answer["total"].value != total:
                break
            found += page
        if len(found) != total:
            raise ChainError(f"the outputs changed while {self._url} told them", hint="ask again")
        return found

    def _unspent_page(self, scripts: str, after: int) -> Answer:
        """What the server's node has found, which may take it longer than an answer may."""
        deadline = time.monotonic() + SCAN_SECONDS
        while True:
            try:
                return self._get("getunspent", scripts=scripts, after=after)
            except RefusedError as error:
                if error.reason != "scanning" or time.monotonic() > deadline:
                    raise ChainError(error.message, hint="try again later, or name another source") from error
                self._sleep(min(error.retry_after or 1, _MAX_PAUSE_S))
            except RemoteError as error:
                raise ChainError(error.message) from error

    def unspent(self, outpoint: OutPoint) -> Unspent | None:
        told = self._answer("getoutput", txid=outpoint.txid, vout=outpoint.vout).get("output")
        if told is None:
            return None
        return Unspent(None if told.get("hash") is None else _place(told))

    def raw(self, txid: str, block_hash: str | None) -> bytes | None:
        answer = self._transaction(txid, block_hash)
        return None if answer is None else answer["tx"].long_data()

    def place(self, txid: str, block_hash: str | None) -> BlockPosition | None:
        answer = self._transaction(txid, block_hash)
        if answer is None or answer.get("hash") is None:
            return None
        return _place(answer)

    def _transaction(self, txid: str, block_hash: str | None) -> Answer | None:
        where: dict[str, str | int] = {} if block_hash is None else {"hash": block_hash}
        return self._unless_unknown("gettransaction", txid=txid, **where)

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        answer = self._unless_unknown("getproof", txid=txid, hash=block_hash)
        if answer is None:
            return None
        branch = [bytes.fromhex(item.hash())[::-1] for item in answer["branch"]]
        try:
            return MerkleProof(txid, answer["position"].integer(0, 2**MAX_DEPTH), tuple(branch))
        except InputError as error:
            raise ChainError(f"{self._url} gives no proof of transaction {txid}: {error.message}") from error

    def send(self, tx: Transaction) -> str:
        try:
            return self._get("sendrawtransaction", tx=tx.raw.hex())["txid"].hash()
        except RefusedError as error:
            if error.reason == "transaction_rejected":
                raise RejectedError(error.message) from error
            raise ChainError(error.message) from error
        except RemoteError as error:
            raise ChainError(error.message) from error

    def feerate(self, target_blocks: int) -> int | None:
        rate = self._answer("getfeerate", blocks=target_blocks).get("feerate")
        return None if rate is None else rate.integer(1, 1_000_000)

    def _answer(self, query: str, **parameters: str | int) -> Answer:
        found = self._unless_unknown(query, **parameters)
        if found is None:
            raise ChainError(f"{self._url} knows no such block or transaction")
        return found

    def _unless_unknown(self, query: str, **parameters: str | int) -> Answer | None:
        """The answer; None where the server knows no such block or transaction."""
        try:
            return self._get(query, **parameters)
        except RefusedError as error:
            if error.reason in ("block_not_found", "transaction_not_found"):
                return None
            raise ChainError(error.message, hint=_HINTS.get(error.reason)) from error
        except RemoteError as error:
            raise ChainError(error.message) from error

    def _get(self, query: str, **parameters: str | int) -> Answer:
        asked = {"owner": self._owner, "query": query, **parameters}
        return Answer(self._transport.get("bitcoin", asked), f"{self._url} {query}")


def _unspent(item: Answer) -> tuple[OutPoint, BlockPosition]:
    return OutPoint(item["txid"].hash(), item["vout"].integer(0, 2**32 - 1)), _place(item)


def _place(told: Answer) -> BlockPosition:
    return BlockPosition(told["hash"].hash(), told["height"].height())


_HINTS: Final = {
    "account_required": "ask the server for an account: rein request URL",
    "no_chain": "this server has no node: name another",
}
