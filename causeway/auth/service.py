"""Who may write, as pieces of SQL that whoever writes puts into its own statements: few round trips a request.

The pieces are made once, with the parameters nonce, key, text_hash, owner and signer (`causeway.db.base.given`),
which are filled in when a statement that holds them is executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, ScalarSelect, and_, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import ColumnElement

from causeway.auth.models import delegation, nonce_use
from causeway.db.base import given, values_given
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

    def given(self) -> dict[str, object]:
        """The parameters of statements that hold the pieces below."""
        return values_given(
            nonce=self.nonce, key=self.use, text_hash=self.text_hash, owner=self.owner, signer=self.signer
        )


def nonce_is_spent() -> ColumnElement[bool]:
    """Whether this nonce was used for this key, or for this signed text, before."""
    spent = or_(
        and_(nonce_use.c.nonce == given("nonce"), nonce_use.c.key == given("key")),
        nonce_use.c.text_hash == given("text_hash"),
    )
    return exists().where(spent)


def spend_nonce() -> tuple[CTE, ScalarSelect[int]]:
    """A part of a statement that remembers the use, and the number of rows it wrote: 0 if it was spent already."""
    cte = (
        insert(nonce_use)
        .values(nonce=given("nonce"), key=given("key"), text_hash=given("text_hash"))
        .on_conflict_do_nothing()
        .returning(nonce_use.c.nonce)
        .cte("spent")
    )
    return cte, select(func.count()).select_from(cte).scalar_subquery()


def forget_old_nonces(connection: Connection, oldest_valid: str) -> None:
    """Remove uses of nonces that expired by themselves: those below `NonceMint.oldest_valid`."""
    old = select(nonce_use.c.nonce, nonce_use.c.key).where(nonce_use.c.nonce < oldest_valid)
    batch = old.order_by(nonce_use.c.nonce, nonce_use.c.key).limit(_PURGE_ROWS).with_for_update(skip_locked=True)
    rows = batch.subquery()
    connection.execute(delete(nonce_use).where(nonce_use.c.nonce == rows.c.nonce, nonce_use.c.key == rows.c.key))


def signer_is_enrolled() -> ColumnElement[bool]:
    """Whether a stored enrollment of `owner` names `signer`, and no other of its enrollments replaces that one."""
    newer = delegation.alias("newer")
    replaced = exists().where(newer.c.previous == delegation.c.enrollment, newer.c.master == delegation.c.master)
    return exists().where(delegation.c.master == given("owner"), delegation.c.delegate == given("signer"), ~replaced)


def proves(connection: Connection, signed: Signed[Any], *, owner: str, signer: str) -> bool:
    """Whether this very document is an enrollment by which `owner` makes `signer` its delegate, not replaced yet."""
    if enrolled_master(signed) != owner or named_delegate(signed) != signer:
        return False
    replaced = select(delegation.c.enrollment).where(delegation.c.previous == signed.id, delegation.c.master == owner)
    return connection.scalar(replaced.limit(1)) is None


def remember_delegation(connection: Connection, *signed: Signed[Any]) -> None:
    """Take note of what stored enrollments say. Other documents say nothing here."""
    rows = [row for row in map(_delegation_row, signed) if row is not None]
    if rows:
        connection.execute(insert(delegation).on_conflict_do_nothing(), rows)


def _delegation_row(signed: Signed[Any]) -> dict[str, object] | None:
    master, delegate = enrolled_master(signed), named_delegate(signed)
    if master is None or delegate is None:
        return None
    previous = signed.document.previous if isinstance(signed.document, Enrollment) else None
    return {"enrollment": signed.id, "master": master, "delegate": delegate, "previous": previous}


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
