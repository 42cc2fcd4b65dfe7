"""Keeping the index of documents up to date."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    Text,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import TSVECTOR, insert
from sqlalchemy.sql.dml import ReturningInsert

from causeway.db.base import parameter_rows
from causeway.db.prepared import Prepared
from causeway.kv.incoming import IncomingDocument
from causeway.search.models import MAX_FOLDED, document, enrollment
from causeway.search.sequence import next_number, place_for_next
from rein.btc.address import is_identity_address
from rein.btc.amounts import parse_btc
from rein.errors import InputError
from rein.protocol.description import Description
from rein.protocol.documents import Bid, Enrollment, Job, Kind, LegacyDocument
from rein.protocol.limits import MAX_NAME, MAX_TAG, MAX_TAGS
from rein.protocol.sin import secure_identity_number

_JOB_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_PUBLIC_KEY = re.compile(r"0[23][0-9a-f]{64}|04[0-9a-f]{128}")

_MASTER_LOCK = 0x656E726C
"""The advisory locks under which a master's enrollments are put in order ("enrl"), one for each hash of a master."""


def add(connection: Connection, incoming: IncomingDocument) -> None:
    """Index a document, unless it is indexed already."""
    add_all(connection, [incoming])


def add_all(connection: Connection, documents: Sequence[IncomingDocument]) -> None:
    """Index many documents, numbered in the order given. They are written in the order of their ids, so that two
    writers of the same documents wait for each other and do not block each other."""
    known: dict[str, IncomingDocument] = {}
    for incoming in documents:
        known.setdefault(incoming.signed.id, incoming)
    rows = [_row(incoming) for incoming in known.values()]
    written = _ADD(connection, rows=json.dumps(rows, ensure_ascii=False)).all()
    enrolled = [(known[row.id], row.seq) for row in written if known[row.id].description.kind is Kind.ENROLLMENT]
    if enrolled:
        _add_enrollments(connection, enrolled)


def remove(connection: Connection, *document_ids: str) -> None:
    """Take documents out of the index."""
    ids = list(document_ids)
    masters = sorted(set(connection.scalars(_MASTERS, {"ids": ids})))
    for master in masters:
        _lock_master(connection, master)
    connection.execute(_REMOVE, {"ids": ids})
    for master in masters:
        _find_current(connection, master)


def _row(incoming: IncomingDocument) -> Mapping[str, object]:
    described = incoming.description
    return {
        "id": described.id,
        "kind": described.kind.value,
        "legacy": described.legacy,
        "network": described.network,
        "title": described.title[:MAX_NAME] if described.title else None,
        "job_id": _if_shaped(_JOB_ID, described.job_id),
        "order_id": described.order_id,
        "previous": described.previous,
        "author": _if_address(described.author),
        "signer": described.signer,
        **_party_columns(described),
        "tags": [tag for tag in described.tags if len(tag) <= MAX_TAG][:MAX_TAGS],
        "expires": described.expires,
        "block_height": described.block_height,
        "size": len(incoming.signed.armored.encode()),
        "armored": incoming.signed.armored,
        "amount_sat": _amount(incoming),
        "words": _words(incoming),
    }


def _amount(incoming: IncomingDocument) -> int | None:
    """What a bid asks for."""
    bid = incoming.signed.document
    if isinstance(bid, Bid):
        return bid.amount
    if incoming.description.kind is not Kind.BID or not isinstance(bid, LegacyDocument):
        return None
    try:
        return parse_btc(bid.fields.get("Bid amount (BTC)", ""))
    except InputError:
        return None


def _words(incoming: IncomingDocument) -> str | None:
    """The text by which a job is found."""
    described, job = incoming.description, incoming.signed.document
    if described.kind is not Kind.JOB:
        return None
    text = job.description if isinstance(job, Job) else job.fields.get("Description", "")
    return " ".join([described.title or "", *described.tags, text])


def _party_columns(described: Description) -> Mapping[str, object]:
    address = _if_address if described.legacy else _as_checked
    return {
        "creator_address": address(described.creator.address),
        "creator_key": _if_shaped(_PUBLIC_KEY, described.creator.public_key),
        "worker_address": address(described.worker.address),
        "worker_key": _if_shaped(_PUBLIC_KEY, described.worker.public_key),
        "mediator_address": address(described.mediator.address),
        "mediator_key": _if_shaped(_PUBLIC_KEY, described.mediator.public_key),
    }


