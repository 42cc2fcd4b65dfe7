"""Methods about transactions: sending, finding and proving them, and the mempool."""

from __future__ import annotations

from typing import Final

from rein.btc.amounts import COIN
from rein.btc.merkle import MerkleBlock
from rein.btc.transaction import OutPoint, Transaction
from rein.devnet.acceptance import MISSING_INPUTS, Candidate, fee_for
from rein.devnet.chainstate import Block, is_unspendable
from rein.devnet.journal import block_hash
from rein.devnet.node import Node
from rein.devnet.rpc import params
from rein.devnet.rpc.blocks import find_block
from rein.devnet.rpc.params import Code, RpcError
from rein.devnet.rpc.views import Json, bitcoin, entry_fields, transaction_fields
from rein.errors import InputError, RejectedError

DECODE_FAILED: Final = "TX decode failed. Make sure the tx has at least one input."
DEFAULT_MAX_FEERATE: Final = COIN // 10  # satoshis per 1000 vbytes, Core's guard against fat fingers
MAX_TARGET_BLOCKS: Final = 1008


def _decode(value: object) -> Transaction:
    try:
        return Transaction(params.hex_bytes(value, DECODE_FAILED))
    except InputError as error:
        raise RpcError(Code.DESERIALIZATION_ERROR, DECODE_FAILED) from error


def _max_feerate(value: object) -> int:
    if value is None:
        return DEFAULT_MAX_FEERATE
    rate = params.amount(value)
    if rate >= COIN:
        raise RpcError(Code.INVALID_PARAMETER, "Fee rates larger than or equal to 1BTC/kvB are not accepted")
    return rate


def _is_too_generous(candidate: Candidate, max_feerate: int) -> bool:
    return bool(max_feerate) and candidate.fee > fee_for(max_feerate, candidate.tx.vsize)


def sendrawtransaction(node: Node, hexstring: object, maxfeerate: object = None, maxburnamount: object = 0) -> str:
    tx = _decode(hexstring)
    limit, burnable = _max_feerate(maxfeerate), params.amount(maxburnamount)
    if any(is_unspendable(output.script) and output.amount > burnable for output in tx.outputs):
        raise RpcError(Code.VERIFY_ERROR, "Unspendable output exceeds maximum configured by user (maxburnamount)")
    if tx.txid in node.mempool:
        return tx.txid
    if any(OutPoint(tx.txid, index) in node.chain.coins for index in range(len(tx.outputs))):
        raise RpcError(Code.VERIFY_ALREADY_IN_UTXO_SET, "Transaction outputs already in utxo set")
    try:
        if _is_too_generous(node.examine(tx), limit):
            raise RpcError(Code.VERIFY_ERROR, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
        node.accept(tx)
    except RejectedError as error:
        missing = error.message == MISSING_INPUTS
        raise RpcError(Code.VERIFY_ERROR if missing else Code.VERIFY_REJECTED, error.message) from error
    return tx.txid


def testmempoolaccept(node: Node, rawtxs: object, maxfeerate: object = None) -> list[Json]:  # noqa: PT028 - no test
    raw = params.array(rawtxs)
    if len(raw) != 1:
        raise RpcError(Code.INVALID_PARAMETER, "this node tests one transaction at a time, not packages")
    tx, limit = _decode(raw[0]), _max_feerate(maxfeerate)
    result: Json = {"txid": tx.txid, "wtxid": tx.wtxid}
    try:
        candidate = node.examine(tx)
    except RejectedError as error:
        reason = "missing-inputs" if error.message == MISSING_INPUTS else error.message.partition(", ")[0]
        return [{**result, "allowed": False, "reject-reason": reason, "reject-details": error.message}]
    if _is_too_generous(candidate, limit):
        return [{**result, "allowed": False, "reject-reason": "max-fee-exceeded"}]
    return [{**result, "allowed": True, "vsize": tx.vsize, "fees": {"base": bitcoin(candidate.fee)}}]


def getrawmempool(node: Node, verbose: object = False) -> list[str] | Json:
    if params.boolean(verbose):
        return {entry.tx.txid: entry_fields(node, entry) for entry in node.mempool}
    return [entry.tx.txid for entry in node.mempool]


def getmempoolentry(node: Node, txid: object) -> Json:
    entry = node.mempool.get(params.hash_text(txid, "txid"))
    if entry is None:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, "Transaction not in mempool")
    return entry_fields(node, entry)


