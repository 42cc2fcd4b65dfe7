"""Which key serves which job: fresh ones for every job, so that no two jobs share an escrow address.

Paths in the identity's BIP32 tree (m is made from its words):

    m/0                       master: signs enrollments
    m/1'/0                    delegate: signs everything else; later ones are m/1'/1', m/1'/2' and so on
    m/2'/0'/J'  m/2'/1'/J'  m/2'/2'/J'    creator: escrow key, payment address and message key of a job
    m/3'/0'/J'  m/3'/1'/J'  m/3'/2'/J'    worker:  the same of a bid on a job
    m/4'/0'/J   m/4'/1'/J   m/4'/2'/J     mediator: the same of a job (J not hardened)

J stands for four levels taken from a hash, 31 bits each, so that keys can be found again from the documents and the
words alone. The creator and the mediator hash the Job ID, the worker the id of the job document he bids on.

The mediator is asleep when a job is posted, so the public halves of m/4'/0', m/4'/1' and m/4'/2' stand in the
enrollment and anyone derives the children. docs/security.md says what that costs.
"""

from __future__ import annotations

from functools import lru_cache

from rein.btc.address import p2wpkh_address
from rein.btc.hashes import tagged_hash
from rein.btc.hd import HARDENED, ExtendedKey
from rein.btc.networks import Network
from rein.errors import AuthorityError
from rein.protocol.documents import Enrollment, Job
from rein.protocol.values import DocumentId

MASTER = "m/0"
DELEGATE = "m/1'/0"
NEXT_DELEGATE = "m/1'/{}'"
"""A stolen delegate key must not help to find the next one, so the next ones are hardened. The first is as in 2016."""
CREATOR_ESCROW = "m/2'/0'"
CREATOR_PAYMENT = "m/2'/1'"
WORKER_ESCROW = "m/3'/0'"
WORKER_PAYMENT = "m/3'/1'"
MEDIATOR_ESCROW = "m/4'/0'"
MEDIATOR_PAYMENT = "m/4'/1'"
CREATOR_MESSAGE = "m/2'/2'"
WORKER_MESSAGE = "m/3'/2'"
MEDIATOR_MESSAGE = "m/4'/2'"

_TAG = "rein/job-key"


def job_path(what: str) -> tuple[int, ...]:
    """Four levels of 31 bits from a Job ID or a document id."""
    digest = tagged_hash(_TAG, what.encode("ascii"))
    words = (int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return tuple(word & (HARDENED - 1) for word in words)


def hardened_job_path(what: str) -> tuple[int, ...]:
    """The same four levels, hardened."""
    return tuple(level | HARDENED for level in job_path(what))


@lru_cache(maxsize=4096)
def _child(xpub: str, network: Network, job_id: str) -> bytes:
    return _branch(xpub, network).public_key_at(job_path(job_id))


@lru_cache(maxsize=1024)
def _branch(xpub: str, network: Network) -> ExtendedKey:
    return ExtendedKey.parse_public(xpub, network)


def mediator_escrow_key(enrollment: Enrollment, job_id: str) -> bytes:
    """The compressed public key with which this mediator stands in the escrows of a job.

    :raises AuthorityError: the enrollment is not a mediator's.
    """
    return _child(_mediators(enrollment.mediator_escrow_xpub), enrollment.network, job_id)


def mediator_payment_address(enrollment: Enrollment, job_id: str) -> str:
    """Where this mediator is paid for a job (bech32).

    :raises AuthorityError: the enrollment is not a mediator's.
    """
    key = _child(_mediators(enrollment.mediator_payment_xpub), enrollment.network, job_id)
    return p2wpkh_address(key, enrollment.network)


def mediator_message_key(enrollment: Enrollment, job_id: str) -> bytes | None:
    """The compressed public key to which messages for this mediator in a job are encrypted; None if he takes none."""
    xpub = enrollment.mediator_message_xpub
    return None if xpub is None else _child(xpub, enrollment.network, job_id)


def _mediators(xpub: str | None) -> str:
    if xpub is None:
        raise AuthorityError("the enrollment the job names is not that of a mediator")
    return xpub


def check_mediator(job: Job, enrollment: Enrollment, enrollment_id: DocumentId) -> None:
    """Hold what a job says of its mediator against the enrollment it names.

    :raises AuthorityError: naming the first thing that differs.
    """
    if job.mediator_enrollment != enrollment_id or job.network != enrollment.network:
        raise AuthorityError("the job names another enrollment of the mediator")
    pairs = {
        "master address": (job.mediator_master_address, enrollment.master_address),
        "name": (job.mediator, enrollment.user),
        "contact": (job.mediator_contact, enrollment.contact),
        "fee": (job.mediator_fee, enrollment.mediator_fee),
        "public key": (job.mediator_public_key, mediator_escrow_key(enrollment, job.job_id)),
        "payment address": (job.mediator_payment_address, mediator_payment_address(enrollment, job.job_id)),
    }
    for what, (said, enrolled) in pairs.items():
        if said != enrolled:
            raise AuthorityError(f"the mediator's {what} in the job is not the one the mediator enrolled")
