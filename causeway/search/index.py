"""Keeping the index: told of every document that is stored, and of every one whose last copy is gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from causeway.db.base import given, values_given
from causeway.kv.arrivals import Arrival
from causeway.search.models import MAX_FOLDED, document, enrollment
from causeway.search.sequence import next_number, place_for_next
from rein.btc.address import is_identity_address
from rein.protocol.description import Description
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.limits import MAX_NAME, MAX_TAG, MAX_TAGS
from rein.protocol.sin import secure_identity_number

_JOB_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_PUBLIC_KEY = re.compile(r"0[23][0-9a-f]{64}|04[0-9a-f]{128}")

_MASTER_LOCK = 0x656E726C
"""The advisory locks under which a master's enrollments are put in order ("enrl"), one for each hash of a master."""


def add(connection: Connection, arrival: Arrival) -> None:
    """Index a document, unless it is indexed already."""
    seq = connection.scalar(_ADD, values_given(**_row(arrival)))
    if seq is not None and arrival.description.kind is Kind.ENROLLMENT:
        _add_enrollment(connection, arrival, seq)


def remove(connection: Connection, document_id: str) -> None:
    """Take a document out of the index."""
    master = connection.scalar(select(enrollment.c.master).where(enrollment.c.id == document_id))
    if master is not None:
        _lock_master(connection, master)
    connection.execute(delete(document).where(document.c.id == document_id))
    if master is not None:
        _find_current(connection, master)


def _row(arrival: Arrival) -> Mapping[str, object]:
    described = arrival.description
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
        "size": len(arrival.signed.armored.encode()),
        "armored": arrival.signed.armored,
    }


def _party_columns(described: Description) -> Mapping[str, object]:
    return {
        "creator_address": _if_address(described.creator.address),
        "creator_key": _if_shaped(_PUBLIC_KEY, described.creator.public_key),
        "worker_address": _if_address(described.worker.address),
        "worker_key": _if_shaped(_PUBLIC_KEY, described.worker.public_key),
        "mediator_address": _if_address(described.mediator.address),
        "mediator_key": _if_shaped(_PUBLIC_KEY, described.mediator.public_key),
    }


def _if_shaped(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value and pattern.fullmatch(value) else None


def _if_address(value: str | None) -> str | None:
    return value if value and is_identity_address(value) else None


def _adding() -> ReturningInsert[Any]:
    """Draw a number and write the row; no row comes back where the document is known already."""
    place = place_for_next().cte("place")
    columns = [each for each in document.c if each.name not in ("seq", "stored")]
    values = [given(each.name, each.type) for each in columns]
    row = select(next_number(), *values).select_from(place)
    return (
        insert(document)
        .from_select(["seq", *(each.name for each in columns)], row, include_defaults=False)
        .on_conflict_do_nothing(index_elements=[document.c.id])
        .returning(document.c.seq)
    )


_ADD = _adding()


def _add_enrollment(connection: Connection, arrival: Arrival, seq: int) -> None:
    described = arrival.description
    signed = arrival.signed
    fields = (
        (signed.document.user, signed.document.contact, signed.document.delegate_address)
        if isinstance(signed.document, Enrollment)
        else tuple(signed.document.fields.get(label) for label in ("User", "Contact", "Delegate signing address"))
    )
    name, contact, delegate = fields
    master = described.author
    _lock_master(connection, master)
    connection.execute(
        insert(enrollment).values(
            seq=seq,
            id=described.id,
            master=master,
            sin=secure_identity_number(master),
            delegate=_if_address(delegate),
            name=folded(name),
            contact=folded(contact),
            willing_to_mediate=described.willing_to_mediate,
            previous=described.previous,
            block_height=described.block_height,
            is_current=False,
        )
    )
    _find_current(connection, master)


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
