"""Seeing on the chain who has paid, and who has paid no longer.

A look asks the node for the unspent outputs of all addresses that were ever given out, and for what became of the
outputs that were there before: one that the operator has spent since is still in its block. All questions are asked
outside of transactions; what follows from an answer is one transaction, under the owner's lock, and happens once
however often it is told. A look that was cut short, or met a chain in motion, is made good by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, insert, select, update

from causeway.accounts import service as accounts
from causeway.db.engine import Database
from causeway.payments import ledger
from causeway.payments.models import deposit, receipt
from causeway.payments.orders import settle
from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.chain.source import BlockRef, ChainSource, Output

log = logging.getLogger(__name__)

SCRIPTS_A_SCAN = 5_000
CLOCK_TOLERANCE_S = 7_200
"""How far the time in a block may be from that of day."""

FINAL_DEPTH = 144
"""Confirmations after which a receipt is asked about no more: a day of blocks."""


@dataclass(frozen=True)
class Deposit:
    """An address that was given out, at a time in seconds since 1970."""

    id: int
    owner: str
    created: float


@dataclass(frozen=True)
class Receipt:
    """A payment to one: what is known of it, or what it is to be."""

    outpoint: OutPoint
    deposit: Deposit
    amount: Sat
    block: tuple[str, int] | None
    """Hash and height of the block it is in; None once it left the chain."""
    credited: bool
    final: bool


class Watcher:
    """Brings the ledger up to date with the chain. `price` is that of today, 0 if nothing is for sale."""

    def __init__(self, database: Database, chain: ChainSource, *, confirmations: int, price: Sat) -> None:
        self._database = database
        self._chain = chain
        self._confirmations = confirmations
        self._price = price
        self._done: str | None = None

    def look(self) -> int:
        """Look once, unless the chain is as it was at the last look; how many receipts have changed.

        :raises ChainError: the node cannot answer. Nothing is lost: the next look asks again.
        :raises ApiError: the database is busy or gone, likewise.
        """
        tip = self._chain.tip()
        if tip.hash == self._done:
            return 0
        with self._database.reading() as connection:
            deposits = _load_deposits(connection)
            known = _load_receipts(connection, deposits.values())
        sight = _Sight(self._chain, tip)
        now = list(self._sightings(sight, deposits, known))
        changed = 0
        for before, after in now:
            if before != after:
                self._database.write(partial(self._apply, before, after))
                changed += 1
        if not sight.blurred:
            self._done = tip.hash
        return changed

    def _sightings(
        self, sight: _Sight, deposits: Mapping[bytes, Deposit], known: dict[OutPoint, Receipt]
    ) -> Iterator[tuple[Receipt | None, Receipt]]:
        """What each receipt was, and what it is now."""
        scripts = list(deposits)
        for start in range(0, len(scripts), SCRIPTS_A_SCAN):
            for output in self._chain.unspent_outputs(scripts[start : start + SCRIPTS_A_SCAN]):
                before = known.pop(output.outpoint, None)
                if before is not None and before.final:
                    continue
                block = sight.block_of_output(output, before, deposits[output.script])
                if block is not None:
                    yield before, self._judged(before, output, deposits[output.script], block, sight.tip)
        for before in known.values():
            if not before.final:
                block = sight.block_of_spent(before)
                yield before, self._judged_again(before, block, sight.tip)

    def _judged(
        self, before: Receipt | None, output: Output, paid: Deposit, block: tuple[str, int], tip: BlockRef
    ) -> Receipt:
        first = before or Receipt(output.outpoint, paid, output.amount, None, False, False)
        return self._judged_again(first, block, tip)

    def _judged_again(self, before: Receipt, block: tuple[str, int] | None, tip: BlockRef) -> Receipt:
        depth = 0 if block is None else tip.height - block[1] + 1
        # Once credited it stays so while it is on the chain, even if a reorganisation moved it up a block.
        credited = block is not None and (before.credited or depth >= self._confirmations)
        return Receipt(
            before.outpoint, before.deposit, before.amount, block, credited, credited and depth >= FINAL_DEPTH
        )

    def _apply(self, before: Receipt | None, after: Receipt, connection: Connection) -> None:
        """Write down what a receipt is now, and what follows from it."""
        accounts.lock(connection, after.deposit.owner)
        values = {
            "block_hash": after.block[0] if after.block else None,
            "height": after.block[1] if after.block else None,
            "credited": after.credited,
            "final": after.final,
        }
        mine = (receipt.c.txid == after.outpoint.txid) & (receipt.c.vout == after.outpoint.vout)
        was_credited = connection.scalar(select(receipt.c.credited).where(mine).with_for_update())
        if was_credited is None:
            connection.execute(
                insert(receipt).values(
                    txid=after.outpoint.txid,
                    vout=after.outpoint.vout,
                    deposit_id=after.deposit.id,
                    amount_sat=after.amount,
                    **values,
                )
            )
        else:
            connection.execute(update(receipt).where(mine).values(**values))
        if after.credited == bool(was_credited):
            return
        move = ledger.credit_deposit if after.credited else ledger.reverse_deposit
        memo = f"{'receipt' if after.credited else 'left the chain:'} {after.outpoint.txid}:{after.outpoint.vout}"
        move(connection, after.deposit.owner, after.amount, memo)
        settle(connection, after.deposit.owner, self._price)


class _Sight:
    """Where transactions are, asking about each block once. `blurred`: an answer contradicted another, because the
    chain changed in between; so nothing follows from it, and somebody must look again."""

    def __init__(self, chain: ChainSource, tip: BlockRef) -> None:
        self.tip = tip
        self.blurred = False
        self._chain = chain
        self._blocks: dict[str, BlockRef | None] = {tip.hash: tip}

    def block_of_output(self, output: Output, before: Receipt | None, paid: Deposit) -> tuple[str, int] | None:
        """The block of an output that is there now; None also for one that is older than the address is here.

        Where an operator begins anew with a key that was in use, the wallet's old coins are nobody's payment."""
        if before is not None and before.block is not None and self._is_on_chain(before.block):
            return before.block
        if output.height is None or output.height > self.tip.height:
            self.blurred = True
            return None
        block = self._chain.block_at(output.height)
        if block.time < paid.created - CLOCK_TOLERANCE_S:
            return None
        found = self._chain.find_transaction(output.outpoint.txid, block.hash)
        if found is not None and found.block == block and output.outpoint.vout < len(found.transaction.outputs):
            told = found.transaction.outputs[output.outpoint.vout]
            if (told.script, told.amount) == (output.script, output.amount):
                return block.hash, block.height
        self.blurred = True
        return None

    def block_of_spent(self, before: Receipt) -> tuple[str, int] | None:
        """The block of an output that nobody can spend any more: spent, or gone with its transaction."""
        if before.block is not None and self._is_on_chain(before.block):
            return before.block
        # In another block perhaps: a node with a transaction index knows.
        found = self._chain.find_transaction(before.outpoint.txid)
        if found is None or found.block is None:
            return None
        if found.block.height > self.tip.height:
            self.blurred = True
        return found.block.hash, found.block.height

    def _is_on_chain(self, block: tuple[str, int]) -> bool:
        block_hash, height = block
        if block_hash not in self._blocks:
            self._blocks[block_hash] = self._chain.block(block_hash)
        found = self._blocks[block_hash]
        return found is not None and found.height == height


def _load_deposits(connection: Connection) -> dict[bytes, Deposit]:
    rows = connection.execute(
        select(deposit.c.script, deposit.c.id, deposit.c.owner, deposit.c.created).order_by(deposit.c.id)
    )
    return {bytes(script): Deposit(number, owner, created.timestamp()) for script, number, owner, created in rows}


def _load_receipts(connection: Connection, deposits: Iterable[Deposit]) -> dict[OutPoint, Receipt]:
    by_id = {each.id: each for each in deposits}
    rows = connection.execute(
        select(
            receipt.c.txid,
            receipt.c.vout,
            receipt.c.deposit_id,
            receipt.c.amount_sat,
            receipt.c.block_hash,
            receipt.c.height,
            receipt.c.credited,
            receipt.c.final,
        )
    )
    return {
        OutPoint(txid, vout): Receipt(
            OutPoint(txid, vout),
            by_id[deposit_id],
            Sat(amount),
            None if block_hash is None else (block_hash, height),
            credited,
            final,
        )
        for txid, vout, deposit_id, amount, block_hash, height, credited, final in rows
        if deposit_id in by_id
    }
