"""A chain source made of a server nobody trusts: what it tells counts as far as it can be proved.

    a transaction            hashes to its id
    an amount, a script      are read in that transaction, whatever the server says of them
    a confirmation           by a Merkle proof, in a block that has the work of the network's blocks, under others
    a broadcast              is for the network to accept or refuse

What cannot be proved is the server's word: that the chain shown is the best one, that a block lies at a height, that
an output is still unspent, that there are no others. Against that, ask two (`agreement.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.proofs import PROVED_BLOCKS, TransactionProof, check_work
from rein.chain.source import MAX_HEADERS, MAX_OUTPUTS, BlockRef, FoundTransaction, Output
from rein.errors import ChainError, InputError


@dataclass(frozen=True)
class BlockPosition:
    """The block that a server says a transaction is in."""

    block_hash: str
    height: int


@dataclass(frozen=True)
class Unspent:
    """An output of which a server says that nobody spends it; `place` is None while it waits in the mempool."""

    place: BlockPosition | None


class UnprovedSource(Protocol):
    """What a server tells, unproved. Every method raises ChainError without a well-formed answer."""

    @property
    def shown(self) -> str:
        """The server's address, for messages."""
        ...

    def close(self) -> None: ...

    def tip_height(self) -> int: ...

    def headers(self, height: int, count: int) -> list[BlockHeader]: ...

    def height_of(self, block_hash: str) -> int | None:
        """The height of a block of the best chain; None for any other."""
        ...

    def outpoints(self, scripts: Sequence[bytes]) -> list[tuple[OutPoint, BlockPosition]]:
        """The confirmed unspent outputs of the scripts: of each the MAX_OUTPUTS largest, by what the server says of
        their amounts."""
        ...

    def unspent(self, outpoint: OutPoint) -> Unspent | None:
        """Whether an output is unspent, mempool included, and where it is."""
        ...

    def raw(self, txid: str, block_hash: str | None) -> bytes | None: ...

    def place(self, txid: str, block_hash: str | None) -> BlockPosition | None:
        """Where a transaction is confirmed; None if it is not."""
        ...

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None: ...

    def send(self, tx: Transaction) -> str: ...

    def feerate(self, target_blocks: int) -> int | None: ...


