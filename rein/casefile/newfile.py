"""Files for people: whole or not there at all, and never over another one."""

from __future__ import annotations

import os
from pathlib import Path

from rein.errors import InputError


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet. It gets its name when all of it is on the disk.

    :raises InputError: it does exist, or cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _give_name(partial, path)
    except FileExistsError:
        raise InputError(f"the file {path} exists already", hint="Give another name, or move it away.") from None
    except OSError as error:
        raise InputError(f"the file {path} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _give_name(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)  # unlike a rename, this refuses a name that is taken
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists() or path.is_symlink():
            raise FileExistsError(path) from None
        partial.rename(path)
