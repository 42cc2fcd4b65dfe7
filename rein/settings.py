"""Settings: from the file `config.toml` in the home, then the environment, then flags; the later one wins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from rein.btc.networks import MAINNET, NETWORKS, TESTNET4, Network, network_named
from rein.errors import InputError
from rein.files import write_whole
from rein.lazy import lazy
from rein.net.proxy import checked_proxy

if TYPE_CHECKING:
    import tomllib
else:
    tomllib = lazy("tomllib")

if sys.platform == "win32":
    fcntl = None  # and no folder can be locked
else:
    import fcntl

HOME_VARIABLE: Final = "REIN_HOME"
NETWORK_VARIABLE: Final = "REIN_NETWORK"
IDENTITY_VARIABLE: Final = "REIN_IDENTITY"
CHAIN_VARIABLE: Final = "REIN_CHAIN"
COOKIE_VARIABLE: Final = "REIN_CHAIN_COOKIE"
PROXY_VARIABLE: Final = "REIN_PROXY"
AUTOSYNC_VARIABLE: Final = "REIN_AUTOSYNC"
PASSPHRASE_VARIABLE: Final = "REIN_PASSPHRASE"  # noqa: S105 - the name of a variable, not a secret
"""Every environment variable that Rein reads. The passphrase is for scripts; `--passphrase-fd` is the safer way."""

CONFIG_FILE: Final = "config.toml"
CONFIG_KEYS: Final[Mapping[str, str]] = {
    "network": f"the network to work on: {', '.join(NETWORKS)}",
    "identity": "who acts: a name, master address or SIN of rein identities",
    "chain": "the chain sources: addresses such as http://127.0.0.1:8332, see rein config chain",
    "chain_cookie": "path of Bitcoin Core's cookie file",
    "chain_wallet": "a watch-only wallet of Bitcoin Core, instead of scans",
    "proxy": "a SOCKS5 proxy for everything, such as Tor's 127.0.0.1:9050",
    "copies": "servers that must hold what you wrote before it counts as safe: 1 to 99",
    "payout": "where jobs pay you: an address, extended key or descriptor, see rein config payout",
    "autosync": "on: fetch what is new before showing it, and publish what you wrote at once; off by default",
}
SWITCHES: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("on", "true", "enabled"), True),
    **dict.fromkeys(("off", "false", "disabled"), False),
}
"""How a setting is turned on or off, today and in 2016."""
MAX_CHAIN_SOURCES: Final = 8


class ChainKind(StrEnum):
    """What speaks at a chain source's address."""

    CORE = "core"
    ESPLORA = "esplora"
    CAUSEWAY = "causeway"


@dataclass(frozen=True)
class ChainSetting:
    """One chain source. `url` holds no password: it may be shown."""

    kind: ChainKind
    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    cookie: Path | None = None
    wallet: str | None = None

    @property
    def shown(self) -> str:
        return f"{self.kind} {self.url}"

    def json(self) -> dict[str, str]:
        return {"kind": self.kind.value, "url": self.url}


@dataclass(frozen=True)
class Settings:
    """What a command runs with. All of `chain` must agree; `copies` is how many servers make a document safe (None:
    two, or the only one); `payout` is where jobs pay (None: the wallet of one's own recovery phrase). `autosync`:
    commands fetch and publish by themselves."""

    home: Path
    network: Network
    identity: str | None
    chain: tuple[ChainSetting, ...]
    proxy: str | None
    copies: int | None = None
    payout: str | None = None
    autosync: bool = False

    @property
    def database(self) -> Path:
        return self.home / "rein.db"


@dataclass(frozen=True)
class Flags:
    """What was given on the command line."""

    home: Path | None = None
    network: str | None = None
    identity: str | None = None
    chain: str | None = None
    chain_cookie: Path | None = None


def load_settings(flags: Flags, environment: Mapping[str, str] = os.environ) -> Settings:
    """Bring the three sources together.

    :raises InputError: a setting that cannot be used, naming where it stands.
    """
    home = _path(str(flags.home or environment.get(HOME_VARIABLE) or Path.home() / ".rein"))
    file = read_config(home)
    network = network_named(flags.network or environment.get(NETWORK_VARIABLE) or file.get("network") or MAINNET.name)
    cookie = flags.chain_cookie or environment.get(COOKIE_VARIABLE) or file.get("chain_cookie")
    proxy = environment.get(PROXY_VARIABLE) or file.get("proxy")
    autosync = environment.get(AUTOSYNC_VARIABLE) or file.get("autosync") or "off"
    return Settings(
        home=home,
        network=network,
        identity=flags.identity or environment.get(IDENTITY_VARIABLE) or file.get("identity"),
        chain=read_chain(
            flags.chain or environment.get(CHAIN_VARIABLE) or file.get("chain") or "",
            network,
            _path(str(cookie)) if cookie else None,
            file.get("chain_wallet"),
        ),
        proxy=checked_proxy(proxy) if proxy else None,
        copies=_copies(file["copies"]) if "copies" in file else None,
        payout=file.get("payout"),
        autosync=read_switch("autosync", autosync),
    )


def _path(text: str) -> Path:
    """A path; `~` is the person's own directory, also where no shell saw it."""
    return Path(os.path.expanduser(text))


