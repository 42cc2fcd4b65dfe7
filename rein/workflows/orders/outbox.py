"""Documents of one's own, on their way to the servers. What is signed goes in if it still counts: another `rein` on the
same home may have signed something meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import OrderError
from rein.protocol.documents import Bid
from rein.protocol.signed import Signed
from rein.workflows.orders.load import load_orders, with_document
from rein.workflows.session import Session


def json_of_document(signed: Signed[Any]) -> dict[str, Any]:
    """A document for programs."""
    document = signed.document
    return {
        "document_id": signed.id,
        "kind": document.KIND.value,
        "network": document.network.name,
        "job_id": getattr(document, "job_id", None),
        "job_document": getattr(document, "job_document", None),
        "author": document.author.master_address,
        "document": signed.armored,
    }


@dataclass(frozen=True)
class DocumentResult:
    """What came of signing a document. `stored` is False after a dry run; `repeated` says that it was signed and stored
    before, and nothing was done now. `carried` is the bid that is sealed in it."""

    signed: Signed[Any]
    stored: bool
    repeated: bool = False
    carried: Signed[Bid] | None = None

    def json(self) -> dict[str, Any]:
        told = json_of_document(self.signed) | {"stored": self.stored}
        return told | {"repeated": True} if self.repeated else told


def write(
    session: Session, signed: Signed[Any], carried: Signed[Bid] | None = None, *, dry_run: bool = False
) -> DocumentResult:
    """The end of every `commit` that signs a document: put it into the outbox, unless this is a dry run.

    :raises OrderError: as `add_to_outbox`.
    """
    if not dry_run:
        add_to_outbox(session, signed, carried)
    return DocumentResult(signed, stored=not dry_run, carried=carried)


def add_to_outbox(session: Session, signed: Signed[Any], carried: Signed[Bid] | None = None) -> None:
    """Remember a document written here; `rein sync` will upload it.

    Somebody may sit before a question for an hour, and answer it in another window first. So the order is looked at
    once more, while nobody else can write: of two documents that contradict each other the home keeps one.

    :param carried: the bid that is sealed in it, to be remembered too.
    :raises OrderError: it would not count any more, or contradict what was signed meanwhile. Nothing is kept.
    """
    order_id = getattr(signed.document, "job_document", None)
    with session.store.exclusive():
        if order_id is not None:
            _check_again(session, signed, order_id)
        if carried is None:
            session.store.documents.add_own(signed)
        else:
            session.store.documents.add_sealed_bid(signed, carried)
        session.store.requests.stored(signed.id)


def _check_again(session: Session, signed: Signed[Any], order_id: Any) -> None:
    """Where the creator signed several offers there are several views of an order, and it is one of them that takes
    the document."""
    refused = []
    for order in load_orders(session, [order_id]).orders:
        try:
            with_document(session, order, signed)
        except OrderError as reason:
            refused.append(reason)
        else:
            return
    if refused:
        raise refused[0]
