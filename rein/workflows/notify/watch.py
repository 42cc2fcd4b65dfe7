"""Watching: fetch what is new, look at the chain, and notify each hook once of every event that is wanted.

An event is stored before any hook is notified, together with the hooks to notify; a hook that fails is tried again
in later rounds, and one that succeeded is not notified again. Only a crash between a success and the note of it repeats
an event: its id is the same then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rein.errors import ReinError
from rein.workflows.chain.view import observe_all
from rein.workflows.notify.events import Event, EventType, Wanted, new_jobs, news
from rein.workflows.notify.hooks import Hook
from rein.workflows.orders.feeds import pull
from rein.workflows.orders.fold_cache import orders_to_watch
from rein.workflows.orders.load import load_orders
from rein.workflows.orders.tip import newest_block
from rein.workflows.session import Session

MOST_ATTEMPTS = 100
"""Rounds in which a failing hook is tried before it is given up for an event."""

_FAILURES_A_ROUND = 3
"""After so many failures a hook is left alone until the next round."""

_BEGUN = "begun"
"""The event that every home notices first."""


@dataclass(frozen=True)
class Watch:
    """What to watch for, and the hooks to notify. No `types` are all of them."""

    hooks: Sequence[Hook]
    types: frozenset[EventType] = frozenset()
    wanted: Wanted = field(default_factory=Wanted)

    def wants(self, event: Event) -> bool:
        return not self.types or event.type in self.types


@dataclass
class Round:
    """What one round did: `new` events; how many are `waiting` for a hook to succeed; `failures`, as sentences."""

    new: int = 0
    waiting: int = 0
    failures: list[str] = field(default_factory=list)


def fetch(session: Session) -> list[str]:
    """Fetch and look, as `rein sync` does but without uploading, so that no key is needed; what went wrong. The one
    place where watching meets the servers and the chain."""
    problems = [report.error.message for report in pull(session) if report.error is not None]
    try:
        observe_all(session, load_orders(session, orders_to_watch(session)).orders)
        newest_block(replace(session, note=problems.append, open_chain=lambda: session.chain))
    except ReinError as error:
        problems.append(f"The chain was not looked at: {error.message}")
    return list(dict.fromkeys(problems))


def begin(session: Session, watch: Watch, clock: int) -> None:
    """The first time in a home, take what is here already as notified."""
    noticed = session.store.watch.noticed(session.identity.id)
    if _BEGUN not in noticed:
        events = _new_events(session, watch, clock, noticed)
        session.store.watch.notice(
            session.identity.id, [(_BEGUN, "", ()), *((event.id, "", ()) for event, _ in events)]
        )


def watch_round(session: Session, watch: Watch, clock: int, gather: Callable[[Session], list[str]] = fetch) -> Round:
    """One round. Failures of servers, of the chain and of hooks are reported, not raised.

    :param clock: seconds since 1970; the time of the newest block goes before it, where one was ever seen.
    """
    begin(session, watch, clock)
    result = Round(failures=gather(session))
    result.new = _notice(session, watch, clock)
    for hook in watch.hooks:
        _deliver(session, hook, result)
    return result


def _notice(session: Session, watch: Watch, clock: int) -> int:
    """Store what is new, and the hooks to notify; how many events there were for these."""
    noticed = session.store.watch.noticed(session.identity.id)
    hooks = [hook.name for hook in watch.hooks]
    events = _new_events(session, watch, clock, noticed)
    wanted = [event for event, is_wanted in events if is_wanted and watch.wants(event)]
    to_send = {event.id: _body(event) for event in wanted}
    session.store.watch.notice(
        session.identity.id,
        [(event.id, to_send.get(event.id, ""), hooks if event.id in to_send else ()) for event, _ in events],
    )
    return len(to_send)


def _new_events(session: Session, watch: Watch, clock: int, noticed: Collection[str]) -> list[tuple[Event, bool]]:
    """What was not noticed before, and whether it is worth a notification."""
    seen = session.store.chain_tip.get(session.network.name)
    jobs, others = new_jobs(session, watch.wanted, seen.time if seen else clock, noticed)
    found = [(event, True) for event in (*news(session, noticed), *jobs)]
    return found + [(event, False) for event in others]


def _deliver(session: Session, hook: Hook, result: Round) -> None:
    identity, failures = session.identity.id, 0
    waiting = session.store.watch.undelivered(identity, hook.name, MOST_ATTEMPTS)
    for number, (event_id, body) in enumerate(waiting):
        if failures == _FAILURES_A_ROUND:
            result.waiting += len(waiting) - number
            return
        event: Mapping[str, Any] = json.loads(body)
        problem = hook.notify(event, body)
        attempts = session.store.watch.tried(identity, event_id, hook.name, done=problem is None)
        if problem is None:
            continue
        failures += 1
        is_given_up = attempts >= MOST_ATTEMPTS
        result.waiting += not is_given_up
        end = f"; it is given up after {attempts} attempts" if is_given_up else ""
        result.failures.append(f"{event['type']} {event_id[:40]}: {problem}{end}")


def _body(event: Event) -> str:
    return json.dumps(asdict(event), sort_keys=True)
