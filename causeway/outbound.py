"""Addresses of the services that the server connects to: a Bitcoin node, a mail server, peers. Read when it starts.

The first two may carry a password: no error and no `repr` repeats one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from causeway.errors import SettingsError
from rein.btc.networks import Network
from rein.errors import InputError
from rein.net.proxy import checked_proxy
from rein.protocol.wire import server_name

MAX_EMAIL = 254
"""Characters of an e-mail address (RFC 5321)."""

MAX_PEER_URL = 300

_SMTP_PORTS = {"smtp": 587, "smtps": 465}
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_LOCAL}@{_LABEL}(?:\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True)
class ChainAddress:
    """Bitcoin Core's RPC: by user and password, or by its cookie file."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    cookie_file: Path | None = None


@dataclass(frozen=True)
class MailServer:
    """An SMTP server to hand mail to. `tls`: encrypted from the first byte; otherwise by STARTTLS where offered, and
    always before a password is sent."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Peer:
    """A causeway whose feed is pulled, at `url` (scheme, host and port), through a SOCKS5 proxy if there is one."""

    url: str
    proxy: str | None = None


def is_email(text: str) -> bool:
    """Whether it is one plain e-mail address: ASCII, no quotes, no comments, nothing that could end a header."""
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def read_chain(url: str, cookie: str, network: Network) -> ChainAddress:
    """`http://user:password@127.0.0.1:8332`; without a port the network's own, without a password the cookie.

    :raises SettingsError: it is invalid.
    """
    parts = _split("chain_url", url, ("http", "https"), f"http://127.0.0.1:{network.default_rpc_port}")
    user, password = _credentials(parts)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    bare = f"{parts.scheme}://{host}:{parts.port or network.default_rpc_port}{parts.path}"
    return ChainAddress(bare, user, password, Path(cookie).expanduser().absolute() if cookie else None)


def read_mail_server(url: str) -> MailServer:
    """`smtp://user:password@mail.example.org:587`, or `smtps://` for TLS from the first byte.

    :raises SettingsError: it is invalid.
    """
    parts = _split("smtp_url", url, tuple(_SMTP_PORTS), "smtp://user:password@mail.example.org:587")
    if parts.path not in ("", "/"):
        raise SettingsError("smtp_url has something behind the host and port")
    user, password = _credentials(parts)
    if (user is None) != (password is None):
        raise SettingsError("smtp_url has a user without a password, or a password without a user")
    return MailServer(
        parts.hostname or "", parts.port or _SMTP_PORTS[parts.scheme], parts.scheme == "smtps", user, password
    )


def read_peer(text: str, proxy: str | None) -> Peer:
    """`https://causeway.example`; an onion service is reached through the proxy only, anything else never.

    :raises SettingsError: it is invalid, or there is no proxy to reach it through.
    """
    try:
        url = server_name(text)
        is_bare = urlsplit(text.strip()).path in ("", "/") and not {"?", "#"} & set(text) and len(url) <= MAX_PEER_URL
    except (InputError, ValueError):
        is_bare = False
    if not is_bare:
        raise SettingsError(
            f"invalid server address in peers: {text[:60]!r}", hint="One looks like https://causeway.example."
        )
    is_onion = (urlsplit(url).hostname or "").endswith(".onion")
    if is_onion and proxy is None:
        raise SettingsError(
            f"the peer {url} is an onion service, and there is no peers_proxy",
            hint="Set peers_proxy to Tor's SOCKS port: 127.0.0.1:9050 on most machines.",
        )
    return Peer(url, proxy if is_onion else None)


def read_peers_proxy(text: str) -> str:
    """`127.0.0.1:9050`, as "socks5h://127.0.0.1:9050".

    :raises SettingsError: it is invalid.
    """
    try:
        return checked_proxy(text)
    except InputError as error:
        raise SettingsError(f"peers_proxy: {error.message}", hint=error.hint) from error


def _split(name: str, url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url or parts.query or parts.fragment:
        # Not repeated: there may be a password in it, however mistyped the rest is.
        raise SettingsError(f"invalid {name}", hint=f"It looks like {example}.")
    return parts


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return user or None, password or None
