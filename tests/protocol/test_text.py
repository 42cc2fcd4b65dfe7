"""A value is one line, says the same when read back, and can imitate nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.errors import FieldError
from rein.protocol.text import check_text, escape, is_plain, is_utf8, unescape
from tests.support.texts import any_string, any_text

ESCAPES = {
    "": "",
    "plain": "plain",
    "with: a colon": "with: a colon",
    "a\\b": "a\\\\b",
    "a\nb": "a\\nb",
    "a\tb": "a\\tb",
    "a\r\nb": "a\\u{d}\\nb",
    " a ": "\\sa\\s",
    "   ": "\\s\\s\\s",
    "a  b": "a  b",
    " \n ": "\\s\\n\\s",
    "----": "----",
    "-----": "\\-\\-\\-\\-\\-",
    "a ------ b": "a \\-\\-\\-\\-\\-\\- b",
    "\x1b[31m": "\\u{1b}[31m",
    "\x7f\x85": "\\u{7f}\\u{85}",
    "\u2028\u2029": "\\u{2028}\\u{2029}",
    "\\n": "\\\\n",
    "\\u{a}": "\\\\u{a}",
    "é 🎵 日本": "é 🎵 日本",
}


@given(any_string)
def test_what_is_plain_is_written_as_it_is(value: str) -> None:
    if is_plain(value):
        check_text(value)
        assert escape(value) == unescape(value) == value


@pytest.mark.parametrize("code", [*range(0x100), 0x2028, 0x2029, 0xD800, 0xDFFF])
def test_no_character_is_plain_that_is_escaped_or_refused(code: int) -> None:
    value = f"a{chr(code)}b"
    if is_plain(value):
        check_text(value)
        assert escape(value) == value


@pytest.mark.parametrize(("value", "line"), ESCAPES.items(), ids=map(repr, ESCAPES))
def test_each_escape_is_written_and_read(value: str, line: str) -> None:
    assert escape(value) == line
    assert unescape(line) == value


@given(any_text)
def test_every_text_comes_back(value: str) -> None:
    assert unescape(escape(value)) == value


@given(any_text)
def test_a_line_is_one_line_that_imitates_nothing(value: str) -> None:
    line = escape(value)
    assert len(line.splitlines()) <= 1
    assert "-----" not in line
    assert line == line.strip(" ")
    assert not [char for char in line if unicodedata.category(char) in ("Cc", "Zl", "Zp")]


@given(any_text, any_text)
def test_two_texts_never_share_a_line(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@given(any_string)
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        value = unescape(line)
    except FieldError:
        return
    if is_utf8(value):
        assert unescape(escape(value)) == value


@given(any_text.filter(lambda text: "\\" not in text))
def test_a_line_without_a_backslash_stands_for_itself(line: str) -> None:
    assert unescape(line) == line


NOT_ESCAPES = (
    "\\",
    "a\\",
    "\\x",
    "\\N",
    "\\r",
    "\\0",
    "\\ ",
    "\\\\\\",
    "\\u",
    "\\u{}",
    "\\u{g}",
    "\\u{A}",
    "\\u{1234567}",
    "\\u41",
    "\\u{ a}",
)


@pytest.mark.parametrize("line", NOT_ESCAPES)
def test_a_backslash_that_begins_no_escape_is_refused(line: str) -> None:
    with pytest.raises(FieldError, match="begins no known escape"):
        unescape(line)


@pytest.mark.parametrize("char", ["\ud7ff", "\ue000", "\U0010ffff"])
def test_the_characters_beside_those_are_read(char: str) -> None:
    assert unescape(f"\\u{{{ord(char):x}}}") == char


@pytest.mark.parametrize("line", ["\\u{110000}", "\\u{ffffff}", "\\u{d800}", "\\u{dfff}"])
def test_a_code_point_that_is_no_character_is_refused(line: str) -> None:
    with pytest.raises(FieldError, match="is not a character"):
        unescape(line)


@pytest.mark.parametrize("line", ["\\u{41}", "\\u{a}", "\\u{00001b}", "a\\sb", "\\-", "\\-\\-\\-\\-", "\\u{20}"])
def test_other_spellings_are_read_but_are_not_the_one_that_is_written(line: str) -> None:
    """`rein.protocol.fields` compares, and refuses the document: see test_fields."""
    assert escape(unescape(line)) != line


def test_nul_and_surrogates_are_refused_by_name() -> None:
    with pytest.raises(FieldError, match="NUL"):
        check_text("a\x00b")
    with pytest.raises(FieldError, match="surrogate"):
        check_text("a\ud800b")


@given(any_text)
def test_all_other_text_may_be_held(value: str) -> None:
    check_text(value)


@given(st.text())
def test_is_utf8_says_what_the_codec_does(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        assert not is_utf8(value)
    else:
        assert is_utf8(value)
