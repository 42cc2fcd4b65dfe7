"""Messages: who can open what, what cannot be changed or moved, and whose messages belong to an order."""

from __future__ import annotations

import dataclasses
import itertools
from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.keys import PrivateKey
from rein.errors import FieldError, KeyMaterialError
from rein.protocol import sealing
from rein.protocol.documents import Bid, Role
from rein.protocol.enrollments import Enrollments
from rein.protocol.limits import MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES
from rein.protocol.orders import Order, fold
from rein.protocol.sealing import seal, shared_key, unseal
from rein.protocol.signed import Signed, sign, verify
from rein.protocol.values import DocumentId
from tests.protocol.test_documents_golden import DISCLOSURE as GOLDEN_DISCLOSURE
from tests.protocol.test_documents_golden import MESSAGE as GOLDEN_MESSAGE
from tests.support.people import (
    Named,
    bid,
    conversation_key,
    disclosure,
    disputed_story,
    enroll,
    forged,
    job,
    message_key,
    offer,
    person,
    sealed_message,
    story,
    with_changes,
)
from tests.support.texts import any_text

TOLD = story()
ALICE, BOB, CHARLIE, MALLORY = TOLD.mediator, TOLD.creator, TOLD.worker, person("Mallory")
CREATOR, WORKER, MEDIATOR = (BOB, Role.CREATOR), (CHARLIE, Role.WORKER), (ALICE, Role.MEDIATOR)
PAIRS = [*itertools.permutations((CREATOR, WORKER, MEDIATOR), 2)]

KEY = bytes(range(32))
OTHER_JOB = DocumentId("ab" * 32)


def text_of(signed: Signed[Any], key: bytes) -> str:
    return unseal(key, signed.document.sealed, signed.document.associated_data())


def order_of(*documents: Signed[Any], said: tuple[Signed[Any], ...] = TOLD.documents) -> Order:
    return fold(TOLD.job, [*said, *documents], TOLD.enrollments)


# ---- sealing


@given(any_text.filter(bool))
def test_what_is_sealed_opens(text: str) -> None:
    assert unseal(KEY, seal(KEY, text, b"about"), b"about") == text


@pytest.mark.parametrize("text", ["x\x80", "\x80", "\ufffd", "é" * 127, "x" * 255, "x" * 256, "-----BEGIN"])
def test_padding_keeps_every_text(text: str) -> None:
    assert unseal(KEY, seal(KEY, text, b""), b"") == text


def test_lengths_are_hidden_up_to_blocks() -> None:
    lengths = {len(seal(KEY, "x" * count, b"")) for count in (1, 2, 100, 255)}
    assert len(lengths) == 1
    assert len(seal(KEY, "x" * 256, b"")) > lengths.pop()


def test_no_two_sealed_texts_are_alike() -> None:
    """Nor do they share a key: 100 of one text differ in every part."""
    parts = [b64decode(seal(KEY, "Yes.", b"")) for _ in range(100)]
    for start, end in ((0, 32), (32, 64), (64, 80), (80, None)):
        assert len({part[start:end] for part in parts}) == 100


@pytest.mark.parametrize("position", [0, 31, 32, 63, 64, 200, -1])
def test_a_changed_byte_opens_nothing(position: int) -> None:
    data = bytearray(b64decode(seal(KEY, "Yes.", b"about")))
    data[position] ^= 1
    with pytest.raises(FieldError, match=r"another key|was changed"):
        unseal(KEY, b64encode(data).decode(), b"about")


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "!", "A" * 400, "AAAA\n"])
def test_what_is_no_sealed_text_is_refused(sealed: str) -> None:
    with pytest.raises(FieldError):
        unseal(KEY, sealed, b"")


