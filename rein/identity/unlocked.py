"""Identities that are unlocked for a while: starting the agent that holds their keys, asking it, ending it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rein.errors import IdentityError
from rein.identity.agent import ASK, LOCK, TALK_SECONDS, peer_uid, read_line
from rein.identity.environment import without_secrets

MAX_SECONDS = 24 * 3600
_START_SECONDS = 20
_MAX_PATH = 100
"""Bytes. A Unix socket's path is shorter than 108."""


def unlock(home: Path, key_file: str, words: str, seconds: int) -> None:
    """Hold the content of a key file for some seconds, by a process that outlives this one.

    :raises IdentityError: this system cannot tell who asks, or the process does not start.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        raise IdentityError("this system does not tell who asks, so nothing can be kept unlocked here (only on Linux)")
    lock(home, key_file)
    path = _socket_path(home, key_file)
    if len(os.fsencode(path)) > _MAX_PATH:
        raise IdentityError("the path of the home is too long for a socket in it", hint="Use a home with a short path.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.is_symlink():
            raise IdentityError(f"{path.parent} leads elsewhere", hint="Remove it: only a folder in the home will do.")
        path.parent.chmod(0o700)
        agent = subprocess.Popen(  # -P: a package in the current directory is not ours
            [sys.executable, "-P", "-m", "rein.identity.agent", str(path), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=without_secrets(),
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            _hand_over(agent, words)
            return
        agent.kill()
        agent.wait()
    except OSError as error:
        raise IdentityError(f"the keys cannot be held unlocked: {error}") from error
    raise IdentityError("the process that holds the keys unlocked did not start")


def _hand_over(agent: subprocess.Popen[bytes], words: str) -> None:
    """Hand the secret over, and wait until the agent listens."""
    assert agent.stdin is not None and agent.stdout is not None  # noqa: S101, PT018 - as they were asked for
    with agent.stdin, agent.stdout:
        agent.stdin.write(f"{words}\n".encode())
        agent.stdin.flush()
        ready, _, _ = select.select([agent.stdout], [], [], _START_SECONDS)
        if not ready or agent.stdout.readline() != b"ready\n":
            raise subprocess.TimeoutExpired(agent.args, _START_SECONDS)
    agent.returncode = 0  # it goes on without us: nobody waits for it, and nobody should be warned


def unlocked_words(home: Path, key_file: str) -> str | None:
    """The content of a key file, if it is unlocked now."""
    answer = _say(_socket_path(home, key_file), ASK)
    return answer or None


def lock(home: Path, key_file: str) -> bool:
    """Forget the content of a key file; whether it was unlocked."""
    return _say(_socket_path(home, key_file), LOCK) is not None


def _say(path: Path, line: str) -> str | None:
    """What the agent answers; None where there is none of ours."""
    if not hasattr(socket, "SO_PEERCRED") or not _is_ours(path):
        return None
    with contextlib.suppress(OSError), _connected(path) as connection:
        if peer_uid(connection) == os.getuid():
            connection.sendall(f"{line}\n".encode())
            return read_line(connection)
    return None


def _is_ours(path: Path) -> bool:
    """Whether nobody else could have put a socket there."""
    try:
        folder = path.parent.lstat()
        return stat.S_ISDIR(folder.st_mode) and folder.st_uid == os.getuid() and folder.st_mode & 0o077 == 0
    except OSError:
        return False


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TALK_SECONDS)
        connection.connect(str(path))
        yield connection


def _socket_path(home: Path, key_file: str) -> Path:
    """One agent for each key file; its name is short, because sockets' paths are."""
    return home.absolute() / "agent" / hashlib.sha256(key_file.encode()).hexdigest()[:12]
