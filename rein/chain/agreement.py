"""Several chain sources as one: they must agree on everything that money depends on.

The rule is one: every source must answer, and say the same. A source that is down, or says otherwise, is named in the
error, and whoever has set it can take it out. To be cheated, all of them must lie alike.

Two allowances, because honest sources see the world at slightly different times: what one has not heard of yet
counts as not there, so the chain ends where the slowest ends (at most MAX_LAG blocks behind the fastest), and a
confirmation counts as deep as the least says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from rein.btc.header import BlockHeader
from rein.btc.merkle import MerkleProof
from rein.btc.networks import Network
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.source import MAX_OUTPUTS, BlockRef, ChainSource, FoundTransaction, Output, largest
from rein.errors import ChainError, InputError, RejectedError

T = TypeVar("T")

MAX_LAG: Final = 3
"""Blocks. Who is further behind than that is not late, but elsewhere."""


@dataclass(frozen=True)
class NamedSource:
    """A source, and what it is called in messages."""

    name: str
    source: ChainSource


@dataclass(frozen=True)
class _Statement:
    """Who said what."""

    name: str
    what: object


class Agreement:
    """A ChainSource over several of one network."""

    def __init__(self, sources: Sequence[NamedSource]) -> None:
        """InputError for none, or of several networks."""
        if len({each.source.network.name for each in sources}) != 1:
            raise InputError("sources agree where there are some, all of one network")
        self._sources = tuple(sources)

    def __repr__(self) -> str:
        return f"Agreement({', '.join(each.name for each in self._sources)})"

    @property
    def network(self) -> Network:
        return self._sources[0].source.network

    def tip(self) -> BlockRef:
        tips = self._ask_all(lambda source: source.tip())
        low, high = min(tip.height for _, tip in tips), max(tip.height for _, tip in tips)
        if high - low > MAX_LAG:
            raise _disagreement("how long the chain is", [_Statement(each.name, tip.height) for each, tip in tips])
        return self.block_at(low)

    def block_at(self, height: int) -> BlockRef:
        return self._same(f"the block at height {height}", lambda source: source.block_at(height))

    def block(self, block_hash: str) -> BlockRef | None:
        found = self._ask_all(lambda source: source.block(block_hash))
        known = [block for _, block in found if block is not None]
        if not known:
            return None
        if len(known) < len(found) and known[0].height > self.tip().height:
            return None  # too new for the slowest
        _require_same(f"block {block_hash}", found)
        return known[0]

    def headers(self, height: int, count: int) -> list[BlockHeader]:
        last = min(self.tip().height, height + count - 1)
        return self._same(
            f"the blocks from height {height} on", lambda source: source.headers(height, max(1, last - height + 1))
        )

    def merkle_proof(self, txid: str, block_hash: str) -> MerkleProof | None:
        """From the first that has it: it proves itself, in a block on which all agree."""
        if self.block(block_hash) is None:
            return None
        return self._first(lambda source: source.merkle_proof(txid, block_hash))

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        tip = self.tip()
        lists = [(each, largest(found)) for each, found in self._ask_all(lambda one: one.unspent_outputs(scripts))]
        shown = [(each, {output.outpoint: output for output in found}, _full(found)) for each, found in lists]
        wanted = {
            each.outpoint: each.script for _, found in lists for each in found if (each.height or 0) <= tip.height
        }
        agreed = []
        for outpoint, script in sorted(wanted.items()):
            said = []
            for each, found, full in shown:
                output = found.get(outpoint)
                if output is None and script in full:  # its list has no room for more
                    output = each.source.unspent_output(outpoint)
                said.append((each, output))
            agreed.append(self._agreed(outpoint, said))
        return [output for output in agreed if output is not None]

    def _agreed(self, outpoint: OutPoint, found: Sequence[tuple[NamedSource, Output | None]]) -> Output | None:
        """What all say of one output of a list.

        Some sources leave out what is spent in the mempool; so those that list it are asked again, more closely."""
        listed = [(each, output) for each, output in found if output is not None]
        if len(listed) < len(found) and all(each.source.unspent_output(outpoint) is None for each, _ in listed):
            return None
        return _least(outpoint, found)

    def unspent_output(self, outpoint: OutPoint) -> Output | None:
        found = self._ask_all(lambda source: source.unspent_output(outpoint))
        known = [output for _, output in found if output is not None]
        if len(known) < len(found) and all(output.confirmations == 0 for output in known):
            return None  # spent or unknown to all, or still on its way to some
        return _least(outpoint, found)

    def transaction(self, txid: str, block_hash: str | None = None) -> Transaction | None:
        """From the first that has it: it hashes to its id."""
        return self._first(lambda source: source.transaction(txid, block_hash))

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        found = self._ask_all(lambda source: source.find_transaction(txid, block_hash))
        block = next((one.block for _, one in found if one is not None and one.block is not None), None)
        if block is None:
            return next((one for _, one in found if one is not None), None)
        # A node without an index finds it only where it is told to look.
        found = [
            (each, one or self._ask(each, lambda source: source.find_transaction(txid, block.hash)))
            for each, one in found
        ]
        known = [one for _, one in found if one is not None]
        least = min(known, key=lambda one: one.confirmations)
        if least.block is None or len(known) < len(found):
            if block.height <= self.tip().height - MAX_LAG:
                raise _disagreement(
                    f"where transaction {txid} is", [_Statement(e.name, o and o.block) for e, o in found]
                )
            return FoundTransaction(least.transaction, None, 0)  # too new for the slowest
        _require_same(f"where transaction {txid} is", [(each, one and one.block) for each, one in found])
        return least

    def broadcast(self, tx: Transaction) -> str:
        """Hand it to all. It is out when one has taken it."""
        errors: list[ChainError] = []
        for each in self._sources:
            try:
                each.source.broadcast(tx)
            except ChainError as error:
                errors.append(error)
        if len(errors) == len(self._sources):
            raise next((error for error in errors if isinstance(error, RejectedError)), errors[0])
        return tx.txid

    def feerate(self, target_blocks: int = 6) -> int | None:
        """The middle one of the estimates, the lower of two: nobody alone can make a payment dear."""
        rates = sorted(
            rate for _, rate in self._ask_all(lambda source: source.feerate(target_blocks)) if rate is not None
        )
        return rates[(len(rates) - 1) // 2] if rates else None

    def _same(self, what: str, question: Callable[[ChainSource], T]) -> T:
        found = self._ask_all(question)
        _require_same(what, found)
        return found[0][1]

    def _first(self, question: Callable[[ChainSource], T | None]) -> T | None:
        return next((one for _, one in self._ask_all(question) if one is not None), None)

    def _ask_all(self, question: Callable[[ChainSource], T]) -> list[tuple[NamedSource, T]]:
        return [(each, self._ask(each, question)) for each in self._sources]

    @staticmethod
    def _ask(each: NamedSource, question: Callable[[ChainSource], T]) -> T:
        try:
            return question(each.source)
        except ChainError as error:
            raise ChainError(
                f"{each.name}: {error.message}",
                hint=error.hint or "all sources that are set must answer: rein config chain remove takes one out",
            ) from error


def _full(outputs: Sequence[Output]) -> frozenset[bytes]:
    """The scripts of which there may be more outputs than a list has room for."""
    counts = Counter(output.script for output in outputs)
    return frozenset(script for script, count in counts.items() if count >= MAX_OUTPUTS)


def _least(outpoint: OutPoint, found: Sequence[tuple[NamedSource, Output | None]]) -> Output | None:
    """The output as all have it, as deep as the least says."""
    known = [output for _, output in found if output is not None]
    facts = [(each, None if one is None else (one.amount, one.script.hex())) for each, one in found]
    _require_same(f"output {outpoint}", facts)
    return min(known, key=lambda output: output.confirmations, default=None)


def _require_same(what: str, found: Sequence[tuple[NamedSource, object]]) -> None:
    if any(one != found[0][1] for _, one in found):
        raise _disagreement(what, [_Statement(each.name, one) for each, one in found])


def _disagreement(what: str, said: Sequence[_Statement]) -> ChainError:
    told = "; ".join(f"{each.name} says {_words(each.what)}" for each in said)
    return ChainError(
        f"the chain sources disagree about {what}: {told}",
        hint="ask again in a minute; if they still disagree, trust none before you know which one is wrong",
    )


def _words(what: object) -> str:
    """A fact in few words."""
    match what:
        case None:
            return "there is none"
        case BlockRef():
            return f"{what.hash} at height {what.height}"
        case (int() as amount, str() as script):
            return f"{amount} satoshis under {script}"
        case list():
            return f"{len(what)} ending in {what[-1].hash}" if what else "none"
        case _:
            return str(what)
