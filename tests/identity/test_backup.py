"""One file for a whole home: what comes back is what was there, and nothing is written before all of it is checked."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rein.btc.networks import REGTEST
from rein.errors import DocumentError, IdentityError, InputError, PassphraseError, ReinError, StoreError
from rein.identity import backup as backups
from rein.identity.backup import Backup, read_backup, write_backup
from rein.identity.keyfile import read_key_file, write_key_file
from rein.identity.keyring import Keyring
from rein.identity.sealing import Cost
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.workflows.identity.backup import back_up, restore_home
from rein.workflows.identity.setup import NewIdentity, build_enrollment, genesis, row_of
from tests.support.people import story

WORDS = {"Alice": "abandon " * 11 + "about", "Bob": "zoo " * 11 + "wrong"}
CHEAP = Cost(memory_kib=8_192, iterations=1, lanes=1)
PASSPHRASE, OTHER = "correct horse battery", "staple in the backup"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two identities, some documents, settings."""
    home = tmp_path / "home"
    store = Store(home / "rein.db")
    for name, words in WORDS.items():
        signed = build_enrollment(NewIdentity(name, f"{name}@x", None), Keyring(words, REGTEST), genesis(REGTEST))
        row = store.identities.add(row_of(signed.document, name), signed)
        write_key_file(home / row.key_file, words, PASSPHRASE, cost=CHEAP)
    store.documents.add_received((each, "http://s/") for each in story().documents)
    (home / "config.toml").write_text('network = "regtest"\n')
    return home


def rows(home: Path) -> list[IdentityRow]:
    return Store(home / "rein.db").identities.of_network("regtest")


def backed_up(home: Path) -> Path:
    path = home.with_name("rein.backup")
    back_up(home, Store(home / "rein.db"), path, OTHER, lambda _, use: use(PASSPHRASE))
    return path


def dump(home: Path) -> list[str]:
    with sqlite3.connect(home / "rein.db") as database:
        return list(database.iterdump())


def test_a_home_comes_back(home: Path, tmp_path: Path) -> None:
    path, again = backed_up(home), tmp_path / "else" / "again"
    kept = restore_home(path, again, OTHER)
    assert (kept.identities, kept.documents) == (2, 2 + len(story().documents))
    assert dump(again) == dump(home)
    assert (again / "config.toml").read_text() == (home / "config.toml").read_text()
    assert [read_key_file(again / row.key_file, OTHER) for row in rows(again)] == list(WORDS.values())
    for each in (again, *again.rglob("*")):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0, each
    assert sorted(each.name for each in again.parent.iterdir()) == ["again"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_readable_is_in_the_file(home: Path) -> None:
    data = backed_up(home).read_bytes()
    for secret in (b"abandon", b"zoo", b"Alice", b"SQLite", b"regtest", rows(home)[0].master_address.encode()):
        assert secret not in data


def test_what_is_not_checkpointed_yet_is_in_it(home: Path, tmp_path: Path) -> None:
    """SQLite keeps the newest pages in a file of its own, and somebody else is writing."""
    store = Store(home / "rein.db")
    writer = sqlite3.connect(home / "rein.db", isolation_level=None)
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("INSERT INTO server (identity_id, url, buckets, bytes_free) VALUES (1, 'http://new/', 1, 2)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO server (identity_id, url, buckets, bytes_free) VALUES (1, 'http://unfinished/', 1, 2)")
    back_up(home, store, tmp_path / "b", OTHER, lambda _, use: use(PASSPHRASE))
    writer.close()
    restore_home(tmp_path / "b", tmp_path / "again", OTHER)
    assert [server.url for server in Store(tmp_path / "again" / "rein.db").servers.of_identity(1)] == ["http://new/"]


def test_a_wrong_passphrase(home: Path, tmp_path: Path) -> None:
    with pytest.raises(PassphraseError):
        restore_home(backed_up(home), tmp_path / "again", "another one")
    with pytest.raises(PassphraseError):
        back_up(home, Store(home / "rein.db"), tmp_path / "b", OTHER, lambda _, use: use("not that one"))
    with pytest.raises(PassphraseError):
        back_up(home, Store(home / "rein.db"), tmp_path / "b", "short", lambda _, use: use(PASSPHRASE))
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "b").exists()


