"""`causeway stats`, `export`, `import` and `delete`: the operator's data commands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import URL

from causeway.commands.options import DATABASE, HELP, json_option, named_database, setting_options, shown_database
from causeway.db.engine import Database, make_patient_engine
from causeway.db.migrate import require_head, upgrade
from causeway.errors import FilterError
from causeway.maintenance.export import export_to
from causeway.maintenance.removal import FILTERS, Match, find, parse_filters, remove
from causeway.maintenance.restore import restore_from
from causeway.maintenance.restore_rows import ImportResult
from causeway.maintenance.stats import Stats, read_stats
from causeway.ops.logs import configure_logs
from causeway.serving import database_url
from causeway.settings import Settings, load_settings

REFUSED_EXIT_CODE = 4
"""As Rein's for a document that cannot be accepted."""

_MAX_SHOWN = 20

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command("stats", context_settings=HELP)
@setting_options(*DATABASE)
@json_option
def stats_command(as_json: bool, **flags: Any) -> None:
    """Count what the server holds and earns.

    Example: causeway stats --json
    """
    settings = load_settings(os.environ, **flags)
    with _database_as_it_is(settings) as url, make_patient_engine(url).connect() as connection:
        stats = read_stats(connection)
    click.echo(json.dumps(asdict(stats), indent=4) if as_json else shown_stats(stats))


@click.command("export", context_settings=HELP)
@_file
@setting_options(*DATABASE)
def export_command(file: Path, **flags: Any) -> None:
    """Export everything to FILE.

    Accounts and payments are included. The server may run meanwhile.

    Example: causeway export /backup/causeway.jsonl
    """
    with _database_as_it_is(load_settings(os.environ, **flags)) as url:
        exported = export_to(url, file)
    click.echo(f"{exported.documents:,} documents and {exported.values:,} values are in {file}")


@click.command("import", context_settings=HELP)
@_file
@setting_options(*DATABASE)
@json_option
def import_command(file: Path, as_json: bool, **flags: Any) -> None:
    """Import an export from FILE.

    Every document is verified again; nothing newer is overwritten.

    The command line must say into which database: --data, --database-url, or --config with a file that does. It may be
    interrupted and run again. The exit code is 4 if some of it was refused.

    Example: causeway import /backup/causeway.jsonl --data /tmp/drill --database-url none
    """
    settings = named_database(flags)
    click.echo(f"importing into {shown_database(settings)}", err=True)
    with database_url(settings) as url:
        upgrade(url)
        restored = restore_from(Database(url, connections=1), file, _progress)
    click.echo(json.dumps(asdict(restored), indent=4) if as_json else _shown_restored(restored))
    if restored.refused:
        raise SystemExit(REFUSED_EXIT_CODE)


@click.command("delete", context_settings=HELP)
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help=f"What to delete: {', '.join(FILTERS)}.")
@click.option("--yes", is_flag=True, help="Delete it. Without this, it is only shown.")
@click.option("--reason", metavar="TEXT", help="Why, for the log.")
@setting_options(*DATABASE)
@json_option
def delete_command(filters: Sequence[str], yes: bool, reason: str | None, as_json: bool, **flags: Any) -> None:
    """Delete what filters match.

    That is values and copies kept for peers that match all filters, and the documents whose last copies they are.

    Filters: owner=ADDRESS, key=KEY (or key=PREFIX*), document=ID, kind=job (bid, ..., opaque), older-than=30d (or a
    date), peer=URL. With --yes the command line must say in which database: by --data, --database-url or --config.

    Example: causeway delete --filter kind=opaque --yes --reason "spam" --config /etc/causeway.toml
    """
    conditions = parse_filters(filters, datetime.now(UTC))
    if yes and not reason:
        raise FilterError("there is no reason", hint="Say with --reason TEXT why: it is written to the log.")
    configure_logs()
    settings = named_database(flags) if yes else load_settings(os.environ, **flags)
    click.echo(f"{'deleting from' if yes else 'looking into'} {shown_database(settings)}", err=True)
    with _database_as_it_is(settings) as url:
        database = Database(url, connections=1)
        with database.reading() as connection:
            found = find(connection, conditions)
        deleted = remove(database, found, reason) if yes and reason else 0
    click.echo(_found_json(found, deleted) if as_json else _shown_found(found, deleted, done=yes))


@contextmanager
def _database_as_it_is(settings: Settings) -> Iterator[URL]:
    """The database, which must have the tables of this version: who only looks changes nothing, tables included."""
    with database_url(settings) as url:
        require_head(url)
        yield url


def _progress(lines: int) -> None:
    if lines % 10_000 == 0:
        click.echo(f"{lines:,} lines", err=True)


def shown_stats(stats: Stats) -> str:
    """What there is, a line a subject."""
    documents = sum(stats.documents.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in stats.documents.items() if count)
    return "\n".join(
        (
            f"owners      {stats.owners:,}",
            f"buckets     {stats.buckets:,}, of which {stats.buckets_live:,} have not expired",
            f"values      {stats.values:,}, of which {stats.values_opaque:,} are not documents",
            f"documents   {documents:,}" + (f": {kinds}" if kinds else ""),
            f"storage     {stats.bytes_used:,} of {stats.bytes_bought:,} bytes",
            f"transfer    {stats.transfer_used:,} of {stats.transfer_bought:,} bytes",
            f"orders      {stats.orders_paid:,} paid, {stats.orders_open:,} open, {stats.orders_late:,} late",
            f"income      {stats.income_sat:,} of {stats.credited_sat:,} credited satoshis",
            f"for peers   {stats.replicas:,} documents, {stats.replica_bytes:,} bytes",
            f"nonces      {stats.nonces_remembered:,} remembered",
            f"database    {stats.database_bytes:,} bytes",
        )
    )


def _shown_restored(restored: ImportResult) -> str:
    lines = [f"{count:,} {what}" for what, count in sorted(restored.counts.items())]
    return "\n".join([*lines, *restored.refused]) or "there was nothing in it"


def _shown_found(found: Sequence[Match], deleted: int, *, done: bool) -> str:
    what = "values and copies kept for peers" if any(each.replica for each in found) else "values"
    if done:
        return f"{deleted:,} {what} were deleted"
    lines = [f"{each.stored:%Y-%m-%d}  {each.kind:10}  {each.owner}  {each.key}" for each in found[:_MAX_SHOWN]]
    more = [f"... and {len(found) - _MAX_SHOWN:,} more"] if len(found) > _MAX_SHOWN else []
    size = sum(each.size for each in found)
    return "\n".join(
        [*lines, *more, f"{len(found):,} {what}, {size:,} bytes. Nothing was deleted: give --yes for that."]
    )


def _found_json(found: Sequence[Match], deleted: int) -> str:
    values = [{**asdict(each), "stored": each.stored.isoformat()} for each in found]
    return json.dumps({"found": values, "deleted": deleted}, indent=4)
