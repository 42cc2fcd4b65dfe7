"""Documents of 2016: the real ones verify, and none of them can do anything today."""

from __future__ import annotations

import dataclasses
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import base58
from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST
from rein.errors import ArmorError, AuthorityError, BadSignatureError, FieldError, ReinError
from rein.protocol.armor import read_armor
from rein.protocol.documents import Kind, LegacyDocument
from rein.protocol.orders import State, fold
from rein.protocol.signed import Signed, verify
from tests.support import legacy_documents as real
from tests.support.people import armored, respelled, story
from tests.support.texts import any_text, nasty_text

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "rein-documents"

ALICE_MASTER = "1Djp4Siv5iLJUgXq5peWCDcHVWV1Mv3opc"
BOB_MASTER = "1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN"
BOB = "1CptxARjqcfkVwGFSjR82zmPT8YtRMubub"
CHARLIE = "18UZN58o4fnJpfC7nMBQ5iapoLmqfPf3m5"
BOB_KEY = "026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc"
ALICE_KEY = "029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005"
CHARLIE_KEY = "02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519"
WIDGET = {"Job creator": "Bob", "Job creator public key": BOB_KEY, "Job ID": "fyzfrxtrttcv8o04oj53"}


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a real document says under today's labels; `texts` are fields whose long text is not repeated here."""

    kind: Kind
    signer: str
    master: str
    id: str
    header: int
    fields: dict[str, str]
    texts: tuple[str, ...] = ()
    testnet: bool = False


REAL = {
    "01_prealpha_enrollment_test_person": Expected(
        Kind.ENROLLMENT,
        BOB,
        BOB,
        "7000fa4780dad5e26bcad1ff0969b143bb33a97b15c1565aa752312b98ac3110",
        31,
        {
            "User": "Test Person",
            "Contact": "tester@example.com",
            "Master signing address": BOB,
            "Delegate signing address": ALICE_MASTER,
        },
    ),
    "04_enrollment_mediator_testnet_flag_test": Expected(
        Kind.ENROLLMENT,
        "1JwocAsCRqCBqwJR7gwpLx5A8WQfBGuNjz",
        "1JwocAsCRqCBqwJR7gwpLx5A8WQfBGuNjz",
        "c2e82a52004d2f3d222ac40dc9782d56e9f336aa2c406c3140d8ae662fc2b4e0",
        31,
        {
            "User": "Test",
            "Contact": "test@example.com",
            "Master signing address": "1JwocAsCRqCBqwJR7gwpLx5A8WQfBGuNjz",
            "Delegate signing address": "1P15ptPjhuEHNoWJmnnAodJbC5AWiBfsmH",
            "Willing to mediate": "True",
            "Mediator public key": "024f7f4700b6d7f97c314dbdefb3197f50aae36f6949fa9e6541e6f20b0bef5bda",
            "Mediator fee": "2.0%",
            "Testnet": "True",
        },
        testnet=True,
    ),
    "05_job_2016-03_format_theme_song_weex": Expected(
        Kind.JOB,
        "1dezq4MkERrT5vRKyMTLsugNz74JVy4U6",
        "1wexCMzikX7yxcWwzmbKHrtmxShqfthpe",
        "5866e095a48c215e3fed81de930d7ce6d66edc0161f5c7a6e49e1f17cce96217",
        31,
        {
            "Job name": "Record a Rein Theme Song",
            "Job ID": "n0qlna45dgynluhtl0gf",
            "Tags": "Music",
            "Mediator": "bitspill",
            "Mediator contact": "rein@bitspill.net",
            "Mediator fee": "1.0%",
            "Mediator public key": "025a19c3aa027e9114a2f79b6e2f76d85c5b3fb59723ea9dba97e019f1f751d0eb",
            "Mediator master address": "12AR5UHwzpqScrYiJvgJeNbp222eWv6vRF",
            "Job creator": "weex",
            "Job creator contact": "rein@exchb.com",
            "Job creator public key": "0300d36a92be6d3c0b0d0aff5b14486b28013152acc4b55fc0ec84c4a209a3f234",
            "Job creator master address": "1wexCMzikX7yxcWwzmbKHrtmxShqfthpe",
        },
        texts=("Description",),
    ),
    "06_enrollment_bob": Expected(
        Kind.ENROLLMENT,
        BOB_MASTER,
        BOB_MASTER,
        "93fea18b56d9ba3a28071894a2ab3cec49ae7b4116a22d083306b86d86090618",
        27,
        {
            "User": "Bob",
            "Contact": "bob@example.com",
            "Master signing address": BOB_MASTER,
            "Delegate signing address": BOB,
            "Willing to mediate": "False",
        },
    ),
    "07_enrollment_alice_mediator_oldlabels": Expected(
        Kind.ENROLLMENT,
        ALICE_MASTER,
        ALICE_MASTER,
        "e0883e3e24e5d8d8863c11040effb5e4a0148227f51abb5ef732b5a2297624ca",
        31,
        {
            "User": "Alice",
            "Contact": "alice@example.com",
            "Master signing address": ALICE_MASTER,
            "Delegate signing address": "19skaV7ZDvSe2zKXB32fcay2NzajJcRG8B",
            "Willing to mediate": "True",
            "Mediator public key": ALICE_KEY,
            "Mediator fee": "1.0%",
        },
    ),
    "09_job_oldlabels_software_widget": Expected(
        Kind.JOB,
        BOB,
        "",
        "af091bae4df34c650613dee71aed96b5375b92b2c49fc72b2330c14ee22b83b5",
        31,
        WIDGET
        | {
            "Mediator": "Alice",
            "Mediator public key": ALICE_KEY,
            "Job name": "A Software Widget",
            "Tags": "Software",
        },
        texts=("Description",),
    ),
    "11_bid_oldlabels_software_widget": Expected(
        Kind.BID,
        CHARLIE,
        "",
        "79d028526cc4a6c95b633286e5e47994337233e6c10055405ef1bf553716cc1c",
        31,
        WIDGET | {"Worker": "Charlie", "Worker public key": CHARLIE_KEY, "Bid amount (BTC)": "0.05"},
        texts=("Description",),
    ),
    "13_offer_oldlabels_software_widget": Expected(
        Kind.OFFER,
        BOB,
        "",
        "359cd2702adefd86d7f0c2cb6920fa8ccbe7941a740eb95d830b3f36612b6240",
        32,
        WIDGET
        | {
            "Worker": "Charlie",
            "Worker public key": CHARLIE_KEY,
            "Mediator": "Bob",
            "Mediator public key": BOB_KEY,
            "Bid amount (BTC)": "0.05",
            "Primary escrow address": "3GJrubCa1wCFMUqnwPhuyeQXdWTD8hecdG",
            "Mediator escrow address": "3R1Pzho6Yca27AceUHBYnmg6S2NbT1LtLs",
        },
        texts=("Description", "Primary escrow redeem script", "Mediator escrow redeem script"),
    ),
}

