"""Which key serves which job: fresh ones for every job and network, so that no two contracts share an escrow.

Paths in the identity's BIP32 tree (m is made from its recovery phrase):

    m/0                       master: signs enrollments
    m/1'/0                    delegate on mainnet, as in 2016: signs everything else; later ones are m/1'/1', m/1'/2'
    m/1'/N'/0'                delegate on a test network; later ones are m/1'/N'/1', m/1'/N'/2'. N is from a hash of it
    m/2'/0'/J'  m/2'/2'/J'    creator: escrow key and message key of a job
    m/3'/0'/J'  m/3'/2'/J'    worker:  the same of a bid on a job
    m/4'/0'/J   m/4'/2'/J     mediator: the same of a contract, and of a job (J not hardened)

Jobs pay into an ordinary wallet beside these (`rein.btc.bip84`).

J stands for four levels taken from a hash, 31 bits each, so that keys can be found again from the documents and the
recovery phrase alone. Everybody hashes the network, because a payment's signature does not name it: with it the creator
hashes the Job ID, and the worker the id of the job document. The mediator's escrow key hashes the whole contract
(`contract_path`), so that an escrow belongs to one contract, whoever copies what.

The mediator is asleep when a job is posted, so the public halves of m/4'/0' and m/4'/2' stand in the enrollment and
anyone derives the children. docs/security.md says what that costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rein.btc.amounts import Sat
from rein.btc.hashes import tagged_hash
from rein.btc.hd import HARDENED, ExtendedKey
from rein.btc.networks import MAINNET, Network
from rein.errors import AuthorityError
from rein.protocol.documents import Bid, Enrollment, Job
from rein.protocol.values import DocumentId

MASTER = "m/0"
DELEGATE = "m/1'/0"
CREATOR_ESCROW = "m/2'/0'"
WORKER_ESCROW = "m/3'/0'"
MEDIATOR_ESCROW = "m/4'/0'"
CREATOR_MESSAGE = "m/2'/2'"
WORKER_MESSAGE = "m/3'/2'"
MEDIATOR_MESSAGE = "m/4'/2'"

_JOB_TAG = "rein/job-key"
_CONTRACT_TAG = "rein/contract-key"

Path = tuple[int, ...]
"""Child numbers below a branch."""


def delegate_path(network: Network, number: int) -> str:
    """Where the delegate of this number is, 0 for the first. A stolen delegate key must not help to find the next one,
    so the next ones are hardened; the first of mainnet is where it was in 2016."""
    if network is MAINNET:
        return f"m/1'/{number}'" if number else DELEGATE
    return f"m/1'/{job_path(network, 'delegate')[0]}'/{number}'"


def job_path(network: Network, what: str) -> Path:
    """Four levels of 31 bits from a network and a Job ID or a document id."""
    return _levels(_JOB_TAG, network.genesis_hash, what)


def hardened_job_path(network: Network, what: str) -> Path:
    """The same four levels, hardened."""
    return tuple(level | HARDENED for level in job_path(network, what))


@dataclass(frozen=True)
class ContractParts:
    """All that makes a contract. The job document stands for the creator's key and address, and for the mediator."""

    network: Network
    job_document: DocumentId
    creator_key: bytes
    worker_key: bytes
    worker_master_address: str
    worker_payment_address: str
    price: Sat


def parts_of(bid: Bid) -> ContractParts:
    """The contract that a bid would make."""
    return ContractParts(
        bid.network,
        bid.job_document,
        bid.creator_public_key,
        bid.worker_public_key,
        bid.worker_master_address,
        bid.worker_payment_address,
        bid.amount,
    )


def contract_path(parts: ContractParts) -> Path:
    """Four levels of 31 bits from all that makes a contract: whatever differs gives another mediator's key, and so
    other escrows."""
    return _levels(
        _CONTRACT_TAG,
        parts.network.genesis_hash,
        parts.job_document,
        parts.creator_key.hex(),
        parts.worker_key.hex(),
        parts.worker_master_address,
        parts.worker_payment_address,
        str(parts.price),
    )


def _levels(tag: str, *what: str) -> Path:
    """None of the texts holds a line feed, so no two lists of them are hashed alike."""
    digest = tagged_hash(tag, "\n".join(what).encode("ascii"))
    words = (int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return tuple(word & (HARDENED - 1) for word in words)


@lru_cache(maxsize=4096)
def _child(xpub: str, network: Network, path: Path) -> bytes:
    return _branch(xpub, network).public_key_at(path)


@lru_cache(maxsize=1024)
def _branch(xpub: str, network: Network) -> ExtendedKey:
    return ExtendedKey.parse_public(xpub, network)


def mediator_escrow_key(enrollment: Enrollment, parts: ContractParts) -> bytes:
    """The compressed public key with which this mediator stands in the escrows of a contract.

    :raises AuthorityError: the enrollment is not a mediator's.
    """
    if enrollment.mediator_escrow_xpub is None:
        raise AuthorityError("the enrollment the job names is not that of a mediator")
    return _child(enrollment.mediator_escrow_xpub, enrollment.network, contract_path(parts))


def mediator_message_key(enrollment: Enrollment, job_document: DocumentId) -> bytes | None:
    """The compressed public key to which messages for this mediator in a job are encrypted; None if they take none."""
    xpub = enrollment.mediator_message_xpub
    return None if xpub is None else _child(xpub, enrollment.network, job_path(enrollment.network, job_document))


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
        "payment address": (job.mediator_payment_address, enrollment.mediator_payment_address),
    }
    for what, (said, enrolled) in pairs.items():
        if said != enrolled:
            raise AuthorityError(f"the mediator's {what} in the job is not the one the mediator enrolled")
