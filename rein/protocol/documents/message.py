"""What one party of a job seals to another: Rein Message, Rein Disclosure (the key to messages, for a third), and Rein
Sealed Bid."""

from __future__ import annotations

from dataclasses import dataclass

from rein.errors import FieldError
from rein.protocol import fields
from rein.protocol.documents.base import Kind, Role
from rein.protocol.documents.checks import check_identity_addresses
from rein.protocol.documents.party import ROLE, PartyDocument
from rein.protocol.fields import line
from rein.protocol.values import DOCUMENT_ID, IDENTITY_ADDRESS, PUBLIC_KEY, SEALED, DocumentId

_SEALED_LABEL = "Sealed text"


@dataclass(frozen=True, kw_only=True)
class SealedDocument(PartyDocument):
    """A text from one party of a job that only one other party can read (`rein.protocol.sealing`).

    Both message keys are those by which the job, the bid or the mediator's enrollment names these parties; whether
    that is so is a question to the order. `previous` is the job or whatever was said in it before.
    """

    to_role: Role = line("Receiver role", ROLE)
    to_address: str = line("Receiver master address", IDENTITY_ADDRESS)
    from_key: bytes = line("Sender message key", PUBLIC_KEY)
    to_key: bytes = line("Receiver message key", PUBLIC_KEY)
    sealed: str = line(_SEALED_LABEL, SEALED)

    def associated_data(self) -> bytes:
        """Everything the document says but the sealed text, which is bound to it."""
        rows = fields.write(self.TITLE, self).split("\n")
        return "\n".join(row for row in rows if not row.startswith(f"{_SEALED_LABEL}: ")).encode()

    def check(self) -> None:
        super().check()
        check_identity_addresses(self.network, receiver_master_address=self.to_address)
        if self.role is self.to_role or self.master_address == self.to_address or self.from_key == self.to_key:
            raise FieldError(f"a {self.TITLE} is from one party of a job to another")


@dataclass(frozen=True, kw_only=True)
class Message(SealedDocument):
    """Signed by the sender's delegate. Anybody of the three writes to any other, bidders to the creator."""

    TITLE = "Rein Message"
    KIND = Kind.MESSAGE
    ROLES = frozenset(Role)


@dataclass(frozen=True, kw_only=True)
class Disclosure(SealedDocument):
    """Signed by the delegate of the creator or the worker. To the mediator, it seals the key of the conversation that
    the sender's message key and `other_key` have in this job: they read all of that conversation, and nothing else."""

    TITLE = "Rein Disclosure"
    KIND = Kind.DISCLOSURE
    ROLES = frozenset({Role.CREATOR, Role.WORKER})

    other_address: str = line("Other party master address", IDENTITY_ADDRESS)
    other_key: bytes = line("Other party message key", PUBLIC_KEY)

    def check(self) -> None:
        super().check()
        check_identity_addresses(self.network, other_party_master_address=self.other_address)
        if self.to_role is not Role.MEDIATOR:
            raise FieldError("a conversation is disclosed to the mediator")
        if self.other_address in (self.master_address, self.to_address):
            raise FieldError("the other party of the conversation is neither who discloses it nor the mediator")


@dataclass(frozen=True, kw_only=True)
class SealedBid(SealedDocument):
    """Signed by the worker's delegate. To the job creator, it seals a whole signed Rein Bid, in armor, whose id is
    `bid`: so the worker is bound to it, and nobody else learns the price before the creator's offer answers that bid.
    Answers the job document. `from_key` is the message key that the bid names."""

    TITLE = "Rein Sealed Bid"
    KIND = Kind.SEALED_BID
    ROLES = frozenset({Role.WORKER})

    bid: DocumentId = line("Bid document", DOCUMENT_ID)

    def check(self) -> None:
        super().check()
        if self.to_role is not Role.CREATOR:
            raise FieldError("a bid is sealed to the job creator")
