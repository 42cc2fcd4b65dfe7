"""Text from strangers cannot act on a terminal, and results stay apart from talk (S24)."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rein import errors
from rein.btc.amounts import Sat
from rein.cli.console.advice import advice
from rein.cli.console.layout import apart, columns_of, wrap
from rein.cli.console.terminal import Terminal, safe, safe_line
from rein.cli.toolkit.units import amount, size
from rein.errors import InputError, ReinError, RemoteError
from tests.support.texts import any_text

REPLACED = "\N{REPLACEMENT CHARACTER}"
ANYTHING = (
    any_text | st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Lo", "Mn"]))
)


def is_dangerous(char: str) -> bool:
    """Control characters, format characters (bidi, joiners, tags), surrogates, private and unassigned ones, and what
    breaks a line: anything that moves the cursor, or that two people may see differently."""
    return char not in "\n\t\u200c\u200d" and (
        unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp")
    )


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


INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


@given(text=st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Me", "Mn"], exclude_characters=INVISIBLE)))
@example("นี้ ที่ นามสกุล שָׁלוֹם ❤️")
@example("Zażółć gęślą jaźń — 日本語 العربية 🔑 e\u0301")
@example("tabs\tand\nlines")
def test_everything_harmless_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_what_looks_like_nothing_or_covers_everything_is_replaced() -> None:
    assert safe(f"Alice{INVISIBLE}") == "Alice" + REPLACED * len(INVISIBLE)
    assert safe("a" + "\u0301" * 10_000) == "a" + "\u0301" * 8 + REPLACED * 9_992
    assert safe("e\u0301" * 50) == "e\u0301" * 50


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cشود",
        "क्\u200dष",
        "क्\u200cष",
        "ශ්\u200dරී ලංකා",
        "ന്\u200d",
    ],
    ids=["Persian", "Devanagari, half form", "Devanagari, no ligature", "Sinhala", "Malayalam, at the end"],
)
def test_joiners_that_a_script_needs_stay(text: str) -> None:
    assert safe(text) == safe_line(text) == text
    assert columns_of("می\u200cخ") == 3


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"], ids=["ZWNJ", "ZWJ"])
@pytest.mark.parametrize("around", ["Al{}ice", "{}", "{}می", "می{}", "د{}م", "日{}本", "क{}ष", "a्{}{}b", "Б{}я"])
def test_joiners_elsewhere_hide_nothing(around: str, joiner: str) -> None:
    """As in a name that looks like another's."""
    shown = safe(around.format(joiner, joiner))
    assert REPLACED in shown
    assert shown.count(joiner) <= around.count("{}") - 1


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
    told, command = advice(InputError("")).split(": ")
    assert streams.read() == ("", f"Error: that is wrong\nHint:  {told}:\n         {command}\n")


def test_an_error_for_programs_is_an_object_too(streams: Streams) -> None:
    Terminal(as_json=True).error(RemoteError("no answer", hint="Try again."))
    out, err = streams.read()
    assert json.loads(out) == {"error": {"code": "server", "message": "no answer", "hint": "Try again."}}
    assert err == "Error: no answer\nHint:  Try again.\n"
    Terminal(as_json=True).error(RemoteError("no answer"))
    assert json.loads(streams.read()[0])["error"]["hint"] == advice(RemoteError("no answer"))


def test_every_error_has_something_to_do_next() -> None:
    """Its own hint, or the advice for its class; a new class gets its parent's."""
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, ReinError)]
    for cls in classes:
        assert advice(cls("x"))
    advised = {cls for cls in classes if cls is ReinError or advice(cls("x")) != advice(cls.__mro__[1]("x"))}
    inherit = {errors.TooLargeError, errors.ArmorError, errors.FieldError, errors.BadSignatureError}
    assert set(classes) - advised == inherit


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
        assert len(shown.splitlines()) == (2 if hint else 3)
        assert shown.startswith("Error: ")
        assert not any(is_dangerous(char) for char in shown)
        if as_json:
            told = {"code": "error", "message": message, "hint": hint or advice(ReinError(""))}
            assert json.loads(_written(out))["error"] == told


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw: bytes = stream.buffer.getvalue()  # type: ignore[attr-defined]  # it is a BytesIO
    return raw.decode()


