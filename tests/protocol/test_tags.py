"""Tags are words of any script, and two people who type the same word have the same tag."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.protocol.documents import Job
from rein.protocol.fields import read, write
from rein.protocol.limits import MAX_TAG, MAX_TAGS
from rein.protocol.signed import verify
from rein.protocol.values import fold_tag, job_tags, typed_tags
from tests.support.people import job, person
from tests.support.texts import any_text


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("Music,  theme   song, music", ("music", "theme song")),
        ("МУЗЫКА", ("музыка",)),
        ("Straße, STRASSE", ("strasse",)),
        ("cafe\u0301, Caf\u00e9", ("caf\u00e9",)),
        ("音楽、翻訳\uff0c3d", ("音楽", "翻訳", "3d")),
        ("संगीत", ("संगीत",)),
        ("موسيقى، ترجمة", ("موسيقى", "ترجمة")),
        ("می\u200cرود", ("میرود",)),
        ("c++, c#, node.js, e-mail, .net", None),
        ("c++, c#, node.js, e-mail", ("c++", "c#", "node.js", "e-mail")),
        ("", ()),
        (" , ,", ()),
    ],
)
def test_tags_as_people_type_them(typed: str, tags: tuple[str, ...] | None) -> None:
    if tags is None:
        with pytest.raises(ValueError, match="is not a tag"):
            typed_tags(typed)
    else:
        assert typed_tags(typed) == tags
        assert typed_tags(unicodedata.normalize("NFD", typed)) == tags


@given(text=any_text)
def test_what_may_be_typed_can_be_signed_and_read(text: str) -> None:
    try:
        tags = typed_tags(text)
    except ValueError:
        return
    assert all(len(tag) <= MAX_TAG for tag in tags)
    if tags:
        assert job_tags(", ".join(tags)) == tags
        assert typed_tags(", ".join(tags).upper()) == typed_tags(", ".join(tags))


@given(text=st.text(max_size=40))
def test_folding_is_done_once(text: str) -> None:
    assert fold_tag(fold_tag(text)) == fold_tag(text)
    assert fold_tag(unicodedata.normalize("NFD", text)) == fold_tag(text)


@given(words=st.lists(st.from_regex(r"[a-z0-9](?:[a-z0-9 +#.-]{0,30}[a-z0-9+#])?", fullmatch=True), max_size=MAX_TAGS))
def test_tags_signed_before_stay_readable(words: list[str]) -> None:
    tags = tuple(dict.fromkeys(words))
    if tags:
        assert job_tags(", ".join(tags)) == tags


def test_a_job_carries_them() -> None:
    signed = job(person("Bob"), person("Alice"), tags=("музыка", "音楽", "संगीत"))
    assert read(Job, Job.TITLE, write(Job.TITLE, signed.document)) == signed.document
    assert verify(signed.armored).document.tags == ("музыка", "音楽", "संगीत")
