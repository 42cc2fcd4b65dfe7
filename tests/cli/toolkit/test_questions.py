"""What a command asks, at a real terminal: a slip is said at once and costs nothing, a long text may come from a file,
standard input or the editor, and a list is picked from by pages."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from rein.cli.common import Cli
from rein.cli.console.picking import pages, picked
from rein.errors import InputError
from rein.protocol.limits import MAX_TEXT
from tests.cli.console.test_keyboard import got
from tests.support.screen import ENTER, at_terminal, ended

terminal_only = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


@contextmanager
def asking(question: str, **variables: str) -> Iterator[pexpect.spawn[str]]:
    """A command with one question, run as `rein` runs commands; it says what was answered."""
    script = f"""
import sys
from rein.cli import commands, main
from rein.cli.common import command
from rein.cli.toolkit.amounts import typed_amount, fee_points
@command("probe")
def probe(cli):
    ANSWER = {question}
    print("GOT", ascii(ANSWER), flush=True)
commands.COMMANDS["probe"] = ("__main__", "Ask.")
sys.exit(main.run(["probe"]))
"""
    with at_terminal(sys.executable, ["-c", script], **({"VISUAL": "", "EDITOR": ""} | variables)) as child:
        yield child


# Answers.


@terminal_only
def test_a_slip_is_said_and_asked_about_again_without_end() -> None:
    read = "cli.answer(None, 'Price', '--amount', lambda text: typed_amount(cli.terminal, text, 'your price'))"
    with asking(read) as child:
        for typed, said in (
            ("0,015", "The decimal separator is a point"),
            ("a lot", "is not an amount of bitcoin"),
            ("1.5 sat", "is a whole number"),
            ("22000000 btc", "more than the 21,000,000 BTC"),
            ("-1", "is not an amount of bitcoin"),
        ):
            child.expect("Price: ")
            child.send(typed + ENTER)
            child.expect(said)
        child.expect("Price: ")
        child.send("15 mBTC" + ENTER)
        assert got(child) == "1500000"


@terminal_only
def test_a_fee_is_checked_at_once() -> None:
    with asking("cli.answer(None, 'Fee', '--fee', fee_points, default='1.0')") as child:
        for typed, said in (("150", "a fee is 0.01% to 100.0%"), ("1,5", "The decimal separator is a point")):
            child.expect(r"Fee \[1.0\]: ")
            child.send(typed + ENTER)
            child.expect(said)
        child.expect(r"Fee \[1.0\]: ")
        child.send(ENTER)
        assert got(child) == "100"


# Long texts.


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """One that keeps what it was given, and writes what it finds in a file beside it."""
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\ncd {tmp_path}\ncp "$1" given\ncat writes given > "$1"\n')
    script.chmod(0o700)
    return script


TEXT = "cli.text(None, 'Description', '--description')"


@terminal_only
def test_an_empty_answer_opens_the_editor(editor: Path) -> None:
    (editor.parent / "writes").write_text("# A heading\n\nTwo minutes,\nFLAC.\n\n")
    with asking(TEXT, EDITOR=str(editor)) as child:
        child.expect(r"Description \(Enter opens your editor\): ")
        child.send(ENTER)
        assert got(child) == "# A heading\n\nTwo minutes,\nFLAC."
    header = (editor.parent / "given").read_text()
    assert header.startswith("\n# --")
    assert all(line.startswith("#") for line in header.splitlines()[1:])
    assert "Description: write it above" in header


@terminal_only
def test_visual_comes_first_and_what_was_typed_needs_no_editor(editor: Path) -> None:
    (editor.parent / "writes").write_text("from the editor\n")
    with asking(TEXT, EDITOR="false", VISUAL=str(editor)) as child:
        child.expect("your editor.: ")
        child.send(ENTER)
        assert got(child) == "from the editor"
    with asking(TEXT, EDITOR=str(editor)) as child:
        child.expect("your editor.: ")
        child.send("typed" + ENTER)
        assert got(child) == "typed"


@terminal_only
def test_an_empty_or_too_long_text_and_a_failing_editor_are_asked_about_again(editor: Path) -> None:
    """And what was written is there when it opens again."""
    writes = editor.parent / "writes"
    writes.write_text("")
    with asking(TEXT, EDITOR=str(editor)) as child:
        child.expect("your editor.: ")
        child.send(ENTER)
        child.expect("the text is empty")
        child.expect("your editor.: ")
        writes.write_text("x" * (MAX_TEXT + 1) + "\n")
        child.send(ENTER)
        child.expect(r"40,001 characters, and\s+at\s+most\s+40,000")
        child.expect("your editor.: ")
        writes.write_text("")
        child.send(ENTER)
        child.expect("40,001 characters")
        assert (editor.parent / "given").read_text().startswith("xxx")
        child.expect("your editor.: ")
        child.send("short" + ENTER)
        assert got(child) == "short"
    for broken in ("false", "/no/such/editor", "'"):
        with asking(TEXT, EDITOR=broken) as child:
            child.expect("your editor.: ")
            child.send(ENTER)
            child.expect("ended with code 1|does not start")
            child.expect("your editor.: ")
            child.send("\x03")
            code, told = ended(child)
            assert (code, "Stopped; nothing more was done." in told) == (130, True)


@terminal_only
def test_without_an_editor_an_empty_answer_is_asked_about_again() -> None:
    with asking(TEXT) as child:
        child.expect("Description: ")
        child.send(ENTER)
        child.expect("Description: ")
        child.send("typed @home" + ENTER)
        assert got(child) == "typed @home"
    with asking("cli.text(None, 'Comment', '--comment', default='')", EDITOR="false") as child:
        child.expect("Comment: ")
        child.send(ENTER)
        assert got(child) == ""


def text(given: str | None, form: str | None = None, limit: int = MAX_TEXT) -> str:
    return Cli().text(given, "Description", "--description", form=form, limit=limit)


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        (b"Two minutes,\nFLAC.\n", "Two minutes,\nFLAC."),
        (b"\xef\xbb\xbf\r\nTwo minutes,\r\nFLAC.\r\n\r\n  \r\n", "Two minutes,\nFLAC."),
        (b"  @ indented\n", "  @ indented"),
    ],
    ids=["plain", "from Windows", "indented"],
)
def test_a_file(content: bytes, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(content)
    assert text(f"@{tmp_path / 'text'}") == meant
    monkeypatch.setenv("HOME", str(tmp_path))
    assert text("@~/text") == meant


def test_what_is_no_file_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bob").write_text("secret")
    for given, meant in ((r"\@bob", "@bob"), (r"\-", "-"), ("bob", "bob"), ("- one\n- two", "- one\n- two")):
        assert text(given) == meant
    assert text(None, form="@bob") == "@bob", "whoever wrote the form reads no file of mine"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no file"), (b"\xff", "is not text"), (b" \n", "is empty"), (b"x" * 11, "at most 10")],
)
def test_a_file_that_cannot_be_used(content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    with pytest.raises(InputError, match=r"^--description: ") as caught:
        text(f"@{tmp_path / 'text'}", limit=10)
    assert said in caught.value.message


def test_standard_input() -> None:
    script = "from rein.cli.common import Cli; print(ascii(Cli().text('-', 'Text', '--text')))"
    done = subprocess.run([sys.executable, "-c", script], input=b"a\r\nb\n", capture_output=True, check=True)
    assert done.stdout.decode().strip() == r"'a\nb'"


def test_nobody_is_asked_for_a_text_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("x\n"))
    monkeypatch.setenv("EDITOR", "false")
    with pytest.raises(InputError, match="nobody is there") as caught:
        text(None)
    assert caught.value.hint == "Give --description."


# Lists.

CHOOSE = "cli.terminal.choose('job', {!r}, '--jobid')"
JOBS = ["Theme song  by bob", "Theme park  by bob", "Cat video  by eve"]


@terminal_only
@pytest.mark.parametrize(("typed", "index"), [("2", 1), ("cat", 2), ("THEME P", 1), ("Theme song  by bob", 0)])
def test_a_number_a_name_or_its_beginning(typed: str, index: int) -> None:
    with asking(CHOOSE.format(JOBS)) as child:
        child.expect("  3  Cat video")
        child.expect(r"Choose a job \(q to quit\): ")
        child.send(typed + ENTER)
        assert got(child) == str(index)


@terminal_only
def test_what_means_none_or_several_is_asked_about_again() -> None:
    with asking(CHOOSE.format(JOBS)) as child:
        for typed, said in (("theme", "2 begin so: 1, 2"), ("dog", "There is no dog"), ("4", "There is no 4")):
            child.expect("to quit.: ")
            child.send(typed + ENTER)
            child.expect(said)
        child.expect("to quit.: ")
        child.send("q" + ENTER)
        code, told = ended(child)
    assert (code, "Nothing was chosen, so nothing was done." in told, "Error" in told) == (0, True, False)


@terminal_only
def test_a_long_list_has_pages_that_fit_the_screen() -> None:
    listed = [f"Job {number:03} {'by somebody with many words ' * 5}" for number in range(50)]
    with asking(CHOOSE.format(listed)) as child:
        child.expect(r"Choose a job \(n for the next page, q to quit\): ")
        first = str(child.before).splitlines()
        assert len(first) <= 24
        assert all(len(line) <= 80 for line in first)
        assert ("Job 000" in first[0], any("Job 020" in line for line in first)) == (True, True)
        child.send("p" + ENTER)
        child.expect("There is no p")
        for key, shown in (("n", " 22  Job 021"), ("n", " 50  Job 049"), ("p", " 22  Job 021")):
            child.expect("to quit.: ")
            child.send(key + ENTER)
            child.expect(shown)
        child.expect("p for the one before, q to quit.: ")
        child.send("50" + ENTER)
        assert got(child) == "49"


def test_pages_and_names() -> None:
    assert [list(pages(12, 8).shown), pages(12, 8).count] == [[0, 1, 2, 3, 4], 3]
    assert pages(3, 1).shown == range(3)
    names = [["Alice", "1abc"], ["Alicia"], ["Alice"], ["3"]]
    assert picked("alice", names) == [0, 2], "a name is anybody's"
    assert picked("1A", names) == [0]
    assert picked("3", names) == [2], "a number is a number, whatever somebody calls a job"
    assert picked("", names) == []
    assert picked("5", names) == []
