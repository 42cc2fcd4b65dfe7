"""Who may write, asked for many requests in one statement: their proofs are one table of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    Connection,
    Integer,
    ScalarSelect,
    Text,
    and_,
    any_,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import ColumnElement

from causeway.auth.models import delegation, nonce_use
from causeway.db.base import ascii_text, parameter_rows
from causeway.db.prepared import Prepared
from rein.btc.address import is_identity_address
from rein.protocol.documents import Enrollment, LegacyDocument
from rein.protocol.documents.base import Kind
from rein.protocol.signed import Signed

_PURGE_ROWS = 5_000

_LEGACY_DELEGATE = "Delegate signing address"


WHOLE_REQUEST = ""
"""What a nonce is used for by a request of the versioned API. No key is empty."""


@dataclass(frozen=True)
class Proof:
    """That `signer` signed this request for `owner`, which was verified. The nonce is good once for each `use`: the
    key that is written, or `WHOLE_REQUEST`. Whether the signer may is asked of the database."""

    owner: str
    signer: str
    nonce: str
    use: str
    text_hash: bytes


@dataclass(frozen=True)
class ProofStatus:
    """What the database says of a proof."""

    nonce_is_spent: bool
    signer_is_enrolled: bool


def as_table(proofs: Sequence[Proof]) -> str:
    """The parameter `proofs` of statements that hold the pieces below."""
    rows = [
        {
            "at": at,
            "nonce": each.nonce,
            "use": each.use,
            "text_hash": each.text_hash.hex(),
            "owner": each.owner,
            "signer": each.signer,
        }
        for at, each in enumerate(proofs)
    ]
    return json.dumps(rows)


_proofs = parameter_rows(
    "proofs",
    at=Integer(),
    nonce=ascii_text(32),
    use=ascii_text(128),
    text_hash=Text(),
    owner=ascii_text(35),
    signer=ascii_text(35),
)
_text_hash = func.decode(_proofs.c.text_hash, "hex")


def look_up(connection: Connection, proofs: Sequence[Proof]) -> list[ProofStatus]:
    """What the database says of each proof. It stays so while the buckets of the owners are locked."""
    found = _LOOK_UP(connection, proofs=as_table(proofs))
    return [ProofStatus(row.is_spent, row.is_enrolled) for row in found]


def is_delegate(connection: Connection, owner: str, signer: str) -> bool:
    """Whether a stored enrollment makes `signer` the owner's delegate."""
    (standing,) = look_up(connection, [Proof(owner, signer, nonce="", use="", text_hash=b"")])
    return standing.signer_is_enrolled


def spend(connection: Connection, proof: Proof) -> bool:
    """Remember the use of one proof. False: its nonce was spent already."""
    return _SPEND(connection, proofs=as_table([proof])).scalar() == 1


def spend_nonces() -> tuple[CTE, ScalarSelect[int]]:
    """A part of a statement that remembers the uses of the proofs, and the number of rows it wrote: fewer than there
    are proofs if one was spent already."""
    cte = (
        insert(nonce_use)
        .from_select(["nonce", "key", "text_hash"], select(_proofs.c.nonce, _proofs.c.use, _text_hash))
        .on_conflict_do_nothing()
        .returning(nonce_use.c.nonce)
        .cte("spent")
    )
    return cte, select(func.count()).select_from(cte).scalar_subquery()


def forget_old_nonces(connection: Connection, oldest_valid: str) -> bool:
    """Remove uses of nonces that expired by themselves: those below `NonceMint.oldest_valid`. Whether there may be
    more: so many are removed at a time."""
    old = select(nonce_use.c.nonce, nonce_use.c.key).where(nonce_use.c.nonce < oldest_valid)
    batch = old.order_by(nonce_use.c.nonce, nonce_use.c.key).limit(_PURGE_ROWS).with_for_update(skip_locked=True)
    rows = batch.subquery()
    gone = delete(nonce_use).where(nonce_use.c.nonce == rows.c.nonce, nonce_use.c.key == rows.c.key)
    return connection.execute(gone).rowcount == _PURGE_ROWS


