"""Where the story is played: homes, addresses, and a way to run a command as one of the people."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.demo.processes import DemoError
from rein.protocol import armor

PASSPHRASE = "correct horse battery"  # noqa: S105 - of three people who exist for twenty seconds
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has stopped: the demo stops with it."""

_SHOWN_LINES = 9
_SHOWN_WIDTH = 110
_ARMORED = re.compile(
    rf"{armor.BEGIN}\n(.+)\n(?s:.*?)\n{armor.BEGIN_SIGNATURE}\n(.+)\n.+\n{armor.END}",
)
"""A whole document, of which the demo shows the title and the signer."""

Run = Callable[[list[str]], tuple[int, str, str]]
"""Runs `rein` with these arguments; exit code, stdout, stderr."""


@dataclass(frozen=True)
class Stage:
    """The folder everything is in, the chain's port, the servers' ports, and how to run and to tell."""

    folder: Path
    chain_port: int
    server_ports: tuple[int, ...]
    run: Run
    say: Callable[[str], None]

    @property
    def chain_url(self) -> str:
        return f"http://127.0.0.1:{self.chain_port}"

    @property
    def chain_folder(self) -> Path:
        return self.folder / "chain"

    @property
    def cookie(self) -> Path:
        return self.chain_folder / ".cookie"

    @property
    def server_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}/" for port in self.server_ports]

    def server_folder(self, index: int) -> Path:
        return self.folder / f"causeway-{index + 1}"

    def act(self, person: str, *words: str, why: str = "") -> dict[str, Any]:
        """One command of one person: shown, run, its output shown in short, and one sentence on what happened.

        :returns: what the command prints with `--json`.
        :raises DemoError: the command failed.
        """
        home = self.folder / person.lower()
        self.say(self._local(f"\n$ rein --home {home.name} {shlex.join(words)}"))
        code, out, err = self.run(["--home", str(home), "--json", "--yes", *words])
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            raise DemoError(f"{person}'s `rein {words[0]}` failed with exit code {code}:\n{err.strip()}")
        self._show(err)
        if why:
            self.say(f"# {why}")
        try:
            answer: dict[str, Any] = json.loads(out)
        except ValueError as error:
            raise DemoError(f"`rein {words[0]} --json` did not print JSON") from error
        return answer

    def _show(self, output: str) -> None:
        lines = [line for line in _ARMORED.sub(r"[\1, signed by \2]", output).splitlines() if line.strip()]
        shown = lines if len(lines) <= _SHOWN_LINES else [*lines[: _SHOWN_LINES - 2], "…", lines[-1]]
        for line in map(self._local, shown):
            self.say(f"  {line if len(line) <= _SHOWN_WIDTH else line[: _SHOWN_WIDTH - 1] + '…'}")

    def _local(self, text: str) -> str:
        """Paths as somebody sees them who stands in the demo's folder."""
        return text.replace(f"{self.folder}{os.sep}", "")
