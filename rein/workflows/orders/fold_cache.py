"""What folds came to, kept in the database between runs, so that only what is new is folded.

The database drops what is kept of an order when a document of it, an enrollment of somebody in it or the chain's
evidence of it changes (`rein.store.schema`): what stands there is what a fold would come to now. It is shown, and
chooses which orders to look at; nothing is signed because of it: every step that signs loads its order by
`rein.workflows.orders.load`, which verifies each document again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rein import __version__
from rein.protocol.values import DocumentId
from rein.store.fold_cache import SummaryRow
from rein.workflows.session import Session

_SHAPE = 4
"""Raised when what is kept looks different from before, within one version of the program."""

VERSION = f"{__version__}/{_SHAPE}"

Fold = Callable[[Session, Sequence[DocumentId]], Mapping[DocumentId, list[SummaryRow]]]
"""What orders come to: the rows of each, at least one, by contract id."""


def keep(session: Session, use: str, wanted: Callable[[], list[DocumentId]], fold: Fold) -> list[SummaryRow]:
    """The rows of these orders, in their order: those that are kept, and the others folded now.

    :param use: what the rows are for; each use keeps its own.
    :param wanted: asked within the same state of the database.
    """
    with session.store.snapshot():
        order_ids = wanted()
        kept = session.store.fold_cache.summaries(use, VERSION)
        missing = [each for each in order_ids if each not in kept]
        generation = session.store.fold_cache.generation()
        folded = fold(session, missing) if missing else {}
    if folded:
        session.store.fold_cache.set_summaries(
            use, VERSION, generation, [row for rows in folded.values() for row in rows]
        )
    return [row for each in order_ids for row in (kept.get(each) or folded[each])]
