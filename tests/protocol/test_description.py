"""What is indexed of a document: the same for everybody, and never more than a column can hold."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, Network
from rein.errors import ReinError
from rein.protocol.description import Description, Party, describe
from rein.protocol.documents import Kind, Role
from rein.protocol.limits import MAX_NAME, MAX_TAG, MAX_TAGS
from rein.protocol.signed import Signed, verify
from tests.support import legacy_documents
from tests.support.people import (
    HEIGHT,
    JOB_ID,
    TIME,
    armored,
    disclosure,
    disputed_story,
    enroll,
    job,
    person,
    rating,
    refund,
    refunded_story,
    respelled,
    sealed_bid_of_story,
    sealed_message,
    story,
)
from tests.support.texts import any_text

TOLD, DISPUTED, REFUNDED = story(), disputed_story(), refunded_story()
ALICE, BOB, CHARLIE = (person(name) for name in ("Alice", "Bob", "Charlie"))
ENROLLMENT = enroll(ALICE, mediator=True)

NOBODY = Party()
POSTED, PLACED = TOLD.job.document, TOLD.bid.document
CREATOR = Party(address=BOB.master_address, public_key=POSTED.creator_public_key.hex())
WORKER = Party(address=CHARLIE.master_address, public_key=PLACED.worker_public_key.hex())
MEDIATOR = Party(address=ALICE.master_address, public_key=PLACED.mediator_public_key.hex())

EMPTY = Description(
    id=ENROLLMENT.id,
    kind=Kind.ENROLLMENT,
    legacy=False,
    network="regtest",
    title=None,
    job_id=None,
    order_id=None,
    previous=None,
    author="",
    signer="",
    creator=NOBODY,
    worker=NOBODY,
    mediator=NOBODY,
    willing_to_mediate=False,
    tags=(),
    expires=None,
    block_height=None,
)
IN_ORDER = dataclasses.replace(EMPTY, title="A Software Widget", job_id=JOB_ID, order_id=TOLD.job.id)
BY_BOB: dict[str, Any] = {"author": BOB.master_address, "signer": BOB.delegate_address}
BY_CHARLIE: dict[str, Any] = {"author": CHARLIE.master_address, "signer": CHARLIE.delegate_address}

MESSAGE = sealed_message((CHARLIE, Role.WORKER), (BOB, Role.CREATOR), TOLD.bid, "Shall I begin?")
DISCLOSURE = disclosure((BOB, Role.CREATOR), (CHARLIE, Role.WORKER), ALICE, TOLD.delivery)
REFUND_BY_ALICE = refund(ALICE, TOLD.offer, role=Role.MEDIATOR)

RATING = rating(ALICE, TOLD.offer, Role.MEDIATOR, CHARLIE, Role.WORKER)


def by_party(
    signed: Signed[Any], kind: Kind, answered: Signed[Any], role: str, height: int
) -> tuple[Signed[Any], Description]:
    """A document that names its author's role, and nobody else."""
    who = {"creator": BOB, "worker": CHARLIE, "mediator": ALICE}[role]
    about = {"author": who.master_address, "signer": who.delegate_address, role: Party(address=who.master_address)}
    changes: dict[str, Any] = {"id": signed.id, "kind": kind, "previous": answered.id, "block_height": height}
    return signed, dataclasses.replace(IN_ORDER, **changes, **about)