class ProvedSource:
    """A ChainSource over what a server tells, each fact of which is checked as the module says."""

    def __init__(self, unproved: UnprovedSource, network: Network) -> None:
        self._unproved = unproved
        self._network = network
        self._checked = False
        self._runs: dict[str, tuple[BlockHeader, ...]] = {}
        self._runs_of: str | None = None

    def __repr__(self) -> str:
        return f"ProvedSource({self._unproved.shown!r}, {self._network.name})"

    def close(self) -> None:
        """Close the connections."""
        self._unproved.close()

    @property
    def network(self) -> Network:
        return self._network

    def tip(self) -> BlockRef:
        return self.block_at(self._ask().tip_height())

    def block_at(self, height: int) -> BlockRef:
        header = self.headers(height, 1)[0]
        return BlockRef(header.hash, height, header.time)

    def block(self, block_hash: str) -> BlockRef | None:
        height = self._ask().height_of(block_hash)
        if height is None:
            return None
        found = self.block_at(height)
        return found if found.hash == block_hash else None

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        headers = self._ask().headers(height, min(count, MAX_HEADERS))
        if not 0 < len(headers) <= count:
            raise ChainError(f"{self._unproved.shown} has no block at height {height}")
        try:
            check_work(self._network, headers, height)
        except InputError as error:
            raise ChainError(f"{self._unproved.shown} shows invalid blocks: {error.message}") from error
        return headers

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        proof = self._ask().merkle_proof(txid, block_hash)
        block = self.block(block_hash)
        if proof is None or block is None:
            return None
        try:
            is_right = proof.txid == txid and proof.root() == self.headers(block.height, 1)[0].merkle_root
        except InputError as error:
            raise self._lie(f"its proof of transaction {txid} is invalid: {error.message}") from error
        if not is_right:
            raise self._lie(f"its proof of transaction {txid} leads elsewhere")
        return proof

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        wanted = list(dict.fromkeys(scripts))
        if not wanted:
            return []
        tip = self.tip()
        told = dict(self._ask().outpoints(wanted))
        if len(told) > MAX_OUTPUTS * len(wanted):
            raise ChainError(f"{self._unproved.shown} lists more than {MAX_OUTPUTS} outputs of a script")
        # One transaction may have made many of them.
        made = {(outpoint.txid, place) for outpoint, place in told.items()}
        proved = {
            (txid, place): self._prove(self._transaction(txid, place.block_hash), place, tip) for txid, place in made
        }
        found = [self._output(proved[outpoint.txid, place], outpoint) for outpoint, place in told.items()]
        for output in found:
            if output.script not in wanted:
                raise self._lie(f"{output.outpoint} pays to a script that nobody asked for")
        return found

    def unspent_output(self, outpoint: OutPoint) -> Output | None:
        told = self._ask().unspent(outpoint)
        if told is None:
            return None
        transaction = self.transaction(outpoint.txid, told.place.block_hash if told.place else None)
        if transaction is None:
            return None
        if told.place is None:
            return self._output(FoundTransaction(transaction, None, 0), outpoint)
        return self._output(self._prove(transaction, told.place, self.tip()), outpoint)

    def _output(self, found: FoundTransaction, outpoint: OutPoint) -> Output:
        if outpoint.vout >= len(found.transaction.outputs):
            raise self._lie(f"there is no output {outpoint}")
        output = found.transaction.outputs[outpoint.vout]
        height = found.block.height if found.block else None
        return Output(outpoint, output.amount, output.script, height, found.confirmations)

    def transaction(self, txid: str, block_hash: str | None = None) -> Transaction | None:
        raw = self._ask().raw(txid, block_hash)
        if raw is None:
            return None
        try:
            transaction = Transaction(raw)
        except InputError as error:
            raise self._lie(f"its transaction {txid} cannot be read") from error
        if transaction.txid != txid:
            raise self._lie(f"it answers with another transaction than {txid}")
        return transaction

    def _transaction(self, txid: str, block_hash: str) -> Transaction:
        found = self.transaction(txid, block_hash)
        if found is None:
            raise self._lie(f"it has no transaction {txid}, of which it says that it has an unspent output")
        return found

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        transaction = self.transaction(txid, block_hash)
        if transaction is None:
            return None
        place = self._ask().place(txid, block_hash)
        if place is None or (block_hash is not None and place.block_hash != block_hash):
            return FoundTransaction(transaction, None, 0)
        return self._prove(transaction, place, self.tip())

    def _prove(self, transaction: Transaction, place: BlockPosition, tip: BlockRef) -> FoundTransaction:
        """The transaction in its block, under all blocks up to the tip, or under PROVED_BLOCKS of them."""
        confirmations = tip.height - place.height + 1
        if confirmations < 1:
            raise self._moved()
        run = self._run(place, tip)
        is_whole = len(run) == min(confirmations, PROVED_BLOCKS)
        if not is_whole or run[0].hash != place.block_hash:
            raise self._moved()
        if len(run) == confirmations and run[-1].hash != tip.hash:
            raise self._moved()
        merkle = self._ask().merkle_proof(transaction.txid, place.block_hash)
        if merkle is None:
            raise self._lie(f"it says that transaction {transaction.txid} is confirmed, and does not prove it")
        TransactionProof(transaction, place.height, merkle, run).check(self._network)
        return FoundTransaction(transaction, BlockRef(run[0].hash, place.height, run[0].time), confirmations)

    def _run(self, place: BlockPosition, tip: BlockRef) -> tuple[BlockHeader, ...]:
        """The headers from a block on; asked for once as long as the tip stays the same."""
        if self._runs_of != tip.hash:
            self._runs, self._runs_of = {}, tip.hash
        if place.block_hash not in self._runs:
            count = min(tip.height - place.height + 1, PROVED_BLOCKS)
            self._runs[place.block_hash] = tuple(self.headers(place.height, count))
        return self._runs[place.block_hash]

    def broadcast(self, tx: Transaction) -> str:
        txid = self._ask().send(tx)
        if txid != tx.txid:
            raise self._lie("it says it took another transaction than the one sent")
        return txid

    def feerate(self, target_blocks: int = 6) -> int | None:
        return self._ask().feerate(target_blocks)

    def _ask(self) -> UnprovedSource:
        """The server, once it has shown the first block of the network: coins of two networks must never meet."""
        if not self._checked:
            first = self._unproved.headers(0, 1)
            if [each.hash for each in first] != [self._network.genesis_hash]:
                raise ChainError(
                    f"{self._unproved.shown} is not on {self._network.name}",
                    hint="name a server of the network Rein is set to, or change the network",
                )
            self._checked = True
        return self._unproved

    def _lie(self, what: str) -> ChainError:
        return ChainError(f"{self._unproved.shown} cannot be believed: {what}")

    def _moved(self) -> ChainError:
        return ChainError(
            f"{self._unproved.shown} contradicts itself about a block", hint="ask again: the chain may be reorganising"
        )
