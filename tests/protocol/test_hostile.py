"""One test for each row of threats.md that documents and orders must withstand, named after the row.

Each proves that the state of a job does not move, and that the reason is said in plain words. The rows about
transactions, servers, keys on disk and screens are tested in those rooms.
"""

from __future__ import annotations

import dataclasses
import re
from base64 import b64decode, b64encode
from time import process_time
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.btc.networks import MAINNET, SIGNET, TESTNET4, Network
from rein.errors import (
    ArmorError,
    AuthorityError,
    BadSignatureError,
    DocumentError,
    FieldError,
    ReinError,
    TooLargeError,
)
from rein.protocol.armor import BEGIN, BEGIN_SIGNATURE, END, read_armor
from rein.protocol.auth import put_text, verify_put
from rein.protocol.documents import LegacyDocument
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import NO_EVIDENCE, Evidence, Order, State, fold
from rein.protocol.signed import Signed, verify
from tests.support import legacy_documents
from tests.support.hostile import kept_apart
from tests.support.hostile_disputes import kept_apart_in_disputes
from tests.support.legacy_requests import sign_put
from tests.support.people import (
    PRICE,
    accept,
    armored,
    bid,
    creator_dispute,
    delivery,
    disputed_story,
    enroll,
    forged,
    job,
    offer,
    person,
    resolution,
    respelled,
    rewritten,
    story,
    worker_dispute,
)

TOLD, DISPUTED = story(), disputed_story()
BID, OFFER, DELIVERY, ACCEPTANCE = TOLD.documents
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
FUNDED = Evidence(funded=True)
HOSTILE = kept_apart()
IN_DISPUTES = kept_apart_in_disputes()

STEPS: tuple[tuple[tuple[Signed[Any], ...], Evidence, State], ...] = (
    ((), NO_EVIDENCE, State.POSTED),
    ((BID,), NO_EVIDENCE, State.BID),
    ((BID, OFFER), NO_EVIDENCE, State.OFFERED),
    ((BID, OFFER), FUNDED, State.FUNDED),
    ((BID, OFFER, DELIVERY), FUNDED, State.DELIVERED),
    ((BID, OFFER, DELIVERY, ACCEPTANCE), FUNDED, State.ACCEPTED),
    ((BID, OFFER, DELIVERY, ACCEPTANCE), Evidence(True, True, True), State.SETTLED),
    (DISPUTED.documents[:4], FUNDED, State.DISPUTED),
    (DISPUTED.documents, FUNDED, State.RESOLVED),
)


def folded(*documents: Signed[Any], evidence: Evidence = NO_EVIDENCE) -> Order:
    return fold(TOLD.job, documents, TOLD.enrollments, evidence)


def nothing_moves(*hostile: Signed[Any]) -> list[ReinError]:
    """At every step of the stories these documents change nothing that counts. Why not, at the last step."""
    reasons: list[ReinError] = []
    for documents, evidence, state in STEPS:
        before = folded(*documents, evidence=evidence)
        after = folded(*hostile, *documents, evidence=evidence)
        assert after.state is before.state is state
        assert after.documents() == before.documents()
        assert (after.offer, after.bid, after.delivery, after.acceptance, after.conflict) == (
            before.offer,
            before.bid,
            before.delivery,
            before.acceptance,
            before.conflict,
        )
        reasons = [each.reason for each in after.rejected]
    return reasons


def refused(text: str, error: type[ReinError], why: str) -> None:
    """A text is no document at all, and the reason is a sentence with this in it."""
    with pytest.raises(error, match=re.escape(why)) as caught:
        verify(text)
    assert type(caught.value) is error
    assert caught.value.message.isprintable()


def apart(name: str) -> None:
    """A document of the hostile collection moves nothing and is named."""
    hostile = (HOSTILE | IN_DISPUTES)[name]
    [reason] = nothing_moves(hostile.signed)
    assert type(reason) is AuthorityError
    assert hostile.why in reason.message


