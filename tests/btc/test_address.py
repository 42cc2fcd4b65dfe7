from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import _bech32, address, base58
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, Network
from rein.errors import InputError, KeyMaterialError

# The key and addresses of BIP173.
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
P2WPKH = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
P2WSH = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"
P2PKH = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"

NETWORK = st.sampled_from(list(NETWORKS.values()))
PROGRAMS = st.one_of(
    st.tuples(st.just(0), st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32)),
    st.tuples(st.integers(min_value=1, max_value=16), st.binary(min_size=2, max_size=40)),
)


def witness_script_pubkey(version: int, program: bytes) -> bytes:
    return bytes([0x50 + version if version else 0, len(program)]) + program


def test_published_addresses() -> None:
    assert address.p2wpkh_address(KEY, MAINNET) == P2WPKH
    assert address.p2wsh_address(b"\x21" + KEY + b"\xac", MAINNET) == P2WSH
    assert address.p2pkh_address(KEY, MAINNET) == P2PKH
    assert address.p2wpkh_address(KEY, TESTNET4) == "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
    assert address.p2wpkh_address(KEY, REGTEST).startswith("bcrt1q")
    assert address.p2pkh_script(KEY).hex() == "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac"
    assert address.p2wpkh_script(KEY).hex() == "0014751e76e8199196d454941c45d1b3a323f1433bd6"
    assert address.p2wsh_script(b"").hex() == "0020e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(PROGRAMS, NETWORK)
def test_segwit_round_trip(program: tuple[int, bytes], network: Network) -> None:
    script = witness_script_pubkey(*program)
    text = address.address_of_script(script, network)
    assert address.script_of_address(text, network) == script
    assert address.script_of_address(text.upper(), network) == script


@given(st.binary(min_size=20, max_size=20), NETWORK, st.booleans())
def test_base58_round_trip(content: bytes, network: Network, p2sh: bool) -> None:
    script = b"\xa9\x14" + content + b"\x87" if p2sh else b"\x76\xa9\x14" + content + b"\x88\xac"
    text = address.address_of_script(script, network)
    assert address.script_of_address(text, network) == script
    assert address.is_identity_address(text) is not p2sh


@given(st.text(max_size=100), NETWORK)
def test_any_other_text_is_our_error(text: str, network: Network) -> None:
    with pytest.raises(InputError):
        address.script_of_address(text, network)
    assert address.is_identity_address(text) is False


@pytest.mark.parametrize("position", range(len(P2WPKH)))
def test_one_wrong_letter_is_noticed(position: int) -> None:
    letter = "q" if P2WPKH[position] != "q" else "p"
    with pytest.raises(InputError):
        address.script_of_address(P2WPKH[:position] + letter + P2WPKH[position + 1 :], MAINNET)


@pytest.mark.parametrize(
    ("text", "network", "looks_like"),
    [
        (P2WPKH, REGTEST, "not of regtest: it looks like mainnet$"),
        (P2PKH, SIGNET, "not of signet: it looks like mainnet$"),
        (address.p2wpkh_address(KEY, SIGNET), MAINNET, "not of mainnet: it looks like testnet4 or signet$"),
        (address.p2wpkh_address(KEY, REGTEST), SIGNET, "not of signet: it looks like regtest$"),
        (address.p2pkh_address(KEY, REGTEST), MAINNET, "looks like testnet4 or signet or regtest$"),
        ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", MAINNET, "looks like testnet4 or signet or regtest$"),
        (_bech32.encode("ltc", 0, bytes(20)), MAINNET, "of a kind or network Rein does not know"),
        (base58.encode_check(b"\x30" + bytes(20)), MAINNET, "of a kind or network Rein does not know"),
    ],
)
def test_another_networks_address_is_named(text: str, network: Network, looks_like: str) -> None:
    with pytest.raises(InputError, match=looks_like):
        address.script_of_address(text, network)


