"""Writing, deleting and reading the values of all owners, one or many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, Select, String, delete, func, select

from causeway.auth import service as auth
from causeway.auth.nonces import NonceMint
from causeway.auth.purge import Purger
from causeway.auth.service import Proof
from causeway.db.base import parameter
from causeway.db.engine import Database, LostRaceError
from causeway.db.group_commit import GroupCommit
from causeway.db.prepared import Prepared
from causeway.errors import DuplicateKeyError, KeyNotFoundError, StorageExhaustedError
from causeway.hosting import service as hosting
from causeway.kv import writing
from causeway.kv.authority import check_authority
from causeway.kv.copies import lock_documents, release
from causeway.kv.incoming import Listener, read_incoming
from causeway.kv.models import kv
from causeway.kv.reading import ReadRequest, Served, serve
from causeway.kv.writing import Candidate, Refused, WriteRequest
from rein.btc.networks import MAINNET, Network
from rein.errors import ReinError
from rein.protocol.wire import MAX_BATCH, MAX_BATCH_BYTES


@dataclass(frozen=True)
class Item:
    """A value to store under a key; both have the right shape."""

    key: str
    value: str


Refusal = ReinError | None
"""Why an item was refused; None: it was done."""


class Store:
    """Requests that arrive at the same time are put together (`causeway.db.group_commit`): one way of writing for one
    value and for many, and one commit for all who wait."""

    def __init__(self, database: Database, mint: NonceMint, network: Network, listener: Listener) -> None:
        self._database = database
        self._network = network
        self._listener = listener
        self._purger = Purger(database, mint)
        self._writes: GroupCommit[WriteRequest, Refused] = GroupCommit(self._store, most=MAX_BATCH_BYTES)
        self._reads: GroupCommit[ReadRequest, Served] = GroupCommit(self._serve, most=MAX_BATCH)

    # ----- writing -----

    def put(self, proof: Proof, items: Sequence[Item]) -> list[Refusal]:
        """Store all values that can be stored, durably, and spend the nonce.

        :raises ApiError: the signer may not write for the owner at all.
        """
        checked = self._check(items)
        candidates = {at: each for at, each in enumerate(checked) if isinstance(each, Candidate)}
        refused = self._write(WriteRequest(proof, candidates))
        return [refused.get(at) if isinstance(each, Candidate) else each for at, each in enumerate(checked)]

    def put_one(self, proof: Proof, item: Item, *, testnet: bool) -> None:
        """Store a value, durably; the nonce is spent with it.

        :param testnet: what the client said of the network.
        :raises ReinError: an ApiError, or the DocumentError or AuthorityError of an invalid document.
        """
        refused = self._write(WriteRequest(proof, {0: self._candidate(item, testnet=testnet)}))
        if refused:
            raise refused[0]

    def _check(self, items: Sequence[Item]) -> list[Candidate | ReinError]:
        checked: list[Candidate | ReinError] = []
        seen: set[str] = set()
        for item in items:
            if item.key in seen:
                checked.append(DuplicateKeyError("duplicate key in this request", hint="The first one counts."))
                continue
            seen.add(item.key)
            try:
                checked.append(self._candidate(item, testnet=False))
            except ReinError as error:
                checked.append(error)
        return checked

    def _candidate(self, item: Item, *, testnet: bool) -> Candidate:
        incoming = read_incoming(item.value, self._network, testnet=testnet)
        return Candidate(item.key, item.value, incoming, testnet or self._network is not MAINNET)

    def _write(self, write: WriteRequest) -> Refused:
        refused = self._writes.do(write)
        self._purger.purge_if_due()
        return refused

    def _store(self, writes: Sequence[WriteRequest]) -> list[Refused | Exception]:
        return self._database.write(lambda connection: writing.store(connection, self._listener, writes))

    # ----- deleting -----

    def delete(self, proof: Proof, keys: Sequence[str]) -> list[Refusal]:
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
        buckets = hosting.lock_buckets(connection, [proof.owner])[proof.owner]
        (status,) = auth.look_up(connection, [proof])
        try:
            check_authority(connection, proof, buckets, status, [])
        except StorageExhaustedError:
            return set()  # an owner without buckets has no values
        old = {key: each for key, each in writing.stored_values(connection, keys).items() if each.owner == proof.owner}
        changes: Counter[int] = Counter()
        for each in old.values():
            changes[each.bucket] -= each.size
        hosting.charge_differences(connection, changes)
        leaving = lock_documents(connection, [each.document_id for each in old.values()])
        proofs = auth.as_table([proof])
        done = _REMOVE(connection, proofs=proofs, keys=sorted(old), owner=proof.owner).one()
        if done.spent != 1 or done.removed != len(old):
            raise LostRaceError
        release(connection, self._listener, leaving, deleted_by=proof.owner)
        return set(old)

    # ----- reading -----

    def get(self, keys: Sequence[str]) -> list[str | ReinError]:
        """The values under keys, charged to the buckets that hold them; an error for each that is not served."""
        wanted = list(dict.fromkeys(keys))
        found = dict(zip(wanted, self._reads.do(ReadRequest(wanted)), strict=True))
        return [found[key] for key in keys]

    def get_one(self, key: str) -> str:
        """The value under a key, charged to the bucket that holds it, or to another of its owner that has transfer.

        :raises ApiError: KeyNotFoundError, or TransferExhaustedError where no bucket has transfer left for it.
        """
        (found,) = self.get([key])
        if isinstance(found, ReinError):
            raise found
        return found

    def _serve(self, reads: Sequence[ReadRequest]) -> list[Served | Exception]:
        return [*self._database.read(lambda connection: serve(connection, reads))]


def not_owned() -> KeyNotFoundError:
    """The legacy error for a key that the caller cannot delete: who else may own it, it does not say."""
    return KeyNotFoundError("Key not found or not owned by caller.")


def _removing() -> Select[Any]:
    """Spend the nonce and delete the owner's values; how many of each."""
    spent, spent_count = auth.spend_nonces()
    which = kv.c.key == func.any(parameter("keys", ARRAY(String)))
    gone = delete(kv).where(which, kv.c.owner == parameter("owner")).returning(kv.c.key).cte("gone")
    removed = select(func.count()).select_from(gone).scalar_subquery()
    return select(spent_count.label("spent"), removed.label("removed")).add_cte(spent)


_REMOVE = Prepared(_removing())
