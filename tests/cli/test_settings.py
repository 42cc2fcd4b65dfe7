"""Settings: the file, then the environment, then flags; each says where it stands when it cannot be used."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4
from rein.cli import main
from rein.errors import InputError
from rein.settings import (
    CHAIN_VARIABLE,
    CONFIG_FILE,
    COOKIE_VARIABLE,
    HOME_VARIABLE,
    IDENTITY_VARIABLE,
    NETWORK_VARIABLE,
    PROXY_VARIABLE,
    ChainKind,
    ChainSetting,
    Flags,
    Settings,
    load_settings,
    network_of_testnet_flag,
    read_config,
    write_config,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def load(home: Path, environment: dict[str, str] | None = None, **flags: object) -> Settings:
    return load_settings(Flags(home=home, **flags), environment or {})  # type: ignore[arg-type]  # a Flags' fields


def core(url: str, **rest: object) -> ChainSetting:
    return ChainSetting(ChainKind.CORE, url, **rest)  # type: ignore[arg-type]  # its other fields


def test_defaults(home: Path) -> None:
    found = load(home)
    assert found == Settings(
        home=home,
        network=MAINNET,
        identity=None,
        chain=(core("http://127.0.0.1:8332", cookie=Path.home() / ".bitcoin" / ".cookie"),),
        proxy=None,
    )
    assert found.database == home / "rein.db"
    assert load_settings(Flags(), {}).home == Path.home() / ".rein"
    assert not home.exists(), "looking writes nothing"


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_ports_and_cookies_follow_the_network(home: Path, network: object) -> None:
    found = load(home, network=network.name)  # type: ignore[attr-defined]
    folder = Path.home() / ".bitcoin"
    cookie = (folder if found.network is MAINNET else folder / found.network.name) / ".cookie"
    assert found.chain == (core(f"http://127.0.0.1:{found.network.default_rpc_port}", cookie=cookie),)


def test_flags_win_over_the_environment_and_that_over_the_file(home: Path, tmp_path: Path) -> None:
    write_config(home, "network", "testnet4")
    write_config(home, "chain", "http://file:1")
    write_config(home, "chain_cookie", "/file")
    found = load(home)
    assert (found.network, found.chain) == (TESTNET4, (core("http://file:1", cookie=Path("/file")),))

    environment = {
        NETWORK_VARIABLE: "signet",
        CHAIN_VARIABLE: "http://environment:2",
        COOKIE_VARIABLE: "/environment",
        IDENTITY_VARIABLE: "Alice",
        PROXY_VARIABLE: "10.0.0.1:9050",
    }
    found = load(home, environment)
    assert (found.network, found.identity) == (SIGNET, "Alice")
    assert found.chain == (core("http://environment:2", cookie=Path("/environment")),)
    assert found.proxy == "socks5h://10.0.0.1:9050"

    found = load(
        home, environment, network="regtest", chain="http://flag:3", chain_cookie=Path("/flag"), identity="Bob"
    )
    assert (found.network, found.identity) == (REGTEST, "Bob")
    assert found.chain == (core("http://flag:3", cookie=Path("/flag")),)

    assert load_settings(Flags(), {HOME_VARIABLE: str(home)}).network is TESTNET4
    assert load_settings(Flags(home=tmp_path / "other"), {HOME_VARIABLE: str(home)}).network is MAINNET


def test_an_empty_variable_is_as_good_as_none(home: Path) -> None:
    names = (HOME_VARIABLE, NETWORK_VARIABLE, CHAIN_VARIABLE, COOKIE_VARIABLE, IDENTITY_VARIABLE, PROXY_VARIABLE)
    found = load(home, dict.fromkeys(names, ""))
    assert (found.network, found.chain[0].url, found.proxy) == (MAINNET, "http://127.0.0.1:8332", None)
    assert not found.identity


@pytest.mark.parametrize(
    ("given_", "url", "user", "password"),
    [
        ("http://127.0.0.1:8332", "http://127.0.0.1:8332", None, None),
        ("node.example", "http://node.example:8332", None, None),
        ("node.example:1234/wallet", "http://node.example:1234/wallet", None, None),
        ("https://node.example", "https://node.example:8332", None, None),
        ("http://[::1]:1", "http://[::1]:1", None, None),
        ("http://user:secret@host", "http://host:8332", "user", "secret"),
        ("http://user:p%40ss%3a%2f@host:1", "http://host:1", "user", "p@ss:/"),
        ("user@host:1", "http://host:1", "user", None),
    ],
)
def test_chain_addresses(home: Path, given_: str, url: str, user: str | None, password: str | None) -> None:
    for text in (given_, f"core+{given_}"):
        (found,) = load(home, chain=text).chain
        assert (found.url, found.user, found.password) == (url, user, password)
        assert (found.cookie is None) == (user is not None), "a password is given, so no cookie is guessed"
        assert password is None or password not in repr(found)


def test_several_chain_sources(home: Path) -> None:
    write_config(home, "chain_wallet", "watched")
    text = "core+http://a:b@127.0.0.1:1 esplora+https://blockstream.info/api causeway+http://causeway.example:2016/"
    assert load(home, chain=text).chain == (
        core("http://127.0.0.1:1", user="a", password="b", wallet="watched"),
        ChainSetting(ChainKind.ESPLORA, "https://blockstream.info/api"),
        ChainSetting(ChainKind.CAUSEWAY, "http://causeway.example:2016/"),
    )
    with pytest.raises(InputError, match="8 are allowed"):
        load(home, chain="http://x " * 9)


def test_settings_of_a_windows_editor_are_read(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b'\xef\xbb\xbf\r\nnetwork = "regtest"\r\n\r\n')
    assert read_config(home) == {"network": "regtest"}


@pytest.mark.parametrize("proxy", ["", "x", "http://127.0.0.1:9050", "socks5://127.0.0.1:9050", "127.0.0.1", "a:b@c:1"])
def test_what_is_no_proxy_is_refused(home: Path, proxy: str) -> None:
    """`socks5://` would have this machine resolve the names."""
    with pytest.raises(InputError, match="not the address of a SOCKS5 proxy"):
        write_config(home, "proxy", proxy)


@pytest.mark.parametrize(
    "address",
    [
        *("http://", "ftp://host", "http://[", "http://[::1", "http://host:port", "http://host:99999", "file:///x"),
        *("esplora+blockstream.info", "esplora+https://a:secret@host", "causeway+http://", "esplora+http://x?key=1"),
        "core+ftp://x",
    ],
)
def test_what_is_no_chain_address_is_refused_without_repeating_it(home: Path, address: str) -> None:
    """It may hold a password."""
    for use in (lambda: load(home, chain=address), lambda: write_config(home, "chain", address)):
        with pytest.raises(InputError) as caught:
            use()
        assert address not in caught.value.message


@pytest.mark.parametrize("name", ["Mainnet", "testnet", "bitcoin", " regtest", "x" * 500])
def test_an_unknown_network_is_refused(home: Path, name: str) -> None:
    for use in (lambda: load(home, network=name), lambda: write_config(home, "network", name)):
        with pytest.raises(InputError, match="unknown Bitcoin network") as caught:
            use()
        assert "mainnet, testnet4, signet, regtest" in (caught.value.hint or "")
    assert not home.exists()


# The file.


def test_a_setting_written_is_read(home: Path) -> None:
    write_config(home, "chain", "http://user:p%22ss@host:1")
    write_config(home, "network", "regtest")
    write_config(home, "network", "signet")
    assert read_config(home) == {"chain": "http://user:p%22ss@host:1", "network": "signet"}
    assert [each.name for each in home.iterdir()] == [CONFIG_FILE]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_for_its_owner_alone(home: Path) -> None:
    """It may hold the password of a node."""
    before = os.umask(0)
    try:
        home.mkdir()
        (home / f"{CONFIG_FILE}.new").write_text("left by a crash")
        (home / f"{CONFIG_FILE}.new").chmod(0o666)
        write_config(home, "network", "regtest")
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / CONFIG_FILE).stat().st_mode) == 0o600
    assert read_config(home) == {"network": "regtest"}


def _write_many(home: Path, key: str, values: list[str]) -> None:
    for value in values:
        write_config(home, key, value)


@pytest.mark.skipif(os.name == "nt", reason="Windows locks no folder")
def test_of_changes_at_once_none_is_lost(home: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    given = {"copies": ["1", "2"] * 40, "proxy": ["127.0.0.1:1", "127.0.0.1:2"] * 40, "identity": ["a", "b"] * 40}
    processes = [spawn.Process(target=_write_many, args=(home, key, values)) for key, values in given.items()]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert read_config(home) == {key: values[-1] for key, values in given.items()}
    assert [each.name for each in home.iterdir()] == [CONFIG_FILE]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(max_size=60) | st.sampled_from(['"', "\\", "'''", '"""', "#", "a\x7f", "\ud800", "\x80", "\u2028"])
)
def test_any_value_is_read_as_written_or_refused(home: Path, value: str) -> None:
    """A value that could not be read back would lock its owner out of every command."""
    before = read_config(home)
    try:
        write_config(home, "chain_cookie", value)
    except InputError:
        assert read_config(home) == before
    else:
        assert read_config(home) == {"chain_cookie": value}


