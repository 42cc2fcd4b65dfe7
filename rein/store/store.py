"""One object for everything that is remembered. Each method is one transaction: done whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, func, literal_column, or_, select
from sqlalchemy.dialects.sqlite import insert

from rein.btc.amounts import Sat
from rein.btc.transaction import OutPoint
from rein.protocol.description import describe
from rein.protocol.documents import Bid, Kind
from rein.protocol.signed import Signed, verify
from rein.protocol.values import DocumentId
from rein.store.database import READ_ONLY, open_database
from rein.store.schema import DOCUMENT, ESCROW_OUTPUT, IDENTITY, PAYMENT, PLACEMENT, SERVER

_ROWID: Any = literal_column("rowid")
"""SQLite's own count of rows: the order in which they came."""

_MAX_NAMED = 10_000
"""Values named in one statement. SQLite takes 32,766, and servers decide how many documents there are."""


@dataclass(frozen=True)
class IdentityRow:
    """An identity of this home. `key_file` is relative to the home."""

    id: int
    network: str
    name: str
    contact: str
    master_address: str
    delegate_address: str
    key_file: str


@dataclass(frozen=True)
class ServerRow:
    """A causeway where an identity has microhosting; bytes as the server last said."""

    url: str
    buckets: int
    bytes_free: int


@dataclass(frozen=True)
class Placement:
    """Where a document was put."""

    document_id: DocumentId
    url: str
    remote_key: str
    proved: bool


@dataclass(frozen=True)
class EscrowOutput:
    """An output of an escrow (`purse` is primary or mediator), as last seen. `contract_id`: `Order.contract_id`.
    `height`: of its block, where that was seen."""

    contract_id: DocumentId
    purse: str
    outpoint: OutPoint
    amount: Sat
    height: int | None
    confirmations: int
    spent: bool = False


@dataclass(frozen=True)
class Payment:
    """The payment out of an escrow, as last seen; 0 confirmations while it waits for a block.

    `amount` goes to whom the escrow is for, `back` to the payer, `fee` to the miner.
    """

    contract_id: DocumentId
    purse: str
    txid: str
    amount: Sat
    back: Sat
    fee: Sat
    height: int | None
    confirmations: int
    ending: str
    document_id: DocumentId


