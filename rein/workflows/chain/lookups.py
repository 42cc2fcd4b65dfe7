"""What looking for the payments of an order may cost the chain source, whatever its parties have signed.

A party can sign any number of payments that nobody will ever make. So nothing is looked up twice in one look; what the
author's escrow key has not signed is not looked up at all; and of one author's payments so many are tried in one look,
others after the next block. Which ones follows from the newest block and is the same in every home, so no author can
choose which are left out; the payment that was found before is always tried, and first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rein.btc.hashes import sha256
from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.chain.source import BlockRef, ChainSource, FoundTransaction, Output
from rein.errors import InputError, PsbtError
from rein.escrow.proposals import Proposal, escrow_public_key
from rein.escrow.terms import EscrowTerms
from rein.protocol.documents import Bid, Role

MOST_TRIED = 20
"""Payments of one author out of one escrow for which the chain is asked in one look."""


class Lookups:
    """A chain source that is asked each thing once."""

    def __init__(self, chain: ChainSource) -> None:
        self._chain = chain
        self._tip: BlockRef | None = None
        self._outputs: dict[OutPoint, Output | None] = {}
        self._transactions: dict[tuple[str, str | None], FoundTransaction | None] = {}

    def tip(self) -> BlockRef:
        """As `ChainSource.tip`."""
        if self._tip is None:
            self._tip = self._chain.tip()
        return self._tip

    def block_at(self, height: int) -> BlockRef:
        """As `ChainSource.block_at`."""
        return self._chain.block_at(height)

    def unspent_output(self, outpoint: OutPoint) -> Output | None:
        """As `ChainSource.unspent_output`."""
        if outpoint not in self._outputs:
            self._outputs[outpoint] = self._chain.unspent_output(outpoint)
        return self._outputs[outpoint]

    def spends(self, outpoint: OutPoint) -> bool:
        """Whether the mempool spends what blocks show as unspent."""
        return self.unspent_output(outpoint) is None

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        """As `ChainSource.find_transaction`."""
        if (txid, block_hash) not in self._transactions:
            self._transactions[txid, block_hash] = self._chain.find_transaction(txid, block_hash)
        return self._transactions[txid, block_hash]


def to_try(
    lookups: Lookups, proposals: Iterable[Proposal], terms: EscrowTerms, bid: Bid, before: str | None
) -> list[tuple[Proposal, Psbt]]:
    """The payments out of an escrow that may have been made: that which was found `before` (a txid) first."""
    signed = [
        (proposal, psbt)
        for proposal in proposals
        if proposal.terms == terms and (psbt := _signed_payment(proposal, bid)) is not None
    ]
    by_author: dict[Role, set[str]] = defaultdict(set)
    for proposal, psbt in signed:
        by_author[proposal.author].add(psbt.transaction.txid)
    chosen = {author: _some(lookups, txids, before) for author, txids in by_author.items()}
    tried = [each for each in signed if each[1].transaction.txid in chosen[each[0].author]]
    return sorted(tried, key=lambda each: each[1].transaction.txid != before)


def _some(lookups: Lookups, txids: set[str], before: str | None) -> set[str]:
    if len(txids) <= MOST_TRIED:
        return txids
    block = bytes.fromhex(lookups.tip().hash)
    by_chance = sorted(txids, key=lambda txid: (txid != before, sha256(block + bytes.fromhex(txid))))
    return set(by_chance[:MOST_TRIED])


def _signed_payment(proposal: Proposal, bid: Bid) -> Psbt | None:
    """The payment in a document, if every input is of the escrow and carries a good signature of the author's escrow
    key. That it holds for the amounts that the payment itself names is enough to be worth a look."""
    key = escrow_public_key(proposal.author, bid)
    try:
        psbt = Psbt.parse(proposal.text)
        script = proposal.terms.escrow.witness_script
        if any(each.witness_script != script for each in psbt.inputs):
            return None
        psbt.verify_signatures()
    except (PsbtError, InputError):
        return None
    signed = all(key in psbt.partial_signatures(index) for index in range(len(psbt.inputs)))
    return psbt if signed else None
