"""`rein config`: chain sources and Tor. No password is ever shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rein.app import open_chain, open_node
from rein.btc.networks import REGTEST
from rein.chain.agreement import Agreement
from rein.chain.core_rpc import CoreRpc
from rein.chain.proved import ProvedSource
from rein.cli import main
from rein.cli.console.terminal import Terminal
from rein.errors import IdentityError, InputError
from rein.settings import Flags, load_settings, read_config


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def one(*words: str) -> tuple[int, str]:
        code = main.run(["--home", str(tmp_path), "--network", "regtest", "config", *words])
        captured = capsys.readouterr()
        assert "s3cret" not in captured.out + captured.err
        return code, captured.out + captured.err

    return one


def sources(home: Path) -> list[str]:
    return [each.shown for each in load_settings(Flags(home=home, network="regtest"), {}).chain]


def test_sources_are_added_listed_and_removed(run: Any, tmp_path: Path) -> None:
    assert run("chain", "esplora", "https://esplora.example/api")[0] == 0
    assert run("chain", "core", "http://ann:s3cret@127.0.0.1:1")[0] == 0
    assert run("chain", "causeway", "http://causeway.example:2016/")[0] == 0
    expected = [
        "esplora https://esplora.example/api",
        "core http://127.0.0.1:1",
        "causeway http://causeway.example:2016/",
    ]
    assert sources(tmp_path) == expected
    code, shown = run("chain", "list")
    assert code == 0
    assert "as ann, with a password" in shown
    assert "must answer, and agree" in shown
    assert run("chain", "core", "http://ann:s3cret2@127.0.0.1:1")[0] == 0, "the same again takes its place"
    assert len(sources(tmp_path)) == 3
    assert run("chain", "remove", "http://127.0.0.1:1")[0] == 0
    assert run("chain", "remove", "https://esplora.example/api")[0] == 0
    assert sources(tmp_path) == expected[2:]
    code, shown = run("chain", "remove", "https://esplora.example/api")
    assert (code, "no such chain source" in shown) == (2, True)
    assert run("chain", "remove", "http://causeway.example:2016/")[0] == 0
    assert sources(tmp_path) == ["core http://127.0.0.1:18443"], "what nobody set is this machine's node"


def test_json_holds_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Any) -> None:
    run("chain", "core", "http://ann:s3cret@127.0.0.1:1")
    for words in (["--json"], ["--json", "chain", "list"]):
        assert main.run(["--home", str(tmp_path), "--network", "regtest", "config", *words]) == 0
        out = capsys.readouterr().out
        assert "s3cret" not in out
        assert "http://127.0.0.1:1" in json.dumps(json.loads(out))
    assert "s3cret" in read_config(tmp_path)["chain"]


def test_a_password_is_asked_for(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "ask_secret", lambda *_, **__: "s3cret/@:")
    assert run("chain", "core", "http://127.0.0.1:1", "--user", "ann")[0] == 0
    (found,) = load_settings(Flags(home=tmp_path, network="regtest"), {}).chain
    assert (found.url, found.user, found.password) == ("http://127.0.0.1:1", "ann", "s3cret/@:")


def test_a_password_comes_from_a_descriptor(run: Any, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"s3cret/@:\n")
    os.close(writing)
    assert run("chain", "core", "http://127.0.0.1:1", "--user", "ann", "--password-fd", str(reading))[0] == 0
    (found,) = load_settings(Flags(home=tmp_path, network="regtest"), {}).chain
    assert (found.user, found.password) == ("ann", "s3cret/@:")


def test_a_cookie_and_a_wallet(run: Any, tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    assert run("chain", "core", "127.0.0.1:1", "--cookie", str(cookie), "--wallet", "watched")[0] == 0
    (found,) = load_settings(Flags(home=tmp_path, network="regtest"), {}).chain
    assert (found.cookie, found.wallet) == (cookie, "watched")
    assert run("chain", "esplora", "http://x", "--wallet", "watched")[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("chain", "electrum", "http://x"),
        ("chain", "core"),
        ("chain", "core", "ftp://x"),
        ("chain", "esplora", "blockstream.info"),
        ("chain", "esplora", "http://x http://y"),
        ("chain", "remove", "http://never.example"),
        ("tor", "maybe"),
        ("tor", "on", "not a proxy"),
        ("tor",),
    ],
)
def test_what_cannot_be_set(run: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    code, shown = run(*words)
    assert code == 2
    assert "Traceback" not in shown
    assert read_config(tmp_path) == {}


def test_tor(run: Any, tmp_path: Path) -> None:
    for words, expected in (
        (("tor", "on"), "socks5h://127.0.0.1:9050"),
        (("tor", "on", "[::1]:9150"), "socks5h://[::1]:9150"),
        (("tor", "off"), None),
        (("tor", "off"), None),
    ):
        assert run(*words)[0] == 0
        assert load_settings(Flags(home=tmp_path), {}).proxy == expected


def test_settings_become_sources(tmp_path: Path) -> None:
    def opened(chain: str, owner: str | None = None) -> object:
        return open_chain(load_settings(Flags(home=tmp_path, network="regtest", chain=chain), {}), owner)

    assert isinstance(opened(""), CoreRpc)
    assert isinstance(opened("esplora+http://x/api"), ProvedSource)
    assert isinstance(opened("causeway+http://x/", "mOwner"), ProvedSource)
    both = opened("http://127.0.0.1:1 esplora+http://x/api")
    assert isinstance(both, Agreement)
    assert both.network is REGTEST
    with pytest.raises(IdentityError):
        opened("causeway+http://x/")
    with pytest.raises(InputError, match="no Bitcoin Core is set"):
        open_node(load_settings(Flags(home=tmp_path, network="regtest", chain="esplora+http://x"), {}))
