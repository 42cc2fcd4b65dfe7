"""Every payment that the documents of an order carry: who signed it, what it gives to whom, and who may complete it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from rein.btc.amounts import Sat
from rein.errors import EscrowError
from rein.escrow.carried import psbts_in
from rein.escrow.contract import EscrowKind
from rein.escrow.explain import Checked, Explanation, check_payout, explain
from rein.escrow.payable import covers
from rein.escrow.payout import Coin, Split, the_price
from rein.escrow.terms import EscrowTerms, Terms
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    Bid,
    DisputeDelivery,
    DisputeOffer,
    DisputeResolution,
    EscrowSigned,
    PartyDocument,
    Refund,
    Role,
    Settlement,
)
from rein.protocol.orders import Order
from rein.protocol.signed import Signed


class Ending(Enum):
    """How a job ends by a payment."""

    ACCEPTANCE = "acceptance"
    SETTLEMENT = "settlement"
    REFUND = "refund"
    RESOLUTION = "resolution"
    DISPUTE = "dispute"
    """Of the mediator's escrow only: whoever disputes signs the mediator's fee."""


@dataclass(frozen=True)
class Proposal:
    """One payment in one document, signed by its author."""

    document: Signed[Any]
    ending: Ending
    author: Role
    terms: EscrowTerms
    text: str
    worker_amount: Sat | None
    creator_amount: Sat

    @property
    def completers(self) -> frozenset[Role]:
        """Who may add the second signature."""
        return completers_of(self.terms.kind, self.ending, self.author)

    @property
    def reserved(self) -> bool:
        """See `is_reserved`."""
        return is_reserved(self.terms.kind, self.ending, self.author)

    def split(self, held: Collection[Coin], *, paid: bool = False) -> Split:
        """What it has to give, where the escrow holds these outputs.

        :param paid: whether whom the escrow is for has the price already, so that all the rest is the payer's.
        """
        if self.ending is Ending.REFUND:
            return refund_of(self.terms, held, author=self.author, paid=paid)
        if self.worker_amount is None or self.terms.kind is EscrowKind.FEE:
            return the_price(self.terms)
        return award_split(self.terms, self.worker_amount, self.creator_amount)

    def explain(self, held: Collection[Coin], bid: Bid, *, paid: bool = False) -> Explanation:
        """Hold the payment against the documents."""
        return self._explain(self.split(held, paid=paid), held, bid)

    def explain_made(self, held: Collection[Coin], bid: Bid) -> Explanation:
        """As `explain`, for a payment that has both signatures. Whether a refund had to pay the mediator depended on
        what the escrow held then; the mediator judged it by signing, and what came in later changes nothing."""
        found = self.explain(held, bid)
        if found.as_agreed or self.ending is not Ending.REFUND:
            return found
        other = self._explain(Split(Sat(0)), held, bid)
        return other if other.as_agreed else found

    def check(self, held: Collection[Coin], bid: Bid, *, paid: bool = False) -> Checked:
        """As `explain`, before a signature is added.

        :raises EscrowError: it is not as agreed.
        """
        signer = escrow_public_key(self.author, bid)
        split = self.split(held, paid=paid)
        return check_payout(self.text, self.terms, split, held, {signer}, reserved=self.reserved)

    def _explain(self, split: Split, held: Collection[Coin], bid: Bid) -> Explanation:
        signer = escrow_public_key(self.author, bid)
        return explain(self.text, self.terms, split, held, {signer}, reserved=self.reserved)


def completers_of(kind: EscrowKind, ending: Ending, author: Role) -> frozenset[Role]:
    """Who may add the second signature. The creator is one of the two whenever money goes back to them, and the
    mediator whenever the mediator is paid."""
    others = {Role.CREATOR, Role.WORKER}
    if kind is EscrowKind.FEE:
        return frozenset({Role.MEDIATOR} if author in others else others)
    if ending is Ending.REFUND:
        return frozenset({Role.WORKER, Role.MEDIATOR} if author is Role.CREATOR else {Role.CREATOR})
    if ending is Ending.RESOLUTION:
        return frozenset(others if author is Role.MEDIATOR else {Role.MEDIATOR})
    return frozenset(others - {author})


def is_reserved(kind: EscrowKind, ending: Ending, author: Role) -> bool:
    """Whether two others than the payer may make this payment: then its fee is held against what the offer keeps for
    the miner, so that they burn nothing that goes back to the payer."""
    return author is not Role.CREATOR and completers_of(kind, ending, author) != {Role.CREATOR}


def escrow_public_key(role: Role, bid: Bid) -> bytes:
    """The key with which somebody stands in the escrows of a job."""
    return {
        Role.CREATOR: bid.creator_public_key,
        Role.MEDIATOR: bid.mediator_public_key,
        Role.WORKER: bid.worker_public_key,
    }[role]


def award_split(terms: EscrowTerms, worker_amount: Sat, creator_amount: Sat) -> Split:
    """What a settlement or a resolution gives: what it leaves of the price is for the miner, as far as the miner needs
    it, and the payer's otherwise."""
    return Split(worker_amount, creator_amount, Sat(terms.price - worker_amount - creator_amount))


