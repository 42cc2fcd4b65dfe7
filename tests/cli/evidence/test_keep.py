"""`rein keep`: documents that came by mail, with all that mail does to them; and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rein.btc.networks import MAINNET
from tests.cli.conftest import Rein
from tests.support.people import forged, person, story
from tests.support.people import job as posted

TOLD = story()
DOCUMENTS = [signed.armored for signed in (*TOLD.enrollments, TOLD.job, *TOLD.documents)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.txt"


def kept(rein: Rein, *words: str) -> list[tuple[str, bool]]:
    told = rein("--network", "regtest", "keep", *words, "--json")
    assert told.code == 0, told.err
    return [(each["document_id"], each["new"]) for each in told.data["documents"]]


@pytest.mark.parametrize("spoiled", [("\n", "\r\n"), ("\n\n", "\n\n\n")], ids=["line ends", "blank lines"])
def test_one_file_holds_any_number_and_what_was_here_is_said(rein: Rein, path: Path, spoiled: tuple[str, str]) -> None:
    path.write_bytes(("\ufeffHello,\n\n" + "\n\nand\n\n".join(DOCUMENTS) + "\n-- \nBob\n").replace(*spoiled).encode())
    first = kept(rein, str(path))
    assert [new for _, new in first] == [True] * len(DOCUMENTS)
    assert {each for each, _ in first} >= {TOLD.job.id, TOLD.offer.id}
    path.write_text(TOLD.offer.armored)
    assert kept(rein, str(path)) == [(TOLD.offer.id, False)]
    assert f"Was here: offer {TOLD.offer.id}" in rein("--network", "regtest", "keep", str(path)).out


BAD = {
    "nothing": ("", "input", "holds no signed document"),
    "no document": ("Hello", "input", "holds no signed document"),
    "cut short": (TOLD.job.armored[:-20], "bad_armor", "line 1 is cut short"),
    "a changed one": (TOLD.job.armored.replace("Widget", "Gadget"), "bad_signature", "does not belong"),
    "a forged one": (forged(TOLD.job.document, person("Mallory").delegate), "not_authorised", "would sign as"),
    "of another network": (
        posted(person("Bob", MAINNET), person("Alice", MAINNET)).armored,
        "not_authorised",
        "a document of mainnet",
    ),
}


@pytest.mark.parametrize("what", BAD, ids=list(BAD))
def test_all_are_kept_or_none(rein: Rein, path: Path, what: str) -> None:
    text, code, message = BAD[what]
    good = path.with_name("good.txt")
    good.write_text(TOLD.offer.armored)
    path.write_text(text)
    told = rein("--network", "regtest", "keep", str(good), str(path), "--json")
    assert told.data["error"]["code"] == code
    assert message in told.data["error"]["message"]
    assert kept(rein, str(good)) == [(TOLD.offer.id, True)], "nothing was kept of the two"


def test_a_case_file_and_a_name_of_nothing_are_told_apart(rein: Rein, path: Path) -> None:
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    told = rein("--network", "regtest", "keep", str(path), "--json").data["error"]
    assert "case keep FILE" in told["hint"]
    told = rein("--network", "regtest", "keep", str(path) + "x", "--json").data["error"]
    assert told["code"] == "input"
