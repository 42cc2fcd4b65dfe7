"""Reading the text of each setting. Every reader raises a SettingsError that names the setting and its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar

from causeway.errors import SettingsError
from causeway.outbound import (
    ChainAddress,
    Peer,
    is_email,
    read_chain,
    read_peer,
    read_peers_proxy,
)
from causeway.settings.names import Setting
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.networks import Network, network_named
from rein.btc.receiving import ReceivingKey
from rein.errors import ReinError
from rein.protocol.wire import server_name

T = TypeVar("T")

MAX_WORKERS = 64
MAX_THREADS = 256
MAX_RATES = 3
"""Rates in one setting: by the second, the minute and the hour, for example."""

MAXFILE_BYTES = 65_536
MAX_PRICE_SAT = 100_000_000
MAX_FREE_BUCKETS = 1_000
MAX_PEERS = 100
MEGABYTE = 1_048_576

FILE = "the settings file"


@dataclass(frozen=True)
class Rate:
    """At most `count` in `seconds`."""

    count: int
    seconds: int


IPNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True)
class RawSetting:
    """The text of a setting, and where it came from, so that an error can name that."""

    setting: Setting
    text: str
    source: str

    def wrong(self, what: str) -> SettingsError:
        return SettingsError(
            f"{self.setting.name} is {self.text[:40]!r}; {what}",
            hint=f"It comes from {self.source}.",
        )


def read_network(given: RawSetting) -> Network:
    try:
        return network_named(given.text)
    except ReinError as error:
        raise SettingsError(error.message, hint=error.hint) from error


def read_database_url(url: RawSetting, data: RawSetting) -> str | None:
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


def is_named(given: RawSetting, flags: Mapping[str, object]) -> bool:
    """Whether the command line says it, or names the file that does."""
    return given.source == given.setting.flag or (given.source == FILE and bool(flags.get("config")))


def read_directory(given: RawSetting) -> Path:
    try:
        return Path(given.text or given.setting.default).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError("there is no home directory to keep the data in", hint="Give --data DIR.") from error


def read_number(given: RawSetting, lowest: int, highest: int, default: int | None = None) -> int:
    text = given.text
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and lowest <= int(text) <= highest):
        raise given.wrong(f"it must be a whole number from {lowest} to {highest}")
    return int(text)


def read_choice(given: RawSetting, *choices: str) -> str:
    if given.text not in choices:
        raise given.wrong(f"it must be {' or '.join(choices)}")
    return given.text


def read_yes_or_no(given: RawSetting) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if given.text.lower() not in known:
        raise given.wrong("it must be yes or no")
    return known[given.text.lower()]


def read_items(given: RawSetting, read: Callable[[RawSetting, str], T]) -> tuple[T, ...]:
    """A list separated by commas. `none` is the empty list, because an empty variable counts as not set."""
    if given.text.strip().lower() in ("", "none"):
        return ()
    return tuple(read(given, item.strip()) for item in given.text.split(","))


def read_ip_network(given: RawSetting, text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError:
        raise given.wrong(f"{text[:40]!r} is not an address range like 10.0.0.0/8 or 2001:db8::/32") from None


def read_price(given: RawSetting) -> Sat:
    price = Sat(read_number(given, 0, MAX_PRICE_SAT))
    if 0 < price < DUST_LIMIT:
        raise given.wrong(f"it must be 0 or at least {DUST_LIMIT}: nodes relay no smaller payment")
    return price


def read_payment_key(given: RawSetting, network: Network, price: Sat) -> ReceivingKey | None:
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


def read_chain_address(url: RawSetting, cookie: RawSetting, network: Network) -> ChainAddress | None:
    if not url.text and not cookie.text:
        return None
    return read_chain(url.text or f"http://127.0.0.1:{network.default_rpc_port}", cookie.text, network)


def read_mail_from(given: RawSetting, server: RawSetting) -> str:
    if not given.text and not server.text:
        return ""
    if not is_email(given.text):
        raise given.wrong("it must be one e-mail address, like hosting@example.org, where there is an smtp_url")
    return given.text


def read_peers(given: RawSetting, proxy: RawSetting) -> tuple[Peer, ...]:
    through = read_peers_proxy(proxy.text) if proxy.text else None
    peers = tuple(dict.fromkeys(read_items(given, lambda _, text: read_peer(text, through))))
    if len(peers) > MAX_PEERS:
        raise given.wrong(f"it names {len(peers)} peers; {MAX_PEERS} are allowed")
    return peers


_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\[\]:-]+")


def read_origin(given: RawSetting, text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise given.wrong("it must list origins like https://example.org, without a path, or be *")
    return text


def read_public_url(given: RawSetting, text: str) -> str:
    try:
        return server_name(text)
    except ReinError:
        raise given.wrong("it must list addresses like https://example.org") from None


_RATE = re.compile(r"([1-9][0-9]{0,8}) ?/ ?(second|minute|hour|day)s?", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def read_rates(given: RawSetting) -> tuple[Rate, ...]:
    rates = read_items(given, _rate)
    if len(rates) > MAX_RATES:
        raise given.wrong(f"it may have {MAX_RATES} rates at most")
    return rates


def _rate(given: RawSetting, text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None:
        raise given.wrong("it must look like '100/minute, 2000/hour', or be none")
    return Rate(int(match[1]), _SECONDS[match[2].lower()])
