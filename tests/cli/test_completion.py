"""`rein completion`: scripts for three shells, and answers to them, fast."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rein.cli.commands import COMMANDS
from rein.cli.main import COMPLETION_VARIABLE
from rein.store.store import Store
from tests.cli.conftest import Rein
from tests.cli.test_help import HEAVY
from tests.support.people import enroll, job, person


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
    assert ask("rein ") == [*COMMANDS, "show", "accept-resolution"]
    assert ask("rein acc") == ["accept", "acceptresolution", "accept-resolution"]
    assert ask("rein server ") == ["buy", "list", "request"]
    assert ask("rein --home x psbt sh") == ["show"]
    assert ask("rein case ") == ["export", "keep", "verify"]
    assert ask("rein nothing") == []
    assert ask("rein nothing no") == [], "a word before is mistyped, and the shell's line stays clean"
    assert ask("rein psbt nothing no") == []


def test_options_and_choices_are_completed() -> None:
    assert set(ask("rein bid --")) >= {"--jobid", "--amount", "--json", "--dry-run"}
    assert ask("rein testnet t") == ["true"]
    assert "--json" in ask("rein --")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two identities and two jobs on regtest."""
    home = tmp_path / "home"
    store = Store(home / "rein.db")
    with store._database.writing() as connection:
        for number, name in enumerate(("Ann", "Älva")):
            row = (number, "regtest", name, "c", f"m{number}", "d", "k")
            connection.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    alice, bob = person("alice"), person("bob")
    enrolled = enroll(alice, True)
    for job_id in ("a" * 20, "b" * 20):
        store.documents.add_own(job(bob, alice, enrolled, job_id=job_id))
    return home


def test_networks_identities_and_jobs_are_completed(home: Path, tmp_path: Path) -> None:
    assert ask("rein --network ") == ["mainnet", "testnet4", "signet", "regtest"]
    assert ask("rein status --network r") == ["regtest"]
    place = f"--home {home} --network regtest"
    assert ask(f"rein {place} --identity ") == ["Ann", "Älva"]
    assert ask(f"rein status {place} --identity A") == ["Ann"]
    for command in ("status", "bid", "message", "deliver"):
        assert ask(f"rein {place} {command} --jobid ") == ["b" * 20, "a" * 20]
    assert ask(f"rein status {place} --jobid a") == ["a" * 20]
    assert ask(f"rein {place} show a") == ["a" * 20]
    assert ask(f"rein status --home {home} --jobid ") == [], "there are none on mainnet"
    assert ask(f"rein status {place} --jobid %") == []


def test_completing_makes_and_changes_nothing(home: Path, tmp_path: Path) -> None:
    assert ask(f"rein status --home {tmp_path / 'none'} --jobid ") == []
    assert not (tmp_path / "none").exists()
    before = sorted((each.name, each.stat().st_mtime_ns) for each in home.iterdir() if each.suffix == ".db")
    ask(f"rein status --home {home} --network regtest --jobid ")
    assert before == sorted((each.name, each.stat().st_mtime_ns) for each in home.iterdir() if each.suffix == ".db")
    (home / "rein.db").write_bytes(b"no database")
    assert ask(f"rein status --home {home} --network regtest --jobid ") == []
    (home / "config.toml").write_text("[")
    assert ask(f"rein status --home {home} --jobid ") == []


def test_bash_completes(home: Path, tmp_path: Path) -> None:
    """In the shell itself: the script is loaded, and its function is asked as bash asks it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "rein"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rein "$@"\n')
    program.chmod(0o700)
    script = f"""
        eval "$(rein completion bash)"
        complete -p rein
        COMP_WORDS=(rein --home {home} --network regtest status --jobid a)
        COMP_CWORD=7
        _rein_completion rein
        echo "${{COMPREPLY[*]}}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([bash, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["complete -o nosort -F _rein_completion rein", "a" * 20]


def test_completing_a_name_loads_nothing_heavy() -> None:
    script = (
        "import sys, rein.cli.main as m\n"
        "try: m.main()\n"
        f"finally: print([name for name in {['rein.cli.jobs.post', *HEAVY]!r} if name in sys.modules])"
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
