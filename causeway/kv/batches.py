"""Many values in one request and one transaction: each is judged by itself, and the good ones are kept.

The owner's buckets are locked first, so nothing of the owner's changes between what is looked at and what is written.
Only a key that nobody had can be taken by somebody else meanwhile: then the whole transaction is tried again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Integer,
    Row,
    Select,
    String,
    Text,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from causeway.auth import service as auth
from causeway.auth.service import Proof
from causeway.db.base import ascii_text, given, rows_given, values_given
from causeway.db.engine import Database, LostRaceError
from causeway.errors import (
    AnswerFullError,
    DuplicateKeyError,
    KeyNotFoundError,
    KeyTakenError,
    StorageExhaustedError,
    TransferExhaustedError,
)
from causeway.hosting import service as hosting
from causeway.hosting.service import Room
from causeway.kv.arrivals import Arrival, Listener, read_arrival
from causeway.kv.authority import check_authority, nonce_used
from causeway.kv.copies import drop_replicas, hold_still, without_copy
from causeway.kv.models import kv
from causeway.kv.service import serve_from_another, transfer_exhausted
from rein.btc.networks import MAINNET, Network
from rein.errors import ReinError
from rein.protocol.wire import MAX_BATCH_BYTES


@dataclass(frozen=True)
class Item:
    """A value to store under a key; both have the right shape."""

    key: str
    value: str


Verdict = ReinError | None
"""None: it was done."""


@dataclass(frozen=True)
class _Candidate:
    """A value that may be stored, as far as can be said without the database."""

    item: Item
    arrival: Arrival | None
    size: int


@dataclass(frozen=True)
class _Old:
    """What stands under a key already."""

    owner: str
    size: int
    bucket: int
    document_id: str | None


class BatchStore:
    """Writes, reads and deletes many keys at a time."""

    def __init__(self, database: Database, network: Network, listener: Listener) -> None:
        self._database = database
        self._network = network
        self._listener = listener

    # ----- writing -----

    def put(self, proof: Proof, items: Sequence[Item]) -> list[Verdict]:
        """Store all values that can be stored, durably, and spend the nonce.

        :raises ApiError: the signer may not write for the owner at all.
        """
        judged = self._judge(items)
        candidates = {at: each for at, each in enumerate(judged) if isinstance(each, _Candidate)}
        refused = self._database.write(lambda connection: self._store(connection, proof, candidates))
        return [refused.get(at) if isinstance(each, _Candidate) else each for at, each in enumerate(judged)]

    def _judge(self, items: Sequence[Item]) -> list[_Candidate | ReinError]:
        judged: list[_Candidate | ReinError] = []
        seen: set[str] = set()
        for item in items:
            if item.key in seen:
                judged.append(DuplicateKeyError("the key stands twice in this request", hint="The first one counts."))
                continue
            seen.add(item.key)
            try:
                arrival = read_arrival(item.value, self._network, testnet=False)
            except ReinError as error:
                judged.append(error)
                continue
            judged.append(_Candidate(item, arrival, len(item.key) + len(item.value.encode())))
        return judged

    def _store(
        self, connection: Connection, proof: Proof, candidates: Mapping[int, _Candidate]
    ) -> dict[int, ReinError]:
        arrivals = [each.arrival for each in candidates.values() if each.arrival is not None]
        rooms = _lock(connection, proof, arrivals)
        old = _look(connection, [each.item.key for each in candidates.values()])
        chosen, refused = _choose(proof.owner, rooms, candidates, old)
        fitting = [candidates[at] for at in chosen]
        self._index([each.arrival for each in fitting if each.arrival is not None], connection)
        before = {each.item.key: old[each.item.key] for each in fitting if each.item.key in old}
        hosting.charge_differences(connection, _differences(fitting, chosen.values(), before.values()))
        leaving = hold_still(connection, [each.document_id for each in before.values()])
        rows = [
            {
                "key": each.item.key,
                "value": each.item.value,
                "size": each.size,
                "bucket_id": bucket,
                "document_id": each.arrival.signed.id if each.arrival else None,
            }
            for each, bucket in zip(fitting, chosen.values(), strict=True)
        ]
        given_rows = values_given(rows=json.dumps(rows, ensure_ascii=False), testnet=self._network is not MAINNET)
        spent, written = connection.execute(_WRITE, proof.given() | given_rows).one()
        if spent == 0:
            raise nonce_used()
        if written != len(rows):
            raise LostRaceError
        self._release(connection, leaving)
        return refused

    def _index(self, arrivals: Sequence[Arrival], connection: Connection) -> None:
        if arrivals:
            self._listener.stored_all(connection, arrivals)
        auth.remember_delegation(connection, *(arrival.signed for arrival in arrivals))

    # ----- deleting -----

    def delete(self, proof: Proof, keys: Sequence[str]) -> list[Verdict]:
        """Delete the owner's values, give their bytes back, and spend the nonce.

        :raises ApiError: the signer may not write for the owner at all.
        """
        gone = self._database.write(lambda connection: self._remove(connection, proof, keys))
        return [None if key in gone else not_owned() for key in keys]

    def delete_one(self, proof: Proof, key: str) -> None:
        """Delete one value; the nonce is spent only where there is one.

        :raises ApiError: KeyNotFoundError, or as `delete`.
        """

        def remove(connection: Connection) -> None:
            if not self._remove(connection, proof, [key]):
                raise not_owned()

        self._database.write(remove)

    def _remove(self, connection: Connection, proof: Proof, keys: Sequence[str]) -> set[str]:
        try:
            _lock(connection, proof, [])
        except StorageExhaustedError:
            return set()  # an owner without buckets has no values
        old = {key: each for key, each in _look(connection, keys).items() if each.owner == proof.owner}
        hosting.charge_differences(connection, _differences([], [], old.values()))
        leaving = hold_still(connection, [each.document_id for each in old.values()])
        given_keys = values_given(keys=sorted(old))
        spent, removed = connection.execute(_REMOVE, proof.given() | given_keys).one()
        if spent == 0:
            raise nonce_used()
        if removed != len(old):
            raise LostRaceError
        drop_replicas(connection, leaving, proof.owner)
        self._release(connection, leaving, deleted_by=proof.owner)
        return set(old)

    def _release(self, connection: Connection, document_ids: list[str], deleted_by: str | None = None) -> None:
        """Tell that documents are gone whose last copy is."""
        gone = without_copy(connection, document_ids)
        if gone:
            if deleted_by is not None:
                self._listener.deleted(connection, gone, deleted_by)
            self._listener.released(connection, *gone)
            auth.forget_delegation(connection, *gone)

    # ----- reading -----

    def get(self, keys: Sequence[str]) -> list[str | ReinError]:
        """The values under keys, charged to the buckets that hold them; an error for each that is not served. Of a
        bucket that has transfer for some only, the first are served; the others as long as another bucket of its
        owner can."""
        wanted = list(dict.fromkeys(keys))
        with self._database.reading() as connection:
            rows = {row.key: row for row in connection.execute(_SERVE, values_given(keys=wanted))}
            found = {key: _served(rows.get(key)) for key in wanted}
            exhausted: set[int] = set()
            for key in wanted:
                if isinstance(found[key], TransferExhaustedError) and rows[key].bucket_id not in exhausted:
                    value = serve_from_another(connection, key)
                    if value is None:
                        exhausted.add(rows[key].bucket_id)
                    else:
                        found[key] = value
        return [found[key] for key in keys]


def not_owned() -> KeyNotFoundError:
    """The error of 2016 for a key that the caller cannot delete: who else may own it, it does not say."""
    return KeyNotFoundError("Key not found or not owned by caller.")


def _lock(connection: Connection, proof: Proof, arrivals: Sequence[Arrival]) -> list[Room]:
    rows: Sequence[Row[Any]] = connection.execute(_LOOK, proof.given()).all()
    check_authority(connection, rows, arrivals, owner=proof.owner, signer=proof.signer)
    return [Room(row.room_id, row.room_live, row.room_free) for row in rows]


def _look(connection: Connection, keys: Sequence[str]) -> dict[str, _Old]:
    rows = connection.execute(_STANDING, values_given(keys=list(keys)))
    return {row.key: _Old(row.owner, row.size, row.bucket_id, row.document_id) for row in rows}


def _choose(
    owner: str, rooms: Sequence[Room], candidates: Mapping[int, _Candidate], old: Mapping[str, _Old]
) -> tuple[dict[int, int], dict[int, ReinError]]:
    """The bucket for each candidate that fits, one after the other, and why each of the others does not."""
    chosen: dict[int, int] = {}
    refused: dict[int, ReinError] = {}
    left = {room.id: room for room in rooms}
    for at, each in candidates.items():
        before = old.get(each.item.key)
        if before is not None and before.owner != owner:
            refused[at] = KeyTakenError("Key is owned by somebody else.", hint="Choose another key.")
            continue
        try:
            charge = hosting.charge_for(
                list(left.values()),
                each.size,
                old_bucket=before.bucket if before else None,
                old_size=before.size if before else 0,
            )
        except StorageExhaustedError as error:
            refused[at] = error
            continue
        chosen[at] = charge.charged
        for bucket, change in ((charge.charged, charge.charge), (charge.credited, -charge.credit)):
            left[bucket] = replace(left[bucket], bytes_free=left[bucket].bytes_free - change)
    return chosen, refused


def _differences(written: Sequence[_Candidate], buckets: Any, replaced: Any) -> dict[int, int]:
    """By how much what each bucket holds changes."""
    changes: Counter[int] = Counter()
    for each, bucket in zip(written, buckets, strict=True):
        changes[bucket] += each.size
    for each in replaced:
        changes[each.bucket] -= each.size
    return dict(changes)


def _served(row: Row[Any] | None) -> str | ReinError:
    if row is None:
        return KeyNotFoundError("Key not found.")
    if not row.fits:
        return AnswerFullError("the answer is full", hint="Ask for this key again.")
    if row.value is None:
        return transfer_exhausted()
    return str(row.value)


# ----- statements ----------------------------------------------------------------------------------------------------


def _keys() -> Any:
    return given("keys", ARRAY(String))


def _writing() -> Select[Any]:
    """Spend the nonce and write all rows; how many of each."""
    spent, spent_count = auth.spend_nonce()
    columns: dict[str, TypeEngine[Any]] = {
        "key": ascii_text(128),
        "value": Text(),
        "size": Integer(),
        "bucket_id": BigInteger(),
        "document_id": ascii_text(64),
    }
    rows = rows_given("rows", **columns)
    names = [*columns, "owner", "testnet"]
    fetched = select(*(rows.c[name] for name in columns), given("owner"), given("testnet")).order_by(rows.c.key)
    statement = insert(kv).from_select(names, fetched, include_defaults=False)
    written = (
        statement.on_conflict_do_update(
            index_elements=[kv.c.key],
            set_={name: statement.excluded[name] for name in names if name not in ("key", "owner")}
            | {"stored": func.now()},
            where=kv.c.owner == statement.excluded.owner,
        )
        .returning(kv.c.key)
        .cte("written")
    )
    count = select(func.count()).select_from(written).scalar_subquery()
    return select(spent_count, count).add_cte(spent)


def _removing() -> Select[Any]:
    """Spend the nonce and delete the owner's values; how many of each."""
    spent, spent_count = auth.spend_nonce()
    gone = delete(kv).where(kv.c.key == func.any(_keys()), kv.c.owner == given("owner")).returning(kv.c.key).cte("gone")
    return select(spent_count, select(func.count()).select_from(gone).scalar_subquery()).add_cte(spent)