# ---- S1


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith(("offer with", "bid with"))])
def test_s1_amounts_addresses_and_keys_of_a_peer_are_compared_and_never_adopted(name: str) -> None:
    apart(name)


def test_s1_a_job_cannot_bring_its_own_mediators_address() -> None:
    own = BID.document.worker_payment_address
    with pytest.raises(AuthorityError, match="the mediator's payment address in the job is not the one"):
        fold(job(BOB, ALICE, mediator_payment_address=own), TOLD.documents, TOLD.enrollments)


# ---- S2


@pytest.mark.parametrize(
    "name",
    [
        "bid with another creator's key",
        "bid with another mediator's key",
        "bid with the creator's key as the worker's",
        "offer with another worker's public key",
        "offer with another mediator's public key",
        "offer with another job creator's public key",
        "offer with another primary escrow address",
        "offer with another mediator escrow address",
    ],
)
def test_s2_no_key_or_address_of_an_escrow_can_be_swapped_by_a_signer(name: str) -> None:
    apart(name)


def test_s2_no_key_or_address_can_be_swapped_on_the_way() -> None:
    for label in ("Worker public key", "Primary escrow address", "Mediator escrow address"):
        [theirs] = re.findall(rf"(?m)^{label}: (.*)$", bid(MALLORY, TOLD.job).text)
        swapped = re.sub(rf"(?m)^{label}: .*$", f"{label}: {theirs}", OFFER.armored)
        assert swapped != OFFER.armored
        refused(swapped, BadSignatureError, "the signature does not belong to this text and address")


def test_s2_a_mediators_key_is_the_one_the_mediator_published() -> None:
    """From the published key and all that makes the contract; the worker's program is not asked for another."""
    swapped = bid(CHARLIE, TOLD.job, mediator_public_key=MALLORY.delegate.public_key)
    order = fold(TOLD.job, [swapped], TOLD.enrollments)
    assert (order.bids, order.state) == ((), State.POSTED)
    assert "not the one that belongs to this contract" in order.rejected[0].reason.message


# ---- S4


@pytest.mark.parametrize(
    "name",
    [name for name in [*HOSTILE, *IN_DISPUTES] if " by " in name or name.endswith("'s name")],
)
def test_s4_nobody_speaks_in_a_role_that_is_not_theirs(name: str) -> None:
    apart(name)


def test_s4_an_enrollment_in_the_name_of_somebody_else_is_refused() -> None:
    posing = dataclasses.replace(enroll(ALICE, mediator=True).document, contact="mallory@example.com")
    for key in (MALLORY.master, MALLORY.delegate, ALICE.delegate):
        refused(forged(posing, key), AuthorityError, f"its author would sign as {ALICE.master_address}")


def test_s4_a_namesake_of_the_mediator_is_somebody_else() -> None:
    namesake = enroll(MALLORY, mediator=True, user="Alice", contact=ALICE.contact)
    known = Enrollments([*TOLD.enrollments, namesake])
    posing = job(BOB, ALICE, mediator_enrollment=namesake.id)
    with pytest.raises(AuthorityError, match="the mediator's master address in the job is not the one"):
        fold(posing, [], known)


# ---- S5


@pytest.mark.parametrize("original", [TOLD.job, *TOLD.documents], ids=lambda signed: signed.document.KIND.value)
def test_s5_nothing_outside_the_signature_is_read(original: Signed[Any]) -> None:
    for text in (
        original.armored + "\nPrimary escrow amount (BTC): 0.00000001",
        "Network: mainnet\n" + original.armored,
    ):
        refused(text, ArmorError, "line is not -----")
    refused(
        original.armored.replace(f"\n{END}", f"\nX-note: unsigned\n{END}"),
        ArmorError,
        "does not stand four lines from the end",
    )
    refused(
        original.armored.replace(f"\n{BEGIN_SIGNATURE}", f"\nX-note: unsigned\n{BEGIN_SIGNATURE}"),
        BadSignatureError,
        "does not belong to this text",
    )
    assert verify(original.armored + "\n") == original


