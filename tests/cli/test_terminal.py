"""Text from strangers cannot act on a terminal, and results stay apart from talk (S24)."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein.cli import terminal as terminal_module
from rein.cli.terminal import Progress, Terminal, safe, safe_line
from rein.errors import InputError, ReinError, RemoteError
from tests.support.texts import any_text

REPLACED = "\N{REPLACEMENT CHARACTER}"
ANYTHING = (
    any_text | st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Lo", "Mn"]))
)


def is_dangerous(char: str) -> bool:
    """Control characters, format characters (bidi, joiners, tags), surrogates, private and unassigned ones, and what
    breaks a line: anything that moves the cursor, or that two people may see differently."""
    return char not in "\n\t" and (unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp"))


@given(text=ANYTHING)
@example("\x1b[2J\x1b]0;title\x07\x9b31m")
@example("\u202e\u2066\u200f\u061c\u2069")
@example("\ud800\udfff\ud83d")
@example("a\r\nb\x08\x7f\x85\xad\ufeff\U000e0041")
def test_nothing_dangerous_survives(text: str) -> None:
    shown = safe(text)
    assert not any(is_dangerous(char) for char in shown)
    assert len(shown) == len(text)
    assert all(after in (before, REPLACED) for before, after in zip(text, shown, strict=True))
    assert safe(shown) == shown
    shown.encode()


@given(text=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
@example("Zażółć gęślą jaźń — 日本語 العربية 🔑 e\u0301")
@example("tabs\tand\nlines")
def test_everything_harmless_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_every_character_there_is() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not any(is_dangerous(char) for char in safe(everything))


@given(text=ANYTHING, width=st.none() | st.integers(-5, 50))
def test_a_line_is_one_line_and_not_too_long(text: str, width: int | None) -> None:
    line = safe_line(text, width)
    assert len(line.splitlines()) <= 1
    assert not any(is_dangerous(char) or char in "\n\t" for char in line)
    if width is not None:
        assert len(line) <= max(width, 2)


def test_a_cut_line_says_so() -> None:
    assert safe_line("0123456789", 10) == "0123456789"
    assert safe_line("0123456789x", 10) == "012345678…"
    assert safe_line(" a \n\n b\u2028\x85c\t") == "a b c"


# Where things go.


class Streams:
    """What a terminal wrote, by stream."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def read(self) -> tuple[str, str]:
        found = self._capsys.readouterr()
        return found.out, found.err


@pytest.fixture
def streams(capsys: pytest.CaptureFixture[str]) -> Streams:
    return Streams(capsys)


HOSTILE = "x\x1b[2J\u202e\x9b\x85\u2028\ud800ü"


def test_for_people_results_go_to_stdout_and_talk_to_stderr(streams: Streams) -> None:
    terminal = Terminal()
    terminal.say("result")
    terminal.note("remark")
    terminal.result({"for": "programs"})
    assert streams.read() == ("result\n", "remark\n")


def test_for_programs_stdout_holds_one_object_and_nothing_else(streams: Streams) -> None:
    terminal = Terminal(as_json=True)
    terminal.say("result")
    terminal.note("remark")
    terminal.table(("a", "b"), [("1", "2")])
    terminal.result({"text": HOSTILE})
    out, err = streams.read()
    assert json.loads(out) == {"text": HOSTILE}
    assert out.isascii(), "JSON on a terminal moves no cursor"
    assert all(char == "\n" or char.isprintable() for char in out)
    assert err == "result\nremark\na  b\n1  2\n"


def test_an_error_is_a_sentence_and_a_hint(streams: Streams) -> None:
    Terminal().error(InputError("that is wrong", hint="Do it right."))
    assert streams.read() == ("", "Error: that is wrong\nHint:  Do it right.\n")
    Terminal().error(InputError("that is wrong"))
    assert streams.read() == ("", "Error: that is wrong\n")


def test_an_error_for_programs_is_an_object_too(streams: Streams) -> None:
    Terminal(as_json=True).error(RemoteError("no answer", hint="Try again."))
    out, err = streams.read()
    assert json.loads(out) == {"error": {"code": "server", "message": "no answer", "hint": "Try again."}}
    assert err == "Error: no answer\nHint:  Try again.\n"
    Terminal(as_json=True).error(RemoteError("no answer"))
    assert json.loads(streams.read()[0])["error"]["hint"] is None