TYPED_HERE = {
    "06_enrollment_bob": real.ENROLLMENT_BOB,
    "07_enrollment_alice_mediator_oldlabels": real.ENROLLMENT_ALICE,
    "09_job_oldlabels_software_widget": real.JOB,
    "11_bid_oldlabels_software_widget": real.BID,
    "13_offer_oldlabels_software_widget": real.OFFER,
}


def check_real(text: str, expected: Expected) -> None:
    signed = verify(text)
    document = signed.document
    assert isinstance(document, LegacyDocument)
    assert document.kind is expected.kind
    assert signed.address == document.author.signing_address == expected.signer
    assert document.author.master_address == expected.master
    assert signed.id == expected.id
    assert document.testnet is expected.testnet
    assert b64decode(read_armor(text).signature)[0] == expected.header
    assert {label: value for label, value in document.fields.items() if label not in expected.texts} == expected.fields
    assert all(len(document.fields[label]) > 40 for label in expected.texts)


@pytest.mark.parametrize("name", TYPED_HERE)
def test_real_documents_verify(name: str) -> None:
    check_real(TYPED_HERE[name], REAL[name])


@pytest.mark.parametrize("name", REAL)
def test_the_vectors_verify(name: str) -> None:
    path = VECTORS / f"{name}.txt"
    if not path.exists():
        pytest.skip(f"needs the real document {path}, which is not on this machine")
    text = path.read_bytes().decode()
    check_real(text, REAL[name])
    assert TYPED_HERE.get(name, text) == text


def test_no_vector_is_left_out() -> None:
    if not VECTORS.is_dir():
        pytest.skip(f"needs the real documents in {VECTORS}, which are not on this machine")
    assert {path.stem for path in VECTORS.glob("*.txt")} == set(REAL)


# ---- spellings, and what is refused

KEY = PrivateKey(bytes(31) + b"\x05")
UNCOMPRESSED = PrivateKey(KEY.secret, compressed=False)