def proves(connection: Connection, signed: Signed[Any], *, owner: str, signer: str) -> bool:
    """Whether this very document is an enrollment by which `owner` makes `signer` its delegate, neither replaced nor
    the delegate revoked yet."""
    if enrolled_master(signed) != owner or named_delegate(signed) != signer:
        return False
    replaced = exists().where(delegation.c.previous == signed.id, delegation.c.master == owner)
    return not connection.scalar(select(or_(replaced, _is_revoked(literal(owner), literal(signer)))))


def remember_delegation(connection: Connection, *signed: Signed[Any]) -> None:
    """Take note of what stored enrollments say. Other documents say nothing here."""
    rows = [row for row in map(_delegation_row, signed) if row is not None]
    if rows:
        connection.execute(insert(delegation).on_conflict_do_nothing(), rows)


def _delegation_row(signed: Signed[Any]) -> dict[str, object] | None:
    master, delegate = enrolled_master(signed), named_delegate(signed)
    if master is None or delegate is None:
        return None
    previous, revoked = None, []
    if isinstance(signed.document, Enrollment):
        previous, revoked = signed.document.previous, [each.address for each in signed.document.revoked or ()]
    return {
        "enrollment": signed.id,
        "master": master,
        "delegate": delegate,
        "previous": previous,
        "revoked": revoked,
    }


def forget_delegation(connection: Connection, *document_ids: str) -> None:
    """Drop what enrollments said that are stored no longer."""
    connection.execute(delete(delegation).where(delegation.c.enrollment.in_(document_ids)))


def enrolled_master(signed: Signed[Any]) -> str | None:
    """Whom an enrollment of either generation enrolls; it is by that very address. None for other documents."""
    document = signed.document
    is_enrollment = isinstance(document, Enrollment) or (
        isinstance(document, LegacyDocument) and document.kind is Kind.ENROLLMENT
    )
    return document.author.master_address if is_enrollment else None


def named_delegate(signed: Signed[Any]) -> str | None:
    """The delegate an enrollment of either generation names, if that is an address at all."""
    document = signed.document
    if isinstance(document, Enrollment):
        return document.delegate_address
    if isinstance(document, LegacyDocument) and document.kind is Kind.ENROLLMENT:
        delegate = document.fields.get(_LEGACY_DELEGATE, "")
        return delegate if is_identity_address(delegate) else None
    return None


def _nonce_is_spent() -> ColumnElement[bool]:
    """Whether a nonce was used for this key, or for this signed text, before."""
    for_key = exists().where(nonce_use.c.nonce == _proofs.c.nonce, nonce_use.c.key == _proofs.c.use)
    return or_(for_key, exists().where(nonce_use.c.text_hash == _text_hash))


def _signer_is_enrolled() -> ColumnElement[bool]:
    """Whether a stored enrollment of the owner names the signer, no other of its enrollments replaces that one, and
    none revokes this delegate: a revocation holds whatever came before or after it. The height it names is for
    documents; this is about writing now."""
    newer = delegation.alias("newer")
    replaced = exists().where(newer.c.previous == delegation.c.enrollment, newer.c.master == delegation.c.master)
    named = and_(delegation.c.master == _proofs.c.owner, delegation.c.delegate == _proofs.c.signer)
    return and_(exists().where(named, ~replaced), ~_is_revoked(_proofs.c.owner, _proofs.c.signer))


def _is_revoked(master: Any, delegate: Any) -> ColumnElement[bool]:
    revoking = delegation.alias("revoking")
    some = revoking.c.revoked != literal_column("'{}'::varchar[]")
    return exists().where(revoking.c.master == master, some, delegate == any_(revoking.c.revoked))


_LOOK_UP = Prepared(
    select(_nonce_is_spent().label("is_spent"), _signer_is_enrolled().label("is_enrolled"))
    .select_from(_proofs)
    .order_by(_proofs.c.at)
)
_spent, _spent_count = spend_nonces()
_SPEND = Prepared(select(_spent_count).add_cte(_spent))