def test_s5_unknown_and_repeated_fields_are_refused_even_when_signed() -> None:
    key = BOB.delegate
    for change, why in {
        "\nPrimary escrow amount: 1": "Rein Offer has no field 'Primary escrow amount'",
        "\nBid amount (BTC): 0.00000001": "duplicate field 'Bid amount (BTC)'",
        "\nFormat: 3": "duplicate field 'Format'",
        "\nX-a: b\nNetwork: mainnet": "duplicate field 'Network'",
    }.items():
        refused(rewritten(OFFER, key, lambda text, change=change: text + change), FieldError, why)


# ---- S6


def test_s6_bytes_do_not_move_between_fields() -> None:
    """A value cannot end its line early, and a label cannot begin in the middle of one."""
    tricks = (
        f"x\nJob creator payment address: {BID.document.worker_payment_address}",
        "x\\nTitle: Rein Offer",
        f"x\n{BEGIN_SIGNATURE}\n{MALLORY.delegate_address}\n{'A' * 88}\n{END}\n{BEGIN}\nRein Job",
        "x\u2028Job ID: " + "b" * 20,
        "x\r\nMediator fee: 100.0%",
        "x\x85Mediator fee: 100.0%",
    )
    for trick in tricks:
        posted = job(BOB, ALICE, description=trick)
        again = verify(posted.armored).document
        signature = again.escrow_signature
        assert again == dataclasses.replace(TOLD.job.document, description=trick, escrow_signature=signature)
        assert len(posted.text.splitlines()) == len(TOLD.job.text.splitlines())


def test_s6_a_put_and_a_document_cannot_be_taken_for_each_other() -> None:
    """`/put` signs its parts joined without anything between them: known, so it proves nothing but the signer."""
    nonce = "0" * 32
    signature = sign_put(BOB.delegate, "key", "value", BOB.delegate_address, nonce)
    assert verify_put("keyva", "lue", BOB.delegate_address, nonce, signature)
    key, value = "Rein", OFFER.text.removeprefix("Rein")
    text = put_text(key, value, BOB.delegate_address, nonce)
    refused(armored(text, BOB.delegate), FieldError, "'Escrow key signature': ")
    assert not verify_put(key, value, BOB.delegate_address, nonce, read_armor(OFFER.armored).signature)


# ---- S7


@pytest.mark.parametrize("elsewhere", [MAINNET, TESTNET4, SIGNET], ids=lambda network: network.name)
def test_s7_a_document_of_another_network_moves_nothing(elsewhere: Network) -> None:
    told = story(elsewhere)
    assert nothing_moves(told.job, *told.documents) == []
    bound = bid(person("Charlie", elsewhere), told.job, job_document=TOLD.job.id, previous=TOLD.job.id)
    [reason] = nothing_moves(bound)
    assert reason.message == f"it is for {elsewhere.name}, the job for regtest"
    with pytest.raises(AuthorityError, match="is not known here"):
        fold(told.job, told.documents, TOLD.enrollments)


def test_s7_networks_that_share_their_addresses_are_told_apart_by_the_signed_line() -> None:
    on_signet = story(SIGNET)
    moved = on_signet.job.armored.replace("Network: signet", "Network: testnet4")
    refused(moved, BadSignatureError, "does not belong to this text")
    known = Enrollments([enroll(person(name, TESTNET4), mediator=name == "Alice") for name in ("Alice", "Bob")])
    with pytest.raises(AuthorityError, match="is not known here"):
        fold(on_signet.job, on_signet.documents, known)


@pytest.mark.parametrize(
    "name",
    [
        "bid under another Job ID",
        "bid under another job name",
        "offer under another Job ID",
        "delivery under another job name",
        "acceptance under another Job ID",
        "bid of another network",
        *(name for name in IN_DISPUTES if " under another " in name or name.endswith("of another network")),
    ],
)
def test_s7_a_document_is_bound_to_its_job(name: str) -> None:
    apart(name)


