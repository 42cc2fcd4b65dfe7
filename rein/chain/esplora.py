"""Servers that speak Esplora's HTTP API (blockstream.info, mempool.space, or one's own), unproved: see `proved.py`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from rein.btc.amounts import MAX_MONEY
from rein.btc.hashes import sha256
from rein.btc.header import BlockHeader
from rein.btc.merkle import MAX_DEPTH, MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import MAX_WEIGHT, OutPoint, Transaction
from rein.chain.answers import Answer, parse_json, printable
from rein.chain.proved import BlockPosition, ProvedSource, Unspent
from rein.chain.source import MAX_OUTPUTS
from rein.errors import ChainError, InputError, RejectedError
from rein.net.http import Http, HttpError, Limits, Reply

LIMITS: Final = Limits(connect_seconds=10, read_seconds=30, total_seconds=60, answer_bytes=32 * 2**20)
MAX_FEERATE: Final = 1_000_000
_MAX_PAGES: Final = 200
"""Of the history of a script, of 25 transactions each at the public servers."""
_HISTORY_SECONDS: Final = 600
_REFUSED: Final = 400
_KEPT: Final = 20 * MAX_OUTPUTS
"""Outputs that are kept in mind while a history is read, the largest: the rest of it may spend some of them."""
_MAX_KNOWN_HEADERS: Final = 10_000


def open_esplora(url: str, network: Network, *, proxy: str | None = None) -> ProvedSource:
    """A ChainSource over an Esplora server, which believes nothing unproved.

    :param url: such as https://blockstream.info/api
    :param proxy: as in `Http`; without one, a proxy of the environment is used.
    :raises InputError: the address or the proxy is invalid.
    """
    return ProvedSource(Esplora(url, proxy=proxy), network)


@dataclass(frozen=True, order=True)
class _ConfirmedOutput:
    """A confirmed output as the server tells it; they sort by size, the largest first, and by age."""

    minus: int
    height: int
    outpoint: OutPoint
    place: BlockPosition = field(compare=False)


class Esplora:
    """What one server tells. See https://github.com/Blockstream/esplora/blob/master/API.md"""

    def __init__(self, url: str, *, proxy: str | None = None) -> None:
        self._url = _checked_url(url)
        self._http = Http(proxy, environment=True)
        self._headers: dict[str, BlockHeader] = {}

    @property
    def shown(self) -> str:
        return self._url

    def close(self) -> None:
        self._http.close()

    def tip_height(self) -> int:
        return self._number("blocks/tip/height")

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        found: list[BlockHeader] = []
        for each in range(height, height + count):
            block_hash = self._text(f"block-height/{each}")
            if block_hash is None:
                break
            found.append(self._header(Answer(block_hash, f"block-height {each}").hash()))
        return found

    def _header(self, block_hash: str) -> BlockHeader:
        """What is kept under a hash can be kept for good: it has that hash."""
        if block_hash not in self._headers:
            text = self._text(f"block/{block_hash}/header")
            try:
                header = BlockHeader.from_hex(text or "")
            except InputError as error:
                raise ChainError(f"{self._url} has no header of block {block_hash}") from error
            if header.hash != block_hash:
                raise ChainError(f"{self._url} answers with another block than the one asked for")
            if len(self._headers) >= _MAX_KNOWN_HEADERS:
                self._headers.clear()
            self._headers[block_hash] = header
        return self._headers[block_hash]

    def height_of(self, block_hash: str) -> int | None:
        answer = self._json(f"block/{block_hash}/status")
        if answer is None or not answer["in_best_chain"].flag():
            return None
        return answer["height"].height()

    def outpoints(self, scripts: Sequence[bytes]) -> list[tuple[OutPoint, BlockPosition]]:
        found: list[tuple[OutPoint, BlockPosition]] = []
        for script in scripts:
            told = sorted(self._unspent_of(script))[:MAX_OUTPUTS]
            found += [(each.outpoint, each.place) for each in told]
        return found

    def _unspent_of(self, script: bytes) -> list[_ConfirmedOutput]:
        # Electrum's script hash: the hash written backwards.
        path = f"scripthash/{sha256(script)[::-1].hex()}"
        reply = self._exchange("GET", f"{path}/utxo")
        if reply.status == _REFUSED:
            return self._unspent_in_history(path, script.hex())
        answer = self._read_json(f"{path}/utxo", reply)
        told = ((item, _place(item["status"])) for item in answer or ())
        return [_told(item["value"], place, item["txid"], item["vout"]) for item, place in told if place is not None]

    def _unspent_in_history(self, path: str, script: str) -> list[_ConfirmedOutput]:
        """The same from a script's transactions, the newest first: servers list no more than some 500 outputs of a
        script, and anybody can pay in more than that."""
        made: list[_ConfirmedOutput] = []
        spent: set[OutPoint] = set()
        behind, deadline = "", time.monotonic() + _HISTORY_SECONDS
        for _ in range(_MAX_PAGES):
            page = [*(self._json(f"{path}/txs/chain{behind}") or ())]
            if not page:
                return [each for each in made if each.outpoint not in spent]
            for item in page:
                spent |= {_outpoint(each["txid"], each["vout"]) for each in item["vin"]}
                place = _place(item["status"])
                for vout, output in enumerate(item["vout"]):
                    if place is not None and output["scriptpubkey"].text() == script:
                        made.append(_told(output["value"], place, item["txid"], Answer(vout, "vout")))
            made = sorted(each for each in made if each.outpoint not in spent)[:_KEPT]
            behind = f"/{page[-1]['txid'].hash()}"
            if time.monotonic() > deadline:
                break
        raise ChainError(
            f"{self._url} has too many transactions of a script to read them all",
            hint="name a Bitcoin Core of your own, or a causeway server: they find the largest outputs themselves",
        )

    def unspent(self, outpoint: OutPoint) -> Unspent | None:
        answer = self._json(f"tx/{outpoint.txid}/outspend/{outpoint.vout}")
        if answer is None or answer["spent"].flag():
            return None
        return Unspent(self.place(outpoint.txid, None))

    def raw(self, txid: str, block_hash: str | None) -> bytes | None:
        reply = self._get(f"tx/{txid}/raw")
        return None if reply is None or len(reply.body) > MAX_WEIGHT else reply.body

    def place(self, txid: str, block_hash: str | None) -> BlockPosition | None:
        answer = self._json(f"tx/{txid}/status")
        return None if answer is None else _place(answer)

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        answer = self._json(f"tx/{txid}/merkle-proof")
        if answer is None:
            return None
        # Hashes as people write them. The tree is hashed in internal order.
        branch = [bytes.fromhex(item.hash())[::-1] for item in answer["merkle"]]
        try:
            return MerkleProof(txid, answer["pos"].integer(0, 2**MAX_DEPTH), tuple(branch))
        except InputError as error:
            raise ChainError(f"{self._url} gives no proof of transaction {txid}: {error.message}") from error

    def send(self, tx: Transaction) -> str:
        reply = self._exchange("POST", "tx", data=tx.raw.hex().encode(), headers={"Content-Type": "text/plain"})
        text = reply.body[:1000].decode("utf-8", "replace").strip()
        if reply.status == 200:
            return Answer(text, "POST tx").hash()
        if self.raw(tx.txid, None) == tx.raw:
            return tx.txid  # it has it already
        if reply.status == 400:
            raise RejectedError(f"{self._url} refuses the transaction: {printable(text)}")
        raise self._odd("POST tx", reply)

    def feerate(self, target_blocks: int) -> int | None:
        answer = self._json("fee-estimates")
        if answer is None or not isinstance(answer.value, dict):
            return None
        targets = sorted(int(each) for each in answer.value if each.isascii() and each.isdigit() and len(each) < 5)
        for target in [each for each in targets if each <= target_blocks][-1:] or targets[:1]:
            return answer[str(target)].ceiling(1, MAX_FEERATE)
        return None

    def _number(self, path: str) -> int:
        text = self._text(path) or ""
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ChainError(f"{self._url} answers {path} with no number")
        return int(text)

    def _text(self, path: str) -> str | None:
        reply = self._get(path)
        return None if reply is None else reply.body[:1000].decode("utf-8", "replace").strip()

    def _json(self, path: str) -> Answer | None:
        return self._read_json(path, self._exchange("GET", path))

    def _read_json(self, path: str, reply: Reply) -> Answer | None:
        found = self._found(path, reply)
        return None if found is None else Answer(parse_json(found.body, path), f"{self._url} {path}")

    def _get(self, path: str) -> Reply | None:
        return self._found(path, self._exchange("GET", path))

    def _found(self, path: str, reply: Reply) -> Reply | None:
        """The answer; None where there is no such thing."""
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._odd(path, reply)
        return reply

    def _exchange(self, method: str, path: str, **arguments: object) -> Reply:
        try:
            return self._http.exchange(method, self._url + path, LIMITS, **arguments)
        except HttpError as error:
            raise ChainError(f"{self._url} {error.reason}", hint="try again, or name another server") from error

    def _odd(self, path: str, reply: Reply) -> ChainError:
        return ChainError(f"{self._url} answers {path} with HTTP status {reply.status}")


def _told(value: Answer, place: BlockPosition, txid: Answer, vout: Answer) -> _ConfirmedOutput:
    return _ConfirmedOutput(-value.integer(0, MAX_MONEY), place.height, _outpoint(txid, vout), place)


def _outpoint(txid: Answer, vout: Answer) -> OutPoint:
    return OutPoint(txid.hash(), vout.integer(0, 2**32 - 1))


def _place(status: Answer) -> BlockPosition | None:
    if not status["confirmed"].flag():
        return None
    return BlockPosition(status["block_hash"].hash(), status["block_height"].height())


def _checked_url(url: str) -> str:
    """The address with a slash at its end; InputError for anything but http(s), a host, and perhaps a path."""
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, is_plain = urlsplit(""), False
    if not is_plain or parts.scheme not in ("http", "https") or parts.query or parts.fragment or "@" in parts.netloc:
        raise InputError("that is not the address of a server", hint="one looks like https://blockstream.info/api")
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= 300):
        raise InputError("a server's address is up to 300 plain characters")
    return url.rstrip("/") + "/"
