"""One object for everything that is remembered. Each method is one transaction: done whole, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rein.protocol.values import DocumentId
from rein.store.allowances import Allowances
from rein.store.database import Database
from rein.store.notes import Notes
from rein.store.rows import (
    EscrowOutput,
    FeedRow,
    IdentityRow,
    Payment,
    Placement,
    ServerRow,
    SummaryRow,
    escrow_output,
    payment,
)
from rein.store.signatures import Signatures
from rein.store.visibility import Shown
from rein.store.wallet import WalletStore

if TYPE_CHECKING:  # documents take long to load, and `rein status` needs none of them
    from rein.protocol.documents import Bid, Kind, SealedBid
    from rein.protocol.signed import Signed

__all__ = ["EscrowOutput", "FeedRow", "IdentityRow", "Payment", "Placement", "ServerRow", "Store", "SummaryRow"]

_ENROLLMENT, _JOB, _BID, _OFFER = "enrollment", "job", "bid", "offer"
"""As `rein.protocol.documents.Kind` has them."""

_SEALED = "sealed"
"""Where a bid came from that was sealed to somebody of this home."""

_MAX_NAMED = 10_000
"""Values named in one statement. SQLite takes 32,766, and servers decide how many documents there are."""

_DOCUMENT_COLUMNS = ("id", "network", "kind", "author", "job_id", "order_id", "mediator", "armored", "own")
_INSERT_DOCUMENT = (
    f"INSERT INTO document ({', '.join(_DOCUMENT_COLUMNS)}, received_from)"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' * len(_DOCUMENT_COLUMNS))}, ?)"
)
_INSERT_OWN = f"{_INSERT_DOCUMENT} ON CONFLICT (id) DO UPDATE SET own = 1"


class Store:
    """The database of one home."""

    def __init__(self, path: Path) -> None:
        """:raises StoreError: see `Database`."""
        self._database = Database(path)
        self.notes = Notes(self._database)
        self.shown = Shown(self._database)
        self.allowances = Allowances(self._database)
        self.signatures = Signatures(self._database)
        self.wallet = WalletStore(self._database)

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything read until it ends is of one state, and quicker to read."""
        return self._database.snapshot()

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else writes until it ends; what is written in it is one transaction."""
        return self._database.alone()

    # Identities

    def add_identity(self, row: IdentityRow, enrollment: Signed[Any]) -> IdentityRow:
        """Remember an identity together with its enrollment. `row.id` is not looked at."""
        values = {key: value for key, value in vars(row).items() if key != "id"}
        with self._database.writing() as connection:
            new_id = connection.execute(_insert("identity", values), values).lastrowid
            connection.execute(_INSERT_OWN, _document_row(enrollment, None))
        return IdentityRow(new_id or 0, **values)

    def change_identity(self, row: IdentityRow, enrollment: Signed[Any]) -> None:
        """Remember what an identity says of itself from now on, together with the enrollment that says it."""
        query = "UPDATE identity SET contact = ?, delegate_address = ? WHERE id = ?"
        with self._database.writing() as connection:
            connection.execute(query, [row.contact, row.delegate_address, row.id])
            connection.execute(_INSERT_OWN, _document_row(enrollment, None))

    def identities(self, network: str) -> list[IdentityRow]:
        """In the order they were made."""
        rows = self._rows("SELECT * FROM identity WHERE network = ? ORDER BY id", network)
        return [IdentityRow(**dict(row)) for row in rows]

    # Documents

    def add_own(self, signed: Signed[Any]) -> None:
        """Keep a document written here; `rein sync` will upload it."""
        with self._database.writing() as connection:
            connection.execute(_INSERT_OWN, _document_row(signed, None))

    def add_sealed_bid(self, sealed: Signed[SealedBid], bid: Signed[Bid]) -> None:
        """Keep a bid written here and the document that carries it sealed; `rein sync` will upload only that."""
        with self._database.writing() as connection:
            connection.executemany(_INSERT_OWN, [_document_row(bid, None), _document_row(sealed, None)])
            _keep_sealed(connection, [bid], sealed.document.master_address)

    def add_unsealed(self, bids: Collection[Signed[Bid]], address: str) -> None:
        """Keep bids that were sealed to or by an identity of this home."""
        mine = {each.id for each in bids if each.document.worker_master_address == address}
        rows = [_document_row(each, None if each.id in mine else _SEALED) for each in bids]
        with self._database.writing() as connection:
            connection.executemany(f"{_INSERT_DOCUMENT} ON CONFLICT (id) DO NOTHING", rows)
            _keep_sealed(connection, bids, address)

    def publish(self, ids: Collection[DocumentId]) -> None:
        """Let `rein sync` upload bids that were sealed."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE sealed_bid SET published = 1 WHERE document_id = ?", [[each] for each in ids]
            )

    def sealed_bids(self, network: str) -> set[DocumentId]:
        """The bids that no server may be given."""
        query = """SELECT document_id FROM sealed_bid JOIN document ON id = document_id
                   WHERE network = ? AND NOT published"""
        return {DocumentId(row["document_id"]) for row in self._rows(query, network)}

    def orders_to_publish(self, network: str, address: str) -> list[DocumentId]:
        """The orders in which somebody offers the job to a bid that is still sealed: whether it is the job creator who
        says so is for the order to tell."""
        query = """SELECT DISTINCT bid.order_id FROM sealed_bid JOIN document AS bid ON bid.id = document_id
                   JOIN document AS offer ON offer.order_id = bid.order_id AND offer.kind = ?
                   WHERE bid.network = ? AND address = ? AND NOT published
                   AND instr(offer.armored, 'Previous document: ' || bid.id) > 0"""
        return [DocumentId(row["order_id"]) for row in self._rows(query, _OFFER, network, address)]

    def mark_own(self, ids: Collection[DocumentId]) -> None:
        """Take documents that came from servers for what they are: written by this home, before it was restored."""
        with self._database.writing() as connection:
            connection.executemany("UPDATE document SET own = 1 WHERE id = ?", [[each] for each in ids])

    def remove_unpublished(self, document_id: DocumentId, carried: DocumentId | None = None) -> bool:
        """Forget a document written here, unless a server was given it or gave it; whether it is gone. The placement
        is noted before a document is sent, so none means that nobody can have it.

        :param carried: the bid that is sealed in it: it goes too.
        """
        statement = """DELETE FROM document WHERE id = ? AND own = 1 AND received_from IS NULL
                       AND NOT EXISTS (SELECT * FROM placement WHERE document_id = document.id)"""
        with self._database.writing() as connection:
            if connection.execute(statement, [document_id]).rowcount == 0:
                return False
            if carried is not None:
                connection.execute("DELETE FROM sealed_bid WHERE document_id = ?", [carried])
                connection.execute(statement, [carried])
        return True

    def add_received(self, documents: Iterable[tuple[Signed[Any], str]], feed: FeedRow | None = None) -> int:
        """Keep verified documents from servers, as (document, URL), and with them how far the feed is read that
        brought them. Returns how many were new."""
        rows = [_document_row(signed, url) for signed, url in documents]
        if not rows and feed is None:
            return 0
        with self._database.writing() as connection:
            cursor = connection.executemany(f"{_INSERT_DOCUMENT} ON CONFLICT (id) DO NOTHING", rows)
            if feed is not None:
                connection.execute(_insert("feed", vars(feed), "url, network"), vars(feed))
            return max(cursor.rowcount, 0)

    def known(self, ids: Collection[DocumentId]) -> set[DocumentId]:
        """Which of these documents are here."""
        rows = self._rows_in("SELECT id FROM document WHERE id IN ({})", ids)
        return {DocumentId(row["id"]) for row in rows}

    def documents(self, network: str, *kinds: Kind) -> list[Signed[Any]]:
        """All documents of some types."""
        marks = ", ".join("?" * len(kinds))
        return self._documents(f"network = ? AND kind IN ({marks})", network, *(kind.value for kind in kinds))

    def enrollments_of(self, network: str, masters: Collection[str]) -> list[Signed[Any]]:
        """Every enrollment of these identities."""
        return [
            signed
            for some in _in_parts(masters)
            for signed in self._documents(
                f"network = ? AND kind = ? AND author IN ({_marks(some)})", network, _ENROLLMENT, *some
            )
        ]

    def document(self, document_id: str) -> Signed[Any] | None:
        """One document by its id."""
        found = self._documents("id = ?", document_id)
        return found[0] if found else None

    def texts(self, ids: Collection[DocumentId]) -> dict[DocumentId, str]:
        """Armored texts as they stand here. They are not verified."""
        rows = self._rows_in("SELECT id, armored FROM document WHERE id IN ({})", ids)
        return {DocumentId(row["id"]): row["armored"] for row in rows}

    def documents_of_orders(self, order_ids: Collection[DocumentId]) -> list[Signed[Any]]:
        """Everything that names one of these job documents, and those themselves."""
        parts = _in_parts(order_ids)
        return [signed for some in parts for signed in self._documents(f"order_id IN ({_marks(some)})", *some)]

    def own_ids(self, network: str, author: str) -> list[DocumentId]:
        """The documents that an identity gives to servers: what it wrote here, and the bids that were sealed to it and
        are published. The newest enrollment comes first, since a server takes what a delegate signs once it has the
        enrollment that names it; then the others by age."""
        query = """SELECT id FROM document WHERE network = ?1 AND id IN (
                     SELECT id FROM document WHERE network = ?1 AND author = ?2 AND own = 1
                     EXCEPT SELECT document_id FROM sealed_bid WHERE NOT published
                     UNION SELECT document_id FROM sealed_bid WHERE address = ?2 AND published)
                   ORDER BY kind <> 'enrollment', CASE WHEN kind = 'enrollment' THEN -rowid ELSE rowid END"""
        return [DocumentId(row["id"]) for row in self._rows(query, network, author)]

    def from_servers(self, ids: Collection[DocumentId]) -> list[DocumentId]:
        """Those of the documents, in their order, that came here and may be given to servers. What another identity of
        this home wrote is for that one to publish."""
        query = """SELECT id FROM document WHERE id IN ({}) AND received_from IS NOT NULL
                   AND id NOT IN (SELECT document_id FROM sealed_bid WHERE NOT published)"""
        found = {row["id"] for row in self._rows_in(query, ids)}
        return [each for each in ids if each in found]

    def unpublished_ids(self, network: str, author: str) -> list[DocumentId]:
        """Those of `own_ids` that no server has shown to hold."""
        query = """SELECT id FROM document WHERE network = ? AND (received_from IS NULL OR received_from = ?)
                   AND own = 1 AND NOT EXISTS (SELECT * FROM placement WHERE document_id = document.id AND proved)"""
        kept = {row["id"] for row in self._rows(query, network, _SEALED)}
        return [each for each in self.own_ids(network, author) if each in kept]

    def count(self, network: str) -> int:
        """How many documents of a network are here that a server may have."""
        query = """SELECT (SELECT count(*) FROM document WHERE network = ?1)
                   - (SELECT count(DISTINCT document_id) FROM sealed_bid JOIN document ON id = document_id
                      WHERE network = ?1 AND NOT published) AS n"""
        return int(self._rows(query, network)[0]["n"])

    def find_jobs(self, network: str, name: str) -> list[DocumentId]:
        """The job documents with this Job ID, or whose own id begins so."""
        query = """SELECT id FROM document WHERE network = ? AND kind = ? AND (job_id = ? OR substr(id, 1, ?) = ?)
                   ORDER BY rowid"""
        return [DocumentId(row["id"]) for row in self._rows(query, network, _JOB, name, len(name), name)]

    def bids_beginning(self, network: str, prefix: str) -> list[Signed[Bid]]:
        """The bids whose id begins so, in the order of arrival."""
        return self._documents("network = ? AND kind = ? AND substr(id, 1, ?) = ?", network, _BID, len(prefix), prefix)

    def orders_of_offers(self, network: str, prefix: str) -> list[DocumentId]:
        """The job documents of the offers whose id begins so."""
        query = """SELECT order_id FROM document WHERE network = ? AND kind = ? AND substr(id, 1, ?) = ?
                   AND order_id IS NOT NULL GROUP BY order_id ORDER BY min(rowid)"""
        return [DocumentId(row["order_id"]) for row in self._rows(query, network, _OFFER, len(prefix), prefix)]

    def orders_with(self, network: str, kind: Kind) -> list[DocumentId]:
        """The job documents of the orders in which a document of this type stands, in the order of arrival."""
        query = """SELECT order_id FROM document WHERE network = ? AND kind = ? AND order_id IS NOT NULL
                   GROUP BY order_id ORDER BY min(rowid)"""
        return [DocumentId(row["order_id"]) for row in self._rows(query, network, kind.value)]

    def people_in(self, order_ids: Collection[DocumentId]) -> set[str]:
        """The master addresses of who wrote in these orders or mediates them."""
        rows = self._rows_in("SELECT DISTINCT author, mediator FROM document WHERE order_id IN ({})", order_ids)
        return {each for row in rows for each in row if each}

    def my_order_ids(self, network: str, address: str) -> list[DocumentId]:
        """The orders in which an identity wrote something, or is named as the mediator; in the order of arrival."""
        query = """SELECT order_id FROM (
                     SELECT order_id, rowid AS number FROM document WHERE network = ?1 AND author = ?2
                     UNION ALL SELECT order_id, rowid FROM document WHERE network = ?1 AND mediator = ?2)
                   WHERE order_id IS NOT NULL GROUP BY order_id ORDER BY min(number)"""
        return [DocumentId(row["order_id"]) for row in self._rows(query, network, address)]

    def parties_of(self, order_ids: Collection[DocumentId]) -> dict[DocumentId, set[str]]:
        """The master addresses of the creator and the mediator of each order, and of the workers whose bids an offer
        answers, by these documents' own word."""
        jobs = f"SELECT id AS order_id, author, mediator AS other FROM document WHERE kind = '{_JOB}' AND id IN ({{}})"  # noqa: S608 - names of ours
        bids = f"""SELECT bid.order_id, bid.author, NULL AS other FROM document AS bid
                   JOIN document AS offer ON offer.order_id = bid.order_id AND offer.kind = '{_OFFER}'
                   WHERE bid.kind = '{_BID}' AND bid.order_id IN ({{}})
                   AND instr(offer.armored, 'Previous document: ' || bid.id) > 0"""  # noqa: S608 - names of ours
        parties: dict[DocumentId, set[str]] = {}
        for row in (*self._rows_in(jobs, order_ids), *self._rows_in(bids, order_ids)):
            parties.setdefault(row["order_id"], set()).update({row["author"], row["other"]} - {None})
        return parties

    # Servers

    def set_server(self, identity_id: int, server: ServerRow) -> None:
        """Add or update a server of an identity."""
        values = {"identity_id": identity_id, **vars(server)}
        with self._database.writing() as connection:
            connection.execute(_insert("server", values, "identity_id, url"), values)

    def servers(self, identity_id: int) -> list[ServerRow]:
        """The servers of an identity, in the order they were added."""
        rows = self._rows("SELECT * FROM server WHERE identity_id = ? ORDER BY rowid", identity_id)
        return [ServerRow(**{key: row[key] for key in row.keys() if key != "identity_id"}) for row in rows]  # noqa: SIM118 - a Row is no dict

    def feed(self, url: str, network: str) -> FeedRow:
        """How far a server's feed was read; a row of zeros if it never was."""
        rows = self._rows("SELECT * FROM feed WHERE url = ? AND network = ?", url, network)
        return FeedRow(**dict(rows[0])) if rows else FeedRow(url, network)

    def placements(self, url: str) -> dict[DocumentId, Placement]:
        """What was put on a server."""
        rows = self._rows("SELECT * FROM placement WHERE url = ?", url)
        return {
            row["document_id"]: Placement(row["document_id"], row["url"], row["remote_key"], bool(row["proved"]))
            for row in rows
        }

    def set_placements(self, placements: Iterable[Placement]) -> None:
        """Remember where documents were put, or that they were proved to be there."""
        rows = [{**vars(each), "proved": int(each.proved)} for each in placements]
        if rows:
            with self._database.writing() as connection:
                connection.executemany(_insert("placement", rows[0], "document_id, url"), rows)

    # What the chain showed

    def set_seen(self, contract_id: DocumentId, outputs: Sequence[EscrowOutput], payments: Sequence[Payment]) -> None:
        """Replace what is known of a contract's money: what disappeared is forgotten."""
        with self._database.writing() as connection:
            _replace(connection, "escrow_output", contract_id, [_escrow_row(each) for each in outputs])
            _replace(connection, "payment", contract_id, [vars(each) for each in payments])

    def escrow_outputs(self, contract_id: DocumentId) -> list[EscrowOutput]:
        """By outpoint."""
        query = "SELECT * FROM escrow_output WHERE contract_id = ? ORDER BY txid, vout"
        return [escrow_output(row) for row in self._rows(query, contract_id)]

    def payments(self, contract_id: DocumentId) -> dict[str, Payment]:
        """By purse."""
        rows = self._rows("SELECT * FROM payment WHERE contract_id = ?", contract_id)
        return {row["purse"]: payment(row) for row in rows}

    # What was noticed (`rein watch`)

    def noticed(self, identity_id: int) -> set[str]:
        """The ids of all events noticed for an identity."""
        rows = self._rows("SELECT event_id FROM watch_event WHERE identity_id = ?", identity_id)
        return {row["event_id"] for row in rows}

    def notice(self, identity_id: int, events: Iterable[tuple[str, str, Collection[str]]]) -> None:
        """Remember events, as (id, body, hooks to tell), all of them or none. One that is known is left as it is."""
        event = "INSERT INTO watch_event (identity_id, event_id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        delivery = "INSERT INTO watch_delivery (identity_id, event_id, hook, attempts, done) VALUES (?, ?, ?, 0, 0)"
        new = list(events)
        if not new:
            return
        with self._database.writing() as connection:
            for event_id, body, hooks in new:
                if connection.execute(event, [identity_id, event_id, body]).rowcount > 0:
                    connection.executemany(delivery, [(identity_id, event_id, hook) for hook in hooks])

    def undelivered(self, identity_id: int, hook: str, most_attempts: int) -> list[tuple[str, str]]:
        """What a hook was not told yet, as (event id, body), in the order of notice."""
        query = """SELECT event_id, body FROM watch_delivery JOIN watch_event USING (identity_id, event_id)
                   WHERE identity_id = ? AND hook = ? AND done = 0 AND attempts < ? ORDER BY watch_event.rowid"""
        return [(row["event_id"], row["body"]) for row in self._rows(query, identity_id, hook, most_attempts)]

    def tried(self, identity_id: int, event_id: str, hook: str, *, done: bool) -> int:
        """Remember an attempt to tell a hook of an event, and whether it succeeded. Returns how many there were."""
        which = "identity_id = ? AND event_id = ? AND hook = ?"
        named = [identity_id, event_id, hook]
        with self._database.writing() as connection:
            connection.execute(
                f"UPDATE watch_delivery SET attempts = attempts + 1, done = ? WHERE {which}",  # noqa: S608 - names of ours
                [int(done), *named],
            )
            row = connection.execute(f"SELECT attempts FROM watch_delivery WHERE {which}", named).fetchone()  # noqa: S608 - as above
        return int(row["attempts"])

    # What orders came to

    def generation(self) -> int:
        """A number that grows whenever anything changes that a fold looks at."""
        return int(self._rows("SELECT count FROM generation")[0]["count"])

    def set_summaries(self, use: str, version: str, generation: int, summaries: Iterable[SummaryRow]) -> bool:
        """Keep what orders came to, if nothing changed since `generation`; whether they were kept.

        :param use: who asked, and what for; the table has it as `address`.
        :param version: of the program that folded them: another one may come to something else.
        :param summaries: all views of each order.
        """
        rows = [{**vars(each), "address": use, "version": version} for each in summaries]
        if not rows:
            return True
        with self._database.writing() as connection:
            if connection.execute("SELECT count FROM generation").fetchone()["count"] != generation:
                return False
            connection.executemany("DELETE FROM summary WHERE order_id = :order_id AND address = :address", rows)
            connection.executemany(_insert("summary", rows[0]), rows)
        return True

    def summaries(self, use: str, version: str) -> dict[DocumentId, list[SummaryRow]]:
        """What orders came to that have not changed since: the views of each, by contract id."""
        query = """SELECT order_id, contract_id, state, content FROM summary WHERE address = ? AND version = ?
                   ORDER BY contract_id"""
        found: dict[DocumentId, list[SummaryRow]] = {}
        for row in self._rows(query, use, version):
            found.setdefault(row["order_id"], []).append(SummaryRow(*row))
        return found

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._database.reading() as connection:
            return connection.execute(query, values).fetchall()

    def _rows_in(self, query: str, values: Collection[str]) -> list[sqlite3.Row]:
        """Rows of a query with `{}` in place of the values it names."""
        return [row for some in _in_parts(values) for row in self._rows(query.format(_marks(some)), *some)]

    def _documents(self, condition: str, *values: object) -> list[Signed[Any]]:
        """Verified anew: a file on a disk is not to be trusted more than a server."""
        from rein.protocol.signed import verify

        query = f"SELECT armored FROM document WHERE {condition} ORDER BY rowid"  # noqa: S608 - conditions of ours
        return [verify(row["armored"]) for row in self._rows(query, *values)]