@pytest.mark.parametrize(
    "text",
    [
        "",
        P2PKH + "\n",
        " " + P2PKH,
        "1" + P2PKH,
        base58.encode_check(b"\x00" + bytes(19)),
        base58.encode_check(b"\x00" + bytes(21)),
        base58.encode_check(b"\x00" + bytes(75)),
        base58.encode_check(b"\x05" + bytes(32)),
        base58.encode_check(b"\x00"),
        PrivateKey(b"\1" * 32).to_wif(MAINNET),
        P2WPKH[:-2] + P2WPKH[-2:].swapcase(),
        P2WPKH + " ",
        "bc1" + P2WPKH[3:] + "q",
        _bech32.encode_digits("bc", [0, *_bech32._to_digits(bytes(20))], bech32m=True),
        _bech32.encode_digits("bc", [1, *_bech32._to_digits(bytes(32))], bech32m=False),
        _bech32.encode_digits("bc", [17, *_bech32._to_digits(bytes(32))], bech32m=True),
        _bech32.encode_digits("bc", [0, *_bech32._to_digits(bytes(25))], bech32m=False),
        _bech32.encode_digits("bc", [1, *_bech32._to_digits(bytes(1))], bech32m=True),
        _bech32.encode_digits("bc", [1, *_bech32._to_digits(bytes(41))], bech32m=True),
        _bech32.encode_digits("bc", [1, *_bech32._to_digits(bytes(20)), 0], bech32m=True),
        _bech32.encode_digits("bc", [1, *_bech32._to_digits(bytes(32))[:-1], 1], bech32m=True),
        _bech32.encode_digits("bc", [1], bech32m=True),
        _bech32.encode_digits("bc", [], bech32m=False),
        "bc1" + "q" * 1_000_000,
        "1" * 1_000_000,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        address.script_of_address(text, MAINNET)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "script",
    [
        "", "00", "0014" + "00" * 19, "0014" + "00" * 21, "0015" + "00" * 21, "6a0401020304", "51", "5101aa",
        "76a914" + "00" * 20 + "88", "76a914" + "00" * 20 + "88ad", "76a914" + "00" * 21 + "88ac", "a914" + "00" * 20,
        "21" + "02" * 33 + "ac", "6102aabb", "4f02aabb", "5129" + "00" * 41, "a914" + "00" * 20 + "8787",
    ],
)  # fmt: skip
def test_scripts_without_address(script: str) -> None:
    with pytest.raises(InputError, match="has no address"):
        address.address_of_script(bytes.fromhex(script), MAINNET)


def test_segwit_takes_compressed_keys_only() -> None:
    """Uncompressed ones are valid by consensus and refused by every node: the money would be stuck."""
    uncompressed = PrivateKey(b"\1" * 32, compressed=False).public_key
    assert address.p2pkh_address(uncompressed, MAINNET).startswith("1")
    with pytest.raises(KeyMaterialError, match="compressed"):
        address.p2wpkh_address(uncompressed, MAINNET)
    for key in (b"", b"\x00", b"\x06" + uncompressed[1:], KEY[:-1]):
        with pytest.raises(KeyMaterialError):
            address.p2pkh_address(key, MAINNET)
        with pytest.raises(KeyMaterialError):
            address.p2wpkh_address(key, MAINNET)


def test_identity_addresses() -> None:
    assert address.is_identity_address(P2PKH)
    assert address.is_identity_address(address.p2pkh_address(KEY, REGTEST))
    for text in ("", P2WPKH, P2PKH + " ", base58.encode_check(b"\x05" + bytes(20)), base58.encode_check(bytes(22))):
        assert not address.is_identity_address(text)


Load = Callable[[str], Any]


@pytest.mark.parametrize("name", ["bip173", "bip350"])
def test_published_bech32_strings(bip: Load, name: str) -> None:
    vectors = bip(name)
    for text in vectors["valid"]:
        decoded = _bech32.decode_digits(text)
        assert decoded is not None, text
        hrp, digits, bech32m = decoded
        assert bech32m is (vectors["encoding"] == "bech32m")
        assert _bech32.encode_digits(hrp, digits, bech32m=bech32m) == text.lower()
    for case in vectors["invalid"]:
        decoded = _bech32.decode_digits(case["string"])
        assert decoded is None or decoded[2] is not (vectors["encoding"] == "bech32m"), case


def test_published_segwit_addresses(bip: Load) -> None:
    """BIP350's list: BIP173's addresses of version 1 and above are no longer valid."""
    for case in bip("bip350")["valid_address"]:
        network = MAINNET if case["address"].lower().startswith("bc") else SIGNET
        script = bytes.fromhex(case["scriptPubKey"])
        assert address.script_of_address(case["address"], network) == script
        assert address.address_of_script(script, network) == case["address"].lower()


@pytest.mark.parametrize("name", ["bip173", "bip350"])
def test_published_invalid_addresses(bip: Load, name: str) -> None:
    for case in bip(name)["invalid_address"]:
        for network in NETWORKS.values():
            with pytest.raises(InputError):
                address.script_of_address(case["address"], network)
