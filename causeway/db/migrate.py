"""Migrating a database to this version's tables."""

from __future__ import annotations

from enum import Enum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from causeway.db.engine import make_patient_engine
from causeway.errors import DatabaseError

_LOCK = 0x63617573
"""The advisory lock under which migrations run ("caus")."""


def alembic_config() -> Config:
    """Alembic's configuration, without a file: where the migrations are is all it needs to know."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def is_at_head(connection: Connection) -> bool:
    """Whether the database has the tables of this version, no older and no newer ones."""
    return MigrationContext.configure(connection).get_current_revision() == newest_revision()


@cache
def newest_revision() -> str | None:
    """The last migration of this version."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


class Tables(Enum):
    """Whose tables a database has."""

    NONE = "none"
    OLDER = "those of an older causeway"
    OURS = "those of this version"
    FOREIGN = "those of a newer causeway"


def tables(connection: Connection) -> Tables:
    """Whose tables the database has."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return Tables.NONE
    if revision == newest_revision():
        return Tables.OURS
    known = {each.revision for each in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    return Tables.OLDER if revision in known else Tables.FOREIGN


def require_head(url: URL) -> None:
    """For who only reads: the database must be usable as it is.

    :raises DatabaseError: it cannot be reached, or has not the tables of this version.
    """
    try:
        with make_patient_engine(url).connect() as connection:
            found = tables(connection)
    except DBAPIError as error:
        raise DatabaseError(f"the database cannot be used: {_first_line(error)}", hint=_HINT) from error
    if found is not Tables.OURS:
        hint = "Use that one." if found is Tables.FOREIGN else "`causeway serve` makes them, and `causeway db upgrade`."
        raise DatabaseError(f"the database does not have the tables of this version, but {found.value}", hint=hint)


def upgrade(url: URL) -> None:
    """Apply every migration that is missing, all in one transaction. Any number of processes may call it at once.

    :raises DatabaseError: the database cannot be reached or used, or was made by a newer causeway.
    """
    config = alembic_config()
    try:
        with make_patient_engine(url).begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(
            "the database was made by a newer causeway", hint="Upgrade this one, or restore a backup."
        ) from error
    except DBAPIError as error:
        raise DatabaseError(f"the database cannot be used: {_first_line(error)}", hint=_HINT) from error


_HINT = "Check --database-url, and that the database runs and lets this user create tables."


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n")[0]
