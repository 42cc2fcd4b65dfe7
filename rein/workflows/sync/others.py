"""What others wrote in my orders, and I keep on my servers too, so that no author can take away what I rely on.

Of each order in which the identity has a part: the job, the enrollments of the three, the bid that got the job, and
everything the three said; what the identity wrote in another home is among it. Not the bids that got nothing, nor what
is sealed still. Anybody may name anybody as the mediator of a job, so a mediator keeps those in which there was money
or the mediator spoke. What one author can make others keep is bounded: what somebody answered, or the chain shows as
paid, comes first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rein.protocol.documents import (
    AcceptDelivery,
    Bid,
    Delivery,
    Dispute,
    DisputeResolution,
    Enrollment,
    Job,
    Offer,
    Rating,
    Role,
    SealedDocument,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId
from rein.store.tables.fold_cache import SummaryRow
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.fold_cache import NO_JOB, keep
from rein.workflows.orders.load import load_orders, roles_in
from rein.workflows.session import Session

MOST_OF_AUTHOR = 100
"""Documents of one author in one order, the enrollments among them."""

_OVER = frozenset(state.value for state in State if state.is_over)
_STEPS: tuple[type[Any], ...] = (Job, Bid, Offer, AcceptDelivery, DisputeResolution, Dispute, Delivery, Enrollment)
"""By what an order moves, the first needed first. Of enrollments anybody writes any number, and those that name a key
which signed are relied on."""


def documents_of_others(session: Session) -> list[DocumentId]:
    """What is to be kept: what is relied on in any order before the rest, and unfinished and newer orders before
    others. Nobody pushes out what matters in one order by what they write in another."""
    store, network = session.store, session.network.name
    rows = keep(session, f"{session.address} others", lambda: store.orders.of_person(network, session.address), _fold)
    newest = rows[::-1]
    contents = [json.loads(row.content) for row in sorted(newest, key=lambda row: row.state in _OVER)]
    wanted = [DocumentId(each) for part in ("relied_on", "more") for content in contents for each in content[part]]
    return store.documents.from_servers(list(dict.fromkeys(wanted)))


def _fold(session: Session, order_ids: Sequence[DocumentId]) -> dict[DocumentId, list[SummaryRow]]:
    found: dict[DocumentId, list[SummaryRow]] = {}
    for order in load_orders(session, order_ids).orders:
        content = json.dumps(_kept(session, order))
        found.setdefault(order.id, []).append(SummaryRow(order.id, order.contract_id, order.state.value, content))
    nothing = json.dumps({"relied_on": [], "more": []})
    return {each: found.get(each, [SummaryRow(each, each, NO_JOB, nothing)]) for each in order_ids}


def _kept(session: Session, order: Order) -> dict[str, list[DocumentId]]:
    """Of one view of an order, what is needed most first."""
    roles = roles_in(order, session.address)
    spoke = any(each.document.author.master_address == session.address for each in order.all_documents())
    if not roles or (roles == {Role.MEDIATOR} and not spoke and not session.store.escrows.outputs(order.contract_id)):
        return {"relied_on": [], "more": []}
    parties = {master for role in Role if (master := order.master_address(role)) is not None}
    known = load_enrollments(session, parties)
    said = [each for each in _said(order) if each.document.author.master_address in parties]
    fallen = [each.document for each in order.rejected if _is_by_one_of(parties, each.document, known)]
    enrollments = [each for master in parties for each in known.of(session.network, master)]
    paid = {each.document_id for each in session.store.escrows.payments(order.contract_id).values()}
    agreed = {each.id for each in (order.job, order.bid, order.offer) if each is not None}
    relied_on = agreed | paid | _answered(said) | _enrolling(said, enrollments)
    relied_on.add(order.job.document.mediator_enrollment)
    first = sorted((*said, *enrollments, *fallen), key=lambda each: (each.id not in relied_on, _step(each)))
    some = list(_some_of_each(first))
    return {
        "relied_on": [each for each in some if each in relied_on],
        "more": [each for each in some if each not in relied_on],
    }


def _said(order: Order) -> Iterator[Signed[Any]]:
    """What was said, without the bids that got nothing."""
    chosen = {each.document.previous for each in (order.offer, *order.conflict) if each is not None}
    for each in dict.fromkeys((*order.documents(), *order.conflict, *order.void_ratings)):
        if not isinstance(each.document, Bid) or each.id in chosen:
            yield each


def _is_by_one_of(parties: Collection[str], signed: Signed[Any], known: Enrollments) -> bool:
    """Whether one of the three said what does not count: by whom it is, a document says itself."""
    network, author = signed.document.network, signed.document.author
    is_theirs = author.master_address in parties
    return is_theirs and known.is_delegate(network, author.master_address, author.signing_address)


def _answered(said: Collection[Signed[Any]]) -> set[DocumentId]:
    """Those that somebody else has answered."""
    author = {each.id: each.document.author.master_address for each in said}
    answers = ((each.document.previous, each.document.author.master_address) for each in said)
    return {previous for previous, by in answers if previous in author and by != author[previous]}


def _enrolling(said: Collection[Signed[Any]], enrollments: Collection[Signed[Enrollment]]) -> set[DocumentId]:
    """Of each key that signed something, the first enrollment that names it: an author may write any number."""
    signers = {each.document.author.signing_address for each in said}
    newest_first = sorted(enrollments, key=lambda each: (each.document.block_height, each.id), reverse=True)
    first = {each.document.delegate_address: each.id for each in newest_first}
    return {first[each] for each in signers if each in first}


def _step(signed: Signed[Any]) -> int:
    for number, cls in enumerate(_STEPS):
        if isinstance(signed.document, cls):
            return number
    return len(_STEPS) + isinstance(signed.document, Rating) + 2 * isinstance(signed.document, SealedDocument)


def _some_of_each(documents: Sequence[Signed[Any]]) -> Iterator[DocumentId]:
    counted: Counter[str] = Counter()
    for each in documents:
        author = each.document.author.master_address
        counted[author] += 1
        if counted[author] <= MOST_OF_AUTHOR:
            yield each.id
