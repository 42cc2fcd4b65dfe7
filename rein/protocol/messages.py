"""Who may write to whom in an order, by which keys, and in which order messages are read."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rein.errors import AuthorityError
from rein.protocol.documents import Bid, Disclosure, Enrollment, Job, Role, SealedBid, SealedDocument
from rein.protocol.job_keys import mediator_message_key
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId

Speakers = Mapping[tuple[Role, str], frozenset[bytes]]
"""The message keys of everybody who may write in an order, by role and master address. Whoever bids twice may have
two; whoever takes no messages has none."""


def speakers_of(
    posted: Signed[Job],
    bids: Iterable[Signed[Bid]],
    sealed_bids: Iterable[Signed[SealedBid]],
    enrollment: Enrollment | None,
) -> Speakers:
    """Everybody who may write in an order: the creator, the mediator, and whoever has bid, sealed or not.

    :param enrollment: the mediator's that the job names.
    """
    job, job_document = posted.document, posted.id
    found: dict[tuple[Role, str], set[bytes]] = defaultdict(set)

    def add(role: Role, address: str, key: bytes | None) -> None:
        found[role, address].update([] if key is None else [key])

    add(Role.CREATOR, job.creator_master_address, job.creator_message_key)
    if enrollment is not None:
        add(Role.MEDIATOR, job.mediator_master_address, mediator_message_key(enrollment, job_document))
    for bid in bids:
        add(Role.WORKER, bid.document.worker_master_address, bid.document.worker_message_key)
    for sealed in sealed_bids:
        add(Role.WORKER, sealed.document.master_address, sealed.document.from_key)
    return {who: frozenset(keys) for who, keys in found.items()}


def check_sealed(document: SealedDocument, speakers: Speakers) -> None:
    """Refuse a sealed document whose sender, receiver or keys are not those of the order.

    What it answers is not asked: a server that withholds one message must not hide those after it.

    :raises AuthorityError: naming what is wrong.
    """
    _check_key(speakers, document.role, document.master_address, document.from_key)
    _check_key(speakers, document.to_role, document.to_address, document.to_key)
    if isinstance(document, Disclosure):
        other = Role.WORKER if document.role is Role.CREATOR else Role.CREATOR
        _check_key(speakers, other, document.other_address, document.other_key)


def _check_key(speakers: Speakers, role: Role, address: str, key: bytes) -> None:
    keys = speakers.get((role, address))
    if keys is None:
        raise AuthorityError(f"{address} is not the {role.value} of this job")
    if key not in keys:
        raise AuthorityError(f"that is not the message key of the {role.value} in this job")


def in_reading_order(messages: Sequence[Signed[Any]]) -> list[Signed[Any]]:
    """What answers another message after it; else by height and id."""
    waiting: dict[DocumentId, list[Signed[Any]]] = defaultdict(list)
    known = {each.id for each in messages}
    ready: list[tuple[int, DocumentId, Signed[Any]]] = []

    def push(each: Signed[Any]) -> None:
        heapq.heappush(ready, (each.document.block_height, each.id, each))

    for each in messages:
        if each.document.previous in known:
            waiting[each.document.previous].append(each)
        else:
            push(each)
    ordered = []
    while ready:
        each = heapq.heappop(ready)[2]
        ordered.append(each)
        for answer in waiting.pop(each.id, []):
            push(answer)
    return ordered
