"""`rein verify`, without an identity: documents of 2016, texts that are none, and texts that were changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET
from rein.protocol.armor import Armored
from tests.cli.conftest import Rein
from tests.support import legacy_documents as real

STRANGER = PrivateKey(b"\x07" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "document.txt"


def signed_by_stranger(text: str) -> str:
    address = p2pkh_address(STRANGER.public_key, MAINNET)
    return str(Armored(text, address, message.sign(STRANGER, text)))


def test_an_enrollment_of_2016_is_its_own_proof(rein: Rein, path: Path) -> None:
    path.write_text(real.ENROLLMENT_BOB)
    told = rein("verify", str(path), "--json").data
    assert (told["kind"], told["network"], told["author_name"], told["authorised"]) == ("enrollment", None, "Bob", True)
    assert told["sin"] == "TfKq1uQKV3KcjuW9r6JayjT4UA5dyEodPys"
    shown = rein("verify", str(path))
    assert "  Contact: bob@example.com\n" in shown.out
    assert "That is a key of Bob" in shown.out


def test_of_other_documents_of_2016_an_enrollment_tells_whose_key_signed(
    rein: Rein, path: Path, tmp_path: Path
) -> None:
    bob, alice = tmp_path / "bob.txt", tmp_path / "alice.txt"
    path.write_text(real.JOB)
    bob.write_text(real.ENROLLMENT_BOB)
    alice.write_text(real.ENROLLMENT_ALICE)
    alone = rein("verify", str(path), "--json").data
    assert (alone["author_name"], alone["authorised"], len(alone["doubts"])) == (None, None, 1)
    other = rein("verify", str(path), "--enrollment", str(alice), "--json").data
    assert other["authorised"] is None
    with_his = rein("verify", str(path), "--enrollment", str(alice), "--enrollment", str(bob), "--json").data
    assert (with_his["author_name"], with_his["authorised"], with_his["doubts"]) == ("Bob", True, [])


@pytest.mark.parametrize("spoiled", [("\n", "\r\n"), ("-----BEGIN BITCOIN", "\n\n-----BEGIN BITCOIN")])
def test_what_mail_does_to_a_document_does_no_harm(rein: Rein, path: Path, spoiled: tuple[str, str]) -> None:
    path.write_bytes(("\ufeff" + real.ENROLLMENT_BOB.replace(*spoiled) + "\n\n").encode())
    assert rein("verify", str(path)).code == 0


def test_a_changed_text_is_refused(rein: Rein, path: Path) -> None:
    path.write_text(real.ENROLLMENT_BOB.replace("bob@", "rob@"))
    result = rein("verify", str(path), "--json")
    assert (result.code, result.data["error"]["code"]) == (4, "bad_signature")


def test_someone_else_signing_in_his_name_is_refused(rein: Rein, path: Path) -> None:
    text = real.ENROLLMENT_BOB.split("\n", 1)[1].split("\n-----BEGIN SIGNATURE")[0]
    path.write_text(signed_by_stranger(text))
    result = rein("verify", str(path), "--json")
    assert (result.code, result.data["error"]["code"]) == (4, "not_authorised")


def test_a_signed_text_that_is_no_document_tells_its_signer_and_fails(rein: Rein, path: Path) -> None:
    path.write_text(signed_by_stranger("Rein Accept Delivery\nJob name: \x1b[2Jx"))
    result = rein("verify", str(path))
    assert result.code == 4
    assert "Rein Accept Delivery" in result.out
    assert "\x1b" not in result.out
    assert re.search(r"signature is right, though: 1\w+ signed this text", result.err)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"hello", b"x" * 200_000], ids=["empty", "utf-16", "words", "big"]
)
def test_what_is_no_document_is_an_error_of_ours(rein: Rein, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert rein("verify", str(path)).code in (2, 4)
    assert rein("verify", str(path) + "x").code == 2
