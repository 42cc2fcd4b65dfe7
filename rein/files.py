"""Files that are whole or not there at all, whoever else can write to the folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from rein.errors import InputError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, data: bytes, *, replace: bool = False, private: bool = True) -> None:
    """Write a file under a name that nobody can guess, and give it its own name once all of it is on the disk.

    :param replace: put it in the place of a file that is there; else that is left as it is.
    :param private: for its owner alone (0600), at every moment; else as the umask says, once it is whole.
    :raises FileExistsError: the name is taken, be it by a link that leads nowhere.
    :raises OSError: it cannot be written.
    """
    partial = path.with_name(f".rein-{secrets.token_hex(16)}.new")
    descriptor = os.open(partial, _NEW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if not private and os.name != "nt":
                os.fchmod(descriptor, 0o666 & ~_umask())
            file.flush()
            os.fsync(descriptor)
        if replace:
            partial.replace(path)
        else:
            _give_name(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_new(path: Path, data: bytes) -> None:
    """Write a file for people: one that does not exist yet, and gets its name when all of it is on the disk.

    :raises InputError: it does exist, or cannot be written.
    """
    try:
        write_whole(path, data, private=False)
    except FileExistsError:
        raise InputError(f"the file {path} exists already", hint="Give another name, or move it away.") from None
    except OSError as error:
        raise InputError(f"the file {path} cannot be written: {error.strerror}") from None


def _give_name(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)  # unlike a rename, this refuses a name that is taken
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists() or path.is_symlink():
            raise FileExistsError(path) from None
        partial.rename(path)


def _umask() -> int:
    mask = os.umask(0o077)  # it can only be read by setting it: to what harms nobody in between
    os.umask(mask)
    return mask


def _sync(folder: Path) -> None:
    """Make the file's name as durable as its content. Windows keeps names by itself."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
