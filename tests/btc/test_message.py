"""Bitcoin signed messages: Bitcoin Core's own examples, documents of 2016, and every way to be malformed."""

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import base58, curve, message
from rein.btc.address import p2pkh_address, p2wpkh_address
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, REGTEST
from rein.errors import InputError
from tests.support.curves import BACKENDS

KEY = PrivateKey(bytes.fromhex("d97f5108f11cda6eeebaaa420fef0726b1f898060b98489fa3098463c0032866"))
ADDRESS = "15CRxFdyRpGZLW9w8HnHvVduizdL5jKNbs"
TEXT = "Trust no one"
SIGNATURE = "IPojfrX2dfPnH26UegfbGQQLrdK844DlHq5157/P6h57WyuS/Qsl+h/WSVGDF4MUi4rWSswW38oimDYfNNUBUOk="

SECRETS = st.integers(min_value=1, max_value=curve.ORDER - 1).map(lambda number: number.to_bytes(32, "big"))

# A bid for hosting of 2016, signed by a client of that time (python-bitcoinlib over OpenSSL).
LEGACY_PUT = (
    "1Bw1GawpMb6L2uMe9oREnQS8uFcb6hNkw7",
    "H/ZucnVBthF9wJvvL7tBbmNJtImCqfki+XfURM/vZivuStKyLvEoi6LTQASRIhltiM24UJVE2ArGPsnm8UfRiBM=",
)


def raw(signature: str = SIGNATURE) -> bytes:
    return base64.b64decode(signature)


def spell(data: bytes) -> str:
    return base64.b64encode(data).decode()


def high_s(data: bytes) -> bytes:
    """The other signature of the same key and text."""
    s = curve.ORDER - int.from_bytes(data[33:], "big")
    return bytes([((data[0] - 27) ^ 1) + 27]) + data[1:33] + s.to_bytes(32, "big")


class TestBitcoinCore:
    """Examples from Bitcoin Core's util_tests.cpp and rpc_signmessagesprivkey.py."""

    def test_signs_the_same_bytes(self) -> None:
        assert message.sign(KEY, TEXT) == SIGNATURE
        key = PrivateKey.from_wif("cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N", REGTEST)
        assert message.sign(key, "This is just a test message") == (
            "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0="
        )

    def test_verifies(self) -> None:
        assert message.verify(ADDRESS, TEXT, SIGNATURE)
        assert message.verify(
            "11canuhp9X2NocwCq7xNrQYTmUgZAnLK3",
            "Trust me",
            "IIcaIENoYW5jZWxsb3Igb24gYnJpbmsgb2Ygc2Vjb25kIGJhaWxvdXQgZm9yIGJhbmtzIAaHRtbCeDZINyavx14=",
        )

    def test_a_test_networks_address_verifies_too(self) -> None:
        assert message.verify(p2pkh_address(KEY.public_key, REGTEST), TEXT, SIGNATURE)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.NAME)
def test_both_backends_sign_and_verify_alike(backend: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "_backend", lambda: backend)
    assert message.sign(KEY, TEXT) == SIGNATURE
    assert message.verify(ADDRESS, TEXT, SIGNATURE)
    assert message.verify(ADDRESS, TEXT, spell(high_s(raw())))
    assert not message.verify(ADDRESS, TEXT + " ", SIGNATURE)


@given(SECRETS, st.booleans(), st.text(max_size=300))
def test_round_trip(secret: bytes, compressed: bool, text: str) -> None:
    key = PrivateKey(secret, compressed)
    signature = message.sign(key, text)
    assert message.verify(p2pkh_address(key.public_key, MAINNET), text, signature)
    assert not message.verify(p2pkh_address(key.public_key, MAINNET), text + "x", signature)
    other = PrivateKey(secret, not compressed)
    assert not message.verify(p2pkh_address(other.public_key, MAINNET), text, signature)


@given(st.text(max_size=120), st.text(max_size=60), st.text(max_size=120))
def test_anything_is_false_and_raises_nothing(address: str, text: str, signature: str) -> None:
    assert message.verify(address, text, signature) is False
    assert message.verify(ADDRESS, text, signature) is False
    assert message.verify(address, text, SIGNATURE) is False


