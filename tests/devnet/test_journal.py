"""What survives: every record answered for, through any end of the process; and which files are refused."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rein.btc.networks import MAINNET, REGTEST
from rein.devnet.journal import DataLock, Journal, Kind, Record
from rein.devnet.node import JOURNAL_NAME, KERNEL_DIRECTORY, Node
from rein.errors import InputError, StoreError
from tests.devnet.spending import MINER_SCRIPT, block_on, coins_of, output_of, pays, spend


def state(node: Node) -> tuple[object, ...]:
    """Everything a caller can see."""
    waiting = [entry.tx.raw for entry in node.mempool]
    return list(node.chain.active), dict(node.chain.coins), waiting, list(node.chain.blocks)


def populate(node: Node) -> None:
    """Blocks, a stale branch, an invalidated block, a replaced and two waiting transactions."""
    node.mine(105, MINER_SCRIPT)
    first, second, third = coins_of(node, MINER_SCRIPT)[:3]
    confirmed = spend([first], pays((1, MINER_SCRIPT)))
    node.accept(confirmed)
    fork = node.chain.tip.hash
    node.mine(2, MINER_SCRIPT)
    node.submit_block(block_on(node, fork, extranonce=9))
    lost = spend([third], pays((3, MINER_SCRIPT)))
    node.accept(lost)
    node.invalidate(node.mine(1, MINER_SCRIPT)[0])
    replaced = spend([second], pays((2, MINER_SCRIPT)))
    node.accept(replaced)
    node.accept(spend([second], pays((2, MINER_SCRIPT)), fee=9000))
    node.accept(spend([output_of(lost)], pays((1, MINER_SCRIPT))))


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        populate(node)
        before = state(node)
        assert len(node.mempool) == 3
    with Node(tmp_path) as again:
        assert state(again) == before
        again.mine(1, MINER_SCRIPT)
        assert len(again.mempool) == 0


def test_the_kernels_scratch_is_no_state(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        populate(node)
        before = state(node)
    assert not (tmp_path / KERNEL_DIRECTORY).exists()
    (tmp_path / KERNEL_DIRECTORY / "blocks").mkdir(parents=True)
    (tmp_path / KERNEL_DIRECTORY / "blocks" / "blk00000.dat").write_bytes(b"left by a killed process")
    with Node(tmp_path) as again:
        assert state(again) == before


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_torn_last_line_is_dropped_with_a_warning(tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    with Node(tmp_path) as node:
        node.mine(3, MINER_SCRIPT)
        kept = node.chain.active[:3]
    journal = tmp_path / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:-cut])
    with caplog.at_level(logging.WARNING), Node(tmp_path) as again:
        assert again.chain.active == kept
        again.mine(1, MINER_SCRIPT)
    assert "never finished" in caplog.text
    with Node(tmp_path) as once_more:
        assert once_more.chain.height == 3


def test_a_file_torn_in_its_first_line_is_empty(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b"block 0100")
    with Node(tmp_path) as node:
        assert node.chain.height == 0


def _without_last(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[3:]]


@pytest.mark.parametrize(
    ("harm", "line", "why"),
    [
        (lambda lines: [*lines[:2], b"nonsense\n", *lines[2:]], 3, "it is not a record"),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], 3, "it is not a record"),
        (lambda lines: [*lines[:2], lines[2].upper(), *lines[3:]], 3, "it is not a record"),
        (lambda lines: [*lines[:2], b"block 00\n", *lines[2:]], 3, "it is not a record"),
        (lambda lines: [*lines[:2], b"\xff\xfe\n", *lines[2:]], 3, "it is not a record"),
        (lambda lines: [*lines[:2], b"tx " + b"00" * 40 + b"\n", *lines[2:]], 3, "it is not a transaction"),
        (lambda lines: [*lines[:2], lines[2][:-21] + b"\n", *lines[3:]], 3, "it is not a block"),
        (lambda lines: [*lines, b"invalidate " + b"11" * 32 + b"\n"], 6, "no block before it has that hash"),
        (_without_last, 3, "the block before it is missing"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "the block came before"),
        (lambda lines: [*lines[:4], lines[4][:-20] + b"1" * 19 + b"\n"], 5, "bad-txnmrklroot"),
    ],
)
def test_other_damage_is_an_error_that_names_the_line(
    tmp_path: Path, harm: Callable[[list[bytes]], list[bytes]], line: int, why: str
) -> None:
    with Node(tmp_path) as node:
        node.mine(4, MINER_SCRIPT)
    journal = tmp_path / JOURNAL_NAME
    journal.write_bytes(b"".join(harm(journal.read_bytes().splitlines(keepends=True))))
    damaged = journal.read_bytes()
    with pytest.raises(InputError, match=rf"is damaged in line {line}: {why}"):
        Node(tmp_path)
    assert journal.read_bytes() == damaged


def test_a_flipped_bit_in_a_block_is_found(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        node.mine(2, MINER_SCRIPT)
    journal = tmp_path / JOURNAL_NAME
    whole = journal.read_bytes()
    start = whole.index(b"\n") + 1 + len("block ")
    for place in (start + 40, start + 140, start + 155, start + 400):
        changed = bytearray(whole)
        changed[place] = ord("0") if changed[place] != ord("0") else ord("1")
        journal.write_bytes(bytes(changed))
        with pytest.raises(InputError, match=r"is damaged in line [23]"):
            Node(tmp_path)


@pytest.mark.parametrize("first", [b"invalidate " + b"11" * 32, b"block " + b"01" * 285])
def test_another_chains_journal_is_refused(tmp_path: Path, first: bytes) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(first + b"\n")
    with pytest.raises(InputError, match="not a regtest chain"):
        Node(tmp_path)


def test_the_genesis_expected_is_the_networks(tmp_path: Path) -> None:
    Node(tmp_path).close()
    with pytest.raises(InputError, match="another genesis block"):
        Journal(tmp_path / JOURNAL_NAME, MAINNET.genesis_hash)


def test_one_directory_serves_one_node(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        node.mine(1, MINER_SCRIPT)
        with pytest.raises(InputError, match="in use by another node"):
            Node(tmp_path)
        assert node.mine(1, MINER_SCRIPT)
    with Node(tmp_path) as again:
        assert again.chain.height == 2


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Node(tmp_path / "file")
    (tmp_path / JOURNAL_NAME).mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        Node(tmp_path)
    with DataLock(tmp_path):
        pass  # the failed attempt let go of the directory


def test_once_the_disk_fails_nothing_more_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Node(tmp_path) as node:
        node.mine(101, MINER_SCRIPT)
        tx = spend(coins_of(node, MINER_SCRIPT)[:1], pays((1, MINER_SCRIPT)))
        with monkeypatch.context() as patch:
            patch.setattr("rein.devnet.journal.os.fsync", full)
            with pytest.raises(StoreError, match="No space left"):
                node.accept(tx)
        assert tx.txid not in node.mempool
        with pytest.raises(StoreError, match="could not be written"):
            node.mine(1, MINER_SCRIPT)
        with pytest.raises(StoreError):
            node.check_usable()
    with Node(tmp_path) as again:
        assert again.chain.height == 101


def test_records_are_written_in_one_form() -> None:
    record = Record(Kind.RECONSIDER, bytes(range(32)))
    assert Record.parse(record.line()[:-1]) == record
    for bad in (b"block", b"block zz", b"BLOCK " + b"00" * 90, b"tx  " + b"00" * 40, b"tx " + b"00" * 31, b""):
        with pytest.raises(ValueError, match=r".*"):
            Record.parse(bad)


def test_a_journal_remembers_in_order(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        genesis = node.chain.at(0).raw
    records = [Record(Kind.BLOCK, genesis), Record(Kind.TX, b"\x01" * 70), Record(Kind.INVALIDATE, b"\x02" * 32)]
    journal = Journal(tmp_path / "j", REGTEST.genesis_hash)
    assert journal.empty
    journal.append(records[:1])
    journal.append(records[1:])
    assert list(journal.records()) == records
    journal.close()
