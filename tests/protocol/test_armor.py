"""The envelope: what stands where, and nothing else anywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.errors import ArmorError, DocumentError, ReinError, TooLargeError
from rein.protocol.armor import BEGIN, BEGIN_SIGNATURE, END, Armored, check_size, read_armor
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from tests.support.texts import any_string, nasty_text

GOOD = "\n".join((BEGIN, "Rein Job", "Format: 3", BEGIN_SIGNATURE, "address", "signature", END))


def test_the_three_parts_are_read_and_written() -> None:
    parts = read_armor(GOOD)
    assert parts == Armored(text="Rein Job\nFormat: 3", address="address", signature="signature")
    assert str(parts) == GOOD


def test_a_line_feed_may_follow_the_last_line() -> None:
    assert read_armor(GOOD + "\n") == read_armor(GOOD)


REFUSED = {
    "nothing": ("", "cut short"),
    "only armor": ("\n".join((BEGIN, BEGIN_SIGNATURE, "address", "signature", END)), "cut short"),
    "no first line": (GOOD.removeprefix(BEGIN + "\n") + "\n" + END, "the first line is not"),
    "a blank before the first line": (" " + GOOD, "the first line is not"),
    "a line before the first line": ("\n" + GOOD, "the first line is not"),
    "a byte order mark": ("\ufeff" + GOOD, "the first line is not"),
    "cut after the signature": (GOOD.removesuffix("\n" + END), "the last line is not"),
    "cut within the last line": (GOOD[:-1], "the last line is not"),
    "two line feeds at the end": (GOOD + "\n\n", "the last line is not"),
    "a blank at the end": (GOOD + " ", "the last line is not"),
    "something after the end": (GOOD + "\nFormat: 3", "the last line is not"),
    "two documents": (GOOD + "\n" + GOOD, "line 4 begins with five dashes"),
    "a line between address and signature": (GOOD.replace("address", "address\nmore"), "four lines from the end"),
    "no signature": (GOOD.replace("\nsignature", ""), "four lines from the end"),
    "armor within the text": (GOOD.replace("Format: 3", BEGIN), "line 3 begins with five dashes"),
    "a signature block within the text": (GOOD.replace("Format: 3", BEGIN_SIGNATURE), "line 3 begins with"),
    "five dashes": (GOOD.replace("Format: 3", "-----"), "line 3 begins with five dashes"),
    "a carriage return": (GOOD.replace("Job\n", "Job\r\n"), "line 2 holds a carriage return"),
    "carriage returns everywhere": (GOOD.replace("\n", "\r\n"), "the first line is not"),
    "NUL": (GOOD.replace("Job", "J\x00b"), "NUL"),
    "a lone surrogate": (GOOD.replace("Job", "J\udc80b"), "surrogate"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ArmorError, match=why):
        read_armor(text)


def test_the_size_limit_counts_bytes_not_characters() -> None:
    filler = MAX_DOCUMENT_BYTES - len(GOOD.encode()) - 1
    assert read_armor(GOOD.replace("Format: 3", "Format: 3 " + "x" * filler))
    with pytest.raises(TooLargeError, match="65,537 bytes; 65,536 are allowed"):
        read_armor(GOOD.replace("Format: 3", "Format: 3 " + "x" * (filler - 1) + "é"))
    with pytest.raises(TooLargeError, match="more than 65,536 bytes"):
        read_armor("x" * (MAX_DOCUMENT_BYTES + 1))


def test_the_size_is_judged_before_anything_else() -> None:
    with pytest.raises(TooLargeError):
        check_size("\x00\udc80" * MAX_DOCUMENT_BYTES)


@given(any_string)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(DocumentError):
        read_armor(text)


lines = st.sampled_from([BEGIN, BEGIN_SIGNATURE, END, "", "Rein Job", "a: b", "-----", "\r"]) | nasty_text


@given(st.lists(lines, max_size=12).map("\n".join))
def test_whatever_is_read_is_written_back_the_same(text: str) -> None:
    try:
        parts = read_armor(text)
    except ReinError:
        return
    assert str(parts) == text.removesuffix("\n")


body_line = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00\n\r")).filter(
    lambda each: not each.startswith("-----")
)


@given(st.lists(body_line, min_size=1, max_size=8), body_line, body_line)
def test_whatever_may_be_written_is_read_back_the_same(body: list[str], address: str, signature: str) -> None:
    parts = Armored("\n".join(body), address, signature)
    assert read_armor(str(parts)) == parts