def _if_shaped(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value and pattern.fullmatch(value) else None


def _if_address(value: str | None) -> str | None:
    return value if value and is_identity_address(value) else None


def _as_checked(value: str | None) -> str | None:
    """An address in a document of today: it was checked when the document was read."""
    return value


_COLUMNS = [each for each in document.c if each.name not in ("seq", "stored")]
_NAMES = ["seq", *(each.name for each in _COLUMNS)]


def _vector(text: ColumnElement[str]) -> ColumnElement[Any]:
    return func.to_tsvector(literal_column("'simple'::regconfig"), text, type_=TSVECTOR)


def _adding() -> ReturningInsert[Any]:
    """Draw a number for each row and write it; no row comes back where a document is known already. The inner
    statement draws the numbers in the order of the rows, and the outer one sorts."""
    place = place_for_next().cte("place")
    rows = parameter_rows("rows", **{each.name: Text() if each.name == "words" else each.type for each in _COLUMNS})
    values = [_vector(rows.c.words).label("words") if each.name == "words" else rows.c[each.name] for each in _COLUMNS]
    numbered = select(next_number().label("seq"), *values).select_from(place.join(rows, literal_column("true")))
    drawn = numbered.cte("numbered")
    sorted_rows = select(*(drawn.c[name] for name in _NAMES)).order_by(drawn.c.id)
    return (
        insert(document)
        .from_select(_NAMES, sorted_rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=[document.c.id])
        .returning(document.c.seq, document.c.id)
    )


_ADD = Prepared(_adding())
_IDS = bindparam("ids", type_=ARRAY(String))
_MASTERS = select(enrollment.c.master).where(enrollment.c.id == func.any(_IDS))
_REMOVE = delete(document).where(document.c.id == func.any(_IDS))


def _add_enrollments(connection: Connection, numbered: Sequence[tuple[IncomingDocument, int]]) -> None:
    """Index enrollments, and find the one that counts of each master once: it costs as much as the master has."""
    masters = sorted({incoming.description.author for incoming, _ in numbered})
    for master in masters:
        _lock_master(connection, master)
    connection.execute(insert(enrollment), [_enrollment_row(incoming, seq) for incoming, seq in numbered])
    for master in masters:
        _find_current(connection, master)


def _enrollment_row(incoming: IncomingDocument, seq: int) -> Mapping[str, object]:
    described = incoming.description
    signed = incoming.signed
    fields = (
        (signed.document.user, signed.document.contact, signed.document.delegate_address)
        if isinstance(signed.document, Enrollment)
        else tuple(signed.document.fields.get(label) for label in ("User", "Contact", "Delegate signing address"))
    )
    name, contact, delegate = fields
    return {
        "seq": seq,
        "id": described.id,
        "master": described.author,
        "sin": secure_identity_number(described.author),
        "delegate": _if_address(delegate),
        "name": folded(name),
        "contact": folded(contact),
        "willing_to_mediate": described.willing_to_mediate,
        "previous": described.previous,
        "block_height": described.block_height,
        "is_current": False,
    }


def folded(text: str | None) -> str | None:
    """A name or contact as it is compared: without regard to case. None for what is too long to be one."""
    folded_text = text.strip().casefold() if text else ""
    return folded_text if 0 < len(folded_text) <= MAX_FOLDED else None


def _lock_master(connection: Connection, master: str) -> None:
    connection.execute(select(func.pg_advisory_xact_lock(_MASTER_LOCK, func.hashtext(master))))


def _find_current(connection: Connection, master: str) -> None:
    """Mark the enrollment of a master that counts, and no other."""
    newer = enrollment.alias("newer")
    replaced = select(literal(1)).where(newer.c.previous == enrollment.c.id, newer.c.master == master).exists()
    head = (
        select(enrollment.c.seq)
        .where(enrollment.c.master == master, ~replaced)
        .order_by(enrollment.c.block_height.desc().nulls_last(), enrollment.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    is_head: ColumnElement[bool] = func.coalesce(enrollment.c.seq == head, False)
    connection.execute(
        update(enrollment)
        .where(enrollment.c.master == master, enrollment.c.is_current != is_head)
        .values(is_current=is_head)
    )
