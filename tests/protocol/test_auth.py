"""The signature under a `/put`, in the wire format of 2016."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import message
from rein.btc.networks import REGTEST
from rein.errors import InputError, ReinError
from rein.protocol import wire
from rein.protocol.armor import Armored, read_armor
from rein.protocol.auth import (
    NONCE_CHARACTERS,
    OWNER_HEADER,
    SIGNATURE_HEADER,
    SIGNER_HEADER,
    delete_text,
    put_text,
    request_text,
    sign_request,
    verify_delete,
    verify_put,
    verify_request,
)
from rein.protocol.signed import Signed, verify
from tests.support import legacy_documents
from tests.support.legacy_requests import sign_delete, sign_put
from tests.support.people import enroll, person, story
from tests.support.texts import any_string, any_text

BOB = person("Bob")
KEY = "IEU36G2PGDCHT1X1BEDWYWZI0HBX7VY2"
NONCE = "bdf3237deebb0ccfd218653a0eaf5999"
TOLD = story()
DOCUMENTS: tuple[Signed[Any], ...] = (enroll(person("Alice"), mediator=True), TOLD.job, *TOLD.documents)

keys = st.from_regex(wire.KEY_PATTERN, fullmatch=True)
nonces = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)


def test_a_put_that_a_program_of_2016_signed_is_understood() -> None:
    address = "1Bw1GawpMb6L2uMe9oREnQS8uFcb6hNkw7"
    signature = "H/ZucnVBthF9wJvvL7tBbmNJtImCqfki+XfURM/vZivuStKyLvEoi6LTQASRIhltiM24UJVE2ArGPsnm8UfRiBM="
    assert verify_put(KEY, legacy_documents.JOB, address, NONCE, signature)
    assert put_text("k", "v", "a", "n") == "kvan"
    assert len(NONCE) == NONCE_CHARACTERS


@given(keys, any_text, nonces)
def test_what_is_signed_verifies_and_for_this_nonce_and_address_only(key: str, value: str, nonce: str) -> None:
    signature = sign_put(BOB.delegate, key, value, BOB.delegate_address, nonce)
    assert verify_put(key, value, BOB.delegate_address, nonce, signature)
    assert not verify_put(key, value, BOB.delegate_address, NONCE, signature) or nonce == NONCE
    assert not verify_put(key, value, BOB.master_address, nonce, signature)
    assert not verify_put(key, value + "x", BOB.delegate_address, nonce, signature)
    assert not verify_put(key + "x", value, BOB.delegate_address, nonce, signature)


def test_a_put_says_nothing_of_where_key_and_value_part() -> None:
    """Known since 2016 (threats.md S6), so a server checks key, value and the right to write on their own."""
    signature = sign_put(BOB.delegate, "key", "value", BOB.delegate_address, NONCE)
    assert verify_put("keyval", "ue", BOB.delegate_address, NONCE, signature)


@given(any_string, any_string, any_string, any_string, any_string)
def test_a_malformed_put_is_false_and_never_an_exception(
    key: str, value: str, address: str, nonce: str, signature: str
) -> None:
    assert not verify_put(key, value, address, nonce, signature)
    assert not verify_put(key, value, BOB.delegate_address, nonce, "A" * 88)


@pytest.mark.parametrize("signed", DOCUMENTS, ids=lambda signed: signed.document.KIND.value)
def test_a_documents_signature_is_no_put(signed: Signed[Any]) -> None:
    """A put's text ends with an address and a nonce. A document's last line is a height, which is no nonce."""
    text, address, signature = signed.text, signed.address, read_armor(signed.armored).signature
    assert message.verify(address, text, signature)
    assert not re.search(rf"{address}[0-9a-f]{{{NONCE_CHARACTERS}}}\Z", text)
    for cut in range(len(text)):
        assert not text[cut:].startswith(address) or not re.fullmatch(r"[0-9a-f]{32}", text[cut + len(address) :])


@given(keys, any_text, nonces, st.sampled_from(DOCUMENTS))
def test_a_puts_signature_is_no_document(key: str, value: str, nonce: str, signed: Signed[Any]) -> None:
    """A put's text begins with a key, and no key begins a title."""
    for content in (value, signed.text, signed.text.removeprefix("Rein"), signed.armored):
        for start in (key, "Rein", "R"):
            signature = sign_put(BOB.delegate, start, content, BOB.delegate_address, nonce)
            text = put_text(start, content, BOB.delegate_address, nonce)
            assert verify_put(start, content, BOB.delegate_address, nonce, signature)
            with pytest.raises(ReinError):
                verify(str(Armored(text, BOB.delegate_address, signature)))


