"""The chain as a Bitcoin Core node tells it, by JSON-RPC calls. None of them needs a wallet on the node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from rein.btc.amounts import Sat
from rein.btc.block import Block
from rein.btc.header import BlockHeader, check_headers
from rein.btc.merkle import MerkleProof, proof_in_block
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.answers import Answer
from rein.chain.jsonrpc import Endpoint, ErrorObject, JsonRpc
from rein.chain.source import MAX_HEADERS, BlockRef, FoundTransaction, Output
from rein.chain.wallet import WatchWallet
from rein.errors import ChainError, InputError, ReinError, RejectedError

# Bitcoin Core's rpc/protocol.h.
INVALID_ADDRESS_OR_KEY: Final = -5
INVALID_PARAMETER: Final = -8
DESERIALIZATION_ERROR: Final = -22
VERIFY_ERROR: Final = -25
VERIFY_REJECTED: Final = -26
ALREADY_IN_UTXO_SET: Final = -27
IN_WARMUP: Final = -28

_REFUSALS: Final = (DESERIALIZATION_ERROR, VERIFY_ERROR, VERIFY_REJECTED)
_CORE_NAMES: Final = {"mainnet": "main"}  # the other networks have the same name here and there

CORE_TIMEOUT_S: Final = 30.0
"""Seconds for an answer, unless told otherwise."""
SCAN_TIMEOUT: Final = 900.0
"""Seconds for scantxoutset: on mainnet it reads the whole set, and says nothing before it has."""
SATS_PER_KVB: Final = 1000


class CoreRpc:
    """A ChainSource over Bitcoin Core's JSON-RPC.

    `url` looks like http://127.0.0.1:8332; credentials are `user` and `password`, or Core's `cookie_file`.
    `proxy` is as in `Http`. `wallet` names a watch-only descriptor wallet of the node: with it, unspent outputs are
    found by watching scripts (`wallet.py`) instead of by scanning the whole set each time.
    `timeout` is in seconds. At first use the node must prove to be on `network`.
    """

    def __init__(
        self,
        url: str,
        network: Network,
        *,
        user: str | None = None,
        password: str | None = None,
        cookie_file: Path | None = None,
        proxy: str | None = None,
        timeout: float = CORE_TIMEOUT_S,
        wallet: str | None = None,
    ) -> None:
        endpoint = Endpoint.parse(url, user, password)
        self._network = network
        self._rpc = JsonRpc(endpoint, cookie_file=cookie_file, proxy=proxy, timeout=timeout)
        self._wallet = None
        if wallet is not None:
            at_wallet = endpoint.of_wallet(wallet)
            self._wallet = JsonRpc(at_wallet, cookie_file=cookie_file, proxy=proxy, timeout=timeout)
        self._checked = False

    def __repr__(self) -> str:
        return f"CoreRpc({self._rpc.endpoint.shown!r}, {self._network.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections this object opened itself."""
        self._rpc.close()
        if self._wallet is not None:
            self._wallet.close()

    @property
    def network(self) -> Network:
        return self._network

    def call(self, method: str, *params: object) -> Any:
        """The result of any RPC method, parsed with numbers as int or Decimal. ChainError when the node refuses."""
        return self._ask(method, *params).value

    def tip(self) -> BlockRef:
        block = self.block(self._ask("getbestblockhash").hash())
        if block is None:
            raise ChainError(
                "the node does not know its own best block", hint="ask again: the chain may be reorganising"
            )
        return block

    def block_at(self, height: int) -> BlockRef:
        block = self.block(self._hash_at(height))
        if block is None or block.height != height:
            raise ChainError(
                f"the node gives no consistent block at height {height}",
                hint="ask again: the chain may be reorganising",
            )
        return block

    def _hash_at(self, height: int) -> str:
        answer = self._try("getblockhash", height)
        if isinstance(answer, ErrorObject):
            if answer.code == INVALID_PARAMETER:
                raise ChainError(f"the chain has no block at height {height} yet")
            raise self._refusal("getblockhash", answer)
        return answer.hash()

    def block(self, block_hash: str) -> BlockRef | None:
        answer = self._try("getblockheader", block_hash, True)
        if isinstance(answer, ErrorObject):
            if answer.code == INVALID_ADDRESS_OR_KEY:
                return None
            raise self._refusal("getblockheader", answer)
        if answer["confirmations"].integer(-1, 2**31) < 1:  # Core says -1 off the best chain
            return None
        if answer["hash"].hash() != block_hash:
            raise ChainError("the node answers with another block than the one asked for")
        return BlockRef(block_hash, answer["height"].height(), answer["time"].integer(0, 2**32 - 1))

    def read_block(self, block_hash: str) -> Block:
        answer = self._try("getblock", block_hash, 0)
        if isinstance(answer, ErrorObject):
            if answer.code == INVALID_ADDRESS_OR_KEY:
                raise ChainError(f"the node has no block {block_hash}")
            raise self._refusal("getblock", answer)
        try:
            return Block.parse(answer.long_data(), block_hash)
        except InputError as error:
            raise ChainError(f"the node's answer to getblock cannot be used: {error.message}") from error

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        last = min(self.tip().height, height + min(count, MAX_HEADERS) - 1)
        if last < height:
            raise ChainError(f"the chain has no block at height {height} yet")
        return self._in_a_row([self._header(self._hash_at(each)) for each in range(height, last + 1)], height)

    def _header(self, block_hash: str) -> BlockHeader:
        try:
            header = BlockHeader(self._ask("getblockheader", block_hash, False).data())
        except InputError as error:
            raise ChainError(f"the node's header of block {block_hash} is invalid") from error
        if header.hash != block_hash:
            raise ChainError("the node answers with another block than the one asked for")
        return header

    def _in_a_row(self, headers: list[BlockHeader], height: int) -> list[BlockHeader]:
        try:
            check_headers(self._network, headers, height)
        except InputError as error:
            raise ChainError(f"the node's headers do not form a chain: {error.message}", hint="ask again") from error
        return headers

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        answer = self._try("gettxoutproof", [txid], block_hash)
        if isinstance(answer, ErrorObject):
            if answer.code == INVALID_ADDRESS_OR_KEY:
                return None
            raise self._refusal("gettxoutproof", answer)
        try:
            return proof_in_block(answer.data(), txid, block_hash)
        except InputError as error:
            raise ChainError(f"the node's proof of transaction {txid} proves nothing: {error.message}") from error

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        wanted = list(dict.fromkeys(scripts))
        if not wanted:
            return []
        if self._wallet is not None:
            return WatchWallet(self._wallet, self, self._scan).unspent_outputs(wanted)
        return self._scan(wanted)

    def _scan(self, wanted: Sequence[bytes]) -> list[Output]:
        answer = self._ask("scantxoutset", "start", [f"raw({script.hex()})" for script in wanted], timeout=SCAN_TIMEOUT)
        if not answer["success"].flag():
            raise ChainError("the node gave up its scan of unspent outputs")
        tip_height = answer["height"].height()
        return [self._scanned(item, set(wanted), tip_height) for item in answer["unspents"]]

    @staticmethod
    def _scanned(item: Answer, wanted: set[bytes], tip_height: int) -> Output:
        script = item["scriptPubKey"].data()
        if script not in wanted:
            raise ChainError("the node's scan answers with a script nobody asked for")
        height = item["height"].integer(0, tip_height)
        outpoint = OutPoint(item["txid"].hash(), item["vout"].integer(0, 2**32 - 1))
        return Output(outpoint, item["amount"].amount(), script, height, tip_height - height + 1)

    def unspent_output(self, outpoint: OutPoint) -> Output | None:
        answer = self._ask("gettxout", outpoint.txid, outpoint.vout, True)
        if answer.value is None:
            return None
        amount, script = answer["value"].amount(), answer["scriptPubKey"]["hex"].data()
        confirmations = answer["confirmations"].height()
        if confirmations == 0:
            return Output(outpoint, amount, script, None, 0)
        best = self.block(answer["bestblock"].hash())
        if best is None or best.height + 1 < confirmations:
            raise ChainError("the chain moved while asking for an output", hint="ask again")
        return Output(outpoint, amount, script, best.height + 1 - confirmations, confirmations)

    def transaction(self, txid: str, block_hash: str | None = None) -> Transaction | None:
        answer = self._raw_transaction(txid, 0, block_hash)
        return None if answer is None else self._parsed(answer, txid)

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        answer = self._raw_transaction(txid, 1, block_hash)
        if answer is None:
            return None
        transaction = self._parsed(answer["hex"], txid)
        holder = answer.get("blockhash")
        block = None if holder is None else self.block(holder.hash())
        if block is None:
            return FoundTransaction(transaction, None, 0)
        confirmations = answer["confirmations"].height()
        return FoundTransaction(transaction, block, confirmations)

    def _raw_transaction(self, txid: str, verbosity: int, block_hash: str | None) -> Answer | None:
        params = (txid, verbosity) if block_hash is None else (txid, verbosity, block_hash)
        answer = self._try("getrawtransaction", *params)
        if isinstance(answer, ErrorObject):
            # Not in the mempool, and either nowhere or in a block this node has no index for.
            if answer.code == INVALID_ADDRESS_OR_KEY:
                return None
            raise self._refusal("getrawtransaction", answer)
        return answer

    @staticmethod
    def _parsed(answer: Answer, txid: str) -> Transaction:
        try:
            transaction = Transaction(answer.data())
        except ReinError as error:
            raise ChainError(f"the node's transaction {txid} cannot be read") from error
        if transaction.txid != txid:
            raise ChainError(f"the node answers with another transaction than {txid}")
        return transaction

    def broadcast(self, tx: Transaction) -> str:
        txid = tx.txid
        answer = self._try("sendrawtransaction", tx.raw.hex())
        if isinstance(answer, ErrorObject):
            if answer.code == ALREADY_IN_UTXO_SET:
                return txid
            if answer.code not in _REFUSALS:
                raise self._refusal("sendrawtransaction", answer)
            # A transaction whose outputs are all spent again looks to the node like one that spends nothing.
            if self.transaction(txid) is not None:
                return txid
            raise RejectedError(f"the node refuses the transaction: {answer.message}")
        if answer.hash() != txid:
            raise ChainError("the node says it accepted another transaction than the one sent")
        return txid

    def feerate(self, target_blocks: int = 6) -> int | None:
        estimate = self._ask("estimatesmartfee", target_blocks).get("feerate")
        if estimate is None:
            return None
        per_kvb: Sat = estimate.amount()
        return max(1, -(-per_kvb // SATS_PER_KVB))

    def _ask(self, method: str, *params: object, timeout: float | None = None) -> Answer:
        answer = self._try(method, *params, timeout=timeout)
        if isinstance(answer, ErrorObject):
            raise self._refusal(method, answer)
        return answer

    def _try(self, method: str, *params: object, timeout: float | None = None) -> Answer | ErrorObject:
        if not self._checked:
            self._check_network()
            self._checked = True
        return self._rpc.exchange(method, params, timeout)

    @staticmethod
    def _refusal(method: str, fault: ErrorObject) -> ChainError:
        hint = "the node is still starting: try again in a moment" if fault.code == IN_WARMUP else None
        return ChainError(f"the node refuses {method}: {fault.message} ({fault.code})", hint=hint)

    def _check_network(self) -> None:
        """A transaction of one network must never meet the coins of another: the node names its chain first."""
        info = self._rpc.exchange("getblockchaininfo", [])
        if isinstance(info, ErrorObject):
            raise self._refusal("getblockchaininfo", info)
        genesis = self._rpc.exchange("getblockhash", [0])
        if isinstance(genesis, ErrorObject):
            raise self._refusal("getblockhash", genesis)
        chain = info["chain"].text()
        expected = _CORE_NAMES.get(self._network.name, self._network.name)
        if chain != expected or genesis.hash() != self._network.genesis_hash:
            raise ChainError(
                f"the node at {self._rpc.endpoint.shown} is not on {self._network.name}",
                hint="point Rein at a node of the network it is set to, or change the network",
            )
