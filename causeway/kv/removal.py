"""Removing values at the operator's order, without the owner's signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ARRAY, Connection, String, bindparam, delete, func, select

from causeway.hosting import service as hosting
from causeway.kv.copies import OPERATOR, lock_documents, release
from causeway.kv.incoming import Listener
from causeway.kv.models import kv


def remove_values(connection: Connection, listener: Listener, owner: str, keys: Sequence[str]) -> list[str]:
    """Remove an owner's values as if the owner had: the bytes are given back, documents whose last copy goes leave the
    index and are remembered as deleted by the operator. Which of the keys were there."""
    # The owner's buckets first, as every write does.
    hosting.lock_buckets(connection, [owner])
    named = {"keys": list(keys), "owner": owner}
    leaving = lock_documents(connection, connection.scalars(_DOCUMENTS, named))
    gone = connection.execute(_REMOVE, named).all()
    changes: Counter[int] = Counter()
    for row in gone:
        changes[row.bucket_id] -= row.size
    hosting.charge_differences(connection, dict(changes))
    release(connection, listener, leaving, deleted_by=OPERATOR)
    return [row.key for row in gone]


def remove_replicas(connection: Connection, listener: Listener, document_ids: Sequence[str]) -> None:
    """Give up the copies of documents that are kept for peers. Those that no owner here stored leave the index and are
    remembered as deleted by the operator."""
    release(connection, listener, lock_documents(connection, document_ids), deleted_by=OPERATOR)


_KEYS = bindparam("keys", type_=ARRAY(String))
_DOCUMENTS = select(kv.c.document_id).where(kv.c.key == func.any(_KEYS), kv.c.owner == bindparam("owner"))
_REMOVE = (
    delete(kv)
    .where(kv.c.key == func.any(_KEYS), kv.c.owner == bindparam("owner"))
    .returning(kv.c.key, kv.c.size, kv.c.bucket_id, kv.c.document_id)
)
