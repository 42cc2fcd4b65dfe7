"""What is hidden, and the newest block that was seen."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rein.store.notes import Hidden, Hideable, SeenBlock
from rein.store.schema import STEPS
from rein.store.store import Store

JOB = Hidden(Hideable.JOB, "ab" * 32, "Theme song")
PERSON = Hidden(Hideable.PERSON, "mufMaBkJ4PcPvPbGKEgQLR9Unee7EwUKyr", "Mallory")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "rein.db")


def test_hidden_things_are_kept_by_network_and_once(store: Store) -> None:
    for each in (PERSON, JOB, JOB):
        store.notes.hide("regtest", each)
    assert store.notes.hidden("regtest") == [JOB, PERSON]
    assert store.notes.hidden("mainnet") == []
    store.notes.unhide("mainnet", JOB)
    store.notes.unhide("regtest", JOB)
    store.notes.unhide("regtest", JOB)
    assert store.notes.hidden("regtest") == [PERSON]


def test_the_newest_block_is_the_last_one_seen(store: Store) -> None:
    assert store.notes.seen_block("regtest") is None
    for block in (SeenBlock(7, 1_790_000_000), SeenBlock(6, 1_789_999_000)):
        store.notes.set_seen_block("regtest", block)
        assert store.notes.seen_block("regtest") == block, "after a reorganisation it may be lower"
    assert store.notes.seen_block("signet") is None


def test_a_database_of_before_gets_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "rein.db"
    with sqlite3.connect(path) as old:
        before = next(number for number, step in enumerate(STEPS) if any("TABLE hidden" in each for each in step))
        for step in STEPS[:before]:
            for statement in step:
                old.execute(statement)
        old.execute(f"PRAGMA user_version = {before}")
    store = Store(path)
    store.notes.hide("regtest", JOB)
    assert store.notes.hidden("regtest") == [JOB]
