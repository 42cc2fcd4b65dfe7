"""Files and descriptors somebody hands us: bounded."""

from __future__ import annotations

import os
import sys

from rein.errors import InputError, KeyMaterialError

STDIN = "-"


def read_given(given: str, limit: int) -> bytes:
    """What an argument stands for: the file of that name, standard input for "-", or else the argument itself.

    :param limit: bytes, at most.
    :raises InputError: the file cannot be read, or holds more.
    """
    try:
        if given == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        elif _is_file(given):
            with open(given, "rb") as file:
                data = file.read(limit + 1)
        else:
            data = given.encode()
    except (OSError, UnicodeEncodeError) as error:
        raise InputError(f"{given[:80]!r} cannot be read: {error}") from error
    if len(data) > limit:
        raise InputError(f"{given[:80]!r} holds more than {limit:,} bytes, so it is not what is wanted here")
    return data


def _is_file(given: str) -> bool:
    try:
        return os.path.exists(given)
    except ValueError:  # a zero byte
        return False


def read_secret_line(descriptor: int, what: str) -> str:
    """The first line of a file descriptor.

    :raises KeyMaterialError: nothing can be read from it.
    """
    try:
        with os.fdopen(descriptor, encoding="utf-8", closefd=True) as file:
            return file.readline(4096).strip()
    except (OSError, ValueError) as error:
        raise KeyMaterialError(f"{what} cannot be read from descriptor {descriptor}: {error}") from error
