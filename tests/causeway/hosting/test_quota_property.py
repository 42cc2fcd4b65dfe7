"""No interleaving of requests exceeds a quota: histories of many callers, each on connections of its own.

Every example runs the same requests that hypothesis chose, at once, against PostgreSQL, and then asks of the database
what must be true whatever the order was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from causeway.app import LISTENER, create_app
from causeway.db.engine import Database, parse_url
from causeway.hosting import service as hosting
from causeway.kv.expired import ExpiredValues
from rein.btc import message
from rein.protocol.auth import SIGNATURE_HEADER
from tests.causeway.callers_v1 import Answer as AnswerV1
from tests.causeway.callers_v1 import Caller as CallerV1
from tests.causeway.conftest import EMPTY, Server
from tests.causeway.legacy_callers import Answer, Caller
from tests.causeway.paid_server import KEY, PRICE
from tests.support.legacy_requests import sign_delete
from tests.support.people import Person, person

BOB, MALLORY = person("Bob"), person("Mallory")
CALLERS = 6
STORAGE, TRANSFER = 300, 900
"""Bytes of a bucket: small, so that its limits are met again and again."""

MONEY = 3 * PRICE


@dataclass(frozen=True)
class Step:
    """One request of one caller."""

    what: str
    who: Person
    key: str
    size: int


keys = st.sampled_from(["a", "b", "c", "d", "e"])
steps = st.builds(
    Step,
    st.sampled_from(["put", "put", "put", "get", "get", "delete", "buy", "expire"]),
    st.sampled_from([BOB, BOB, MALLORY]),
    keys,
    st.integers(1, 250),
)
histories = st.lists(st.lists(steps, min_size=3, max_size=10), min_size=CALLERS, max_size=CALLERS)


@pytest.fixture
def shop(_regtest: Server) -> Iterator[Server]:
    """A server that sells buckets, each caller of which has a database connection of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hosting, "BUCKET_BYTES", STORAGE)
        patch.setattr(hosting, "BUCKET_TRANSFER", TRANSFER)
        yield from _open(_regtest)


def _open(server: Server) -> Iterator[Server]:
    conditions = replace(server.settings, price=PRICE, free_buckets=2, payment_key=KEY, threads=CALLERS)
    yield Server(create_app(conditions), server.engine, conditions)
    server.rows(EMPTY)


@given(histories)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_interleaving_exceeds_a_quota(shop: Server, history: list[list[Step]]) -> None:
    shop.rows(EMPTY)
    for who in (BOB, MALLORY):
        shop.caller().register(who, 2)
        _give(shop, who)
    barrier = Barrier(CALLERS)

    def run(own: list[Step]) -> list[tuple[Step, Answer | AnswerV1 | None]]:
        caller = shop.caller()
        barrier.wait()
        return [(step, _DO[step.what](shop, caller, step)) for step in own]

    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = [outcome for results in pool.map(run, history) for outcome in results]
    _check_answers(outcomes)
    _check_storage(shop)
    _check_transfer(shop, outcomes)
    _check_money(shop, outcomes)


# ----- requests --------------------------------------------------------------------------------------------------


def _put(_: Server, caller: Caller, step: Step) -> Answer:
    return caller.put(step.who, step.key, "x" * step.size)


def _get(_: Server, caller: Caller, step: Step) -> Answer:
    return caller.get("/get", key=step.key)


def _delete(_: Server, caller: Caller, step: Step) -> Answer:
    nonce = caller.nonce(step.who)
    address = step.who.master_address
    signature = sign_delete(step.who.master, step.key, address, nonce)
    return caller.post("/delete", {"key": step.key, "owner": address, "nonce": nonce, "signature": signature})


def _buy(server: Server, _: Caller, step: Step) -> AnswerV1:
    return CallerV1(server.app.test_client()).signed(step.who, "/buy", {"price_sat": int(PRICE)})


def _expire(server: Server, _: Caller, step: Step) -> None:
    """The owner's oldest bucket expires, and somebody sweeps."""
    server.rows(
        "UPDATE bucket SET expires = now() WHERE id = (SELECT min(id) FROM bucket WHERE owner = :owner)",
        owner=step.who.master_address,
    )
    database = Database(parse_url(server.settings.database_url or ""), connections=1)
    try:
        ExpiredValues(database, LISTENER).move(step.who.master_address, datetime.now(UTC))
    finally:
        database.close()


_DO: dict[str, Callable[[Server, Caller, Step], Answer | AnswerV1 | None]] = {
    "put": _put,
    "get": _get,
    "delete": _delete,
    "buy": _buy,
    "expire": _expire,
}


def _give(server: Server, who: Person) -> None:
    with server.engine.begin() as connection:
        line = text("INSERT INTO ledger (transaction_id, account, owner, amount_sat, memo) VALUES (0, :a, :o, :s, '')")
        connection.execute(line, {"a": "owner", "o": who.master_address, "s": MONEY})
        connection.execute(line, {"a": "deposits", "o": None, "s": -MONEY})


# ----- what must be true -----------------------------------------------------------------------------------------

EXPECTED = {
    "put": {(201, None), (403, "storage_exhausted"), (403, "key_taken")},
    "get": {(200, None), (404, "key_not_found"), (402, "transfer_exhausted")},
    "delete": {(200, None), (404, "key_not_found")},
    "buy": {(200, None), (402, "balance_too_low")},
}