def test_a_sealed_text_has_one_spelling() -> None:
    sealed = seal(KEY, "x" * 256, b"")  # two blocks, so that base64 has bits to spare
    assert sealed.endswith("=")
    last = sealed.rstrip("=")[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    respelled = sealed.replace(f"{last}=", f"{alphabet[alphabet.index(last) + 1]}=")
    assert b64decode(respelled) == b64decode(sealed)
    with pytest.raises(FieldError, match="not spelled"):
        unseal(KEY, respelled, b"")


def test_a_sealed_text_stays_where_it_was_put() -> None:
    sealed = seal(KEY, "I accept.", b"about this job")
    with pytest.raises(FieldError, match="belongs to another document"):
        unseal(KEY, sealed, b"about that job")


def test_one_sealed_text_cannot_open_under_two_keys() -> None:
    """ChaCha20-Poly1305 alone would let a hostile sender make such a text. The commitment names one key: with another
    in its place the honest receiver reads nothing, so nobody can be shown what he did not read."""
    other, told = bytes(32), b"I pay nothing.\x80".ljust(256, b"\0")
    data = b64decode(seal(KEY, "I pay double.", b""))
    salt = data[:32]
    key, commitment = sealing._keys_of_text(other, salt)
    for forged_commitment in (data[32:64], commitment):
        again = salt + forged_commitment + ChaCha20Poly1305(key).encrypt(bytes(12), told, b"")
        opens = []
        for candidate in (KEY, other):
            try:
                opens.append(unseal(candidate, b64encode(again).decode(), b""))
            except FieldError:
                continue
        assert len(opens) <= 1


@pytest.mark.parametrize(
    ("head", "length"),
    [(b"\x80", 256), (b"x", 256), (b"x\x80\x01", 256), (b"x\x80", 512), (b"\xff\x80", 256), (b"a\0b\x80", 256)],
)
def test_hostile_padding_and_text_is_refused(head: bytes, length: int) -> None:
    salt = bytes(32)
    key, commitment = sealing._keys_of_text(KEY, salt)
    data = salt + commitment + ChaCha20Poly1305(key).encrypt(bytes(12), head.ljust(length, b"\0"), b"")
    with pytest.raises(FieldError):
        unseal(KEY, b64encode(data).decode(), b"")


def test_a_message_has_bounds_and_fits_into_a_document() -> None:
    sent = sealed_message(WORKER, CREATOR, TOLD.offer, "x" * MAX_MESSAGE_BYTES)
    assert len(sent.armored.encode()) < MAX_DOCUMENT_BYTES
    assert verify(sent.armored) == sent
    for text, why in {"": "empty", "é" * MAX_MESSAGE_BYTES: "at most", "a\x00": "NUL", "\ud800": "surrogate"}.items():
        with pytest.raises(FieldError, match=why):
            seal(KEY, text, b"")


# ---- the shared key


@given(st.integers(1, 2**128), st.integers(1, 2**128))
def test_both_sides_share_a_key(one: int, other: int) -> None:
    mine, theirs = (PrivateKey(number.to_bytes(32, "big")) for number in (one, other))
    shared = shared_key(mine, theirs.public_key, TOLD.job.id)
    assert shared == shared_key(theirs, mine.public_key, TOLD.job.id)
    assert shared != shared_key(mine, theirs.public_key, OTHER_JOB)


def test_a_disclosed_key_is_of_one_job_and_one_pair() -> None:
    """The same two people, the same Job ID even: another job document, another key."""
    again = job(BOB, ALICE, description="again")
    documents: tuple[Signed[Any], ...] = (TOLD.job, again, job(BOB, ALICE, job_id="b" * 20))
    keys = {conversation_key(one, other, answers) for answers in documents for one, other in PAIRS}
    assert len(keys) == 3 * len(documents)


def test_what_is_no_key_shares_nothing() -> None:
    with pytest.raises(KeyMaterialError, match="not a point"):
        shared_key(PrivateKey(KEY), b"\x02" + b"\xff" * 32, TOLD.job.id)


def test_golden_texts_open_under_typed_keys() -> None:
    """Whoever changes the key agreement or the sealing by accident hears of it."""
    asked, shown = verify(GOLDEN_MESSAGE), verify(GOLDEN_DISCLOSURE)
    pair = bytes.fromhex("1e29c34dd61f81f54d75183424ccf3318549571f94488c6e865dd23aacf2ed08")
    to_mediator = bytes.fromhex("30fb46eb4d0cfbb2b486571bf70a22f51c2e8bee5691ace2d3965a75c0eaee95")
    assert text_of(asked, pair) == "Shall I begin?\n\u2028 café"
    assert text_of(shown, to_mediator) == pair.hex()
    assert shared_key(message_key(*WORKER, asked), asked.document.to_key, asked.document.job_document) == pair


# ---- in an order


@pytest.mark.parametrize(("sender", "receiver"), PAIRS, ids=lambda each: each[1].value)
def test_each_of_the_three_may_write_to_each_other(sender: Named, receiver: Named) -> None:
    sent = sealed_message(sender, receiver, TOLD.delivery, "Hello.")
    order = order_of(sent)
    assert order.messages == (sent,)
    assert order.rejected == ()
    assert sent in order.documents()
    assert text_of(sent, conversation_key(receiver, sender, TOLD.job)) == "Hello."


@pytest.mark.parametrize("before", range(len(disputed_story().documents) + 1))
def test_messages_change_no_state(before: int) -> None:
    said = disputed_story().documents[:before]
    silent = order_of(said=said)
    talked = order_of(
        *(sealed_message(MEDIATOR, CREATOR, answers, "?") for answers in (TOLD.job, *said)),
        sealed_message(CREATOR, MEDIATOR, TOLD.job, "!"),
        said=said,
    )
    assert dataclasses.replace(talked, messages=()) == silent
    assert len(talked.messages) == before + 2


def test_a_bidder_writes_before_there_is_an_offer_and_only_in_his_own_name() -> None:
    mine = sealed_message(WORKER, CREATOR, TOLD.bid, "May it be blue?")
    of_mallory = bid(MALLORY, TOLD.job)
    hers = sealed_message((MALLORY, Role.WORKER), CREATOR, of_mallory, "Or red?")
    order = order_of(mine, hers, said=(TOLD.bid, of_mallory))
    assert set(order.messages) == {mine, hers}
    assert order_of(mine, hers, said=(TOLD.bid,)).messages == (mine,)
    keys = [conversation_key(each, CREATOR, TOLD.job) for each in (WORKER, (MALLORY, Role.WORKER))]
    assert text_of(mine, keys[0]) == "May it be blue?"
    with pytest.raises(FieldError, match="another key"):
        text_of(mine, keys[1])


def apart(signed: Signed[Any], *more: Signed[Any]) -> str:
    order = order_of(signed, *more)
    assert signed not in order.messages
    assert order.state is order_of().state
    [found] = [each for each in order.rejected if each.document == signed]
    return found.reason.message


def test_a_stranger_cannot_write_in_a_role() -> None:
    """S4: nobody speaks as a party but by the key that the documents of the job name."""
    for role in Role:
        receiver = CREATOR if role is not Role.CREATOR else WORKER
        sent = sealed_message((MALLORY, role), receiver, TOLD.offer, "Pay me instead.")
        assert f"is not the {role.value} of this job" in apart(sent)
        sent = sealed_message(receiver, (MALLORY, role), TOLD.offer, "For you.")
        assert f"is not the {role.value} of this job" in apart(sent)


def test_the_keys_must_be_those_of_the_job() -> None:
    """Otherwise somebody could write so that only a key of his own choice opens it, and disclose that one."""
    sent = sealed_message(WORKER, CREATOR, TOLD.offer, "Hello.")
    strange = PrivateKey(KEY).public_key
    for name in ("from_key", "to_key"):
        changed = with_changes(sent, CHARLIE.delegate, **{name: strange})
        assert "that is not the message key of the" in apart(changed)
    shown = disclosure(WORKER, CREATOR, ALICE, TOLD.offer)
    assert "message key of the creator" in apart(with_changes(shown, CHARLIE.delegate, other_key=strange))
    assert "is not the creator" in apart(with_changes(shown, CHARLIE.delegate, other_address=MALLORY.master_address))


def test_a_thief_of_the_name_alone_is_kept_apart() -> None:
    sent = sealed_message(WORKER, CREATOR, TOLD.offer, "Hello.")
    document = dataclasses.replace(sent.document, delegate_address=MALLORY.delegate_address)
    assert "is not a delegate" in apart(verify(forged(document, MALLORY.delegate)))


def test_who_takes_no_messages_gets_none() -> None:
    quiet = enroll(ALICE, True, mediator_message_xpub=None)
    posted = job(BOB, ALICE, quiet, creator_message_key=None)
    placed = bid(CHARLIE, posted, worker_message_key=None)
    known = Enrollments([quiet, enroll(BOB), enroll(CHARLIE)])
    sent = [sealed_message(one, other, placed, "Hello?") for one, other in PAIRS]
    order = fold(posted, [placed, offer(BOB, placed, posted), *sent], known)
    assert order.messages == ()
    assert len(order.rejected) == len(sent)
    assert order.offer is not None


def test_an_escrow_key_is_used_for_nothing_else() -> None:
    """S11."""
    posted, placed = TOLD.job.document, TOLD.bid.document
    for signed, key, change in (
        (TOLD.job, BOB.delegate, {"creator_message_key": posted.creator_public_key}),
        (TOLD.bid, CHARLIE.delegate, {"worker_message_key": placed.worker_public_key}),
    ):
        document = dataclasses.replace(signed.document, **change)
        with pytest.raises(FieldError, match="used for nothing else"):
            sign(document, key)
        with pytest.raises(FieldError, match="used for nothing else"):
            verify(forged(document, key))
    mediates = enroll(ALICE, True)
    with pytest.raises(FieldError, match="each has one purpose"):
        with_changes(mediates, ALICE.master, mediator_message_xpub=mediates.document.mediator_escrow_xpub)
    with pytest.raises(FieldError, match="willingness to mediate only"):
        with_changes(enroll(BOB), BOB.master, mediator_message_xpub=mediates.document.mediator_message_xpub)


def test_nobody_writes_to_himself() -> None:
    sent = sealed_message(WORKER, CREATOR, TOLD.offer, "Hello.").document
    for change in (
        {"to_role": Role.WORKER},
        {"to_address": CHARLIE.master_address},
        {"to_key": sent.from_key},
    ):
        with pytest.raises(FieldError, match="from one party of a job to another"):
            verify(forged(dataclasses.replace(sent, **change), CHARLIE.delegate))


def test_a_conversation_is_disclosed_to_the_mediator_only() -> None:
    shown = disclosure(WORKER, CREATOR, ALICE, TOLD.offer).document
    for change, why in (
        ({"to_role": Role.CREATOR}, "to the mediator"),
        ({"other_address": ALICE.master_address}, "neither who discloses it nor the mediator"),
        ({"other_address": CHARLIE.master_address}, "neither who discloses it nor the mediator"),
    ):
        with pytest.raises(FieldError, match=why):
            verify(forged(dataclasses.replace(shown, **change), CHARLIE.delegate))


def test_the_mediator_reads_what_is_disclosed_and_nothing_else() -> None:
    asked = sealed_message(WORKER, CREATOR, TOLD.offer, "Is it enough?")
    said = sealed_message(CREATOR, WORKER, asked, "It is perfect.")
    of_mallory = bid(MALLORY, TOLD.job)
    private = sealed_message((MALLORY, Role.WORKER), CREATOR, of_mallory, "Take me instead.")
    shown = disclosure(WORKER, CREATOR, ALICE, said)
    key = bytes.fromhex(text_of(shown, conversation_key(MEDIATOR, WORKER, TOLD.job)))
    assert [text_of(each, key) for each in (asked, said)] == ["Is it enough?", "It is perfect."]
    with pytest.raises(FieldError):
        text_of(private, key)
    with pytest.raises(FieldError):
        text_of(sealed_message(MEDIATOR, CREATOR, TOLD.offer, "Between us."), key)


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 3), max_size=8))
def test_an_answer_is_read_after_what_it_answers_in_whatever_order_they_came(random: Any, heights: list[int]) -> None:
    said: list[Signed[Any]] = [TOLD.offer]
    for number, height in enumerate(heights):
        said.append(
            sealed_message(*PAIRS[number % 2], random.choice(said), "?", sealed="AAAA", block_height=200 + height)
        )
    shuffled = said[1:]
    random.shuffle(shuffled)
    found = order_of(*shuffled).messages
    assert found == order_of(*said[1:]).messages
    assert set(found) == set(said[1:])
    place = {each.id: number for number, each in enumerate(found)}
    for each in found:
        assert place.get(each.document.previous, -1) < place[each.id]


def test_a_withheld_message_hides_no_other() -> None:
    """S8: a server that gives every message but the first."""
    first = sealed_message(WORKER, CREATOR, TOLD.offer, "One")
    second = sealed_message(CREATOR, WORKER, first, "Two")
    assert order_of(second).messages == (second,)
    assert order_of(second, first).messages == (first, second)


def test_a_bid_twice_may_have_two_keys() -> None:
    second: Signed[Bid] = bid(CHARLIE, TOLD.job, description="Cheaper.", worker_message_key=PrivateKey(KEY).public_key)
    sent = sealed_message(WORKER, CREATOR, second, "?", from_key=second.document.worker_message_key)
    assert sent in order_of(sent, second).messages
