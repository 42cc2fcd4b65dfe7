"""Signed texts as mail, editors and other wallets hand them over: read, or refused with the true reason."""

from __future__ import annotations

import textwrap
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import message
from rein.btc.address import p2pkh_address, p2wpkh_address
from rein.btc.networks import MAINNET, REGTEST, TESTNET4
from rein.errors import ArmorError, BadSignatureError, InputError, ReinError
from rein.protocol.armor import BEGIN_SIGNATURE, END, read_armor
from rein.protocol.reading import (
    armored_text,
    armored_texts,
    bare_text,
    damage_in,
    decode,
    read_address,
    read_signature,
)
from rein.protocol.signed import verify
from tests.support import legacy_documents as legacy
from tests.support.people import person, story

TOLD = story()
JOB = TOLD.job.armored
SIGNATURE = read_armor(JOB).signature
ADDRESS = read_armor(JOB).address


def read(content: str | bytes) -> str:
    return armored_text(decode(content if isinstance(content, bytes) else content.encode(), "mail.txt"), "mail.txt")


def segwit_header(signature: str, first: int) -> str:
    data = b64decode(signature)
    return b64encode(bytes([data[0] - 31 + first]) + data[1:]).decode()


WRAPPED: dict[str, Callable[[str], str | bytes]] = {
    "nothing": str,
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "line ends of old Macs": lambda text: text.replace("\n", "\r"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "UTF-16": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "blank lines around": lambda text: f"\n\n  \n{text}\n\n",
    "a letter around": lambda text: f"Hello,\n\n{text}\n-- \nBob\n",
    "quoted by mail": lambda text: "Bob wrote:\n" + textwrap.indent(text, "> ", lambda _: True) + "\nThanks!",
    "quoted without blanks": lambda text: textwrap.indent(text, ">", lambda _: True),
    "quoted twice": lambda text: textwrap.indent(text, "> > ", lambda _: True),
    "indented": lambda text: textwrap.indent(text, "    "),
    "blanks behind the armor": lambda text: text.replace("-----\n", "-----  \n") + " ",
    "blank lines in the armor": lambda text: text.replace(
        f"{BEGIN_SIGNATURE}\n{ADDRESS}\n", f"{BEGIN_SIGNATURE}\n\n{ADDRESS}\n\n"
    ),
    "Coldcard": lambda text: text.replace(BEGIN_SIGNATURE, "-----BEGIN BITCOIN SIGNATURE-----").replace(
        END, "-----END BITCOIN SIGNATURE-----"
    ),
    "MultiBit": lambda text: text.replace(
        f"{BEGIN_SIGNATURE}\n{ADDRESS}\n",
        f"-----BEGIN BITCOIN SIGNATURE-----\nVersion: Bitcoin-qt (1.0)\nAddress: {ADDRESS}\n\n",
    ).replace(END, "-----END BITCOIN SIGNATURE-----"),
    "base64url": lambda text: text.replace(SIGNATURE, urlsafe_b64encode(b64decode(SIGNATURE)).decode()),
    "no padding": lambda text: text.replace(SIGNATURE, SIGNATURE.rstrip("=")),
    "a broken signature": lambda text: text.replace(SIGNATURE, f"{SIGNATURE[:64]}\n{SIGNATURE[64:]}"),
    "a header of P2WPKH": lambda text: text.replace(SIGNATURE, segwit_header(SIGNATURE, 39)),
    "a header of P2SH-P2WPKH": lambda text: text.replace(SIGNATURE, segwit_header(SIGNATURE, 35)),
    "a P2WPKH address": lambda text: text.replace(
        f"\n{ADDRESS}\n{SIGNATURE}",
        f"\n{p2wpkh_address(TOLD.creator.delegate.public_key, REGTEST)}\n{segwit_header(SIGNATURE, 39)}",
    ),
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_what_lies_around_a_document_does_no_harm(wrapped: Callable[[str], str | bytes]) -> None:
    spoiled = wrapped(JOB)
    assert read(spoiled) == JOB
    assert verify(read(spoiled)) == TOLD.job


@pytest.mark.parametrize("wrapped", [name for name in WRAPPED if "signature" not in name and "P2" not in name])
def test_nor_around_a_changed_one_good(wrapped: str) -> None:
    changed = JOB.replace("Widget", "Gadget")
    with pytest.raises(BadSignatureError):
        verify(read(WRAPPED[wrapped](changed)))


def test_documents_of_2016_are_read_too() -> None:
    for text in (legacy.ENROLLMENT_BOB, legacy.JOB, legacy.BID):
        assert verify(read(text.replace("\n", "\r\n"))).text == verify(text).text


def test_several_in_one_letter() -> None:
    both = f"{JOB}\n\nand\n\n{TOLD.offer.armored}"
    assert armored_texts(both, "x") == [JOB, TOLD.offer.armored]
    with pytest.raises(InputError, match="x holds 2 signed documents, and one is wanted"):
        armored_text(both, "x")


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (b"", InputError, "holds no signed document"),
        (b"hello", InputError, "holds no signed document"),
        (b"\xc3\x28", InputError, "is not text in UTF-8"),
        (b"\xff\xfea", InputError, "is not text in UTF-8"),
        (JOB[:-20].encode(), ArmorError, "mail.txt: the document that begins in line 1 is cut short"),
        (JOB.replace(BEGIN_SIGNATURE, "").encode(), ArmorError, "is cut short"),
        (JOB.replace(SIGNATURE, "").encode(), ArmorError, "has no address and signature"),
        (JOB.replace(SIGNATURE, "not base64!").encode(), ArmorError, "the signature is not base64"),
        (JOB.replace(SIGNATURE, SIGNATURE[:-8]).encode(), ArmorError, "bytes, and that of a signed message has 65"),
        (("> " + JOB).encode(), ArmorError, "is quoted in part: its line 2 is not"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(content: bytes, error: type[ReinError], reason: str) -> None:
    with pytest.raises(error) as caught:
        read(content)
    assert reason in caught.value.message


def test_a_broken_line_is_told() -> None:
    broken = JOB.replace("It must show", "It must\nshow", 1)
    with pytest.raises(BadSignatureError):
        verify(broken)
    assert "a program may have broken a long line" in (damage_in(broken) or "")
    padded = JOB.replace("Job name: A Software Widget", "Job name: A Software Widget ")
    assert "begins or ends with a blank" in (damage_in(padded) or "")
    assert damage_in(JOB) is None
    assert damage_in(JOB.replace("Widget", "Gadget")) is None


@pytest.mark.parametrize("text", [TOLD.job.text, f"\ufeff{TOLD.job.text}\n\n", textwrap.indent(TOLD.job.text, "> ")])
def test_a_text_without_armor(text: str) -> None:
    assert bare_text(decode(text.replace("\n", "\r\n").encode(), "x")) == TOLD.job.text


@given(key=st.integers(1, 2**128), first=st.sampled_from([31, 35, 39]), spell=st.sampled_from([str, str.strip]))
def test_every_spelling_of_a_signature_is_one_signature(key: int, first: int, spell: Callable[[str], str]) -> None:
    who = person(f"somebody {key}").delegate
    signature = message.sign(who, "text")
    other = segwit_header(signature, first)
    for spelled in (other, other.rstrip("="), urlsafe_b64encode(b64decode(other)).decode(), f" {other}\n"):
        assert read_signature(spell(spelled)) == signature


@given(text=st.text(max_size=120))
def test_anything_else_is_an_error_of_ours(text: str) -> None:
    for use in (read_signature, lambda given: armored_texts(given, "x"), bare_text, read_address):
        try:
            use(text)
        except ReinError:
            pass


def test_an_address_is_that_of_the_same_key_or_left_as_it_is() -> None:
    key = person("Bob").delegate.public_key
    for network in (MAINNET, TESTNET4, REGTEST):
        assert read_address(p2wpkh_address(key, network)) == p2pkh_address(key, network)
        assert read_address(f" Address: {p2pkh_address(key, network)}".strip()) == p2pkh_address(key, network)
    for other in ("bc1q", "hello", TOLD.bid.document.primary_address):
        assert read_address(other) == other
