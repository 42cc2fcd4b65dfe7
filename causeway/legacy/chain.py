"""GET and POST /bitcoin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeVar

from flask import Blueprint, Response

from causeway.api.operations import operation, read_query
from causeway.api.rates import charge_address
from causeway.api.responses import success
from causeway.api.shapes import Address, Choice, Doc, Integer, Synonyms, Text, as_json
from causeway.chain.service import MAX_TRANSACTION_BYTES, Node
from causeway.errors import AccountRequiredError, MissingParameterError
from causeway.hosting import service as hosting
from causeway.services import services
from rein.btc.transaction import OutPoint
from rein.chain.source import MAX_OUTPUTS, BlockRef, Output
from rein.protocol.limits import MAX_HEIGHT

T = TypeVar("T")

views = Blueprint("legacy_chain", __name__)

MAX_SCRIPTS = 100
MAX_SCRIPT_DIGITS = 2 * 42
"""The longest segwit script has 42 bytes, the oldest address's 25."""
PAGE = 500
"""Outputs in one answer. Strangers decide how many there are."""
MAX_HEADERS = 100
DEFAULT_TARGET = 6
SCAN_COST = 10
"""A scan counts as so many writes of the address that asks for it."""

_HASH = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(rf"([0-9a-fA-F]{{2}}){{10,{MAX_TRANSACTION_BYTES}}}")
_SCRIPT = rf"([0-9a-f]{{2}}){{1,{MAX_SCRIPT_DIGITS // 2}}}"
_SCRIPTS = re.compile(rf"{_SCRIPT}(,{_SCRIPT}){{0,{MAX_SCRIPTS - 1}}}")

HASH = Text(64, 64, _HASH, "64 lower-case hex digits")


class ChainQuery(Enum):
    """What can be asked."""

    BY_DEPTH = "getbydepth"
    BY_HEIGHT = "getbyheight"
    BY_HASH = "getbyhash"
    HEADERS = "getheaders"
    UNSPENT = "getunspent"
    OUTPUT = "getoutput"
    TRANSACTION = "gettransaction"
    PROOF = "getproof"
    FEERATE = "getfeerate"
    SEND = "sendrawtransaction"


@dataclass(frozen=True, kw_only=True)
class BitcoinRequest:
    """The parameters of the query must be there, too."""

    owner: Annotated[str, Address(), Synonyms(("address",))]
    query: Annotated[ChainQuery, Choice(ChainQuery)]
    depth: Annotated[int | None, Integer(0, MAX_HEIGHT)] = None
    height: Annotated[int | None, Integer(0, MAX_HEIGHT)] = None
    hash: Annotated[str | None, HASH, Doc("Of a block.")] = None
    count: Annotated[int | None, Integer(1, MAX_HEADERS), Doc("How many headers, from `height` on.")] = None
    scripts: Annotated[
        str | None,
        Text(MAX_SCRIPTS * (MAX_SCRIPT_DIGITS + 1), 2, _SCRIPTS, f"up to {MAX_SCRIPTS} scripts in hex, between commas"),
        Doc("Whose outputs are looked for: their scriptPubKeys in hex, between commas."),
    ] = None
    after: Annotated[
        int | None, Integer(0, MAX_SCRIPTS * MAX_OUTPUTS), Doc("How many of the largest outputs you have already.")
    ] = None
    txid: Annotated[str | None, HASH, Doc("Of a transaction.")] = None
    vout: Annotated[int | None, Integer(0, 2**32 - 1), Doc("The index of an output.")] = None
    blocks: Annotated[int | None, Integer(1, 1008), Doc("Within how many blocks it should confirm.")] = None
    tx: Annotated[str | None, Text(2 * MAX_TRANSACTION_BYTES, 20, _HEX, "a transaction in hex"), Doc("In hex.")] = None


@dataclass(frozen=True, kw_only=True)
class UnspentOutput:
    """An output as the node tells it. A client that does not trust the server reads amounts and scripts in `tx`."""

    txid: str
    vout: int
    amount_sat: int
    script: str
    height: Annotated[int | None, Doc("Of its block; null while it waits for one.")]
    hash: Annotated[str | None, Doc("Of its block.")] = None


