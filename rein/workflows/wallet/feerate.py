"""The fee rate of a payment that is about to be made."""

from __future__ import annotations

from rein.escrow.terms import DEFAULT_FEERATE, MAX_FEERATE
from rein.workflows.session import Session


def current_feerate(session: Session) -> int:
    """sat/vB for a payment now: the chain source's estimate, or a default where it has none. Beyond the band it is cut:
    what an estimate says keeps nobody from complaining, or from being paid."""
    return min(session.chain.feerate() or DEFAULT_FEERATE, MAX_FEERATE)
