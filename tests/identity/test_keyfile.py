"""The encrypted key file: opens with its passphrase, with nothing else, and is written whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rein.errors import IdentityError, PassphraseError
from rein.identity.keyfile import is_private, read_key_file, write_key_file
from rein.identity.sealing import MIN_PASSPHRASE, Cost, check_passphrase

WORDS = "abandon " * 11 + "about"
PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(memory_kib=8_192, iterations=1, lanes=1)

Content = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys" / "regtest-someone.json"


@pytest.fixture
def written(path: Path) -> Path:
    write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    return path


def rewrite(path: Path, change: Callable[[Content], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_round_trip(written: Path) -> None:
    assert read_key_file(written, PASSPHRASE) == WORDS


def test_the_default_cost_is_what_is_documented_and_works(path: Path) -> None:
    write_key_file(path, WORDS, PASSPHRASE)
    content = json.loads(path.read_text())
    assert (content["memory_kib"], content["iterations"], content["lanes"]) == (65_536, 2, 1)
    assert read_key_file(path, PASSPHRASE) == WORDS


def test_the_file_is_what_its_docstring_says(written: Path) -> None:
    """Opened here by hand, with `cryptography` alone: another program can do it too."""
    content = json.loads(written.read_text())
    sealed = b64decode(content.pop("ciphertext"))
    salt, nonce = b64decode(content["salt"]), b64decode(content["nonce"])
    assert content == {
        "rein_key_file": 1,
        "kdf": "argon2id",
        "memory_kib": 8_192,
        "iterations": 1,
        "lanes": 1,
        "cipher": "chacha20-poly1305",
        "salt": b64encode(salt).decode(),
        "nonce": b64encode(nonce).decode(),
    }
    key = Argon2id(salt=salt, length=32, iterations=1, lanes=1, memory_cost=8_192).derive(PASSPHRASE.encode())
    header = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert ChaCha20Poly1305(key).decrypt(nonce, sealed, header).decode() == WORDS


def test_two_files_of_the_same_words_share_nothing(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "other"))
    for each in (one, other):
        write_key_file(each, WORDS, PASSPHRASE, cost=CHEAP)
    first, second = (json.loads(each.read_text()) for each in (one, other))
    assert all(first[name] != second[name] for name in ("salt", "nonce", "ciphertext"))


def test_the_words_are_not_in_the_file(written: Path) -> None:
    raw = written.read_bytes()
    assert b"abandon" not in raw
    assert PASSPHRASE.encode() not in raw


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(passphrase=st.text(max_size=60).filter(lambda text: text != PASSPHRASE))
def test_no_other_passphrase_opens_it(tmp_path: Path, passphrase: str) -> None:
    path = tmp_path / "key.json"
    if not path.exists():
        write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    with pytest.raises(PassphraseError):
        read_key_file(path, passphrase)


@pytest.mark.parametrize(
    "passphrase",
    ["", "x", PASSPHRASE + " ", " " + PASSPHRASE, PASSPHRASE.upper(), PASSPHRASE[:-1], PASSPHRASE + "\n", "\x00" * 8],
)
def test_nearly_the_passphrase_does_not_open_it(written: Path, passphrase: str) -> None:
    with pytest.raises(PassphraseError, match="does not open the key file"):
        read_key_file(written, passphrase)


@pytest.mark.parametrize("passphrase", ["passwör\u0308d €", "密码密码密码密码", "🔑" * 8, " " * 8, "\x00" * 8])
def test_any_text_is_a_passphrase(path: Path, passphrase: str) -> None:
    write_key_file(path, WORDS, passphrase, cost=CHEAP)
    assert read_key_file(path, passphrase) == WORDS


def test_a_passphrase_that_is_no_text_is_named(path: Path, written: Path) -> None:
    """Bytes of an environment variable that are not UTF-8 reach Python as lone surrogates."""
    broken = os.fsdecode(b"\xff\xfe passphrase")
    with pytest.raises(PassphraseError, match="no text"):
        read_key_file(written, broken)
    with pytest.raises(PassphraseError, match="no text"):
        write_key_file(path.with_name("other"), WORDS, broken, cost=CHEAP)
    assert not path.with_name("other").exists()


def test_short_passphrases_are_refused_before_anything_is_written(path: Path) -> None:
    check_passphrase("x" * MIN_PASSPHRASE)
    with pytest.raises(PassphraseError, match="has 7 characters; at least 8"):
        write_key_file(path, WORDS, "x" * 7, cost=CHEAP)
    assert not path.parent.exists()


# Tampering: every field of the header is sealed too.

_OTHER = {
    "memory_kib": 8_193,
    "iterations": 2,
    "lanes": 2,
    "salt": b64encode(b"\x01" * 16).decode(),
    "nonce": b64encode(b"\x01" * 12).decode(),
    "ciphertext": b64encode(b"\x01" * 100).decode(),
}


@pytest.mark.parametrize("name", _OTHER)
def test_a_changed_field_is_a_file_that_does_not_open(written: Path, name: str) -> None:
    rewrite(written, lambda content: content.update({name: _OTHER[name]}))
    with pytest.raises(PassphraseError, match="does not open"):
        read_key_file(written, PASSPHRASE)


def test_an_added_field_is_noticed(written: Path) -> None:
    rewrite(written, lambda content: content.update(note="nothing"))
    with pytest.raises(PassphraseError, match="does not open"):
        read_key_file(written, PASSPHRASE)


@pytest.mark.parametrize("name", ["rein_key_file", "kdf", "cipher", "memory_kib", "iterations", "lanes"])
@pytest.mark.parametrize("value", [None, "", "md5", 0, -1, 1.5, [], {}, "8192", 2**70], ids=repr)
def test_a_header_of_another_kind_is_refused(written: Path, name: str, value: object) -> None:
    rewrite(written, lambda content: content.update({name: value}))
    with pytest.raises(IdentityError) as caught:
        read_key_file(written, PASSPHRASE)
    assert not isinstance(caught.value, PassphraseError)


@pytest.mark.parametrize("name", ["salt", "nonce", "ciphertext"])
@pytest.mark.parametrize(
    "value",
    [None, 5, [], {}, "", "*", "AAAA", "ü" * 16, b64encode(bytes(64)).decode(), "\ud800", True],
    ids=repr,
)
def test_damaged_bytes_are_refused(written: Path, name: str, value: object) -> None:
    rewrite(written, lambda content: content.update({name: value}))
    with pytest.raises(IdentityError):
        read_key_file(written, PASSPHRASE)


@pytest.mark.parametrize(
    "name", ["rein_key_file", "kdf", "cipher", "memory_kib", "iterations", "lanes", "salt", "nonce", "ciphertext"]
)
def test_a_missing_field_is_an_error_of_ours(written: Path, name: str) -> None:
    rewrite(written, lambda content: content.pop(name))
    with pytest.raises(IdentityError):
        read_key_file(written, PASSPHRASE)


def test_every_byte_of_the_ciphertext_counts(written: Path) -> None:
    sealed = b64decode(json.loads(written.read_text())["ciphertext"])
    for place in range(0, len(sealed), 7):
        flipped = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        rewrite(written, lambda content, new=flipped: content.update(ciphertext=b64encode(new).decode()))
        with pytest.raises(PassphraseError):
            read_key_file(written, PASSPHRASE)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"5",
        b"\xff\xfe\x00",
        b"{" * 9_000,
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"ciphertext": "", "rein_key_file": 1' + b" " * 20_000 + b"}",
        b'{"ciphertext": NaN}',
        WORDS.encode(),
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_any_other_file_is_no_key_file(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    with pytest.raises(IdentityError):
        read_key_file(path, PASSPHRASE)


def test_a_missing_file_says_so_and_a_folder_is_none(path: Path) -> None:
    with pytest.raises(IdentityError, match="is missing") as caught:
        read_key_file(path, PASSPHRASE)
    assert caught.value.hint == "Restore it from your backup."
    path.mkdir(parents=True)
    with pytest.raises(IdentityError, match="is not a key file"):
        read_key_file(path, PASSPHRASE)


# A planted file must not stop this machine, nor make guessing cheap.


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 2**40},
        {"memory_kib": 2**20 + 1},
        {"memory_kib": 8_191},
        {"memory_kib": 8},
        {"iterations": 17},
        {"iterations": 10**9},
        {"iterations": 0},
        {"lanes": 17},
        {"lanes": 2**24},
        {"lanes": 0},
        {"memory_kib": 8_192.0},
        {"iterations": True},
    ],
    ids=str,
)
def test_absurd_costs_are_refused_at_once(written: Path, cost: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    def derived(*_: object, **__: object) -> None:
        pytest.fail("the key was derived")

    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.argon2.Argon2id", derived)
    rewrite(written, lambda content: content.update(cost))
    with pytest.raises(IdentityError, match=r"unreasonable cost|no numbers"):
        read_key_file(written, PASSPHRASE)


@pytest.mark.parametrize("cost", [Cost(memory_kib=1_024), Cost(iterations=0), Cost(lanes=99)], ids=str)
def test_nobody_writes_a_file_that_could_not_be_opened(path: Path, cost: Cost) -> None:
    with pytest.raises(IdentityError, match="unreasonable"):
        write_key_file(path, WORDS, PASSPHRASE, cost=cost)
    assert not path.exists()


# On the disk.


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_the_file_is_for_its_owner_alone_whatever_the_umask(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0
    assert is_private(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o601])
def test_a_file_others_can_read_is_not_private(written: Path, mode: int) -> None:
    written.chmod(mode)
    assert not is_private(written)


def test_a_file_is_never_overwritten(written: Path) -> None:
    before = written.read_bytes()
    with pytest.raises(IdentityError, match="already; it is left as it is"):
        write_key_file(written, WORDS, PASSPHRASE, cost=CHEAP)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_not_even_what_is_no_key_file_or_a_dangling_link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("my notes")
    link = path.with_name("link")
    link.symlink_to(path.with_name("nowhere"))
    for each in (path, link):
        with pytest.raises(IdentityError):
            write_key_file(each, WORDS, PASSPHRASE, cost=CHEAP)
    assert path.read_text() == "my notes"
    assert not path.with_name("nowhere").exists()


def test_of_many_writers_at_once_one_wins_and_its_file_opens(path: Path) -> None:
    """The others are told; nobody's half file gets the name, and nobody's passphrase is silently replaced."""
    barrier, results = threading.Barrier(8), dict[int, bool]()

    def write(number: int) -> None:
        barrier.wait()
        try:
            write_key_file(path, WORDS, f"{PASSPHRASE} {number}", cost=CHEAP)
            results[number] = True
        except IdentityError:
            results[number] = False

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, won in results.items() if won]
    assert len(winners) == 1
    assert len(results) == 8
    assert read_key_file(path, f"{PASSPHRASE} {winners[0]}") == WORDS
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "link"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
def test_a_failure_on_the_way_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    if step == "link":
        monkeypatch.setattr(Path, "rename", fail)
    expected = IdentityError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    assert list(path.parent.iterdir()) == []
    monkeypatch.undo()
    write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    assert read_key_file(path, PASSPHRASE) == WORDS


def test_a_file_system_without_hard_links_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)
    assert read_key_file(path, PASSPHRASE) == WORDS
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(IdentityError, match="already"):
        write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_between_writing_and_naming_there_is_no_key_file(path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from rein.identity import keyfile
        os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        keyfile.write_key_file(Path(sys.argv[1]), sys.argv[2], sys.argv[3], cost=keyfile.Cost(8192, 1, 1))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path), WORDS, PASSPHRASE], check=False, timeout=30
    )
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert all(is_private(left) for left in path.parent.iterdir())
    assert not any(b"abandon" in left.read_bytes() for left in path.parent.iterdir())
    write_key_file(path, WORDS, PASSPHRASE, cost=CHEAP)  # nothing that was left is in the way
    assert read_key_file(path, PASSPHRASE) == WORDS


@pytest.mark.parametrize("where", ["file-in-the-way/keys/x.json", "x" * 300])
def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path, where: str) -> None:
    (tmp_path / "file-in-the-way").write_text("")
    with pytest.raises(IdentityError, match="cannot be written"):
        write_key_file(tmp_path / where, WORDS, PASSPHRASE, cost=CHEAP)
