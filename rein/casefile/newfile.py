"""Files for people: whole or not there at all, and never over another one."""

from __future__ import annotations

from pathlib import Path

from rein.errors import InputError
from rein.files import write_whole


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet. It gets its name when all of it is on the disk.

    :raises InputError: it does exist, or cannot be written.
    """
    try:
        write_whole(path, data, private=False)
    except FileExistsError:
        raise InputError(f"the file {path} exists already", hint="Give another name, or move it away.") from None
    except OSError as error:
        raise InputError(f"the file {path} cannot be written: {error.strerror}") from None
