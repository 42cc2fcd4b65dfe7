"""What was agreed about money, read from verified documents alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rein.btc.address import script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.feerate import Feerate, fee_for, format_feerate
from rein.btc.transaction import TxOutput, escrow_spend_vsize, p2wsh_multisig_witness_weight
from rein.errors import EscrowError, InputError
from rein.escrow.carried import addresses_in, amounts_in
from rein.escrow.contract import Contract, Escrow, EscrowKind, Escrows, contract
from rein.protocol.documents import Bid, Job, Offer, Role
from rein.protocol.orders import Order
from rein.protocol.values import BasisPoints, mediator_fee

DEFAULT_FEERATE = 10
"""sat/vB, where the chain source has no estimate."""

MIN_FEERATE = 1
"""sat/vB. What the network relays at least: no payment leaves less."""

MIN_RESERVE_FEERATE = 5
MAX_FEERATE = 500
"""sat/vB of the largest payment out of an escrow. An offer whose reserve for the miner lies outside is refused by
everybody: with less, an escrow that is paid in several pieces could not be paid out, whatever its end."""

MAX_COINS = 8
"""Outputs one payment spends at most, so that both payments fit into a document."""

_SIGNATURES = 2
"""Either escrow is spent by two signatures."""


@dataclass(frozen=True)
class Payee:
    """Somebody whom the documents bind to a payment address."""

    role: Role
    name: str
    address: str
    script: bytes


@dataclass(frozen=True)
class EscrowTerms:
    """One escrow: what is put in, by whom, and who gets the exact `price` of the job out of it.

    `amount` is more than `price`: the rest is kept for the miner, and what the miner leaves is the payer's.
    """

    escrow: Escrow
    amount: Sat
    price: Sat
    payee: Payee
    payer: Payee

    @property
    def id(self) -> str:
        return self.escrow.id

    @property
    def kind(self) -> EscrowKind:
        return self.escrow.kind

    @property
    def payout(self) -> TxOutput:
        """The output that pays the price."""
        return TxOutput(self.price, self.payee.script)

    @property
    def miner_fee(self) -> Sat:
        """What the offer keeps for the miner."""
        return Sat(self.amount - self.price)

    @property
    def largest_vsize(self) -> int:
        """Virtual bytes, at most, of any payment out of this escrow: the most inputs, and both outputs."""
        return self.vsize_of(MAX_COINS, [self.payout, TxOutput(self.price, self.payer.script)])

    def vsize_of(self, inputs: int, outputs: Sequence[TxOutput]) -> int:
        """Virtual bytes, at most, of a transaction that spends so many outputs of this escrow."""
        weight = p2wsh_multisig_witness_weight(self.escrow.witness_script, _SIGNATURES)
        return escrow_spend_vsize([weight] * inputs, outputs)


class Terms(Escrows[EscrowTerms]):
    """The money of one offered job."""


def contract_of(bid: Bid) -> Contract:
    """The contract of a bid's three keys."""
    return contract(bid.creator_public_key, bid.mediator_public_key, bid.worker_public_key, bid.network)


def terms_of(order: Order) -> Terms:
    """The terms of an order with an offer that counts, with all escrows rebuilt and compared.

    :raises EscrowError: there is no such offer, or an address, amount or fee in it is not what it must be.
    """
    if order.offer is None or order.bid is None:
        raise EscrowError("this job has no offer that counts, so there is nothing to fund or pay")
    return _terms(order.job.document, order.bid.document, order.offer.document)


def check_bid(bid: Bid) -> Contract:
    """Rebuild a bid's escrows and compare.

    :raises EscrowError: the bid names other addresses.
    """
    built = contract_of(bid)
    if addresses_in(bid) != _addresses(built):
        raise EscrowError(
            "the escrow addresses in the bid are not those of the three keys",
            hint="Do not fund them. The bid was made by a broken or hostile program.",
        )
    return built


