"""What a revoked delegate signed, and what of it still counts.

An enrollment revokes a delegate from a block height on. Of what that delegate signed, these count:

- what names a block below that height;
- what another party of the job has answered, with a document that counts itself.

A document says itself which block it was signed at, so whoever holds the stolen key can name an old one: the first rule
trusts the past that the owner chose to trust. The height 0 trusts none of it. The second rule is for everybody else:
with the first alone, whoever regrets a job, an offer or a delivery could revoke his own delegate, and what others built
on it would be gone. docs/security.md says what is left to a thief.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rein.errors import ReinError
from rein.protocol.documents import Bid, Job, Offer, OrderDocument
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId


def answered_by_others(
    job: Signed[Job], documents: Iterable[Signed[Any]], enrollments: Enrollments
) -> frozenset[DocumentId]:
    """The documents of an order that another party has answered; none where no revoked delegate signed anything."""
    order = [each for each in documents if _belongs(each, job)]
    by_id = {each.id: each for each in (job, *order)}
    if not any(enrollments.is_revoked(each.document) for each in by_id.values()):
        return frozenset()
    parties = _parties(job, order)
    answered: set[DocumentId] = set()
    counting = [each for each in order if _counts(each, enrollments, answered=False)]
    for answer in counting:  # grows while it is walked: what is answered may itself be an answer
        meant = by_id.get(answer.document.previous)
        if meant is None or meant.id in answered or not _is_answer(answer, meant, parties):
            continue
        answered.add(meant.id)
        if enrollments.is_revoked(meant.document) and _counts(meant, enrollments, answered=True):
            counting.append(meant)
    return frozenset(answered)


def _belongs(signed: Signed[Any], job: Signed[Job]) -> bool:
    document = signed.document
    return isinstance(document, OrderDocument) and document.job_document == job.id


def _parties(job: Signed[Job], order: list[Signed[Any]]) -> set[str]:
    """The creator, the mediator, and every worker with an offer."""
    offered = {each.document.worker_master_address for each in order if isinstance(each.document, Offer)}
    return offered | {job.document.creator_master_address, job.document.mediator_master_address}


def _is_answer(answer: Signed[Any], meant: Signed[Any], parties: set[str]) -> bool:
    """Anybody may bid on a job; what is said after that is answered by the parties. Nobody answers himself."""
    speaker = answer.document.author.master_address
    may_speak = isinstance(answer.document, Bid) or speaker in parties
    return may_speak and speaker != meant.document.author.master_address


def _counts(signed: Signed[Any], enrollments: Enrollments, *, answered: bool) -> bool:
    try:
        enrollments.check_author(signed.document, answered=answered)
    except ReinError:
        return False
    return True
