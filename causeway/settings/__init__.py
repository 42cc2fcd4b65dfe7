"""What an operator can set: a file, the environment over it, flags over both; checked once at start.

`SETTINGS` is the one list of names: the file's keys, variables, flags, their help and the table in docs/operations.md
follow from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from causeway.outbound import (
    ChainAddress,
    MailServer,
    Peer,
    read_mail_server,
)
from causeway.settings.names import SETTINGS, Setting
from causeway.settings.sources import find, read_file
from causeway.settings.values import (
    MAX_FREE_BUCKETS,
    MAX_RATES,
    MAX_THREADS,
    MAX_WORKERS,
    MEGABYTE,
    IPNetwork,
    Rate,
    is_named,
    read_chain_address,
    read_choice,
    read_database_url,
    read_directory,
    read_ip_network,
    read_items,
    read_mail_from,
    read_network,
    read_number,
    read_origin,
    read_payment_key,
    read_peers,
    read_price,
    read_public_url,
    read_rates,
    read_yes_or_no,
)
from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST, Network
from rein.btc.receiving import ReceivingKey
from rein.protocol.wire import server_name

__all__ = [
    "CONFIG_VARIABLE",
    "MAX_RATES",
    "SETTINGS",
    "IPNetwork",
    "PullLimits",
    "Rate",
    "Setting",
    "Settings",
    "load_settings",
    "read_file",
]

CONFIG_VARIABLE = "CAUSEWAY_CONFIG"


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
        machine's own names. Those are the same on every machine, so a public server needs `public_urls`."""
        if self.public_urls:
            return self.public_urls
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = (server_name(f"http://{name}:{self.port or 80}") for name in (host, "127.0.0.1", "localhost"))
        return tuple(dict.fromkeys(own))


def load_settings(environ: Mapping[str, str], **flags: object) -> Settings:
    """Join the file named by the flag `config` or CAUSEWAY_CONFIG, the environment, and flags (None: not given).

    No file is read that was not named: what a command does must not depend on where it runs.

    :raises SettingsError: naming what cannot be used and where it came from.
    """
    config = flags.get("config") or environ.get(CONFIG_VARIABLE)
    in_file = read_file(Path(str(config))) if config else {}
    given = {each.name: find(each, in_file, environ, flags.get(each.name)) for each in SETTINGS}
    network = read_network(given["network"])
    price = read_price(given["price_sat"])
    url = read_database_url(given["database_url"], given["data"])
    return Settings(
        network=network,
        data=read_directory(given["data"]),
        database_url=url,
        database_named=is_named(given["data"] if url is None else given["database_url"], flags),
        host=given["host"].text or "127.0.0.1",
        port=read_number(given["port"], 0, 65_535),
        public_urls=read_items(given["public_urls"], read_public_url),
        workers=read_number(given["workers"], 1, MAX_WORKERS, default=min(2, os.cpu_count() or 1)),
        threads=read_number(given["threads"], 1, MAX_THREADS),
        log_format=read_choice(given["log_format"], "text", "json"),
        log_requests=read_yes_or_no(given["log_requests"]),
        metrics_public=read_yes_or_no(given["metrics_public"]),
        rate_read=read_rates(given["rate_read"]),
        rate_write=read_rates(given["rate_write"]),
        rate_request=read_rates(given["rate_request"]),
        local=read_items(given["local"], read_ip_network),
        trusted_proxy=read_items(given["trusted_proxy"], read_ip_network),
        cors_origins=read_items(given["cors_origins"], read_origin),
        price=price,
        free_buckets=read_number(given["free_buckets"], 0, MAX_FREE_BUCKETS, default=0 if price else 4),
        free_buckets_a_day=read_number(given["free_buckets_a_day"], 0, 999_999_999),
        payment_key=read_payment_key(given["payment_descriptor"], network, price),
        confirmations=read_number(given["confirmations"], 1, 100, default=1 if network is REGTEST else 2),
        chain=read_chain_address(given["chain_url"], given["chain_cookie"], network),
        watch_interval_s=read_number(given["watch_interval_s"], 1, 3_600),
        mail_server=read_mail_server(given["smtp_url"].text) if given["smtp_url"].text else None,
        mail_from=read_mail_from(given["mail_from"], given["smtp_url"]),
        grace_days=read_number(given["grace_days"], 0, 3_650),
        sweep_interval_s=read_number(given["sweep_interval_s"], 0, 86_400),
        peers=read_peers(given["peers"], given["peers_proxy"]),
        pull_interval_s=read_number(given["pull_interval_s"], 0, 86_400),
        pull_limits=PullLimits(
            documents=read_number(given["pull_documents"], 1, 1_000_000),
            bytes=read_number(given["pull_mb"], 1, 10_000) * MEGABYTE,
            kept_bytes=read_number(given["replica_mb"], 0, 100_000_000) * MEGABYTE,
            signer_bytes=read_number(given["replica_signer_mb"], 0, 100_000_000) * MEGABYTE,
        ),
    )