class Store:
    """The database of one home."""

    def __init__(self, path: Path) -> None:
        """:raises StoreError: see `open_database`."""
        self._engine = open_database(path)

    def close(self) -> None:
        self._engine.dispose()

    # Identities

    def add_identity(self, row: IdentityRow, enrollment: Signed[Any]) -> IdentityRow:
        """Remember an identity together with its enrollment. `row.id` is not looked at."""
        values = {key: value for key, value in vars(row).items() if key != "id"}
        with self._engine.begin() as connection:
            new_id = connection.execute(insert(IDENTITY).values(values).returning(IDENTITY.c.id)).scalar_one()
            connection.execute(insert(DOCUMENT).values(_document_row(enrollment, None)))
        return IdentityRow(new_id, **values)

    def identities(self, network: str) -> list[IdentityRow]:
        """In the order they were made."""
        query = select(IDENTITY).where(IDENTITY.c.network == network).order_by(IDENTITY.c.id)
        return [IdentityRow(**row) for row in self._rows(query)]

    # Documents

    def add_own(self, signed: Signed[Any]) -> None:
        """Keep a document written here; `rein sync` will upload it."""
        row = _document_row(signed, None)
        statement = insert(DOCUMENT).values(row).on_conflict_do_update(["id"], set_={"own": 1})
        with self._engine.begin() as connection:
            connection.execute(statement)

    def remove_unpublished(self, document_id: DocumentId) -> bool:
        """Forget a document written here, unless a server was given it; whether it is gone. The placement is noted
        before a document is sent, so none means that nobody can have it."""
        unsent = ~select(PLACEMENT).where(PLACEMENT.c.document_id == document_id).exists()
        with self._engine.begin() as connection:
            statement = delete(DOCUMENT).where(DOCUMENT.c.id == document_id, DOCUMENT.c.own == 1, unsent)
            return bool(connection.execute(statement).rowcount)

    def add_received(self, documents: Iterable[tuple[Signed[Any], str]]) -> int:
        """Keep verified documents from servers, as (document, URL). Returns how many were new."""
        rows = [_document_row(signed, url) for signed, url in documents]
        if not rows:
            return 0
        with self._engine.begin() as connection:
            before = connection.execute(select(func.count()).select_from(DOCUMENT)).scalar_one()
            connection.execute(insert(DOCUMENT).on_conflict_do_nothing(["id"]), rows)
            after = connection.execute(select(func.count()).select_from(DOCUMENT)).scalar_one()
        return after - before

    def known(self, ids: Collection[DocumentId]) -> set[DocumentId]:
        """Which of these documents are here."""
        return {
            DocumentId(row["id"])
            for some in _in_parts(ids)
            for row in self._rows(select(DOCUMENT.c.id).where(DOCUMENT.c.id.in_(some)))
        }

    def documents(self, network: str, *kinds: Kind) -> list[Signed[Any]]:
        """All documents of some types."""
        wanted = [kind.value for kind in kinds]
        return self._documents(and_(DOCUMENT.c.network == network, DOCUMENT.c.kind.in_(wanted)))

    def document(self, document_id: str) -> Signed[Any] | None:
        """One document by its id."""
        found = self._documents(DOCUMENT.c.id == document_id)
        return found[0] if found else None

    def documents_of_orders(self, order_ids: Collection[DocumentId]) -> list[Signed[Any]]:
        """Everything that names one of these job documents, and those themselves."""
        return [signed for some in _in_parts(order_ids) for signed in self._documents(DOCUMENT.c.order_id.in_(some))]

    def own_documents(self, network: str, author: str) -> list[Signed[Any]]:
        """What an identity wrote here, oldest first."""
        return self._documents(and_(DOCUMENT.c.network == network, DOCUMENT.c.author == author, DOCUMENT.c.own == 1))

    def find_jobs(self, network: str, name: str) -> list[DocumentId]:
        """The job documents with this Job ID, or whose own id begins so."""
        jobs = and_(DOCUMENT.c.network == network, DOCUMENT.c.kind == Kind.JOB.value)
        named = or_(DOCUMENT.c.job_id == name, DOCUMENT.c.id.startswith(name, autoescape=True))
        return [DocumentId(row["id"]) for row in self._rows(select(DOCUMENT.c.id).where(jobs, named))]

    def bids_on_escrow(self, network: str, address: str) -> list[Signed[Bid]]:
        """The bids that name this address of a primary escrow, in the order of arrival."""
        return self._documents(and_(DOCUMENT.c.escrow == address, DOCUMENT.c.network == network))

    def orders_of_offers(self, network: str, prefix: str) -> list[DocumentId]:
        """The job documents of the offers whose id begins so."""
        offers = and_(DOCUMENT.c.network == network, DOCUMENT.c.kind == Kind.OFFER.value)
        named = DOCUMENT.c.id.startswith(prefix, autoescape=True)
        query = select(DOCUMENT.c.order_id).distinct().where(offers, named)
        return [DocumentId(row["order_id"]) for row in self._rows(query) if row["order_id"]]

    def job_documents(self, network: str) -> list[DocumentId]:
        """The ids of every job of today's format, oldest first."""
        jobs = and_(DOCUMENT.c.network == network, DOCUMENT.c.kind == Kind.JOB.value, DOCUMENT.c.order_id.is_not(None))
        return [DocumentId(row["id"]) for row in self._rows(select(DOCUMENT.c.id).where(jobs).order_by(_ROWID))]

    def job_ids(self, order_ids: Collection[DocumentId]) -> list[str]:
        """The Job IDs of these orders, each once."""
        found: set[str] = set()
        for some in _in_parts(order_ids):
            query = select(DOCUMENT.c.job_id).where(DOCUMENT.c.order_id.in_(some), DOCUMENT.c.job_id.is_not(None))
            found.update(row["job_id"] for row in self._rows(query.distinct()))
        return sorted(found)

    def masters_without_enrollment(self, network: str) -> list[str]:
        """Identities that wrote a document here, or mediate a job here, and whose enrollment is missing."""
        enrolled = select(DOCUMENT.c.author).where(
            DOCUMENT.c.network == network, DOCUMENT.c.kind == Kind.ENROLLMENT.value
        )
        missing = [
            select(column.label("master"))
            .where(DOCUMENT.c.network == network, column.is_not(None), column.not_in(enrolled))
            .distinct()
            for column in (DOCUMENT.c.author, DOCUMENT.c.mediator)
        ]
        return sorted({row["master"] for query in missing for row in self._rows(query) if row["master"]})

    def my_order_ids(self, network: str, address: str) -> list[DocumentId]:
        """The orders in which an identity wrote something, or is named as the mediator; in the order of arrival."""
        mine = and_(
            DOCUMENT.c.network == network,
            DOCUMENT.c.order_id.is_not(None),
            or_(DOCUMENT.c.author == address, DOCUMENT.c.mediator == address),
        )
        query = select(DOCUMENT.c.order_id).where(mine).group_by(DOCUMENT.c.order_id).order_by(func.min(_ROWID))
        return [DocumentId(row["order_id"]) for row in self._rows(query)]

    # Servers

    def set_server(self, identity_id: int, server: ServerRow) -> None:
        """Add or update a server of an identity."""
        statement = insert(SERVER).values(identity_id=identity_id, **vars(server))
        update = {"buckets": server.buckets, "bytes_free": server.bytes_free}
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(["identity_id", "url"], set_=update))

    def servers(self, identity_id: int) -> list[ServerRow]:
        """The servers of an identity, in the order they were added."""
        columns = (SERVER.c.url, SERVER.c.buckets, SERVER.c.bytes_free)
        query = select(*columns).where(SERVER.c.identity_id == identity_id).order_by(_ROWID)
        return [ServerRow(**row) for row in self._rows(query)]

    def placements(self, url: str) -> dict[DocumentId, Placement]:
        """What was put on a server."""
        rows = self._rows(select(PLACEMENT).where(PLACEMENT.c.url == url))
        return {
            row["document_id"]: Placement(row["document_id"], row["url"], row["remote_key"], bool(row["proved"]))
            for row in rows
        }

    def set_placement(self, placement: Placement) -> None:
        """Remember where a document was put, or that it was proved to be there."""
        values = {**vars(placement), "proved": int(placement.proved)}
        update = {"remote_key": placement.remote_key, "proved": int(placement.proved)}
        with self._engine.begin() as connection:
            statement = insert(PLACEMENT).values(values)
            connection.execute(statement.on_conflict_do_update(["document_id", "url"], set_=update))

    # What the chain showed

    def set_seen(self, contract_id: DocumentId, outputs: Sequence[EscrowOutput], payments: Sequence[Payment]) -> None:
        """Replace what is known of a contract's money: what disappeared is forgotten."""
        with self._engine.begin() as connection:
            connection.execute(delete(ESCROW_OUTPUT).where(ESCROW_OUTPUT.c.contract_id == contract_id))
            connection.execute(delete(PAYMENT).where(PAYMENT.c.contract_id == contract_id))
            if outputs:
                connection.execute(insert(ESCROW_OUTPUT), [_escrow_row(each) for each in outputs])
            if payments:
                connection.execute(insert(PAYMENT), [vars(each) for each in payments])

    def escrow_outputs(self, contract_id: DocumentId) -> list[EscrowOutput]:
        """By outpoint."""
        query = select(ESCROW_OUTPUT).where(ESCROW_OUTPUT.c.contract_id == contract_id)
        return [
            EscrowOutput(
                row["contract_id"],
                row["purse"],
                OutPoint(row["txid"], row["vout"]),
                Sat(row["amount"]),
                row["height"],
                row["confirmations"],
                bool(row["spent"]),
            )
            for row in self._rows(query.order_by(ESCROW_OUTPUT.c.txid, ESCROW_OUTPUT.c.vout))
        ]

    def payments(self, contract_id: DocumentId) -> dict[str, Payment]:
        """By purse."""
        rows = self._rows(select(PAYMENT).where(PAYMENT.c.contract_id == contract_id))
        return {row["purse"]: Payment(**row) for row in rows}

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        with self._engine.connect().execution_options(**READ_ONLY) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _documents(self, condition: Any) -> list[Signed[Any]]:
        """Verified anew: a file on a disk is not to be trusted more than a server."""
        query = select(DOCUMENT.c.armored).where(condition).order_by(_ROWID)
        return [verify(row["armored"]) for row in self._rows(query)]


def _in_parts(ids: Collection[DocumentId]) -> Iterator[Sequence[DocumentId]]:
    named = list(dict.fromkeys(ids))
    return (named[start : start + _MAX_NAMED] for start in range(0, len(named), _MAX_NAMED))


def _document_row(signed: Signed[Any], received_from: str | None) -> dict[str, Any]:
    about = describe(signed)
    return {
        "id": about.id,
        "network": about.network,
        "kind": about.kind.value,
        "author": about.author,
        "job_id": about.job_id,
        "order_id": about.order_id,
        "mediator": about.mediator.address if about.kind is Kind.JOB else None,
        "escrow": signed.document.primary_address if isinstance(signed.document, Bid) else None,
        "armored": signed.armored,
        "own": int(received_from is None),
        "received_from": received_from,
    }


def _escrow_row(output: EscrowOutput) -> dict[str, Any]:
    values = {key: value for key, value in vars(output).items() if key != "outpoint"}
    return values | {"txid": output.outpoint.txid, "vout": output.outpoint.vout, "spent": int(output.spent)}
