"""What an operator can set: a file first, the environment over it, flags over both; checked once at start.

`SETTINGS` is the one list of names: the file's keys, variables, flags, their help and the table in docs/operations.md
follow from it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar

from causeway.errors import SettingsError
from causeway.outbound import (
    ChainAddress,
    MailServer,
    Peer,
    is_email,
    read_chain,
    read_mail_server,
    read_peer,
    read_peers_proxy,
)
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.networks import NETWORKS, REGTEST, Network, network_named
from rein.btc.receiving import ReceivingKey
from rein.errors import ReinError
from rein.protocol.wire import server_name

T = TypeVar("T")

MAX_WORKERS = 64
MAX_THREADS = 256
MAX_RATES = 3
"""Rates in one setting: by the second, the minute and the hour, for example."""

MAX_FILE_BYTES = 65_536
MAX_PRICE_SAT = 100_000_000
MAX_FREE_BUCKETS = 1_000
MAX_PEERS = 100
MEGABYTE = 1_048_576

CONFIG_VARIABLE = "CAUSEWAY_CONFIG"

_FILE = "the settings file"


@dataclass(frozen=True)
class Setting:
    """One thing that can be set. `default` is the text it has if nobody sets it; `metavar` is empty for yes or no."""

    name: str
    metavar: str
    default: str
    what: str
    more_variables: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that set it, the first that is not empty."""
        return (f"CAUSEWAY_{self.name.upper()}", *self.more_variables)


SETTINGS: tuple[Setting, ...] = (
    Setting("network", "NAME", "mainnet", f"Bitcoin network: {', '.join(NETWORKS)}."),
    Setting("data", "DIR", "~/.causeway", "Data directory: the embedded PostgreSQL is in it."),
    Setting("database_url", "URL", "", "PostgreSQL to use; not given, or none: an embedded one.", ("DATABASE_URL",)),
    Setting("host", "ADDRESS", "127.0.0.1", "Address to listen on."),
    Setting("port", "N", "2016", "Port; 0 for any free one."),
    Setting("public_urls", "URLS", "", "Addresses people reach it by; only requests signed for one are served."),
    Setting("workers", "N", "", "Processes that answer; two, or one on one core, if not given."),
    Setting("threads", "N", "16", "Threads in each of them; each may hold a database connection."),
    Setting("log_format", "text|json", "text", "How log lines are written."),
    Setting("log_requests", "", "no", "Log a line for each request, too."),
    Setting("metrics_public", "", "no", "Answer /metrics to everybody, not only to local addresses."),
    Setting("rate_read", "RATES", "1200/minute, 20000/hour", "Requests that read, for each address."),
    Setting("rate_write", "RATES", "600/minute, 10000/hour", "Values written, for each address and each account."),
    Setting("rate_request", "RATES", "20/minute, 200/day", "Buckets asked for, for each address."),
    Setting("local", "CIDRS", "127.0.0.0/8, ::1/128", "Addresses without rate limits that may read /metrics."),
    Setting("trusted_proxy", "CIDRS", "", "Reverse proxies whose X-Forwarded-For is believed."),
    Setting("price_sat", "N", "0", "Satoshis for a bucket: 1 MB and 50 MB of transfer for a year; 0 for free."),
    Setting(
        "free_buckets", "N", "", "Free buckets an owner may have; 4, or none where there is a price, if not given."
    ),
    Setting("free_buckets_a_day", "N", "20", "Free buckets a day for each subnet (/24, or /48 of IPv6)."),
    Setting("payment_descriptor", "XPUB", "", "Extended public key, or wpkh(xpub/0/*), that deposits are paid to."),
    Setting("confirmations", "N", "", "Blocks until a deposit counts; 2, or 1 on regtest, if not given."),
    Setting("chain_url", "URL", "", "RPC of the Bitcoin Core that is asked for deposits: http://user:password@host."),
    Setting("chain_cookie", "FILE", "", "Bitcoin Core's cookie file, instead of user and password."),
    Setting("watch_interval_s", "N", "15", "Seconds between two checks for a new block."),
    Setting("smtp_url", "URL", "", "Mail server for warnings: smtp://user:password@host:587, or smtps://."),
    Setting("mail_from", "EMAIL", "", "Who the warnings are from."),
    Setting("grace_days", "N", "30", "Days that the values of an expired bucket are kept and served."),
    Setting("sweep_interval_s", "N", "900", "Seconds between two sweeps; 0 if only `causeway sweep` is to do it."),
    Setting("peers", "URLS", "", "Servers whose documents are pulled, verified and served here too."),
    Setting("peers_proxy", "ADDRESS", "", "SOCKS5 proxy for peers that are onion services: 127.0.0.1:9050."),
    Setting("pull_interval_s", "N", "30", "Seconds between two pulls; 0 if only `causeway replicate` is to do it."),
    Setting("pull_documents", "N", "3000", "Documents that are read from each peer in a minute."),
    Setting("pull_mb", "N", "20", "Megabytes that are read from each peer in a minute."),
    Setting("replica_mb", "N", "1000", "Megabytes of documents kept for peers; when they are full, pulling pauses."),
    Setting("replica_signer_mb", "N", "10", "Megabytes of them that one key may have signed."),
    Setting("cors_origins", "ORIGINS", "", "Web pages that may call this server from a browser; * for all."),
)


