"""What `sign` makes, `verify` reads; nothing else passes, and nothing that passes is another document."""

from __future__ import annotations

import dataclasses
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rein.btc import message
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4
from rein.errors import AuthorityError, BadSignatureError, DocumentError, FieldError, ReinError, TooLargeError
from rein.protocol import fields, job_keys
from rein.protocol.armor import BEGIN, BEGIN_SIGNATURE, END, Armored, read_armor
from rein.protocol.documents import TYPES, Document, EscrowSigned, Offer, Role
from rein.protocol.documents.enrollment import possession_text
from rein.protocol.documents.legacy import LegacyDocument
from rein.protocol.fields import lines_of
from rein.protocol.limits import MAX_CONTACT, MAX_DOCUMENT_BYTES, MAX_NAME, MAX_TEXT
from rein.protocol.signed import Signed, sign, text_id, verify
from rein.protocol.text import escape
from rein.protocol.values import CONTACT, NAME, TEXT, DocumentId
from tests.support import legacy_documents
from tests.support.people import (
    PRICE,
    armored,
    bid,
    delivery,
    disputed_story,
    enroll,
    fee_address,
    forged,
    job,
    messages_of_story,
    person,
    rating,
    refunded_story,
    respelled,
    rewritten,
    sealed_bid_of_story,
    story,
    with_changes,
)
from tests.support.texts import any_string, any_text, nasty_text

STORY, DISPUTED, REFUNDED = story(), disputed_story(), refunded_story()
ALICE, BOB, CHARLIE, MALLORY = (person(name) for name in ("Alice", "Bob", "Charlie", "Mallory"))
MESSAGE, DISCLOSURE = messages_of_story()
ENROLLMENT = enroll(ALICE, mediator=True)

SIGNERS: tuple[tuple[Signed[Any], PrivateKey], ...] = (
    (ENROLLMENT, ALICE.master),
    (STORY.job, BOB.delegate),
    (STORY.bid, CHARLIE.delegate),
    (STORY.offer, BOB.delegate),
    (STORY.delivery, CHARLIE.delegate),
    (STORY.acceptance, BOB.delegate),
    (DISPUTED.dispute, BOB.delegate),
    (DISPUTED.counter, CHARLIE.delegate),
    (DISPUTED.settlement, BOB.delegate),
    (DISPUTED.resolution, ALICE.delegate),
    (DISPUTED.accepted, CHARLIE.delegate),
    (REFUNDED.agreed, CHARLIE.delegate),
    (MESSAGE, CHARLIE.delegate),
    (DISCLOSURE, BOB.delegate),
    (sealed_bid_of_story(), CHARLIE.delegate),
    (rating(BOB, STORY.offer, Role.CREATOR, CHARLIE, Role.WORKER), BOB.delegate),
)
OF_2016 = tuple(
    verify(text)
    for text in (
        legacy_documents.ENROLLMENT_BOB,
        legacy_documents.ENROLLMENT_ALICE,
        legacy_documents.JOB,
        legacy_documents.BID,
        legacy_documents.OFFER,
    )
)
EVERYTHING = tuple(signed for signed, _ in SIGNERS) + OF_2016

each_type = pytest.mark.parametrize(
    ("signed", "key"), SIGNERS, ids=lambda each: each.document.KIND.value if isinstance(each, Signed) else ""
)
any_signed = st.sampled_from(EVERYTHING)
any_pair = st.sampled_from(SIGNERS)


def test_every_type_is_tried() -> None:
    assert {type(signed.document) for signed, _ in SIGNERS} == set(TYPES)


@each_type
def test_what_is_signed_verifies_as_itself(signed: Signed[Any], key: PrivateKey) -> None:
    again = verify(signed.armored)
    assert again == signed
    assert again.document == signed.document
    assert again.armored == signed.armored
    assert again.text == read_armor(signed.armored).text
    assert again.address == signed.document.author.signing_address
    assert with_changes(signed, key).armored == signed.armored