@given(st.binary(min_size=65, max_size=65))
def test_any_65_bytes_are_false_and_raise_nothing(data: bytes) -> None:
    assert message.verify(ADDRESS, TEXT, spell(data)) is False


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "\r\n", "é", "e\u0301", "\U0010ffff", "x" * 2_000_000, "\ufeff"])
def test_exact_text_is_signed(text: str) -> None:
    signature = message.sign(KEY, text)
    assert message.verify(ADDRESS, text, signature)
    assert not message.verify(ADDRESS, text + "\0", signature)


@pytest.mark.parametrize("length", [252, 253, 254, 65_535, 65_536])
def test_lengths_where_the_length_itself_grows(length: int) -> None:
    assert message.verify(ADDRESS, "x" * length, message.sign(KEY, "x" * length))


def test_lone_surrogates() -> None:
    with pytest.raises(InputError):
        message.sign(KEY, "\ud800")
    assert not message.verify(ADDRESS, "\ud800", SIGNATURE)
    assert not message.verify("\ud800", TEXT, SIGNATURE)
    assert not message.verify(ADDRESS, TEXT, "\ud800" * 88)


SPELLINGS = {
    "nothing": "",
    "newline at the end": SIGNATURE + "\n",
    "CRLF at the end": SIGNATURE + "\r\n",
    "newline inside": SIGNATURE[:40] + "\n" + SIGNATURE[40:],
    "newline inside, same length": SIGNATURE[:40] + "\n" + SIGNATURE[41:],
    "space before": " " + SIGNATURE,
    "space after": SIGNATURE + " ",
    "exclamation mark": SIGNATURE[:40] + "!" + SIGNATURE[40:],
    "exclamation mark, same length": "!" + SIGNATURE[:-1],
    "NUL": SIGNATURE + "\0",
    "no padding": SIGNATURE.rstrip("="),
    "more padding": SIGNATURE + "=",
    "four more padding": SIGNATURE + "====",
    "text after the padding": SIGNATURE + "AAAA",
    "padding inside": SIGNATURE[:44] + "====" + SIGNATURE[44:],
    "non-zero trailing bits": SIGNATURE[:-2] + "l=",
    "URL alphabet": SIGNATURE.replace("/", "_").replace("+", "-"),
    "lower case": SIGNATURE.lower(),
    "hexadecimal": raw().hex(),
    "Arabic digits": SIGNATURE.replace("5", "\u0665"),
    "full width": SIGNATURE.replace("I", "\uff29"),
    "64 bytes": spell(raw()[:64]),
    "66 bytes": spell(raw() + b"\0"),
    "64 bytes without header": spell(raw()[1:]),
    "huge": "A" * 5_000_000,
}