def _look_up(node: Node, txid: str, blockhash: object) -> tuple[Transaction, Block | None]:
    if blockhash is not None:
        block = find_block(node, blockhash, "Block hash not found")
        for tx in block.transactions:
            if tx.txid == txid:
                return tx, block
        raise RpcError(
            Code.INVALID_ADDRESS_OR_KEY,
            "No such transaction found in the provided block. Use gettransaction for wallet transactions.",
        )
    entry = node.mempool.get(txid)
    if entry is not None:
        return entry.tx, None
    found = node.chain.find(txid)
    if found is None:
        raise RpcError(
            Code.INVALID_ADDRESS_OR_KEY,
            "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
        )
    return found[1], found[0]


def getrawtransaction(node: Node, txid: object, verbosity: object = 0, blockhash: object = None) -> Json | str:
    wanted = params.hash_text(txid, "parameter 1")
    if any(tx.txid == wanted for tx in node.chain.at(0).transactions):
        raise RpcError(
            Code.INVALID_ADDRESS_OR_KEY,
            "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved",
        )
    tx, block = _look_up(node, wanted, blockhash)
    if params.verbosity(verbosity, 0) <= 0:
        return tx.raw.hex()
    fields = transaction_fields(tx)
    if block is not None:
        if blockhash is not None:
            fields["in_active_chain"] = node.chain.is_active(block)
        fields["blockhash"] = block.hash
        fields["confirmations"] = max(0, node.chain.confirmations(block))
        fields["time"] = fields["blocktime"] = block.time
    return fields


def estimatesmartfee(node: Node, conf_target: object, estimate_mode: object = "economical") -> Json:
    """What Core says on regtest: there is nothing to estimate from."""
    target = params.integer(conf_target)
    if not 1 <= target <= MAX_TARGET_BLOCKS:
        message = f"Invalid conf_target, must be between 1 and {MAX_TARGET_BLOCKS}"
        raise RpcError(Code.INVALID_PARAMETER, message)
    params.text(estimate_mode)
    return {"errors": ["Insufficient data or no feerate found"], "blocks": max(2, target)}


def gettxoutproof(node: Node, txids: object, blockhash: object = None) -> str:
    wanted = {params.hash_text(txid, "txid") for txid in params.array(txids)}
    if not wanted:
        raise RpcError(Code.INVALID_PARAMETER, "Parameter 'txids' cannot be empty")
    if blockhash is not None:
        block = find_block(node, blockhash)
    else:
        found = next((found for txid in sorted(wanted) if (found := node.chain.find(txid))), None)
        if found is None:
            raise RpcError(Code.INVALID_ADDRESS_OR_KEY, "Transaction not yet in block")
        block = found[0]
    if not wanted <= {tx.txid for tx in block.transactions}:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, "Not all transactions found in specified or retrieved block")
    leaves = [bytes.fromhex(tx.txid)[::-1] for tx in block.transactions]
    return MerkleBlock.build(block.header, leaves, {bytes.fromhex(txid)[::-1] for txid in wanted}).serialize().hex()


def verifytxoutproof(node: Node, proof: object) -> list[str]:
    try:
        parsed = MerkleBlock.parse(params.hex_bytes(proof, "proof must be hexadecimal"))
        found = parsed.matches()
    except InputError:
        return []
    block = node.chain.blocks.get(block_hash(parsed.header))
    if block is None or not node.chain.is_active(block):
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, "Block not found in chain")
    return [txid[::-1].hex() for txid in found] if parsed.total == len(block.transactions) else []


METHODS: Final = (
    estimatesmartfee,
    getmempoolentry,
    getrawmempool,
    getrawtransaction,
    gettxoutproof,
    sendrawtransaction,
    testmempoolaccept,
    verifytxoutproof,
)
