"""One transaction for all requests that wait at the same time.

A commit waits for the disk, and each statement costs the same few hundred microseconds whether it is about one value
or a hundred. So requests that arrive while others are at the database wait for those, and then go together: the first
of them leads, works for all, and hands each its own answer. Nobody waits for company: who finds nobody at work goes
at once, alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from causeway.errors import BusyError, DatabaseDownError


class Task(Protocol):
    """What can be done together with others: `weight` is its share of what is done at a time, and two that claim the
    same thing are done one after the other."""

    @property
    def weight(self) -> int: ...
    @property
    def claims(self) -> frozenset[Hashable]: ...


T = TypeVar("T", bound=Task)
R = TypeVar("R")

Work = Callable[[Sequence[T]], Sequence[R | Exception]]


@dataclass(eq=False)
class _Waiting(Generic[T, R]):
    task: T
    answer: R | Exception | None = None
    leads: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.turn.acquire()


class GroupCommit(Generic[T, R]):
    """Does tasks of the threads of this process, at most `most` (by weight) at a time.

    :param work: does some tasks; the answer to each, or why it was refused. If it raises, nothing has been done.
    """

    def __init__(self, work: Work[T, R], *, most: int) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[T, R]] = deque()
        self._is_led = False

    def do(self, task: T) -> R:
        """Do a task; return or raise what `work` answered to it. What `work` raises for several is tried again
        with each alone, so that no request fails by the fault of another."""
        waiting: _Waiting[T, R] = _Waiting(task)
        with self._lock:
            self._queue.append(waiting)
            waiting.leads, self._is_led = not self._is_led, True
        if not waiting.leads:
            waiting.turn.acquire()
        if waiting.leads:
            self._lead()
        if isinstance(waiting.answer, Exception):
            raise waiting.answer
        return waiting.answer  # type: ignore[return-value]  # it is set by now

    def _lead(self) -> None:
        with self._lock:
            group = self._next_group()
        try:
            answers = self._try([each.task for each in group])
            for each, answer in zip(group, answers, strict=True):
                each.answer = answer
        finally:
            # Whatever happened, the others must not wait for ever.
            with self._lock:
                self._is_led = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].turn.release()
            for each in group:
                if each.answer is None:
                    each.answer = BusyError("the server failed at what it did for several requests", hint="Try again.")
                if not each.leads:
                    each.turn.release()

    def _next_group(self) -> list[_Waiting[T, R]]:
        """The first that waits, and those behind it that can go with it."""
        group: list[_Waiting[T, R]] = []
        left: deque[_Waiting[T, R]] = deque()
        weight, claimed = 0, set[Hashable]()
        for each in self._queue:
            fits = weight + each.task.weight <= self._most and claimed.isdisjoint(each.task.claims)
            if fits or not group:
                group.append(each)
                weight += each.task.weight
            else:
                left.append(each)
            # What stays behind keeps its claims: nothing that came after it may go before it.
            claimed |= each.task.claims
        self._queue = left
        return group

    def _try(self, tasks: Sequence[T]) -> Sequence[R | Exception]:
        try:
            return self._work(tasks)
        except (BusyError, DatabaseDownError) as error:
            return [error] * len(tasks)
        except Exception as error:  # noqa: BLE001  # it is raised again, in the thread whose task it is
            if len(tasks) == 1:
                return [error]
            return [answer for task in tasks for answer in self._try([task])]