def test_s7_an_offer_replayed_into_the_next_job_of_the_same_people_moves_nothing() -> None:
    """The creator posts the very same job again: same text but for the height, same Job ID, same people."""
    again = job(BOB, ALICE, block_height=TOLD.job.document.block_height + 1)
    order = fold(again, [*TOLD.documents, *DISPUTED.documents], TOLD.enrollments, Evidence(True, True, True))
    assert order.state is State.POSTED
    assert order.documents() == (again,)


@pytest.mark.parametrize("elsewhere", [MAINNET, SIGNET], ids=lambda network: network.name)
def test_s7_a_resolution_replayed_from_another_job_or_network_decides_nothing(elsewhere: Network) -> None:
    for told in (disputed_story(job_id="b" * 20), disputed_story(elsewhere)):
        assert nothing_moves(*told.documents) == []


def test_s7_an_old_version_cannot_be_played_as_a_new_one_nor_the_other_way() -> None:
    old = verify(legacy_documents.OFFER)
    assert isinstance(old.document, LegacyDocument)
    assert nothing_moves(old) == []
    refused(legacy_documents.OFFER.replace("Rein Offer", "Rein Offer\nFormat: 3"), BadSignatureError, "belong")
    refused(OFFER.armored.replace("Format: 3\n", ""), BadSignatureError, "does not belong to this text")


# ---- S8


def test_s8_a_server_that_withholds_documents_can_hold_work_up_but_not_turn_it() -> None:
    ladder = list(State)
    full = folded(*TOLD.documents, evidence=FUNDED)
    for missing in TOLD.documents:
        part = folded(*(each for each in TOLD.documents if each != missing), evidence=FUNDED)
        assert ladder.index(part.state) < ladder.index(full.state)
        assert part.conflict == ()
        assert set(part.documents()) < set(full.documents())
        assert folded(*TOLD.documents, missing, evidence=FUNDED).state is full.state


# ---- S9


def test_s9_a_document_gains_nothing_by_naming_another_block() -> None:
    for height in (0, 2**31 - 1):
        late = offer(BOB, BID, TOLD.job, block_height=height)
        assert folded(BID, OFFER, late).state is State.FROZEN
        for hostile in (
            offer(MALLORY, BID, TOLD.job, block_height=height),
            delivery(MALLORY, OFFER, block_height=height),
            accept(CHARLIE, DELIVERY, block_height=height),
        ):
            [reason] = nothing_moves(hostile)
            assert "may say this" in reason.message


# ---- S10


def test_s10_two_offers_freeze_the_job_and_are_evidence_in_any_order() -> None:
    other = offer(BOB, BID, TOLD.job, mediator_amount=Sat(OFFER.document.mediator_amount + 1))
    for documents in ((BID, OFFER, other), (other, OFFER, BID)):
        order = folded(*documents)
        assert order.state is State.FROZEN
        assert set(order.conflict) == {OFFER, other}
        assert order.offer is None
    for signed in order.conflict:
        assert verify(signed.armored).document.author.master_address == BOB.master_address


def test_s10_two_acceptances_freeze_the_job_and_are_evidence() -> None:
    other = accept(BOB, DELIVERY, mediator_psbt=ACCEPTANCE.document.primary_psbt)
    order = folded(*TOLD.documents, other, evidence=FUNDED)
    assert order.state is State.FROZEN
    assert set(order.conflict) == {ACCEPTANCE, other}
    assert order.acceptance is None


def test_s10_nobody_else_can_freeze_a_job() -> None:
    everything = [each.signed for name, each in HOSTILE.items() if name.startswith(("offer", "acceptance"))]
    everything += [each.signed for name, each in IN_DISPUTES.items() if name.startswith("resolution")]
    assert len(nothing_moves(*everything)) == len(everything)


