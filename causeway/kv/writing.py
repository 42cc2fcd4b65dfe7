"""Storing values: those of all requests that wait at the same time, in one transaction.

Each request is decided by itself, as if it were alone. The buckets of all owners are locked first, so nothing of theirs
changes between what is looked at and what is written. Only a key that nobody had can be taken by somebody else
meanwhile: then the whole transaction is tried again. However many values there are, it is the same few statements.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Connection, Integer, Select, String, Text, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from causeway.auth import service as auth
from causeway.auth.service import WHOLE_REQUEST, Proof, ProofStatus
from causeway.db.base import ascii_text, parameter, parameter_rows
from causeway.db.engine import LostRaceError
from causeway.db.prepared import Prepared
from causeway.errors import KeyTakenError
from causeway.hosting import service as hosting
from causeway.hosting.service import Charge, LockedBucket
from causeway.kv.authority import check_authority
from causeway.kv.copies import lock_documents, release
from causeway.kv.incoming import IncomingDocument, Listener
from causeway.kv.models import kv
from rein.errors import ReinError


@dataclass(frozen=True)
class Candidate:
    """A value that may be stored, as far as can be said without the database. `testnet` is what the client said."""

    key: str
    value: str
    incoming: IncomingDocument | None
    testnet: bool

    @property
    def size(self) -> int:
        """The bytes that a bucket is charged with."""
        return len(self.key) + len(self.value.encode())


@dataclass(frozen=True)
class WriteRequest:
    """One request: its candidates by their place in it. A task of `causeway.db.group_commit`."""

    proof: Proof
    candidates: Mapping[int, Candidate]

    @property
    def weight(self) -> int:
        """Bytes."""
        return sum(each.size for each in self.candidates.values())

    @property
    def claims(self) -> frozenset[Hashable]:
        """The keys, and what the nonce is good for once."""
        keys = (each.key for each in self.candidates.values())
        return frozenset([*keys, (self.proof.nonce, self.proof.use), self.proof.text_hash])


Refused = Mapping[int, ReinError]
"""Why candidates were not stored, by their place; the others were."""


@dataclass(frozen=True)
class StoredValue:
    """The value that a key has already."""

    owner: str
    size: int
    bucket: int
    document_id: str | None


@dataclass
class _Plan:
    """What is to be written."""

    proofs: list[Proof] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    documents: list[IncomingDocument] = field(default_factory=list)
    replaced: list[StoredValue] = field(default_factory=list)
    changes: Counter[int] = field(default_factory=Counter)

    def add(self, owner: str, new: Candidate, charge: Charge, old: StoredValue | None) -> None:
        self.changes[charge.charged] += charge.charge
        self.changes[charge.credited] -= charge.credit
        if new.incoming is not None:
            self.documents.append(new.incoming)
        if old is not None:
            self.replaced.append(old)
        self.rows.append(
            {
                "key": new.key,
                "owner": owner,
                "value": new.value,
                "size": new.size,
                "bucket_id": charge.charged,
                "document_id": new.incoming.signed.id if new.incoming else None,
                "testnet": new.testnet,
            }
        )


def store(connection: Connection, listener: Listener, writes: Sequence[WriteRequest]) -> list[Refused | Exception]:
    """Store what can be stored of each request, and spend its nonce; or say why it was refused as a whole. No two of
    them may claim the same thing."""
    buckets = hosting.lock_buckets(connection, [each.proof.owner for each in writes])
    statuses = auth.look_up(connection, [each.proof for each in writes])
    old = stored_values(connection, [each.key for write in writes for each in write.candidates.values()])
    plan = _Plan()
    answers: list[Refused | Exception] = []
    for write, status in zip(writes, statuses, strict=True):
        try:
            answers.append(_choose(connection, write, status, buckets[write.proof.owner], old, plan))
        except ReinError as error:
            answers.append(error)
    if plan.proofs:
        _write(connection, listener, plan)
    return answers


def stored_values(connection: Connection, keys: Sequence[str]) -> dict[str, StoredValue]:
    """The values that keys have, without their texts."""
    rows = _STORED(connection, keys=list(keys))
    return {row.key: StoredValue(row.owner, row.size, row.bucket_id, row.document_id) for row in rows}


def _choose(
    connection: Connection,
    write: WriteRequest,
    status: ProofStatus,
    buckets: list[LockedBucket],
    old: Mapping[str, StoredValue],
    plan: _Plan,
) -> Refused:
    """Plan what fits of a request, one value after the other; why each of the others does not. What is free in
    `buckets` shrinks."""
    proof = write.proof
    documents = [each.incoming for each in write.candidates.values() if each.incoming is not None]
    check_authority(connection, proof, buckets, status, documents)
    refused: dict[int, ReinError] = {}
    for at, each in write.candidates.items():
        before = old.get(each.key)
        try:
            charge = _place(proof.owner, buckets, each, before)
        except ReinError as error:
            refused[at] = error
            continue
        plan.add(proof.owner, each, charge, before)
        for bucket_id, change in ((charge.charged, charge.charge), (charge.credited, -charge.credit)):
            for place, bucket in enumerate(buckets):
                if bucket.id == bucket_id:
                    buckets[place] = replace(bucket, bytes_free=bucket.bytes_free - change)
    # A request for one key keeps its nonce if it did nothing; one for many spends it whatever became of them.
    if len(refused) < len(write.candidates) or proof.use == WHOLE_REQUEST:
        plan.proofs.append(proof)
    return refused


def _place(owner: str, buckets: Sequence[LockedBucket], new: Candidate, old: StoredValue | None) -> Charge:
    if old is None:
        return hosting.charge_for(buckets, new.size, old_bucket=None, old_size=0)
    if old.owner != owner:
        raise KeyTakenError("Key is owned by somebody else.", hint="Choose another key.")
    return hosting.charge_for(buckets, new.size, old_bucket=old.bucket, old_size=old.size)


def _write(connection: Connection, listener: Listener, plan: _Plan) -> None:
    if plan.documents:
        listener.stored(connection, plan.documents)
        auth.remember_delegation(connection, *(incoming.signed for incoming in plan.documents))
    hosting.charge_differences(connection, plan.changes)
    leaving = lock_documents(connection, [each.document_id for each in plan.replaced])
    rows = json.dumps(plan.rows, ensure_ascii=False)
    done = _WRITE(connection, proofs=auth.as_table(plan.proofs), rows=rows).one()
    if done.spent != len(plan.proofs) or done.written != len(plan.rows):
        raise LostRaceError
    release(connection, listener, leaving)


_COLUMNS: dict[str, TypeEngine[Any]] = {
    "key": ascii_text(128),
    "owner": ascii_text(35),
    "value": Text(),
    "size": Integer(),
    "bucket_id": BigInteger(),
    "document_id": ascii_text(64),
    "testnet": Boolean(),
}


def _writing() -> Select[tuple[int, int]]:
    """Spend the nonces and write all rows; how many of each."""
    spent, spent_count = auth.spend_nonces()
    rows = parameter_rows("rows", **_COLUMNS)
    statement = insert(kv).from_select(
        list(_COLUMNS), select(*(rows.c[name] for name in _COLUMNS)).order_by(rows.c.key), include_defaults=False
    )
    changed = {name: statement.excluded[name] for name in _COLUMNS if name not in ("key", "owner")}
    written = (
        statement.on_conflict_do_update(
            index_elements=[kv.c.key],
            set_=changed | {"stored": func.now()},
            where=kv.c.owner == statement.excluded.owner,
        )
        .returning(kv.c.key)
        .cte("written")
    )
    count = select(func.count()).select_from(written).scalar_subquery()
    return select(spent_count.label("spent"), count.label("written")).add_cte(spent)


_STORED = Prepared(
    select(kv.c.key, kv.c.owner, kv.c.size, kv.c.bucket_id, kv.c.document_id).where(
        kv.c.key == func.any(parameter("keys", ARRAY(String)))
    )
)
_WRITE = Prepared(_writing())
