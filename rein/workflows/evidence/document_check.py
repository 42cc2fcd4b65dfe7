"""What one signed text is worth: who signed it, and whether he might."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.networks import Network
from rein.errors import AuthorityError, OrderError
from rein.protocol.documents import Enrollment, EscrowSigned, Job, LegacyDocument
from rein.protocol.documents.base import Kind
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, fold
from rein.protocol.signed import Signed
from rein.workflows.orders.feeds import last_height
from rein.workflows.orders.load import load_orders
from rein.workflows.session import Session


@dataclass(frozen=True)
class DocumentCheck:
    """What is known of a document whose signature is right.

    `name` is what its author calls himself; `authorised` and `counts` (in its job) are False where `objection` says
    why, and None where what is needed to tell is not here: `doubts` say what.
    """

    name: str | None
    authorised: bool | None
    counts: bool | None = None
    doubts: tuple[str, ...] = ()
    objection: AuthorityError | OrderError | None = None


def judge(session: Session, signed: Signed[Any], enrollments: Sequence[Signed[Any]] = ()) -> DocumentCheck:
    """Hold a document against the enrollments and the job it speaks of, as far as they are in this home.

    :param enrollments: more of them, today's or of 2016, verified.
    """
    document = signed.document
    if isinstance(document, LegacyDocument):
        given = [each.document for each in enrollments if isinstance(each.document, LegacyDocument)]
        return _judge_old(document, [each for each in given if each.kind is Kind.ENROLLMENT])
    here = session.store.documents.enrollments_of(document.network.name, {document.author.master_address})
    known = _todays(session, document.network, [signed, *here, *enrollments])
    current = known.current(document.network, document.author.master_address)
    if current is None:
        needed = f"the enrollment of {document.author.master_address} is not here, so nobody can tell whose key signed"
        return DocumentCheck(None, None, doubts=(needed,))
    name = current.document.user
    if isinstance(document, Enrollment):
        newer = () if current.id == signed.id else (f"a newer enrollment of that identity is here: {current.id}",)
        return DocumentCheck(name, authorised=True, doubts=newer)
    if not known.is_delegate(document.network, document.author.master_address, signed.address):
        error = AuthorityError(
            f"{signed.address} is no delegate that {document.author.master_address} enrolled, as far as is known here",
            hint="Unless a newer enrollment says so: rein sync, or add --enrollment FILE.",
        )
        return DocumentCheck(name, authorised=False, objection=error)
    people = _with_people(session, signed, enrollments)
    try:
        order = _order_of(session, signed)
        missing = _missing(signed, order, people)
        if missing is None and order is not None:
            _check_in_order(order, signed, people)
        elif missing is None:
            fold(signed, [], people)
        else:
            known.check_author(document, answered=isinstance(document, EscrowSigned))
    except (AuthorityError, OrderError) as error:
        return DocumentCheck(name, authorised=True, counts=False, objection=error)
    if missing is not None:
        doubt = f"{missing} is not here, so nobody can tell whether it counts"
        return DocumentCheck(name, authorised=True, doubts=(doubt,))
    return DocumentCheck(name, authorised=True, counts=True)


def _order_of(session: Session, signed: Signed[Any]) -> Order | None:
    """The job a document speaks of, if it is here.

    :raises OrderError: it is here and does not count.
    """
    if signed.document.network != session.network:
        return None
    cases = load_orders(session, [getattr(signed.document, "job_document", signed.id)])
    if cases.refused and not isinstance(signed.document, Job):
        raise OrderError(f"its job does not count: {cases.refused[0].reason}")
    return cases.orders[0] if cases.orders else None


def _missing(signed: Signed[Any], order: Order | None, enrollments: Enrollments) -> str | None:
    """What is needed to tell whether a document counts, and is not here."""
    document = signed.document
    if isinstance(document, Job):
        return None if order or enrollments.by_id(document.mediator_enrollment) else "the enrollment of its mediator"
    if order is None:
        return "its job"
    here = {order.id, *(each.id for each in order.all_documents())}
    return None if document.previous in here else "the document it answers"


def _with_people(session: Session, signed: Signed[Any], given: Sequence[Signed[Any]]) -> Enrollments:
    """The enrollments of everybody in a job and of who signed, and those given."""
    document = signed.document
    people = session.store.orders.people([getattr(document, "job_document", signed.id)]) | {
        document.author.master_address
    }
    if isinstance(document, Job):
        people.add(document.mediator_master_address)
    return _todays(
        session, document.network, [*session.store.documents.enrollments_of(document.network.name, people), *given]
    )


def _todays(session: Session, network: Network, documents: Iterable[Signed[Any]]) -> Enrollments:
    todays = (each for each in documents if isinstance(each.document, Enrollment))
    return Enrollments(todays, tip=last_height(session, network))


def _check_in_order(order: Order, signed: Signed[Any], enrollments: Enrollments) -> None:
    """
    :raises OrderError: with this document in it, the order keeps it apart or is in conflict about it.
    """
    offer_id = order.offer.id if order.offer else None
    order = fold(order.job, [*order.all_documents(), signed], enrollments, order.evidence, offer_id=offer_id)
    job_id = order.job.document.job_id
    for each in order.apart:
        if each.document == signed:
            raise OrderError(f"it does not count in the job {job_id}: {each.reason.message}")
    if signed in (*order.conflict, *order.void_ratings):
        raise OrderError(f"in the job {job_id} it contradicts another document by the same person")


def _judge_old(document: LegacyDocument, enrollments: Sequence[LegacyDocument]) -> DocumentCheck:
    """A document of 2016 names its own signer; only the enrollment of that time tells whose delegate it was."""
    if document.kind is Kind.ENROLLMENT:
        return DocumentCheck(document.fields.get("User"), authorised=True)
    master, signer = document.author.master_address, document.author.signing_address
    for each in enrollments:
        is_delegate = each.fields.get("Delegate signing address") == signer
        if is_delegate and master in ("", each.author.master_address):
            return DocumentCheck(each.fields.get("User"), authorised=True)
    if master in {each.author.master_address for each in enrollments}:
        error = AuthorityError(f"{signer} is no delegate that {master} enrolled")
        return DocumentCheck(None, authorised=False, objection=error)
    doubt = f"a document of 2016 names its own signer: only an enrollment tells who enrolled {signer}"
    return DocumentCheck(None, None, doubts=(doubt,))
