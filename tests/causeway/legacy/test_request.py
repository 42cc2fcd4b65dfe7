"""GET /request: free buckets, and nothing that a stranger could do to an owner by asking for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import person

BOB = person("Bob")


def test_a_bucket_is_granted_as_clients_of_2016_read_it(caller: Caller) -> None:
    answer = caller.get("/request", owner=BOB.master_address, delegate=BOB.delegate_address, contact="bob@example.com")
    assert answer.status == 200
    (bucket,) = answer.data["buckets"]
    assert bucket["bytes_free"] == "1048576"
    assert bucket["transfer_free"] == "52428800"
    created = datetime.strptime(bucket["created"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    expires = datetime.strptime(bucket["expires"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    assert expires - created == timedelta(days=365)


def test_the_fifth_is_refused_and_all_are_listed(caller: Caller) -> None:
    caller.register(BOB, 4)
    answer = caller.get("/request", owner=BOB.master_address)
    assert answer.outcome == (200, "free_buckets_granted")
    assert answer.data["message"] == "Maximum free buckets granted"
    assert len(answer.data["buckets"]) == 4


def test_an_expired_bucket_makes_room_for_another(server: Server, caller: Caller) -> None:
    caller.register(BOB, 4)
    server.rows("UPDATE bucket SET expires = now() - interval '1 second' WHERE id = (SELECT min(id) FROM bucket)")
    answer = caller.get("/request", owner=BOB.master_address)
    assert answer.data["result"] == "success"
    assert len(answer.data["buckets"]) == 4


def test_requests_at_once_get_no_more_than_four(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.caller().get("/request", owner=BOB.master_address), range(16)))
    assert sum(answer.data["result"] == "success" for answer in answers) == 4
    assert server.value("SELECT count(*) FROM bucket") == 4


def test_the_readmes_name_of_the_owner_is_accepted(caller: Caller) -> None:
    assert caller.get("/request", address=BOB.master_address, owner=BOB.master_address).status == 200


def test_who_came_first_is_not_overruled(server: Server, caller: Caller) -> None:
    caller.register(BOB)
    caller.get("/request", owner=BOB.master_address, delegate=person("Mallory").delegate_address, contact="evil@x.io")
    assert server.rows("SELECT delegate, contact FROM owner") == [(BOB.delegate_address, BOB.contact)]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "missing_parameter"),
        ({"owner": ""}, "bad_parameter"),
        ({"owner": "1abc"}, "bad_parameter"),
        ({"owner": "x" * 30_000}, "bad_parameter"),
        ({"owner": "3R1Pzho6Yca27AceUHBYnmg6S2NbT1LtLs"}, "bad_parameter"),
        ({"owner": BOB.master_address, "address": BOB.delegate_address}, "conflicting_parameters"),
        ({"owner": BOB.master_address, "delegate": "nobody"}, "bad_parameter"),
        ({"owner": BOB.master_address, "contact": "x" * 201}, "bad_parameter"),
        ({"owner": BOB.master_address, "contact": "a\x00b"}, "bad_parameter"),
    ],
)
def test_what_cannot_be_used_is_named(server: Server, parameters: dict[str, str], code: str) -> None:
    assert server.caller().get("/request", **parameters).outcome == (400, code)
    assert server.value("SELECT count(*) FROM owner") == 0