def test_no_title_can_be_a_key() -> None:
    for signed in DOCUMENTS:
        assert not wire.KEY_PATTERN.fullmatch(signed.document.TITLE)
    for key in ("", "a b", "a\n", "a" * 129, "é", "Rein Job"):
        assert not wire.KEY_PATTERN.fullmatch(key)
    assert wire.KEY_PATTERN.fullmatch(KEY)


# ----- deletes of 2016, and requests of the versioned API ----------------------------------------------------------


def test_a_delete_signs_key_address_and_nonce() -> None:
    assert delete_text(KEY, BOB.delegate_address, NONCE) == KEY + BOB.delegate_address + NONCE
    signature = sign_delete(BOB.delegate, KEY, BOB.delegate_address, NONCE)
    assert verify_delete(KEY, BOB.delegate_address, NONCE, signature)
    assert not verify_delete(KEY[1:], BOB.delegate_address, NONCE, signature)
    assert not verify_delete(KEY, BOB.master_address, NONCE, signature)


PARTS = {
    "method": "POST",
    "server": "https://causeway.example",
    "path_and_query": "/v1/put",
    "body_sha256": "ab" * 32,
    "nonce": NONCE,
    "owner": BOB.master_address,
}


def test_the_text_of_a_request() -> None:
    assert request_text(**PARTS, signer=BOB.delegate_address) == "\n".join(
        [
            "Causeway request 1",
            "method: POST",
            "server: https://causeway.example",
            "target: /v1/put",
            f"body: {'ab' * 32}",
            f"nonce: {NONCE}",
            f"owner: {BOB.master_address}",
            f"signer: {BOB.delegate_address}",
        ]
    )


@pytest.mark.parametrize("name", PARTS)
def test_a_signature_is_of_every_part(name: str) -> None:
    headers = sign_request(BOB.delegate, REGTEST, **PARTS)
    assert headers[OWNER_HEADER] == BOB.master_address
    signer, signature = headers[SIGNER_HEADER], headers[SIGNATURE_HEADER]
    assert signer == BOB.delegate_address
    assert verify_request(**PARTS, signer=signer, signature=signature)
    assert not verify_request(**{**PARTS, name: PARTS[name] + "x"}, signer=signer, signature=signature)
    assert not verify_request(**PARTS, signer=BOB.master_address, signature=signature)


@given(st.lists(any_string, min_size=7, max_size=7), st.lists(any_string, min_size=7, max_size=7))
def test_two_requests_never_have_the_same_text(one: list[str], other: list[str]) -> None:
    texts = []
    for parts in (one, other):
        try:
            texts.append(request_text(*parts))
        except InputError:
            return
    assert (texts[0] == texts[1]) == (one == other)


@given(any_string)
def test_a_part_that_could_forge_a_line_is_refused(part: str) -> None:
    plain = bool(part) and all("!" <= character <= "~" for character in part)
    try:
        lines = request_text(**{**PARTS, "path_and_query": part}, signer=BOB.master_address).split("\n")
    except InputError:
        assert not plain
        assert not verify_request(**{**PARTS, "path_and_query": part}, signer=BOB.master_address, signature="x" * 88)
    else:
        assert plain
        assert len(lines) == 8


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:2016/", "http://127.0.0.1:2016"),
        ("HTTPS://Example.org:443/x?y", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://[::1]:2016", "http://[::1]:2016"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_a_server_has_one_name(url: str, name: str) -> None:
    assert wire.server_name(url) == wire.server_name(name) == name


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x", "http://", "http://a b", "http://u@h", "http://:80", "http://x:99999", "http://é"]
)
def test_what_is_no_server_has_none(url: str) -> None:
    with pytest.raises(InputError):
        wire.server_name(url)
