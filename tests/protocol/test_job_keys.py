"""A fresh key for every job, found again from the documents and the words alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2wpkh_address
from rein.btc.hd import HARDENED
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, Network
from rein.errors import AuthorityError
from rein.protocol import job_keys
from rein.protocol.job_keys import check_mediator, hardened_job_path, job_path
from rein.protocol.values import BasisPoints
from tests.support.people import JOB_ID, bid, enroll, job, person

ALICE, BOB, CHARLIE = (person(name) for name in ("Alice", "Bob", "Charlie"))
ENROLLMENT = enroll(ALICE, mediator=True)

job_ids = st.from_regex(r"[a-z0-9]{20}", fullmatch=True)
document_ids = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


def test_a_known_path() -> None:
    """The tagged hash (BIP340) of the job id, computed apart: four words without their first bit."""
    assert job_path("a" * 20) == (392404237, 1586366033, 901132436, 1652164705)
    assert hardened_job_path("a" * 20) == tuple(level + 2**31 for level in job_path("a" * 20))


@given(job_ids | document_ids)
def test_a_path_is_four_levels_of_31_bits(what: str) -> None:
    assert len(job_path(what)) == 4
    assert all(0 <= level < HARDENED for level in job_path(what))
    assert all(HARDENED <= level < 2 * HARDENED for level in hardened_job_path(what))
    assert [level - HARDENED for level in hardened_job_path(what)] == list(job_path(what))


@given(job_ids, job_ids)
def test_two_jobs_have_two_paths(one: str, other: str) -> None:
    assert (job_path(one) == job_path(other)) == (one == other)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_anyone_derives_the_keys_that_only_the_mediator_holds(network: Network) -> None:
    alice = person("Alice", network)
    enrollment = enroll(alice, mediator=True).document
    escrow = alice.job_key(job_keys.MEDIATOR_ESCROW, JOB_ID)
    payment = alice.job_key(job_keys.MEDIATOR_PAYMENT, JOB_ID)
    assert job_keys.mediator_escrow_key(enrollment, JOB_ID) == escrow.public_key
    assert job_keys.mediator_payment_address(enrollment, JOB_ID) == p2wpkh_address(payment.public_key, network)
    reads = alice.job_key(job_keys.MEDIATOR_MESSAGE, JOB_ID)
    assert job_keys.mediator_message_key(enrollment, JOB_ID) == reads.public_key


def test_every_branch_and_every_job_has_its_own_key() -> None:
    branches = (
        job_keys.CREATOR_ESCROW,
        job_keys.CREATOR_PAYMENT,
        job_keys.WORKER_ESCROW,
        job_keys.WORKER_PAYMENT,
        job_keys.MEDIATOR_ESCROW,
        job_keys.MEDIATOR_PAYMENT,
        job_keys.CREATOR_MESSAGE,
        job_keys.WORKER_MESSAGE,
        job_keys.MEDIATOR_MESSAGE,
    )
    keys = [ALICE.job_key(branch, what).public_key for branch in branches for what in ("a" * 20, "b" * 20)]
    keys += [ALICE.master.public_key, ALICE.delegate.public_key]
    assert len(set(keys)) == len(branches) * 2 + 2


def test_two_jobs_of_the_same_three_people_share_no_key_but_none_is_lost() -> None:
    one, other = job(BOB, ALICE), job(BOB, ALICE, job_id="b" * 20)
    first, second = bid(CHARLIE, one).document, bid(CHARLIE, other).document
    for attribute in (
        "creator_public_key",
        "mediator_public_key",
        "worker_public_key",
        "primary_address",
        "mediator_address",
        "worker_payment_address",
        "worker_message_key",
    ):
        assert getattr(first, attribute) != getattr(second, attribute)
    again = bid(CHARLIE, job(BOB, ALICE)).document
    assert again.worker_public_key == first.worker_public_key


def test_one_job_id_in_two_job_documents_still_gives_two_escrows() -> None:
    """The worker hashes the job document, so a creator who repeats a Job ID does not repeat an escrow."""
    first = bid(CHARLIE, job(BOB, ALICE)).document
    second = bid(CHARLIE, job(BOB, ALICE, description="again")).document
    assert first.job_id == second.job_id
    assert first.primary_address != second.primary_address
    assert first.mediator_address != second.mediator_address


@given(job_ids)
def test_a_mediators_keys_of_two_jobs_differ(job_id: str) -> None:
    enrollment = ENROLLMENT.document
    assert job_keys.mediator_escrow_key(enrollment, job_id) != job_keys.mediator_escrow_key(enrollment, "a" * 20) or (
        job_id == "a" * 20
    )
    assert len(job_keys.mediator_escrow_key(enrollment, job_id)) == 33
    assert job_keys.mediator_payment_address(enrollment, job_id).startswith("bcrt1q")


@pytest.mark.parametrize("ask", [job_keys.mediator_escrow_key, job_keys.mediator_payment_address])
def test_somebody_who_does_not_mediate_has_no_such_keys(ask: Any) -> None:
    with pytest.raises(AuthorityError, match="is not that of a mediator"):
        ask(enroll(BOB).document, JOB_ID)


def test_a_job_that_quotes_its_mediator_rightly_passes() -> None:
    check_mediator(job(BOB, ALICE).document, ENROLLMENT.document, ENROLLMENT.id)


MISQUOTES: dict[str, dict[str, Any]] = {
    "master address": {"mediator_master_address": CHARLIE.master_address},
    "name": {"mediator": "Alice A."},
    "contact": {"mediator_contact": "mallory@example.com"},
    "fee": {"mediator_fee": BasisPoints(151)},
    "public key": {"mediator_public_key": ALICE.job_key(job_keys.MEDIATOR_ESCROW, "b" * 20).public_key},
    "payment address": {"mediator_payment_address": p2wpkh_address(BOB.delegate.public_key, REGTEST)},
}


@pytest.mark.parametrize(("what", "changes"), MISQUOTES.items(), ids=MISQUOTES)
def test_a_job_that_misquotes_its_mediator_is_refused_naming_what(what: str, changes: dict[str, Any]) -> None:
    with pytest.raises(AuthorityError) as caught:
        check_mediator(job(BOB, ALICE, **changes).document, ENROLLMENT.document, ENROLLMENT.id)
    assert caught.value.message == f"the mediator's {what} in the job is not the one the mediator enrolled"


def test_a_job_that_names_another_enrollment_is_refused() -> None:
    other = enroll(ALICE, mediator=True, contact="alice@other.example.com")
    with pytest.raises(AuthorityError, match="names another enrollment"):
        check_mediator(job(BOB, ALICE).document, other.document, other.id)
    elsewhere = dataclasses.replace(ENROLLMENT.document, network=MAINNET)
    with pytest.raises(AuthorityError, match="names another enrollment"):
        check_mediator(job(BOB, ALICE).document, elsewhere, ENROLLMENT.id)


def test_a_job_that_names_somebody_who_does_not_mediate_is_refused() -> None:
    charlie = enroll(CHARLIE)
    posted = job(BOB, ALICE, mediator_enrollment=charlie.id)
    with pytest.raises(AuthorityError, match="is not that of a mediator"):
        check_mediator(posted.document, charlie.document, charlie.id)
