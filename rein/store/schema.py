"""The tables of the client's database, as the steps from every older one.

`user_version` of the SQLite file counts the steps taken. A released step is never edited; a change is a new step.

    identity       whom this home can sign as; `key_file` is relative to the home
    document       every verified document; `own`: written here, so `rein sync` uploads it; `mediator`: whom a job
                   names
    server         a causeway where an identity has hosting, and what it last said of it
    placement      where a document was put; `proved`: read back from there and found the same
    escrow_output  the outputs of an escrow, as last seen on the chain; `contract_id`: the offer (or job) they are
                   of; `escrow_id`: which escrow of it; `spent`: by a payment of the job
    payment        the payment out of an escrow, as last seen on the chain (0 confirmations: waiting for a block):
                   `amount` to whom the escrow is for, `back` to the payer, `fee` to the miner; how it ends the job, and
                   the document that carries it
    feed           how far a server's feed was read for a network, and since when something in it was passed over
    allowance      how many bytes a server (its URL) or a signer (an address) has brought here since a time
    summary        what a fold of an order came to, for one use (`address`: a master address for the overview of an
                   identity, that and "watch" for its news, empty for the lists, which are the same for everybody), one
                   row for each view of conflicting offers; the triggers drop them when anything they were folded from
                   changes, so what stands there is what a fold would come to now
    hidden         what a person does not want to see in lists: `kind` is job, bid or person, `name` a document id or a
                   master address, `label` what it was called
    seen_block     the tip of the chain when it was last asked for
    generation     one row: how often anything changed that a fold looks at
    sealed_bid     bids that are known here because they were sealed by or to an identity of this home: no server is
                   given one before it is `published`, that is, before the job creator's offer answers it
    shown          which documents of other people a server was seen to show; `removed`: it said since that it has not
    hosting_order  an order of hosting that is to be paid: what, where, when it was made, the highest number of a
                   bucket there was then, and until when it holds its price
    completed      payments that an identity of this home completed by a second signature, what they spend and `amount`
                   to whom the escrow is for; `escrow`: its address, `contract_id`: the offer
    funding        what the transactions spent that filled an escrow
    wallet_address the addresses of an identity's own wallet, or of the one it is paid to: `key_id` names the account or
                   extended key; `document_id`: the document of one's own that names it; `taken`: when it was handed
                   out; `job_id`: whose money change is; `paid`: something came to it
    wallet_coin    the coins of a wallet, as last seen on the chain
    wallet_payment what was sent from a wallet: the transaction in hexadecimal, its fee, and the job whose money it was
    watch_event    what `rein watch` has noticed for an identity; `body` is empty where nobody was to be told
    learned        when this home first learned of something: `name` is the id of a document, the outpoint of an escrow
                   output or the txid of a payment
    fetched        when a server last answered this home that asked for what is new
    watch_delivery whom an event is to be told, how often that was tried, and whether it was done

Amounts are in satoshis, times in seconds since 1970.
"""

from __future__ import annotations

_EVENTS = (("INSERT", "new"), ("DELETE", "old"), ("UPDATE", "new"))


_OF_CONTRACT = "order_id IN (SELECT order_id FROM summary WHERE contract_id = {row}.contract_id)"
"""All views of an order go together: one that is left would pass for the whole of it."""


def _forgetting(table: str, which: str) -> tuple[str, ...]:
    """Triggers: a row of `table` that comes, goes or changes drops the summaries of its order."""
    return tuple(
        f"""CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN
            DELETE FROM summary WHERE {which.format(row=row)}; UPDATE generation SET count = count + 1; END"""  # noqa: S608 - names of ours
        for event, row in _EVENTS
    )


def _forgetting_person() -> tuple[str, ...]:
    """Triggers: an enrollment says who may speak for somebody, so it drops the summaries of every order in which that
    person spoke or mediates."""
    return tuple(
        f"""CREATE TRIGGER enrollment_{event.lower()} AFTER {event} ON document WHEN {row}.kind = 'enrollment' BEGIN
            DELETE FROM summary WHERE order_id IN (
                SELECT order_id FROM document WHERE network = {row}.network AND author = {row}.author
                UNION SELECT order_id FROM document WHERE network = {row}.network AND mediator = {row}.author); END"""  # noqa: S608 - names of ours
        for event, row in _EVENTS
    )


