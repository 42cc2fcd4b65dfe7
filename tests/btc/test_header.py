"""Block headers: real ones of mainnet, and chains mined here at the difficulty of regtest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.hashes import sha256d
from rein.btc.header import BlockHeader, bits_of_target, check_headers, target_of_bits
from rein.btc.networks import MAINNET, REGTEST, TESTNET4, Network, Retarget
from rein.errors import InputError

GENESIS = (
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)
FIRST = (
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
    "982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)
SECOND = (
    "010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000"
    "d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee42c316022c90f9bb0bc6649ffff001d08d2bd61"
)
BLOCK_100000 = (
    "0100000050120119172a610421a6c3011dd330d9df07b63616c2cc1f1cd0020000000000"
    "6657a9252aacd5c0b2940996ecff952228c3067cc38d4885efb5a4ac4247e9f337221b4d4c86041b0f2b5710"
)
FREE = replace(REGTEST, retarget=Retarget.EVERY_2016)
"""A network whose blocks cost nothing, and whose difficulty moves as mainnet's does."""


def mine(previous: str, bits: int = REGTEST.pow_limit_bits, root: bytes = bytes(32)) -> BlockHeader:
    """A header that follows that block."""
    for nonce in range(2**20):
        raw = b"".join(
            (
                bytes(4),
                bytes.fromhex(previous)[::-1],
                root,
                bytes(4),
                bits.to_bytes(4, "little"),
                nonce.to_bytes(4, "little"),
            )
        )
        if int.from_bytes(sha256d(raw), "little") <= target_of_bits(bits):
            return BlockHeader(raw)
    raise AssertionError("that would take too long")


def chain(count: int, bits: Callable[[int], int] = lambda _: REGTEST.pow_limit_bits) -> list[BlockHeader]:
    """So many headers, each after the one before it."""
    found: list[BlockHeader] = []
    for number in range(count):
        found.append(mine(found[-1].hash if found else "00" * 32, bits(number)))
    return found


def test_a_real_block() -> None:
    header = BlockHeader.from_hex(BLOCK_100000)
    assert header.hash == "000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506"
    assert header.previous == "000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250"
    assert header.merkle_root[::-1].hex() == "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
    assert (header.time, header.bits) == (1293623863, 0x1B04864C)
    assert header.work == 2**256 // (0x04864C * 2**192 + 1)


def test_the_first_blocks_are_a_chain() -> None:
    headers = [BlockHeader.from_hex(each) for each in (GENESIS, FIRST, SECOND)]
    assert check_headers(MAINNET, headers, 0) == 3 * 0x100010001, "as Core counts: chainwork 0x300030003"
    assert check_headers(MAINNET, [], 0) == 0


@pytest.mark.parametrize("text", ["", GENESIS[:-2], GENESIS + "00", BLOCK_100000.upper(), "zz" * 80, GENESIS[:-1]])
def test_what_is_no_header(text: str) -> None:
    with pytest.raises(InputError):
        BlockHeader.from_hex(text)


@given(at=st.integers(0, 79), change=st.integers(1, 255))
def test_a_changed_header_has_no_work(at: int, change: int) -> None:
    raw = bytearray.fromhex(BLOCK_100000)
    raw[at] ^= change
    if 72 <= at < 76:
        return  # another target: see below
    with pytest.raises(InputError, match="work"):
        BlockHeader(bytes(raw))


@pytest.mark.parametrize("bits", [0, 0x01003456, 0x1D80FFFF, 0x04923456, 0xFF123456, 0x23000001])
def test_targets_that_are_none(bits: int) -> None:
    """Core's arith_uint256_tests: zero, negative, overflow."""
    with pytest.raises(InputError):
        target_of_bits(bits)


@pytest.mark.parametrize(
    ("bits", "target"),
    [(0x01123456, 0x12), (0x02123456, 0x1234), (0x03123456, 0x123456), (0x04123456, 0x12345600)],
)
def test_compact_targets(bits: int, target: int) -> None:
    assert target_of_bits(bits) == target


@given(st.integers(1, 2**256 - 1))
def test_a_target_is_rounded_down_to_three_bytes(target: int) -> None:
    again = target_of_bits(bits_of_target(target))
    assert again <= target < again * (1 + 2**-14) + 1 or target - again < target >> 14
    assert bits_of_target(again) == bits_of_target(target)


def test_a_gap_is_found() -> None:
    headers = chain(5)
    check_headers(REGTEST, headers, 100)
    with pytest.raises(InputError, match="height 102 does not follow"):
        check_headers(REGTEST, headers[:2] + headers[3:], 100)
    with pytest.raises(InputError, match="does not follow"):
        check_headers(REGTEST, headers[::-1], 100)


def test_the_first_block_is_the_networks() -> None:
    with pytest.raises(InputError, match="first block is not that of regtest"):
        check_headers(REGTEST, chain(1), 0)


def test_a_cheap_block_is_none_of_mainnet() -> None:
    """The work is there, and is that of a child's toy."""
    for network in (MAINNET, TESTNET4):
        with pytest.raises(InputError, match="easier than"):
            check_headers(network, chain(1), 500)


def test_regtest_has_one_difficulty() -> None:
    with pytest.raises(InputError, match="does not have"):
        check_headers(REGTEST, [mine("00" * 32, 0x203FFFFF)], 5)


@pytest.mark.parametrize(
    ("before", "after", "height", "is_allowed"),
    [
        (0x203FFFFF, 0x203FFFFF, 2015, True),
        (0x203FFFFF, 0x207FFFFF, 2015, False),
        (0x203FFFFF, 0x203FFFFF, 2016, True),
        (0x201FFFFF, 0x207FFFFC, 2016, True),  # four times easier
        (0x200FFFFF, 0x207FFFFF, 2016, False),
        (0x207FFFFF, 0x201FFFFF, 2016, True),  # four times harder
        (0x207FFFFF, 0x201FFFFE, 2016, False),
        (0x207FFFFF, 0x201FFFFF, 2017, False),
        (0x203FFFFF, 0x207FFFFF, 4032, True),
    ],
)
def test_when_the_difficulty_may_change(before: int, after: int, height: int, is_allowed: bool) -> None:
    headers = chain(2, lambda number: after if number else before)
    if is_allowed:
        check_headers(FREE, headers, height - 1)
        return
    with pytest.raises(InputError, match=f"{height} changes the difficulty"):
        check_headers(FREE, headers, height - 1)


@pytest.mark.parametrize("network", [replace(FREE, retarget=Retarget.MAY_DROP)])
def test_testnets_may_drop_it_any_time(network: Network) -> None:
    check_headers(network, chain(3, lambda number: (0x201FFFFF, 0x207FFFFF, 0x201FFFFF)[number]), 7)
