"""Where the events of an order are in its story, by what documents and blocks prove.

The block that a document names, and the document it answers, were there before it was signed. What answers it, and the
money that follows from it, came after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.session import STAMP_DEPTH

Place = tuple[bool, int, int]
"""Where an event is among the others: whether it waits for a block, a height, and what comes first at that height."""
_BEFORE_BLOCK, _OF_BLOCK, _AFTER_BLOCK = range(3)


def place_of_block(height: int | None) -> Place:
    return height is None, height or 0, _OF_BLOCK


@dataclass
class Span:
    """Between which blocks a document was signed: after the block it names, and after what it answers; before what
    answers it, and before the money that follows from it."""

    after: int
    before: int | None = None

    @property
    def place(self) -> Place:
        """A document names a block some way below the tip at which it was signed."""
        signed = self.after + STAMP_DEPTH
        if self.before is not None and self.before <= signed:
            return False, self.before, _BEFORE_BLOCK
        return False, signed, _AFTER_BLOCK

    def end_before(self, height: int | None) -> None:
        if height is not None:
            self.before = height if self.before is None else min(self.before, height)


def spans_of(
    order: Order, documents: Sequence[Signed[Any]], outputs: Iterable[EscrowOutput], payments: Iterable[Payment]
) -> dict[str, Span]:
    """The span of each document. Nobody could pay into the escrows before the bid that makes their keys, and no payment
    is made before the document that carries it."""
    spans: dict[str, Span] = {each.id: Span(each.document.block_height) for each in documents}
    for payment in payments:
        if payment.document_id in spans:
            spans[payment.document_id].end_before(payment.height)
    for output in outputs:
        if order.bid is not None:
            spans[order.bid.id].end_before(output.height)
    for _ in range(2):  # a dispute may answer an acceptance, which is after it among the documents
        for each in documents:
            if (answered := spans.get(each.document.previous)) is not None:
                spans[each.id].after = max(spans[each.id].after, answered.after)
        for each in reversed(documents):
            if (answered := spans.get(each.document.previous)) is not None:
                answered.end_before(spans[each.id].before)
    return spans
