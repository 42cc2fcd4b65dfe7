"""Block headers: 80 bytes that cost work to make (Bitcoin Core's pow.cpp, chain.cpp and arith_uint256.cpp)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from rein.btc.hashes import sha256d
from rein.btc.networks import Network, Retarget
from rein.errors import InputError

HEADER_BYTES: Final = 80
RETARGET_BLOCKS: Final = 2016
_MAX_FACTOR: Final = 4
_SPACE: Final = 2**256


def target_of_bits(bits: int) -> int:
    """The target that a compact number stands for; InputError where Core finds it negative, zero or too large."""
    if not 0 <= bits < 2**32:
        raise InputError("a target has 32 bits")
    size, digits = bits >> 24, bits & 0x007FFFFF
    target = digits << 8 * (size - 3) if size > 3 else digits >> 8 * (3 - size)
    if bits & 0x00800000 or not 0 < target < _SPACE:
        raise InputError(f"{bits:08x} is not the target of a block")
    return target


def bits_of_target(target: int) -> int:
    """The compact number of a target, rounded down to its three bytes as Core does."""
    size = (target.bit_length() + 7) // 8
    digits = target >> 8 * (size - 3) if size > 3 else target << 8 * (3 - size)
    if digits & 0x00800000:  # that bit is the sign
        digits, size = digits >> 8, size + 1
    return size << 24 | digits


@dataclass(frozen=True)
class BlockHeader:
    """A header's exact bytes and views of them. Its hash is below its own target; whether that target is one that a
    network allows is `check_headers`' to say.

    InputError if the bytes are not 80, or the work was not done.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.raw, bytes) or len(self.raw) != HEADER_BYTES:
            raise InputError(f"a block header has {HEADER_BYTES} bytes")
        if int.from_bytes(sha256d(self.raw), "little") > self.target:
            raise InputError("the block header does not have the work it claims")

    @classmethod
    def from_hex(cls, text: str) -> BlockHeader:
        """Read lower-case hexadecimal digits; InputError otherwise."""
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raise InputError("that is not a block header in hexadecimal digits") from None
        if raw.hex() != text:
            raise InputError("that is not a block header in hexadecimal digits")
        return cls(raw)

    @cached_property
    def hash(self) -> str:
        """As people write it."""
        return sha256d(self.raw)[::-1].hex()

    @property
    def previous(self) -> str:
        """The hash of the block before it, as people write it."""
        return self.raw[4:36][::-1].hex()

    @property
    def merkle_root(self) -> bytes:
        """In internal byte order, as hashes are hashed."""
        return self.raw[36:68]

    @property
    def time(self) -> int:
        """Seconds since 1970, by the miner's clock."""
        return int.from_bytes(self.raw[68:72], "little")

    @property
    def bits(self) -> int:
        return int.from_bytes(self.raw[72:76], "little")

    @cached_property
    def target(self) -> int:
        return target_of_bits(self.bits)

    @property
    def work(self) -> int:
        """How many hashes such a block costs on average (Core's GetBlockProof)."""
        return _SPACE // (self.target + 1)


def check_headers(network: Network, headers: Sequence[BlockHeader], first_height: int) -> int:
    """That the headers are a chain such as the network's, from that height on; the work in it, in hashes.

    Each names the one before it, has a target within the network's limit, and changes it only where the network does:
    every 2016 blocks and by a factor of four at most. What the factor must be exactly takes 2016 headers to know, and
    is not checked.

    :raises InputError: naming the height at which it breaks.
    """
    limit = target_of_bits(network.pow_limit_bits)
    for height, header in enumerate(headers, first_height):
        if header.target > limit:
            raise InputError(f"the block at height {height} has a target easier than {network.name} allows")
        if network.retarget is Retarget.NEVER and header.bits != network.pow_limit_bits:
            raise InputError(f"the block at height {height} has a difficulty that {network.name} does not have")
    for height, (before, header) in enumerate(pairwise(headers), first_height + 1):
        if header.previous != before.hash:
            raise InputError(f"the block at height {height} does not follow the one before it")
        if network.retarget is Retarget.EVERY_2016 and not _may_follow(before, header, height, limit):
            raise InputError(f"the block at height {height} changes the difficulty as no block may")
    if first_height == 0 and headers and headers[0].hash != network.genesis_hash:
        raise InputError(f"the first block is not that of {network.name}")
    return sum(header.work for header in headers)


def _may_follow(before: BlockHeader, header: BlockHeader, height: int, limit: int) -> bool:
    """Core's PermittedDifficultyTransition."""
    if height % RETARGET_BLOCKS:
        return header.bits == before.bits
    easiest = target_of_bits(bits_of_target(min(limit, before.target * _MAX_FACTOR)))
    hardest = target_of_bits(bits_of_target(before.target // _MAX_FACTOR or 1))
    return hardest <= header.target <= easiest