@given(message=ANYTHING, hint=st.none() | ANYTHING)
@example("\ud800", "\ud800")
def test_any_error_can_be_shown(message: str, hint: str | None) -> None:
    """Half of a surrogate pair in a server's reason used to end in a traceback; a line break, in a forged hint."""
    for as_json in (False, True):
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            Terminal(as_json=as_json).error(ReinError(message, hint=hint))
        shown = _written(err)
        assert len(shown.splitlines()) == 1 + bool(hint)
        assert shown.startswith("Error: ")
        assert not any(is_dangerous(char) for char in shown)
        if as_json:
            assert json.loads(_written(out))["error"] == {"code": "error", "message": message, "hint": hint}


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw: bytes = stream.buffer.getvalue()  # type: ignore[attr-defined]  # it is a BytesIO
    return raw.decode()


def test_a_table_of_hostile_cells_keeps_its_lines(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    rows = [(f"{HOSTILE}\n\n{number}", "y\r\nz" * 40, "w" * 500) for number in range(5)]
    Terminal().table(("One", "Two", "Three"), rows)
    out, _ = streams.read()
    assert len(out.splitlines()) == 6
    assert not any(is_dangerous(char) or char == "\t" for char in out)


@given(rows=st.lists(st.tuples(ANYTHING, ANYTHING), max_size=4))
def test_any_table_can_be_shown(rows: list[tuple[str, str]]) -> None:
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        Terminal().table(("One", "Two"), rows)
    assert _written(out).count("\n") == 1 + len(rows)


# Questions, where nobody can answer.


class NotATerminal(io.StringIO):
    """What stdin is in a script."""


@pytest.fixture(params=["pipe", "closed", "none"])
def nobody(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sits there: stdin is a pipe that holds answers nobody gave, or there is none."""
    stdin = NotATerminal("y\ny\nsecret\n")
    if request.param == "closed":
        stdin.close()
    monkeypatch.setattr(sys, "stdin", None if request.param == "none" else stdin)


@pytest.mark.usefixtures("nobody")
def test_no_question_is_asked_and_the_flag_is_named(streams: Streams) -> None:
    terminal = Terminal()
    questions = {
        "Give --name.": lambda: terminal.ask("Name", "--name", default="x"),
        "Give --passphrase-fd.": lambda: terminal.ask_secret("Passphrase", "--passphrase-fd", confirm=True),
        "Give --jobid.": lambda: terminal.choose("job", ["one", "two"], "--jobid"),
        "Give --yes.": lambda: terminal.confirm("Really?"),
    }
    for hint, question in questions.items():
        with pytest.raises(InputError, match="nobody is there to give it") as caught:
            question()
        assert caught.value.hint == hint
    assert streams.read() == ("", "")


@pytest.mark.usefixtures("nobody")
def test_yes_answers_confirmations_and_nothing_else() -> None:
    terminal = Terminal(assume_yes=True)
    terminal.confirm("Really?")
    with pytest.raises(InputError):
        terminal.ask("Name", "--name")


# Progress


def test_a_bar_adds_up_what_several_servers_have_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal_module.time, "monotonic", lambda: now[0])
    drawn: list[str] = []
    monkeypatch.setattr(terminal_module.click, "echo", lambda text, **_: drawn.append(text))
    bar = Progress("Reading", shown=True)
    bar.of("a", 10, 100)
    assert drawn == [], "what takes less than a second needs no bar"
    now[0] = 1.5
    bar.of("b", 50, 100)
    bar.of("b", 60, 100)
    assert drawn == ["\rReading  [#########.....................]  60 of 200"], "and it is not drawn at every step"
    now[0] = 2.0
    bar.of("b", 900, 100)
    assert drawn[-1] == "\rReading  [################..............]  110 of 200"
    bar.clear()
    assert drawn[-1] == "\r" + " " * len(bar.text()) + "\r"


def test_nobody_is_shown_a_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().progress("Reading") as bar:
        bar.of("a", 0, 0)
        assert bar.text() == "Reading  [..............................]  0 of 0"
    assert capsys.readouterr() == ("", "")
