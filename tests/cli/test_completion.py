"""`rein completion`: scripts for three shells, and answers to them, fast."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rein.cli.main import COMMANDS, COMPLETION_VARIABLE
from tests.cli.conftest import Rein
from tests.cli.test_help import HEAVY


def ask(line: str) -> list[str]:
    """What bash is told for the last word of a line."""
    words = line.split(" ")
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), COMPLETION_VARIABLE: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-m", "rein"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [each.partition(",")[2] for each in done.stdout.split()]


def test_names_are_completed() -> None:
    assert ask("rein ") == list(COMMANDS)
    assert ask("rein acc") == ["accept", "acceptresolution"]
    assert ask("rein --home x psbt sh") == ["show"]
    assert ask("rein case ") == ["export", "keep", "verify"]
    assert ask("rein nothing") == []


def test_options_and_choices_are_completed() -> None:
    assert set(ask("rein bid --")) >= {"--jobid", "--amount", "--json", "--dry-run"}
    assert ask("rein testnet t") == ["true"]
    assert "--json" in ask("rein --")


def test_completing_a_name_loads_nothing_heavy() -> None:
    script = (
        "import sys, rein.cli.main as m\n"
        "try: m.main()\n"
        f"finally: print([name for name in {['rein.cli.post', *HEAVY]!r} if name in sys.modules])"
    )
    environment = {"COMP_WORDS": "rein p", "COMP_CWORD": "1", COMPLETION_VARIABLE: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["plain,post", "plain,psbt", "[]"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(rein: Rein, shell: str, tmp_path: Path) -> None:
    done = rein("completion", shell)
    assert done.code == 0
    assert f"{COMPLETION_VARIABLE}={shell}_complete" in done.out
    assert rein("completion", shell, "--json").data == {"shell": shell, "script": done.out.removesuffix("\n")}
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(done.out)
    subprocess.run([program, "-n", str(script)], check=True, timeout=30)


def test_another_shell_is_refused(rein: Rein) -> None:
    assert rein("completion", "tcsh").code == 2
