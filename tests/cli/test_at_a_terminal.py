"""Sessions at a terminal: passphrases, and what is left of what was typed when a command ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.screen import ENTER, at_terminal, ended, pasted, rein_at_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

PASSPHRASE = "correct horse battery"
NOWHERE = ("--network", "regtest", "--chain", "http://ann:x@127.0.0.1:9")
SETUP = ("setup", "--name", "Ann", "--contact", "a", "--no-mediate")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann's."""
    home = tmp_path_factory.mktemp("terminal") / "home"
    with rein_at_terminal("--home", str(home), *NOWHERE, *SETUP, "--yes", REIN_PASSPHRASE=PASSPHRASE) as child:
        code, told = ended(child)
    assert code == 0, told
    return home


def test_a_wrong_passphrase_is_asked_for_again(home: Path) -> None:
    with rein_at_terminal("--home", str(home), "backup", str(home / "file")) as child:
        child.expect("passphrase for the backup: ")
        child.send("short" + ENTER)
        child.expect("Repeat it: ")
        child.send("short" + ENTER)
        child.expect("5 characters; at least 8 are needed[.]")
        for prompt in ("passphrase for the backup: ", "Repeat it: "):
            child.expect(prompt)
            child.send("battery staple" + ENTER)
        child.expect("Passphrase of Ann: ")
        child.send("wrong passphrase" + ENTER)
        child.expect("does not open the key file, or the file is damaged; 2 more")
        child.expect("Passphrase of Ann: ")
        child.send(PASSPHRASE + ENTER)
        code, told = ended(child)
    assert (code, "1 identities" in told) == (0, True)
    assert (home / "file").exists()


def test_after_three_wrong_ones_it_ends(home: Path) -> None:
    with rein_at_terminal("--home", str(home), "unlock") as child:
        for _ in range(3):
            child.expect("Passphrase of Ann: ")
            child.send("wrong passphrase" + ENTER)
        code, told = ended(child)
    assert code == 3
    assert "more tr" not in told
    assert "wrong passphrase" not in told


def test_a_given_one_is_tried_once(home: Path) -> None:
    with rein_at_terminal("--home", str(home), "unlock", REIN_PASSPHRASE="wrong passphrase") as child:
        code, told = ended(child)
    assert (code, "Passphrase of" in told) == (3, False)


@pytest.fixture
def shell(home: Path) -> Iterator[pexpect.spawn[str]]:
    """A shell that reads its commands line by line, and knows nothing of pastes."""
    with at_terminal("dash", ["-i"], PS1="READY ", ENV="") as child:
        child.expect("READY ")
        child.sendline(f'rein() {{ {sys.executable} -m rein --home {home} "$@"; }}')
        child.expect("READY ")
        yield child


RAN = "echo R''AN"


def quiet(shell: pexpect.spawn[str]) -> None:
    """Nothing of what was pasted has run, and the shell takes commands."""
    shell.expect("READY ")
    assert "RAN" not in str(shell.before)
    with pytest.raises(pexpect.TIMEOUT):
        shell.expect("RAN", timeout=0.7)
    shell.sendline("echo AL''IVE")
    shell.expect("ALIVE")


def test_a_block_pasted_into_a_shell_answers_nothing_and_runs_nothing_after_the_question(
    shell: pexpect.spawn[str],
) -> None:
    """The lines after the first wait at the terminal when it asks."""
    shell.send(f"rein unlock\n{PASSPHRASE}\n{RAN}\n")
    shell.expect("Passphrase of Ann: ")
    with pytest.raises(pexpect.TIMEOUT):
        shell.expect("unlocked", timeout=0.7)
    for tries in range(3):
        if tries:
            shell.expect("Passphrase of Ann: ")
        shell.send("wrong passphrase" + ENTER)
        shell.expect("does not open")
    quiet(shell)


def test_several_lines_pasted_at_a_question_stay_there(shell: pexpect.spawn[str], tmp_path: Path) -> None:
    shell.sendline(f"rein --home {tmp_path / 'new'} {' '.join(NOWHERE)} setup")
    shell.expect("Name or handle: ")
    shell.send(pasted(f"Dora\nd@x\nn\n{RAN}\n"))
    shell.expect("more than one line")
    shell.expect("Name or handle: ")
    shell.send(f"Dora\nd@x\nn\n{RAN}\n")  # by a terminal without brackets
    shell.expect("more than one line")
    shell.expect("Name or handle: ")
    shell.send("\x03")
    shell.expect("Stopped; nothing more was done.")
    quiet(shell)


@pytest.mark.parametrize("name", ["dash", "bash"])
def test_stopped_and_continued_a_passphrase_is_still_not_shown(home: Path, name: str) -> None:
    """Bash sets the terminal as it likes it, and leaves it so."""
    with at_terminal(name, [*(["--norc"] if name == "bash" else []), "-i"], PS1="READY ", ENV="") as shell:
        shell.expect("READY ")
        shell.sendline(f"{sys.executable} -m rein --home {home} unlock")
        shell.expect("Passphrase of Ann: ")
        shell.send("\x1a")
        shell.expect("Stopped")
        shell.expect("READY ")
        shell.sendline("fg")
        shell.expect("rein --home")
        time.sleep(1)  # the shell itself reads its commands without echo
        assert shell.waitnoecho(20)
        shell.send("wrong passphrase" + ENTER)
        shell.expect("does not open")
        assert "wrong" not in str(shell.before)


def test_after_an_error_nothing_typed_ahead_is_run(shell: pexpect.spawn[str]) -> None:
    shell.send(f"rein status --jobid nothing\n{RAN}\n")
    shell.expect("is known here")
    quiet(shell)


def test_a_paste_that_is_still_on_its_way_is_not_run_either(shell: pexpect.spawn[str]) -> None:
    """A terminal takes 4,096 bytes at once; the rest comes when there is room."""
    block = "rein status --jobid nothing\n" + f"{RAN} {'x' * 500}\n" * 12
    threading.Thread(target=os.write, args=(shell.child_fd, block.encode()), daemon=True).start()
    shell.expect("is known here")
    quiet(shell)


def test_what_was_typed_ahead_of_a_command_that_asks_nothing_and_ends_well_is_the_shell_s(
    shell: pexpect.spawn[str],
) -> None:
    shell.send(f"rein identities\n{RAN}\n")
    shell.expect("RAN")


def test_a_command_in_the_background_leaves_the_terminal_alone(shell: pexpect.spawn[str]) -> None:
    """Whoever changes it from there is stopped."""
    shell.sendline("rein status --jobid nothing & wait $!; echo CO''DE $?.")
    shell.expect("CODE 2[.]", timeout=20)
