"""Proofs about the chain that can be checked without asking anybody, and kept.

A `TransactionProof` says: this transaction is in a block with this much work on top. To forge one costs that work: on
mainnet, about what the blocks would have earned. It does not say that the block is in the best chain (a branch that
lost has work too), nor at what height (the height is the source's word, unless a header is known from elsewhere),
nor that an output is still unspent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rein.btc.header import BlockHeader, check_headers
from rein.btc.merkle import MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import Transaction
from rein.chain.source import MAX_HEADERS, BlockRef, ChainSource
from rein.errors import ChainError, InputError
from rein.net.strict_json import strict_json

PROVED_BLOCKS: Final = 12
"""How many blocks, with its own, are shown on top of a transaction; twice what the largest amounts wait for."""

FORM: Final = "rein transaction proof 1"
_MEMBERS: Final = {"proof", "transaction", "height", "position", "branch", "headers"}


@dataclass(frozen=True)
class Proved:
    """What a proof proves: a transaction under so many blocks (its own counts) that cost so much work, in hashes."""

    txid: str
    block_hash: str
    confirmations: int
    work: int


@dataclass(frozen=True)
class TransactionProof:
    """A transaction, its place in its block, and the headers from that block on. `height` is the source's word."""

    transaction: Transaction
    height: int
    merkle: MerkleProof
    headers: tuple[BlockHeader, ...]

    def check(self, network: Network, known: BlockRef | None = None) -> Proved:
        """What is proved.

        :param known: a block of the best chain, from a source that is trusted; it must be among the headers.
        :raises ChainError: nothing is proved; why not.
        """
        try:
            return self._check(network, known)
        except InputError as error:
            raise ChainError(f"transaction {self.transaction.txid} is not proved: {error.message}") from error

    def _check(self, network: Network, known: BlockRef | None) -> Proved:
        if not 0 < len(self.headers) <= MAX_HEADERS:
            raise InputError(f"a proof has 1 to {MAX_HEADERS} headers")
        work = check_work(network, self.headers, self.height)
        if self.merkle.txid != self.transaction.txid:
            raise InputError("its place is that of another transaction")
        if self.merkle.root() != self.headers[0].merkle_root:
            raise InputError("it is not in the block")
        if known is not None:
            at = known.height - self.height
            if not 0 <= at < len(self.headers) or self.headers[at].hash != known.hash:
                raise InputError(f"block {known.height} of the best chain is not on top of it")
        return Proved(self.transaction.txid, self.headers[0].hash, len(self.headers), work)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads; every member is a text, a number or a list of texts."""
        return {
            "proof": FORM,
            "transaction": self.transaction.raw.hex(),
            "height": self.height,
            "position": self.merkle.position,
            "branch": [each.hex() for each in self.merkle.branch],
            "headers": [each.raw.hex() for each in self.headers],
        }

    @classmethod
    def from_json(cls, value: object) -> TransactionProof:
        """Read what `to_json` wrote, as parsed or as text, and nothing else. That it proves something is for `check`.

        :raises InputError: it is not such an object.
        """
        if isinstance(value, str | bytes):
            try:
                value = strict_json(value.encode() if isinstance(value, str) else value)
            except ValueError as error:
                raise InputError("a transaction proof is a JSON object") from error
        if not isinstance(value, dict) or set(value) != _MEMBERS or value["proof"] != FORM:
            raise InputError(f"that is not a {FORM!r}: one has {', '.join(sorted(_MEMBERS))}")
        headers = [BlockHeader.from_hex(text) for text in _texts(value, "headers", MAX_HEADERS)]
        transaction = Transaction(_bytes(value["transaction"], "transaction"))
        branch = [_bytes(text, "branch") for text in _texts(value, "branch", 64)]
        merkle = MerkleProof(transaction.txid, _number(value, "position"), tuple(branch))
        return cls(transaction, _number(value, "height"), merkle, tuple(headers))


def check_work(network: Network, headers: Sequence[BlockHeader], first_height: int) -> int:
    """That the headers are a chain, each of which cost what a block of the network costs at least; the work in it.

    :raises InputError: they are not.
    """
    work = check_headers(network, headers, first_height)
    for height, header in enumerate(headers, first_height):
        if header.work < network.least_work:
            raise InputError(f"the block at height {height} cost too little work to prove anything")
    return work


def gather_proof(
    chain: ChainSource, txid: str, block_hash: str | None = None, blocks: int = PROVED_BLOCKS
) -> TransactionProof | None:
    """The proof of a confirmed transaction, checked, with up to so many headers; None if it is in no block.

    :param block_hash: its block, for a source that does not know where transactions are.
    :raises ChainError: the source cannot answer, or its answer is not a proof.
    """
    found = chain.find_transaction(txid, block_hash)
    if found is None or found.block is None:
        return None
    merkle = chain.merkle_proof(txid, found.block.hash)
    if merkle is None:
        raise ChainError(f"the chain source has no proof of transaction {txid}")
    headers = chain.headers(found.block.height, blocks)
    proof = TransactionProof(found.transaction, found.block.height, merkle, tuple(headers))
    proof.check(chain.network, found.block)
    return proof


def _texts(value: dict[str, Any], name: str, most: int) -> list[str]:
    found = value[name]
    if not isinstance(found, list) or len(found) > most or not all(isinstance(each, str) for each in found):
        raise InputError(f"the {name} of a transaction proof are a list of up to {most} texts")
    return found


def _number(value: dict[str, Any], name: str) -> int:
    found = value[name]
    if type(found) is not int or not 0 <= found < 2**31:
        raise InputError(f"the {name} of a transaction proof is a whole number")
    return found


def _bytes(text: object, name: str) -> bytes:
    try:
        raw = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        raw = b""
    if not raw or raw.hex() != text:
        raise InputError(f"the {name} of a transaction proof is lower-case hexadecimal")
    return raw
