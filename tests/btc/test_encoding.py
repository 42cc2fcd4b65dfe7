import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import base58
from rein.btc.encoding import Reader, compact_size, with_length


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_compact_size_round_trip(number: int) -> None:
    reader = Reader(compact_size(number))
    assert reader.compact_size() == number
    assert reader.at_end


@pytest.mark.parametrize("text", ["fdfc00", "fdff", "feffff0000", "ffffffffff00000000", "fe010000", "", "ff00"])
def test_compact_size_refuses_long_forms_and_ends(text: str) -> None:
    with pytest.raises(ValueError, match=r"it ends too early|longer than needed"):
        Reader(bytes.fromhex(text)).compact_size()


def test_a_length_beyond_the_end_is_refused() -> None:
    assert Reader(with_length(b"abc")).string() == b"abc"
    with pytest.raises(ValueError, match="it ends too early"):
        Reader(b"\xff" + b"\xff" * 8 + b"abc").string()


@given(st.binary(min_size=1, max_size=78))
def test_base58_round_trip(payload: bytes) -> None:
    assert base58.decode_check(base58.encode_check(payload)) == payload


@given(st.text(alphabet=base58.ALPHABET, max_size=40) | st.text(max_size=40))
def test_base58_has_one_spelling(text: str) -> None:
    payload = base58.decode_check(text)
    assert payload is None or base58.encode_check(payload) == text


@pytest.mark.parametrize("text", ["", "1", "11111", "3QJmnh", "1" * 5000, "0" * 26, "I", "l", "O", " 1"])
def test_base58_refuses(text: str) -> None:
    assert base58.decode_check(text) is None


def test_base58_checks_the_checksum() -> None:
    text = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
    assert base58.decode_check(text) is not None
    for position in range(len(text)):
        letter = "z" if text[position] != "z" else "y"
        assert base58.decode_check(text[:position] + letter + text[position + 1 :]) is None
    assert base58.decode_check("1" + text) is None
    assert base58.decode_check(text + " ") is None