@dataclass(frozen=True)
class Rate:
    """At most `count` in `seconds`."""

    count: int
    seconds: int


IPNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class PullLimits:
    """What replication may take: from each peer in a minute, and of the disk. The disk's share of each peer is an
    equal part of `kept_bytes`."""

    documents: int
    bytes: int
    kept_bytes: int
    signer_bytes: int


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A server's settings, all of them checked.

    `database_url` is None for the server's own PostgreSQL under `data`; `database_named` says whether the command line
    names which it is: by a flag, or by a file that has it. `threads` are those that run requests in each
    of the `workers` processes; each may hold one database connection. Port 0 means any free one.
    """

    network: Network
    data: Path
    database_url: str | None = field(repr=False)
    database_named: bool
    host: str
    port: int
    public_urls: tuple[str, ...]
    workers: int
    threads: int
    log_format: str
    log_requests: bool
    metrics_public: bool
    rate_read: tuple[Rate, ...]
    rate_write: tuple[Rate, ...]
    rate_request: tuple[Rate, ...]
    local: tuple[IPNetwork, ...]
    trusted_proxy: tuple[IPNetwork, ...]
    cors_origins: tuple[str, ...]
    price: Sat
    free_buckets: int
    free_buckets_a_day: int
    payment_key: ReceivingKey | None
    confirmations: int
    chain: ChainAddress | None
    watch_interval_s: int
    mail_server: MailServer | None
    mail_from: str
    grace_days: int
    sweep_interval_s: int
    peers: tuple[Peer, ...]
    pull_interval_s: int
    pull_limits: PullLimits

    @property
    def server_names(self) -> tuple[str, ...]:
        """What requests may be signed for: `public_urls`, or, where none is set, the address it listens on and this
        machine's own names. Those are the same on every machine, so a public server should be told its addresses."""
        if self.public_urls:
            return self.public_urls
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = (server_name(f"http://{name}:{self.port or 80}") for name in (host, "127.0.0.1", "localhost"))
        return tuple(dict.fromkeys(own))


@dataclass(frozen=True)
class Given:
    """The text of a setting, and where it came from, for whoever must correct it."""

    setting: Setting
    text: str
    source: str

    def wrong(self, what: str) -> SettingsError:
        return SettingsError(
            f"{self.setting.name} is {self.text[:40]!r}; {what}",
            hint=f"It comes from {self.source}.",
        )