def read_chain(
    text: str, network: Network, cookie: Path | None = None, wallet: str | None = None
) -> tuple[ChainSetting, ...]:
    """The chain sources of a setting: "[KIND+]URL", with spaces between several; Bitcoin Core where no kind is named,
    and this machine's node where nothing is.

    :param cookie: of the Core nodes whose address holds no password; by default where Core leaves it.
    :raises InputError: one of them is no address. It is not repeated: it may hold a password.
    """
    sources = text.split() or [f"http://127.0.0.1:{network.default_rpc_port}"]
    if len(sources) > MAX_CHAIN_SOURCES:
        raise InputError(f"there are {len(sources)} chain sources; {MAX_CHAIN_SOURCES} are allowed")
    return tuple(_chain_source(source, network, cookie, wallet) for source in sources)


def _chain_source(text: str, network: Network, cookie: Path | None, wallet: str | None) -> ChainSetting:
    for kind in (ChainKind.ESPLORA, ChainKind.CAUSEWAY):
        if text.startswith(f"{kind}+"):
            return ChainSetting(kind, _plain_address(text.removeprefix(f"{kind}+")))
    url, user, password = _core_address(text.removeprefix(f"{ChainKind.CORE}+"), network)
    if user is None and cookie is None:
        cookie = _default_cookie(network)
    return ChainSetting(ChainKind.CORE, url, user, password, None if user else cookie, wallet)


def read_config(home: Path) -> dict[str, str]:
    """The settings in the home's file; nothing if there is none.

    :raises InputError: it is no TOML, or has a key or value that is not known.
    """
    path = home / CONFIG_FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="Correct it, or move it away.") from error
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="Correct it, or move it away.") from error
    for key, value in content.items():
        if key not in CONFIG_KEYS or not isinstance(value, str):
            raise InputError(f"{path}: {key} is not a setting", hint=f"There are {', '.join(CONFIG_KEYS)}.")
    return content


@dataclass(frozen=True)
class StoredSettings:
    """What the home's file holds, without passwords."""

    home: Path
    values: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        return {"home": str(self.home), "settings": dict(self.values)}


def stored_settings(home: Path, network: Network) -> StoredSettings:
    """The settings in the home's file, to be shown.

    :raises InputError: it cannot be used.
    """
    values = read_config(home)
    if "chain" in values:
        values["chain"] = " ".join(f"{each.kind}+{each.url}" for each in read_chain(values["chain"], network))
    return StoredSettings(home, values)


def write_config(home: Path, key: str, value: str) -> None:
    """Change one setting in the home's file.

    :raises InputError: an unknown key, or a value that cannot be used.
    """
    if key not in CONFIG_KEYS:
        raise InputError(f"{key!r} is not a setting", hint=f"There are {', '.join(CONFIG_KEYS)}.")
    if not value.isprintable():
        raise InputError("a setting cannot hold control characters, or bytes that are no text")
    if key == "network":
        network_named(value)
    if key == "chain":
        read_chain(value, MAINNET)
    if key == "proxy":
        checked_proxy(value)
    if key == "copies":
        _copies(value)
    if key == "autosync":
        value = "on" if read_switch(key, value) else "off"
    with _alone(home):
        _write(home, {**read_config(home), key: value})


def remove_config(home: Path, key: str) -> None:
    """Take one setting out of the home's file; its default counts again.

    :raises InputError: the file cannot be written.
    """
    with _alone(home):
        _write(home, {name: value for name, value in read_config(home).items() if name != key})


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else changes a setting until it ends, so that of two changes at once none is lost."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home, os.O_RDONLY) if fcntl else None
    except OSError as error:
        raise InputError(f"{home / CONFIG_FILE} cannot be written: {error}") from error
    try:
        if fcntl and descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _write(home: Path, content: Mapping[str, str]) -> None:
    lines = [f'{name} = "{_toml(text)}"\n' for name, text in sorted(content.items())]
    try:
        write_whole(home / CONFIG_FILE, "".join(lines).encode(), replace=True)
    except OSError as error:
        raise InputError(f"{home / CONFIG_FILE} cannot be written: {error}") from error


def network_of_testnet_flag(testnet: bool) -> Network:
    """What `rein testnet true|false` means today."""
    return TESTNET4 if testnet else MAINNET


def read_switch(key: str, text: str) -> bool:
    """A setting that is on or off; all six words of 2016 are understood.

    :raises InputError: it is neither.
    """
    if text.lower() not in SWITCHES:
        raise InputError(f"{key} is on or off, not {text[:20]!r}")
    return SWITCHES[text.lower()]


def _copies(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) > 0):
        raise InputError(f"copies is a number from 1 to 99, not {text[:20]!r}")
    return int(text)


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _core_address(text: str, network: Network) -> tuple[str, str | None, str | None]:
    """Bitcoin Core's RPC address, with the user and password taken out of it."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or network.default_rpc_port
    except ValueError as error:
        raise InputError(f"invalid chain source address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("invalid chain source address", hint="One looks like http://127.0.0.1:8332")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return f"{parts.scheme}://{host}:{port}{parts.path}", user, password


def _plain_address(text: str) -> str:
    """The address of a server that asks for no password."""
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or "@" in text or "?" in text or "#" in text:
        raise InputError("invalid chain source address", hint="One looks like https://blockstream.info/api")
    return text


def _default_cookie(network: Network) -> Path:
    """Where Bitcoin Core leaves its cookie."""
    folder = Path.home() / ".bitcoin"
    return folder / ".cookie" if network is MAINNET else folder / network.name / ".cookie"
