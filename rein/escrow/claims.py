"""Payments that wait for one more signature: whoever may add it can take the money, however long ago the first one was
given. A signature cannot be taken back, so what it covers is not there for anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from rein.btc.amounts import Sat
from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.errors import InputError, PsbtError
from rein.escrow.proposals import Ending, Proposal
from rein.protocol.documents import Role
from rein.protocol.values import DocumentId


@dataclass(frozen=True)
class Claim:
    """A payment of a document in which every input carries a good signature. Whether it pays as agreed plays no part:
    a hostile program asks nobody before it completes one."""

    document_id: DocumentId
    txid: str
    ending: Ending
    author: Role
    takers: frozenset[Role]
    script: bytes
    outpoints: frozenset[OutPoint]
    total: Sat
    is_given_back: bool
    """Whether the mediator has agreed already that the creator takes the money back, and need not be asked again."""

    def is_open(self, unspent: Collection[OutPoint]) -> bool:
        """Whether everything it spends is seen to be there."""
        return self.outpoints.issubset(unspent)

    def can_take(self, unspent: Collection[OutPoint]) -> bool:
        """Whether something of these may go by it. The rest of what it spends need not be seen: it may be hidden under
        many larger outputs, or come back into a block."""
        return not self.outpoints.isdisjoint(unspent)

    def __str__(self) -> str:
        return f"{self.ending.value} {self.document_id[:12]}, which the {self.author.value} signed"


def claims_of(proposals: Iterable[Proposal]) -> tuple[Claim, ...]:
    """Those of the payments that one more signature completes."""
    found = (_claim(each) for each in proposals)
    return tuple(each for each in found if each is not None)


def _claim(proposal: Proposal) -> Claim | None:
    psbt = _signed_payment(proposal.text, proposal.terms.escrow.witness_script)
    if psbt is None:
        return None
    return Claim(
        proposal.document.id,
        psbt.transaction.txid,
        proposal.ending,
        proposal.author,
        proposal.completers,
        proposal.terms.escrow.script,
        frozenset(each.outpoint for each in psbt.inputs),
        Sat(sum(each.amount for each in psbt.inputs)),
        proposal.ending is Ending.REFUND and proposal.author is Role.MEDIATOR and not _pays_the_price(psbt, proposal),
    )


@lru_cache(maxsize=4096)
def _signed_payment(text: str, script: bytes) -> Psbt | None:
    """A payment out of this escrow alone, if every input carries a good signature. A party can write any number of
    them, and every look at an order asks again."""
    try:
        psbt = Psbt.parse(text)
        inputs = psbt.inputs
        psbt.verify_signatures()
    except (PsbtError, InputError):
        return None
    signed = all(psbt.partial_signatures(index) for index in range(len(inputs)))
    if not inputs or not signed or any(each.witness_script != script for each in inputs):
        return None
    return psbt


def _pays_the_price(psbt: Psbt, proposal: Proposal) -> bool:
    """A refund out of the mediator's own escrow may pay the mediator."""
    payee = proposal.terms.payee.script
    return sum(output.amount for output in psbt.outputs if output.script == payee) >= proposal.terms.price
