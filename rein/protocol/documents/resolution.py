"""Rein Dispute Resolution and Rein Accept Resolution: the mediator decides, and one of the two takes it."""

from __future__ import annotations

from dataclasses import dataclass

from rein.protocol.documents.award import AwardDocument
from rein.protocol.documents.base import Kind, Role
from rein.protocol.documents.party import ContractDocument
from rein.protocol.fields import line
from rein.protocol.values import PSBT, TEXT


@dataclass(frozen=True, kw_only=True)
class DisputeResolution(AwardDocument):
    """Signed by the mediator's delegate. Answers one dispute, and awards the whole price: all, nothing or any split.

    Both PSBTs are signed by the mediator; the creator or the worker adds the second signature.
    """

    TITLE = "Rein Dispute Resolution"
    KIND = Kind.RESOLUTION
    ROLES = frozenset({Role.MEDIATOR})

    resolution: str = line("Resolution", TEXT)
    primary_psbt: str = line("Primary payment PSBT", PSBT)
    mediator_psbt: str = line("Mediator payment PSBT", PSBT)


@dataclass(frozen=True, kw_only=True)
class AcceptResolution(ContractDocument):
    """Signed by the creator's or the worker's delegate. Answers one resolution.

    Its PSBTs are those of the resolution with this party's signature: together with the mediator's they can be sent
    by anybody. The mediator's is left out if the mediator was paid already.
    """

    TITLE = "Rein Accept Resolution"
    KIND = Kind.ACCEPT_RESOLUTION
    ROLES = frozenset({Role.CREATOR, Role.WORKER})

    primary_psbt: str = line("Primary payment PSBT", PSBT)
    mediator_psbt: str | None = line("Mediator payment PSBT", PSBT, optional=True)