@dataclass(frozen=True, kw_only=True)
class BitcoinAnswer:
    """The members that the query asks for."""

    status: str
    result: str
    height: int | None = None
    hash: str | None = None
    time: int | None = None
    txid: str | None = None
    headers: Annotated[list[str] | None, Doc("80 bytes each, in hex.")] = None
    unspent: Annotated[
        list[UnspentOutput] | None,
        Doc(f"The largest first: up to {PAGE} behind `after`, of each script the {MAX_OUTPUTS} largest."),
    ] = None
    total: Annotated[int | None, Doc("How many outputs all pages have together.")] = None
    output: Annotated[UnspentOutput | None, Doc("Null if it is spent, or unknown.")] = None
    tx: Annotated[str | None, Doc("In hex.")] = None
    position: Annotated[int | None, Doc("The transaction's place in its block.")] = None
    branch: Annotated[list[str] | None, Doc("The hashes beside its path to the Merkle root.")] = None
    feerate: Annotated[int | None, Doc("Satoshis per virtual byte; null without an estimate.")] = None


@views.route("/bitcoin", methods=["GET", "POST"])
@operation(takes=BitcoinRequest, answers=BitcoinAnswer, in_query=True)
def bitcoin() -> Response:
    """What the server's node says of the chain, or a transaction sent: owner, query, and the query's parameters."""
    asked = read_query(BitcoinRequest)
    with services().database.reading() as connection:
        if not hosting.live_buckets(connection, asked.owner):
            raise AccountRequiredError("Account required to use Bitcoin Core", hint="GET /request gives one.")
    return success(_ANSWERS[asked.query](services().node, asked))


def _block_by_depth(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    return shown(node.by_depth(_needed("depth", asked.depth)))


def _block_by_height(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    return shown(node.by_height(_needed("height", asked.height)))


def _block_by_hash(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    return shown(node.by_hash(_needed("hash", asked.hash)))


def _headers(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    headers = node.headers(_needed("height", asked.height), _needed("count", asked.count))
    return {"headers": [each.raw.hex() for each in headers]}


def _unspent(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    text, after = _needed("scripts", asked.scripts), asked.after or 0
    charge_address(SCAN_COST)
    found = node.unspent(frozenset(bytes.fromhex(each) for each in text.split(",")))
    return {"unspent": _shown_outputs(node, found[after : after + PAGE]), "total": len(found)}


def _output(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    found = node.output(OutPoint(_needed("txid", asked.txid), _needed("vout", asked.vout)))
    return {"output": None if found is None else _shown_outputs(node, [found])[0]}


def _shown_outputs(node: Node, outputs: Sequence[Output]) -> list[object]:
    heights = {each.height for each in outputs if each.height is not None}
    hashes = {height: node.by_height(height).hash for height in heights}
    shown = [
        UnspentOutput(
            txid=each.outpoint.txid,
            vout=each.outpoint.vout,
            amount_sat=each.amount,
            script=each.script.hex(),
            height=each.height,
            hash=None if each.height is None else hashes[each.height],
        )
        for each in outputs
    ]
    return [as_json(each) for each in shown]


def _transaction(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    found = node.transaction(_needed("txid", asked.txid), asked.hash)
    return {"tx": found.transaction.raw.hex(), **(shown(found.block) if found.block else {})}


def _proof(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    proof = node.proof(_needed("txid", asked.txid), _needed("hash", asked.hash))
    return {"position": proof.position, "branch": [each[::-1].hex() for each in proof.branch]}


def _feerate(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    return {"feerate": node.feerate(asked.blocks or DEFAULT_TARGET)}


def _send(node: Node, asked: BitcoinRequest) -> dict[str, object]:
    return {"txid": node.send(_needed("tx", asked.tx))}


_ANSWERS: Mapping[ChainQuery, Callable[[Node, BitcoinRequest], dict[str, object]]] = {
    ChainQuery.BY_DEPTH: _block_by_depth,
    ChainQuery.BY_HEIGHT: _block_by_height,
    ChainQuery.BY_HASH: _block_by_hash,
    ChainQuery.HEADERS: _headers,
    ChainQuery.UNSPENT: _unspent,
    ChainQuery.OUTPUT: _output,
    ChainQuery.TRANSACTION: _transaction,
    ChainQuery.PROOF: _proof,
    ChainQuery.FEERATE: _feerate,
    ChainQuery.SEND: _send,
}


def last_block() -> dict[str, object] | None:
    """The last block as the server's node knows it, for answers that carry it; None without one."""
    tip = services().node.tip()
    return None if tip is None else shown(tip)


def shown(block: BlockRef) -> dict[str, object]:
    """A block as legacy clients know it."""
    return {"height": block.height, "hash": block.hash, "time": block.time}


def _needed(name: str, value: T | None) -> T:
    if value is None:
        raise MissingParameterError(f"the parameter {name!r} is missing")
    return value