def load_settings(environ: Mapping[str, str], **flags: object) -> Settings:
    """Join the file named by the flag `config` or CAUSEWAY_CONFIG, the environment, and flags (None: not given).

    No file is read that was not named: what a command does must not depend on where it runs.

    :raises SettingsError: naming what cannot be used and where it came from.
    """
    config = flags.get("config") or environ.get(CONFIG_VARIABLE)
    in_file = read_file(Path(str(config))) if config else {}
    given = {each.name: _given(each, in_file, environ, flags.get(each.name)) for each in SETTINGS}
    network = _network(given["network"])
    price = _price(given["price_sat"])
    url = _database_url(given["database_url"], given["data"])
    return Settings(
        network=network,
        data=_directory(given["data"]),
        database_url=url,
        database_named=_is_named(given["data"] if url is None else given["database_url"], flags),
        host=given["host"].text or "127.0.0.1",
        port=_number(given["port"], 0, 65_535),
        public_urls=_items(given["public_urls"], _public_url),
        workers=_number(given["workers"], 1, MAX_WORKERS, default=min(2, os.cpu_count() or 1)),
        threads=_number(given["threads"], 1, MAX_THREADS),
        log_format=_choice(given["log_format"], "text", "json"),
        log_requests=_yes_or_no(given["log_requests"]),
        metrics_public=_yes_or_no(given["metrics_public"]),
        rate_read=_rates(given["rate_read"]),
        rate_write=_rates(given["rate_write"]),
        rate_request=_rates(given["rate_request"]),
        local=_items(given["local"], _ip_network),
        trusted_proxy=_items(given["trusted_proxy"], _ip_network),
        cors_origins=_items(given["cors_origins"], _origin),
        price=price,
        free_buckets=_number(given["free_buckets"], 0, MAX_FREE_BUCKETS, default=0 if price else 4),
        free_buckets_a_day=_number(given["free_buckets_a_day"], 0, 999_999_999),
        payment_key=_payment_key(given["payment_descriptor"], network, price),
        confirmations=_number(given["confirmations"], 1, 100, default=1 if network is REGTEST else 2),
        chain=_chain(given["chain_url"], given["chain_cookie"], network),
        watch_interval_s=_number(given["watch_interval_s"], 1, 3_600),
        mail_server=read_mail_server(given["smtp_url"].text) if given["smtp_url"].text else None,
        mail_from=_mail_from(given["mail_from"], given["smtp_url"]),
        grace_days=_number(given["grace_days"], 0, 3_650),
        sweep_interval_s=_number(given["sweep_interval_s"], 0, 86_400),
        peers=_peers(given["peers"], given["peers_proxy"]),
        pull_interval_s=_number(given["pull_interval_s"], 0, 86_400),
        pull_limits=PullLimits(
            documents=_number(given["pull_documents"], 1, 1_000_000),
            bytes=_number(given["pull_mb"], 1, 10_000) * MEGABYTE,
            kept_bytes=_number(given["replica_mb"], 0, 100_000_000) * MEGABYTE,
            signer_bytes=_number(given["replica_signer_mb"], 0, 100_000_000) * MEGABYTE,
        ),
    )


