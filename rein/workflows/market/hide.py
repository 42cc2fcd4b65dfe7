"""Finding what a person wants to hide from lists, or to see again."""

from __future__ import annotations

from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Bid
from rein.store.hidden import Hidden, Hideable
from rein.workflows.market.reputation import find_person
from rein.workflows.orders.load import find_order
from rein.workflows.orders.people import is_address_of
from rein.workflows.session import Session

_SHORTEST_PREFIX = 6


def find_to_hide(session: Session, kind: Hideable, name: str) -> Hidden:
    """What is meant: a job as `rein status` names it, a bid by its document id or the beginning of it, a person by
    name, master address or SIN.

    :raises NotFoundError: there is no such thing here.
    :raises InputError: several answer to that name.
    """
    if kind is Hideable.JOB:
        order = find_order(session, name)
        return Hidden(kind, order.id, order.job.document.name)
    if kind is Hideable.PERSON:
        person = find_person(session, name)
        return Hidden(kind, person.master_address, person.user)
    bids = session.store.documents.bids_beginning(session.network.name, name) if len(name) >= _SHORTEST_PREFIX else []
    found = [each for each in bids if isinstance(each.document, Bid)]
    if not found:
        raise NotFoundError(f"no bid {name!r} is known here", hint="See them: rein bids")
    if len(found) > 1:
        raise InputError(f"several bids answer to {name}", hint="Give more of the id.")
    bid = found[0].document
    return Hidden(kind, found[0].id, f"{bid.worker} on {bid.job_name}")


def find_hidden(session: Session, kind: Hideable, name: str) -> list[Hidden]:
    """What is hidden under a name: what it is called, its Job ID, its id, or the beginning of that."""
    jobs = set(session.store.orders.find_jobs(session.network.name, name)) if kind is Hideable.JOB else set()
    return [
        each
        for each in session.store.hidden.of_network(session.network.name)
        if each.kind is kind
        and (
            name in (each.label, each.name)
            or (kind is Hideable.PERSON and is_address_of(name, each.name))
            or each.name in jobs
            or (len(name) >= _SHORTEST_PREFIX and each.name.startswith(name))
        )
    ]
