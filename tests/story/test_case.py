"""A job in one file: exported by a party, checked by anybody, and refused when a piece was touched."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rein.casefile.archive import INDEX, read_archive, write_archive
from rein.casefile.index import Index, read_index, sign_index
from rein.casefile.verify import verify_case
from rein.errors import CaseError
from tests.story.conftest import Person, Trio, agree, deliver, fund
from tests.story.test_other_endings import mine, publish
from tests.support.people import person

Pieces = dict[str, bytes]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody with an empty home: no network, no account, no database."""
    return Person("nobody", tmp_path_factory.mktemp("nobody") / "home")


@pytest.fixture(scope="module")
def disputed(trio: Trio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case of a job that was disputed and split, made by the worker."""
    folder = tmp_path_factory.mktemp("case")
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    publish(trio.bob, "creatordispute", "--jobid", agreed.job_id, "--detail", "It is silent.")
    publish(trio.alice, "resolve", "--jobid", agreed.job_id, "--worker", "0.01", "--resolution", "Two thirds.")
    publish(trio.charlie, "acceptresolution", "--jobid", agreed.job_id)
    mine(trio)
    song = folder / "song.flac"
    song.write_bytes(b"la la la")
    out = folder / "case.zip"
    trio.charlie.rein("case", "export", agreed.job_id, "--out", str(out), "--attach", str(song))
    return out


def test_a_case_tells_what_happened_to_somebody_who_has_nothing(stranger: Person, disputed: Path) -> None:
    told = stranger.run("case", "verify", str(disputed))
    assert told.code == 0, told.err
    found = told.data
    assert (found["state"], found["network"]) == ("settled", "regtest")
    primary, mediator = found["escrows"]
    assert primary["funded_sat"] == primary["amount_sat"]
    [paid] = primary["payments"]
    assert (paid["ending"], paid["amount_sat"]) == ("resolution", 1_000_000)
    assert paid["amount_sat"] + paid["back_sat"] + paid["fee_sat"] == primary["funded_sat"]
    assert [each["amount_sat"] for each in mediator["payments"]] == [15_000]
    digest = hashlib.sha256(b"la la la").hexdigest()
    assert found["attachments"] == [{"name": "song.flac", "bytes": 8, "sha256": digest}]
    assert "It is silent." not in told.out
    assert "Every piece is as it was signed." in told.err
    assert not stranger.home.exists() or not any(stranger.home.iterdir())


def test_the_same_case_twice_is_the_same_and_never_overwrites(trio: Trio, disputed: Path, tmp_path: Path) -> None:
    job_id = verify_case(read_archive(disputed)).order.job.document.job_id
    refused = trio.charlie.fails("case", "export", job_id, "--out", str(disputed))
    assert refused["code"] == "input"
    again = tmp_path / "again.zip"
    trio.bob.rein("case", "export", job_id, "--out", str(again))
    theirs, his = read_archive(disputed), read_archive(again)
    assert {name for name in theirs if name != INDEX} == {name for name in his if name != INDEX}


def _first(pieces: Pieces, beginning: str) -> str:
    return next(name for name in sorted(pieces) if name.startswith(beginning))


def _flip(pieces: Pieces, beginning: str) -> str:
    name = _first(pieces, beginning)
    content = bytearray(pieces[name])
    content[len(content) // 2] ^= 1
    pieces[name] = bytes(content)
    return name


def _drop(pieces: Pieces, beginning: str) -> str:
    name = _first(pieces, beginning)
    del pieces[name]
    return name


def _add(pieces: Pieces, name: str) -> str:
    pieces[name] = b"anything"
    return name


TOUCHED: dict[str, Callable[[Pieces], str]] = {
    **{
        f"{verb} {piece}": (lambda pieces, act=act, piece=piece: act(pieces, piece))
        for verb, act in (("changed", _flip), ("missing", _drop))
        for piece in ("documents/", "payments/", "proofs/", "descriptors.json", INDEX)
    },
    "added": lambda pieces: _add(pieces, "proofs/other.json"),
}


@pytest.mark.parametrize("what", TOUCHED)
def test_a_touched_piece_is_named(disputed: Path, what: str) -> None:
    pieces = read_archive(disputed)
    name = TOUCHED[what](pieces)
    with pytest.raises(CaseError) as refused:
        verify_case(pieces)
    assert name in refused.value.message


def _resigned(pieces: Pieces, **changes: Any) -> Pieces:
    """The pieces under an index of somebody else, who never had a part in the job."""
    from rein.btc.hashes import sha256

    mallory = person("Mallory")
    index = read_index(pieces[INDEX])
    fields = vars(index) | {
        "pieces": {name: sha256(content).hex() for name, content in pieces.items() if name != INDEX},
        "delegate_address": mallory.delegate_address,
        "master_address": mallory.master_address,
    }
    return pieces | {INDEX: sign_index(Index(**(fields | changes)), mallory.delegate)}


def test_nobody_else_can_make_a_case_of_it(disputed: Path) -> None:
    pieces = read_archive(disputed)
    with pytest.raises(CaseError, match="no part in the job"):
        verify_case(_resigned(pieces))
    owner = read_index(pieces[INDEX]).master_address
    with pytest.raises(CaseError, match="never enrolled"):
        verify_case(_resigned(pieces, master_address=owner))


def test_what_is_no_archive_is_refused(stranger: Person, tmp_path: Path) -> None:
    for name, content in {"empty": b"", "text": b"Hello", "cut": b"PK\x03\x04" + bytes(40)}.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert stranger.fails("case", "verify", str(path))["code"] == "bad_case"
    assert stranger.fails("case", "verify", str(tmp_path / "none"))["code"] == "input"


def test_a_bomb_and_names_that_climb_out_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("documents/big.txt", bytes(50_000_000))
    with pytest.raises(CaseError, match="larger than"):
        read_archive(bomb)
    for name in ("../out.txt", "/etc/passwd", "documents/../../x", "a/b/c", "CON:", ""):
        climbing = tmp_path / "climbing.zip"
        with zipfile.ZipFile(climbing, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"x")
        with pytest.raises(CaseError):
            read_archive(climbing)


def test_pieces_come_back_as_they_were(tmp_path: Path) -> None:
    pieces = {"case.txt": b"index", "documents/a.txt": b"\x00\xff", "proofs/b.json": b""}
    write_archive(tmp_path / "a.zip", pieces)
    write_archive(tmp_path / "b.zip", dict(reversed(pieces.items())))
    assert read_archive(tmp_path / "a.zip") == pieces
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
