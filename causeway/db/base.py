"""The base of all tables, and parameters of prepared statements."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import JSON, BindParameter, MetaData, String, Table, Text, bindparam, column, func
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


class Base(DeclarativeBase):
    """All models of the server. Constraints are named by one rule, so that a migration can name them too."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pk",
            "uq": "%(table_name)s_%(column_0_name)s_unique",
            "ix": "%(table_name)s_%(column_0_name)s_index",
            "fk": "%(table_name)s_%(column_0_name)s_fk",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        }
    )


def table_of(model: type[Base]) -> Table:
    """The Core table of a model: the hot paths use Core, without the ORM's work on each row."""
    return cast("Table", model.__table__)


def parameter(name: str, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
    """A named parameter of a statement that is made once and executed often with `bind`.

    Never `bindparam("owner")`: where a parameter has the name of a column, SQLAlchemy also sets that column in every
    INSERT and UPDATE of the statement, silently.
    """
    return bindparam(f"given_{name}", type_=type_)


def bind(**values: object) -> dict[str, object]:
    """The values of a statement's `parameter`s."""
    return {f"given_{name}": value for name, value in values.items()}


def parameter_rows(name: str, **columns: TypeEngine[Any]) -> TableValuedAlias:
    """A parameter that is a whole table: a JSON text of a list of objects. One parameter costs PostgreSQL and its
    driver far less than a parameter for each field of each row."""
    found = func.json_to_recordset(sql_cast(parameter(name, Text()), JSON)).table_valued(
        *(column(each, type_) for each, type_ in columns.items())
    )
    return found.render_derived(name=name, with_types=True)


def ascii_text(length: int) -> String:
    """A type for addresses, keys and ids: compared byte by byte, whatever the language of the database is."""
    return String(length, collation="C")
