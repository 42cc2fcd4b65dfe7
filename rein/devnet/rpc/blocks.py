"""Methods about blocks: reading them, mining them, handing them in, taking them back."""

from __future__ import annotations

from typing import Any, Final

from rein.btc.address import script_of_address
from rein.btc.networks import REGTEST
from rein.devnet.chainstate import Block
from rein.devnet.mining import BITS, TARGET
from rein.devnet.node import Node
from rein.devnet.rpc import params
from rein.devnet.rpc.params import Code, RpcError
from rein.devnet.rpc.views import DIFFICULTY, Json, bitcoin, chainwork, header_fields, transaction_fields
from rein.errors import ChainError, InputError, NotFoundError

MAX_MINED_AT_ONCE: Final = 10_000


def getblockchaininfo(node: Node) -> Json:
    tip = node.chain.tip
    return {
        "chain": "regtest",
        "blocks": tip.height,
        "headers": tip.height,
        "bestblockhash": tip.hash,
        "bits": f"{BITS:08x}",
        "target": f"{TARGET:064x}",
        "difficulty": DIFFICULTY,
        "time": tip.time,
        "mediantime": tip.median_time,
        "verificationprogress": 1,
        "initialblockdownload": tip.height == 0,
        "chainwork": chainwork(tip),
        "size_on_disk": sum(len(block.raw) for block in node.chain.blocks.values()),
        "pruned": False,
        "warnings": [],
    }


def getblockcount(node: Node) -> int:
    return node.chain.height


def getbestblockhash(node: Node) -> str:
    return node.chain.tip.hash


def getblockhash(node: Node, height: object) -> str:
    wanted = params.integer(height)
    if not 0 <= wanted <= node.chain.height:
        raise RpcError(Code.INVALID_PARAMETER, "Block height out of range")
    return node.chain.active[wanted]


def find_block(node: Node, blockhash: object, missing: str = "Block not found") -> Block:
    block = node.chain.blocks.get(params.hash_text(blockhash, "blockhash"))
    if block is None:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, missing)
    return block


def getblockheader(node: Node, blockhash: object, verbose: object = True) -> Json | str:
    block = find_block(node, blockhash)
    return header_fields(node, block) if params.boolean(verbose) else block.header.hex()


def getblock(node: Node, blockhash: object, verbosity: object = 1) -> Json | str:
    block = find_block(node, blockhash)
    level = params.verbosity(verbosity, 1)
    if level <= 0:
        return block.raw.hex()
    stripped = sum(len(tx.unsigned_raw) for tx in block.transactions)
    overhead = len(block.raw) - sum(len(tx.raw) for tx in block.transactions)
    transactions: list[Any] = [tx.txid for tx in block.transactions]
    if level > 1:
        transactions = [transaction_fields(tx) for tx in block.transactions]
    return {
        **header_fields(node, block),
        "strippedsize": overhead + stripped,
        "size": len(block.raw),
        "weight": 3 * (overhead + stripped) + len(block.raw),
        "tx": transactions,
    }


def generatetoaddress(node: Node, nblocks: object, address: object, maxtries: object = 1_000_000) -> list[str]:
    params.integer(maxtries)
    count = params.integer(nblocks)
    try:
        script = script_of_address(params.text(address), REGTEST)
    except InputError:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, "Error: Invalid address") from None
    if not 0 <= count <= MAX_MINED_AT_ONCE:
        raise RpcError(Code.INVALID_PARAMETER, f"nblocks must be between 0 and {MAX_MINED_AT_ONCE}")
    try:
        return node.mine(count, script)
    except ChainError as error:
        raise RpcError(Code.MISC_ERROR, "; ".join(filter(None, (error.message, error.hint)))) from error


def submitblock(node: Node, hexdata: object, dummy: object = None) -> str | None:
    raw = params.hex_bytes(hexdata, "Block decode failed")
    try:
        return node.submit_block(raw)
    except InputError as error:
        raise RpcError(Code.DESERIALIZATION_ERROR, error.message) from error


def invalidateblock(node: Node, blockhash: object) -> None:
    name = params.hash_text(blockhash, "blockhash")
    try:
        node.invalidate(name)
    except NotFoundError as error:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, error.message) from error
    except InputError as error:
        raise RpcError(Code.INVALID_PARAMETER, error.message) from error


def reconsiderblock(node: Node, blockhash: object) -> None:
    try:
        node.reconsider(params.hash_text(blockhash, "blockhash"))
    except NotFoundError as error:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, error.message) from error


def gettxoutsetinfo(node: Node, hash_type: object = "none") -> Json:
    if hash_type != "none":
        raise RpcError(Code.INVALID_PARAMETER, "this node knows the hash type 'none' only")
    chain = node.chain
    return {
        "height": chain.height,
        "bestblock": chain.tip.hash,
        "txouts": len(chain.coins),
        "transactions": len({outpoint.txid for outpoint in chain.coins}),
        "total_amount": bitcoin(chain.total()),
    }


METHODS: Final = (
    getbestblockhash,
    getblock,
    getblockchaininfo,
    getblockcount,
    getblockhash,
    getblockheader,
    gettxoutsetinfo,
    generatetoaddress,
    invalidateblock,
    reconsiderblock,
    submitblock,
)
