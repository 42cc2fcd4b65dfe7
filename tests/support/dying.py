"""A `rein` that dies at one chosen moment: before it writes, before it sends, before it gives a file its name.

The moments are counted by a `sitecustomize` of its own, which Python runs before anything else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rein

_SITE = """
import os, socket, sqlite3

AT, SIGNAL = int(os.environ["REIN_DIES_AT"]), int(os.environ["REIN_DIES_BY"])
SINCE = os.environ["REIN_DIES_SINCE"].encode()  # counted from what sends this on; from the start if empty
count, counting = 0, not SINCE

def moment(name):
    global count
    if counting:
        count += 1
        with open(os.environ["REIN_MOMENTS"], "a") as file:
            file.write(name + chr(10))
        if count == AT:
            os.kill(os.getpid(), SIGNAL)

def counted(module, name):
    real = getattr(module, name)
    def call(*arguments, **named):
        moment(name)
        return real(*arguments, **named)
    setattr(module, name, call)

for name in ("fsync", "link", "rename", "replace", "unlink"):
    counted(os, name)

class Connection(sqlite3.Connection):
    writes = False

    def execute(self, statement, *arguments):
        self.writes |= statement == "BEGIN IMMEDIATE"
        if self.writes and not statement.lstrip().startswith("SELECT"):
            moment(statement.split()[0])
        return super().execute(statement, *arguments)

    def executemany(self, statement, *arguments):
        moment(statement.split()[0])
        return super().executemany(statement, *arguments)

real_connect = sqlite3.connect
sqlite3.connect = lambda *arguments, **named: real_connect(*arguments, **{"factory": Connection, **named})

real_sendall = socket.socket.sendall
def sendall(self, data, *flags):
    global counting
    if SINCE and SINCE in bytes(data):
        counting = True
        moment("send")
    return real_sendall(self, data, *flags)
socket.socket.sendall = sendall
"""

NEVER = 0
EVERY_MOMENT = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
MOST_MOMENTS = 4
"""How many moments of a command are tried, the first and the last among them, unless all are asked for."""


@dataclass
class Dying:
    """Runs commands that die. `moments`: what the last one went through until then."""

    folder: Path
    passphrase: str
    moments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sitecustomize.py").write_text(_SITE)

    def run(
        self,
        home: Path,
        words: Sequence[str],
        at: int = NEVER,
        *,
        since: str = "",
        by: signal.Signals = signal.SIGKILL,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; die at the moment of this number, from 1, counted since this is sent."""
        heard = self.folder / "moments"
        heard.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
        environment |= {
            "PYTHONPATH": f"{self.folder}{os.pathsep}{Path(rein.__file__).parents[1]}",
            "REIN_PASSPHRASE": self.passphrase,
            "REIN_MOMENTS": str(heard),
            "REIN_DIES_AT": str(at),
            "REIN_DIES_BY": str(int(by)),
            "REIN_DIES_SINCE": since,
        }
        done = subprocess.run(
            [sys.executable, "-m", "rein", "--home", str(home), "--json", "--yes", *words],
            input=stdin or "",
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        self.moments = heard.read_text().split() if heard.exists() else []
        return done

    def tried(self) -> list[int]:
        """The numbers of the moments of the last command at which to try what happens."""
        count = len(self.moments)
        if EVERY_MOMENT or count <= MOST_MOMENTS:
            return list(range(1, count + 1))
        steps = MOST_MOMENTS - 1
        return [1 + (count - 1) * step // steps for step in range(MOST_MOMENTS)]
