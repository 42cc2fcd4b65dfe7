"""Background jobs: sweeping, watching the chain, pulling from peers. One process does each for all.

Every worker of every server on a database keeps these threads. Which of them works is decided by `Leadership`; the
others look every now and then whether the place is free.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from causeway.app import make_puller, make_sweeper, make_watcher
from causeway.db.engine import parse_url
from causeway.db.leadership import Duty, Leadership
from causeway.settings import Settings
from rein.errors import ReinError

log = logging.getLogger(__name__)

CANDIDATE_INTERVAL_S = 30
"""How often a process that does not lead checks whether it is to lead now."""


@dataclass(frozen=True)
class Job:
    """Something to be done again and again, by one process at a time."""

    duty: Duty
    interval_s: float
    work: Callable[[], object]


def start(settings: Settings) -> None:
    """Begin, in threads that end with the process: whatever they are at can be cut short at any time."""
    for job in _jobs(settings):
        worker = threading.Thread(
            target=run_repeatedly, args=(job, settings, threading.Event()), daemon=True, name=job.duty.name.lower()
        )
        worker.start()


def _jobs(settings: Settings) -> list[Job]:
    jobs = []
    if settings.sweep_interval_s:
        sweeper = make_sweeper(settings)
        jobs.append(Job(Duty.SWEEP, settings.sweep_interval_s, lambda: sweeper.sweep(datetime.now(UTC))))
    if settings.payment_key is not None and settings.chain is not None:
        jobs.append(Job(Duty.WATCH, settings.watch_interval_s, make_watcher(settings).update))
    if settings.peers and settings.pull_interval_s:
        puller, _ = make_puller(settings)
        jobs.append(Job(Duty.PULL, settings.pull_interval_s, puller.pull))
    return jobs


def run_repeatedly(
    job: Job, settings: Settings, stop: threading.Event, done: Callable[[object], None] = lambda _: None
) -> None:
    """Do a job at its interval while this process leads, until `stop` is set. `done` gets the result of each turn."""
    leadership = Leadership(parse_url(settings.database_url or ""), job.duty)
    complaint = None
    try:
        while True:
            leads = False
            try:
                leads = leadership.held()
                if leads:
                    done(job.work())
                    complaint = None
            except ReinError as error:
                # Once, not every few seconds as long as a node or a database is away.
                if error.message != complaint:
                    log.warning("%s: %s", job.duty.name.lower(), error.message)
                complaint = error.message
            except Exception as error:  # noqa: BLE001  # the next turn may do better
                # Where, never what: messages of libraries repeat what people sent.
                where = "".join(traceback.format_tb(error.__traceback__))
                log.error("%s: unexpected %s\n%s", job.duty.name.lower(), type(error).__qualname__, where)  # noqa: TRY400
            if stop.wait(job.interval_s if leads else min(job.interval_s, CANDIDATE_INTERVAL_S)):
                return
    finally:
        leadership.release()