def refund_of(terms: EscrowTerms, held: Collection[Coin], *, author: Role | None = None, paid: bool = False) -> Split:
    """What a refund gives: the mediator's fee to the mediator if the escrow can pay it and the mediator has not got it
    yet; all else back. Mediators may give up part of it for the miner of a refund that they sign first; what anybody
    else signs pays it whole."""
    owed = not paid and terms.kind is EscrowKind.FEE and covers(terms, held)
    return replace(the_price(terms), bears=author is Role.MEDIATOR) if owed else Split(Sat(0))


def proposals_of(order: Order, terms: Terms) -> list[Proposal]:
    """Every payment out of an escrow that a document of the order carries. Disputes come last: what they carry is
    the same payment as in what ended the job."""
    return [*_acceptances(order, terms), *_by_parties(order, terms)]


def all_payments(order: Order, terms: Terms) -> list[Proposal]:
    """As `proposals_of`, and those in documents that are kept apart, if their authors' escrow keys have signed them: a
    document may not count, or answer another offer of the same escrow, and its payment is as good as any."""
    return [*proposals_of(order, terms), *_kept_apart(order, terms)]


def find_resolution(order: Order, accepted: AcceptResolution) -> DisputeResolution:
    """The resolution that somebody accepted.

    :raises EscrowError: it is not here.
    """
    for each in order.resolutions:
        if each.id == accepted.previous:
            return each.document
    raise EscrowError("the resolution that was accepted is not here")


def _acceptances(order: Order, terms: Terms) -> Iterator[Proposal]:
    for signed in order.acceptances:
        yield from _of_acceptance(signed, terms)


def _of_acceptance(signed: Signed[AcceptDelivery], terms: Terms) -> Iterator[Proposal]:
    for escrow_id, text in psbts_in(signed.document).items():
        yield Proposal(signed, Ending.ACCEPTANCE, Role.CREATOR, terms.of(escrow_id), text, None, Sat(0))


def _kept_apart(order: Order, terms: Terms) -> Iterator[Proposal]:
    for signed in (each.document for each in order.rejected):
        document = signed.document
        if order.bid is None or not isinstance(document, EscrowSigned):
            continue
        if document.author.master_address != order.master_address(document.signing_role):
            continue  # no party's: nobody makes us verify what strangers strew
        if not signed.is_signed_by_escrow_key(escrow_public_key(document.signing_role, order.bid.document)):
            continue
        if isinstance(document, AcceptDelivery):
            yield from _of_acceptance(signed, terms)
        elif isinstance(document, PartyDocument) and type(document) in _ENDINGS:
            yield from _of_document(signed, document, terms)


def _by_parties(order: Order, terms: Terms) -> Iterator[Proposal]:
    documents: tuple[Signed[Any], ...] = (
        *order.settlements,
        *order.refunds,
        *order.resolutions,
        *order.accepted_resolutions,
        *order.disputes,
    )
    for signed in documents:
        document: PartyDocument = signed.document
        award = find_resolution(order, document) if isinstance(document, AcceptResolution) else document
        yield from _of_document(signed, award, terms)


def _of_document(signed: Signed[Any], award: PartyDocument, terms: Terms) -> Iterator[Proposal]:
    document: PartyDocument = signed.document
    ending = _ENDINGS[type(document)]
    worker_amount: Sat | None = getattr(award, "worker_amount", None)
    creator_amount: Sat = getattr(award, "creator_amount", Sat(0))
    for escrow_id, text in psbts_in(document).items():
        yield Proposal(signed, ending, document.role, terms.of(escrow_id), text, worker_amount, creator_amount)


_ENDINGS: dict[type[PartyDocument], Ending] = {
    Settlement: Ending.SETTLEMENT,
    Refund: Ending.REFUND,
    DisputeDelivery: Ending.DISPUTE,
    DisputeOffer: Ending.DISPUTE,
    DisputeResolution: Ending.RESOLUTION,
    AcceptResolution: Ending.RESOLUTION,
}
