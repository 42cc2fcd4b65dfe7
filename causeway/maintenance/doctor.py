"""Checking an installation: what is well, what needs attention, and what keeps it from working."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy import URL, Connection, select, text
from sqlalchemy.exc import DBAPIError

from causeway.db.embedded import MAJOR_VERSION
from causeway.db.engine import make_patient_engine
from causeway.db.installation import installation
from causeway.db.migrate import Tables, tables
from causeway.settings import Settings
from rein.findings import Finding, fail, ok, warn

LEAST_POSTGRES = 140_000
"""PostgreSQL 14, as `server_version_num` has it: the oldest that is still maintained."""

FREE_FAIL_BYTES = 100_000_000
FREE_WARN_BYTES = 1_000_000_000
CLOCK_WARN_S = 5.0
CLOCK_FAIL_S = 30.0
"""Nonces are refused above it (`causeway.auth.nonces.CLOCK_TOLERANCE_S`)."""


def check_machine(settings: Settings, config: Path | None) -> Iterator[Finding]:
    """Files, disk, port and what is reachable from where."""
    yield ok("settings", f"the settings can be used; the network is {settings.network.name}")
    if config is not None:
        yield _check_private(config, "the settings file")
    yield from _check_data(settings.data, embedded=settings.database_url is None)
    yield _check_disk(settings.data)
    yield _check_port(settings)
    yield _check_public_urls(settings)
    yield _check_reach(settings)
    if settings.peers:
        yield _check_peers(settings)


def _check_data(data: Path, *, embedded: bool) -> Iterator[Finding]:
    if not data.exists():
        if embedded:
            yield ok("data", f"the data directory {data} is made at the first start")
        return
    yield _check_private(data, "the data directory")
    if not embedded:
        return
    version = data / "postgres" / "PG_VERSION"
    if version.exists():
        made = version.read_text().strip()
        if made == MAJOR_VERSION:
            yield ok("data", f"the embedded PostgreSQL is of version {made}")
        else:
            hint = "Export with the causeway that made it, and import here."
            yield fail("data", f"the embedded PostgreSQL was made by version {made}; this is {MAJOR_VERSION}", hint)


def _check_private(path: Path, name: str) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return fail(
            "permissions",
            f"{name} {path} cannot be inspected: {error.strerror}",
            "Give it to the user that runs causeway.",
        )
    # Passing through is not reading: PostgreSQL's own account may have to (causeway.db.embedded).
    if mode & (stat.S_IRWXO & ~stat.S_IXOTH | stat.S_IWGRP):
        return warn("permissions", f"{name} {path} is open to others ({mode:o})", f"chmod go-rw {path}")
    if not os.access(path, os.R_OK):
        return fail("permissions", f"{name} {path} cannot be read", "Give it to the user that runs causeway.")
    return ok("permissions", f"{name} {path} is private ({mode:o})")


def _check_disk(data: Path) -> Finding:
    existing = next(path for path in (data, *data.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1e9:,.1f} GB are free at {existing}"
    if free < FREE_FAIL_BYTES:
        return fail("disk", said, "PostgreSQL stops when its disk is full. Make room.")
    return warn("disk", said, "Make room soon.") if free < FREE_WARN_BYTES else ok("disk", said)


def _check_port(settings: Settings) -> Finding:
    where = f"{settings.host} port {settings.port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.settimeout(2)
            if settings.port and probe.connect_ex(address) == 0:
                return ok("port", f"something listens on {where}: this server, if it runs")
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return fail(
            "port", f"{where} cannot be listened on: {error.strerror}", "Choose another with --host and --port."
        )
    return ok("port", f"{where} is free")


def _check_public_urls(settings: Settings) -> Finding:
    names = settings.server_names
    plain = [name for name in names if name.startswith("http://") and not name.endswith(".onion")]
    if not settings.public_urls:
        hint = "Set public_urls to what people type, or their signed requests to the versioned API are refused."
        return warn("public_urls", f"people can reach it as {', '.join(names)} only", hint)
    if plain:
        return warn(
            "public_urls", f"{plain[0]} is without TLS", "Put a proxy with TLS in front, and name its https address."
        )
    return ok("public_urls", f"people reach it as {', '.join(names)}")


def _check_reach(settings: Settings) -> Finding:
    """Whether strangers can take the server's word for being local, or read it without TLS."""
    try:
        loopback = ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        hint = "Without TLS in front of it, anybody on the way reads and changes what passes. See docs/operations.md."
        return warn("proxy", f"{settings.host} is not a loopback address", hint)
    if settings.local and not settings.trusted_proxy:
        hint = "Behind a proxy or an onion service, set trusted_proxy, or local to none: see docs/operations.md."
        return warn("proxy", "requests from this machine have no rate limits and no proxy is trusted", hint)
    return ok("proxy", "it listens on a loopback address, and the proxy in front of it is known")


