"""What is typed and pasted at a terminal: one paste is one answer, and nothing of it reaches anybody else."""

from __future__ import annotations

import ast
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pexpect
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.screen import ENTER, at_terminal, ended, pasted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

ASK = "ANSWER = terminal.ask('Name', '--name')"
TEXT = "ANSWER = terminal.ask_text('Text', '--text')"


@contextmanager
def asking(*questions: str, **variables: str) -> Iterator[pexpect.spawn[str]]:
    """A program that asks, and says what was answered."""
    lines = ["from rein.cli.console.terminal import Terminal", "import time", "terminal = Terminal()"]
    for question in questions:
        lines += [question, "print('GOT', ascii(ANSWER), flush=True)"]
    with at_terminal(sys.executable, ["-c", "\n".join(lines)], **variables) as child:
        yield child


def got(child: pexpect.spawn[str]) -> str:
    child.expect(r"GOT ('[^\r]*'|\"[^\r]*\"|True|False|\d+)\r\n")
    return str(ast.literal_eval(child.match.group(1)))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("Dora", "Dora"),
        ("Dorx\x7fa", "Dora"),
        ("x\x15Dora", "Dora"),
        ("Dora Maar\x17\x17Dora", "Dora"),
        ("Zoe\u0301\x7fe", "Zoe"),
        ("日本語\x7f", "日本"),
        ("\x1b[A\x1b[1;5CDo\x1bOHra\x1b[3~", "Dora"),
        ("D\x01\x02o\tra", "Dora"),
        ("a 👩\u200d👩\u200d👧", "a 👩\u200d👩\u200d👧"),
    ],
)
def test_what_is_typed_is_the_answer(typed: str, answer: str) -> None:
    with asking(ASK) as child:
        child.expect("Name: ")
        child.send(typed)
        time.sleep(0.2)
        child.send(ENTER)
        assert got(child) == answer


def test_a_paste_of_several_lines_is_refused_where_one_is_wanted_and_nothing_of_it_goes_on() -> None:
    with asking(ASK, "ANSWER = terminal.ask('Second', '--second')") as child:
        child.expect("Name: ")
        child.send(pasted("rein --home bob sync\nrein --home bob status\n"))
        child.expect("more than one line, and one is wanted: nothing of it was")
        child.expect("Name: ")
        child.send("Bob" + ENTER)
        assert got(child) == "Bob"
        child.expect("Second: ")
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=0.5)
        child.send("2" + ENTER)
        assert got(child) == "2"


def test_a_paste_of_one_line_waits_for_enter() -> None:
    with asking("ANSWER = terminal.agrees('Pay', '--yes')") as child:
        child.expect("Pay .y/N.: ")
        child.send(pasted("y\n"))
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=0.5)
        child.send(ENTER)
        assert got(child) == "True"


@pytest.mark.parametrize("text", ["one\ntwo\n\nthree", "one\ntwo\n", "tabs\tand\nindents:\n    x", "x" * 20_000])
def test_a_paste_is_one_answer_where_a_text_is_wanted(text: str) -> None:
    """A line of more than 4,095 characters is cut short by a terminal that waits for whole lines."""
    with asking(TEXT, "ANSWER = terminal.ask('Next', '--next')") as child:
        child.expect("Text: ")
        child.send(pasted(text))
        child.send(" and more")
        time.sleep(0.3)
        child.send(ENTER)
        assert got(child) == text.rstrip("\n") + " and more"
        child.expect("Next: ")
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=0.5)


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_a_terminal_that_puts_no_brackets_around_a_paste(line_end: str) -> None:
    with asking(TEXT, ASK, TERM="dumb") as child:
        child.expect("Text: ")
        assert "\x1b" not in str(child.before)
        child.send(line_end.join(["one", "two", "three", ""]))
        assert got(child) == "one\ntwo\nthree"
        child.expect("Name: ")
        child.send(line_end.join(["Dora", "rein sync", ""]))
        child.expect("nothing of it was")
        child.expect("Name: ")
        child.send("Dora" + ENTER)
        assert got(child) == "Dora"


