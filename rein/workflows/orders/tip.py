"""The newest block: the clock of every list, because it is the same for everybody."""

from __future__ import annotations

from rein.errors import ChainError
from rein.store.tables.chain_tip import SeenBlock
from rein.workflows.session import Session


def newest_block(session: Session) -> SeenBlock | None:
    """The chain's tip. Where the chain source cannot answer, the tip as last seen; None if it never was."""
    try:
        return observe_tip(session)
    except ChainError as error:
        session.note(f"The chain was not asked for the time: {error.message}")
        return session.store.chain_tip.get(session.network.name)


def time_now(session: Session) -> int | None:
    """The time of the `newest_block`, in seconds since 1970."""
    seen = newest_block(session)
    return seen.time if seen else None


def observe_tip(session: Session) -> SeenBlock:
    """The chain's tip, which is remembered.

    :raises ChainError: the chain source cannot answer.
    """
    tip = session.chain.tip()
    seen = SeenBlock(tip.height, tip.time)
    if seen != session.store.chain_tip.get(session.network.name):
        session.store.chain_tip.set(session.network.name, seen)
    return seen