def test_every_byte_of_the_file_counts(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.backup"
    write_backup(path, Backup({}, None, b"database"), OTHER, cost=CHEAP)
    good = path.read_bytes()
    assert read_backup(path, OTHER).database == b"database"
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(IdentityError):
            read_backup(path, OTHER)
    for cut in (0, 1, 20, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(IdentityError):
            read_backup(path, OTHER)


def test_a_home_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    path, before = backed_up(home), dump(home)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "config.toml").touch()
    for taken in (home, tmp_path / "file", tmp_path / "link", tmp_path / "full"):
        with pytest.raises(InputError, match="never overwritten"):
            restore_home(path, taken, OTHER)
    assert dump(home) == before
    (tmp_path / "empty").mkdir()
    assert restore_home(path, tmp_path / "empty", OTHER).identities == 2
    with pytest.raises(IdentityError, match="already"):
        backed_up(home)


def _sql(statement: str) -> Callable[[dict[str, Any]], None]:
    def change(parts: dict[str, Any]) -> None:
        database = sqlite3.connect(":memory:")
        database.deserialize(parts["database"])
        database.execute(statement)
        database.commit()
        parts["database"] = database.serialize()

    return change


def _swap(parts: dict[str, Any]) -> None:
    first, second = parts["words"]
    parts["words"] = {first: parts["words"][second], second: parts["words"][first]}


def _cut(parts: dict[str, Any]) -> None:
    parts["database"] = parts["database"][:-9000]


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], type[ReinError]]] = {
    "words of somebody else": (_swap, IdentityError),
    "words missing": (lambda parts: parts["words"].popitem(), IdentityError),
    "words too many": (lambda parts: parts["words"].update({"keys/x.json": WORDS["Bob"]}), IdentityError),
    "a key file elsewhere": (
        lambda parts: (
            _sql("UPDATE identity SET key_file = '../out.json' WHERE id = 1")(parts),
            parts["words"].update({"../out.json": parts["words"].pop(next(iter(parts["words"])))}),
        ),
        IdentityError,
    ),
    "a delegate of other words": (
        _sql("UPDATE identity SET delegate_address = 'mufMaBkJ4PcPvPbGKEgQLR9Unee7EwUKyr' WHERE id = 1"),
        IdentityError,
    ),
    "no database": (lambda parts: parts.update(database=b"nothing"), StoreError),
    "a database cut short": (_cut, StoreError),
    "a newer database": (_sql("PRAGMA user_version = 999"), StoreError),
    "no table": (_sql("DROP TABLE payment"), StoreError),
    "a forged document": (
        _sql("UPDATE document SET armored = replace(armored, 'Price', 'Prize') || 'x'"),
        DocumentError,
    ),
    "a document under another id": (_sql("UPDATE document SET id = substr(id, 2) || 'f' WHERE own = 1"), StoreError),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_not_fit_together_is_refused_before_anything_is_written(
    name: str, home: Path, tmp_path: Path
) -> None:
    change, error = HOSTILE[name]
    good = read_backup(backed_up(home), OTHER)
    parts = {"words": dict(good.words), "settings": good.settings, "database": good.database}
    change(parts)
    path = tmp_path / "hostile.backup"
    write_backup(path, Backup(**parts), OTHER, cost=CHEAP)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error):
        restore_home(path, tmp_path / "again", OTHER)
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_something_else(home: Path, tmp_path: Path) -> None:
    for content in (b"", b"{}", b"[1]\n", b"[" * 5000, json.dumps({"rein_backup": 2}).encode() + b"\nx"):
        path = tmp_path / "x"
        path.write_bytes(content)
        with pytest.raises(IdentityError):
            read_backup(path, OTHER)
    key_file = home / rows(home)[0].key_file
    with pytest.raises(IdentityError):
        read_backup(key_file, PASSPHRASE)
    with pytest.raises(IdentityError, match="no file"):
        read_backup(tmp_path / "none", OTHER)


def test_a_home_too_large_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "MAX_BYTES", 10)
    with pytest.raises(IdentityError, match="more than a backup takes"):
        write_backup(tmp_path / "b", Backup({}, None, b"x" * 11), OTHER)
