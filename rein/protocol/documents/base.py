"""What all documents share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rein.btc.networks import Network
from rein.errors import FieldError
from rein.protocol.enums import Kind as Kind
from rein.protocol.enums import Role as Role
from rein.protocol.fields import line
from rein.protocol.values import BLOCK_HASH, DOCUMENT_ID, HEIGHT, JOB_ID, NAME, NETWORK, SIGNATURE, DocumentId


@dataclass(frozen=True)
class Author:
    """Who a document says has written it: the identity (master address) and the address whose key signs."""

    master_address: str
    signing_address: str


@dataclass(frozen=True, kw_only=True)
class Document(ABC):
    """A document of today's format. `network`, `previous` and the block at signing are in every one of them."""

    TITLE: ClassVar[str]
    KIND: ClassVar[Kind]

    network: Network = line("Network", NETWORK)
    previous: DocumentId | None = line("Previous document", DOCUMENT_ID, optional=True, tail=True)
    block_hash: str = line("Block hash", BLOCK_HASH, tail=True)
    block_height: int = line("Block height", HEIGHT, tail=True)

    @property
    @abstractmethod
    def author(self) -> Author:
        """Who must have signed."""

    @abstractmethod
    def check(self) -> None:
        """Hold the fields against each other: addresses and keys are of the document's network, and so on.

        :raises ReinError: naming the field.
        """


@dataclass(frozen=True, kw_only=True)
class EscrowSigned(Document):
    """A document that binds its author in one contract: the author's escrow key signs it too.

    The signature (a Bitcoin signed message) is over the document's text without its own line. It proves that whoever
    introduces an escrow key holds it, and that whoever holds a delegate key alone says nothing about money.
    `rein.protocol.signed` writes and verifies it; it is None only in a document that is not signed yet.
    """

    escrow_signature: str | None = line("Escrow key signature", SIGNATURE, optional=True, tail=True)

    @property
    @abstractmethod
    def signing_role(self) -> Role:
        """Whose escrow key signs."""

    @property
    def own_escrow_key(self) -> bytes | None:
        """That key, where the document itself names it; who reads the others learns it from the bid."""
        return None


@dataclass(frozen=True, kw_only=True)
class OrderDocument(Document):
    """A document that answers another one within a job."""

    job_name: str = line("Job name", NAME)
    job_id: str = line("Job ID", JOB_ID)
    job_document: DocumentId = line("Job document", DOCUMENT_ID)

    def check(self) -> None:
        if self.previous is None:
            raise FieldError(f"{self.TITLE} lacks the field 'Previous document', which names what it answers")
