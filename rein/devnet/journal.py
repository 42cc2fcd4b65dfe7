"""The node's only durable state: what it was given, in order, one line each, on disk before it answers.

    block <raw block, hex>       the first line is regtest's genesis block
    tx <raw transaction, hex>
    invalidate <block hash>
    reconsider <block hash>

A process killed while it writes leaves a last line without its end: that line was never answered for, and is
dropped. Anything else that is not such a line is damage, and an error that names it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from rein.btc.hashes import sha256d
from rein.errors import InputError, StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

logger = logging.getLogger(__name__)

HEADER_SIZE: Final = 80
HASH_SIZE: Final = 32


class Kind(StrEnum):
    BLOCK = "block"
    TX = "tx"
    INVALIDATE = "invalidate"
    RECONSIDER = "reconsider"


@dataclass(frozen=True)
class Record:
    """One line. `payload` is a raw block, a raw transaction, or a block hash as people write it (32 bytes)."""

    kind: Kind
    payload: bytes

    def line(self) -> bytes:
        return f"{self.kind} {self.payload.hex()}\n".encode()

    @classmethod
    def parse(cls, line: bytes) -> Record:
        """ValueError when the line is not one `line()` wrote."""
        name, _, digits = line.decode("ascii").partition(" ")
        record = cls(Kind(name), bytes.fromhex(digits))
        smallest = HEADER_SIZE + 1 if record.kind is Kind.BLOCK else HASH_SIZE
        if record.line() != line + b"\n" or len(record.payload) < smallest:
            raise ValueError("not canonical")
        return record


def block_hash(raw: bytes) -> str:
    """The hash of a raw block, as people write it."""
    return sha256d(raw[:HEADER_SIZE])[::-1].hex()


class DataLock:
    """Exclusive use of a data directory by one process; the system gives it back however the process ends."""

    def __init__(self, data: Path) -> None:
        """Make the directory if it is absent. InputError when another process, or node of this one, has it."""
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = (data / ".lock").open("a")
        except OSError as error:
            raise StoreError(f"the data directory {data} cannot be used: {error.strerror}") from error
        try:
            if sys.platform == "win32":
                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise InputError(
                f"the data directory {data} is in use by another node",
                hint="stop it first, or choose another directory",
            ) from error

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


class Journal:
    """An append-only file of records. One at a time: hold the directory's DataLock."""

    def __init__(self, path: Path, genesis_hash: str) -> None:
        """Open or create the file. InputError when it is another chain's or damaged, StoreError from the disk."""
        self.path = path
        self._failed = False
        try:
            self._file: IO[bytes] = path.open("a+b", buffering=0)
            self._drop_torn_line()
            first = next(self.records(), None)
        except OSError as error:
            raise StoreError(f"the journal {path} cannot be opened: {error.strerror}") from error
        except InputError:
            self._file.close()
            raise
        if first is not None and (first.kind is not Kind.BLOCK or block_hash(first.payload) != genesis_hash):
            self._file.close()
            raise InputError(
                f"the journal {path} begins with another genesis block: it is not a regtest chain",
                hint="this node only ever runs regtest; choose another directory",
            )
        self.empty = first is None

    def _drop_torn_line(self) -> None:
        """Cut the file after its last newline."""
        size = end = self._file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 64 * 1024)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            logger.warning("%s: dropped a last line of %d bytes that was never finished", self.path, size - end)
            self._file.truncate(end)
            os.fsync(self._file.fileno())

    def records(self) -> Iterator[Record]:
        """Every record, oldest first. InputError names the first line that is damaged."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield Record.parse(line.removesuffix(b"\n"))
                except ValueError as error:
                    raise self.damage(number) from error

    def damage(self, line: int, why: str = "it is not a record") -> InputError:
        return InputError(
            f"the journal {self.path} is damaged in line {line}: {why}",
            hint="restore the file, or choose another directory for a new chain",
        )

    def check_usable(self) -> None:
        """StoreError when a write has failed: what memory holds is not on disk, and restarting forgets it."""
        if self._failed:
            raise StoreError(
                f"the journal {self.path} could not be written",
                hint="restart the node: what it answered before is safe",
            )

    def append(self, records: Iterable[Record]) -> None:
        """Write the records and wait for the disk. StoreError, then and ever after, when it cannot."""
        self.check_usable()
        data = b"".join(record.line() for record in records)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError as error:
            # What memory holds now goes beyond the disk: nothing may be answered from here on.
            self._failed = True
            raise StoreError(f"the journal {self.path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()