@pytest.mark.parametrize("signature", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_only_the_exact_base64(signature: str) -> None:
    assert signature != SIGNATURE
    assert message.verify(ADDRESS, TEXT, signature) is False


def test_trailing_bits_would_otherwise_pass() -> None:
    """The spelling above really is the same 65 bytes to Python's decoder."""
    assert base64.b64decode(SPELLINGS["non-zero trailing bits"], validate=True) == raw()


@pytest.mark.parametrize("header", [*range(27), *range(35, 256)])
def test_headers_outside_27_to_34(header: int) -> None:
    """Bitcoin Core accepts 32 of the 256, BIP137 gives 35..42 another meaning: one spelling is enough."""
    assert message.verify(ADDRESS, TEXT, spell(bytes([header]) + raw()[1:])) is False


@pytest.mark.parametrize("compressed", [True, False])
def test_exactly_one_header_verifies(compressed: bool) -> None:
    key = PrivateKey(KEY.secret, compressed)
    address, data = p2pkh_address(key.public_key, MAINNET), raw(message.sign(key, TEXT))
    assert [h for h in range(256) if message.verify(address, TEXT, spell(bytes([h]) + data[1:]))] == [data[0]]


NUMBERS = [0, curve.ORDER, curve.ORDER + 1, 2**256 - 1]


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("header", range(27, 35))
def test_r_and_s_out_of_range(header: int, value: int) -> None:
    number = value.to_bytes(32, "big")
    assert message.verify(ADDRESS, TEXT, spell(bytes([header]) + number + raw()[33:])) is False
    assert message.verify(ADDRESS, TEXT, spell(bytes([header]) + raw()[1:33] + number)) is False
    assert message.verify(ADDRESS, TEXT, spell(bytes([header]) + number + number)) is False


def test_a_high_s_verifies_as_in_bitcoin_core() -> None:
    other = spell(high_s(raw()))
    assert other != SIGNATURE
    assert message.verify(ADDRESS, TEXT, other)


@pytest.mark.parametrize("address", ["1FYMZEHnszCHKTBdFZ2DLrUuk3dGwYKQxh", "mv4JrHNmh1dY6ZfEy7zbAmhEc3Dyr8ULqX"])
def test_nobody_signs_for_the_key_at_infinity(address: str) -> None:
    """hash160 of the single byte 00: python-bitcoinlib recovers that "key" from a crafted signature of any text.

    With R = k G and s = z / k, the recovered key s R - z G is the point at infinity.
    """
    k = 3
    point = curve.public_key(k.to_bytes(32, "big"))
    z = int.from_bytes(message._digest("I owe you everything"), "big")
    s = z * pow(k, -1, curve.ORDER) % curve.ORDER
    for recid in range(4):
        for flag in (0, 4):
            data = bytes([27 + recid + flag]) + point[1:] + s.to_bytes(32, "big")
            assert message.verify(address, "I owe you everything", spell(data)) is False
    data = bytes([27 + (point[0] & 1) + 4]) + point[1:] + s.to_bytes(32, "big")
    assert curve.recover(message._digest("I owe you everything"), data[0] - 31, data[1:], True) is None


def payload(version: int, content: bytes) -> str:
    return base58.encode_check(bytes([version]) + content)


HASH = (base58.decode_check(ADDRESS) or b"")[1:]


@pytest.mark.parametrize(
    "address",
    [
        "",
        ADDRESS + "\n",
        " " + ADDRESS,
        ADDRESS + "1",
        ADDRESS[:-1],
        ADDRESS.lower(),
        "1" + ADDRESS,
        payload(0x05, HASH),
        payload(0xC4, HASH),
        payload(0x80, HASH),
        payload(0x00, HASH + b"\0"),
        payload(0x00, HASH[:-1]),
        payload(0x00, b"\0" + HASH),
        payload(0x00, HASH * 3),
        p2wpkh_address(KEY.public_key, MAINNET),
        KEY.public_key.hex(),
        "1" * 1_000_000,
    ],
)
def test_only_p2pkh_addresses(address: str) -> None:
    assert message.verify(address, TEXT, SIGNATURE) is False


def test_a_signature_of_2016(old_documents: Path) -> None:
    import json

    facts = json.loads((old_documents / "keys-and-escrow.json").read_text())["put"][0]["body"]
    text = facts["key"] + facts["value"] + facts["signature_address"] + facts["nonce"]
    assert (facts["signature_address"], facts["signature"]) == LEGACY_PUT
    assert message.verify(*[LEGACY_PUT[0], text, LEGACY_PUT[1]])


def test_documents_of_2016(old_documents: Path) -> None:
    armor = re.compile(
        r"-----BEGIN BITCOIN SIGNED MESSAGE-----\n(.*)\n-----BEGIN SIGNATURE-----\n(\S+)\n(\S+)\n-----END", re.DOTALL
    )
    verified = 0
    for path in sorted(old_documents.glob("*.txt")):
        match = armor.match(path.read_text())
        if match is not None:
            verified += message.verify(match[2], match[1], match[3])
    assert verified > 0


def test_verifying_loads_no_wallet_library() -> None:
    """embit loads a C library and python-bitcoinlib's wallet loads libssl: a server that verifies needs neither."""
    code = (
        "import sys, rein.btc.message, rein.btc.address, rein.btc.keys\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'embit', 'bitcoin', 'ecdsa'}))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
