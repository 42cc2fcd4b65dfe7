"""What needs somebody's action, and what they wait for, in all of their jobs.

What an order came to is kept between runs (`rein.workflows.orders.fold_cache`); what depends on the time is added here.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from rein.protocol.enums import State
from rein.protocol.sin import secure_identity_number
from rein.store.tables.identities import IdentityRow
from rein.workflows.hosting.warnings import hosting_warnings
from rein.workflows.orders.fold_cache import RefusedJob, my_views
from rein.workflows.orders.step import Turn, act, nothing
from rein.workflows.orders.view import OrderView
from rein.workflows.session import Session

_URGENCY = list(Turn)


@dataclass(frozen=True)
class Agenda:
    """The jobs of one identity: those that need its action first, then those in which it waits, each the oldest first;
    the jobs that do not count; its servers' URLs, and what runs out there; how many documents no server holds yet; how
    many jobs are hidden; and when this home last fetched what is new, in seconds since 1970.
    """

    row: IdentityRow
    servers: list[str]
    warnings: list[str]
    jobs: list[OrderView]
    refused: list[RefusedJob]
    unpublished: int
    hidden: int
    fetched: int | None

    def json(self) -> dict[str, Any]:
        row = self.row
        return {
            "identity": {
                "name": row.name,
                "network": row.network,
                "master_address": row.master_address,
                "delegate_address": row.delegate_address,
                "sin": secure_identity_number(row.master_address),
            },
            "servers": self.servers,
            "warnings": self.warnings,
            "unpublished": self.unpublished,
            "jobs": [job.json() for job in self.jobs],
            "refused": [each.json() for each in self.refused],
        }


def agenda(session: Session, row: IdentityRow, now: int | None) -> Agenda:
    """The agenda of an identity of this home. A job that holds no money and paid the identity nothing can be hidden.

    :param now: the time of the newest block, None where none was ever seen.
    """
    views = my_views(replace(session, row=row))
    unpublished = session.store.documents.unpublished_ids(row.network, row.master_address)
    hidden = {each.name for each in session.store.hidden.of_network(row.network)}
    shown = [
        each for each in views.orders if each.holds_money or each.paid or not {each.id, each.creator_address} & hidden
    ]
    jobs = [with_whereabouts(session, row, at_time(view, now, unpublished)) for view in shown]
    jobs.sort(key=lambda job: (_URGENCY.index(job.step.due), job.since, job.id))
    servers = session.store.servers.of_identity(row.id)
    warnings = hosting_warnings(replace(session, row=row), int(time.time()))
    return Agenda(
        row=row,
        servers=[server.url for server in servers],
        warnings=warnings,
        jobs=jobs,
        refused=views.refused,
        unpublished=len(unpublished),
        hidden=len(views.orders) - len(shown),
        fetched=session.store.learned.fetched(row.network),
    )


def at_time(view: OrderView, now: int | None, unpublished: Collection[str] = ()) -> OrderView:
    """An order at a time: a job that has expired without a bid waits for nobody, and nobody pays for an offer that no
    server holds.

    :param now: as for `agenda`.
    :param unpublished: the ids of documents of the identity that no server holds yet.
    """
    if view.state is State.POSTED and now is not None and view.expires <= now:
        return replace(view, step=nothing("nothing; it has expired without a bid"))
    if view.state is State.OFFERED and view.offer in unpublished:
        return replace(view, step=act("publish the offer: rein sync; pay only then: rein fund"))
    return view


def with_whereabouts(session: Session, row: IdentityRow, view: OrderView) -> OrderView:
    """The same, with what is known of where the pay lies: no key is needed to tell, and no chain is asked."""
    if not view.paid:
        return view
    own = {each.address for each in session.store.wallet.addresses(row.id) if each.is_own}
    spent = {(each.outpoint.txid, each.address) for each in session.store.wallet.coins(row.id) if each.spent}
    paid = (
        replace(each, own_wallet=each.address in own, spent=(each.txid, each.address) in spent) for each in view.paid
    )
    return replace(view, paid=tuple(paid))
