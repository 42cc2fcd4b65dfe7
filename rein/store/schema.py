"""The tables of the client's database, and the steps from every older one.

`user_version` of the SQLite file counts the steps taken. A released step is never edited; a change is a new step.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA = MetaData()

IDENTITY = Table(
    "identity",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("network", String, nullable=False),
    Column("name", String, nullable=False),
    Column("contact", String, nullable=False),
    Column("master_address", String, nullable=False),
    Column("delegate_address", String, nullable=False),
    Column("key_file", String, nullable=False),
    UniqueConstraint("network", "master_address"),
    UniqueConstraint("network", "name"),
)
"""Whom this home can sign as. `key_file` is relative to the home."""

DOCUMENT = Table(
    "document",
    METADATA,
    Column("id", String, primary_key=True),
    Column("network", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("job_id", String),
    Column("order_id", String),
    Column("mediator", String),
    Column("armored", Text, nullable=False),
    Column("own", Integer, nullable=False),
    Column("received_from", String),
    Column("escrow", String),
    Index("ix_document_kind", "network", "kind"),
    Index("ix_document_order", "order_id"),
    Index("ix_document_author", "network", "author"),
    Index("ix_document_escrow", "escrow"),
)
"""Every verified document. `own`: written here, so `rein sync` uploads it. `mediator`: the mediator a job names.
`escrow`: the primary escrow's address that a bid names."""

SERVER = Table(
    "server",
    METADATA,
    Column("identity_id", ForeignKey("identity.id"), primary_key=True),
    Column("url", String, primary_key=True),
    Column("buckets", Integer, nullable=False),
    Column("bytes_free", Integer, nullable=False),
)
"""A causeway where an identity has microhosting."""

PLACEMENT = Table(
    "placement",
    METADATA,
    Column("document_id", ForeignKey("document.id"), primary_key=True),
    Column("url", String, primary_key=True),
    Column("remote_key", String, nullable=False),
    Column("proved", Integer, nullable=False),
)
"""Where a document was put. `proved`: read back from there and found the same."""

ESCROW_OUTPUT = Table(
    "escrow_output",
    METADATA,
    Column("contract_id", String, primary_key=True),
    Column("purse", String, primary_key=True),
    Column("txid", String, primary_key=True),
    Column("vout", Integer, primary_key=True),
    Column("amount", Integer, nullable=False),
    Column("height", Integer),
    Column("confirmations", Integer, nullable=False),
    Column("spent", Integer, nullable=False),
)
"""The outputs of an escrow, as last seen on the chain. Amount in satoshis. `spent`: by a payment of the job."""

PAYMENT = Table(
    "payment",
    METADATA,
    Column("contract_id", String, primary_key=True),
    Column("purse", String, primary_key=True),
    Column("txid", String, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("back", Integer, nullable=False),
    Column("fee", Integer, nullable=False),
    Column("height", Integer),
    Column("confirmations", Integer, nullable=False),
    Column("ending", String, nullable=False),
    Column("document_id", String, nullable=False),
)
"""The payment out of an escrow, as last seen on the chain (0 confirmations: waiting for a block): satoshis to whom the
escrow is for, back to the payer and to the miner; how it ends the job, and the document that carries it."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE identity (id INTEGER PRIMARY KEY NOT NULL, network VARCHAR NOT NULL, name VARCHAR NOT NULL,
           contact VARCHAR NOT NULL, master_address VARCHAR NOT NULL, delegate_address VARCHAR NOT NULL,
           key_file VARCHAR NOT NULL, UNIQUE (network, master_address), UNIQUE (network, name))""",
        """CREATE TABLE document (id VARCHAR PRIMARY KEY NOT NULL, network VARCHAR NOT NULL, kind VARCHAR NOT NULL,
           author VARCHAR NOT NULL, job_id VARCHAR, order_id VARCHAR, mediator VARCHAR, armored TEXT NOT NULL,
           own INTEGER NOT NULL, received_from VARCHAR)""",
        "CREATE INDEX ix_document_kind ON document (network, kind)",
        "CREATE INDEX ix_document_order ON document (order_id)",
        "CREATE INDEX ix_document_author ON document (network, author)",
        """CREATE TABLE server (identity_id INTEGER NOT NULL REFERENCES identity (id), url VARCHAR NOT NULL,
           buckets INTEGER NOT NULL, bytes_free INTEGER NOT NULL, PRIMARY KEY (identity_id, url))""",
        """CREATE TABLE placement (document_id VARCHAR NOT NULL REFERENCES document (id), url VARCHAR NOT NULL,
           remote_key VARCHAR NOT NULL, proved INTEGER NOT NULL, PRIMARY KEY (document_id, url))""",
        """CREATE TABLE escrow_output (order_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           vout INTEGER NOT NULL, amount INTEGER NOT NULL, confirmations INTEGER NOT NULL,
           PRIMARY KEY (order_id, purse))""",
        """CREATE TABLE payment (order_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           amount INTEGER NOT NULL, confirmations INTEGER NOT NULL, PRIMARY KEY (order_id, purse))""",
    ),
    (
        # What the chain showed is asked again: nothing is lost.
        "DROP TABLE escrow_output",
        "DROP TABLE payment",
        """CREATE TABLE escrow_output (contract_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           vout INTEGER NOT NULL, amount INTEGER NOT NULL, height INTEGER, confirmations INTEGER NOT NULL,
           spent INTEGER NOT NULL, PRIMARY KEY (contract_id, purse, txid, vout))""",
        """CREATE TABLE payment (contract_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           amount INTEGER NOT NULL, back INTEGER NOT NULL, fee INTEGER NOT NULL, height INTEGER,
           confirmations INTEGER NOT NULL, ending VARCHAR NOT NULL, document_id VARCHAR NOT NULL,
           PRIMARY KEY (contract_id, purse))""",
    ),
    (
        "ALTER TABLE document ADD COLUMN escrow VARCHAR",
        """UPDATE document SET escrow = substr(armored, instr(armored, 'Primary escrow address: ') + 24, instr(substr(
           armored, instr(armored, 'Primary escrow address: ') + 24), char(10)) - 1)
           WHERE kind = 'bid' AND order_id IS NOT NULL AND instr(armored, 'Primary escrow address: ') > 0""",
        "CREATE INDEX ix_document_escrow ON document (escrow)",
    ),
)
