import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import base58, curve
from rein.btc.keys import PrivateKey, parse_public_key
from rein.btc.networks import MAINNET, NETWORKS, REGTEST
from rein.errors import KeyMaterialError

SECRET = bytes.fromhex("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d")
UNCOMPRESSED_WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
COMPRESSED_WIF = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617"

SECRETS = st.integers(min_value=1, max_value=curve.ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def test_published_wif() -> None:
    """The example of the Bitcoin wiki's page on WIF."""
    assert PrivateKey.from_wif(UNCOMPRESSED_WIF, MAINNET) == PrivateKey(SECRET, compressed=False)
    assert PrivateKey.from_wif(COMPRESSED_WIF, MAINNET) == PrivateKey(SECRET)
    assert PrivateKey(SECRET, compressed=False).to_wif(MAINNET) == UNCOMPRESSED_WIF


@given(SECRETS, st.booleans(), st.sampled_from(list(NETWORKS.values())))
def test_wif_round_trip(secret: bytes, compressed: bool, network: object) -> None:
    key = PrivateKey(secret, compressed)
    assert PrivateKey.from_wif(key.to_wif(network), network) == key  # type: ignore[arg-type]


def wif(payload: bytes) -> str:
    return base58.encode_check(payload)


@pytest.mark.parametrize(
    "text",
    [
        "",
        COMPRESSED_WIF[:-1],
        COMPRESSED_WIF + "1",
        " " + COMPRESSED_WIF,
        COMPRESSED_WIF.lower(),
        wif(b"\x80" + SECRET + b"\x00"),
        wif(b"\x80" + SECRET + b"\x02"),
        wif(b"\x80" + SECRET + b"\x01\x01"),
        wif(b"\x80" + SECRET + b"\x01" * 10),
        wif(b"\x80" + SECRET[:31]),
        wif(b"\x80" + bytes(32) + b"\x01"),
        wif(b"\x80" + curve.ORDER.to_bytes(32, "big") + b"\x01"),
        wif(b"\x81" + SECRET + b"\x01"),
        wif(b"\x80"),
    ],
)
def test_wif_refused(text: str) -> None:
    with pytest.raises(KeyMaterialError) as caught:
        PrivateKey.from_wif(text, MAINNET)
    assert len(text) < 5 or text not in str(caught.value)


def test_wif_of_another_network_is_refused() -> None:
    with pytest.raises(KeyMaterialError, match="not a WIF private key of regtest"):
        PrivateKey.from_wif(COMPRESSED_WIF, REGTEST)


@pytest.mark.parametrize("secret", [b"", bytes(32), b"\1" * 31, b"\1" * 33, curve.ORDER.to_bytes(32, "big"), "1" * 32])
def test_secrets_refused(secret: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        PrivateKey(secret)


def test_the_secret_is_never_shown() -> None:
    key = PrivateKey(SECRET)
    for text in (repr(key), str(key), f"{key}", repr([key])):
        assert text.strip("[]") == "PrivateKey(<secret>, compressed=True)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        key.secret = bytes(32)  # type: ignore[misc]


def test_public_key() -> None:
    assert PrivateKey(SECRET).public_key.hex() == "02d0de0aaeaefad02b8bdc8a01a1b8b11c696bd3d66a2c5f10780d95b7df42645c"
    assert len(PrivateKey(SECRET, compressed=False).public_key) == 65


GOOD = "02d0de0aaeaefad02b8bdc8a01a1b8b11c696bd3d66a2c5f10780d95b7df42645c"


def test_parse_public_key() -> None:
    assert parse_public_key(GOOD) == bytes.fromhex(GOOD)
    uncompressed = PrivateKey(SECRET, compressed=False).public_key
    assert parse_public_key(uncompressed.hex(), allow_uncompressed=True) == uncompressed
    with pytest.raises(KeyMaterialError, match="uncompressed"):
        parse_public_key(uncompressed.hex())


@pytest.mark.parametrize(
    "text",
    [
        "", GOOD[:-1], GOOD[:-2], GOOD + "00", GOOD.upper(), " " + GOOD, GOOD + "\n", "04" + GOOD[2:], "05" + GOOD[2:],
        "00", "02" + "00" * 31 + "05", "02" + "ff" * 32, "0x" + GOOD[2:], "02" + "\u0661" * 64, "06" + "11" * 64,
        "04" + "11" * 64, "\ud800", "0" * 100_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("allow_uncompressed", [False, True])
def test_parse_public_key_refuses(text: str, allow_uncompressed: bool) -> None:
    with pytest.raises(KeyMaterialError) as caught:
        parse_public_key(text, allow_uncompressed=allow_uncompressed)
    assert len(str(caught.value)) < 300
