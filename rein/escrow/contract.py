"""The two escrows of a job, built from three public keys.

Primary: any two of the job creator, the mediator and the worker. Mediator's: the mediator, and one of the other two,
so that these two together cannot keep the mediator's fee. Both are P2WSH with descriptors any modern wallet reads.
Everybody builds them from the signed documents; nobody copies an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rein.btc.address import p2wsh_address, p2wsh_script
from rein.btc.descriptor import descriptor_of
from rein.btc.networks import Network
from rein.btc.script import mandatory_multisig_script, multisig_script


class EscrowKind(Enum):
    """Which of the two escrows."""

    PRIMARY = "primary"
    MEDIATOR = "mediator"


@dataclass(frozen=True)
class Escrow:
    """One escrow output's contract."""

    kind: EscrowKind
    descriptor: str
    witness_script: bytes
    address: str

    @property
    def script(self) -> bytes:
        """The scriptPubKey, as it stands in the output."""
        return p2wsh_script(self.witness_script)


@dataclass(frozen=True)
class Contract:
    """Both escrows of one job."""

    primary: Escrow
    mediator: Escrow

    @property
    def escrows(self) -> tuple[Escrow, Escrow]:
        return (self.primary, self.mediator)


@lru_cache(maxsize=4096)
def contract(creator: bytes, mediator: bytes, worker: bytes, network: Network) -> Contract:
    """The contract of three compressed public keys, in the key order of 2016. Every look at an order asks for it anew.

    :raises KeyMaterialError: a key is not a compressed public key, or stands twice.
    """
    return Contract(
        primary=_escrow(EscrowKind.PRIMARY, multisig_script(2, [creator, mediator, worker]), network),
        mediator=_escrow(EscrowKind.MEDIATOR, mandatory_multisig_script(mediator, 1, [creator, worker]), network),
    )


def _escrow(kind: EscrowKind, script: bytes, network: Network) -> Escrow:
    return Escrow(
        kind=kind,
        descriptor=descriptor_of(script),
        witness_script=script,
        address=p2wsh_address(script, network),
    )
