"""The agent: whom it answers, where it is reachable, and that it ends."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rein.app import open_session
from rein.btc.networks import REGTEST
from rein.errors import IdentityError, PassphraseError
from rein.identity import unlocked
from rein.identity.keyfile import write_key_file
from rein.identity.keyring import Keyring
from rein.identity.unlocked import lock, unlock, unlocked_words
from rein.settings import Flags, load_settings
from rein.store.store import Store
from rein.workflows.identity.setup import NewIdentity, build_enrollment, genesis, row_of

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="needs Linux")

WORDS = "abandon " * 11 + "about"
KEY = "keys/regtest-x.json"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "h"
    home.mkdir(mode=0o755)
    yield home
    lock(home, KEY)


def until(what: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def agent_socket(home: Path) -> Path:
    (path,) = (home / "agent").iterdir()
    return path


def agent_pid(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(data[:4], sys.byteorder)


def test_words_are_there_until_they_are_locked(home: Path) -> None:
    assert unlocked_words(home, KEY) is None
    unlock(home, KEY, WORDS, 60)
    assert unlocked_words(home, KEY) == WORDS
    assert unlocked_words(home, "keys/other.json") is None
    assert lock(home, KEY)
    assert unlocked_words(home, KEY) is None
    assert until(lambda: list((home / "agent").iterdir()) == [])
    assert not lock(home, KEY)


def test_the_time_ends(home: Path) -> None:
    unlock(home, KEY, WORDS, 1)
    assert unlocked_words(home, KEY) == WORDS
    assert until(lambda: unlocked_words(home, KEY) is None, 5)
    assert until(lambda: not list((home / "agent").iterdir()))


def test_only_the_owner_can_reach_it_and_nothing_is_on_disk(home: Path) -> None:
    (home / "agent").mkdir(mode=0o777)
    unlock(home, KEY, WORDS, 60)
    path = agent_socket(home)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert [each for each in home.rglob("*") if each.is_file()] == []
    pid = agent_pid(path)
    assert b"abandon" not in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_gets_no_answer_even_where_the_file_lets_him(home: Path) -> None:
    unlock(home, KEY, WORDS, 60)
    path = agent_socket(home)
    for folder in [path.parent, home, *home.parents]:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    path.chmod(0o666)
    script = f"""
import os, socket
os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect({str(path)!r})
try:
    s.sendall(b"words\\n")
    print(repr(s.recv(100)))
except ConnectionError:  # closed before or after the question
    print("b''")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.strip(), done.returncode) == ("b''", 0), done.stderr
    path.parent.chmod(0o755)
    assert unlocked_words(home, KEY) is None  # and a folder others can enter is not asked
    path.parent.chmod(0o700)
    assert unlocked_words(home, KEY) == WORDS


def test_a_silent_or_wordy_caller_does_not_stop_it(home: Path) -> None:
    unlock(home, KEY, WORDS, 60)
    path = agent_socket(home)
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as wordy:
        wordy.connect(str(path))
        wordy.sendall(b"x" * 5000)
        silent.connect(str(path))
        assert until(lambda: unlocked_words(home, KEY) == WORDS, 12)


def test_a_dead_agents_socket_is_no_answer_and_is_replaced(home: Path) -> None:
    unlock(home, KEY, WORDS, 60)
    os.kill(agent_pid(agent_socket(home)), 9)
    assert until(lambda: unlocked_words(home, KEY) is None)
    unlock(home, KEY, WORDS, 60)
    assert unlocked_words(home, KEY) == WORDS


def test_unlocked_again_the_later_time_counts(home: Path) -> None:
    unlock(home, KEY, WORDS, 1)
    unlock(home, KEY, WORDS, 60)
    time.sleep(1.5)
    assert unlocked_words(home, KEY) == WORDS


def test_a_path_no_socket_can_have(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="too long"):
        unlock(tmp_path / ("x" * 100), KEY, WORDS, 5)


def test_a_package_in_the_current_folder_is_not_run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "rein" / "identity"
    trap.mkdir(parents=True)
    (trap.parent / "__init__.py").write_text("raise SystemExit('trapped')")
    monkeypatch.chdir(tmp_path)
    unlock(home, KEY, WORDS, 60)
    assert unlocked_words(home, KEY) == WORDS


def test_without_peer_credentials_nothing_is_unlocked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(unlocked.socket, "SO_PEERCRED")
    with pytest.raises(IdentityError, match="only on Linux"):
        unlock(home, KEY, WORDS, 5)
    assert unlocked_words(home, KEY) is None


def test_a_desk_asks_for_no_passphrase_while_the_key_is_unlocked(tmp_path: Path) -> None:
    home, keyring = tmp_path / "h", Keyring(WORDS, REGTEST)
    signed = build_enrollment(NewIdentity("Alice", "a@x", None), keyring, genesis(REGTEST))
    row = row_of(signed.document, "Alice")
    store = Store(home / "rein.db")
    store.identities.add(row, signed)
    write_key_file(home / row.key_file, WORDS, "correct horse battery")
    settings = load_settings(Flags(home=home, network="regtest"), {})

    def nobody_answers(name: str, use: object) -> Any:
        raise PassphraseError(f"asked for that of {name}")

    with pytest.raises(PassphraseError):
        _ = open_session(settings, nobody_answers, print).keyring
    unlock(home, row.key_file, WORDS, 60)
    try:
        assert open_session(settings, nobody_answers, print).keyring.master.secret == keyring.master.secret
    finally:
        assert lock(home, row.key_file)
    with pytest.raises(PassphraseError):
        _ = open_session(settings, nobody_answers, print).keyring


def test_the_agent_s_folder_leads_nowhere_else(tmp_path: Path) -> None:
    """Whoever put a link there would have another folder's mode changed, and a socket of words in it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "agent").symlink_to(elsewhere)
    with pytest.raises(IdentityError, match="leads elsewhere"):
        unlock(tmp_path / "home", "keys/x.json", WORDS, 60)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
    assert list(elsewhere.iterdir()) == []
