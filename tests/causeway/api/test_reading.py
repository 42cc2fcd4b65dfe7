"""Bodies that arrive slowly, or never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, cast

import pytest
from werkzeug.exceptions import RequestEntityTooLarge

from causeway.api.reading import BodyReader
from causeway.errors import BusyError, SlowBodyError


class Dripping:
    """A stream whose end is held back until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    @property
    def stream(self) -> IO[bytes]:
        return cast("IO[bytes]", self)

    def read(self, size: int = -1) -> bytes:
        self.begun.set()
        self.let_go.wait(10)
        return b""


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    stream = Dripping()
    yield stream
    stream.let_go.set()


def test_a_body_is_read_and_its_reader_used_again() -> None:
    reader = BodyReader(2, readers=1)
    assert [reader.read(BytesIO(b"x" * size)) for size in (0, 1, 100_000)] == [b"", b"x", b"x" * 100_000]


def test_what_reading_raises_is_raised_here() -> None:
    class TooLarge(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise RequestEntityTooLarge

    with pytest.raises(RequestEntityTooLarge):
        BodyReader(1).read(TooLarge())


def test_a_body_that_does_not_come_is_given_up(dripping: Dripping) -> None:
    with pytest.raises(SlowBodyError, match=r"within 0\.05 seconds"):
        BodyReader(1, timeout_s=0.05).read(dripping.stream)


def test_others_are_read_while_one_is_waited_for(dripping: Dripping) -> None:
    reader = BodyReader(2)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(reader.read, dripping.stream)
        dripping.begun.wait(5)
        assert reader.read(BytesIO(b"quick")) == b"quick"
        dripping.let_go.set()
        slow.exception(5)


def test_no_more_threads_wait_than_may(dripping: Dripping) -> None:
    reader = BodyReader(1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(reader.read, dripping.stream)
        dripping.begun.wait(5)
        with pytest.raises(BusyError):
            reader.read(BytesIO(b"quick"))
        dripping.let_go.set()
        slow.exception(5)
    assert reader.read(BytesIO(b"quick")) == b"quick"


def test_no_more_readers_are_started_than_may(dripping: Dripping) -> None:
    reader = BodyReader(2, readers=1, timeout_s=0.05)
    with pytest.raises(SlowBodyError):
        reader.read(dripping.stream)
    with pytest.raises(BusyError):
        reader.read(BytesIO(b"quick"))