def old_job(key: PrivateKey = KEY, **more: Any) -> str:
    rows = {"Job name": "Old", "Job ID": "a" * 20, "Job creator public key": key.public_key.hex()} | more
    return "\n".join(["Rein Job", *(f"{label}: {value}" for label, value in rows.items())])


def old_enrollment(master: str, first_line: str = "Rein User Enrollment") -> str:
    return f"{first_line}\nUser: U\nMaster signing address: {master}"


def test_a_generation_of_labels_may_be_any_of_those_met() -> None:
    master = p2pkh_address(KEY.public_key, MAINNET)
    for first in ("Name/handle: U", "Name/Handle: U"):
        text = f"{first}\nMaster signing address: {master}\nMediation public key: 04aa\nWilling to mediate: Y"
        document = verify(armored(text, KEY, MAINNET)).document
        assert document.kind is Kind.ENROLLMENT
        assert dict(document.fields) == {
            "User": "U",
            "Master signing address": master,
            "Mediator public key": "04aa",
            "Willing to mediate": "Y",
        }


@pytest.mark.parametrize("title", ["Rein Job", "Rein Offer"])
def test_creators_and_workers_sign_with_the_key_they_name(title: str) -> None:
    text = old_job().replace("Rein Job", title)
    assert verify(armored(text, KEY, MAINNET)).document.author.signing_address == p2pkh_address(KEY.public_key, MAINNET)
    for title in ("Rein Bid", "Rein Delivery"):
        with pytest.raises(FieldError, match="lacks the field 'Worker public key'"):
            verify(armored(old_job().replace("Rein Job", title), KEY, MAINNET))


def test_an_uncompressed_key_signs_as_itself() -> None:
    signed = verify(armored(old_job(UNCOMPRESSED), UNCOMPRESSED, MAINNET))
    assert signed.address == p2pkh_address(UNCOMPRESSED.public_key, MAINNET)
    with pytest.raises(AuthorityError):
        verify(armored(old_job(UNCOMPRESSED), KEY, MAINNET))
    with pytest.raises(AuthorityError):
        verify(armored(old_job(KEY), UNCOMPRESSED, MAINNET))


def test_the_signers_address_has_the_spelling_that_the_text_tells() -> None:
    """A hash is the same on every network: only one spelling of it may stand under a text, or its id has two names."""
    on_testnet = p2pkh_address(KEY.public_key, REGTEST)
    assert verify(armored(old_job(), KEY, MAINNET))
    with pytest.raises(AuthorityError, match="its author would sign as 1"):
        verify(armored(old_job(), KEY, REGTEST))
    for more in (
        {"Job creator master address": on_testnet},
        {"Primary escrow address": "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc"},
    ):
        text = old_job(**more)
        assert verify(armored(text, KEY, REGTEST)).address == on_testnet
        with pytest.raises(AuthorityError, match=r"its author would sign as [mn]"):
            verify(armored(text, KEY, MAINNET))


@pytest.mark.parametrize("armored_text", TYPED_HERE.values(), ids=TYPED_HERE)
def test_a_real_document_has_one_signer_in_one_spelling(armored_text: str) -> None:
    original = verify(armored_text)
    assert verify(respelled(armored_text)) == original
    payload = base58.decode_check(original.address)
    assert payload is not None
    on_testnet = base58.encode_check(bytes([REGTEST.p2pkh_version]) + payload[1:])
    with pytest.raises((AuthorityError, BadSignatureError)):
        verify(re.sub(rf"(?m)^{original.address}$", on_testnet, armored_text))


MASTER = p2pkh_address(KEY.public_key, MAINNET)