def _insert(table: str, values: Iterable[str], key: str | None = None) -> str:
    """The statement that inserts named values, or replaces those of the row with the same key."""
    names = list(values)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES (:{', :'.join(names)})"  # noqa: S608 - names of ours
    if key is None:
        return statement
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split(", "))
    return f"{statement} ON CONFLICT ({key}) DO UPDATE SET {changes}"


def _replace(connection: sqlite3.Connection, table: str, contract_id: DocumentId, rows: list[dict[str, Any]]) -> None:
    there = connection.execute(f"SELECT * FROM {table} WHERE contract_id = ?", [contract_id]).fetchall()  # noqa: S608 - a name of ours
    if len(there) == len(rows) and all(dict(row) in rows for row in there):
        return  # nothing changed, so nothing that was folded from it need be forgotten
    connection.execute(f"DELETE FROM {table} WHERE contract_id = ?", [contract_id])  # noqa: S608 - a name of ours
    for row in rows:
        connection.execute(_insert(table, row), row)


def _escrow_row(output: EscrowOutput) -> dict[str, Any]:
    values = {key: value for key, value in vars(output).items() if key != "outpoint"}
    return values | {"txid": output.outpoint.txid, "vout": output.outpoint.vout, "spent": int(output.spent)}


def _keep_sealed(connection: sqlite3.Connection, bids: Iterable[Signed[Bid]], address: str) -> None:
    statement = "INSERT INTO sealed_bid VALUES (?, ?, 0) ON CONFLICT DO NOTHING"
    connection.executemany(statement, [(each.id, address) for each in bids])


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _in_parts(values: Collection[str]) -> Iterator[Sequence[str]]:
    named = list(dict.fromkeys(values))
    return (named[start : start + _MAX_NAMED] for start in range(0, len(named), _MAX_NAMED))


def _document_row(signed: Signed[Any], received_from: str | None) -> tuple[object, ...]:
    from rein.protocol.description import describe

    about = describe(signed)
    mediator = about.mediator.address if about.kind.value == _JOB else None
    return (
        *(about.id, about.network, about.kind.value, about.author, about.job_id, about.order_id, mediator),
        *(signed.armored, int(received_from is None), received_from),
    )
