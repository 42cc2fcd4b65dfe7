"""What jobs paid to somebody, and where it lies: no key is needed to tell, and no chain is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rein.protocol.documents import Role
from rein.protocol.orders import Order
from rein.store.rows import IdentityRow, Payment
from rein.workflows.cases import roles_in
from rein.workflows.desk import Desk


def paid_to(order: Order, address: str, payments: Mapping[str, Payment]) -> list[dict[str, Any]]:
    """The payments of an order to the person with this master address, for programs."""
    job, bid = order.job.document, order.bid
    roles, found = roles_in(order, address), list[dict[str, Any]]()
    for purse, payment in sorted(payments.items()):
        parts: list[tuple[int, str]] = []
        if Role.CREATOR in roles:
            parts.append((payment.back, job.creator_payment_address))
        if Role.WORKER in roles and purse == "primary" and bid is not None:
            parts.append((payment.amount, bid.document.worker_payment_address))
        if Role.MEDIATOR in roles and purse == "mediator":
            parts.append((payment.amount, job.mediator_payment_address))
        found += [
            {"txid": payment.txid, "amount_sat": amount, "address": where, "confirmations": payment.confirmations}
            for amount, where in parts
            if amount
        ]
    return found


def whereabouts(desk: Desk, row: IdentityRow, summary: dict[str, Any]) -> dict[str, Any]:
    """The summary of an order, with what is known of each payment's whereabouts: `own_wallet`: in the wallet of the
    identity's words; `spent`: as far as `rein wallet` has seen."""
    if not summary["paid"]:
        return summary
    own = {each.address for each in desk.store.wallet.addresses(row.id) if each.is_own}
    spent = {(each.outpoint.txid, each.address) for each in desk.store.wallet.coins(row.id) if each.spent}
    paid = [
        each | {"own_wallet": each["address"] in own, "spent": (each["txid"], each["address"]) in spent}
        for each in summary["paid"]
    ]
    return summary | {"paid": paid}
