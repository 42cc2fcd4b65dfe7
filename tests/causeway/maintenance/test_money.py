"""Copying a server that has taken money: to the byte into an empty one, and never twice into another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from causeway.db.leadership import Duty, Leadership
from causeway.db.migrate import upgrade
from causeway.errors import FileError
from causeway.maintenance.export import export_to
from causeway.maintenance.lines import MONEY, row_tables
from rein.chain.core_rpc import CoreRpc
from tests.causeway.conftest import Server
from tests.causeway.maintenance.test_data import restore, run, url_of
from tests.causeway.paid_server import KEY, PRICE, PaidServer, private_chain
from tests.support.people import person

BOB, MALLORY = person("Bob"), person("Mallory")
BALANCES = "SELECT account, owner, sum(amount_sat) FROM ledger GROUP BY account, owner ORDER BY account, owner"
NAMES = [table.name for table in MONEY]


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], CoreRpc]]:
    with private_chain(tmp_path_factory.mktemp("chain")) as connect:
        yield connect


@pytest.fixture
def paid(server: Server, connect: Callable[[], CoreRpc]) -> Server:
    """A server on which people have paid in full, too much, too little and not at all, and bought from a balance."""
    with connect() as chain:
        shop = PaidServer(server, chain)
        shop.watcher.update()
        server.rows("INSERT INTO owner (address) VALUES (:o)", o=MALLORY.master_address)
        # Other addresses than the test before: the chain remembers what was paid.
        start = 1_000 + 10 * chain.tip().height
        server.rows(
            'INSERT INTO deposit (wallet, "index", address, script, owner) VALUES (:w, :start, :a, :s, :o)',
            w=KEY.id,
            start=start,
            a=f"bcrt1-nobody-{start}",
            s=start.to_bytes(8, "big"),
            o=MALLORY.master_address,
        )
        shop.pay(shop.order(BOB), 3 * PRICE + 77)
        assert shop.buy(BOB).status == 200
        shop.pay(shop.order(MALLORY), PRICE - 1)
        shop.order(MALLORY)
        assert shop.caller.put(BOB, "key", "value").status == 201
        shop.check()
    return server


@pytest.fixture
def other(empty_database: URL) -> URL:
    upgrade(empty_database)
    return empty_database


@pytest.fixture
def exported(paid: Server, tmp_path: Path) -> Path:
    export_to(url_of(paid), tmp_path / "export")
    return tmp_path / "export"


def counts(url: URL) -> dict[str, object]:
    return {name: run(url, f"SELECT count(*) FROM {name}")[0][0] for name in NAMES}


def sums_to_zero(url: URL) -> bool:
    return run(url, "SELECT 1 FROM ledger GROUP BY transaction_id HAVING sum(amount_sat) <> 0") == []


def test_money_is_restored_to_the_byte(paid: Server, exported: Path, other: URL, tmp_path: Path) -> None:
    before = counts(url_of(paid))
    assert all(before.values()), before
    restored = restore(other, exported)
    assert restored.refused == []
    export_to(other, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == exported.read_bytes()
    assert counts(other) == before
    assert run(other, BALANCES) == paid.rows(BALANCES)
    assert sums_to_zero(other)
    # New lines, orders and addresses get numbers that no restored one has.
    for name in ("deposit", "purchase", "ledger"):
        (number,) = run(other, f"SELECT nextval(pg_get_serial_sequence('{name}', 'id')), max(id) FROM {name}")
        assert int(str(number[0])) > int(str(number[1]))
    (number,) = run(other, "SELECT nextval('ledger_transaction_seq'), max(transaction_id) FROM ledger")
    assert int(str(number[0])) > int(str(number[1]))


def test_money_is_never_doubled(paid: Server, exported: Path, other: URL) -> None:
    restore(other, exported)
    for _ in range(2):
        again = restore(other, exported)
        assert again.refused == []
        assert not [what for what in again.counts if what.endswith("added")]
    assert run(other, BALANCES) == paid.rows(BALANCES)
    restore(url_of(paid), exported)
    assert run(other, BALANCES) == paid.rows(BALANCES)


@pytest.mark.parametrize("held", ["deposit", "purchase", "ledger"])
def test_a_server_that_took_some_money_keeps_its_own_and_takes_no_other(exported: Path, other: URL, held: str) -> None:
    """An address that was given out is enough: a receipt of the file would be for another address of that number."""
    run(other, "INSERT INTO owner (address) VALUES ('1Other')")
    if held == "ledger":
        line = "INSERT INTO ledger (transaction_id, account, owner, amount_sat, memo) VALUES "
        run(other, line + "(1, 'owner', '1Other', 5, ''), (1, 'deposits', NULL, -5, '')")
    else:
        run(
            other,
            """INSERT INTO deposit (wallet, "index", address, script, owner) VALUES ('w', 1, 'a', '\\x00', '1Other')""",
        )
    if held == "purchase":
        run(other, "INSERT INTO purchase (owner, deposit_id, price_sat) SELECT owner, id, 5 FROM deposit")
    run(other, f"INSERT INTO watched_block (height, hash) VALUES (5, '{'ab' * 32}')")
    before = counts(other), run(other, BALANCES), run(other, "SELECT hash FROM watched_block")
    restored = restore(other, exported)
    assert restored.refused == []
    assert (counts(other), run(other, BALANCES), run(other, "SELECT hash FROM watched_block")) == before
    assert restored.counts["ledger kept as it is"] > 0
    assert run(other, "SELECT value FROM kv") == [("value",)]  # the rest is added all the same


def test_a_bucket_with_another_number_is_still_the_one_that_was_bought(
    paid: Server, exported: Path, other: URL
) -> None:
    run(other, "INSERT INTO owner (address) VALUES ('1Other')")
    for (number,) in paid.rows("SELECT id FROM bucket"):
        run(
            other,
            f"""INSERT INTO bucket (id, owner, expires, bytes_total, transfer_total)
            OVERRIDING SYSTEM VALUE VALUES ({number}, '1Other', now(), 100, 100)""",
        )
    run(other, "SELECT setval(pg_get_serial_sequence('bucket', 'id'), max(id)) FROM bucket")
    assert restore(other, exported).refused == []
    sold = "SELECT purchase.owner, price_sat FROM purchase JOIN bucket ON bucket.id = bucket_id ORDER BY purchase.id"
    assert run(other, sold) == paid.rows(sold)
    assert run(other, "SELECT 1 FROM purchase JOIN bucket b ON b.id = bucket_id WHERE b.owner <> purchase.owner") == []
    assert run(other, BALANCES) == paid.rows(BALANCES)


def test_nobody_watches_while_payments_are_restored(exported: Path, other: URL) -> None:
    watcher = Leadership(other, Duty.WATCH)
    assert watcher.held()
    try:
        with pytest.raises(FileError, match="a watcher of this database is running"):
            restore(other, exported)
        assert not any(counts(other).values())
    finally:
        watcher.release()
    # Where the watcher stood before it knew the addresses is forgotten.
    run(other, f"INSERT INTO watched_block (height, hash) VALUES (999999, '{'ab' * 32}')")
    assert restore(other, exported).refused == []
    assert run(other, "SELECT count(*) FROM watched_block WHERE height = 999999") == [(0,)]
    assert watcher.held()
    watcher.release()


def test_a_ledger_that_was_tampered_with_is_refused_whole(exported: Path, other: URL) -> None:
    lines = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    entry = next(line for line in lines if line.get("table") == "ledger")
    entry["row"]["amount_sat"] += 1
    exported.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(FileError, match="does not sum to zero"):
        restore(other, exported)
    assert not any(counts(other).values())
    assert run(other, "SELECT count(*) FROM bucket") == [(0,)]


def test_a_row_that_points_nowhere_is_named(exported: Path, other: URL) -> None:
    lines = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line.get("table") == "receipt":
            line["row"]["deposit_id"] = 10**9
    exported.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    restored = restore(other, exported)
    assert restored.counts["refused"] == len(restored.refused) == 2
    assert all("the database does not take it" in each for each in restored.refused)


def test_all_that_is_money_is_in_the_group() -> None:
    """Every table that points to one of them, or has an amount, is restored with them or not at all."""
    for table in row_tables():
        points = {key.column.table for key in table.foreign_keys} & set(MONEY)
        amounts = [column.name for column in table.c if column.name.endswith("_sat")]
        assert table in MONEY or not (points or amounts), table.name
