"""Form files: `Label: value` lines with the escapes of documents, and nothing that could smuggle in another line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rein.cli.toolkit import form as form_module
from rein.cli.toolkit.form import LABELS, read_form
from rein.errors import InputError
from rein.protocol.text import escape
from tests.support.texts import any_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "form.txt"


def test_no_file_is_an_empty_form() -> None:
    assert read_form(None, "Rein Job").get("Job name") is None


def test_answers_come_by_label(path: Path) -> None:
    path.write_text("Rein Job\nJob name: abc\n\nDescription:  two\\nlines: yes  \nExpiration (days):5\nTags:\n")
    form = read_form(path, "Rein Job")
    assert form.get("Job name") == "abc"
    assert form.get("Description") == "two\nlines: yes"
    assert form.get("Expiration (days)") == "5"
    assert form.get("Tags") == ""
    assert form.get("Mediator") is None
    assert form.get("Mediator", "Job name", "Description") == "abc"


def test_forms_of_windows_editors_are_read(path: Path) -> None:
    path.write_bytes("\ufeffRein Bid\r\nJob ID: abc\r\nDescription: Zoë\r\n".encode())
    form = read_form(path, "Rein Bid")
    assert (form.get("Job ID"), form.get("Description")) == ("abc", "Zoë")


def test_blank_lines_around_are_no_part_of_it(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf\r\n \r\nRein Bid\r\n\r\nJob ID: abc\r\n\r\n\r\n")
    assert read_form(path, "Rein Bid").get("Job ID") == "abc"
    path.write_text("\n\nRein Bid\n\nno label\n")
    with pytest.raises(InputError, match="line 5 "):
        read_form(path, "Rein Bid")


@pytest.mark.parametrize("value", [r"C:\new", r"see d:\table.txt", r"\\server\new", r"(C:\u{41})"])
def test_a_path_whose_backslashes_would_be_lost_is_refused(path: Path, value: str) -> None:
    path.write_text(f"Rein Bid\nDescription: {value}\n")
    with pytest.raises(InputError, match="would not be read as a path"):
        read_form(path, "Rein Bid")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"C:\\new", "C:\\new"),
        (r"It says:\nYes", "It says:\nYes"),
        (r"a\\b\nc", "a\\b\nc"),
        (r"Plan B: \nwait", "Plan B: \nwait"),
    ],
)
def test_what_is_no_lost_path_is_read(path: Path, value: str, meant: str) -> None:
    path.write_text(f"Rein Bid\nDescription: {value}\n")
    assert read_form(path, "Rein Bid").get("Description") == meant


@pytest.mark.parametrize("content", ["", "\n", "Rein Offer\nJob ID: x\n", "Job ID: x\n", "rein bid\n", "Rein Bid:\n"])
def test_a_form_for_something_else_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match="this command wants 'Rein Bid'"):
        read_form(path, "Rein Bid")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("Rein Bid\nno label here\n", 2),
        ("Rein Bid\nJob ID: a\nJob ID: b\n", 3),
        ("Rein Bid\nJob ID: a\n Job ID : a\n", 3),
        ("Rein Bid\nDescription: back\\zlash\n", 2),
        ("Rein Bid\n\n\nDescription: \\u{d800}\n", 4),
        ("Rein Bid\nDescription: one\ntwo\n", 3),
    ],
)
def test_a_bad_line_is_named(path: Path, content: str, line: int) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match=f"line {line} of the form"):
        read_form(path, "Rein Bid")


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_no_other_character_ends_a_line(path: Path, char: str) -> None:
    """A script that writes forms from what people typed must not be made to write another field."""
    path.write_text(f"Rein Bid\nDescription: fine{char}Bid amount (BTC): 0.00001\n", encoding="utf-8")
    form = read_form(path, "Rein Bid")
    assert form.get("Bid amount (BTC)") is None
    assert form.get("Description") == f"fine{char}Bid amount (BTC): 0.00001"


def test_a_form_is_never_cut_short_silently(path: Path) -> None:
    head = "Rein Bid\nDescription: "
    path.write_text(head + "x" * (65_536 - len(head)))
    assert len(read_form(path, "Rein Bid").get("Description") or "") == 65_536 - len(head)
    path.write_text(head + "x" * (65_537 - len(head)))
    with pytest.raises(InputError, match="longer than 65,536 characters"):
        read_form(path, "Rein Bid")


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00", b"Rein Bid\nWorker: \xe9\n", b"\x00" * 100], ids=["utf-16", "latin", "nul"]
)
def test_other_encodings_are_errors_of_ours(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    with pytest.raises(InputError):
        read_form(path, "Rein Bid")


def test_what_cannot_be_read_is_an_error_of_ours(path: Path, tmp_path: Path) -> None:
    for each in (path, tmp_path, path / "below"):
        with pytest.raises(InputError, match="cannot be read"):
            read_form(each, "Rein Bid")


def _keeps_its_ends(value: str) -> bool:
    """Blanks of other alphabets are not escaped, and a form trims them at the ends of a value."""
    return escape(value) == escape(value).strip()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(any_text.filter(_keeps_its_ends), max_size=5))
def test_any_value_comes_back_through_the_escapes_of_documents(path: Path, values: list[str]) -> None:
    labels = LABELS["Rein Job"][: len(values)]
    lines = "".join(f"{label}: {escape(value)}\n" for label, value in zip(labels, values, strict=True))
    path.write_text("Rein Job\n" + lines, encoding="utf-8", newline="\n")
    form = read_form(path, "Rein Job")
    assert [form.get(label) for label in labels] == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=any_text | st.text())
def test_any_content_is_a_form_or_an_error_of_ours(path: Path, content: str) -> None:
    path.write_bytes(("Rein Job\n" + content).encode(errors="surrogatepass"))
    try:
        read_form(path, "Rein Job")
    except InputError:
        return


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("Rein Job", "Rein Job\nJob name: a\nCategory: b\nDescription: c\nMediator public key: 02ab\n"),
        ("Rein Bid", "Rein Bid\nJob ID: a\nDescription: b\nBid amount (BTC): 0.1\n"),
        ("Rein Offer", "Rein Offer\nJob ID: a\nWorker public key: 02ab\n"),
        ("Rein Delivery", "Rein Delivery\nJob ID: a\nDeliverables: b\n"),
        ("Rein Delivery", "Rein Deliver\nJob ID: a\nDeliverables: b\n"),
        (
            "Rein Accept Delivery",
            "Rein Accept Delivery\nJob ID: a\nSigned primary payment: 00\nSigned mediator payment: 00\n",
        ),
        ("Rein Accept Delivery", "Rein Accept\nJob ID: a\n"),
        ("Rein Dispute Delivery", "Rein Dispute Delivery\nJob ID: a\nDispute detail: b\n"),
        ("Rein Dispute Offer", "Rein Dispute Offer \nJob ID: a\nDispute detail: b\n"),
        ("Rein Dispute Resolution", "Rein Dispute Resolution\nJob ID: a\nResolution: b\n"),
        ("Rein Dispute Resolution", "Rein Dispute Resolution\nJob ID: a\nClient payment amount (BTC): 0\n"),
    ],
)
def test_forms_of_2016_are_read(path: Path, title: str, written: str) -> None:
    """As they lay in tests/fixtures of python-rein 0.1 to 0.3, with the titles its own commands refused."""
    path.write_text(written)
    form = read_form(path, title)
    for line in written.splitlines()[1:]:
        label, _, value = line.partition(": ")
        assert form.get(label) == value


def test_a_slip_in_a_label_loses_no_answer(path: Path) -> None:
    path.write_text("Rein Job\nExpires: 3\n")
    with pytest.raises(InputError, match="'Expires' is not used here") as caught:
        read_form(path, "Rein Job")
    assert "Expiration (days)" in (caught.value.hint or "")


def test_the_labels_that_may_stand_are_those_that_commands_ask_for() -> None:
    folder = Path(form_module.__file__).parent.parent
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py")))
    asked = {label for call in re.findall(r"form\.get\(((?:\"[^\"]+\"(?:, )?)+)\)", source) for label in _quoted(call)}
    assert asked == {label for labels in LABELS.values() for label in labels}


def _quoted(call: str) -> list[str]:
    return re.findall(r'"([^"]+)"', call)