@each_type
def test_the_id_is_the_hash_of_the_signed_text(signed: Signed[Any], key: PrivateKey) -> None:
    assert signed.id == sha256(signed.text.encode()).hex() == text_id(signed.text)


@each_type
def test_another_spelling_of_the_signature_is_the_same_document(signed: Signed[Any], key: PrivateKey) -> None:
    other = verify(respelled(signed.armored))
    assert other.armored != signed.armored
    assert other == signed
    assert hash(other) == hash(signed)
    assert other.id == signed.id


@each_type
def test_a_document_is_not_signed_with_somebody_elses_key(signed: Signed[Any], key: PrivateKey) -> None:
    with pytest.raises(AuthorityError, match="but its author would sign as"):
        sign(signed.document, MALLORY.delegate)


@each_type
def test_a_document_signed_with_somebody_elses_key_is_refused(signed: Signed[Any], key: PrivateKey) -> None:
    with pytest.raises(AuthorityError, match=f"signed by {MALLORY.delegate_address}, but its author"):
        verify(forged(signed.document, MALLORY.delegate))


@each_type
def test_the_key_uncompressed_is_another_signer(signed: Signed[Any], key: PrivateKey) -> None:
    with pytest.raises(AuthorityError, match="but its author would sign as"):
        verify(forged(signed.document, dataclasses.replace(key, compressed=False)))


@each_type
def test_an_address_in_the_spelling_of_another_network_is_another_signer(signed: Signed[Any], key: PrivateKey) -> None:
    with pytest.raises(AuthorityError, match="but its author would sign as"):
        verify(armored(signed.text, key, MAINNET))


@each_type
def test_a_signature_under_another_address_is_refused(signed: Signed[Any], key: PrivateKey) -> None:
    text = signed.armored.replace(f"\n{signed.address}\n", f"\n{MALLORY.delegate_address}\n")
    text = text if text != signed.armored else signed.armored.replace(signed.address, MALLORY.delegate_address)
    with pytest.raises(BadSignatureError, match=r"^the signature does not belong to this text and address$") as caught:
        verify(text)
    assert caught.value.hint == "The text was changed after signing, or somebody else signed it."


def test_documents_differ_when_their_texts_or_signers_do() -> None:
    assert STORY.job != job(BOB, ALICE, description="something else")
    assert STORY.job != verify(legacy_documents.JOB)
    assert STORY.job != STORY.job.text
    other_signer = dataclasses.replace(STORY.job, address=MALLORY.delegate_address)
    assert STORY.job != other_signer


BAD_SIGNATURES = {
    "none": "",
    "not base64": "!" * 88,
    "too short": b64encode(bytes(64)).decode(),
    "too long": b64encode(bytes(66)).decode(),
    "all zero": b64encode(bytes([31]) + bytes(64)).decode(),
    "header 0": b64encode(bytes(65)).decode(),
    "header 35 (segwit)": b64encode(bytes([35]) + b64decode(read_armor(STORY.job.armored).signature)[1:]).decode(),
    "a blank before": " " + read_armor(STORY.job.armored).signature,
    "a blank after": read_armor(STORY.job.armored).signature + " ",
    "without padding": read_armor(STORY.job.armored).signature.rstrip("="),
    "of another document": read_armor(STORY.offer.armored).signature,
    "60,000 letters": "A" * 60_000,
}


@pytest.mark.parametrize("signature", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES)
def test_a_bad_signature_is_refused(signature: str) -> None:
    parts = dataclasses.replace(read_armor(STORY.job.armored), signature=signature)
    with pytest.raises(BadSignatureError):
        verify(str(parts))


@pytest.mark.parametrize(
    "address", ["", "x", "1" * 60_000, STORY.bid.document.primary_address, "é", " " + STORY.job.address]
)
def test_a_bad_address_is_refused(address: str) -> None:
    with pytest.raises(BadSignatureError):
        verify(str(dataclasses.replace(read_armor(STORY.job.armored), address=address)))


