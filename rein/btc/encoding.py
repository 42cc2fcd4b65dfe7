"""Compact sizes: how Bitcoin writes a count or a length before what it counts."""

from __future__ import annotations


def compact_size(number: int) -> bytes:
    """The shortest (the only canonical) compact size of a number below 2**64."""
    if number < 0xFD:
        return number.to_bytes(1, "little")
    if number <= 0xFFFF:
        return b"\xfd" + number.to_bytes(2, "little")
    if number <= 0xFFFFFFFF:
        return b"\xfe" + number.to_bytes(4, "little")
    return b"\xff" + number.to_bytes(8, "little")


def with_length(data: bytes) -> bytes:
    """The bytes with their length before them."""
    return compact_size(len(data)) + data


class Reader:
    """Reads canonical Bitcoin serialisation off a byte string; ValueError at the first byte that is not.

    Internal to `rein.btc`: callers turn the ValueError into the error of what they were reading.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        return self._position == len(self._data)

    def take(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise ValueError("it ends too early")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def compact_size(self) -> int:
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
        number = int.from_bytes(self.take(width), "little")
        if len(compact_size(number)) != 1 + width:
            raise ValueError("a length is written longer than needed")
        return number

    def string(self) -> bytes:
        """A length and that many bytes."""
        return self.take(self.compact_size())
