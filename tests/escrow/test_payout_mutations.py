"""Whatever is changed in the bytes of a payment: refused with an error of ours, or exactly the agreed transaction."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rein.btc.psbt import Psbt
from rein.btc.transaction import OutPoint
from rein.errors import ReinError
from rein.escrow.payout import sign_payout
from tests.support import money
from tests.support.money import IDS, MALLORY, SOME_TXID, agreed, deal

OUTPOINT = OutPoint(SOME_TXID, 1)
HONEST = {which: sign_payout(agreed(deal().terms.of(which), OUTPOINT), deal().creator) for which in IDS}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \n\x00\u20bf"

Change = Callable[[bytes], bytes]


def _flip(raw: bytes, place: int, bits: int) -> bytes:
    place %= len(raw)
    return raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :]


def _insert(raw: bytes, place: int, data: bytes) -> bytes:
    place %= len(raw) + 1
    return raw[:place] + data + raw[place:]


def _delete(raw: bytes, place: int, length: int) -> bytes:
    place %= len(raw)
    return raw[:place] + raw[place + length :]


def _write(raw: bytes, place: int, data: bytes) -> bytes:
    place %= len(raw)
    return raw[:place] + data + raw[place + len(data) :]


def _move(raw: bytes, source: int, length: int, target: int) -> bytes:
    source %= len(raw)
    piece = raw[source : source + length]
    return _insert(raw, target, piece)


_place = st.integers(0, 2_000)
_data = st.binary(min_size=1, max_size=40) | st.sampled_from(
    [b"\xff" * 9, b"\xfd\xff\xff", b"\xfe\xff\xff\xff\x7f", b"\x00" * 8, b"psbt\xff", b"\x01", MALLORY.public_key]
)
_change = st.one_of(
    st.builds(lambda place, bits: lambda raw: _flip(raw, place, bits), _place, st.integers(1, 255)),
    st.builds(lambda place, data: lambda raw: _insert(raw, place, data), _place, _data),
    st.builds(lambda place, data: lambda raw: _write(raw, place, data), _place, _data),
    st.builds(lambda place, length: lambda raw: _delete(raw, place, length), _place, st.integers(1, 80)),
    st.builds(lambda a, n, b: lambda raw: _move(raw, a, n, b), _place, st.integers(1, 120), _place),
    st.builds(lambda length: lambda raw: raw[:length], st.integers(0, 400)),
)


def check(text: str, which: str) -> bool:
    """Whether it passed; then it must be the honest payment in everything that matters."""
    told, honest = deal(), HONEST[which]
    try:
        checked = money.check(text, told.terms.of(which), OUTPOINT, told.creator).psbt
    except ReinError:
        return False
    assert checked.transaction == honest.transaction
    assert checked.inputs == honest.inputs
    assert checked.partial_signatures(0) == honest.partial_signatures(0)
    assert checked == honest, "nothing else was adopted"
    return True


@pytest.mark.parametrize("which", IDS)
@settings(max_examples=800)
@given(change=_change)
def test_one_change_of_the_bytes(which: str, change: Change) -> None:
    check(b64encode(change(HONEST[which].raw)).decode(), which)


@pytest.mark.parametrize("which", IDS)
@settings(max_examples=300)
@given(changes=st.lists(_change, min_size=2, max_size=5))
def test_several_changes_of_the_bytes(which: str, changes: list[Change]) -> None:
    raw = HONEST[which].raw
    for change in changes:
        raw = change(raw or b"\x00")
    check(b64encode(raw).decode(), which)


@pytest.mark.parametrize("which", IDS)
@given(place=_place, letter=st.sampled_from(LETTERS), instead=st.booleans())
def test_one_change_of_the_letters(which: str, place: int, letter: str, instead: bool) -> None:
    text = HONEST[which].to_base64()
    place %= len(text)
    changed = text[:place] + letter + text[place + instead :]
    assert check(changed, which) == (changed == text)


@given(text=st.text(max_size=2_000))
@example("cHNidP8=")
@example("\ud800")
def test_any_text_at_all(text: str) -> None:
    assert not check(text, "primary")


@given(raw=st.binary(max_size=600))
def test_any_bytes_behind_the_magic(raw: bytes) -> None:
    assert not check(b64encode(b"psbt\xff" + raw).decode(), "mediator")


@pytest.mark.parametrize("which", IDS)
def test_every_single_bit(which: str) -> None:
    """Exhaustive: no bit of a payment can be turned without being noticed."""
    raw = HONEST[which].raw
    passed = [
        (place, bit)
        for place in range(len(raw))
        for bit in range(8)
        if check(b64encode(_flip(raw, place, 1 << bit)).decode(), which)
    ]
    assert passed == []


@pytest.mark.parametrize("which", IDS)
def test_every_length(which: str) -> None:
    raw = HONEST[which].raw
    assert [length for length in range(len(raw) + 1) if check(b64encode(raw[:length]).decode(), which)] == [len(raw)]


@pytest.mark.parametrize("which", IDS)
def test_what_passed_is_always_the_canonical_spelling(which: str) -> None:
    assert check(HONEST[which].to_base64(), which)
    assert Psbt.parse(HONEST[which].to_base64()).raw == HONEST[which].raw
