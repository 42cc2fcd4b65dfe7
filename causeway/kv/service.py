"""Writing and reading values.

A write is checked in the order of cost: size, shape, nonce, signature, document, and only then the database. There it
takes four round trips besides BEGIN: lock and look, index the document, write, commit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from causeway.auth import service as auth
from causeway.auth.nonces import NonceMint
from causeway.db.base import given, values_given
from causeway.db.engine import Database, LostRaceError
from causeway.errors import (
    ApiError,
    KeyNotFoundError,
    KeyTakenError,
    RequestSignatureError,
    TransferExhaustedError,
)
from causeway.hosting import service as hosting
from causeway.kv.arrivals import Arrival, Listener, read_arrival
from causeway.kv.authority import check_authority, nonce_used
from causeway.kv.copies import hold_still, without_copy
from causeway.kv.models import kv
from rein.btc.hashes import sha256
from rein.btc.networks import Network
from rein.protocol.auth import put_text, verify_put

log = logging.getLogger(__name__)

PURGE_INTERVAL_S = 60


@dataclass(frozen=True)
class Put:
    """A request to store `value` under `key` for `owner`, signed by `signer` (the owner or its delegate)."""

    key: str
    value: str
    owner: str
    signer: str
    nonce: str
    signature: str
    testnet: bool


class KeyValueStore:
    """The values of all owners."""

    def __init__(self, database: Database, mint: NonceMint, network: Network, listener: Listener) -> None:
        self._database = database
        self._mint = mint
        self._network = network
        self._listener = listener
        self._purge_lock = threading.Lock()
        self._purged = time.monotonic()

    def put(self, request: Put) -> None:
        """Store a value, durably; the nonce is spent with it.

        :raises ReinError: an ApiError, or the DocumentError or AuthorityError of a document that is none.
        """
        self._mint.check(request.nonce, request.owner)
        if not verify_put(request.key, request.value, request.signer, request.nonce, request.signature):
            raise RequestSignatureError(
                "Incorrect signature", hint="It is over key + value + signature_address + nonce, by that address."
            )
        arrival = read_arrival(request.value, self._network, testnet=request.testnet)
        self._database.write(lambda connection: self._store(connection, request, arrival))
        self._forget_old_nonces()

    def get(self, key: str) -> str:
        """The value under a key, charged to the bucket that holds it, or to another of its owner that has transfer.

        :raises ApiError: KeyNotFoundError, or TransferExhaustedError where no bucket has transfer left for it.
        """
        return self._database.read(lambda connection: _serve(connection, key))

    def _store(self, connection: Connection, request: Put, arrival: Arrival | None) -> None:
        text = put_text(request.key, request.value, request.signer, request.nonce)
        names = values_given(
            nonce=request.nonce,
            key=request.key,
            text_hash=sha256(text.encode()),
            owner=request.owner,
            signer=request.signer,
        )
        rows = connection.execute(_LOOK, names).all()
        self._check_may_write(connection, request, arrival, rows)
        old = rows[0]
        size = len(request.key.encode()) + len(request.value.encode())
        rooms = [hosting.Room(row.room_id, row.room_live, row.room_free) for row in rows]
        charge = hosting.charge_for(rooms, size, old_bucket=old.old_bucket, old_size=old.old_size or 0)
        if arrival is not None:
            self._listener.stored(connection, arrival)
            auth.remember_delegation(connection, arrival.signed)
        document_id = arrival.signed.id if arrival is not None else None
        leaving = hold_still(connection, [old.old_document] if old.old_document != document_id else [])
        spent = connection.scalar(
            _WRITE,
            names
            | values_given(
                **asdict(charge),
                value=request.value,
                size=size,
                document_id=document_id,
                testnet=request.testnet,
                old_size=old.old_size,
                old_bucket=old.old_bucket,
                old_document=old.old_document,
            ),
        )
        if spent is None:
            raise LostRaceError
        if spent == 0:
            raise nonce_used()
        self._release(connection, leaving)

    @staticmethod
    def _check_may_write(
        connection: Connection, request: Put, arrival: Arrival | None, rows: Sequence[Row[Any]]
    ) -> None:
        arrivals = [] if arrival is None else [arrival]
        check_authority(connection, rows, arrivals, owner=request.owner, signer=request.signer)
        old_owner = rows[0].old_owner
        if old_owner is not None and old_owner != request.owner:
            raise KeyTakenError("Key is owned by somebody else.", hint="Choose another key.")

    def _release(self, connection: Connection, document_ids: list[str]) -> None:
        for gone in without_copy(connection, document_ids):
            self._listener.released(connection, gone)
            auth.forget_delegation(connection, gone)

    def _forget_old_nonces(self) -> None:
        """Once a minute, after a write: a failure of this must not look like a failure of that."""
        if time.monotonic() - self._purged < PURGE_INTERVAL_S or not self._purge_lock.acquire(blocking=False):
            return
        try:
            self._purged = time.monotonic()
            oldest_valid = self._mint.oldest_valid()
            self._database.read(lambda connection: auth.forget_old_nonces(connection, oldest_valid))
        except ApiError as error:
            log.warning("old nonces were not removed: %s", error.message)
        finally:
            self._purge_lock.release()


def _serve(connection: Connection, key: str) -> str:
    value = connection.scalar(_SERVE, values_given(key=key))
    if value is None:
        value = serve_from_another(connection, key)
    if value is not None:
        return str(value)
    if connection.scalar(_KNOWS, values_given(key=key)):
        raise transfer_exhausted()
    raise KeyNotFoundError("Key not found.")


def serve_from_another(connection: Connection, key: str) -> str | None:
    """A value whose own bucket has no transfer left, charged to another bucket of its owner; None if none has any."""
    while connection.scalar(_COULD_SERVE, values_given(key=key)):
        value = connection.scalar(_SERVE_FROM_ANOTHER, values_given(key=key))
        if value is not None:
            return str(value)
    return None


def transfer_exhausted() -> TransferExhaustedError:
    """The error for a value that is kept and not served."""
    return TransferExhaustedError(
        "The transfer that was bought for this value is used up.",
        hint="The value is kept. Its owner can get more transfer; other servers may have it too.",
    )


def _looking() -> Select[Any]:
    """Lock the owner's buckets and see everything a write depends on: a row for each bucket.

    What is looked at beside the buckets may be as old as the begin of the wait for the lock: `_WRITE` makes sure of
    the value it replaces, and of the nonce.
    """
    looked = hosting.locked_rooms().add_columns(
        kv.c.owner.label("old_owner"),
        kv.c.size.label("old_size"),
        kv.c.bucket_id.label("old_bucket"),
        kv.c.document_id.label("old_document"),
        auth.nonce_is_spent().label("nonce_is_spent"),
        auth.signer_is_enrolled().label("signer_is_enrolled"),
    )
    return looked.outerjoin(kv, kv.c.key == given("key"))


def _writing() -> ReturningInsert[Any]:
    """Spend the nonce, charge the bucket and write the value. Answers how many nonces were spent (0: it was spent
    before), or with no row if the value under the key is not the one that was looked at."""
    spent, spent_count = auth.spend_nonce()
    unchanged: ColumnElement[bool] = and_(
        kv.c.owner == given("owner"),
        kv.c.size == given("old_size"),
        kv.c.bucket_id == given("old_bucket"),
        kv.c.document_id.is_not_distinct_from(given("old_document")),
    )
    written: dict[str, Any] = {
        "value": given("value"),
        "size": given("size"),
        "bucket_id": given("charged"),
        "document_id": given("document_id"),
        "testnet": given("testnet"),
    }
    # Deleted since it was looked at, it must not come back as a new value: its bytes were given back already.
    still_there = or_(given("old_size").is_(None), exists().where(kv.c.key == given("key"), unchanged))
    row = select(given("key"), given("owner"), *written.values()).where(still_there)
    statement = insert(kv).from_select(["key", "owner", *written], row, include_defaults=False)
    return (
        statement.on_conflict_do_update(
            index_elements=[kv.c.key],
            set_={name: statement.excluded[name] for name in written} | {"stored": func.now()},
            where=unchanged,
        )
        .returning(spent_count)
        .add_cte(spent, hosting.apply_charge())
    )


_LOOK = _looking()
_WRITE = _writing()
_KNOWS = select(exists().where(kv.c.key == given("key")))
_SERVE = (
    hosting.serve_from(kv.c.size)
    .where(kv.c.key == given("key"), hosting.bucket_id() == kv.c.bucket_id)
    .returning(kv.c.value)
)
_SERVE_FROM_ANOTHER = (
    hosting.serve_from_another(kv.c.owner, kv.c.size).where(kv.c.key == given("key")).returning(kv.c.value)
)
_COULD_SERVE = select(kv.c.key).where(kv.c.key == given("key"), hosting.has_transfer(kv.c.owner, kv.c.size))