@pytest.mark.parametrize(
    "question",
    [
        ASK,
        TEXT,
        "ANSWER = terminal.ask('Comment (may be empty)', '--comment', default='')",
        "ANSWER = terminal.agrees('Sign', '--yes')",
        "ANSWER = terminal.ask_secret('Passphrase', '--passphrase-fd')",
        "ANSWER = terminal.choose('bid', ['one', 'two'], '--bid')",
    ],
)
def test_what_was_typed_before_a_question_does_not_answer_it(question: str) -> None:
    """Above all not one that ends in a signature: the next command of a block became the comment of a rating."""
    with asking("print('WAIT', flush=True); time.sleep(0.5); ANSWER = 0", question) as child:
        child.expect("WAIT")
        child.send("1\r\nyes\r\nrein --home bob sync\r\n")
        assert got(child) == "0"
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=0.7)


def test_nor_does_the_rest_of_a_long_paste_that_comes_when_there_is_room_for_it() -> None:
    """A terminal holds 4,096 bytes."""
    with asking("print('WAIT', flush=True); time.sleep(0.5); ANSWER = 0", TEXT) as child:
        child.expect("WAIT")
        block = b"rein --home bob sync\n" * 700
        threading.Thread(target=os.write, args=(child.child_fd, block), daemon=True).start()
        assert got(child) == "0"
        child.expect("Text: ")
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=1)
        child.send("Mine" + ENTER)
        assert got(child) == "Mine"


def test_a_secret_is_not_shown_and_a_new_one_is_asked_for_twice() -> None:
    with asking("ANSWER = terminal.ask_secret('Passphrase', '--passphrase-fd', confirm=True)") as child:
        for once, twice in (("correct horse", "correct house"), ("battery staple", "battery staple")):
            child.expect("Passphrase: ")
            child.send(once + ENTER)
            child.expect("Repeat it: ")
            child.send(twice + ENTER)
            assert once not in str(child.before)
        child.expect("GOT")
        assert "staple" not in str(child.before)


def test_words_may_be_pasted_on_several_lines() -> None:
    with asking("ANSWER = terminal.ask_secret('Words', '--words-fd', several=True)") as child:
        child.expect("Words: ")
        child.send(pasted("legal winner\nthank year\n"))
        child.send(ENTER)
        assert got(child) == "legal winner\nthank year"


def test_a_paste_cannot_act_on_the_terminal() -> None:
    with asking(TEXT) as child:
        child.expect("Text: ")
        child.send(pasted("a\x1b]0;title\x07\x9b31m\u202eb"))
        time.sleep(0.3)
        child.send(ENTER)
        assert got(child) == "a]0;title31m\u202eb"
        assert not re.search("[\x07\x9b\u202e]|\x1b]", str(child.before))


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_the_terminal_is_as_before_however_it_ends(key: str) -> None:
    """Echo is on again, lines are whole again, and pastes have no brackets any more."""
    script = (
        f'stty -a > /tmp/before.$$; {sys.executable} -c "from rein.cli.console.terminal import Terminal; '
        "Terminal().ask('Name', '--name')\" 2>&1 | grep -a -v Error; "
        "stty -a > /tmp/after.$$; cmp /tmp/before.$$ /tmp/after.$$ && echo SAME; rm /tmp/before.$$ /tmp/after.$$"
    )
    with at_terminal("bash", ["--norc", "-c", f"trap : INT; {script}"]) as child:
        child.expect("Name: ")
        child.send("Do" + key * (key == "\x03") + "\x15\x04" * (key == "\x04"))
        _, told = ended(child)
        assert "SAME" in told


@pytest.mark.long
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(st.text("abc $(reboot);\"'`", min_size=1, max_size=40), min_size=2, max_size=8))
def test_no_paste_answers_two_questions(lines: list[str]) -> None:
    text = "\n".join(lines)
    with asking(TEXT, ASK) as child:
        child.expect("Text: ")
        child.send(pasted(text))
        time.sleep(0.1)
        child.send(ENTER)
        assert got(child) == text.rstrip("\n")
        child.expect("Name: ")
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("GOT", timeout=0.3)