def _check_peers(settings: Settings) -> Finding:
    plain = [each.url for each in settings.peers if each.url.startswith("http://") and each.proxy is None]
    own = sorted({each.url for each in settings.peers} & set(settings.server_names))
    if own:
        return warn("peers", f"the peer {own[0]} is this server itself", "Take it off the list of peers.")
    if plain:
        hint = "Documents prove themselves, but an attacker on the way can withhold some. Name its https address."
        return warn("peers", f"the peer {plain[0]} is asked without TLS", hint)
    return ok("peers", f"documents of {len(settings.peers)} peers are to be pulled")


def check_database(url: URL, settings: Settings) -> Iterator[Finding]:
    """The database: reachable, of this version, of this network, in time."""
    try:
        with make_patient_engine(url).connect() as connection:
            for check in _DATABASE_CHECKS:
                yield check(connection, settings)
    except DBAPIError as error:
        reason = str(error.orig).strip().split("\n")[0]
        yield fail(
            "database", f"the database cannot be used: {reason}", "Check --database-url, and that the database runs."
        )


def _check_version(connection: Connection, _: Settings) -> Finding:
    number = int(str(connection.scalar(text("SHOW server_version_num"))))
    version = connection.scalar(text("SHOW server_version"))
    if number < LEAST_POSTGRES:
        return fail("postgresql", f"the database is PostgreSQL {version}", "causeway needs 14 or later.")
    return ok("postgresql", f"the database answers; it is PostgreSQL {version}")


def _check_tables(connection: Connection, _: Settings) -> Finding:
    # What `serve` repairs by itself must not keep it from starting: the systemd unit runs the doctor first.
    match tables(connection):
        case Tables.NONE:
            return ok("tables", "the database has no tables yet; they are made at the first start")
        case Tables.OLDER:
            return warn(
                "tables",
                "the database has the tables of an older causeway",
                "The next start upgrades them: export first.",
            )
        case Tables.OURS:
            return ok("tables", "the database has the tables of this version")
        case Tables.FOREIGN:
            hint = "Upgrade this causeway, or restore a backup."
            return fail("tables", "the database has the tables of a newer causeway", hint)


def _check_network(connection: Connection, settings: Settings) -> Finding:
    if connection.scalar(text("SELECT to_regclass('installation')")) is None:
        return warn("network", "no server has run on this database yet", "The first one sets its network.")
    network = connection.scalar(select(installation.c.network))
    if network is None:
        return warn("network", "no server has run on this database yet", "The first one sets its network.")
    if network != settings.network.name:
        return fail(
            "network", f"the database holds documents of {network}", f"Give --network {network}, or another database."
        )
    return ok("network", f"the database holds documents of {network}")


def _check_encoding(connection: Connection, _: Settings) -> Finding:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        return fail("encoding", f"the database stores {encoding}", "Make one with ENCODING 'UTF8'.")
    return ok("encoding", "the database stores UTF-8")


def _check_durable(connection: Connection, _: Settings) -> Finding:
    for name in ("fsync", "full_page_writes"):
        if connection.scalar(text(f"SHOW {name}")) != "on":
            return fail(
                "durability",
                f"the database runs with {name} off",
                f"A power cut would lose documents. Set {name} = on.",
            )
    return ok("durability", "the database waits for the disk")


def _check_connections(connection: Connection, settings: Settings) -> Finding:
    most = int(str(connection.scalar(text("SHOW max_connections"))))
    needed = settings.workers * settings.threads + 5
    if needed > most:
        hint = "Raise max_connections, or set fewer workers or threads."
        return warn("connections", f"the server may open {needed} connections, the database takes {most}", hint)
    return ok("connections", f"the database takes {most} connections; the server needs {needed} at most")


def _check_clock(connection: Connection, _: Settings) -> Finding:
    there = connection.scalar(text("SELECT clock_timestamp()"))
    if not isinstance(there, datetime):
        return fail("clock", "the database does not tell the time", "It should.")
    apart = abs((datetime.now(UTC) - there).total_seconds())
    if apart > CLOCK_FAIL_S:
        return fail("clock", f"this machine's clock and the database's are {apart:.0f} s apart", "Run NTP on both.")
    if apart > CLOCK_WARN_S:
        return warn("clock", f"this machine's clock and the database's are {apart:.0f} s apart", "Run NTP on both.")
    return ok("clock", "this machine's clock and the database's agree")


_DATABASE_CHECKS: tuple[Callable[[Connection, Settings], Finding], ...] = (
    _check_version,
    _check_encoding,
    _check_tables,
    _check_network,
    _check_durable,
    _check_connections,
    _check_clock,
)
