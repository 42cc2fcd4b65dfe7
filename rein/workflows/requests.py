"""Doing a thing once, however often a script asks for it: a request with a key is answered with what was done.

That a document was stored for a request is written in the transaction that stores the document, so that no moment of
being killed makes two. A request that stores none is done when it has its result; killed before that, it runs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rein.errors import InputError, StoreError
from rein.store.tables.requests import Done, Request
from rein.workflows.orders.outbox import DocumentResult
from rein.workflows.session import Session

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MAX_KEY = 200
"""Characters of a key."""

_LOCK_FILE = "requests.lock"
_LOCK_BYTES = 7
"""Of a digest, as the place in the file that is locked: each key has one of its own."""


def request(key: str, command: str, arguments: Mapping[str, Any]) -> Request:
    """A run of a command.

    :raises InputError: the key is empty, too long, or cannot be shown.
    """
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InputError(f"--request-id takes 1 to {MAX_KEY} printable characters")
    told = json.dumps(arguments, sort_keys=True, default=str)
    return Request(key, command, hashlib.sha256(told.encode()).hexdigest())


def do_once(session: Session, wanted: Request, run: Callable[[], None]) -> dict[str, Any] | None:
    """Run a request, unless it was done: then what it printed. Another process that runs the same request is waited
    for. `run` gives what it prints to `finish`.

    :raises InputError: the key was given to another command, or with other arguments.
    """
    identity = session.identity.id
    with _alone(session.home / _LOCK_FILE, f"{identity} {wanted.key}"):
        done = session.store.requests.find(identity, wanted.key)
        if done is not None:
            _check(done.request, wanted)
            result = done.result or _from_document(session, done)
            if result is not None:
                return result
        with session.store.requests.recording(identity, wanted):
            run()
    return None


def finish(session: Session, wanted: Request, result: Mapping[str, Any]) -> None:
    """Remember what a request prints."""
    session.store.requests.finish(session.identity.id, wanted, result)


def _check(done: Request, wanted: Request) -> None:
    if done == wanted:
        return
    what = f"for `{done.command}`" if done.command != wanted.command else "with other options"
    raise InputError(f"the request id {wanted.key!r} was used before, {what}", hint="Give every request its own key.")


def _from_document(session: Session, done: Done) -> dict[str, Any] | None:
    """What is known of a request that was ended between storing its document and printing it."""
    signed = None if done.document_id is None else session.store.documents.get(done.document_id)
    return None if signed is None else DocumentResult(signed, stored=True).json()


@contextmanager
def _alone(path: Path, name: str) -> Iterator[None]:
    """Wait until no other process holds the lock of that name. It ends with the process that holds it."""
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:_LOCK_BYTES])
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        _lock(descriptor, place, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, place: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, place, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, place)
    except OSError as error:
        raise StoreError(f"{path} cannot be locked: {error.strerror}") from error