def test_a_table_of_hostile_cells_forges_no_line(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    rows = [(f"{HOSTILE}\n\n{number}", "y\r\nz" * 40, "w" * 500) for number in range(5)]
    Terminal().table(("One", "Two", "Three"), rows)
    out, _ = streams.read()
    assert len(out.splitlines()) <= 1 + 5 * 5, "a cell has five lines at most"
    assert not any(is_dangerous(char) or char == "\t" for char in out)


def tables(headings: tuple[str, ...], rows: list[tuple[str, ...]], width: int | None) -> str:
    """What a table of them looks like; without a width, in a file."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width or ""))
        patch.setattr(sys, "stdout", out)
        Terminal().table(headings, rows)
    return _written(out)


@given(rows=st.lists(st.tuples(ANYTHING, ANYTHING), max_size=4))
def test_any_table_is_whole_in_a_file(rows: list[tuple[str, str]]) -> None:
    out = tables(("One", "Two"), rows, None)
    assert out.count("\n") == 1 + len(rows)
    assert all(safe_line(cell) in line for row, line in zip(rows, out.split("\n")[1:], strict=False) for cell in row)


@given(
    rows=st.lists(st.tuples(ANYTHING, st.text("x日e\u0301 ", max_size=60), ANYTHING), max_size=4),
    width=st.integers(40, 120),
)
def test_only_a_word_is_wider_than_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    lines = tables(("One", "Two", "Three"), rows, width).splitlines()
    assert all(columns_of(line) <= width for line in lines if len(line.split()) > 2)


STATUS = ("Job ID", "You are", "State", "Since", "Until", "Job", "Next")
JOB = ("n0qlna45dgynluhtl0gf", "creator", "offered", "block 95, 6 ago", "-", "日本語の歌 for cats", "pay: rein fund")


def test_a_narrow_table_goes_over_lines() -> None:
    assert tables(STATUS, [JOB], 80).splitlines() == [
        "Job ID                You are  State    Since       Until  Job         Next",
        "n0qlna45dgynluhtl0gf  creator  offered  block 95,   -      日本語の歌  pay: rein",
        "                                        6 ago              for cats    fund",
    ]


def test_a_narrower_one_becomes_lists() -> None:
    out = tables(STATUS[:4] + STATUS[5:6], [JOB[:4] + JOB[5:6], ("id", "worker", "bid", "", "x y")], 30)
    assert out.splitlines() == [
        "Job ID   n0qlna45dgynluhtl0gf",
        "You are  creator",
        "State    offered",
        "Since    block 95, 6 ago",
        "Job      日本語の歌 for cats",
        "",
        "Job ID   id",
        "You are  worker",
        "State    bid",
        "Since",
        "Job      x y",
    ]


ADDRESS = "bcrt1qd8v0sdsn3jq8k3t0uptq4s9p92zvj2jkkvfcmx0y690gl9vu4hks8uddew"
ONION = "http://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion:2016/"


@given(width=st.integers(1, 200), prose=st.text("ab 日", max_size=300))
def test_what_somebody_copies_is_whole_at_every_width(width: int, prose: str) -> None:
    out = tables(("Address", "Server", "Until", "Says"), [(ADDRESS, ONION, "2026-12-12 10:00 UTC", prose)], width)
    assert {ADDRESS, ONION, "2026-12-12", "10:00"} <= set(out.split())


def test_one_endless_word_of_a_stranger_leaves_the_table_a_table() -> None:
    out = tables(("Job ID", "Job"), [("n0qlna45dgynluhtl0gf", "x" * 65_000), ("other", "a job")], 60)
    assert [len(line) for line in out.splitlines()] == [25, 60, 27]
    assert out.splitlines()[1].endswith("x…")


def test_long_prose_ends_after_five_lines() -> None:
    out = tables(("Job ID", "Job"), [("n0qlna45dgynluhtl0gf", "many words " * 1_000)], 60)
    assert len(out.splitlines()) == 6
    assert out.splitlines()[-1].endswith("…")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("กำ", 2),
        ("ที่", 1),
        ("\u1112\u1161\u11ab", 2),
        ("🔑", 2),
        ("\u2601\ufe0f", 1),
        ("\x1b[1mab\x1b[0m", 2),
    ],
)
def test_how_wide_text_is(text: str, columns: int) -> None:
    assert columns_of(text) == columns


def test_prose_is_broken_at_blanks_and_what_is_copied_is_not() -> None:
    assert wrap("  without them, nobody is.", 22) == ["  without them, nobody", "  is."]
    assert wrap("Hint:  look it over", 15) == ["Hint:  look it", "       over"]
    assert wrap("\x1b[1mfail\x1b[0m  it is not there", 12) == ["\x1b[1mfail\x1b[0m  it is", "      not", "      there"]
    assert wrap("  no label here", 10) == ["  no label", "  here"]
    assert wrap(f"    URI  {ADDRESS}", 40) == [f"    URI  {ADDRESS}"], "a terminal breaks it, and copies it whole"
    assert wrap(f"{ADDRESS} is where to pay", 70) == [f"{ADDRESS} is", "where to pay"]
    assert wrap("Publish it with `rein --home bob sync`, then pay: `rein --home bob fund`.", 40) == [
        "Publish it with `rein --home bob sync`,",
        "then pay: `rein --home bob fund`.",
    ]
    long = "`rein --home charlie wallet send ADDRESS AMOUNT`"
    assert wrap(f"See it: {long}", 50) == ["See it:", long]
    assert wrap(f"See it: {long}", 40) == [f"See it: {long}"]


@pytest.mark.parametrize(
    ("hint", "pieces"),
    [
        (
            "Publish it with `rein sync`, then pay: `rein fund`.",
            ["Publish it with:", "rein sync", "Then pay:", "rein fund"],
        ),
        (
            "Publish it with `rein sync`; the mediator will see it.",
            ["Publish it with:", "rein sync", "The mediator will see it."],
        ),
        ("Create one: rein --home '/my. home; x' setup", ["Create one:", "rein --home '/my. home; x' setup"]),
        ("Spend it: rein wallet sweep TO. Or keep it.", ["Spend it:", "rein wallet sweep TO", "Or keep it."]),
        ("Is it a case file? rein case keep FILE", ["Is it a case file?", "rein case keep FILE"]),
        ("rein config tor on 127.0.0.1:9050", ["rein config tor on 127.0.0.1:9050"]),
        ("The next rein watch tries again.", ["The next rein watch tries again."]),
        ("Agree: rein settle, or rein refund.", ["Agree:", "rein settle", "Or:", "rein refund"]),
        ("Give --yes.", ["Give --yes."]),
        ("", [""]),
    ],
)
def test_what_is_to_be_typed_stands_on_its_own_line(hint: str, pieces: list[str], streams: Streams) -> None:
    assert [piece for piece, _ in apart(hint)] == pieces
    assert [is_command for _, is_command in apart(hint)] == [piece.startswith("rein ") for piece in pieces]
    Terminal().advise(hint)
    assert [line.strip() for line in streams.read()[0].splitlines()] == pieces


def test_a_command_is_never_broken(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", screen := Narrow())
    command = "rein --home '/a home with a long name' status --jobid n0qlna45dgynluhtl0gf"
    Terminal().error(InputError("no", hint=f"See where this job stands and what comes next: {command}. Then wait."))
    assert screen.getvalue().splitlines() == [
        "Error: no",
        "Hint:  See where this job stands and",
        "       what comes next:",
        f"         {command}",
        "       Then wait.",
    ]


@given(line=st.text("ab 日", max_size=200), room=st.integers(1, 50))
def test_wrapping_loses_no_word(line: str, room: int) -> None:
    assert " ".join(wrap(line, room)).split() == line.split()


# What is shown.


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_colours(variables: dict[str, str], coloured: bool, streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Terminal().table(("One",), [("1",)])
    Terminal().error(InputError("no"))
    out, err = streams.read()
    assert ("\x1b[" in out) is ("\x1b[" in err) is coloured
    Terminal(as_json=True).result({"a": 1})
    assert "\x1b" not in streams.read()[0]


def test_quiet_and_verbose(streams: Streams) -> None:
    for terminal in (Terminal(), Terminal(quiet=True), Terminal(verbose=True), Terminal(quiet=True, verbose=True)):
        terminal.say("result")
        terminal.note("remark")
        terminal.note("what is signed", vital=True)
        terminal.detail("detail")
    assert streams.read()[1].split("\n") == [
        *("remark", "what is signed"),
        "what is signed",
        *("remark", "what is signed", "detail") * 2,
        "",
    ]


def test_quiet_for_programs_says_nothing_but_the_object(streams: Streams) -> None:
    terminal = Terminal(as_json=True, quiet=True, assume_yes=True)
    terminal.say("result")
    terminal.note("remark", vital=True)
    terminal.result({"a": 1})
    assert streams.read() == ('{\n  "a": 1\n}\n', "")
    Terminal(as_json=True, quiet=True).say("What you would sign: …")
    assert streams.read()[1], "somebody may be asked about it"


def test_verbose_tells_what_lies_behind_an_error(streams: Streams) -> None:
    try:
        raise RemoteError("no answer") from ConnectionRefusedError("refused\x1b[2J\nError: forged")
    except RemoteError as error:
        Terminal(verbose=True).error(error)
        told = streams.read()[1].splitlines()
    assert told[3:] == [f"Cause: ConnectionRefusedError: refused{REPLACED}[2J Error: forged"]


class Screen(io.StringIO):
    """A terminal that nobody looks at."""

    def isatty(self) -> bool:
        return True


def test_progress_comes_after_a_second_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("rein.cli.console.terminal._PATIENCE_S", 0.3)
    terminal = Terminal()
    with terminal.progress("short"):
        time.sleep(0.05)
    assert screen.getvalue() == ""
    with terminal.progress("rein sync"), terminal.progress("Reading\x1b") as progress:
        progress.of("a", 10, 1_000)
        progress.of("b", 900, 234)
        progress.of("a", 766, 1_000)
        _wait_for(screen, f"Reading{REPLACED} 1,000 of 1,234 … 0 s")
        terminal.note("a remark")
    shown = screen.getvalue()
    assert "\r\x1b[Ka remark\n" in shown, "the line is wiped before anything else is written"
    assert shown.count("\r\x1b[K") == shown.count(" s\r") + shown.count(" s\n")
    before = threading.active_count()
    with terminal.progress("again"):
        pass
    assert threading.active_count() == before


def _wait_for(screen: Screen, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in screen.getvalue():
        assert time.monotonic() < deadline, screen.getvalue()
        time.sleep(0.02)


@pytest.mark.parametrize("terminal", [Terminal(quiet=True), Terminal()], ids=["quiet", "no terminal"])
def test_no_progress_where_nobody_looks(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen() if terminal.quiet else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("rein.cli.console.terminal._PATIENCE_S", 0)
    with terminal.progress("x"):
        time.sleep(0.5)
    assert screen.getvalue() == ""


def test_units() -> None:
    assert amount(Sat(1_500_000)) == "0.01500000 BTC (1,500,000 sat)"
    sizes = {0: "0 bytes", 999: "999 bytes", 1_000: "1.0 kB (1,000 bytes)", 1_999_999: "1.9 MB (1,999,999 bytes)"}
    assert {count: size(count) for count in sizes} == sizes
    assert size(10**18).startswith("1,000.0 PB")


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
