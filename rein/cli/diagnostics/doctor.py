"""`rein doctor`"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import click

from rein.app import open_chain
from rein.btc.networks import NETWORKS
from rein.cli.common import Cli, command
from rein.cli.console.remedies import with_command
from rein.cli.console.terminal import safe
from rein.errors import InputError, ReinError
from rein.findings import Finding, Level, fail, ok
from rein.settings import CONFIG_FILE, Settings
from rein.workflows.diagnostics.documents import check_documents
from rein.workflows.diagnostics.examination import Examination
from rein.workflows.diagnostics.installation import check_database, check_home, check_keys, check_versions, versions
from rein.workflows.diagnostics.network import (
    ask_servers,
    check_chain,
    check_clock,
    check_proxy,
    check_servers,
)

FAILED_EXIT_CODE = 1


@command("doctor")
@click.option("--offline", is_flag=True, help="Look at this machine only; ask nobody.")
def doctor(cli: Cli, offline: bool) -> None:
    """Check your installation: versions, home, keys, database, proxy, chain, servers, documents, clock.

    Needs no passphrase. Ends with exit code 1 if something keeps Rein from working or leaves your keys open to others.

    Example: rein doctor
    """
    terminal, findings = cli.terminal, []
    for found in _findings(cli, offline=offline):
        finding = replace(found, hint=with_command(found.hint) if found.hint else None)
        findings.append(finding)
        verdict = f"{finding.verdict.value:4}"
        terminal.say(f"{terminal.bold(verdict) if finding.hint else verdict}  {safe(finding.message)}")
        if finding.hint:
            terminal.advise(f"      {safe(finding.hint)}")
    examination = Examination(findings, versions())
    terminal.result(examination.json())
    if not examination.healthy:
        raise click.exceptions.Exit(FAILED_EXIT_CODE)


def _findings(cli: Cli, *, offline: bool) -> Iterator[Finding]:
    yield from check_versions()
    try:
        settings = cli.settings
    except InputError as error:
        yield fail("settings", error.message, error.hint or "rein config")
        return
    yield ok("settings", f"the settings can be used; the network is {settings.network.name}")
    yield from check_home(settings.home, settings.home / CONFIG_FILE)
    if not settings.home.is_dir():
        return
    database = list(check_database(settings.database))
    yield from database
    unusable = any(each.check == "database" and each.verdict is Level.FAIL for each in database)
    if unusable or not settings.database.exists():
        return
    try:
        session = cli.session
    except ReinError as error:
        yield fail("database", error.message, error.hint or "rein status")
        return

    yield from check_keys(
        settings.home, [row for name in NETWORKS for row in session.store.identities.of_network(name)]
    )
    if session.row is not None:
        yield from check_documents(session)
    if not offline:
        yield from _elsewhere(cli, settings)


def _elsewhere(cli: Cli, settings: Settings) -> Iterator[Finding]:
    now = int(time.time())
    row = cli.session.row
    if settings.proxy is not None:
        yield check_proxy(settings.proxy)
    for each in settings.chain:
        try:
            source = open_chain(replace(settings, chain=(each,)), row.master_address if row else None)
        except ReinError as error:
            yield fail("chain", f"{each.shown}: {error.message}", error.hint or "See the chain sources.")
        else:
            yield from check_chain(each.shown, source, now)
    replies = ask_servers(
        [server.url for server in cli.session.store.servers.of_identity(row.id)] if row else [], settings.proxy
    )
    if row is not None:
        yield from check_servers(replies, settings.network)
    yield from check_clock(replies, int(time.time()))