@pytest.mark.parametrize("escrow_key", [None, MALLORY.delegate], ids=["none", "a stranger's"])
def test_nothing_is_signed_without_the_escrow_key_that_it_names(escrow_key: PrivateKey | None) -> None:
    with pytest.raises(AuthorityError) as caught:
        sign(STORY.job.document, BOB.delegate, escrow_key)
    assert caught.value.message == "a Rein Job is signed by its author's escrow key, and this is not it"


def test_a_document_without_an_escrow_key_is_signed_by_none() -> None:
    offered = STORY.offer
    key = offered.document.creator_public_key
    assert offered.is_signed_by_escrow_key(key)
    bare = dataclasses.replace(offered, document=dataclasses.replace(offered.document, escrow_signature=None))
    for signed in (bare, ENROLLMENT, verify(legacy_documents.JOB)):
        assert not signed.is_signed_by_escrow_key(key)


# ---- formats and titles


@pytest.mark.parametrize(
    "line", ["Format: 2", "Format: 4", "Format: ", "Format: 3 ", "Format: 03", "Format:3", "Format:"]
)
def test_an_unknown_format_is_refused_and_never_read_as_one_of_2016(line: str) -> None:
    text = rewritten(STORY.job, BOB.delegate, lambda text: text.replace("Format: 3", line, 1))
    with pytest.raises(FieldError, match="is not a format this Rein knows") as caught:
        verify(text)
    assert "upgrading" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "title", ["Rein Dispute Offer ", "Rein Ratings", "rein job", "Rein Job ", " Rein Job", "Rein", "\x1b[2J", "x" * 999]
)
def test_an_unknown_title_is_refused(title: str) -> None:
    text = rewritten(STORY.job, BOB.delegate, lambda text: text.replace("Rein Job", title, 1))
    with pytest.raises(FieldError, match="is not a type of document that this Rein knows") as caught:
        verify(text)
    assert len(caught.value.message) < 200


def test_of_what_is_not_known_forty_letters_are_shown() -> None:
    newer = "It comes from a newer Rein: try upgrading."
    for known, unknown, why, hint in (
        ("Format: 3", "Format: " + "9" * 99, f"'Format: {'9' * 32}' is not a format this Rein knows", newer),
        ("Rein Job", "x" * 99, f"'{'x' * 40}' is not a type of document that this Rein knows", "Try upgrading."),
    ):
        with pytest.raises(FieldError) as caught:
            verify(rewritten(STORY.job, BOB.delegate, lambda text, a=known, b=unknown: text.replace(a, b, 1)))
        assert (caught.value.message, caught.value.hint) == (why, hint)


def test_a_text_without_a_format_is_one_of_2016() -> None:
    text = rewritten(ENROLLMENT, ALICE.master, lambda text: text.replace("Format: 3\n", "", 1))
    document = verify(text).document
    assert isinstance(document, LegacyDocument)
    assert not isinstance(document, Document)


@each_type
def test_no_type_is_read_as_another(signed: Signed[Any], key: PrivateKey) -> None:
    for cls in TYPES:
        if cls is type(signed.document):
            continue
        text = rewritten(signed, key, lambda text, cls=cls: text.replace(signed.document.TITLE, cls.TITLE, 1))
        with pytest.raises(FieldError):
            verify(text)


# ---- what each type checks of itself


MAINNET_STORY = story(MAINNET)
BC1 = MAINNET_STORY.bid.document.primary_address
TB1 = story(SIGNET).bid.document.primary_address
BCRT1 = STORY.bid.document.primary_address
ONE = person("Bob", MAINNET).master_address

