"""A fresh key for every job, found again from the documents and the words alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2wpkh_address
from rein.btc.amounts import Sat
from rein.btc.hd import HARDENED
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, Network
from rein.errors import AuthorityError
from rein.protocol import job_keys
from rein.protocol.job_keys import (
    ContractParts,
    check_mediator,
    contract_path,
    hardened_job_path,
    job_path,
    parts_of,
)
from rein.protocol.values import BasisPoints
from tests.support.people import bid, enroll, fee_address, job, person

ALICE, BOB, CHARLIE = (person(name) for name in ("Alice", "Bob", "Charlie"))
ENROLLMENT = enroll(ALICE, mediator=True)
KNOWN_JOB_PATH = (96533613, 328595707, 981582596, 352909055)
KNOWN_DELEGATES = {REGTEST: 1721732025, SIGNET: 1618320527, TESTNET4: 1111532436}
KNOWN_CONTRACT_PATH = (2040110942, 1844606956, 1764889561, 2099862946)
PARTS = parts_of(bid(CHARLIE, job(BOB, ALICE)).document)

networks = st.sampled_from(list(NETWORKS.values()))
job_ids = st.from_regex(r"[a-z0-9]{20}", fullmatch=True)
document_ids = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


def test_known_paths() -> None:
    """The tagged hashes (BIP340), computed apart: four words without their first bit."""
    assert job_path(REGTEST, "a" * 20) == KNOWN_JOB_PATH
    assert hardened_job_path(REGTEST, "a" * 20) == tuple(level + 2**31 for level in KNOWN_JOB_PATH)
    assert contract_path(PARTS) == KNOWN_CONTRACT_PATH
    for network, level in KNOWN_DELEGATES.items():
        assert job_keys.delegate_path(network, 2) == f"m/1'/{level}'/2'"


@given(job_ids | document_ids, networks)
def test_a_path_is_four_levels_of_31_bits(what: str, network: Network) -> None:
    path = job_path(network, what)
    assert len(path) == 4
    assert all(0 <= level < HARDENED for level in path)
    assert [level - HARDENED for level in hardened_job_path(network, what)] == list(path)


@given(job_ids, job_ids, networks, networks)
def test_two_jobs_or_two_networks_have_two_paths(one: str, other: str, here: Network, there: Network) -> None:
    assert (job_path(here, one) == job_path(there, other)) == ((here, one) == (there, other))


contracts = st.builds(
    ContractParts,
    networks,
    document_ids,
    st.binary(min_size=33, max_size=33),
    st.binary(min_size=33, max_size=33),
    st.sampled_from([BOB.master_address, CHARLIE.master_address]),
    st.sampled_from([fee_address(BOB), fee_address(CHARLIE)]),
    st.integers(1, 21 * 10**14).map(Sat),
)


@given(contracts, contracts, st.sets(st.sampled_from([each.name for each in dataclasses.fields(ContractParts)])))
def test_whatever_differs_between_two_contracts_gives_another_mediators_key(
    one: ContractParts, other: ContractParts, changed: set[str]
) -> None:
    """One escrow, one contract: two that differ in any one part have different keys, and the same have the same."""
    mixed = dataclasses.replace(one, **{name: getattr(other, name) for name in changed})
    assert (contract_path(one) == contract_path(mixed)) == (one == mixed)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_anyone_derives_the_keys_that_only_the_mediator_holds(network: Network) -> None:
    alice = person("Alice", network)
    enrollment = enroll(alice, mediator=True).document
    parts = dataclasses.replace(PARTS, network=network)
    assert job_keys.mediator_escrow_key(enrollment, parts) == alice.mediator_key(parts).public_key
    reads = alice.job_key(job_keys.MEDIATOR_MESSAGE, PARTS.job_document)
    assert job_keys.mediator_message_key(enrollment, PARTS.job_document) == reads.public_key


def test_the_same_words_give_other_keys_on_every_network_but_the_master() -> None:
    """A payment's signature names no network: what is signed on a test network must open nothing elsewhere."""
    people = [person("Alice", network) for network in NETWORKS.values()]
    branches = (
        job_keys.CREATOR_ESCROW,
        job_keys.WORKER_ESCROW,
        job_keys.CREATOR_MESSAGE,
        job_keys.WORKER_MESSAGE,
        job_keys.MEDIATOR_MESSAGE,
    )
    keys = [each.job_key(branch, "a" * 20).public_key for each in people for branch in branches]
    keys += [each.mediator_key(dataclasses.replace(PARTS, network=each.network)).public_key for each in people]
    keys += [each.delegate.public_key for each in people]
    assert len(set(keys)) == len(keys)
    assert len({each.master.public_key for each in people}) == 1


