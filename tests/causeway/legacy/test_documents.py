"""Documents of 2016 on today's servers."""

from __future__ import annotations

import pytest

from rein.btc.networks import MAINNET
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support import legacy_documents as old
from tests.support.people import Person, armored, person

EVERY = (old.ENROLLMENT_BOB, old.ENROLLMENT_ALICE, old.JOB, old.BID, old.OFFER)


@pytest.fixture
def citizen(mainnet_server: Server) -> Person:
    """An owner on mainnet's server."""
    citizen = person("Bob", MAINNET)
    mainnet_server.caller().register(citizen)
    return citizen


def test_they_are_served_on_mainnet(mainnet_server: Server, citizen: Person) -> None:
    caller = mainnet_server.caller()
    for number, text in enumerate(EVERY):
        assert caller.put(citizen, f"key{number}", text).status == 201
        assert caller.stored(f"key{number}") == text
    assert caller.query(citizen, "jobs") == [old.JOB]
    assert caller.query(citizen, "bids", job_ids="fyzfrxtrttcv8o04oj53") == [old.BID]
    assert caller.query(citizen, "mediators") == [old.ENROLLMENT_ALICE]
    worker_key = "02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519"
    assert caller.query(citizen, "in-process", worker=worker_key) == [old.BID, old.OFFER]
    assert mainnet_server.rows("SELECT DISTINCT network, legacy FROM document") == [("mainnet", True)]


def test_the_ones_of_mainnet_are_test_documents_elsewhere_only_if_the_client_says_so(
    caller: Caller, server: Server, bob: Person
) -> None:
    """Clients of early 2016 have mainnet's addresses in their test mode too."""
    assert caller.put(bob, "A", old.JOB).outcome == (422, "wrong_network")
    assert caller.put(bob, "A", old.JOB, testnet=0).outcome == (422, "wrong_network")
    assert caller.put(bob, "A", old.JOB, testnet=1).status == 201
    assert server.rows("SELECT network FROM document") == [("testnet",)]


def test_test_documents_are_refused_on_mainnet(mainnet_server: Server, citizen: Person) -> None:
    caller = mainnet_server.caller()
    assert caller.put(citizen, "A", old.JOB, testnet=1).outcome == (422, "wrong_network")
    said = "\n".join(
        ("Rein User Enrollment", "User: Bob", f"Master signing address: {citizen.master_address}", "Testnet: True")
    )
    assert caller.put(citizen, "A", armored(said, citizen.master, MAINNET)).outcome == (422, "wrong_network")
    tester = person("Bob")
    from_tester = armored(f"Rein User Enrollment\nMaster signing address: {tester.master_address}", tester.master)
    assert caller.put(citizen, "A", from_tester).outcome == (422, "wrong_network")


def test_an_enrollment_of_2016_proves_its_delegate(caller: Caller, bob: Person) -> None:
    text = "\n".join(
        (
            "Rein User Enrollment",
            "User: Bob",
            f"Master signing address: {bob.master_address}",
            f"Delegate signing address: {bob.delegate_address}",
            "Willing to mediate: False",
        )
    )
    assert caller.put(bob, "A", armored(text, bob.master), by=bob.delegate).status == 201
    assert caller.put(bob, "B", "value", by=bob.delegate).status == 201


def test_free_form_fields_of_any_length_break_no_index(server: Server, caller: Caller, bob: Person) -> None:
    """Documents of 2016 allow anything in any field; an index does not."""
    long = "x" * 9_000
    text = "\n".join(
        (
            "Rein Job",
            f"Job name: {long}",
            f"Job ID: {long}",
            f"Tags: {long}, web, {', '.join(str(n) for n in range(100))}",
            f"Job creator public key: {bob.delegate.public_key.hex()}",
            f"Job creator master address: {bob.master_address}",
            f"Worker master address: {long}",
            f"Worker public key: {long}",
            f"Mediator public key: {long}",
        )
    )
    assert caller.put(bob, "A", armored(text, bob.delegate)).status == 201
    enrollment = f"Rein User Enrollment\nUser: {long}\nContact: {long}\nMaster signing address: {bob.master_address}"
    assert caller.put(bob, "B", armored(enrollment, bob.master)).status == 201
    columns = "length(title), job_id, cardinality(tags), author, worker_address, worker_key, mediator_key"
    assert server.rows(f"SELECT {columns} FROM document WHERE kind = 'job'") == [
        (100, None, 16, bob.master_address, None, None, None)
    ]
    assert server.rows("SELECT name, contact, delegate FROM enrollment") == [(None, None, None)]
