"""A `local.db` comes from a stranger, or may: reading it is bounded."""

from __future__ import annotations

import sqlite3
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from rein.btc.networks import MAINNET
from rein.errors import IdentityError
from rein.identity.legacy_database import read_legacy_identity

ENDLESS = (
    "CREATE VIEW identity AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT 'Ann' AS name, 0 AS testnet FROM n WHERE x < 0"
)
HUGE = "CREATE VIEW identity AS SELECT zeroblob(900000000) AS name, 0 AS testnet"
MANY = (
    "CREATE VIEW identity AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT hex(randomblob(30000)) AS name, 0 AS testnet FROM n"
)


def made(folder: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(folder / "local.db")) as database, database:
        for statement in statements:
            database.execute(statement)
    return folder / "local.db"


@pytest.mark.parametrize("statement", [ENDLESS, HUGE, MANY], ids=["endless", "huge", "many"])
def test_what_a_stranger_s_database_costs(statement: str, tmp_path: Path) -> None:
    path = made(tmp_path, statement)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(IdentityError):
        read_legacy_identity(path, MAINNET, "Bob")
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    assert time.process_time() - began < 5


def test_a_row_that_is_larger_than_any(tmp_path: Path) -> None:
    table = "CREATE TABLE identity (name TEXT, testnet BOOLEAN)"
    path = made(tmp_path, table, f"INSERT INTO identity VALUES ('{'x' * 100_000}', 0)")
    with pytest.raises(IdentityError, match="too big"):
        read_legacy_identity(path, MAINNET, None)


def test_a_thousand_identities_are_read(tmp_path: Path) -> None:
    table = "CREATE TABLE identity (name TEXT, contact TEXT, testnet BOOLEAN)"
    rows = [f"INSERT INTO identity VALUES ('n{number}', '{'c' * 250}', 0)" for number in range(1_000)]
    assert read_legacy_identity(made(tmp_path, table, *rows), MAINNET, "n999")["contact"] == "c" * 250