def _learning(table: str, name: str) -> str:
    """A trigger: when a row of `table` first comes, the time is noted under its name."""
    return f"""CREATE TRIGGER {table}_learned AFTER INSERT ON {table} BEGIN
               INSERT INTO learned SELECT {name}, CAST(strftime('%s', 'now') AS INTEGER)
               WHERE NOT EXISTS (SELECT * FROM learned WHERE name = {name}); END"""  # noqa: S608 - names of ours


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
        # Payments are looked for again, among what the documents carry and by what funded the escrows, which is kept.
        "ALTER TABLE escrow_output RENAME TO old_output",
        "DROP TABLE payment",
        """CREATE TABLE escrow_output (contract_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           vout INTEGER NOT NULL, amount INTEGER NOT NULL, height INTEGER, confirmations INTEGER NOT NULL,
           spent INTEGER NOT NULL, PRIMARY KEY (contract_id, purse, txid, vout))""",
        """INSERT INTO escrow_output SELECT min(offer.id), purse, txid, vout, amount, NULL, confirmations, 0
           FROM old_output JOIN document AS offer ON offer.order_id = old_output.order_id AND offer.kind = 'offer'
           GROUP BY old_output.order_id, purse HAVING count(*) = 1""",
        "DROP TABLE old_output",
        """CREATE TABLE payment (contract_id VARCHAR NOT NULL, purse VARCHAR NOT NULL, txid VARCHAR NOT NULL,
           amount INTEGER NOT NULL, back INTEGER NOT NULL, fee INTEGER NOT NULL, height INTEGER,
           confirmations INTEGER NOT NULL, ending VARCHAR NOT NULL, document_id VARCHAR NOT NULL,
           PRIMARY KEY (contract_id, purse))""",
    ),
    (
        "ALTER TABLE server ADD COLUMN transfer_free INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE server ADD COLUMN expires INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE server ADD COLUMN asked INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX ix_placement_url ON placement (url, proved)",
        "CREATE INDEX ix_document_mediator ON document (network, mediator) WHERE mediator IS NOT NULL",
        """CREATE TABLE feed (url VARCHAR NOT NULL, network VARCHAR NOT NULL, version VARCHAR NOT NULL,
           cursor INTEGER NOT NULL, anchor VARCHAR, anchor_seq INTEGER NOT NULL, etag VARCHAR,
           shown INTEGER NOT NULL, documents INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (url, network))""",
        """CREATE TABLE summary (order_id VARCHAR NOT NULL, contract_id VARCHAR NOT NULL, address VARCHAR NOT NULL,
           version VARCHAR NOT NULL, state VARCHAR NOT NULL, content TEXT NOT NULL,
           PRIMARY KEY (order_id, contract_id, address)) WITHOUT ROWID""",
        "CREATE INDEX ix_summary_contract ON summary (contract_id)",
        "CREATE TABLE generation (count INTEGER NOT NULL)",
        "INSERT INTO generation VALUES (0)",
        *_forgetting("document", "order_id = {row}.order_id"),
        *_forgetting_person(),
        *_forgetting("escrow_output", _OF_CONTRACT),
        *_forgetting("payment", _OF_CONTRACT),
    ),
    (
        "ALTER TABLE document ADD COLUMN escrow VARCHAR",
        """UPDATE document SET escrow = substr(armored, instr(armored, 'Primary escrow address: ') + 24, instr(substr(
           armored, instr(armored, 'Primary escrow address: ') + 24), char(10)) - 1)
           WHERE kind = 'bid' AND order_id IS NOT NULL AND instr(armored, 'Primary escrow address: ') > 0""",
        "CREATE INDEX ix_document_escrow ON document (escrow)",
    ),
    (
        """CREATE TABLE watch_event (identity_id INTEGER NOT NULL REFERENCES identity (id), event_id VARCHAR NOT NULL,
           body TEXT NOT NULL, PRIMARY KEY (identity_id, event_id))""",
        """CREATE TABLE watch_delivery (identity_id INTEGER NOT NULL, event_id VARCHAR NOT NULL, hook VARCHAR NOT NULL,
           attempts INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (identity_id, event_id, hook),
           FOREIGN KEY (identity_id, event_id) REFERENCES watch_event (identity_id, event_id))""",
    ),
    (
        """CREATE TABLE hidden (network VARCHAR NOT NULL, kind VARCHAR NOT NULL, name VARCHAR NOT NULL,
           label VARCHAR NOT NULL, PRIMARY KEY (network, kind, name))""",
        """CREATE TABLE seen_block (network VARCHAR PRIMARY KEY NOT NULL, height INTEGER NOT NULL,
           time INTEGER NOT NULL)""",
    ),
    (
        """CREATE TABLE sealed_bid (document_id VARCHAR NOT NULL REFERENCES document (id), address VARCHAR NOT NULL,
           published INTEGER NOT NULL, PRIMARY KEY (document_id, address)) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE shown (document_id VARCHAR NOT NULL, url VARCHAR NOT NULL, removed INTEGER NOT NULL,
           PRIMARY KEY (url, document_id)) WITHOUT ROWID""",
        """CREATE TABLE hosting_order (identity_id INTEGER NOT NULL REFERENCES identity (id), url VARCHAR NOT NULL,
           address VARCHAR NOT NULL, price INTEGER NOT NULL, newest INTEGER NOT NULL, time INTEGER NOT NULL,
           PRIMARY KEY (identity_id, url))""",
        "ALTER TABLE feed ADD COLUMN server VARCHAR",
    ),
    (
        "DROP INDEX ix_document_escrow",
        "ALTER TABLE document DROP COLUMN escrow",
        "ALTER TABLE hosting_order ADD COLUMN until INTEGER NOT NULL DEFAULT 0",
    ),
    (
        """CREATE TABLE allowance (network VARCHAR NOT NULL, name VARCHAR NOT NULL, since INTEGER NOT NULL,
           bytes INTEGER NOT NULL, PRIMARY KEY (network, name)) WITHOUT ROWID""",
        "CREATE INDEX ix_allowance_since ON allowance (since)",
        "ALTER TABLE feed ADD COLUMN passed INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE feed ADD COLUMN people INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE feed DROP COLUMN documents",
        "ALTER TABLE feed DROP COLUMN bytes",
    ),
    (
        """CREATE TABLE completed (address VARCHAR NOT NULL, contract_id VARCHAR NOT NULL, escrow VARCHAR NOT NULL,
           txid VARCHAR NOT NULL, amount INTEGER NOT NULL, inputs TEXT NOT NULL,
           PRIMARY KEY (address, escrow, contract_id, txid)) WITHOUT ROWID""",
        "CREATE TABLE funding (txid VARCHAR PRIMARY KEY NOT NULL, inputs TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        """CREATE TABLE wallet_address (identity_id INTEGER NOT NULL REFERENCES identity (id), key_id VARCHAR NOT NULL,
           branch INTEGER NOT NULL, number INTEGER NOT NULL, address VARCHAR NOT NULL, document_id VARCHAR,
           job_id VARCHAR, taken INTEGER NOT NULL, paid INTEGER NOT NULL,
           PRIMARY KEY (identity_id, key_id, branch, number)) WITHOUT ROWID""",
        "CREATE INDEX ix_wallet_address ON wallet_address (address)",
        """CREATE TABLE wallet_coin (identity_id INTEGER NOT NULL REFERENCES identity (id), txid VARCHAR NOT NULL,
           vout INTEGER NOT NULL, address VARCHAR NOT NULL, amount INTEGER NOT NULL, height INTEGER NOT NULL,
           spent INTEGER NOT NULL, PRIMARY KEY (identity_id, txid, vout)) WITHOUT ROWID""",
        """CREATE TABLE wallet_payment (identity_id INTEGER NOT NULL REFERENCES identity (id), txid VARCHAR NOT NULL,
           raw TEXT NOT NULL, fee INTEGER NOT NULL, job_id VARCHAR, height INTEGER,
           PRIMARY KEY (identity_id, txid))""",
    ),
    (
        """CREATE TABLE request (identity_id INTEGER NOT NULL REFERENCES identity (id), key VARCHAR NOT NULL,
           command VARCHAR NOT NULL, arguments VARCHAR NOT NULL, time INTEGER NOT NULL, document_id VARCHAR,
           result TEXT, PRIMARY KEY (identity_id, key)) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE escrow_output RENAME COLUMN purse TO escrow_id",
        "ALTER TABLE payment RENAME COLUMN purse TO escrow_id",
    ),
    (
        "CREATE TABLE learned (name VARCHAR PRIMARY KEY NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID",
        _learning("document", "new.id"),
        _learning("escrow_output", "new.txid || ':' || new.vout"),
        _learning("payment", "new.txid"),
        "CREATE TABLE fetched (network VARCHAR PRIMARY KEY NOT NULL, time INTEGER NOT NULL)",
    ),
)
