"""Posting a job."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime

from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Enrollment, Job
from rein.protocol.signed import Signed, sign
from rein.protocol.values import Budget
from rein.workflows.market.reputation import Mediator, mediators_with_records
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.orders.outbox import DocumentResult, write
from rein.workflows.orders.people import master_address_of, meant
from rein.workflows.session import Session
from rein.workflows.wallet.payout import PaidAt, pay_at

_JOB_ID_LETTERS = string.ascii_lowercase + string.digits
_JOB_ID_LENGTH = 20


@dataclass(frozen=True)
class JobDraft:
    """What a creator says of a job."""

    name: str
    description: str
    tags: tuple[str, ...] | None
    expiration_days: int
    mediator: Signed[Enrollment]
    budget: Budget | None = None
    deadline: str | None = None


def mediators(session: Session) -> list[Signed[Enrollment]]:
    """Everybody known here who would mediate, by name; oneself left out."""
    willing = (
        signed
        for signed in load_enrollments(session)
        if signed.document.willing_to_mediate and signed.document.master_address != session.address
    )
    return sorted(willing, key=lambda signed: (signed.document.user, signed.id))


def find_mediator(session: Session, name: str) -> Signed[Enrollment]:
    """The mediator a person means: by master address, SIN, public key, or name where only one has it. An identity that
    was replaced means its successor.

    :raises NotFoundError: nobody.
    :raises InputError: several have the name.
    """
    successor = load_enrollments(session).successor(session.network, master_address_of(session, name))
    willing = mediators(session)
    found = [each for each in willing if name == _public_key(each.document)] or meant(willing, successor or name)
    if not found:
        raise NotFoundError(f"no mediator {name!r} is known here")
    if len(found) > 1:
        raise InputError(f"several mediators are called {name}", hint="Name the master address instead.")
    return found[0]


def current_mediators(session: Session) -> list[Mediator]:
    """Everybody one could choose, with their records, after asking the servers.

    :raises IdentityError: this home has no identity on this network.
    """
    me = session.address
    pull(session)
    return [each for each in mediators_with_records(session) if each.enrollment.document.master_address != me]


def current_mediator(session: Session, name: str) -> Signed[Enrollment]:
    """The mediator a person means (`find_mediator`), after asking the servers.

    :raises IdentityError: this home has no identity on this network.
    """
    _ = session.identity
    pull(session)
    return find_mediator(session, name)


def _public_key(enrollment: Enrollment) -> str | None:
    key = enrollment.mediator_public_key
    return key.hex() if key else None


def prepare(session: Session, draft: JobDraft, paid_at: PaidAt | None = None) -> Job:
    """The job as it will be signed, with fresh keys of its own.

    :param paid_at: where money comes back to; by default as `pay_at` chooses.
    :raises InputError: creator and mediator are the same, or the deadline is past.
    """
    mediator = draft.mediator.document
    if mediator.master_address == session.address:
        raise InputError("you cannot mediate your own job", hint="Choose somebody else.")
    if mediator.mediator_fee is None or mediator.mediator_payment_address is None:
        raise InputError(f"{mediator.user} is not willing to mediate")
    keyring, row, block = session.keyring, session.identity, session.block_to_name()
    if draft.deadline is not None and draft.deadline < datetime.fromtimestamp(block.time, UTC).date().isoformat():
        raise InputError(f"the deadline {draft.deadline} is past", hint="Name a day that is still to come.")
    job_id = "".join(secrets.choice(_JOB_ID_LETTERS) for _ in range(_JOB_ID_LENGTH))
    return Job(
        network=session.network,
        block_hash=block.hash,
        block_height=block.height,
        name=draft.name,
        job_id=job_id,
        tags=draft.tags,
        description=draft.description,
        time=block.time,
        expiration_days=draft.expiration_days,
        budget=draft.budget,
        deadline=draft.deadline,
        mediator=mediator.user,
        mediator_contact=mediator.contact,
        mediator_fee=mediator.mediator_fee,
        mediator_payment_address=mediator.mediator_payment_address,
        mediator_master_address=mediator.master_address,
        mediator_enrollment=draft.mediator.id,
        creator=row.name,
        creator_contact=row.contact,
        creator_public_key=keyring.creator_escrow(job_id).public_key,
        creator_payment_address=(paid_at or pay_at(session, None)).address,
        creator_message_key=keyring.creator_message(job_id).public_key,
        creator_delegate_address=row.delegate_address,
        creator_master_address=row.master_address,
    )


def commit(session: Session, job: Job, *, dry_run: bool = False) -> DocumentResult:
    """Sign exactly this job and put it into the outbox."""
    keyring = session.keyring
    return write(session, sign(job, keyring.delegate, keyring.creator_escrow(job.job_id)), dry_run=dry_run)
