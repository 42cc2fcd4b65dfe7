"""Statements that PostgreSQL parses and plans once for each connection, and SQLAlchemy writes once for all.

The statements of the hot paths are long and take little to run: to plan one again costs more than to execute it. The
driver knows no prepared statements, so this speaks SQL's own PREPARE and EXECUTE. What is kept belongs to a connection
and goes with it.
"""

from __future__ import annotations

from functools import cached_property
from itertools import count
from typing import Any

from sqlalchemy import BindParameter, Connection, CursorResult, Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.sqltypes import NullType

from causeway.db.base import bind

_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # not annotated
_KEPT = "causeway_prepared"
_numbers = count(1)


class Prepared:
    """A statement made of `causeway.db.base.given`, with parameters, to be executed often."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._name = f"causeway_{next(_numbers)}"

    def __call__(self, connection: Connection, **values: object) -> CursorResult[Any]:
        """Execute it; `values` are its parameters."""
        prepare, execute, names, constants = self._texts
        kept: set[str] = connection.info.setdefault(_KEPT, set())
        if self._name not in kept:
            connection.exec_driver_sql(prepare)
            kept.add(self._name)
        parameters = constants | bind(**values)
        return connection.exec_driver_sql(execute, tuple(parameters[name] for name in names))

    @cached_property
    def _texts(self) -> tuple[str, str, tuple[str, ...], dict[str, Any]]:
        """What prepares it, what executes it, the names of its parameters in order, and the values of those that are
        always the same."""
        compiled: Any = self._statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every one can
        names = tuple(dict.fromkeys(compiled.positiontup))
        types = ", ".join(_type_of(compiled.binds[name]) for name in names)
        prepare = f"PREPARE {self._name} ({types}) AS {compiled.string}"
        execute = f"EXECUTE {self._name} ({', '.join(['%s'] * len(names))})"
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return prepare, execute, names, constants


def _type_of(parameter: BindParameter[Any]) -> str:
    """The type of a parameter as PREPARE wants it: what is compared with it decides on the collation."""
    said = "unknown" if isinstance(parameter.type, NullType) else parameter.type.compile(_DIALECT)
    return said.partition(" COLLATE ")[0]
