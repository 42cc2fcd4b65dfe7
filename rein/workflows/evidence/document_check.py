"""Checking one signed text: who signed it, and whether they had the authority."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.networks import Network
from rein.errors import AuthorityError, BadSignatureError, FieldError, OrderError
from rein.protocol.armor import Armored, read_armor
from rein.protocol.documents import Enrollment, EscrowSigned, Job, LegacyDocument
from rein.protocol.documents.base import Kind
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, fold
from rein.protocol.reading import armored_text, damage_in, decode
from rein.protocol.signed import AnyDocument, Signed, verify
from rein.protocol.sin import secure_identity_number
from rein.workflows.orders.feeds import last_height
from rein.workflows.orders.load import load_orders
from rein.workflows.session import Session


@dataclass(frozen=True)
class Finding:
    """What is known of a document whose signature is right.

    `name` is what its author calls themselves; `authorised` and `counts` (in its job) are False where `objection` says
    why, and None where what is needed to tell is not here: `doubts` say what.
    """

    name: str | None
    authorised: bool | None
    counts: bool | None = None
    doubts: tuple[str, ...] = ()
    objection: AuthorityError | OrderError | None = None


@dataclass(frozen=True)
class DocumentCheck:
    """A document whose signature is right, and what is known of it here."""

    signed: Signed[Any]
    finding: Finding

    @property
    def kind(self) -> Kind:
        return kind_of(self.signed.document)

    @property
    def network(self) -> str | None:
        """None of a document of 2016, which names none."""
        document = self.signed.document
        return None if isinstance(document, LegacyDocument) else document.network.name

    @property
    def author(self) -> str | None:
        """The master address of who has written it, if the document says."""
        return self.signed.document.author.master_address or None

    @property
    def sin(self) -> str | None:
        return secure_identity_number(self.author) if self.author else None

    def json(self) -> dict[str, Any]:
        return {
            "document_id": self.signed.id,
            "kind": self.kind.value,
            "network": self.network,
            "job_id": job_id_of(self.signed.document),
            "signed_by": self.signed.address,
            "author": self.author,
            "sin": self.sin,
            "text": self.signed.text,
            "author_name": self.finding.name,
            "authorised": self.finding.authorised,
            "counts": self.finding.counts,
            "doubts": list(self.finding.doubts),
        }


def kind_of(document: AnyDocument) -> Kind:
    """The type of a document, today's or of 2016."""
    return document.kind if isinstance(document, LegacyDocument) else document.KIND


def job_id_of(document: AnyDocument) -> str | None:
    """The Job ID that a document names."""
    return document.fields.get("Job ID") if isinstance(document, LegacyDocument) else getattr(document, "job_id", None)


def read_document(content: bytes, name: str) -> Signed[Any]:
    """The one document in a file, verified.

    :param name: of the file, for people.
    :raises SignedTextError: a text is signed in it that is not a document.
    :raises ReinError: there is none, or it is not by who it says.
    """
    text = armored_text(decode(content, name), name)
    try:
        return verify(text)
    except BadSignatureError as error:
        raise BadSignatureError(error.message, hint=damage_in(text) or error.hint) from error
    except FieldError as error:
        raise SignedTextError(error, read_armor(text)) from error


class SignedTextError(FieldError):
    """A text whose signature is right, and which is not a document, or breaks a rule of its type."""

    def __init__(self, error: FieldError, armored: Armored) -> None:
        super().__init__(error.message, hint=f"The signature is right, though: {armored.address} signed this text.")
        self.armored = armored


def check_document(session: Session, signed: Signed[Any], enrollments: Sequence[Signed[Any]] = ()) -> DocumentCheck:
    """Hold a document against the enrollments and the job it speaks of, as far as they are in this home.

    :param enrollments: more of them, today's or of 2016, verified.
    """
    return DocumentCheck(signed, _finding(session, signed, enrollments))


def _finding(session: Session, signed: Signed[Any], enrollments: Sequence[Signed[Any]]) -> Finding:
    document = signed.document
    if isinstance(document, LegacyDocument):
        given = [each.document for each in enrollments if isinstance(each.document, LegacyDocument)]
        return _check_legacy(document, [each for each in given if each.kind is Kind.ENROLLMENT])
    here = session.store.documents.enrollments_of(document.network.name, {document.author.master_address})
    known = _current_enrollments(session, document.network, [signed, *here, *enrollments])
    current = known.current(document.network, document.author.master_address)
    if current is None:
        needed = f"the enrollment of {document.author.master_address} is not here, so nobody can tell whose key signed"
        return Finding(None, None, doubts=(needed,))
    name = current.document.user
    if isinstance(document, Enrollment):
        newer = () if current.id == signed.id else (f"a newer enrollment of that identity is here: {current.id}",)
        return Finding(name, authorised=True, doubts=newer)
    if not known.is_delegate(document.network, document.author.master_address, signed.address):
        error = AuthorityError(
            f"{signed.address} is not a delegate of {document.author.master_address}, as far as is known here",
            hint="An enrollment that is not here may say otherwise: fetch it, or give it with --enrollment FILE.",
        )
        return Finding(name, authorised=False, objection=error)
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
        return Finding(name, authorised=True, counts=False, objection=error)
    if missing is not None:
        doubt = f"{missing} is not here, so nobody can tell whether it counts"
        return Finding(name, authorised=True, doubts=(doubt,))
    return Finding(name, authorised=True, counts=True)


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
    return _current_enrollments(
        session, document.network, [*session.store.documents.enrollments_of(document.network.name, people), *given]
    )


def _current_enrollments(session: Session, network: Network, documents: Iterable[Signed[Any]]) -> Enrollments:
    todays = (each for each in documents if isinstance(each.document, Enrollment))
    return Enrollments(todays, tip=last_height(session, network))


def _check_in_order(order: Order, signed: Signed[Any], enrollments: Enrollments) -> None:
    """
    :raises OrderError: with this document in it, the order keeps it apart or is in conflict about it.
    """
    offer_id = order.offer.id if order.offer else None
    order = fold(order.job, [*order.all_documents(), signed], enrollments, order.evidence, offer_id=offer_id)
    job_id = order.job.document.job_id
    for each in order.rejected:
        if each.document == signed:
            raise OrderError(f"it does not count in the job {job_id}: {each.reason.message}")
    if signed in (*order.conflict, *order.void_ratings):
        raise OrderError(f"in the job {job_id} it contradicts another document by the same person")


def _check_legacy(document: LegacyDocument, enrollments: Sequence[LegacyDocument]) -> Finding:
    """A document of 2016 names its own signer; only the enrollment of that time tells whose delegate it was."""
    if document.kind is Kind.ENROLLMENT:
        return Finding(document.fields.get("User"), authorised=True)
    master, signer = document.author.master_address, document.author.signing_address
    for each in enrollments:
        is_delegate = each.fields.get("Delegate signing address") == signer
        if is_delegate and master in ("", each.author.master_address):
            return Finding(each.fields.get("User"), authorised=True)
    if master in {each.author.master_address for each in enrollments}:
        error = AuthorityError(f"{signer} is not a delegate that {master} enrolled")
        return Finding(None, authorised=False, objection=error)
    doubt = f"a document of 2016 names its own signer: only an enrollment tells who enrolled {signer}"
    return Finding(None, None, doubts=(doubt,))