def test_s10_a_job_that_is_edited_after_a_bid_is_another_job() -> None:
    edited = job(BOB, ALICE, description="Much more work for the same price.", previous=TOLD.job.id)
    order = fold(edited, TOLD.documents, TOLD.enrollments, FUNDED)
    assert order.state is State.POSTED
    assert order.bids == ()
    assert nothing_moves(edited) == []


def test_s10_two_different_decisions_of_a_mediator_freeze_the_job_and_are_evidence() -> None:
    other = resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(0))
    for documents in ((*DISPUTED.documents, other), (other, *reversed(DISPUTED.documents))):
        order = folded(*documents, evidence=FUNDED)
        assert order.state is State.FROZEN
        assert set(order.conflict) == {DISPUTED.resolution, other}
    for signed in order.conflict:
        assert verify(signed.armored).document.author.master_address == ALICE.master_address


# ---- S11


def test_s11_a_mediator_decides_nothing_unasked() -> None:
    """Neither before somebody disputes, nor by disputing, nor about a job that was accepted."""
    decision = resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(0))
    for documents in STEPS[:7]:
        order = folded(decision, *documents[0], evidence=documents[1])
        assert order.state is documents[2]
        assert [each.document for each in order.rejected] == [decision]
    accepted = folded(*DISPUTED.documents[:4], ACCEPTANCE, decision, evidence=FUNDED)
    assert accepted.state is State.ACCEPTED
    for name in ("dispute as creator by the mediator", "dispute as worker by the mediator"):
        apart(name)


def test_s11_a_mediator_awards_no_more_than_the_price() -> None:
    """Less is for the miner, where those who gain give it up."""
    apart("resolution above the price")
    less = resolution(ALICE, DISPUTED.dispute, worker_amount=Sat(PRICE - 9_000), creator_amount=Sat(0))
    assert folded(*DISPUTED.documents[:4], less, evidence=FUNDED).resolutions == (less,)


# ---- S12


def test_s12_whoever_is_left_waiting_can_call_the_mediator() -> None:
    """From the offer on, against silence as well as against work; two of three are enough from there."""
    for complaint in (worker_dispute(CHARLIE, OFFER), creator_dispute(BOB, OFFER)):
        decision = resolution(ALICE, complaint)
        assert folded(BID, OFFER, complaint, evidence=FUNDED).state is State.DISPUTED
        assert folded(BID, OFFER, complaint, decision, evidence=FUNDED).state is State.RESOLVED


# ---- S13


@pytest.mark.parametrize(
    "name",
    [
        "offer with too little in the primary escrow",
        "offer with too little in the mediator's escrow",
        "offer with nothing in the mediator's escrow",
        "offer with another bid amount",
    ],
)
def test_s13_an_escrow_that_could_not_pay_out_is_not_offered(name: str) -> None:
    apart(name)


# ---- S14


def test_s14_no_two_jobs_share_an_escrow() -> None:
    bids = [
        bid(CHARLIE, TOLD.job),
        bid(CHARLIE, job(BOB, ALICE, job_id="b" * 20)),
        bid(CHARLIE, job(BOB, ALICE, description="The same Job ID again.")),
        bid(MALLORY, TOLD.job),
        bid(CHARLIE, job(MALLORY, ALICE)),
    ]
    assert len({each.document.primary_address for each in bids}) == len(bids)
    assert len({each.document.mediator_address for each in bids}) == len(bids)


def test_s14_a_job_id_that_is_used_twice_captures_nothing() -> None:
    theirs = job(MALLORY, ALICE)
    placed = bid(CHARLIE, theirs)
    given = offer(MALLORY, placed, theirs)
    handed_over = delivery(CHARLIE, given)
    assert nothing_moves(theirs, placed, given, handed_over, accept(MALLORY, handed_over)) == []
    order = fold(theirs, TOLD.documents, TOLD.enrollments, Evidence(True, True, True))
    assert (order.state, order.documents(), order.rejected) == (State.POSTED, (theirs,), ())