def _serving() -> Select[Any]:
    """Charge the buckets for what they can serve and fetch it. A row for each key that is known; its value is null
    where the bucket has no transfer left for it.

    The buckets are locked in the order of their ids, and what they have left is read from the locked rows."""
    keys = func.unnest(_keys()).table_valued("key", with_ordinality="at", name="asked").render_derived()
    before = func.sum(kv.c.size).over(order_by=keys.c["at"])
    wanted = (
        select(kv.c.key, kv.c.bucket_id, kv.c.size, keys.c["at"], (before <= MAX_BATCH_BYTES).label("fits"))
        .join(keys, keys.c.key == kv.c.key)
        .cte("wanted")
    )
    left = hosting.locked_transfer(select(wanted.c.bucket_id).where(wanted.c.fits))
    so_far = func.sum(wanted.c.size).over(partition_by=wanted.c.bucket_id, order_by=wanted.c["at"])
    served = (
        select(wanted.c.key, wanted.c.bucket_id, wanted.c.size)
        .add_columns((so_far <= left.c.transfer_left).label("paid"))
        .join(left, left.c.id == wanted.c.bucket_id)
        .where(wanted.c.fits)
        .cte("served")
    )
    bytes_of = (
        select(served.c.bucket_id, func.sum(served.c.size).label("bytes"))
        .where(served.c.paid)
        .group_by(served.c.bucket_id)
        .subquery("bytes_of")
    )
    charged = hosting.serve_in_bulk(bytes_of)
    value = select(kv.c.value).where(kv.c.key == served.c.key, served.c.paid).scalar_subquery()
    return (
        select(wanted.c.key, wanted.c.bucket_id, wanted.c.fits, value.label("value"))
        .select_from(wanted.outerjoin(served, served.c.key == wanted.c.key))
        .add_cte(charged)
    )


_LOOK = hosting.locked_rooms().add_columns(
    auth.nonce_is_spent().label("nonce_is_spent"), auth.signer_is_enrolled().label("signer_is_enrolled")
)
_STANDING = select(kv.c.key, kv.c.owner, kv.c.size, kv.c.bucket_id, kv.c.document_id).where(
    kv.c.key == func.any(_keys())
)
_WRITE = _writing()
_REMOVE = _removing()
_SERVE = _serving()
