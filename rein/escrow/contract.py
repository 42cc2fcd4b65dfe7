"""The escrows of a job, built from three public keys: a sequence, in which each has an id of its own.

Today's documents know two (`rein.escrow.carried`). The one of the price: any two of the job creator, the mediator and
the worker. The one of the mediator's fee: the mediator, and one of the other two, so that these two together cannot
keep the fee. Both are P2WSH with descriptors any modern wallet reads. Everybody builds them from the signed documents;
nobody copies an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, Generic, Protocol, TypeVar

from rein.btc.address import p2wsh_address, p2wsh_script
from rein.btc.descriptor import descriptor_of
from rein.btc.networks import Network
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.errors import EscrowError

PRIMARY: Final = "primary"
MEDIATOR: Final = "mediator"
"""The ids of the escrows that today's documents name. The values are stable: databases and programs read them."""


class EscrowKind(Enum):
    """What an escrow is for: it says who is paid out of it, and who can open it."""

    PRICE = "price"
    """A price, to the worker. Any two of the three open it."""
    FEE = "fee"
    """The mediator's fee, to the mediator, without whom nobody opens it."""


class Identified(Protocol):
    """What belongs to one escrow."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> EscrowKind: ...


E = TypeVar("E", bound=Identified)


@dataclass(frozen=True)
class Escrows(Generic[E]):
    """All escrows of a job, or what belongs to each of them, in the order of its documents."""

    escrows: tuple[E, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(each.id for each in self.escrows)

    def of(self, escrow_id: str) -> E:
        """:raises EscrowError: the job has no such escrow."""
        for each in self.escrows:
            if each.id == escrow_id:
                return each
        raise EscrowError(f"the job has no escrow {escrow_id!r}")

    def of_kind(self, kind: EscrowKind) -> tuple[E, ...]:
        return tuple(each for each in self.escrows if each.kind is kind)

    def only(self, kind: EscrowKind) -> E:
        """The one of a kind of which documents name one.

        :raises EscrowError: the job has none or several.
        """
        found = self.of_kind(kind)
        if len(found) != 1:
            raise EscrowError(f"the job has {len(found)} escrows of its {kind.value}, where one is expected")
        return found[0]


@dataclass(frozen=True)
class Escrow:
    """One escrow output's contract."""

    id: str
    kind: EscrowKind
    descriptor: str
    witness_script: bytes
    address: str

    @property
    def script(self) -> bytes:
        """The scriptPubKey, as it stands in the output."""
        return p2wsh_script(self.witness_script)


class Contract(Escrows[Escrow]):
    """All escrows of one job."""


@lru_cache(maxsize=4096)
def contract(creator: bytes, mediator: bytes, worker: bytes, network: Network) -> Contract:
    """The contract of three compressed public keys, in the key order of 2016. It is cached, for every look at an order
    asks for it.

    :raises KeyMaterialError: a key is not a compressed public key, or is used twice.
    """
    price = multisig_script(2, [creator, mediator, worker])
    fee = mandatory_multisig_script(mediator, 1, [creator, worker])
    return Contract(
        (_escrow(PRIMARY, EscrowKind.PRICE, price, network), _escrow(MEDIATOR, EscrowKind.FEE, fee, network))
    )


def _escrow(escrow_id: str, kind: EscrowKind, script: bytes, network: Network) -> Escrow:
    return Escrow(
        id=escrow_id,
        kind=kind,
        descriptor=descriptor_of(script),
        witness_script=script,
        address=p2wsh_address(script, network),
    )