def _addresses(built: Contract) -> dict[str, str]:
    return {each.id: each.address for each in built.escrows}


def _terms(job: Job, bid: Bid, offer: Offer) -> Terms:
    built = check_bid(bid)
    if addresses_in(offer) != _addresses(built):
        raise EscrowError("the escrow addresses in the offer are not those of the three keys", hint="Do not fund them.")

    terms = _holding(built, job, bid, amounts_in(offer))
    for each in terms.escrows:
        _check_dust(each)
        check_fee_band(each)
    return terms


def _check_dust(terms: EscrowTerms) -> None:
    if terms.price < DUST_LIMIT:
        raise EscrowError(
            f"{terms.payee.name} would get {terms.price} sat from the {terms.id} escrow; the network does not carry "
            f"outputs under {DUST_LIMIT} sat"
        )


def check_fee_band(terms: EscrowTerms) -> None:
    """Refuse a reserve for the miner that would never be mined, or that would be given away.

    :raises EscrowError: saying the feerate.
    """
    lowest, highest = MIN_RESERVE_FEERATE * terms.largest_vsize, MAX_FEERATE * terms.largest_vsize
    if not lowest <= terms.miner_fee <= highest:
        raise EscrowError(
            f"the offer leaves {terms.miner_fee} sat for the miner of the {terms.id} payment, "
            f"which is outside {lowest} to {highest} sat ({MIN_RESERVE_FEERATE} to {MAX_FEERATE} sat/vB of its largest "
            f"shape, {MAX_COINS} inputs and 2 outputs)"
        )


def check_price(price: Sat, fee: BasisPoints) -> None:
    """Refuse a price that cannot be paid out over the network.

    :param fee: the mediator's.
    :raises InputError: the price or the mediator's part of it is dust.
    """
    for who, amount in (("the worker", price), ("the mediator", mediator_fee(price, fee))):
        if amount < DUST_LIMIT:
            raise InputError(
                f"{who} would get {amount} sat, and the network does not carry outputs under {DUST_LIMIT} sat",
                hint="Ask a higher price.",
            )


def offer_amounts(job: Job, bid: Bid, feerate: Feerate) -> dict[str, Sat]:
    """What has to be in each escrow, by its id, so that the receivers get the exact amounts, however it was paid in and
    however the job ends. What the miner leaves comes back to the payer.

    :param feerate: sat/vB kept for the miner of the largest payment out of each escrow.
    :raises InputError: a feerate outside the band, or a price that is dust.
    """
    if not MIN_RESERVE_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(
            f"a reserve of {format_feerate(feerate)} sat/vB is outside {MIN_RESERVE_FEERATE} to {MAX_FEERATE}",
            hint="It is for the largest payment; what the miner leaves of it comes back to you.",
        )
    check_price(bid.amount, job.mediator_fee)
    built = check_bid(bid)
    empty = _holding(built, job, bid, dict.fromkeys(built.ids, Sat(0)))
    return {each.id: Sat(each.price + fee_for(feerate, each.largest_vsize)) for each in empty.escrows}


def _holding(built: Contract, job: Job, bid: Bid, amounts: Mapping[str, Sat]) -> Terms:
    """The escrows, with these amounts in them."""

    def payee(role: Role, name: str, address: str) -> Payee:
        return Payee(role, name, address, script_of_address(address, job.network))

    creator = payee(Role.CREATOR, job.creator, job.creator_payment_address)
    worker = payee(Role.WORKER, bid.worker, bid.worker_payment_address)
    mediator = payee(Role.MEDIATOR, job.mediator, job.mediator_payment_address)
    paid = {
        EscrowKind.PRICE: (bid.amount, worker),
        EscrowKind.FEE: (mediator_fee(bid.amount, job.mediator_fee), mediator),
    }
    return Terms(tuple(EscrowTerms(each, amounts[each.id], *paid[each.kind], creator) for each in built.escrows))
