"""What is worth indexing of a document, the same on every server and in every client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rein.btc.keys import parse_public_key
from rein.errors import ReinError
from rein.protocol.documents import (
    AcceptDelivery,
    Bid,
    Delivery,
    Document,
    Enrollment,
    Job,
    Kind,
    LegacyDocument,
    Offer,
    PartyDocument,
    Rating,
    Role,
)
from rein.protocol.limits import MAX_NAME, MAX_TAG, MAX_TAGS
from rein.protocol.signed import Signed
from rein.protocol.values import IDENTITY_ADDRESS, JOB_ID, DocumentId, fold_tag, shorten

LEGACY_MAINNET = "mainnet"
LEGACY_TESTNET = "testnet"
"""The network of a document of 2016. Its test network is not one of today's four."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """A person in a document: the identity's master address and the public key for this job (hex), where named."""

    address: str | None = None
    public_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Description:
    """The typed columns of a document. `order_id` is the id of the job document it belongs to; documents of 2016
    have none. `expires` is in seconds since 1970."""

    id: DocumentId
    kind: Kind
    legacy: bool
    network: str
    title: str | None
    job_id: str | None
    order_id: DocumentId | None
    previous: DocumentId | None
    author: str
    signer: str
    creator: Party
    worker: Party
    mediator: Party
    willing_to_mediate: bool
    tags: tuple[str, ...]
    expires: int | None
    block_height: int | None


def describe(signed: Signed[Any]) -> Description:
    """Describe a verified document of either generation."""
    document = signed.document
    if isinstance(document, LegacyDocument):
        return _describe_legacy(signed, document)
    return _describe(signed, document)


def _describe(signed: Signed[Any], document: Document) -> Description:
    creator, worker, mediator = _parties(document)
    job = document if isinstance(document, Job) else None
    return Description(
        id=signed.id,
        kind=document.KIND,
        legacy=False,
        network=document.network.name,
        title=_title(document),
        job_id=getattr(document, "job_id", None),
        order_id=signed.id if job else getattr(document, "job_document", None),
        previous=document.previous,
        author=document.author.master_address,
        signer=signed.address,
        creator=creator,
        worker=worker,
        mediator=mediator,
        willing_to_mediate=isinstance(document, Enrollment) and document.willing_to_mediate,
        tags=(job.tags or ()) if job else (),
        expires=job.expires if job else None,
        block_height=document.block_height,
    )


def _title(document: Document) -> str | None:
    if isinstance(document, Job):
        return document.name
    if isinstance(document, Enrollment):
        return document.user
    return getattr(document, "job_name", None)


def _parties(document: Document) -> tuple[Party, Party, Party]:
    """Creator, worker and mediator, as far as this document names them."""
    match document:
        case Enrollment():
            key = document.mediator_public_key
            mediator = Party(address=document.master_address, public_key=key.hex()) if key else Party()
            return Party(), Party(), mediator
        case Job():
            return (
                Party(address=document.creator_master_address, public_key=document.creator_public_key.hex()),
                Party(),
                Party(address=document.mediator_master_address),
            )
        case Bid():
            return (
                Party(public_key=document.creator_public_key.hex()),
                Party(address=document.worker_master_address, public_key=document.worker_public_key.hex()),
                Party(public_key=document.mediator_public_key.hex()),
            )
        case Offer():
            return (
                Party(address=document.creator_master_address, public_key=document.creator_public_key.hex()),
                Party(address=document.worker_master_address, public_key=document.worker_public_key.hex()),
                Party(public_key=document.mediator_public_key.hex()),
            )
        case Delivery():
            return Party(), Party(address=document.worker_master_address), Party()
        case AcceptDelivery():
            return Party(address=document.creator_master_address), Party(), Party()
        case Rating():
            named = {document.role: document.master_address, document.rated_role: document.rated_master_address}
            creator, worker, mediator = (
                Party(address=named.get(role)) for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR)
            )
            return creator, worker, mediator
        case PartyDocument():
            creator, worker, mediator = (
                Party(address=document.master_address if document.role is role else None)
                for role in (Role.CREATOR, Role.WORKER, Role.MEDIATOR)
            )
            return creator, worker, mediator
        case _:
            return Party(), Party(), Party()


def _describe_legacy(signed: Signed[Any], document: LegacyDocument) -> Description:
    """Its fields were never checked for shape or length: what a column cannot hold is left out."""
    fields = document.fields

    def party(name: str) -> Party:
        return Party(
            address=_column(document, f"{name} master address", IDENTITY_ADDRESS.parse),
            public_key=_column(document, f"{name} public key", _public_key_hex),
        )

    enrolled = document.kind is Kind.ENROLLMENT
    title = fields.get("User" if enrolled else "Job name")
    tags = (fold_tag(tag.strip()) for tag in fields.get("Tags", "").split(","))
    return Description(
        id=signed.id,
        kind=document.kind,
        legacy=True,
        network=LEGACY_TESTNET if document.testnet else LEGACY_MAINNET,
        title=None if title is None else shorten(title, MAX_NAME),
        job_id=_column(document, "Job ID", JOB_ID.parse),
        order_id=None,
        previous=None,
        author=document.author.master_address,
        signer=signed.address,
        creator=party("Job creator"),
        worker=party("Worker"),
        mediator=party("Mediator"),
        willing_to_mediate=enrolled and fields.get("Willing to mediate") in ("True", "Y"),
        tags=tuple(islice((tag for tag in tags if 0 < len(tag) <= MAX_TAG), MAX_TAGS)),
        expires=None,
        block_height=None,
    )


def _public_key_hex(text: str) -> str:
    return parse_public_key(text, allow_uncompressed=True).hex()


def _column(document: LegacyDocument, label: str, parse: Callable[[str], str]) -> str | None:
    try:
        return parse(document.fields[label])
    except (KeyError, ValueError, ReinError):
        return None