def _check_answers(outcomes: list[tuple[Step, Answer | AnswerV1 | None]]) -> None:
    for step, answer in outcomes:
        if answer is not None:
            # Where everybody wants the same rows at once, a server may say that it is busy; it must mean it.
            assert answer.outcome in EXPECTED[step.what] | {(503, "busy")}, (step, answer.data)


def _check_storage(server: Server) -> None:
    """What is charged is what is stored, to the byte, and each value is in a bucket of its own owner."""
    wrong = """
        SELECT bucket.id FROM bucket LEFT JOIN kv ON bucket_id = bucket.id GROUP BY bucket.id
        HAVING bytes_used <> coalesce(sum(octet_length(key) + octet_length(value)), 0)
            OR bytes_used > bytes_total OR bool_or(kv.owner <> bucket.owner)
    """
    assert server.rows(wrong) == []
    assert server.rows("SELECT key FROM kv WHERE size <> octet_length(key) + octet_length(value)") == []


def _check_transfer(server: Server, outcomes: list[tuple[Step, Answer | AnswerV1 | None]]) -> None:
    """Every byte that was served was charged, once."""
    served = sum(
        len(answer.data["key"]) + len(answer.data["value"])
        for step, answer in outcomes
        if step.what == "get" and answer is not None and answer.status == 200
    )
    assert server.value("SELECT sum(transfer_used) FROM bucket") == served
    assert server.rows("SELECT 1 FROM bucket WHERE transfer_used > transfer_total") == []


def _check_money(server: Server, outcomes: list[tuple[Step, Answer | AnswerV1 | None]]) -> None:
    """What was sold was paid, no balance is overdrawn, and the ledger sums to zero."""
    sold = Counter(
        step.who.master_address
        for step, answer in outcomes
        if step.what == "buy" and answer is not None and answer.status == 200
    )
    for who in (BOB, MALLORY):
        owner = who.master_address
        balance = server.value("SELECT sum(amount_sat) FROM ledger WHERE owner = :owner", owner=owner)
        assert balance == MONEY - sold[owner] * PRICE >= 0
        paid = server.value("SELECT count(*) FROM bucket WHERE owner = :owner AND NOT free", owner=owner)
        assert paid == sold[owner]
    assert server.value("SELECT sum(amount_sat) FROM ledger") == 0


# ----- transfer, one by one --------------------------------------------------------------------------------------


def test_a_value_is_served_from_another_bucket_when_its_own_is_out_of_transfer(
    server: Server, caller: Caller, bob: Person
) -> None:
    assert caller.put(bob, "key", "x" * 97).status == 201
    server.rows("UPDATE bucket SET transfer_total = 250")
    assert [caller.get("/get", key="key").status for _ in range(3)] == [200, 200, 402]
    caller.register(bob)
    assert caller.stored("key") == "x" * 97
    assert server.rows("SELECT transfer_used FROM bucket ORDER BY id") == [(200,), (100,)]
    server.rows("UPDATE bucket SET transfer_total = 250")
    assert [caller.get("/get", key="key").status for _ in range(2)] == [200, 402]


@pytest.mark.parametrize("state", ["frozen = true", "expires = now()", "transfer_total = 99"])
def test_no_other_bucket_serves_that_may_not(server: Server, caller: Caller, bob: Person, state: str) -> None:
    assert caller.put(bob, "key", "x" * 97).status == 201
    server.rows("UPDATE bucket SET transfer_total = 50")
    caller.register(bob)
    caller.register(person("Mallory"))
    server.rows(f"UPDATE bucket SET {state} WHERE owner = :bob AND transfer_total > 50", bob=bob.master_address)
    assert caller.get("/get", key="key").outcome == (402, "transfer_exhausted")
    assert server.value("SELECT sum(transfer_used) FROM bucket") == 0


def test_reads_at_once_use_all_buckets_and_no_more(server: Server, caller: Caller, bob: Person) -> None:
    assert caller.put(bob, "key", "x" * 97).status == 201
    caller.register(bob, 2)
    server.rows("UPDATE bucket SET transfer_total = 250")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.caller().get("/get", key="key").status, range(16)))
    assert Counter(answers) == {200: 6, 402: 10}
    assert server.rows("SELECT DISTINCT transfer_used FROM bucket") == [(200,)]


def test_a_signature_for_one_thing_is_no_signature_for_another(shop: Server) -> None:
    """What is signed for the account must not delete or store anything, and the other way round."""
    shop.rows(EMPTY)
    caller = shop.caller()
    caller.register(BOB)
    nonce, address = caller.nonce(BOB), BOB.master_address
    balance = message.sign(BOB.master, address + nonce)
    bodies = {"key": address, "owner": address, "nonce": nonce, "signature": balance}
    assert caller.post("/delete", bodies).outcome == (401, "incorrect_signature")
    assert caller.post("/put", {**bodies, "value": nonce}).outcome == (401, "incorrect_signature")
    delete = sign_delete(BOB.master, "key", address, nonce)
    asked = {"address": address, "nonce": nonce, "signature": delete}
    assert caller.get("/balance", **asked).outcome == (401, "incorrect_signature")
    v1, body = CallerV1(shop.app.test_client()), b'{"price_sat": 10000}'
    headers = v1.headers(BOB, "/buy", body, nonce=nonce)
    for other in (balance, delete):
        refused = v1.post("/buy", body, {**headers, SIGNATURE_HEADER: other})
        assert refused.outcome == (401, "incorrect_signature")
    shop.rows(EMPTY)