@pytest.mark.parametrize("key", ["", "Network", "Identity", "passphrase", "x\ny", "network ", "chain-cookie"])
def test_unknown_settings_are_refused(home: Path, key: str) -> None:
    with pytest.raises(InputError, match="is not a setting") as caught:
        write_config(home, key, "x")
    assert (
        caught.value.hint
        == "There are network, identity, chain, chain_cookie, chain_wallet, proxy, copies, payout, autosync."
    )
    assert not home.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"network",
        b"network = regtest",
        b"network = 5",
        b"network = ['regtest']",
        b"nets = 'x'",
        b"[network]",
        b"network = ''\n" * 2,
        b"\xff\xfe",
        b"a = " + b"[" * 20_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_file_that_cannot_be_used_is_named(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / CONFIG_FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"config\.toml"):
        load(home)


def test_places_that_cannot_be_used_are_errors_of_ours(home: Path, tmp_path: Path) -> None:
    home.write_text("a file in the way")
    with pytest.raises(InputError, match=r"config\.toml"):
        load(home)
    with pytest.raises(InputError, match=r"config\.toml"):
        write_config(home, "network", "regtest")
    (tmp_path / "other" / CONFIG_FILE).mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "other")
    with pytest.raises(InputError):
        write_config(tmp_path / "other", "network", "regtest")


