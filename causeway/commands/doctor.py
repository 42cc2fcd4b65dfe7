"""`causeway doctor`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from causeway.commands.options import HELP, json_option, setting_options
from causeway.errors import DatabaseError
from causeway.maintenance.doctor import check_database, check_machine
from causeway.maintenance.outbound import check_mail, check_payments
from causeway.serving import database_url
from causeway.settings import CONFIG_VARIABLE, Settings, load_settings
from rein.findings import Finding, Level, fail, ok

FAILED_EXIT_CODE = 1


@click.command("doctor", context_settings=HELP)
@setting_options()
@json_option
def doctor_command(as_json: bool, **flags: Any) -> None:
    """Check the installation.

    Nothing is changed. The exit code is 1 if something keeps the server from working.

    Example: causeway doctor --config /etc/causeway.toml
    """
    settings = load_settings(os.environ, **flags)
    config = flags.get("config") or os.environ.get(CONFIG_VARIABLE)
    findings = []
    for finding in _findings(settings, Path(str(config)) if config else None):
        findings.append(finding)
        if not as_json:
            click.echo(f"{finding.verdict:5} {finding.message}")
            if finding.hint:
                click.echo(f"      {finding.hint}")
    if as_json:
        click.echo(json.dumps({"findings": [_as_json(finding) for finding in findings]}, indent=4))
    if any(finding.verdict is Level.FAIL for finding in findings):
        raise SystemExit(FAILED_EXIT_CODE)


def _as_json(finding: Finding) -> dict[str, str | None]:
    return {"check": finding.check, "verdict": finding.verdict, "what": finding.message, "hint": finding.hint}


def _findings(settings: Settings, config: Path | None) -> Iterator[Finding]:
    yield from check_machine(settings, config)
    yield from check_mail(settings)
    if settings.database_url is None and not (settings.data / "postgres").exists():
        yield ok("database", "the embedded PostgreSQL is made at the first start")
        return
    try:
        with database_url(settings) as url:
            yield from check_database(url, settings)
            yield from check_payments(url, settings)
    except DatabaseError as error:
        yield fail("database", error.message, error.hint)
