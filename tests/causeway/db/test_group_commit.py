"""Requests that wait at the same time share a transaction, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causeway.app import LISTENER
from causeway.auth.service import Proof
from causeway.db.group_commit import GroupCommit
from causeway.errors import BusyError, KeyTakenError, NotDelegateError, TransferExhaustedError
from causeway.kv.reading import ReadRequest, serve
from causeway.kv.writing import Candidate, WriteRequest, store
from rein.btc.hashes import sha256
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person

WAIT_S = 5


@dataclass(frozen=True)
class Task:
    name: int
    weight: int = 1
    claims: frozenset[Hashable] = frozenset()


class Crowd:
    """A first task that is at work, and others that come meanwhile, one after the other."""

    def __init__(self, work: Callable[[Sequence[Task]], list[int | Exception]], *, most: int = 100) -> None:
        self.groups: list[list[int]] = []
        self._work = work
        self._begun, self._go_on = threading.Event(), threading.Event()
        self._together: GroupCommit[Task, int] = GroupCommit(self._do, most=most)

    def _do(self, tasks: Sequence[Task]) -> list[int | Exception]:
        self.groups.append([task.name for task in tasks])
        if not self._begun.is_set():
            self._begun.set()
            assert self._go_on.wait(WAIT_S)
        return self._work(tasks)

    def run(self, *others: Task) -> list[Future[int]]:
        with ThreadPoolExecutor(len(others) + 1) as pool:
            futures = [pool.submit(self._together.do, Task(0))]
            assert self._begun.wait(WAIT_S)
            for number, task in enumerate(others, start=1):
                futures.append(pool.submit(self._together.do, task))
                while len(self._together._queue) < number:
                    threading.Event().wait(0.001)
            self._go_on.set()
        return futures


def double(tasks: Sequence[Task]) -> list[int | Exception]:
    return [2 * task.name for task in tasks]


def test_who_waits_goes_with_the_others_and_gets_its_own_answer() -> None:
    crowd = Crowd(double)
    assert [future.result() for future in crowd.run(*map(Task, range(1, 7)))] == [0, 2, 4, 6, 8, 10, 12]
    assert crowd.groups == [[0], [1, 2, 3, 4, 5, 6]]


def test_no_more_than_may_go_together() -> None:
    crowd = Crowd(double, most=10)
    crowd.run(Task(1, 4), Task(2, 11), Task(3, 6), Task(4, 1))
    assert crowd.groups == [[0], [1, 3], [2], [4]]


def test_what_claims_the_same_goes_one_after_the_other() -> None:
    a, b = frozenset({"a"}), frozenset({"a", "b"})
    crowd = Crowd(double)
    crowd.run(Task(1, claims=a), Task(2, claims=b), Task(3, claims=frozenset({"b"})), Task(4))
    assert crowd.groups == [[0], [1, 4], [2], [3]]


def test_a_fault_of_one_is_not_the_others() -> None:
    def work(tasks: Sequence[Task]) -> list[int | Exception]:
        if any(task.name == 2 for task in tasks):
            raise ZeroDivisionError
        return double(tasks)

    crowd = Crowd(work)
    futures = crowd.run(Task(1), Task(2), Task(3))
    assert [futures[at].result() for at in (0, 1, 3)] == [0, 2, 6]
    with pytest.raises(ZeroDivisionError):
        futures[2].result()
    assert crowd.groups == [[0], [1, 2, 3], [1], [2], [3]]


def test_what_may_have_been_done_is_not_done_again() -> None:
    def work(tasks: Sequence[Task]) -> list[int | Exception]:
        if tasks[0].name:
            raise BusyError("the database was lost while it stored this")
        return double(tasks)

    crowd = Crowd(work)
    for future in crowd.run(Task(1), Task(2))[1:]:
        with pytest.raises(BusyError):
            future.result()
    assert crowd.groups == [[0], [1, 2]]


@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_everybody_is_answered_and_no_claim_stands_twice(claims: list[list[int]]) -> None:
    done: list[int] = []

    def work(tasks: Sequence[Task]) -> list[int | Exception]:
        named = [claim for task in tasks for claim in task.claims]
        assert len(named) == len(set(named))
        done.extend(task.name for task in tasks)
        return double(tasks)

    together: GroupCommit[Task, int] = GroupCommit(work, most=8)
    tasks = [Task(number, claims=frozenset(each)) for number, each in enumerate(claims)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(together.do, tasks)) == [2 * task.name for task in tasks]
    assert sorted(done) == list(range(len(tasks)))


def _write(owner: Person, signer: Person, key: str, nonce: str) -> WriteRequest:
    proof = Proof(owner.master_address, signer.master_address, nonce, key, sha256(f"{key} {nonce}".encode()))
    return WriteRequest(proof, {0: Candidate(key, "value", None, testnet=True)})


def test_each_request_of_a_transaction_is_judged_by_itself(
    server: Server, caller: Caller, bob: Person, mallory: Person
) -> None:
    assert caller.put(mallory, "mallorys", "hers").status == 201
    server.rows("DELETE FROM nonce_use")
    nonce, hers = caller.nonce(bob), caller.nonce(mallory)
    with server.engine.begin() as connection:
        answers = store(
            connection,
            LISTENER,
            [
                _write(bob, bob, "bobs", nonce),
                _write(bob, mallory, "forged", nonce),
                _write(bob, bob, "mallorys", nonce),
                _write(mallory, mallory, "too", hers),
            ],
        )
    assert answers[0] == {}
    assert isinstance(answers[1], NotDelegateError)
    assert isinstance(answers[2], dict)
    assert isinstance(answers[2][0], KeyTakenError)
    assert answers[3] == {}
    assert server.rows("SELECT key FROM kv ORDER BY key") == [("bobs",), ("mallorys",), ("too",)]
    assert server.rows("SELECT key FROM nonce_use ORDER BY key") == [("bobs",), ("too",)]
    assert server.value("SELECT sum(bytes_used) FROM bucket") == sum(
        len(key) + len(value) for key, value in (("bobs", "value"), ("mallorys", "hers"), ("too", "value"))
    )


def test_a_value_too_large_for_what_is_left_takes_nothing_from_another_reader(
    server: Server, caller: Caller, bob: Person
) -> None:
    """Of a frozen bucket, too, which no other value is charged to."""
    assert caller.put(bob, "large", "x" * 1_000).status == 201
    assert caller.put(bob, "small", "y" * 10).status == 201
    server.rows("UPDATE bucket SET frozen = true, transfer_used = transfer_total - 20")
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        (large,), (small,), (again,) = serve(
            connection, [ReadRequest(["large"]), ReadRequest(["small"]), ReadRequest(["small"])]
        )
    assert isinstance(large, TransferExhaustedError)
    assert small == "y" * 10
    assert isinstance(again, TransferExhaustedError)
    assert server.value("SELECT transfer_total - transfer_used FROM bucket") == 20 - len("small") - 10
