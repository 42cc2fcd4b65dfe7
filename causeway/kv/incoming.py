"""A value that arrives is a document of this server's network, or opaque, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from causeway.errors import WrongNetworkError
from rein.btc.networks import MAINNET, Network
from rein.protocol.armor import BEGIN
from rein.protocol.description import LEGACY_MAINNET, LEGACY_TESTNET, Description, describe
from rein.protocol.documents import LegacyDocument
from rein.protocol.signed import Signed, verify


@dataclass(frozen=True)
class IncomingDocument:
    """A verified document and what is worth indexing of it."""

    signed: Signed[Any]
    description: Description


@dataclass(frozen=True)
class Listener:
    """What is called inside the writing transaction: before documents are stored, and after their last copy is gone.

    `stored` may get a document it knows already. `deleted` is called, before `released`, with the documents that go
    because an owner (an address) or the operator (`copies.OPERATOR`) asked for it.
    """

    stored: Callable[[Connection, Sequence[IncomingDocument]], None]
    released: Callable[..., None]
    deleted: Callable[[Connection, Sequence[str], str], None]


def read_incoming(value: str, network: Network, *, testnet: bool) -> IncomingDocument | None:
    """The document that a value is, or None if the value does not begin as one and so never counts as one.

    :param testnet: what the client said of the network; only legacy documents need it.
    :raises ReinError: it begins as a document and does not verify.
    :raises WrongNetworkError: it is a document of another network.
    """
    if not value.startswith(BEGIN):
        return None
    signed = verify(value)
    description = describe(signed)
    if isinstance(signed.document, LegacyDocument):
        _check_legacy_network(signed.document, signed.address, network, testnet=testnet)
        return IncomingDocument(
            signed, replace(description, network=LEGACY_MAINNET if network is MAINNET else LEGACY_TESTNET)
        )
    if description.network != network.name:
        raise _wrong_network(description.network, network)
    return IncomingDocument(signed, description)


def _check_legacy_network(document: LegacyDocument, address: str, network: Network, *, testnet: bool) -> None:
    """Legacy documents name no network. Those of its test mode have a test address, say `Testnet: True` (enrollments
    alone), or have mainnet's addresses and are called test documents by the client only."""
    is_test = testnet or document.testnet or not address.startswith("1")
    if is_test == (network is MAINNET):
        raise _wrong_network("a test network of 2016" if is_test else "mainnet", network)


def _wrong_network(said: str, network: Network) -> WrongNetworkError:
    return WrongNetworkError(
        f"the document is of {said}, and this server keeps documents of {network.name}",
        hint="Send it to a server of its own network.",
    )
