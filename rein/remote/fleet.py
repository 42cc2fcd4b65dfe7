"""All servers of an identity at once: one thread each, so that a slow one delays nobody else's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from rein.errors import ReinError, RemoteError
from rein.remote.causeway import Causeway

T = TypeVar("T")

_MAX_THREADS = 16


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What one server answered: a value, or an error."""

    url: str
    value: T | None
    error: ReinError | None


def ask_all(servers: Sequence[Causeway], ask: Callable[[Causeway], T]) -> list[Outcome[T]]:
    """Ask every server the same thing, in parallel. Outcomes stand in the order of `servers`."""

    def one(server: Causeway) -> Outcome[T]:
        try:
            return Outcome(server.url, ask(server), None)
        except ReinError as error:
            return Outcome(server.url, None, error)

    if not servers:
        return []
    with ThreadPoolExecutor(min(len(servers), _MAX_THREADS)) as pool:
        return list(pool.map(one, servers))


def errors_of(outcomes: Iterable[Outcome[T]]) -> list[ReinError]:
    """The errors among the outcomes."""
    return [outcome.error for outcome in outcomes if outcome.error is not None]


def require_one(outcomes: Sequence[Outcome[T]]) -> None:
    """Refuse when every server failed.

    :raises RemoteError: with the first server's reason.
    """
    failures = errors_of(outcomes)
    if outcomes and len(failures) == len(outcomes):
        raise RemoteError(f"no server answered; {failures[0].message}", hint="Try again later, or add another server.")
