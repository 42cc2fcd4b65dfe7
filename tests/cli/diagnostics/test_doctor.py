"""`rein doctor`: each thing that can be wrong is found, named, and has something to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rein.btc.networks import MAINNET, REGTEST, Network
from rein.chain.source import BlockRef
from rein.findings import Finding, Level
from rein.store.database import Database
from rein.store.schema import STEPS
from rein.workflows.diagnostics import installation as local
from rein.workflows.diagnostics import network as network
from tests.cli.conftest import Chain, Rein, Result
from tests.support.socks import socks_server

NOW = 1_800_000_000


@pytest.fixture
def home(rein: Rein, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an identity, on the private chain."""
    monkeypatch.delenv("REIN_PROXY", raising=False)
    done = rein("setup", "--name", "Ann", "--contact", "a@x", "--no-mediate", *chain.words)
    assert done.code == 0, done.err
    return tmp_path / "home"


def by_check(result: Result) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in result.data["findings"]:
        assert (each["verdict"] == "ok") == (each["hint"] is None), "whatever is not well says what to do"
        found.setdefault(each["check"], []).append(each)
    return found


def verdicts(result: Result, check: str) -> set[str]:
    return {each["verdict"] for each in by_check(result).get(check, [])}


def test_a_good_home_is_healthy(rein: Rein, home: Path) -> None:
    result = rein("doctor", "--json")
    assert (result.code, result.data["healthy"]) == (0, True)
    found = by_check(result)
    assert {name for name, all_ in found.items() if {each["verdict"] for each in all_} == {"ok"}} >= {
        *("versions", "settings", "permissions", "database", "keys", "chain"),
    }
    assert verdicts(result, "servers") == {"warn"}
    assert rein("doctor").code == 0


def test_no_home_is_no_failure_and_none_is_made(rein: Rein, tmp_path: Path) -> None:
    result = rein("doctor", "--json")
    assert result.code == 0
    assert verdicts(result, "home") == {"warn"}
    assert not (tmp_path / "home").exists()


Harm = Callable[[Path], None]


def _key_file(home: Path) -> Path:
    (found,) = (home / "keys").iterdir()
    return found


def _damage(home: Path) -> None:
    content = bytearray((home / "rein.db").read_bytes())
    content[4096:] = b"\xa5" * len(content[4096:])
    (home / "rein.db").write_bytes(content)


def _newer(home: Path) -> None:
    with closing(sqlite3.connect(home / "rein.db")) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")


HARMS: dict[str, tuple[str, Harm]] = {
    "open home": ("permissions", lambda home: home.chmod(0o755)),
    "open key file": ("permissions", lambda home: _key_file(home).chmod(0o644)),
    "open database": ("permissions", lambda home: (home / "rein.db").chmod(0o644)),
    "open settings": ("permissions", lambda home: (home / "config.toml").chmod(0o644)),
    "no key file": ("keys", lambda home: _key_file(home).unlink()),
    "half a key file": ("keys", lambda home: _key_file(home).write_bytes(_key_file(home).read_bytes()[:100])),
    "cheap key file": ("keys", lambda home: _replace(_key_file(home), '"memory_kib": 65536', '"memory_kib": 8')),
    "damaged database": ("database", _damage),
    "newer database": ("database", _newer),
    "no database at all": ("database", lambda home: _only(home / "rein.db", b"my notes")),
    "unknown setting": ("settings", lambda home: _append(home / "config.toml", 'colour = "red"\n')),
    "no TOML": ("settings", lambda home: _append(home / "config.toml", "[")),
    "dead chain": ("chain", lambda home: _replace(home / "config.toml", "http://127.0.0.1:", "http://127.0.0.1:1#")),
}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new).split("#")[0] + ('"\n' if "#" in new else ""))


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def _only(path: Path, content: bytes) -> None:
    for each in path.parent.glob("rein.db*"):
        each.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("what", HARMS)
def test_what_is_wrong_is_found(rein: Rein, home: Path, what: str) -> None:
    check, harm = HARMS[what]
    harm(home)
    result = rein("doctor", "--json")
    assert (result.code, result.data["healthy"]) == (1, False)
    failing = {each["check"] for each in result.data["findings"] if each["verdict"] == "fail"}
    assert check in failing
    told = rein("doctor")
    assert told.code == (0 if what == "open database" else 1), "opening the database closes it to others"
    assert by_check(result)


