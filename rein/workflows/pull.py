"""Fetching documents from every server at once. Servers are strangers: each text is verified before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rein.errors import AuthorityError, ReinError
from rein.protocol.armor import read_armor
from rein.protocol.documents import Document, Enrollment, Job, Kind
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed, text_id, verify
from rein.protocol.values import DocumentId, is_job_id
from rein.protocol.wire import Query
from rein.remote.causeway import Causeway
from rein.remote.fleet import ask_all
from rein.workflows.desk import Desk


@dataclass
class Pulled:
    """What a round over all servers brought."""

    new: int = 0
    refused: list[tuple[str, ReinError]] = field(default_factory=list)
    unreachable: list[ReinError] = field(default_factory=list)

    def add(self, other: Pulled) -> None:
        self.new += other.new
        self.refused += other.refused
        self.unreachable += other.unreachable


def pull(desk: Desk, ask: Callable[[Causeway], Iterable[str]]) -> Pulled:
    """Ask every server, verify what is not known yet, keep what is good and of this network."""
    pulled = Pulled()
    good: list[tuple[Signed[Any], str]] = []
    for outcome in ask_all(desk.servers, lambda server: list(ask(server))):
        if outcome.error is not None:
            pulled.unreachable.append(outcome.error)
        for text in _unknown(desk, outcome.value or []):
            try:
                good.append((_check(desk, text), outcome.url))
            except ReinError as error:
                pulled.refused.append((outcome.url, error))
    pulled.new = desk.store.add_received(good)
    return pulled


def _unknown(desk: Desk, texts: list[str]) -> list[str]:
    """The texts whose documents are not here. A forgery is never remembered under the id it pretends to have: it
    would keep the true document out."""
    by_id: dict[DocumentId, list[str]] = {}
    unreadable: list[str] = []
    for text in texts:
        try:
            by_id.setdefault(text_id(read_armor(text).text), []).append(text)
        except ReinError:
            unreadable.append(text)
    known = desk.store.known(by_id.keys())
    return [text for id_, spellings in by_id.items() if id_ not in known for text in spellings] + unreadable


def _check(desk: Desk, text: str) -> Signed[Any]:
    signed = verify(text)
    document = signed.document
    if isinstance(document, Document) and document.network != desk.network:
        raise AuthorityError(f"a document of {document.network.name}, sent as one of {desk.network.name}")
    return signed


def pull_mediators(desk: Desk) -> Pulled:
    """The enrollments of everybody willing to mediate."""
    return pull(desk, lambda server: server.query(Query.MEDIATORS))


def pull_jobs(desk: Desk) -> Pulled:
    """The jobs on offer, and the enrollments of who posted them and who would mediate."""
    pulled = pull(desk, lambda server: server.query(Query.JOBS))
    pulled.add(pull_enrollments(desk))
    return pulled


def pull_my_orders(desk: Desk) -> Pulled:
    """Everything about the jobs in which I have a part, those that name me as the mediator included."""
    me = desk.address
    pulled = pull(desk, lambda server: server.query(Query.REVIEW, {"mediator": me}))
    job_ids = desk.store.job_ids(_mine(desk))
    if job_ids:
        pulled.add(pull(desk, lambda server: server.query_list(Query.BY_JOB_ID, "job_ids", job_ids)))
    pulled.add(pull_enrollments(desk, _mine(desk)))
    return pulled


def pull_job(desk: Desk, name: str) -> Pulled:
    """Everything about one job, mine or not.

    :param name: a Job ID; or the id of a job document that is here, or the beginning of it.
    """
    named = set(desk.store.job_ids(desk.store.find_jobs(desk.network.name, name)))
    job_ids = sorted(named | {name} if is_job_id(name) else named)
    if not job_ids:
        return Pulled()
    pulled = pull(desk, lambda server: server.query_list(Query.BY_JOB_ID, "job_ids", job_ids))
    pulled.add(pull_enrollments(desk, desk.store.find_jobs(desk.network.name, name)))
    return pulled


def pull_enrollments(desk: Desk, order_ids: Sequence[DocumentId] = ()) -> Pulled:
    """The enrollments that are missing: of anybody without one here; and in these orders, also newer ones of people
    who sign with a delegate, or mediate by an enrollment, that is not known here."""
    missing = set(desk.store.masters_without_enrollment(desk.network.name))
    missing |= _masters_to_renew(desk, order_ids)
    if not missing:
        return Pulled()
    masters = sorted(missing)
    return pull(desk, lambda server: server.query_list(Query.ENROLLMENTS, "masters", masters))


def _mine(desk: Desk) -> list[DocumentId]:
    return desk.store.my_order_ids(desk.network.name, desk.address)


def _masters_to_renew(desk: Desk, order_ids: Sequence[DocumentId]) -> set[str]:
    enrollments = load_enrollments(desk)
    masters: set[str] = set()
    for signed in desk.store.documents_of_orders(order_ids):
        document = signed.document
        if not isinstance(document, Document):
            continue
        if _is_unknown_author(document, enrollments):
            masters.add(document.author.master_address)
        if isinstance(document, Job) and enrollments.by_id(document.mediator_enrollment) is None:
            masters.add(document.mediator_master_address)
    return masters


def _is_unknown_author(document: Document, enrollments: Enrollments) -> bool:
    try:
        enrollments.check_author(document)
    except ReinError:
        return True
    return False


def load_enrollments(desk: Desk) -> Enrollments:
    """Every enrollment of today's format that is here."""
    signed = desk.store.documents(desk.network.name, Kind.ENROLLMENT)
    return Enrollments(each for each in signed if isinstance(each.document, Enrollment))
