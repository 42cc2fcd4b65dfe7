"""Where the pay of jobs lies: no key is needed to tell, and no chain is asked."""

from __future__ import annotations

from typing import Any

from rein.store.identities import IdentityRow
from rein.workflows.session import Session


def whereabouts(session: Session, row: IdentityRow, summary: dict[str, Any]) -> dict[str, Any]:
    """The summary of an order, with what is known of each payment's whereabouts: `own_wallet`: in the wallet of the
    identity's words; `spent`: as far as `rein wallet` has seen."""
    if not summary["paid"]:
        return summary
    own = {each.address for each in session.store.wallet.addresses(row.id) if each.is_own}
    spent = {(each.outpoint.txid, each.address) for each in session.store.wallet.coins(row.id) if each.spent}
    paid = [
        each | {"own_wallet": each["address"] in own, "spent": (each["txid"], each["address"]) in spent}
        for each in summary["paid"]
    ]
    return summary | {"paid": paid}
