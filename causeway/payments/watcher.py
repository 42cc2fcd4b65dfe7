"""Finding payments on the chain, and payments that have left it.

An update reads the blocks since the last one and records every output that pays an address that was ever given out;
then, at the tip, it credits or reverses the recorded receipts that are not final yet. The node is asked outside of
transactions; what follows from an answer is one transaction under the owner's lock, and happens once however often the
answer comes. An update that was interrupted, or met a reorganisation, is completed by the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from causeway.accounts import service as accounts
from causeway.db.engine import Database
from causeway.payments import ledger
from causeway.payments.models import deposit, receipt
from causeway.payments.progress import (
    BlockPosition,
    confirm_checkpoint,
    first_checkpoint,
    read_checkpoints,
    save_checkpoint,
)
from causeway.payments.purchases import settle
from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.chain.source import BlockRef, BlockSource
from rein.errors import ChainError

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
    block: BlockPosition | None
    """The block it is in; None once it left the chain."""
    credited: bool
    final: bool


@dataclass
class _Known:
    """What the database knows during an update: deposits by script, receipts that may still change by outpoint, and
    which of those have changed."""

    deposits: dict[bytes, Deposit] = field(default_factory=dict)
    receipts: dict[OutPoint, Receipt] = field(default_factory=dict)
    changed: set[OutPoint] = field(default_factory=set)
    last_deposit: int = 0


class Watcher:
    """Keeps the ledger up to date with the chain. `price` is the current one, 0 if nothing is for sale."""

    def __init__(self, database: Database, chain: BlockSource, *, confirmations: int, price: Sat) -> None:
        self._database = database
        self._chain = chain
        self._confirmations = confirmations
        self._price = price
        self._done: str | None = None

    def update(self) -> int:
        """Read what is new; how many receipts have changed. Does little if the tip is still the same.

        :raises ChainError: the node cannot answer. Nothing is lost: the next update asks again.
        :raises ApiError: the database is busy or gone, likewise.
        """
        tip = self._chain.tip()
        if tip.hash == self._done:
            self._database.write(partial(confirm_checkpoint, block_hash=tip.hash))
            return 0
        with self._database.reading() as connection:
            known = _Known(receipts=_load_receipts(connection))
            places = read_checkpoints(connection)
        if self._read_on(known, places, tip):
            self._settle_all(known, tip)
        return len(known.changed)

    def rescan(self) -> int:
        """Scan the unspent outputs instead of the blocks, and continue from the tip: for a node that has pruned the
        blocks. What was paid unseen and spent again is not found. How many receipts have changed.

        :raises ChainError: the node cannot answer, or the chain changed while it did.
        """
        tip = self._chain.tip()
        with self._database.reading() as connection:
            known = _Known(receipts=_load_receipts(connection))
            self._load_new_deposits(connection, known)
        scripts = list(known.deposits)
        for start in range(0, len(scripts), SCRIPTS_A_SCAN):
            for output in self._chain.unspent_outputs(scripts[start : start + SCRIPTS_A_SCAN]):
                # What came after the tip is read as a block, by the next update.
                if output.height is not None and output.height <= tip.height:
                    block = self._chain.block_at(output.height)
                    self._record(known, output.outpoint, output.amount, output.script, block)
        if not self._settle_all(known, tip):
            raise ChainError("the chain changed during the scan", hint="Run it again.")
        self._database.write(partial(save_checkpoint, block_hash=tip.hash, height=tip.height))
        return len(known.changed)

    # ----- reading ---------------------------------------------------------------------------------------------------

    def _read_on(self, known: _Known, places: list[BlockPosition], tip: BlockRef) -> bool:
        """Read the blocks up to the tip; whether the last one was it. If not, the chain changed meanwhile."""
        last, height = self._resume_at(places, tip)
        while height < tip.height:
            height += 1
            ref = self._chain.block_at(height)
            block = self._chain.read_block(ref.hash)
            if block.previous != last:
                return False
            with self._database.reading() as connection:
                # After the block was fetched: an address that is paid in it was given out before.
                self._load_new_deposits(connection, known)
            for outpoint, output in block.outputs():
                if output.script in known.deposits:
                    self._record(known, outpoint, output.amount, output.script, ref)
            last = block.hash
            self._database.write(partial(save_checkpoint, block_hash=last, height=height))
        return last == tip.hash

    def _resume_at(self, places: list[BlockPosition], tip: BlockRef) -> BlockPosition:
        """The last block that was read and is still in the chain."""
        for block_hash, height in places:
            if height <= tip.height and _is_on_chain(self._chain, (block_hash, height)):
                place = block_hash, height
                break
        else:
            with self._database.reading() as connection:
                place = first_checkpoint(connection, self._chain, tip)
        self._database.write(partial(save_checkpoint, block_hash=place[0], height=place[1]))
        return place

    def _record(self, known: _Known, outpoint: OutPoint, amount: Sat, script: bytes, block: BlockRef) -> None:
        """Record that an output was seen in a block. Where an operator starts again with a key that was in use, the
        wallet's old coins are not payments: the block must not be older than the address is here."""
        paid = known.deposits[script]
        place = block.hash, block.height
        before = known.receipts.get(outpoint)
        if block.time < paid.created - CLOCK_TOLERANCE_S or (before and (before.final or before.block == place)):
            return
        seen = replace(before or Receipt(outpoint, paid, amount, None, False, False), block=place)
        self._database.write(partial(_record_receipt, seen, datetime.fromtimestamp(block.time, UTC)))
        known.receipts[outpoint] = seen
        known.changed.add(outpoint)

    def _load_new_deposits(self, connection: Connection, known: _Known) -> None:
        """Deposits are numbered in the order they are committed in, under a lock."""
        for script, each in _load_deposits(connection, known.last_deposit):
            known.deposits[script] = each
            known.last_deposit = each.id

    # ----- crediting -------------------------------------------------------------------------------------------------

    def _settle_all(self, known: _Known, tip: BlockRef) -> bool:
        """Credit or reverse each receipt, as of the tip; False if the tip has left the chain."""
        blocks = {each.block for each in known.receipts.values() if each.block and not each.final}
        on_chain = {block for block in blocks if _is_on_chain(self._chain, block)}
        if not _is_on_chain(self._chain, (tip.hash, tip.height)):
            return False
        # In the order of the chain: what was paid in time is not waiting while what came late is spent.
        for before in sorted(known.receipts.values(), key=lambda each: each.block[1] if each.block else 0):
            if not before.final:
                after = self._settled(before, before.block if before.block in on_chain else None, tip)
                if after != before:
                    self._database.write(partial(self._apply, after))
                    known.changed.add(after.outpoint)
        self._done = tip.hash
        return True

    def _settled(self, before: Receipt, block: BlockPosition | None, tip: BlockRef) -> Receipt:
        depth = 0 if block is None else tip.height - block[1] + 1
        # Once credited it stays so while it is on the chain, even if a reorganisation moved it up a block.
        credited = block is not None and (before.credited or depth >= self._confirmations)
        return replace(before, block=block, credited=credited, final=credited and depth >= FINAL_DEPTH)

    def _apply(self, after: Receipt, connection: Connection) -> None:
        """Store a receipt, and what follows from it."""
        accounts.lock(connection, after.deposit.owner)
        mine = (receipt.c.txid == after.outpoint.txid) & (receipt.c.vout == after.outpoint.vout)
        was_credited = connection.scalar(select(receipt.c.credited).where(mine).with_for_update())
        values = {**_columns_of(after.block), "credited": after.credited, "final": after.final}
        connection.execute(update(receipt).where(mine).values(values))
        if after.credited == bool(was_credited):
            return
        move = ledger.credit_deposit if after.credited else ledger.reverse_deposit
        memo = f"{'receipt' if after.credited else 'left the chain:'} {after.outpoint.txid}:{after.outpoint.vout}"
        move(connection, after.deposit.owner, after.amount, memo)
        settle(connection, after.deposit.owner, self._price)