def test_what_an_interrupted_setup_leaves_is_explained(rein: Rein, home: Path) -> None:
    key = _key_file(home)
    shutil.copy(key, key.with_name("regtest-mOther.json"))
    (key.parent / "x.json.0a1b2c3d.new").write_text("{")
    hints = [each["hint"] for each in by_check(rein("doctor", "--json"))["keys"] if each["verdict"] == "warn"]
    assert len(hints) == 2
    assert any("--words-fd" in hint for hint in hints)


def test_an_old_database_is_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rein.db"
    Database(path)
    assert [each.verdict for each in local.check_database(path)] == [Level.OK] * 2


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(local.FREE_FAIL_BYTES - 1, "fail"), (local.FREE_WARN_BYTES - 1, "warn"), (local.FREE_WARN_BYTES, "ok")],
)
def test_a_full_disk(free: int, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk cannot be filled here: what the system says of it is replaced."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, free))  # type: ignore[attr-defined]
    found = list(local.check_home(tmp_path, tmp_path / "none"))
    assert [each.verdict.value for each in found if each.check == "disk"] == [verdict]


# Elsewhere.


class Tip:
    """A chain source whose newest block has this time."""

    def __init__(self, when: int, of: Network) -> None:
        self.when, self.network = when, of

    def tip(self) -> BlockRef:
        return BlockRef("00" * 32, 900_000, self.when)


@pytest.mark.parametrize(
    ("ahead", "of", "worst"),
    [
        (0, MAINNET, "ok"),
        (network.FUTURE_S, MAINNET, "ok"),
        (network.FUTURE_S + 1, MAINNET, "fail"),
        (-network.OLD_TIP_S, MAINNET, "ok"),
        (-network.OLD_TIP_S - 1, MAINNET, "warn"),
        (-(10**7), REGTEST, "ok"),
    ],
)
def test_the_newest_block_is_a_clock(ahead: int, of: Network, worst: str) -> None:
    found = list(network.check_chain("core x", Tip(NOW + ahead, of), NOW))  # type: ignore[arg-type]  # only tip() is asked
    assert _worst(found) == worst


def _worst(found: list[Finding]) -> str:
    return max((each.verdict.value for each in found), key=["ok", "warn", "fail"].index)


@pytest.mark.parametrize(
    ("offsets", "verdict"),
    [
        ([0, 3, -2], "ok"),
        ([network.CLOCK_WARN_S], "warn"),
        ([-network.CLOCK_FAIL_S], "fail"),
        ([0, 1, 10**9], "ok"),
        ([None, None], None),
    ],
    ids=["agree", "one off", "far off", "one lies", "none tells"],
)
def test_the_servers_are_clocks(offsets: list[int | None], verdict: str | None) -> None:
    said = [network.StatusReply("http://x/", {}, None if each is None else NOW + each) for each in offsets]
    assert [each.verdict.value for each in network.check_clock(said, NOW)] == ([verdict] if verdict else [])


class Server(ThreadingHTTPServer):
    """Answers everything with `body`."""

    body = b"{}"


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.body)))  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write(self.server.body)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as found:
        thread = Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("body", "verdict", "words"),
    [
        (b'{"version": "0.4.0", "network": "regtest"}', "ok", "Causeway 0.4.0"),
        (b'{"status": "success"}', "ok", "of unknown version"),
        (b'{"version": "\\u001b[2J", "network": "mainnet"}', "fail", "another network"),
        (b"<html>", "fail", "not JSON"),
        (b"[1]", "fail", "HTTP 200"),
        (b"x" * 70_000, "fail", "more than 65,536 bytes"),
    ],
)
def test_what_servers_say(server: Server, body: bytes, verdict: str, words: str) -> None:
    server.body = body
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    said = network.ask_servers([url, url], None)
    assert all(abs((each.date or 0) - time.time()) < 60 for each in said if each.answer is not None)
    for found in network.check_servers(said, REGTEST):
        assert found.verdict.value == verdict
        assert words in found.message


def test_a_dead_server_and_a_lonely_one(server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/"
    found = list(network.check_servers(network.ask_servers([url, dead], None), REGTEST))
    assert [each.verdict for each in found] == [Level.OK, Level.FAIL]
    (alone, lonely) = network.check_servers(network.ask_servers([url], None), REGTEST)
    assert (alone.verdict, lonely.verdict) == (Level.OK, Level.WARN)


def test_the_proxy(server: Server) -> None:
    with socks_server(("127.0.0.1", 1)) as socks:
        assert network.check_proxy(socks.url).verdict is Level.OK
    assert network.check_proxy(socks.url).verdict is Level.FAIL
    http = f"socks5h://127.0.0.1:{server.server_address[1]}"
    assert network.check_proxy(http).verdict is Level.FAIL, "something answers, and is no proxy"