CONTRADICTIONS: dict[str, tuple[Signed[Any], PrivateKey, dict[str, Any], str]] = {
    "enrollment with a delegate of another network": (
        ENROLLMENT,
        ALICE.master,
        {"delegate_address": ONE},
        "Delegate signing address: that address is not of regtest",
    ),
    "enrollment that delegates to itself": (
        ENROLLMENT,
        ALICE.master,
        {"delegate_address": ALICE.master_address},
        "they must differ",
    ),
    "enrollment with the number of somebody else": (
        ENROLLMENT,
        ALICE.master,
        {"sin": enroll(BOB).document.sin},
        "Secure Identity Number is not that of",
    ),
    "mediator who is not willing": (ENROLLMENT, ALICE.master, {"willing_to_mediate": False}, "all or none"),
    "mediator without a fee": (ENROLLMENT, ALICE.master, {"mediator_fee": None}, "all or none"),
    "mediator without an escrow branch": (ENROLLMENT, ALICE.master, {"mediator_escrow_xpub": None}, "all or none"),
    "mediator without a payment address": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_payment_address": None},
        "all or none",
    ),
    "mediator without proof of the branch": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_escrow_signature": None},
        "all or none",
    ),
    "mediator with the branch of another": (
        ENROLLMENT,
        ALICE.master,
        {
            "mediator_escrow_xpub": enroll(MALLORY, True).document.mediator_escrow_xpub,
            "mediator_escrow_signature": enroll(MALLORY, True).document.mediator_escrow_signature,
        },
        "not signed by itself for this identity and network",
    ),
    "mediator without a public key": (ENROLLMENT, ALICE.master, {"mediator_public_key": None}, "all or none"),
    "willing without any terms": (enroll(BOB), BOB.master, {"willing_to_mediate": True}, "all or none"),
    "mediator with another public key": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_public_key": BOB.delegate.public_key},
        "not that of the delegate",
    ),
    "mediator who is paid on another network": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_payment_address": fee_address(person("Alice", MAINNET))},
        "not a bech32 address of regtest",
    ),
    "mediator who gives away the private branch": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_escrow_xpub": ALICE.tree.derive(job_keys.MEDIATOR_ESCROW).to_string()},
        "private extended key",
    ),
    "mediator with a branch of another network": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_escrow_xpub": person("Alice", MAINNET).xpub(job_keys.MEDIATOR_ESCROW)},
        "Mediator escrow extended key: that is not an extended key of regtest",
    ),
    "mediator with a damaged branch": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_escrow_xpub": "tpub" + "1" * 100},
        "Mediator escrow extended key: that is not an extended key",
    ),
    "mediator with a branch below which nothing fits": (
        ENROLLMENT,
        ALICE.master,
        {"mediator_escrow_xpub": ALICE.tree.derive([0] * 252).to_public().to_string()},
        "Mediator escrow extended key: there is no key at that derivation path",
    ),
    "job paid back to another network": (
        STORY.job,
        BOB.delegate,
        {"creator_payment_address": BC1},
        "is not a bech32 address of regtest",
    ),
    "job whose mediator is paid on another network": (
        STORY.job,
        BOB.delegate,
        {"mediator_payment_address": TB1},
        "is not a bech32 address of regtest",
    ),
    "job whose creator lives on another network": (
        STORY.job,
        BOB.delegate,
        {"creator_master_address": ONE},
        "Job creator master address: that address is not of",
    ),
    "job whose mediator lives on another network": (
        STORY.job,
        BOB.delegate,
        {"mediator_master_address": ONE},
        "Mediator master address: that address is not of",
    ),
    "job with a damaged payment address": (
        STORY.job,
        BOB.delegate,
        {"creator_payment_address": BCRT1[:-1]},
        "is not a Bitcoin address",
    ),
    "bid that answers nothing": (
        STORY.bid,
        CHARLIE.delegate,
        {"previous": None},
        "lacks the field 'Previous document'",
    ),
    "bid with an escrow elsewhere": (STORY.bid, CHARLIE.delegate, {"primary_address": BC1}, "Primary escrow address"),
    "bid with a fee escrow elsewhere": (
        STORY.bid,
        CHARLIE.delegate,
        {"mediator_address": TB1},
        "Mediator escrow address",
    ),
    "bid paid elsewhere": (STORY.bid, CHARLIE.delegate, {"worker_payment_address": BC1}, "Worker payment address"),
    "bid by a worker of another network": (
        STORY.bid,
        CHARLIE.delegate,
        {"worker_master_address": ONE},
        "Worker master address: that address is not of",
    ),
    "offer that answers nothing": (
        STORY.offer,
        BOB.delegate,
        {"previous": None},
        "lacks the field 'Previous document'",
    ),
    "offer with an escrow elsewhere": (STORY.offer, BOB.delegate, {"primary_address": TB1}, "Primary escrow address"),
    "offer with a fee escrow elsewhere": (
        STORY.offer,
        BOB.delegate,
        {"mediator_address": BC1},
        "Mediator escrow address",
    ),
    "offer to a worker of another network": (
        STORY.offer,
        BOB.delegate,
        {"worker_master_address": ONE},
        "Worker master address: that address is not of",
    ),
    "delivery that answers nothing": (
        STORY.delivery,
        CHARLIE.delegate,
        {"previous": None},
        "lacks the field 'Previous document'",
    ),
    "delivery by a worker of another network": (
        STORY.delivery,
        CHARLIE.delegate,
        {"worker_master_address": ONE},
        "Worker master address: that address is not of",
    ),
    "acceptance that answers nothing": (
        STORY.acceptance,
        BOB.delegate,
        {"previous": None},
        "lacks the field 'Previous document'",
    ),
    "acceptance by a creator of another network": (
        STORY.acceptance,
        BOB.delegate,
        {"creator_master_address": ONE},
        "Job creator master address",
    ),
}