def read_file(path: Path) -> dict[str, str]:
    """The settings in a TOML file, as texts.

    :raises SettingsError: it cannot be read, is not TOML, or has an unknown key.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.loads(file.read(MAX_FILE_BYTES).decode())
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"the settings file {path} is not TOML: {error}") from error
    return {key: _file_text(path, key, value) for key, value in values.items()}


def _file_text(path: Path, key: str, value: object) -> str:
    names = [each.name for each in SETTINGS]
    if key not in names:
        close = difflib.get_close_matches(key, names, 1)
        meant = f"Did you mean {close[0]}?" if close else "docs/operations.md lists all settings."
        raise SettingsError(f"{path}: unknown setting {key[:40]!r}", hint=meant)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    raise SettingsError(f"{path}: {key} must be text, a whole number, true, false, or a list of texts")


def _given(setting: Setting, in_file: Mapping[str, str], environ: Mapping[str, str], flag: object) -> Given:
    if flag is not None:
        text = {True: "yes", False: "no"}[flag] if isinstance(flag, bool) else str(flag)
        return Given(setting, text, setting.flag)
    for variable in setting.variables:
        if environ.get(variable):
            return Given(setting, environ[variable], variable)
    if setting.name in in_file:
        return Given(setting, in_file[setting.name], _FILE)
    return Given(setting, setting.default, "its default")


def _network(given: Given) -> Network:
    try:
        return network_named(given.text)
    except ReinError as error:
        raise SettingsError(error.message, hint=error.hint) from error


def _database_url(url: Given, data: Given) -> str | None:
    """The database's address; None for the server's own under `data`, also where that is asked for by `none`.

    :raises SettingsError: the command line says to use the one under a directory, and something else names another.
    """
    if url.text.strip().lower() in ("", "none"):
        return None
    if data.source == data.setting.flag:
        raise SettingsError(
            f"--data names the database under {data.text[:80]}, and {url.source} names another one",
            hint="Which one? Add --database-url none for the one under --data, or leave --data away.",
        )
    return url.text


def _is_named(given: Given, flags: Mapping[str, object]) -> bool:
    """Whether the command line says it, or names the file that does."""
    return given.source == given.setting.flag or (given.source == _FILE and bool(flags.get("config")))


def _directory(given: Given) -> Path:
    try:
        return Path(given.text or given.setting.default).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError("there is no home directory to keep the data in", hint="Give --data DIR.") from error


def _number(given: Given, lowest: int, highest: int, default: int | None = None) -> int:
    text = given.text
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and lowest <= int(text) <= highest):
        raise given.wrong(f"it must be a whole number from {lowest} to {highest}")
    return int(text)


def _choice(given: Given, *choices: str) -> str:
    if given.text not in choices:
        raise given.wrong(f"it must be {' or '.join(choices)}")
    return given.text


def _yes_or_no(given: Given) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if given.text.lower() not in known:
        raise given.wrong("it must be yes or no")
    return known[given.text.lower()]


def _items(given: Given, read: Callable[[Given, str], T]) -> tuple[T, ...]:
    """A list separated by commas. `none` is the empty list, because an empty variable counts as not set."""
    if given.text.strip().lower() in ("", "none"):
        return ()
    return tuple(read(given, item.strip()) for item in given.text.split(","))


def _ip_network(given: Given, text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError:
        raise given.wrong(f"{text[:40]!r} is not an address range like 10.0.0.0/8 or 2001:db8::/32") from None


def _price(given: Given) -> Sat:
    price = Sat(_number(given, 0, MAX_PRICE_SAT))
    if 0 < price < DUST_LIMIT:
        raise given.wrong(f"it must be 0 or at least {DUST_LIMIT}: nodes relay no smaller payment")
    return price


def _payment_key(given: Given, network: Network, price: Sat) -> ReceivingKey | None:
    if not given.text:
        if price:
            raise SettingsError(
                "there is a price, and no payment_descriptor to pay it to",
                hint="Give --payment-descriptor the extended public key of a wallet; the private one stays there.",
            )
        return None
    try:
        return ReceivingKey.parse(given.text, network)
    except ReinError as error:
        # Never repeats the text: it may be a private key.
        raise SettingsError(f"payment_descriptor ({given.source}): {error.message}", hint=error.hint) from error


def _chain(url: Given, cookie: Given, network: Network) -> ChainAddress | None:
    if not url.text and not cookie.text:
        return None
    return read_chain(url.text or f"http://127.0.0.1:{network.default_rpc_port}", cookie.text, network)


def _mail_from(given: Given, server: Given) -> str:
    if not given.text and not server.text:
        return ""
    if not is_email(given.text):
        raise given.wrong("it must be one e-mail address, like hosting@example.org, where there is an smtp_url")
    return given.text


def _peers(given: Given, proxy: Given) -> tuple[Peer, ...]:
    through = read_peers_proxy(proxy.text) if proxy.text else None
    peers = tuple(dict.fromkeys(_items(given, lambda _, text: read_peer(text, through))))
    if len(peers) > MAX_PEERS:
        raise given.wrong(f"it names {len(peers)} peers; {MAX_PEERS} are allowed")
    return peers


_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\[\]:-]+")


def _origin(given: Given, text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise given.wrong("it must list origins like https://example.org, without a path, or be *")
    return text


def _public_url(given: Given, text: str) -> str:
    try:
        return server_name(text)
    except ReinError:
        raise given.wrong("it must list addresses like https://example.org") from None


_RATE = re.compile(r"([1-9][0-9]{0,8}) ?/ ?(second|minute|hour|day)s?", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def _rates(given: Given) -> tuple[Rate, ...]:
    rates = _items(given, _rate)
    if len(rates) > MAX_RATES:
        raise given.wrong(f"it may have {MAX_RATES} rates at most")
    return rates


def _rate(given: Given, text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None:
        raise given.wrong("it must look like '100/minute, 2000/hour', or be none")
    return Rate(int(match[1]), _SECONDS[match[2].lower()])
