"""What is remembered, one frozen row a concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rein.protocol.values import DocumentId

if TYPE_CHECKING:
    from rein.btc.amounts import Sat
    from rein.btc.transaction import OutPoint


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
    """A causeway where an identity has hosting, as the server last said at `asked`: bytes of storage and of transfer
    left in all its buckets, and when the first of them expires. Times in seconds since 1970; 0: never said."""

    url: str
    buckets: int
    bytes_free: int
    transfer_free: int = 0
    expires: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Placement:
    """Where a document was put."""

    document_id: DocumentId
    url: str
    remote_key: str
    proved: bool


@dataclass(frozen=True)
class FeedRow:
    """How far a server's feed was read. `anchor` is the last document it showed, at number `anchor_seq`: a feed that
    no longer shows it there was begun anew. `version` is of the Rein that read it: a newer one may understand what
    that one refused. `shown` counts what stands in it. `server`: what the feed calls itself.
    `passed`: when something in it was first passed over, as the server had brought too much (0: never), and how many
    `people` were in the identity's orders then."""

    url: str
    network: str
    version: str = ""
    cursor: int = 0
    anchor: DocumentId | None = None
    anchor_seq: int = 0
    etag: str | None = None
    shown: int = 0
    server: str | None = None
    passed: int = 0
    people: int = 0

    def from_the_beginning(self, version: str) -> FeedRow:
        """The same feed, of which nothing is read yet."""
        return FeedRow(self.url, self.network, version, server=self.server)


@dataclass(frozen=True)
class SummaryRow:
    """What the fold of an order came to, for one use of it; one for each view, named by its `contract_id`. `content`
    is JSON."""

    order_id: DocumentId
    contract_id: DocumentId
    state: str
    content: str


@dataclass(frozen=True)
class EscrowOutput:
    """An output of an escrow (`purse` is primary or mediator), as last seen. `contract_id`: `Order.contract_id`.
    `height`: of its block, where that was seen. `confirmations`: its own; of a `spent` one,
    1 if a payment of the job in a block has spent it, and 0 otherwise."""

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

    `amount` goes to whom the escrow is for, `back` to the payer, `fee` to the miner. `ending`: how it ends the job,
    by `document_id`, which carries it.
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


def escrow_output(row: Any) -> EscrowOutput:
    """From the table's row."""
    from rein.btc.transaction import OutPoint

    values = {key: row[key] for key in row.keys() if key not in ("txid", "vout")}  # noqa: SIM118 - a Row is no dict
    return EscrowOutput(**values | {"outpoint": OutPoint(row["txid"], row["vout"]), "spent": bool(row["spent"])})


def payment(row: Any) -> Payment:
    """From the table's row."""
    return Payment(**dict(row))
