"""Checks of what is elsewhere: the proxy, the chain sources, the servers, and their clocks against this one."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

from rein.btc.networks import REGTEST, Network
from rein.chain.source import BlockRef, ChainSource
from rein.errors import ReinError
from rein.findings import Finding, fail, ok, warn
from rein.net.http import Http, HttpError, Limits
from rein.net.proxy import proxy_for
from rein.net.strict_json import strict_json

CLOCK_WARN_S: Final = 60
CLOCK_FAIL_S: Final = 600
FUTURE_S: Final = 7_200
"""How far ahead of the right time Bitcoin's rules let a block's be."""
OLD_TIP_S: Final = 4 * 3_600
"""Without a block for so long, a chain source is more likely behind than the miners are unlucky (e to the -24)."""

_LIMITS: Final = Limits(connect_seconds=5, read_seconds=10, total_seconds=20, answer_bytes=65_536)
_SOCKS_SECONDS: Final = 5
_MAX_THREADS: Final = 16


@dataclass(frozen=True)
class StatusReply:
    """What a server answers to /status; `date` is its clock, in seconds since 1970."""

    url: str
    answer: dict[str, Any] | None
    date: int | None
    error: str | None = None


def check_proxy(proxy: str) -> Finding:
    """Whether the SOCKS5 proxy answers (RFC 1928, section 3)."""
    parts = urlsplit(proxy)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), _SOCKS_SECONDS) as connection:
            connection.sendall(b"\x05\x01\x00")
            speaks = connection.recv(2) == b"\x05\x00"
    except OSError:
        speaks = False
    if speaks:
        return ok("proxy", f"everything goes through {proxy}, which answers")
    hint = "Connect directly, or start Tor."
    return fail("proxy", f"no SOCKS5 proxy answers at {proxy}, and nothing connects past it", hint)


def check_chain(shown: str, source: ChainSource, now: int) -> Iterator[Finding]:
    """One chain source: whether it answers, and what its newest block says of this clock."""
    try:
        tip = source.tip()
    except ReinError as error:
        yield fail("chain", f"{shown}: {error.message}", error.hint or "See the chain sources.")
        return
    yield ok("chain", f"{shown} answers; its chain has {tip.height:,} blocks")
    yield from _check_tip(shown, tip, source.network, now)


def _check_tip(shown: str, tip: BlockRef, network: Network, now: int) -> Iterator[Finding]:
    if network is REGTEST:
        return  # its blocks come when somebody likes
    if tip.time > now + FUTURE_S:
        yield fail("clock", f"this clock is hours behind the newest block of {shown}", "Set this machine's clock.")
    elif tip.time < now - OLD_TIP_S:
        hours = (now - tip.time) // 3_600
        hint = "Wait until it has caught up, or set this machine's clock."
        yield warn("chain", f"the newest block of {shown} is {hours} hours old", hint)


def ask_servers(urls: Sequence[str], proxy: str | None) -> list[StatusReply]:
    """What every server says of itself, in the order of `urls`."""
    if not urls:
        return []
    with ThreadPoolExecutor(min(len(urls), _MAX_THREADS)) as pool:
        return list(pool.map(lambda url: _ask(url, proxy_for(url, proxy)), urls))


def _ask(url: str, proxy: str | None) -> StatusReply:
    http = Http(proxy, environment=True)
    try:
        reply = http.exchange("GET", f"{url}status", _LIMITS)
        answer = strict_json(reply.body)
    except HttpError as error:
        return StatusReply(url, None, None, error.reason)
    except ValueError:
        return StatusReply(url, None, None, "answers with something that is not JSON")
    finally:
        http.close()
    if reply.status != 200 or not isinstance(answer, dict):
        return StatusReply(url, None, reply.date, f"answers HTTP {reply.status}")
    return StatusReply(url, answer, reply.date)


def check_servers(replies: Sequence[StatusReply], network: Network) -> Iterator[Finding]:
    """Whether each server answers, of which version, and for which network."""
    if not replies:
        yield warn("servers", "no server is registered", "Register a server.")
    for each in replies:
        if each.answer is None:
            yield fail("servers", f"{each.url} {each.error}", "Try again later; other servers do its work meanwhile.")
        elif each.answer.get("network", network.name) != network.name:
            yield fail("servers", f"{each.url} works on another network", f"Ask one of {network.name} for hosting.")
        else:
            yield ok("servers", f"{each.url} answers; Causeway {_shown(each.answer.get('version'))}")
    if len(replies) == 1:
        yield warn("servers", "one server alone can withhold your documents", "Register a second server.")


def check_clock(replies: Sequence[StatusReply], now: int) -> Iterator[Finding]:
    """This clock against those of the servers: of several, the middle one, for one may be wrong or lie."""
    offsets = [each.date - now for each in replies if each.date is not None]
    if not offsets:
        return
    offset = int(median(offsets))
    told = f"the servers' clocks are {abs(offset):,} seconds {'ahead of' if offset > 0 else 'behind'} this one"
    if abs(offset) >= CLOCK_FAIL_S:
        yield fail("clock", told, "Set this machine's clock.")
    elif abs(offset) >= CLOCK_WARN_S:
        yield warn("clock", told, "Set this machine's clock.")
    else:
        yield ok("clock", "this clock agrees with the servers'")


def _shown(version: object) -> str:
    return version[:20] if isinstance(version, str) else "of unknown version"
