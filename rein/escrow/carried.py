"""What today's documents say of each escrow, by its id: they have two of them, in fields of their own.

Only this module and the types of documents know these fields. Documents of other escrows need their own functions
here, and a contract that has these escrows (`rein.escrow.contract`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rein.btc.amounts import Sat
from rein.escrow.contract import MEDIATOR, PRIMARY, Contract
from rein.protocol.documents import Bid, Document, Offer


def addresses_in(document: Bid | Offer) -> dict[str, str]:
    """Where each escrow is paid in."""
    return {PRIMARY: document.primary_address, MEDIATOR: document.mediator_address}


def address_fields(contract: Contract) -> dict[str, Any]:
    """The same as fields of a bid or an offer."""
    return {f"{each.id}_address": each.address for each in contract.escrows}


def amounts_in(offer: Offer) -> dict[str, Sat]:
    """What is put into each escrow."""
    return {PRIMARY: offer.primary_amount, MEDIATOR: offer.mediator_amount}


def amount_fields(amounts: Mapping[str, Sat]) -> dict[str, Any]:
    """The same as fields of an offer."""
    return {f"{escrow_id}_amount": amount for escrow_id, amount in amounts.items()}


def psbts_in(document: Document) -> dict[str, str]:
    """The payments that a document carries, in base64."""
    fields = ((each, getattr(document, f"{each}_psbt", None)) for each in (PRIMARY, MEDIATOR))
    return {escrow_id: text for escrow_id, text in fields if text is not None}


def psbt_fields(texts: Mapping[str, str]) -> dict[str, Any]:
    """The same as fields of a document. Where a document must carry a payment, none may be missing."""
    return {f"{escrow_id}_psbt": text for escrow_id, text in texts.items()}