REFUSED: dict[str, tuple[str, type[ReinError], str]] = {
    "no title": ("Hello\nUser: U", FieldError, "not the title of a Rein document that can be read here"),
    "nothing": ("", FieldError, "not the title of a Rein document that can be read here"),
    "a title of 2016 that names no author": (
        old_job().replace("Rein Job", "Rein Accept Delivery"),
        FieldError,
        "not the title of a Rein document that can be read here",
    ),
    "a title with a blank": ("Rein Job \n" + old_job(), FieldError, "not the title"),
    "a field twice": (old_job() + "\nJob ID: b", FieldError, "duplicate field 'Job ID'"),
    "a field twice under two labels": (old_job(Category="a") + "\nTags: b", FieldError, "duplicate field 'Tags'"),
    "the author twice under two labels": (
        old_job() + f"\nJob creator's public key: {UNCOMPRESSED.public_key.hex()}",
        FieldError,
        "duplicate field 'Job creator public key'",
    ),
    "an empty line": (old_job().replace("\n", "\n\n", 1), FieldError, "is not `Label: value`"),
    "a line without a colon": (old_job() + "\nno label", FieldError, "'no label' is not `Label: value`"),
    "a line without a label": (old_job() + "\n: value", FieldError, "is not `Label: value`"),
    "a job without its creator's key": (
        "Rein Job\nJob name: x",
        FieldError,
        "lacks the field 'Job creator public key'",
    ),
    "a job with half a key": (
        old_job().replace(KEY.public_key.hex(), KEY.public_key.hex()[:-2]),
        FieldError,
        "'Job creator public key': ",
    ),
    "an enrollment without a master": ("Rein User Enrollment\nUser: U", FieldError, "lacks the field 'Master signing"),
    "an empty master": (old_enrollment(""), FieldError, "lacks the field 'Master signing address'"),
    "a master that is no address": (old_enrollment("\x1b[2Jx"), FieldError, "'Master signing address' is not a P2PKH"),
    "a master of 60,000 letters": (old_enrollment("1" * 60_000), FieldError, "'Master signing address' is not a P2PKH"),
    "a creator's master that is no address": (
        old_job(**{"Job creator master address": "\x1b]0;pwned\x07"}),
        FieldError,
        "'Job creator master address' is not a P2PKH address",
    ),
    "somebody else's enrollment": (
        old_enrollment(BOB_MASTER),
        AuthorityError,
        f"its author would sign as {BOB_MASTER}",
    ),
    "somebody else's job": (
        old_job().replace(KEY.public_key.hex(), BOB_KEY),
        AuthorityError,
        f"its author would sign as {BOB}",
    ),
}


@pytest.mark.parametrize(("text", "error", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_plain_words(text: str, error: type[ReinError], why: str) -> None:
    with pytest.raises(error, match=re.escape(why)) as caught:
        verify(armored(text, KEY, MAINNET))
    assert type(caught.value) is error
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


def test_a_carriage_return_is_refused_though_web_forms_of_2016_let_it_in() -> None:
    with pytest.raises(ArmorError, match="carriage return"):
        verify(armored(old_job(Description="one\rtwo"), KEY, MAINNET))


def test_the_real_malleation_of_2016_is_refused() -> None:
    """Programs of 2016 dropped blank lines before they checked the signature: 0.05 became 0.0 (reference 2.1)."""
    for old, new in {
        "(BTC): 0.05": "(BTC): 0.0\n\n5",
        "\nJob ID": "\nJob\n\n ID",
        "Rein Offer": "-----BEGIN BITCOIN SIGNED MESSAGE-----Rein Offer",
    }.items():
        with pytest.raises((ArmorError, BadSignatureError)):
            verify(real.OFFER.replace(old, new))


def test_a_line_that_ends_with_a_colon_swallows_nothing() -> None:
    document = verify(armored(old_job(Description="as follows:") + "\nTags: a", KEY, MAINNET)).document
    assert document.fields["Description"] == "as follows:"
    assert document.fields["Tags"] == "a"


def test_documents_of_2016_take_no_part_in_an_order() -> None:
    told = story()
    old: list[Signed[Any]] = [verify(text) for text in TYPED_HERE.values()]
    order = fold(told.job, old, told.enrollments)
    assert order.state is State.POSTED
    assert order.documents() == (told.job,)
    assert order.rejected == ()


def test_the_fields_cannot_be_changed() -> None:
    document = verify(real.JOB).document
    with pytest.raises(TypeError):
        document.fields["Job ID"] = "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.kind = Kind.OFFER


titles = st.sampled_from(
    ["Rein User Enrollment", "Rein Job", "Rein Bid", "Rein Offer", "Rein Delivery", "Name/handle: U", "Rein Rating"]
)
labels = st.sampled_from(sorted({label for expected in REAL.values() for label in expected.fields})) | nasty_text
good_values = st.sampled_from([MASTER, KEY.public_key.hex(), UNCOMPRESSED.public_key.hex(), "True"])


@given(titles, st.lists(st.tuples(labels, any_text | good_values), max_size=12), st.booleans())
def test_any_text_of_2016_is_read_or_refused(title: str, rows: list[tuple[str, str]], compressed: bool) -> None:
    text = "\n".join([title, *(f"{label}: {value}" for label, value in rows)]).replace("\r", "").replace("-----", "")
    key = KEY if compressed else UNCOMPRESSED
    try:
        signed = verify(armored(text, key, MAINNET))
    except ReinError:
        return
    assert signed.document.author.signing_address == p2pkh_address(key.public_key, MAINNET)
    assert signed.text == text
