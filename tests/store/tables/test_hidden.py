"""What is hidden, and the newest block that was seen."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rein.store.schema import STEPS
from rein.store.store import Store
from rein.store.tables.chain_tip import SeenBlock
from rein.store.tables.hidden import Hidden, Hideable

JOB = Hidden(Hideable.JOB, "ab" * 32, "Theme song")
PERSON = Hidden(Hideable.PERSON, "mufMaBkJ4PcPvPbGKEgQLR9Unee7EwUKyr", "Mallory")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "rein.db")


def test_hidden_things_are_kept_by_network_and_once(store: Store) -> None:
    for each in (PERSON, JOB, JOB):
        store.hidden.add("regtest", each)
    assert store.hidden.of_network("regtest") == [JOB, PERSON]
    assert store.hidden.of_network("mainnet") == []
    store.hidden.remove("mainnet", JOB)
    store.hidden.remove("regtest", JOB)
    store.hidden.remove("regtest", JOB)
    assert store.hidden.of_network("regtest") == [PERSON]


def test_the_newest_block_is_the_last_one_seen(store: Store) -> None:
    assert store.chain_tip.get("regtest") is None
    for block in (SeenBlock(7, 1_790_000_000), SeenBlock(6, 1_789_999_000)):
        store.chain_tip.set("regtest", block)
        assert store.chain_tip.get("regtest") == block, "after a reorganisation it may be lower"
    assert store.chain_tip.get("signet") is None


def test_a_database_of_before_gets_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "rein.db"
    with sqlite3.connect(path) as old:
        before = next(number for number, step in enumerate(STEPS) if any("TABLE hidden" in each for each in step))
        for step in STEPS[:before]:
            for statement in step:
                old.execute(statement)
        old.execute(f"PRAGMA user_version = {before}")
    store = Store(path)
    store.hidden.add("regtest", JOB)
    assert store.hidden.of_network("regtest") == [JOB]
