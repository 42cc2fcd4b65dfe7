"""Whether whom a job names as its mediator still mediates, before anybody stakes something on it."""

from __future__ import annotations

from rein.errors import OrderError
from rein.protocol.documents import Enrollment, Job
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.session import Session


def mediator_of(session: Session, job: Job) -> Enrollment:
    """The enrollment that a job names, if its keys are still the mediator's.

    A job may name any enrollment, however old. The keys of one that was replaced may be lost or in wrong hands, and
    whoever posts a job may know in whose.

    :raises OrderError: it is not here, or the mediator has enrolled since without mediating or with other keys, or was
        replaced.
    """
    known = load_enrollments(session)
    named = known.by_id(job.mediator_enrollment)
    if named is None:
        raise OrderError("the mediator's enrollment is not here", hint="Fetch what is new, and try again.")
    now = next((each.document for each in known if each.document.master_address == job.mediator_master_address), None)
    if now is None:
        reason = "was replaced by another identity"
    elif not now.willing_to_mediate:
        reason = "does not mediate any more"
    elif now.mediator_escrow_xpub != named.document.mediator_escrow_xpub:
        reason = "has other keys by now"
    else:
        return named.document
    raise OrderError(
        f"{job.mediator}, whom the job {job.job_id} names as its mediator, {reason}",
        hint="Its creator can post it again with another mediator.",
    )
