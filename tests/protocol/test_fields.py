"""A document has one spelling: each field once, in its place, each value written the one way."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import MAX_MONEY, Sat
from rein.btc.networks import NETWORKS
from rein.errors import FieldError, ReinError
from rein.protocol import fields, limits, values
from rein.protocol.documents import TYPES, EscrowSigned, Role
from rein.protocol.fields import Codec, lines_of
from rein.protocol.signed import Signed
from rein.protocol.text import escape
from tests.support.people import (
    disputed_story,
    enroll,
    job,
    messages_of_story,
    person,
    rating,
    refunded_story,
    sealed_bid_of_story,
    story,
)
from tests.support.texts import any_text

STORY = story()
OF_EVERY_TYPE: tuple[Signed[Any], ...] = (
    enroll(person("Alice"), mediator=True),
    STORY.job,
    *STORY.documents,
    *disputed_story().documents[3:],
    refunded_story().asked,
    *messages_of_story(),
    sealed_bid_of_story(),
    rating(STORY.creator, STORY.offer, Role.CREATOR, STORY.worker, Role.WORKER),
)
each_type = pytest.mark.parametrize("signed", OF_EVERY_TYPE, ids=lambda signed: signed.document.KIND.value)
any_document = st.sampled_from(OF_EVERY_TYPE)


def read(signed: Signed[Any], text: str) -> Any:
    return fields.read(type(signed.document), signed.document.TITLE, text)


def refused(signed: Signed[Any], text: str) -> str:
    """The sentence with which a text is refused as a document of this type."""
    assert text != signed.text
    with pytest.raises(FieldError) as caught:
        read(signed, text)
    return caught.value.message


def edited(signed: Signed[Any], edit: Callable[[list[str]], None]) -> str:
    rows = signed.text.split("\n")
    edit(rows)
    return "\n".join(rows)


def test_every_type_is_tried() -> None:
    assert {type(signed.document) for signed in OF_EVERY_TYPE} == set(TYPES)


@each_type
def test_it_reads_as_it_was_written(signed: Signed[Any]) -> None:
    assert read(signed, signed.text) == signed.document
    assert fields.write(signed.document.TITLE, signed.document) == signed.text


@each_type
def test_every_line_is_a_label_and_a_value(signed: Signed[Any]) -> None:
    title, format_line, *rows = signed.text.split("\n")
    assert title == signed.document.TITLE
    assert format_line == "Format: 3"
    labels = [row.partition(": ")[0] for row in rows]
    declared = [each.label for each in lines_of(type(signed.document))]
    assert labels == [label for label in declared if label in labels]
    assert labels[0] == "Network"
    tail = ["Block hash", "Block height", "Escrow key signature"]
    assert labels[-3:] == tail if isinstance(signed.document, EscrowSigned) else labels[-2:] == tail[:2]


@pytest.mark.parametrize("cls", TYPES)
def test_labels_are_ones_that_old_readers_take_whole(cls: type[Any]) -> None:
    labels = [each.label for each in lines_of(cls)]
    assert len(set(labels)) == len(labels)
    for label in labels:
        assert re.fullmatch(r"[A-Z][A-Za-z ()]*", label)
        assert label not in ("Title", "Format")
        assert not label.startswith(fields.EXTENSION_PREFIX)


@each_type
def test_a_missing_field_is_named(signed: Signed[Any]) -> None:
    optional = {each.label for each in lines_of(type(signed.document)) if each.optional}
    for number, row in enumerate(signed.text.split("\n")[2:], start=2):
        label = row.partition(": ")[0]
        text = edited(signed, lambda rows, number=number: rows.pop(number))
        if label in optional:
            assert read(signed, text) != signed.document
        else:
            assert refused(signed, text) == f"{signed.document.TITLE} lacks the field {label!r}"


@each_type
def test_a_field_that_stands_twice_is_named(signed: Signed[Any]) -> None:
    for number, row in enumerate(signed.text.split("\n")[2:], start=2):
        label = row.partition(": ")[0]
        for copy in (row, f"{label}: something else"):
            text = edited(signed, lambda rows, number=number, copy=copy: rows.insert(number, copy))
            assert refused(signed, text) == f"duplicate field {label!r}"
    assert "duplicate field 'Format'" in refused(signed, signed.text + "\nFormat: 3")


@each_type
def test_two_fields_that_change_places_are_named(signed: Signed[Any]) -> None:
    last = len(signed.text.split("\n")) - 1
    for number in range(2, last):

        def swap(rows: list[str], number: int = number) -> None:
            rows[number], rows[number + 1] = rows[number + 1], rows[number]

        sentence = refused(signed, edited(signed, swap))
        assert re.fullmatch(rf"line {number + 1} is '.+' where '.+' belongs: fields have a fixed order", sentence)


@each_type
@pytest.mark.parametrize("label", ["Remark", "x-note", "Title", "job id", "Job ID ", "Primary payment txid", "\x1b[2J"])
def test_an_unknown_field_is_critical(signed: Signed[Any], label: str) -> None:
    sentence = refused(signed, f"{signed.text}\n{label}: anything")
    assert sentence == f"{signed.document.TITLE} has no field {label!r}"


@each_type
@pytest.mark.parametrize("row", ["", "no label here", "Job ID:", "Job ID:abc", ":", "Job ID"])
def test_a_line_without_a_label_is_refused_by_its_number(signed: Signed[Any], row: str) -> None:
    assert refused(signed, edited(signed, lambda rows: rows.insert(2, row))) == "line 3 is not `Label: value`"


@each_type
def test_an_empty_value_is_refused(signed: Signed[Any]) -> None:
    for number, row in enumerate(signed.text.split("\n")[2:], start=2):
        label = row.partition(": ")[0]

        def empty(rows: list[str], number: int = number, label: str = label) -> None:
            rows[number] = f"{label}: "

        assert refused(signed, edited(signed, empty)) == f"{label!r}: it is empty"


@each_type
def test_blanks_around_a_value_are_refused(signed: Signed[Any]) -> None:
    for number in range(2, len(signed.text.split("\n"))):
        for wrong in ("{} ", "{}\\s", "\\s{}"):

            def pad(rows: list[str], number: int = number, wrong: str = wrong) -> None:
                label, _, value = rows[number].partition(": ")
                rows[number] = f"{label}: {wrong.format(value)}"

            text = edited(signed, pad)
            try:
                document = read(signed, text)
            except FieldError:
                continue
            assert wrong != "{} "  # a free text may begin or end with a blank, written as \s
            assert document != signed.document
            assert fields.write(signed.document.TITLE, document) == text


WRONG_SPELLINGS = {
    "an escape where none is needed": ("Job name", "A Software\\u{20}Widget"),
    "a letter as an escape": ("Job name", "\\u{41} Software Widget"),
    "a blank escaped in the middle": ("Job name", "A\\sSoftware Widget"),
    "a short run of dashes escaped": ("Description", "\\-\\-\\-\\-"),
    "a line feed by its number": ("Description", "a\\u{a}b"),
    "an escape with leading zeros": ("Description", "a\\u{00000b}b"),
    "a height with a leading zero": ("Block height", "0100"),
    "days with a leading zero": ("Expiration (days)", "014"),
    "a fee with a needless decimal": ("Mediator fee", "1.50%"),
}


@pytest.mark.parametrize(("label", "value"), WRONG_SPELLINGS.values(), ids=WRONG_SPELLINGS)
def test_only_the_one_spelling_of_a_value_is_read(label: str, value: str) -> None:
    text, count = re.subn(rf"(?m)^{re.escape(label)}: .*$", lambda _: f"{label}: {value}", STORY.job.text)
    assert count == 1
    assert refused(STORY.job, text) == f"the value of {label!r} is not written the one way it can be written"


WRONG_VALUES = {
    "a code point that is none": ("Description", "\\u{110000}", "is not a character"),
    "a surrogate": ("Description", "\\u{d800}", "is not a character"),
    "NUL": ("Description", "\\u{0}", "NUL"),
    "an unknown escape": ("Description", "\\q", "begins no known escape"),
    "a network Rein does not know": ("Network", "testnet3", "is not one of mainnet"),
    "a network in capitals": ("Network", "REGTEST", "is not one of mainnet"),
    "a long name": ("Job name", "x" * (limits.MAX_NAME + 1), "101 characters; at most 100"),
    "a long contact": ("Job creator contact", "x" * (limits.MAX_CONTACT + 1), "201 characters; at most 200"),
    "a long description": ("Description", "x" * (limits.MAX_TEXT + 1), "40,001 characters; at most 40,000"),
    "a job id in capitals": ("Job ID", "A" * 20, "is not 20 characters"),
    "a short job id": ("Job ID", "a" * 19, "is not 20 characters"),
    "digits that are not ASCII": ("Block height", "\u0661\u0660", "expected a whole number"),
    "a superscript": ("Block height", "\u00b2", "expected a whole number"),
    "a sign": ("Block height", "+100", "expected a whole number"),
    "an underscore": ("Block height", "1_0", "expected a whole number"),
    "a huge number": ("Block height", "9" * 5_000, "expected a whole number"),
    "a height beyond all blocks": ("Block height", str(2**31), "is not within 0 to"),
    "no days": ("Expiration (days)", "0", "is not within 1 to"),
    "years of days": ("Expiration (days)", "3651", "is not within 1 to"),
    "a time before 1970": ("Time", "-1", "expected a whole number"),
    "a time beyond 32 bits": ("Time", str(2**32), "is not within 0 to 4294967295"),
    "a fee of nothing": ("Mediator fee", "0.0%", "a fee is 0.01% to 100.0%"),
    "a fee of more than all": ("Mediator fee", "100.01%", "a fee is 0.01% to 100.0%"),
    "a fee without percent": ("Mediator fee", "1.0", "is not a percentage"),
    "a fee with a comma": ("Mediator fee", "1,0%", "is not a percentage"),
    "a fee in other digits": ("Mediator fee", "\u0661.\u0660%", "is not a percentage"),
    "a tag in capitals": ("Tags", "Web", "is not a tag"),
    "a tag twice": ("Tags", "web, web", "a tag is repeated"),
    "a tag that begins with a dash": ("Tags", "-web", "is not a tag"),
    "too many tags": ("Tags", ", ".join(f"t{i}" for i in range(17)), "17 tags; at most 16"),
    "a tag that is not composed": ("Tags", "cafe\u0301", "is not a tag"),
    "a tag of another script in capitals": ("Tags", "\u041c\u0423\u0417\u042b\u041a\u0410", "is not a tag"),
    "a tag with a joiner": ("Tags", "a\u200db", "is not a tag"),
    "a tag that turns the line": ("Tags", "a\u202eb", "is not a tag"),
    "a tag that begins with a mark": ("Tags", "\u0301b", "is not a tag"),
    "a tag with a picture": ("Tags", "\U0001f3b5", "is not a tag"),
    "a tag with another blank": ("Tags", "a\u00a0b", "is not a tag"),
    "a long tag": ("Tags", "x" * 33, "is not a tag"),
    "a public key in capitals": ("Job creator public key", "02" + "AB" * 32, "is not a public key"),
    "a public key off the curve": ("Job creator public key", "02" + "00" * 32, "not a point of the curve"),
    "an uncompressed public key": ("Job creator public key", "04" + "11" * 64, "uncompressed"),
    "a document id of 63 digits": ("Mediator enrollment", "a" * 63, "is not 64 lower-case hex digits"),
    "a document id in capitals": ("Mediator enrollment", "A" * 64, "is not 64 lower-case hex digits"),
    "an address that signs nothing": ("Job creator master address", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "P2PKH"),
    "an address of 60,000 letters": ("Job creator master address", "1" * 60_000, "not a P2PKH address"),
    "an escrow address in capitals": ("Mediator payment address", "BCRT1QQQ", "is not a bech32 address"),
    "a long escrow address": ("Mediator payment address", "q" * 91, "more than 90 characters"),
}


@pytest.mark.parametrize(("label", "value", "why"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_value_of_the_wrong_shape_is_refused_by_its_label(label: str, value: str, why: str) -> None:
    text, count = re.subn(rf"(?m)^{re.escape(label)}: .*$", lambda _: f"{label}: {value}", STORY.job.text)
    assert count == 1
    sentence = refused(STORY.job, text)
    assert sentence.startswith(f"{label!r}: ")
    assert why in sentence
    assert len(sentence) < 300


def test_numbers_may_be_as_large_as_their_limits() -> None:
    changes = {"block_height": 2**31 - 1, "time": 2**32 - 1, "expiration_days": 3_650, "mediator_fee": 10_000}
    posted = job(person("Bob"), person("Alice"), **changes).document
    assert {name: getattr(posted, name) for name in changes} == changes


def test_a_boolean_is_true_or_false() -> None:
    [enrollment, *_] = OF_EVERY_TYPE
    for other in ("true", "Y", "1", "yes"):
        text = enrollment.text.replace("Willing to mediate: True", f"Willing to mediate: {other}")
        assert refused(enrollment, text) == "'Willing to mediate': it is neither True nor False"


WRONG_AMOUNTS = ("0.05", "5", "0.050000000", "-0.05000000", "5e-2", "0,05000000", "00.05000000", "21000000.00000001")


@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_an_amount_has_one_spelling(amount: str) -> None:
    text = STORY.bid.text.replace("Bid amount (BTC): 0.05000000", f"Bid amount (BTC): {amount}")
    assert "'Bid amount (BTC)'" in refused(STORY.bid, text)


def test_an_error_repeats_little_of_what_a_stranger_wrote() -> None:
    label = "L" * 60_000
    assert len(refused(STORY.job, f"{STORY.job.text}\n{label}: x")) < 200
    assert len(refused(STORY.job, f"{STORY.job.text}\n{label}: x\n{label}: x")) < 200
    assert len(refused(STORY.job, f"{STORY.job.text}\nX-a: b\n{label}: x")) < 200
    assert len(refused(STORY.job, f"{STORY.job.text}\nX-{label}\x1b: x")) < 200


# ---- extensions


@each_type
def test_an_extension_after_the_last_field_is_passed_over(signed: Signed[Any]) -> None:
    text = f"{signed.text}\nX-Invoice number: 42\nX-note-2: caf\u00e9 \\n\\\\"
    assert read(signed, text) == signed.document


@each_type
def test_extensions_stand_last_and_once(signed: Signed[Any]) -> None:
    before = edited(signed, lambda rows: rows.insert(2, "X-note: a"))
    assert "where only extensions may stand" in refused(signed, before)
    assert refused(signed, f"{signed.text}\nX-note: a\nX-note: b") == "duplicate field 'X-note'"
    assert "where only extensions may stand" in refused(signed, f"{signed.text}\nX-note: a\nNote: b")


BAD_EXTENSION_LABELS = (
    "X-",
    "X--a",
    "X-a-",
    "X-a  b",
    "X- a",
    "X-a:b",
    "X-a\tb",
    "X-\x1b[2J",
    "X-a\x85",
    "X-a\u2028b",
    "X-\u202ea",
    "X-\u00e9",
    "X------BEGIN BITCOIN SIGNED MESSAGE-----",
    "X-Rein Job:\u00a0Job ID",
)


@pytest.mark.parametrize("label", BAD_EXTENSION_LABELS)
def test_an_extension_cannot_imitate_anything_by_its_label(label: str) -> None:
    assert "is not a label of an extension" in refused(STORY.job, f"{STORY.job.text}\n{label}: a")


@pytest.mark.parametrize("value", ["", " ", "a ", "\\u{41}", "\\q", "\\u{0}", "-----", "\x1b", "a\x85b"])
def test_an_extension_is_spelled_like_any_value(value: str) -> None:
    assert refused(STORY.job, f"{STORY.job.text}\nX-note: {value}")


@given(any_text)
def test_an_extension_may_say_anything_in_the_one_spelling(value: str) -> None:
    text = f"{STORY.job.text}\nX-note: {escape(value)}"
    if value:
        assert read(STORY.job, text) == STORY.job.document
    else:
        assert "is empty" in refused(STORY.job, text)


# ---- laws


@given(any_document, st.data())
def test_whatever_is_read_is_exactly_what_would_be_written(signed: Signed[Any], data: st.DataObject) -> None:
    rows = signed.text.split("\n")
    row = data.draw(st.integers(2, len(rows) - 1))
    label, _, value = rows[row].partition(": ")
    others = st.sampled_from([each.partition(": ")[2] for each in rows[2:]])
    new = data.draw(any_text | any_text.map(escape) | others | st.text(alphabet=value, min_size=1))
    rows[row] = f"{label}: {new}"
    text = "\n".join(rows)
    try:
        document = read(signed, text)
    except FieldError:
        return
    assert fields.write(document.TITLE, document) == text


CODECS: dict[str, tuple[Codec[Any], st.SearchStrategy[Any]]] = {
    "amount": (values.AMOUNT, st.integers(0, MAX_MONEY)),
    "fee": (values.FEE, st.integers(1, 10_000)),
    "height": (values.HEIGHT, st.integers(0, limits.MAX_HEIGHT)),
    "time": (values.TIME, st.integers(0, limits.MAX_TIME)),
    "days": (values.DAYS, st.integers(1, limits.MAX_EXPIRATION_DAYS)),
    "boolean": (values.BOOLEAN, st.booleans()),
    "network": (values.NETWORK, st.sampled_from(list(NETWORKS.values()))),
    "name": (values.NAME, any_text.filter(lambda text: len(text) <= limits.MAX_NAME)),
    "document id": (values.DOCUMENT_ID, st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
    "job id": (values.JOB_ID, st.from_regex(r"[a-z0-9]{20}", fullmatch=True)),
    "tags": (
        values.TAGS,
        st.lists(
            st.from_regex(r"[a-z0-9]([a-z0-9 +#.-]{0,30}[a-z0-9+#])?", fullmatch=True), unique=True, min_size=1
        ).map(lambda tags: tuple(tags[: limits.MAX_TAGS])),
    ),
}


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_every_value_comes_back_from_its_spelling(name: str, data: st.DataObject) -> None:
    codec, strategy = CODECS[name]
    value = data.draw(strategy)
    assert codec.parse(codec.format(value)) == value


ALL_CODECS = {each.label: each.codec for cls in TYPES for each in lines_of(cls)}


@pytest.mark.parametrize("label", ALL_CODECS)
@given(text=any_text)
def test_every_codec_reads_or_refuses_any_text(label: str, text: str) -> None:
    codec = ALL_CODECS[label]
    try:
        value = codec.parse(text)
    except (ReinError, ValueError):
        return
    assert codec.parse(codec.format(value)) == value


def test_a_value_that_cannot_be_read_again_is_not_written() -> None:
    bob, alice = person("Bob"), person("Alice")
    for name, why in {"": "is empty", "x" * 101: "at most 100", "a\x00b": "NUL", "a\ud800": "surrogate"}.items():
        with pytest.raises(FieldError, match=why):
            job(bob, alice, name=name)
    with pytest.raises(FieldError, match=r"^this Rein Job cannot be written so that it reads the same$"):
        job(bob, alice, tags=("a, b",))
    with pytest.raises(ReinError):
        job(bob, alice, tags=())


@pytest.mark.parametrize(("name", "why"), [("", "'Job name' is empty"), ("a\x00b", "NUL"), ("a\udc80", "surrogate")])
def test_writing_refuses_what_reading_would(name: str, why: str) -> None:
    with pytest.raises(FieldError, match=why):
        fields.write("Rein Job", dataclasses.replace(STORY.job.document, name=name))


@pytest.mark.parametrize(
    ("price", "fee", "expected"),
    [(100_000_000, 100, 1_000_000), (1, 1, 0), (5_000, 1, 1), (4_999, 1, 0), (33_333, 333, 1_110), (7, 10_000, 7)],
)
def test_the_mediators_fee_is_rounded_half_up_to_a_satoshi(price: int, fee: int, expected: int) -> None:
    assert values.mediator_fee(Sat(price), values.BasisPoints(fee)) == expected