@pytest.mark.parametrize(("signed", "key", "changes", "why"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_document_that_contradicts_itself_is_neither_signed_nor_read(
    signed: Signed[Any], key: PrivateKey, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(FieldError, match=re.escape(why)):
        with_changes(signed, key, **changes)
    with pytest.raises(FieldError, match=re.escape(why)):
        verify(forged(dataclasses.replace(signed.document, **changes), key))


def test_the_deepest_branch_below_which_jobs_still_fit_may_be_enrolled() -> None:
    branch = ALICE.tree.derive([0] * 251)
    deepest = branch.to_public().to_string()
    proof = message.sign(branch.private_key, possession_text(REGTEST, ALICE.master_address, deepest))
    changed = with_changes(ENROLLMENT, ALICE.master, mediator_escrow_xpub=deepest, mediator_escrow_signature=proof)
    contract = job_keys.parts_of(STORY.bid.document)
    assert len(job_keys.mediator_escrow_key(verify(changed.armored).document, contract)) == 33


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_whole_story_can_be_told_on_every_network(network: Any) -> None:
    told = story(network)
    for signed in (told.job, *told.documents):
        assert verify(signed.armored) == signed
        assert signed.document.network is network


@each_type
def test_a_document_moved_to_another_network_is_refused_even_when_its_author_signs_it(
    signed: Signed[Any], key: PrivateKey
) -> None:
    with pytest.raises((FieldError, AuthorityError)):
        verify(rewritten(signed, key, lambda text: text.replace("Network: regtest", "Network: mainnet", 1)))


def test_testnet4_and_signet_share_every_address_so_only_the_network_line_tells_them_apart() -> None:
    on_signet = story(SIGNET).job
    key = person("Bob", SIGNET).delegate
    with pytest.raises(BadSignatureError, match=r"^the escrow key that the document names has not signed it$") as no:
        verify(rewritten(on_signet, key, lambda text: text.replace("signet", "testnet4", 1)))
    assert no.value.hint == "Whoever wrote it does not hold that key. Rely on nothing it says."
    moved = verify(with_changes(on_signet, key, network=TESTNET4).armored)
    assert moved.document.network is TESTNET4
    assert moved.id != on_signet.id


# ---- size


def test_what_is_too_large_is_neither_signed_nor_read() -> None:
    with pytest.raises(TooLargeError):
        job(BOB, ALICE, description="\U0001f4a3" * 20_000)
    with pytest.raises(TooLargeError):
        verify("x" * 50_000_000)
    with pytest.raises(TooLargeError):
        verify(STORY.job.armored.replace("Job name", "é" * 40_000))


def test_the_largest_description_can_be_signed() -> None:
    signed = job(BOB, ALICE, description="é" * 31_000)
    assert MAX_DOCUMENT_BYTES - 3_000 < len(signed.armored.encode()) <= MAX_DOCUMENT_BYTES
    assert verify(signed.armored) == signed
    assert verify(job(BOB, ALICE, description="e" * MAX_TEXT).armored)


# ---- laws: any text a person may write


def text_of(limit: int) -> st.SearchStrategy[str]:
    return any_text.map(lambda text: text[:limit]).filter(bool)


LIMITS = {NAME: MAX_NAME, CONTACT: MAX_CONTACT, TEXT: 2_000}


@given(any_pair, st.data())
def test_any_text_in_any_field_is_signed_and_verified_unchanged(
    pair: tuple[Signed[Any], PrivateKey], data: st.DataObject
) -> None:
    signed, key = pair
    changes = {
        each.attribute: data.draw(text_of(LIMITS[each.codec]), label=each.label)
        for each in lines_of(type(signed.document))
        if each.codec in LIMITS
    }
    changed = with_changes(signed, key, **changes)
    again = verify(changed.armored)
    assert again == changed
    if isinstance(again.document, EscrowSigned):
        changes["escrow_signature"] = again.document.escrow_signature
    assert again.document == dataclasses.replace(signed.document, **changes)
    assert (changed.id == signed.id) == (again.document == signed.document)


_OLD_FIELDS = re.compile(r"(.+?):\s(.*)\n")
"""How programs of 2016 read fields, over the whole armored text (reference 2.1)."""


def read_in_2016(armored_text: str) -> list[tuple[str, str]]:
    """Label and value pairs, and that Python 2's bytes give the same as Python 3's text."""
    pairs = _OLD_FIELDS.findall(armored_text)
    as_bytes = re.findall(_OLD_FIELDS.pattern.encode(), armored_text.encode())
    assert [(label.decode(), value.decode()) for label, value in as_bytes] == pairs
    return pairs


def signed_text_in_2016(armored_text: str) -> str:
    """What programs of 2016 took as the signed text (reference 2.1): headers and blank lines vanish."""
    text = armored_text.replace(BEGIN, "")
    text = re.sub(rf"\n*{BEGIN_SIGNATURE}[\s\S]*?{END}", "", text)
    return text.removeprefix("\n").replace("\n\n", "")


@given(any_pair, st.data())
def test_readers_of_2016_see_the_same_fields(pair: tuple[Signed[Any], PrivateKey], data: st.DataObject) -> None:
    signed, key = pair
    changes = {
        each.attribute: data.draw(text_of(LIMITS[each.codec]), label=each.label)
        for each in lines_of(type(signed.document))
        if each.codec in LIMITS
    }
    changed = with_changes(signed, key, **changes)
    rows = [row.partition(": ") for row in changed.text.split("\n")[1:]]
    assert read_in_2016(changed.armored) == [(label, value) for label, _, value in rows]
    assert re.findall(r"\n(Rein .*)\n", changed.armored)[0] == signed.document.TITLE
    assert signed_text_in_2016(changed.armored) == changed.text
    assert message.verify(changed.address, signed_text_in_2016(changed.armored), read_armor(changed.armored).signature)


@given(st.lists(st.tuples(nasty_text, nasty_text), max_size=3))
def test_readers_of_2016_see_the_same_fields_beside_any_extension_that_is_let_in(
    extensions: list[tuple[str, str]],
) -> None:
    rows = [f"X-{label}: {escape(value)}" for label, value in extensions]
    text = "\n".join([STORY.offer.text, *rows])
    try:
        signed = verify(armored(text, BOB.delegate))
    except ReinError:
        return
    ours = [row.partition(": ") for row in signed.text.split("\n")[1:]]
    assert read_in_2016(signed.armored) == [(label, value) for label, _, value in ours]
    assert signed_text_in_2016(signed.armored) == signed.text


# ---- laws: whatever a stranger sends


def same_or_refused(changed: str, original: Signed[Any]) -> None:
    """A changed document is refused, or it is the same document."""
    try:
        again = verify(changed)
    except DocumentError as refused:
        assert refused.message.strip()  # noqa: PT017 - refusing is one of the two right answers
        assert refused.exit_code == 4  # noqa: PT017
        return
    assert again == original
    assert again.id == original.id
    assert again.document == original.document


@pytest.mark.parametrize("original", EVERYTHING, ids=lambda signed: type(signed.document).__name__)
def test_no_single_character_can_be_changed_dropped_doubled_or_added(original: Signed[Any]) -> None:
    text = original.armored
    for place, char in enumerate(text):
        other = "y" if char == "x" else "x"
        for changed in (
            text[:place] + other + text[place + 1 :],
            text[:place] + char.swapcase() + text[place + 1 :],
            text[:place] + text[place + 1 :],
            text[:place] + char + text[place:],
            text[:place] + "\n" + text[place:],
            text[:place],
        ):
            same_or_refused(changed, original)


@pytest.mark.parametrize("original", EVERYTHING, ids=lambda signed: type(signed.document).__name__)
def test_no_line_can_be_moved_dropped_or_doubled(original: Signed[Any]) -> None:
    lines = original.armored.split("\n")
    for one in range(len(lines)):
        same_or_refused("\n".join(lines[:one] + lines[one + 1 :]), original)
        for other in range(len(lines)):
            swapped = list(lines)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            same_or_refused("\n".join(swapped), original)
            same_or_refused("\n".join([*lines[:other], lines[one], *lines[other:]]), original)


@given(any_signed, st.data())
def test_any_changed_bytes_are_refused_or_the_same_document(original: Signed[Any], data: st.DataObject) -> None:
    raw = original.armored.encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    new = data.draw(st.binary(max_size=40))
    changed = raw[:start] + new + raw[end:]
    same_or_refused(changed.decode("utf-8", "surrogateescape"), original)
    same_or_refused(changed.decode("latin-1"), original)


@given(any_signed, any_string, st.data())
def test_any_inserted_text_is_refused_or_changes_nothing(original: Signed[Any], new: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(original.armored)))
    same_or_refused(original.armored[:place] + new + original.armored[place:], original)


@given(any_signed, any_signed)
def test_pieces_of_two_documents_make_no_third(one: Signed[Any], other: Signed[Any]) -> None:
    assume(one != other)
    a, b = read_armor(one.armored), read_armor(other.armored)
    mixtures = [Armored(a.text, b.address, b.signature), Armored(a.text, a.address, b.signature)]
    if a.address != b.address:
        mixtures.append(Armored(a.text, b.address, a.signature))
    for mixed in mixtures:
        with pytest.raises(BadSignatureError):
            verify(str(mixed))


@given(any_string | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_makes_verify_fail_otherwise_than_with_our_errors(text: str) -> None:
    with pytest.raises(DocumentError):
        verify(text)


_LINES = [line for signed in EVERYTHING for line in signed.armored.split("\n")]
some_lines = st.lists(st.sampled_from(_LINES) | any_string, max_size=20)


@given(some_lines)
def test_no_shuffled_lines_make_verify_fail_otherwise_than_with_our_errors(lines: list[str]) -> None:
    with suppress(ReinError):
        verify("\n".join(lines))
    with suppress(ReinError):
        verify("\n".join([BEGIN, *lines, BEGIN_SIGNATURE, BOB.delegate_address, "A" * 88, END]))


titles = st.sampled_from([cls.TITLE for cls in TYPES] + ["Name/handle: x"])
format_lines = st.sampled_from([["Format: 3"], ["Format: 3"], []])
rows = st.lists(
    st.sampled_from([line for line in _LINES if ":" in line])
    | st.tuples(st.sampled_from(_LINES).map(lambda line: line.partition(": ")[0]), any_text).map(": ".join)
    | nasty_text,
    max_size=24,
)


@given(titles, format_lines, rows, st.sampled_from(["Alice", "Bob", "Charlie"]), st.booleans())
def test_whatever_is_well_signed_is_read_or_refused(
    title: str, format_line: list[str], rows: list[str], name: str, by_master: bool
) -> None:
    who = person(name)
    key = who.master if by_master else who.delegate
    text = "\n".join([title, *format_line, *rows]).replace("\r", "").replace("-----", "----")
    for network in (REGTEST, MAINNET):
        with suppress(ReinError):
            signed = verify(armored(text, key, network))
            assert signed.text == text
            assert signed.id == text_id(text)


@given(any_pair, st.data())
def test_a_document_its_own_author_bends_is_refused_or_written_the_one_way(
    pair: tuple[Signed[Any], PrivateKey], data: st.DataObject
) -> None:
    """The author is hostile: the signature is always right, the text is not."""
    original, key = pair
    text_rows = original.text.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text_rows) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap", "value", "extend", "insert"])):
            case "drop" if len(text_rows) > 2:
                text_rows.pop(place)
            case "double":
                text_rows.insert(place, text_rows[place])
            case "swap":
                other = data.draw(st.integers(0, len(text_rows) - 1))
                text_rows[place], text_rows[other] = text_rows[other], text_rows[place]
            case "value":
                label = text_rows[place].partition(": ")[0]
                text_rows[place] = f"{label}: {data.draw(any_text)}"
            case "extend":
                text_rows.append(f"X-note: {data.draw(any_text.map(escape))}")
            case _:
                text_rows.insert(place, data.draw(nasty_text))
    text = "\n".join(text_rows)
    try:
        signed = verify(armored(text, key))
    except ReinError:
        return
    assert signed.text == text
    if isinstance(signed.document, LegacyDocument):
        assert not text.split("\n")[1].startswith("Format")
        return
    written = fields.write(signed.document.TITLE, signed.document)
    assert [row for row in text.split("\n") if row not in written.split("\n")] == [
        row for row in text.split("\n") if row.startswith("X-")
    ]
    assert text.startswith(written)


def test_a_value_cannot_inject_a_field() -> None:
    """The attack on the web forms of 2016: a line feed and a label inside a description."""
    evil = f"cheap\nPrimary escrow address: {BC1}\nTitle: Rein Offer\n{BEGIN_SIGNATURE}\n{END}"
    signed = bid(CHARLIE, STORY.job, description=evil)
    document = verify(signed.armored).document
    assert document.description == evil
    assert document.primary_address == STORY.bid.document.primary_address
    seen = dict(read_in_2016(signed.armored))
    assert seen["Primary escrow address"] == STORY.bid.document.primary_address
    assert "Title" not in seen


def test_a_document_may_quote_a_whole_document() -> None:
    signed = delivery(CHARLIE, STORY.offer, deliverables=STORY.offer.armored)
    document = verify(signed.armored).document
    assert document.deliverables == STORY.offer.armored
    assert verify(document.deliverables) == STORY.offer


def test_a_signed_document_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        STORY.offer.text = "other"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        STORY.offer.document.amount = PRICE  # type: ignore[misc]
    assert isinstance(STORY.offer.document, Offer)
    assert isinstance(STORY.offer.id, str)
    assert DocumentId(STORY.offer.id) == STORY.offer.id
