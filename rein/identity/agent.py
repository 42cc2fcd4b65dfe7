"""The process that holds the content of an unlocked key file, in memory only, until its time is over.

It listens on a Unix socket that only its owner can reach (a file of 0600 in a directory of 0700), and answers nobody
whose user id, as the kernel tells it, is not its own. One line is asked, `words` or `lock`, one line is answered. It
writes nothing to any disk, leaves no core dump and cannot be traced by the owner's other programs.

`python -m rein.identity.agent SOCKET SECONDS` with the content as one line on standard input; it prints `ready` once it
listens. `rein.identity.unlocked` starts it and asks it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

ASK, LOCK = "words", "lock"
MAX_LINE = 8_192
"""Bytes: words, or the keys of an identity that has none and had many delegates."""
TALK_SECONDS = 2
"""How long one conversation may take."""

_CREDENTIALS = struct.Struct("3i")
_PR_SET_DUMPABLE = 4
_LOOK_SECONDS = 1.0


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process at the other end."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(data)[1]
    return uid


def read_line(connection: socket.socket) -> str:
    """One short line; or what came instead of one."""
    data = b""
    while not data.endswith(b"\n") and len(data) < MAX_LINE:
        part = connection.recv(MAX_LINE)
        if not part:
            break
        data += part
    return data.decode("ascii", "replace").rstrip("\n")


def listen(path: Path) -> socket.socket:
    """The socket, made so that at no moment anybody else can connect."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(8)
    return listening


def serve(listening: socket.socket, words: str, seconds: float) -> None:
    """Answer until the time is over or somebody says `lock`. Time goes on while the machine sleeps."""
    end = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
    while (left := end - time.clock_gettime(time.CLOCK_BOOTTIME)) > 0:
        listening.settimeout(min(left, _LOOK_SECONDS))
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        with connection, contextlib.suppress(OSError):
            connection.settimeout(TALK_SECONDS)
            if peer_uid(connection) != os.getuid():
                continue
            asked = read_line(connection)
            if asked == LOCK:
                return
            if asked == ASK:
                connection.sendall(f"{words}\n".encode())


def _harden() -> None:
    """No core dumps, no tracing."""
    import ctypes  # noqa: PLC0415 - only the agent needs it, and not every system has both
    import resource  # noqa: PLC0415 - as above

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def main() -> None:
    path, seconds = Path(sys.argv[1]), float(sys.argv[2])
    _harden()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    words = sys.stdin.readline(MAX_LINE).rstrip("\n")
    with listen(path) as listening:
        mine = path.stat().st_ino
        try:
            sys.stdout.write("ready\n")
            sys.stdout.close()
            serve(listening, words, seconds)
        finally:
            with contextlib.suppress(OSError):
                if path.stat().st_ino == mine:  # another agent may have taken its place
                    path.unlink()


if __name__ == "__main__":
    main()
