"""Documents of 2016, in every generation of labels found in real ones.

They are read, verified, shown and indexed, but take no part in today's orders: they have no network, no hash of what
they answer and no keys of their own per job, so their escrows mix and their texts can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rein.btc.address import is_identity_address, p2pkh_address
from rein.btc.keys import parse_public_key
from rein.btc.networks import MAINNET, REGTEST
from rein.errors import FieldError, ReinError
from rein.protocol.documents.base import Author, Kind

_TITLES: Mapping[str, Kind] = {
    "Rein User Enrollment": Kind.ENROLLMENT,
    "Rein Job": Kind.JOB,
    "Rein Bid": Kind.BID,
    "Rein Offer": Kind.OFFER,
    "Rein Delivery": Kind.DELIVERY,
}
"""Accept Delivery is missing: its early form does not name its author, so nobody can say who had to sign it."""

_TODAYS_LABEL: Mapping[str, str] = {
    "Name/handle": "User",
    "Name/Handle": "User",
    "Mediator pubkey": "Mediator public key",
    "Mediation public key": "Mediator public key",
    "Mediation fee": "Mediator fee",
    "Category": "Tags",
    "Job creator's name": "Job creator",
    "Job creator's public key": "Job creator public key",
    "Mediator's name": "Mediator",
    "Mediator's public key": "Mediator public key",
    "Worker's name": "Worker",
    "Worker's public key": "Worker public key",
}

_AUTHOR_KEY: Mapping[Kind, str] = {
    Kind.JOB: "Job creator public key",
    Kind.BID: "Worker public key",
    Kind.OFFER: "Job creator public key",
    Kind.DELIVERY: "Worker public key",
}
"""The label of the delegate's public key, the only thing that says who has to sign. (Section names: enrollments name
an address instead.)"""

_TESTNET_LETTERS = ("m", "n", "2")
"""How addresses of the test network begin. A text tells by its own addresses which network's spelling its signer's
address has, so that nobody can put the other spelling under a signed text."""


@dataclass(frozen=True)
class LegacyDocument:
    """A document of 2016. `fields` has today's labels, whatever generation it was written in."""

    kind: Kind
    fields: Mapping[str, str]
    author: Author

    @property
    def testnet(self) -> bool:
        """Whether it says that it belongs to the test network of its time. That one is not one of today's networks."""
        return self.fields.get("Testnet") == "True"


def read_legacy(text: str) -> LegacyDocument:
    """Read a signed text of 2016.

    :raises FieldError: no known title, a duplicate field, a line without a label, or no field that names the author.
    """
    rows = text.split("\n")
    if rows[0].partition(": ")[0] in ("Name/handle", "Name/Handle"):
        kind = Kind.ENROLLMENT
    elif rows[0] in _TITLES:
        kind = _TITLES[rows.pop(0)]
    else:
        raise FieldError("the first line is not the title of a Rein document that can be read here")
    fields = _read_fields(rows)
    return LegacyDocument(kind, MappingProxyType(fields), _author(kind, fields))


def _read_fields(rows: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for row in rows:
        label, separator, value = row.partition(":")
        if not separator or not label:
            raise FieldError(f"{row[:40]!r} is not `Label: value`")
        label = _TODAYS_LABEL.get(label, label)
        if label in fields:
            raise FieldError(f"duplicate field {label[:40]!r}")
        fields[label] = value.strip(" ")
    return fields


def _author(kind: Kind, fields: Mapping[str, str]) -> Author:
    if kind is Kind.ENROLLMENT:
        _require(fields, "Master signing address")
        master = _identity_address(fields, "Master signing address")
        return Author(master, master)
    label = _AUTHOR_KEY[kind]
    try:
        public_key = parse_public_key(_require(fields, label), allow_uncompressed=True)
    except ReinError as error:
        raise FieldError(f"{label!r}: {error.message}") from error
    master = _identity_address(fields, label.replace("public key", "master address"))
    some_address = master or fields.get("Primary escrow address", "")
    network = REGTEST if some_address[:1] in _TESTNET_LETTERS else MAINNET
    return Author(master, p2pkh_address(public_key, network))


def _identity_address(fields: Mapping[str, str], label: str) -> str:
    """The address under a label, or nothing where the label does not stand."""
    address = fields.get(label, "")
    if address and not is_identity_address(address):
        raise FieldError(f"{label!r} is not a P2PKH address")
    return address


def _require(fields: Mapping[str, str], label: str) -> str:
    if not fields.get(label):
        raise FieldError(f"it lacks the field {label!r}")
    return fields[label]