def test_testnet_is_testnet4() -> None:
    assert network_of_testnet_flag(True) is TESTNET4
    assert network_of_testnet_flag(False) is MAINNET


@pytest.mark.parametrize(("text", "copies"), [("1", 1), ("2", 2), ("99", 99)])
def test_copies_that_make_a_document_safe(home: Path, text: str, copies: int) -> None:
    assert load(home).copies is None
    write_config(home, "copies", text)
    assert load(home).copies == copies


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "100", "two", "٣", "1e1"])
def test_copies_are_a_number(home: Path, text: str) -> None:
    with pytest.raises(InputError, match="copies is a number from 1 to 99"):
        write_config(home, "copies", text)
    home.mkdir(exist_ok=True)
    (home / CONFIG_FILE).write_text(f'copies = "{text}"')
    with pytest.raises(InputError, match="copies is a number from 1 to 99"):
        load(home)


def test_setup_keeps_the_chain_of_the_environment(tmp_path: Path) -> None:
    """Else a new terminal, without those variables, would ask to set up once more."""
    home = tmp_path / "home"
    environment = {"REIN_NETWORK": "regtest", "REIN_CHAIN": "http://127.0.0.1:9", "REIN_CHAIN_COOKIE": "here/.cookie"}
    words = ["setup", "--name", "Ann", "--contact", "a", "--no-mediate", "--yes"]

    def rein(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
        return subprocess.run(
            [sys.executable, "-m", "rein", "--home", str(home), *words],
            env={**clean, "PYTHONPATH": os.pathsep.join(sys.path), "REIN_PASSPHRASE": "correct horse", **more},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert rein(*words, **environment).returncode == 0
    assert read_config(home) == {
        "network": "regtest",
        "chain": "http://127.0.0.1:9",
        "chain_cookie": str(tmp_path / "here/.cookie"),
    }
    assert "Ann on regtest" in rein("status").stdout
    elsewhere = rein("status", "--network", "signet")
    assert elsewhere.returncode == 3
    assert "Hint:  It has one on regtest:\n" in elsewhere.stderr
    assert f" rein --home {home} config network regtest\n" in elsewhere.stderr


def test_a_home_that_is_not_there_is_not_made_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    nobody = tmp_path / "nobody"
    for words in (["status"], ["jobs"], ["identities"], ["config"], ["doctor", "--offline"], ["servers"], ["sync"]):
        assert main.run(["--home", str(nobody), *words]) in (0, 1, 3), words
        assert not nobody.exists(), words
    nobody.mkdir()
    assert main.run(["--home", str(nobody), "status"]) == 3
    assert list(nobody.iterdir()) == [], "a folder that is no home stays as it is"


def test_a_tilde_is_the_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell leaves it alone behind an equals sign, and in files."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main.run(["--home=~/here", "config", "chain", "core", "http://127.0.0.1:1", "--cookie=~/.cookie"]) == 0
    assert read_config(tmp_path / "here")["chain_cookie"] == str(tmp_path / ".cookie")
    write_config(tmp_path / "here", "chain_cookie", "~/other")
    (found,) = load_settings(Flags(home=Path("~/here")), {}).chain
    assert found.cookie == tmp_path / "other"
    assert load_settings(Flags(), {"REIN_HOME": "~/there"}).home == tmp_path / "there"
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(("text", "expected"), [("on", True), ("True", True), ("disabled", False), ("off", False)])
def test_autosync_is_on_or_off(home: Path, text: str, expected: bool) -> None:
    assert load(home).autosync is False
    write_config(home, "autosync", text)
    assert load(home).autosync is expected
    assert read_config(home)["autosync"] == ("on" if expected else "off")
    assert load_settings(Flags(home=home), {"REIN_AUTOSYNC": "on"}).autosync is True
    with pytest.raises(InputError, match="autosync is on or off"):
        write_config(home, "autosync", "sometimes")
    with pytest.raises(InputError, match="autosync is on or off, not 'perhaps'"):
        load_settings(Flags(home=home), {"REIN_AUTOSYNC": "perhaps"})