def test_the_first_delegate_of_mainnet_is_that_of_2016_and_all_differ() -> None:
    assert [job_keys.delegate_path(MAINNET, number) for number in range(3)] == ["m/1'/0", "m/1'/1'", "m/1'/2'"]
    paths = [job_keys.delegate_path(network, number) for network in NETWORKS.values() for number in range(3)]
    assert len(set(paths)) == len(paths)


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
    """A creator who repeats a Job ID repeats their own key, and neither the worker's nor the mediator's."""
    first = bid(CHARLIE, job(BOB, ALICE)).document
    second = bid(CHARLIE, job(BOB, ALICE, description="again")).document
    assert first.job_id == second.job_id
    assert first.creator_public_key == second.creator_public_key
    assert first.mediator_public_key != second.mediator_public_key
    assert first.primary_address != second.primary_address
    assert first.mediator_address != second.mediator_address


def test_somebody_who_does_not_mediate_has_no_such_key() -> None:
    with pytest.raises(AuthorityError, match=r"^the enrollment the job names is not that of a mediator$"):
        job_keys.mediator_escrow_key(enroll(BOB).document, PARTS)


def test_a_job_that_quotes_its_mediator_rightly_passes() -> None:
    check_mediator(job(BOB, ALICE).document, ENROLLMENT.document, ENROLLMENT.id)


MISQUOTES: dict[str, dict[str, Any]] = {
    "master address": {"mediator_master_address": CHARLIE.master_address},
    "name": {"mediator": "Alice A."},
    "contact": {"mediator_contact": "mallory@example.com"},
    "fee": {"mediator_fee": BasisPoints(151)},
    "payment address": {"mediator_payment_address": p2wpkh_address(BOB.delegate.public_key, REGTEST)},
}


@pytest.mark.parametrize(("what", "changes"), MISQUOTES.items(), ids=MISQUOTES)
def test_a_job_that_misquotes_its_mediator_is_refused_naming_what(what: str, changes: dict[str, Any]) -> None:
    with pytest.raises(AuthorityError) as caught:
        check_mediator(job(BOB, ALICE, **changes).document, ENROLLMENT.document, ENROLLMENT.id)
    assert caught.value.message == f"the mediator's {what} in the job is not the one the mediator enrolled"


def test_a_job_that_names_another_enrollment_is_refused() -> None:
    other = enroll(ALICE, mediator=True, contact="alice@other.example.com")
    with pytest.raises(AuthorityError, match=r"^the job names another enrollment of the mediator$"):
        check_mediator(job(BOB, ALICE).document, other.document, other.id)
    elsewhere = dataclasses.replace(ENROLLMENT.document, network=MAINNET)
    with pytest.raises(AuthorityError, match=r"^the job names another enrollment of the mediator$"):
        check_mediator(job(BOB, ALICE).document, elsewhere, ENROLLMENT.id)


def test_a_job_that_names_somebody_who_does_not_mediate_is_refused() -> None:
    charlie = enroll(CHARLIE)
    posted = job(BOB, CHARLIE, mediator_enrollment=charlie.id)
    with pytest.raises(AuthorityError, match="the mediator's"):
        check_mediator(posted.document, charlie.document, charlie.id)