def test_s14_two_keys_of_one_escrow_are_never_the_same() -> None:
    apart("bid with the creator's key as the worker's")


# ---- S18


def test_s18_a_document_that_arrives_again_and_again_counts_once() -> None:
    assert nothing_moves(*[verify(signed.armored) for signed in (TOLD.job,) * 3]) == []
    order = folded(*TOLD.documents * 3, evidence=FUNDED)
    assert order.state is State.ACCEPTED
    assert order.documents() == (TOLD.job, *TOLD.documents)


# ---- S19


def test_s19_size_is_judged_first_and_the_signature_before_the_fields() -> None:
    refused("x" * 100_000_000, TooLargeError, "more than 65,536 bytes")
    broken = OFFER.armored.replace("Bid amount (BTC): ", "Bid amount: ")
    refused(broken, BadSignatureError, "does not belong to this text")


def test_s19_the_worst_texts_of_the_largest_size_are_refused_soon() -> None:
    room = 65_000
    author = f"Master signing address: {MALLORY.master_address}"
    worst = (
        "Rein Job\nFormat: 3\n" + "Description: " + "\\u{1b}" * (room // 6),
        "Rein Job\nFormat: 3\n" + "Description: " + "-" * room,
        "Rein Job\nFormat: 3\n" + "\n".join(f"X-{number}: a" for number in range(room // 10)),
        "Rein Job\nFormat: 3\n" + "Tags: " + ", ".join(["a"] * (room // 3)),
        "Rein Job\nFormat: 3\n" + "a: b\n" * (room // 5),
        "Rein Job\nFormat: 3\n" + "Mediator master address: " + "z" * room,
        "Rein User Enrollment\nFormat: 3\n" + ": " * (room // 2),
        f"Rein User Enrollment\n{author}\n" + "\n".join(f"{number}:" for number in range(room // 7)) + "\nno label",
    )
    started = process_time()
    for text in worst:
        with pytest.raises(DocumentError) as caught:
            verify(armored(text, MALLORY.delegate))
        assert len(caught.value.message) < 300
    assert process_time() - started < 2


def test_s19_a_forgery_cannot_take_the_place_of_the_true_document() -> None:
    """A cache that remembered ids before checking signatures could be filled with forgeries (threats.md)."""
    data = bytearray(b64decode(read_armor(OFFER.armored).signature))
    data[40] ^= 1
    forgery = OFFER.armored.replace(read_armor(OFFER.armored).signature, b64encode(bytes(data)).decode())
    refused(forgery, BadSignatureError, "does not belong to this text and address")
    assert folded(BID, verify(OFFER.armored)).offer == OFFER


@pytest.mark.long
def test_s19_a_worker_cannot_make_everybody_walk_a_long_chain_over_and_over() -> None:
    chain = [DELIVERY]
    for number in range(1_500):
        chain.append(delivery(CHARLIE, chain[-1], deliverables=str(number)))
    started = process_time()
    order = folded(BID, OFFER, *chain, ACCEPTANCE, evidence=FUNDED)
    assert process_time() - started < 1
    assert order.state is State.ACCEPTED
    assert order.delivery == DELIVERY


# ---- S20


def test_s20_a_thousand_strangers_change_nothing_and_cost_little() -> None:
    spam = [bid(person("Eve"), TOLD.job, description=str(number)) for number in range(1_000)]
    started = process_time()
    order = folded(*spam, *TOLD.documents, evidence=FUNDED)
    assert process_time() - started < 1
    assert order.state is State.ACCEPTED
    assert order.bids == (BID,)
    assert len(order.rejected) == 1_000
    assert all("is not known here" in each.reason.message for each in order.rejected)


# ---- S21


def test_s21_a_text_is_what_its_first_line_says_and_nothing_it_quotes() -> None:
    """On the servers of 2016 any text with the line `Rein Job` in it was a job."""
    quoting = delivery(CHARLIE, OFFER, deliverables=f"\nRein Job\n{TOLD.job.armored}")
    assert verify(quoting.armored).document.KIND.value == "delivery"
    assert not re.search(r"(?m)^Rein Job$", quoting.armored)
    refused(armored(f"Hello\n{TOLD.job.text}", BOB.delegate), FieldError, "not the title of a Rein document")
    refused(
        armored(f"Hello\nFormat: 3\n{TOLD.job.text}", BOB.delegate), FieldError, "not a type of document that this Rein"
    )
    refused(TOLD.job.text, ArmorError, "the first line is not -----BEGIN")


def test_s21_one_type_cannot_pass_for_another() -> None:
    for title, why in {
        "Rein Bid": "has no field",
        "Rein Accept Delivery": "has no field",
        "Rein Job": "has no field",
    }.items():
        text = rewritten(OFFER, BOB.delegate, lambda text, title=title: text.replace("Rein Offer", title, 1))
        refused(text, FieldError, why)


# ---- S24


def test_s24_no_document_carries_a_control_character_however_it_is_made() -> None:
    nasty = "\x1b]0;owned\x07\x1b[2J\u2028\x9b31m\x7f"
    signed = job(BOB, ALICE, name=nasty, creator=nasty, creator_contact=nasty, description=nasty)
    assert [char for char in signed.armored if not (char.isprintable() or char == "\n")] == []
    raw = rewritten(TOLD.job, BOB.delegate, lambda text: text.replace("A Software Widget", "A\x1b[2JWidget", 1))
    refused(raw, FieldError, "the value of 'Job name' is not written the one way it can be written")
    label = armored(TOLD.job.text + "\nX-\x1b[2J: a", BOB.delegate)
    refused(label, FieldError, "is not a label of an extension")


# ---- S26


def test_s26_a_document_from_a_newer_rein_is_refused_with_advice_and_never_half_read() -> None:
    for old, new in {
        "Format: 3": "Format: 4",
        "Rein Offer": "Rein Offer Part",
        "Network: regtest": "Network: testnet5",
    }.items():
        text = rewritten(OFFER, BOB.delegate, lambda text, old=old, new=new: text.replace(old, new, 1))
        with pytest.raises(FieldError) as caught:
            verify(text)
        assert new.removeprefix("Network: ") in caught.value.message
    newer = rewritten(OFFER, BOB.delegate, lambda text: text + "\nEscrow type: taproot")
    with pytest.raises(FieldError, match="has no field 'Escrow type'") as caught:
        verify(newer)
    assert caught.value.hint == "It may come from a newer Rein: try upgrading."


# ---- S27


@pytest.mark.parametrize("original", [TOLD.job, *TOLD.documents], ids=lambda signed: signed.document.KIND.value)
def test_s27_a_signature_spelled_anew_is_neither_a_new_document_nor_a_conflict(original: Signed[Any]) -> None:
    again = verify(respelled(original.armored))
    assert again.armored != original.armored
    assert (again, again.id, hash(again)) == (original, original.id, hash(original))
    order = folded(*TOLD.documents, again, evidence=FUNDED)
    assert order.state is State.ACCEPTED
    assert order.conflict == ()
    assert order.rejected == ()


def test_s27_other_spellings_of_a_signature_are_refused() -> None:
    signature = read_armor(OFFER.armored).signature
    data = b64decode(signature)
    for other in (
        signature[:-1],
        signature + "=",
        signature[:44] + "\n" + signature[44:],
        b64encode(bytes([data[0] - 4]) + data[1:]).decode(),
        b64encode(bytes([data[0] + 4]) + data[1:]).decode(),
        b64encode(data + b"\x00").decode(),
        data.hex(),
    ):
        with pytest.raises((BadSignatureError, ArmorError)):
            verify(OFFER.armored.replace(signature, other))
