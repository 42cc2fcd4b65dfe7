"""How far the watcher has read the chain: its checkpoints, and where the first one is."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from causeway.payments.models import deposit, watched_block
from rein.chain.source import BlockRef, ChainSource

KEPT_BLOCKS = 288
"""Blocks that are remembered, to find where a reorganisation began: two days of them."""

START_MARGIN_S = 86_400
"""How long before the first address was given out reading begins. The times in blocks are hours wrong at most."""

BlockPosition = tuple[str, int]
"""A block by its hash and height."""


def read_checkpoints(connection: Connection) -> list[BlockPosition]:
    """The blocks that were read last, the highest first."""
    places = select(watched_block.c.hash, watched_block.c.height).order_by(watched_block.c.height.desc())
    rows = connection.execute(places)
    return [(block_hash, height) for block_hash, height in rows]


def save_checkpoint(connection: Connection, block_hash: str, height: int) -> None:
    """Remember that everything up to this block has been read."""
    connection.execute(
        insert(watched_block)
        .values(height=height, hash=block_hash)
        .on_conflict_do_update(index_elements=[watched_block.c.height], set_={"hash": block_hash, "seen": func.now()})
    )
    # What is above has left the chain.
    old = (watched_block.c.height > height) | (watched_block.c.height <= height - KEPT_BLOCKS)
    connection.execute(delete(watched_block).where(old))


def confirm_checkpoint(connection: Connection, block_hash: str) -> None:
    """Remember that this block was still the last one."""
    connection.execute(update(watched_block).where(watched_block.c.hash == block_hash).values(seen=func.now()))


def first_checkpoint(connection: Connection, chain: ChainSource, tip: BlockRef) -> BlockPosition:
    """Behind which block to begin where nothing was read: before any deposit address was given out.

    :raises ChainError: the node cannot answer.
    """
    first = connection.scalar(select(func.min(deposit.c.created)))
    if first is None:
        return tip.hash, tip.height
    # The times in blocks do not strictly rise, which the margin makes good: some block is found whose time is before
    # it, and whose successor's is not.
    bound = first.timestamp() - START_MARGIN_S
    low, high = 0, tip.height + 1
    while high - low > 1:
        middle = (low + high) // 2
        if chain.block_at(middle).time < bound:
            low = middle
        else:
            high = middle
    return chain.block_at(low).hash, low