def _record_receipt(seen: Receipt, block_time: datetime, connection: Connection) -> None:
    """Store where a receipt is, and since when; not whether it is credited: another process may have decided that."""
    place = {**_columns_of(seen.block), "seen": block_time}
    row = insert(receipt).values(
        txid=seen.outpoint.txid,
        vout=seen.outpoint.vout,
        deposit_id=seen.deposit.id,
        amount_sat=seen.amount,
        credited=False,
        **place,
    )
    connection.execute(row.on_conflict_do_update(index_elements=[receipt.c.txid, receipt.c.vout], set_=place))


def _columns_of(block: BlockPosition | None) -> dict[str, object]:
    return {"block_hash": block[0] if block else None, "height": block[1] if block else None}


def _is_on_chain(chain: BlockSource, place: BlockPosition) -> bool:
    found = chain.block(place[0])
    return found is not None and found.height == place[1]


def _load_deposits(connection: Connection, after: int) -> Iterable[tuple[bytes, Deposit]]:
    rows = connection.execute(
        select(deposit.c.script, deposit.c.id, deposit.c.owner, deposit.c.created)
        .where(deposit.c.id > after)
        .order_by(deposit.c.id)
    )
    return [(bytes(script), Deposit(number, owner, made.timestamp())) for script, number, owner, made in rows]


def _load_receipts(connection: Connection) -> dict[OutPoint, Receipt]:
    rows = connection.execute(
        select(
            receipt.c.txid,
            receipt.c.vout,
            receipt.c.amount_sat,
            receipt.c.block_hash,
            receipt.c.height,
            receipt.c.credited,
            receipt.c.final,
            deposit.c.id,
            deposit.c.owner,
            deposit.c.created,
        ).join(deposit, deposit.c.id == receipt.c.deposit_id)
    )
    return {
        OutPoint(txid, vout): Receipt(
            OutPoint(txid, vout),
            Deposit(number, owner, created.timestamp()),
            Sat(amount),
            None if block_hash is None else (block_hash, height),
            credited,
            final,
        )
        for txid, vout, amount, block_hash, height, credited, final, number, owner, created in rows
    }