EXPECTED: dict[str, tuple[Signed[Any], Description]] = {
    "enrollment of a mediator": (
        ENROLLMENT,
        dataclasses.replace(
            EMPTY,
            title="Alice",
            author=ALICE.master_address,
            signer=ALICE.master_address,
            mediator=Party(address=ALICE.master_address, public_key=ALICE.delegate.public_key.hex()),
            willing_to_mediate=True,
            block_height=HEIGHT - 10,
        ),
    ),
    "enrollment of somebody else": (
        enroll(BOB),
        dataclasses.replace(
            EMPTY,
            id=enroll(BOB).id,
            title="Bob",
            author=BOB.master_address,
            signer=BOB.master_address,
            block_height=HEIGHT - 10,
        ),
    ),
    "enrollment that replaces one": (
        enroll(BOB, previous=TOLD.job.id),
        dataclasses.replace(
            EMPTY,
            id=enroll(BOB, previous=TOLD.job.id).id,
            title="Bob",
            previous=TOLD.job.id,
            author=BOB.master_address,
            signer=BOB.master_address,
            block_height=HEIGHT - 10,
        ),
    ),
    "job": (
        TOLD.job,
        dataclasses.replace(
            IN_ORDER,
            id=TOLD.job.id,
            kind=Kind.JOB,
            **BY_BOB,
            creator=CREATOR,
            mediator=dataclasses.replace(MEDIATOR, public_key=None),
            tags=("javascript", "web"),
            expires=TIME + 14 * 24 * 60 * 60,
            block_height=HEIGHT,
        ),
    ),
    "bid": (
        TOLD.bid,
        dataclasses.replace(
            IN_ORDER,
            id=TOLD.bid.id,
            kind=Kind.BID,
            previous=TOLD.job.id,
            **BY_CHARLIE,
            creator=dataclasses.replace(CREATOR, address=None),
            worker=WORKER,
            mediator=dataclasses.replace(MEDIATOR, address=None),
            block_height=HEIGHT + 1,
        ),
    ),
    "offer": (
        TOLD.offer,
        dataclasses.replace(
            IN_ORDER,
            id=TOLD.offer.id,
            kind=Kind.OFFER,
            previous=TOLD.bid.id,
            **BY_BOB,
            creator=CREATOR,
            worker=WORKER,
            mediator=dataclasses.replace(MEDIATOR, address=None),
            block_height=HEIGHT + 2,
        ),
    ),
    "delivery": (
        TOLD.delivery,
        dataclasses.replace(
            IN_ORDER,
            id=TOLD.delivery.id,
            kind=Kind.DELIVERY,
            previous=TOLD.offer.id,
            **BY_CHARLIE,
            worker=dataclasses.replace(WORKER, public_key=None),
            block_height=HEIGHT + 3,
        ),
    ),
    "acceptance": (
        TOLD.acceptance,
        dataclasses.replace(
            IN_ORDER,
            id=TOLD.acceptance.id,
            kind=Kind.ACCEPT,
            previous=TOLD.delivery.id,
            **BY_BOB,
            creator=dataclasses.replace(CREATOR, public_key=None),
            block_height=HEIGHT + 4,
        ),
    ),
    "dispute by the creator": by_party(DISPUTED.dispute, Kind.CREATOR_DISPUTE, TOLD.delivery, "creator", HEIGHT + 4),
    "dispute by the worker": by_party(DISPUTED.counter, Kind.WORKER_DISPUTE, TOLD.delivery, "worker", HEIGHT + 5),
    "settlement": by_party(DISPUTED.settlement, Kind.SETTLEMENT, TOLD.offer, "creator", HEIGHT + 4),
    "resolution": by_party(DISPUTED.resolution, Kind.RESOLUTION, DISPUTED.dispute, "mediator", HEIGHT + 6),
    "accepted resolution": by_party(
        DISPUTED.accepted, Kind.ACCEPT_RESOLUTION, DISPUTED.resolution, "worker", HEIGHT + 7
    ),
    "rating of the worker by the mediator": (
        RATING,
        dataclasses.replace(
            IN_ORDER,
            id=RATING.id,
            kind=Kind.RATING,
            previous=TOLD.offer.id,
            author=ALICE.master_address,
            signer=ALICE.delegate_address,
            mediator=Party(address=ALICE.master_address),
            worker=Party(address=CHARLIE.master_address),
            block_height=HEIGHT + 8,
        ),
    ),
    "refund by the creator": by_party(REFUNDED.asked, Kind.REFUND, TOLD.offer, "creator", HEIGHT + 4),
    "refund by the worker": by_party(REFUNDED.agreed, Kind.REFUND, TOLD.offer, "worker", HEIGHT + 5),
    "sealed bid": by_party(sealed_bid_of_story(), Kind.SEALED_BID, TOLD.job, "worker", HEIGHT + 1),
    "message": by_party(MESSAGE, Kind.MESSAGE, TOLD.bid, "worker", HEIGHT + 3),
    "disclosure": by_party(DISCLOSURE, Kind.DISCLOSURE, TOLD.delivery, "creator", HEIGHT + 5),
    "refund by the mediator": by_party(REFUND_BY_ALICE, Kind.REFUND, TOLD.offer, "mediator", HEIGHT + 4),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_type_is_described(name: str) -> None:
    signed, expected = EXPECTED[name]
    assert describe(signed) == expected
    assert describe(verify(respelled(signed.armored))) == expected


def test_every_kind_is_described() -> None:
    assert {expected.kind for _, expected in EXPECTED.values()} == set(Kind)


def test_a_job_without_tags_has_none() -> None:
    assert describe(job(BOB, ALICE, tags=None)).tags == ()


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_network_is_part_of_the_description(network: Network) -> None:
    assert describe(story(network).offer).network == network.name


# ---- documents of 2016

BOB_KEY = "026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc"
ALICE_KEY = "029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005"
CHARLIE_KEY = "02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519"


def test_real_documents_are_described() -> None:
    posted = describe(verify(legacy_documents.JOB))
    assert posted == dataclasses.replace(
        EMPTY,
        id=verify(legacy_documents.JOB).id,
        kind=Kind.JOB,
        legacy=True,
        network="mainnet",
        title="A Software Widget",
        job_id="fyzfrxtrttcv8o04oj53",
        signer="1CptxARjqcfkVwGFSjR82zmPT8YtRMubub",
        creator=Party(public_key=BOB_KEY),
        mediator=Party(public_key=ALICE_KEY),
        tags=("software",),
    )
    placed = describe(verify(legacy_documents.BID))
    assert (placed.kind, placed.worker) == (Kind.BID, Party(public_key=CHARLIE_KEY))
    enrolled = describe(verify(legacy_documents.ENROLLMENT_ALICE))
    assert (enrolled.title, enrolled.willing_to_mediate) == ("Alice", True)
    assert enrolled.author == enrolled.signer == "1Djp4Siv5iLJUgXq5peWCDcHVWV1Mv3opc"
    assert not describe(verify(legacy_documents.ENROLLMENT_BOB)).willing_to_mediate


KEY = PrivateKey(bytes(31) + b"\x05")
MASTER = p2pkh_address(KEY.public_key, MAINNET)


def described_2016(title: str, **rows: str) -> Description:
    author = (
        {"Job creator public key": KEY.public_key.hex()} if title == "Rein Job" else {"Master signing address": MASTER}
    )
    lines = [f"{label}: {value}" for label, value in (author | rows).items()]
    return describe(verify(armored("\n".join([title, *lines]), KEY, MAINNET)))


def test_its_test_network_is_none_of_todays() -> None:
    assert described_2016("Rein User Enrollment", Testnet="True").network == "testnet"
    assert described_2016("Rein User Enrollment", Testnet="true").network == "mainnet"
    assert "testnet" not in NETWORKS


def test_what_no_column_can_hold_is_left_out() -> None:
    hostile = described_2016(
        "Rein Job",
        **{
            "Job name": "N" * 50_000,
            "Job ID": "../../etc/passwd",
            "Tags": ",".join([" ,, Web", "T" * 33, "T" * 32, "C", *(f"t{number}" for number in range(1_000))]),
            "Mediator master address": "'; DROP TABLE document",
            "Mediator public key": "no key",
            "Worker master address": "1" * 5_000,
        },
    )
    assert hostile.title is not None
    assert len(hostile.title) == MAX_NAME
    assert hostile.job_id is None
    assert hostile.tags == ("web", "t" * MAX_TAG, "c", *(f"t{number}" for number in range(MAX_TAGS - 3)))
    assert hostile.mediator == hostile.worker == NOBODY
    assert hostile.creator == Party(public_key=KEY.public_key.hex())


labels = st.sampled_from(
    [
        "Job name",
        "Job ID",
        "Tags",
        "Worker public key",
        "Worker master address",
        "Mediator public key",
        "Testnet",
        "User",
    ]
)


@given(st.sampled_from(["Rein Job", "Rein User Enrollment"]), st.dictionaries(labels, any_text, max_size=6))
def test_any_document_of_2016_fits_its_columns(title: str, rows: dict[str, str]) -> None:
    try:
        described = described_2016(title, **rows)
    except ReinError:
        return
    assert described.legacy
    assert described.order_id is None
    assert len(described.title or "") <= MAX_NAME
    assert len(described.job_id or "") in (0, 20)
    assert len(described.tags) <= MAX_TAGS
    assert all(0 < len(tag) <= MAX_TAG for tag in described.tags)
    for party in (described.creator, described.worker, described.mediator):
        assert len(party.address or "") <= 40
        assert len(party.public_key or "") in (0, 66, 130)
