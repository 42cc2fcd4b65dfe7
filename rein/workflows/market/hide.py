"""Hiding jobs, bids and people from one's own lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Bid
from rein.store.tables.hidden import Hidden, Hideable
from rein.workflows.orders.feeds import load_enrollments
from rein.workflows.orders.load import find_order
from rein.workflows.orders.people import is_address_of, normalised, the_person
from rein.workflows.orders.view import BidView, OrderView
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class HideResult:
    """What was hidden or shown again, and everything that is hidden now."""

    changed: list[Hidden]
    hidden: list[Hidden]

    def json(self) -> dict[str, Any]:
        return {"hidden": [{"kind": each.kind.value, "name": each.name, "label": each.label} for each in self.hidden]}


def everything_hidden(session: Session, *changed: Hidden) -> HideResult:
    """What is hidden on this network."""
    return HideResult(list(changed), session.store.hidden.of_network(session.network.name))


def hide(session: Session, kind: Hideable, name: str) -> HideResult:
    """Hide something from lists: a job as `find_order` names it, a bid by its document id or the beginning of it, a
    person by name, master address or SIN.

    :raises NotFoundError: there is no such thing here.
    :raises InputError: several answer to that name.
    """
    hidden = _find(session, kind, name)
    session.store.hidden.add(session.network.name, hidden)
    return everything_hidden(session, hidden)


def unhide(session: Session, kind: Hideable, name: str) -> HideResult:
    """Show again what is hidden under a name: what it is called, its Job ID, its id, or the beginning of that.

    :raises NotFoundError: nothing is.
    """
    found = [each for each in session.store.hidden.of_network(session.network.name) if each.kind is kind]
    jobs = set(session.store.orders.find_jobs(session.network.name, name)) if kind is Hideable.JOB else set()
    shown = [each for each in found if each.name in jobs or _is_called(each, name)]
    if not shown:
        raise NotFoundError(f"no {kind.value} {name!r} is hidden", hint="See what is: rein hide")
    for each in shown:
        session.store.hidden.remove(session.network.name, each)
    return everything_hidden(session, *shown)


def hidden_names(session: Session) -> set[tuple[Hideable, str]]:
    """What is hidden here."""
    return {(each.kind, each.name) for each in session.store.hidden.of_network(session.network.name)}


def is_hidden_job(order: OrderView, hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a job or whoever posted it is hidden."""
    return (Hideable.JOB, order.id) in hidden or (Hideable.PERSON, order.creator_address) in hidden


def is_hidden_bid(bid: BidView, hidden: set[tuple[Hideable, str]]) -> bool:
    """Whether a bid or whoever made it is hidden."""
    return (Hideable.BID, bid.id) in hidden or (Hideable.PERSON, bid.worker_address) in hidden


def _find(session: Session, kind: Hideable, name: str) -> Hidden:
    if kind is Hideable.JOB:
        order = find_order(session, name)
        return Hidden(kind, order.id, order.job.document.name)
    if kind is Hideable.PERSON:
        person = the_person(load_enrollments(session), name)
        return Hidden(kind, person.master_address, person.user)
    bids = session.store.documents.bids_beginning(session.network.name, name) if len(name) >= _SHORTEST_PREFIX else []
    found = [each for each in bids if isinstance(each.document, Bid)]
    if not found:
        raise NotFoundError(f"no bid {name!r} is known here", hint="See them: rein bids")
    if len(found) > 1:
        raise InputError(f"several bids answer to {name}", hint="Give more of the id.")
    bid = found[0].document
    return Hidden(kind, found[0].id, f"{bid.worker} on {bid.job_name}")


def _is_called(hidden: Hidden, name: str) -> bool:
    if name == hidden.name or normalised(name) == normalised(hidden.label):
        return True
    if hidden.kind is Hideable.PERSON and is_address_of(name, hidden.name):
        return True
    return len(name) >= _SHORTEST_PREFIX and hidden.name.startswith(name)
