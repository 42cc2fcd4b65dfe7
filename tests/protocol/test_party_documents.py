"""Settlements, refunds, disputes and resolutions by themselves: which fields they may hold, whoever signs them."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import DUST_LIMIT, MAX_MONEY, Sat
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST, SIGNET, TESTNET4
from rein.errors import FieldError, ReinError
from rein.protocol.documents import TYPES, AwardDocument, EscrowSigned, PartyDocument, Role
from rein.protocol.signed import Signed, verify
from tests.support.people import (
    PRICE,
    disputed_story,
    forged,
    messages_of_story,
    person,
    rating,
    refund,
    refunded_story,
    rewritten,
    sealed_bid_of_story,
    settlement,
    story,
    with_changes,
    worker_dispute,
)

TOLD, DISPUTED, REFUNDED = story(), disputed_story(), refunded_story()
ALICE, BOB, CHARLIE = TOLD.mediator, TOLD.creator, TOLD.worker
RATING = rating(BOB, TOLD.offer, Role.CREATOR, CHARLIE, Role.WORKER)

DOCUMENTS: dict[str, tuple[Signed[Any], PrivateKey]] = {
    "settlement": (DISPUTED.settlement, BOB.delegate),
    "refund": (REFUNDED.asked, BOB.delegate),
    "creator's dispute": (DISPUTED.dispute, BOB.delegate),
    "worker's dispute": (DISPUTED.counter, CHARLIE.delegate),
    "resolution": (DISPUTED.resolution, ALICE.delegate),
    "accepted resolution": (DISPUTED.accepted, CHARLIE.delegate),
    "message": (messages_of_story()[0], CHARLIE.delegate),
    "disclosure": (messages_of_story()[1], BOB.delegate),
    "sealed bid": (sealed_bid_of_story(), CHARLIE.delegate),
    "rating": (RATING, BOB.delegate),
}
SEALED = ("message", "disclosure", "sealed bid")
AWARDS = ("settlement", "resolution")

each_document = pytest.mark.parametrize("name", DOCUMENTS)
each_award = pytest.mark.parametrize("name", AWARDS)


def refused(name: str, why: str, **changes: Any) -> FieldError:
    """The document with these fields is neither signed nor read."""
    signed, key = DOCUMENTS[name]
    document = dataclasses.replace(signed.document, **changes)
    with pytest.raises(FieldError, match=re.escape(why)):
        with_changes(signed, key, **changes)
    with pytest.raises(FieldError, match=re.escape(why)) as caught:
        verify(forged(document, key))
    return caught.value


def stands(name: str, **changes: Any) -> Any:
    """The document with these fields is signed, and reads the same."""
    signed, key = DOCUMENTS[name]
    again = verify(with_changes(signed, key, **changes).armored)
    if isinstance(again.document, EscrowSigned):
        changes["escrow_signature"] = again.document.escrow_signature  # over what the document says now
    assert again.document == dataclasses.replace(signed.document, **changes)
    return again.document


def test_every_type_that_names_a_role_is_tried() -> None:
    documents = {type(signed.document): signed.document for signed, _ in DOCUMENTS.values()}
    assert set(documents) == {cls for cls in TYPES if issubclass(cls, PartyDocument)}
    assert {type(DOCUMENTS[name][0].document) for name in AWARDS} == {
        cls for cls in TYPES if issubclass(cls, AwardDocument)
    }


# ---- who may sign what

ALLOWED = {
    "settlement": {Role.CREATOR, Role.WORKER},
    "refund": {Role.CREATOR, Role.WORKER, Role.MEDIATOR},
    "creator's dispute": {Role.CREATOR},
    "worker's dispute": {Role.WORKER},
    "resolution": {Role.MEDIATOR},
    "accepted resolution": {Role.CREATOR, Role.WORKER},
    "message": {Role.CREATOR, Role.WORKER, Role.MEDIATOR},
    "disclosure": {Role.CREATOR, Role.WORKER},
    "sealed bid": {Role.WORKER},
    "rating": {Role.CREATOR, Role.MEDIATOR},  # nobody rates themselves
}


@pytest.mark.parametrize("role", Role)
@each_document
def test_a_role_may_sign_what_is_for_it_and_nothing_else(name: str, role: Role) -> None:
    if role in ALLOWED[name]:
        to = {"to_role": next(each for each in Role if each is not role)} if name == "message" else {}
        assert stands(name, role=role, **to).role is role
    else:
        title = DOCUMENTS[name][0].document.TITLE
        why = "nobody rates themselves" if name == "rating" else f"a {title} is not for the {role.value} to sign"
        refused(name, why, role=role)


@pytest.mark.parametrize("spelling", ["Creator", "owner", "creator, worker", "creator\\s", "", "\u202ecreator"])
@each_document
def test_a_role_has_one_spelling(name: str, spelling: str) -> None:
    signed, key = DOCUMENTS[name]
    role = signed.document.role.value
    text = rewritten(signed, key, lambda text: text.replace(f"\nRole: {role}\n", f"\nRole: {spelling}\n"))
    with pytest.raises(FieldError) as caught:
        verify(text)
    assert "Role" in caught.value.message
    assert caught.value.message.isprintable()


@each_document
def test_the_author_is_the_identity_it_names_by_the_delegate_it_names(name: str) -> None:
    document = DOCUMENTS[name][0].document
    assert document.author.master_address == document.master_address
    assert document.author.signing_address == document.delegate_address


@pytest.mark.parametrize("label", ["delegate_address", "master_address"])
@each_document
def test_its_addresses_are_of_its_network(name: str, label: str) -> None:
    abroad = person("Bob", MAINNET)
    document = dataclasses.replace(DOCUMENTS[name][0].document, **{label: getattr(abroad, label)})
    why = label.replace("_", " ").capitalize()
    with pytest.raises(FieldError, match=f"{why}: "):
        document.check()
    if label == "master_address":
        refused(name, "Master address: ", master_address=abroad.master_address)


@pytest.mark.parametrize("network", [MAINNET, TESTNET4, SIGNET, REGTEST], ids=lambda network: network.name)
def test_the_quarrel_can_be_told_on_every_network(network: Any) -> None:
    for signed in (*disputed_story(network).documents, *refunded_story(network).documents):
        assert verify(signed.armored) == signed
        assert signed.document.network == network


# ---- what every one of them has


@each_document
def test_it_names_what_it_answers(name: str) -> None:
    refused(name, "lacks the field 'Previous document', which names what it answers", previous=None)


@each_document
def test_the_words_may_be_long_but_must_be_there(name: str) -> None:
    signed, _ = DOCUMENTS[name]
    words = {"terms", "reason", "detail", "resolution", "comment"} & {
        each.name for each in dataclasses.fields(signed.document)
    }
    if name in ("accepted resolution", *SEALED):
        assert not words
        return
    [word] = words
    stands(name, **{word: "It is\n\ta long \\ story: \u2028-----BEGIN BITCOIN SIGNED MESSAGE-----"})
    with pytest.raises(FieldError):
        with_changes(*DOCUMENTS[name], **{word: ""})


# ---- the payments


PAYMENTS = ("Primary payment PSBT", "Mediator payment PSBT")


@pytest.mark.parametrize(
    ("name", "label"), [*((name, label) for name in AWARDS for label in PAYMENTS), ("accepted resolution", PAYMENTS[0])]
)
def test_a_document_that_pays_carries_its_payments(name: str, label: str) -> None:
    signed, key = DOCUMENTS[name]
    text = rewritten(signed, key, lambda text: re.sub(rf"\n{label}: .*", "", text))
    with pytest.raises(FieldError, match=f"lacks the field '{label}'"):
        verify(text)


def test_a_resolution_may_be_taken_after_the_mediator_was_paid() -> None:
    assert stands("accepted resolution", mediator_psbt=None).mediator_psbt is None


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name not in ("rating", *SEALED)])
def test_a_payment_is_base64(name: str) -> None:
    for psbt in ("cHNidP8", "not base64!", "cHNidP8=\n", "A" * 20_001):
        if psbt == "cHNidP8":
            stands(name, mediator_psbt=psbt)
            continue
        with pytest.raises(FieldError, match="Mediator payment PSBT"):
            with_changes(*DOCUMENTS[name], mediator_psbt=psbt)


def test_a_refund_carries_one_payment_or_both() -> None:
    stands("refund", primary_psbt=None)
    stands("refund", mediator_psbt=None)
    refused("refund", "a refund without a payment gives nothing back", primary_psbt=None, mediator_psbt=None)


@pytest.mark.parametrize("name", ["creator's dispute", "worker's dispute"])
def test_a_dispute_may_come_without_a_payment(name: str) -> None:
    assert stands(name, mediator_psbt=None).mediator_psbt is None
    assert "PSBT" not in with_changes(*DOCUMENTS[name], mediator_psbt=None).text


def test_a_dispute_carries_no_payment_from_the_primary_escrow() -> None:
    text = rewritten(
        DISPUTED.counter,
        CHARLIE.delegate,
        lambda text: text.replace("\nMediator payment PSBT", "\nPrimary payment PSBT: cHNidP8=\nMediator payment PSBT"),
    )
    with pytest.raises(FieldError, match="has no field 'Primary payment PSBT'"):
        verify(text)


# ---- the amounts


@each_award
@pytest.mark.parametrize("worker", [Sat(0), DUST_LIMIT, PRICE, MAX_MONEY])
@pytest.mark.parametrize("creator", [Sat(0), DUST_LIMIT, PRICE, MAX_MONEY])
def test_an_award_gives_nothing_or_what_the_network_carries(name: str, worker: Sat, creator: Sat) -> None:
    """Whether it is more than the price is a question to the order."""
    if worker or creator:
        stands(name, worker_amount=worker, creator_amount=creator)
    else:
        refused(name, "it gives nothing to anybody", worker_amount=worker, creator_amount=creator)


@each_award
@pytest.mark.parametrize("dust", [Sat(1), Sat(DUST_LIMIT - 1)])
def test_an_award_gives_no_dust(name: str, dust: Sat) -> None:
    both = {"worker_amount": PRICE, "creator_amount": PRICE}
    for attribute, label in {"worker_amount": "Worker", "creator_amount": "Job creator"}.items():
        error = refused(
            name,
            f"'{label} amount (BTC)': the network does not carry outputs under 546 sat",
            **{**both, attribute: dust},
        )
        assert error.hint == "Give nothing, or more."


@each_award
@given(worker=st.integers(-1, MAX_MONEY + 1), creator=st.integers(-1, MAX_MONEY + 1))
def test_any_two_amounts_stand_or_are_refused(name: str, worker: int, creator: int) -> None:
    carried = all(amount == 0 or DUST_LIMIT <= amount <= MAX_MONEY for amount in (worker, creator))
    changes = {"worker_amount": Sat(worker), "creator_amount": Sat(creator)}
    if carried and worker + creator > 0:
        stands(name, **changes)
    else:
        with pytest.raises(ReinError):
            with_changes(*DOCUMENTS[name], **changes)


@each_award
@pytest.mark.parametrize("spelling", ["-0.01000000", "0.1", "1e-2", "0,03000000", "21000000.00000001", "0.030000000"])
def test_an_amount_has_one_spelling(name: str, spelling: str) -> None:
    signed, key = DOCUMENTS[name]
    text = rewritten(
        signed, key, lambda text: re.sub(r"(?m)^Worker amount \(BTC\): .*$", f"Worker amount (BTC): {spelling}", text)
    )
    with pytest.raises(FieldError, match=r"Worker amount \(BTC\)"):
        verify(text)


def test_the_two_disputes_are_two_types() -> None:
    """The title says whose complaint it is; the role must agree."""
    title = "Rein Dispute Delivery"
    text = rewritten(DISPUTED.counter, CHARLIE.delegate, lambda text: text.replace("Rein Dispute Offer", title, 1))
    with pytest.raises(FieldError, match="a Rein Dispute Delivery is not for the worker to sign"):
        verify(text)


def test_a_settlement_is_no_resolution_and_no_refund() -> None:
    text = settlement(BOB, TOLD.offer)
    for title in ("Rein Dispute Resolution", "Rein Refund", "Rein Accept Resolution", "Rein Accept Delivery"):
        with pytest.raises(FieldError):
            verify(rewritten(text, BOB.delegate, lambda text, title=title: text.replace("Rein Settlement", title, 1)))
    plain = refund(BOB, TOLD.offer)
    with pytest.raises(FieldError):
        verify(rewritten(plain, BOB.delegate, lambda text: text.replace("Rein Refund", "Rein Settlement", 1)))


def test_an_acceptance_can_be_disputed_by_its_id() -> None:
    assert worker_dispute(CHARLIE, TOLD.acceptance).document.previous == TOLD.acceptance.id
