"""Deposit addresses of an extended public key: BIP84's own vectors, and every key that must be refused."""

from __future__ import annotations

import pytest

from rein.btc import base58
from rein.btc.address import p2wpkh_address, script_of_address
from rein.btc.descriptor import with_checksum
from rein.btc.hd import ExtendedKey, seed_from_mnemonic
from rein.btc.networks import MAINNET, REGTEST, SIGNET, Network
from rein.btc.receiving import ReceivingKey
from rein.errors import InputError, KeyMaterialError, ReinError

WORDS = "abandon " * 11 + "about"
ACCOUNT = ExtendedKey.from_seed(seed_from_mnemonic(WORDS), MAINNET).derive("m/84'/0'/0'")
XPUB = ACCOUNT.to_public().to_string()
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
FIRST = ["bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"]
TPUB = ExtendedKey.from_seed(b"x" * 32, REGTEST).derive("m/84'/1'/0'")


@pytest.mark.parametrize(
    "text",
    [
        XPUB,
        ZPUB,
        f" {XPUB}\n",
        f"wpkh({XPUB}/0/*)",
        f"wpkh({ZPUB}/0/*)",
        f"wpkh([73c5da0a/84h/0h/0h]{XPUB}/0/*)",
        f"wpkh([73c5da0a/84'/0'/0']{XPUB}/0/*)",
        with_checksum(f"wpkh([73c5da0a/84h/0h/0h]{XPUB}/0/*)"),
        with_checksum(f"wpkh([73c5da0a/84h/0h/0h]{XPUB}/<0;1>/*)"),
    ],
)
def test_the_addresses_are_those_of_bip84(text: str) -> None:
    key = ReceivingKey.parse(text, MAINNET)
    assert [key.address(index) for index in range(2)] == FIRST
    assert key.script(1) == script_of_address(FIRST[1], MAINNET)
    assert key.id == ReceivingKey.parse(XPUB, MAINNET).id
    assert XPUB[20:40] not in repr(key)


def test_a_descriptor_may_name_another_branch() -> None:
    key = ReceivingKey.parse(f"wpkh({TPUB.to_public().to_string()}/7/3/*)", REGTEST)
    assert key.address(5) == p2wpkh_address(TPUB.derive([7, 3, 5]).public_key, REGTEST)
    assert key.id != ReceivingKey.parse(TPUB.to_public().to_string(), REGTEST).id


def respelled(text: str, version: str) -> str:
    payload = base58.decode_check(text)
    assert payload is not None
    return base58.encode_check(bytes.fromhex(version) + payload[4:])


XPRV = ACCOUNT.to_string()


@pytest.mark.parametrize("network", [MAINNET, REGTEST, SIGNET])
@pytest.mark.parametrize(
    "text",
    [
        XPRV,
        TPUB.to_string(),
        respelled(XPRV, "04b2430c"),
        respelled(XPRV, "049d7878"),
        f"wpkh({XPRV}/0/*)",
        f"wsh(pk({XPRV}/0/*))",
        f"sh(wpkh([73c5da0a/84h]{XPRV}/0/*))",
    ],
)
def test_a_private_key_is_refused_and_never_repeated(text: str, network: Network) -> None:
    with pytest.raises(KeyMaterialError, match="private key") as caught:
        ReceivingKey.parse(text, network)
    assert "move what it guards" in str(caught.value.hint)
    assert text[8:30] not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "network", "says"),
    [
        (XPUB, REGTEST, "not an extended key of regtest"),
        (TPUB.to_public().to_string(), MAINNET, "not an extended key of mainnet"),
        (ZPUB, REGTEST, "not an extended key of regtest"),
        (respelled(XPUB, "049d7cb2"), MAINNET, "ypub"),
        (respelled(XPUB, "02aa7ed3"), MAINNET, "Zpub"),
        (XPUB[:-1] + "1", MAINNET, "mistyped"),
        ("", MAINNET, "mistyped"),
        ("xpub", MAINNET, "mistyped"),
        (FIRST[0], MAINNET, "mistyped"),
        (f"wpkh({XPUB})", MAINNET, "to make addresses"),
        (f"wpkh({XPUB}/0/1)", MAINNET, "to make addresses"),
        (f"wpkh({XPUB}/0h/*)", MAINNET, "to make addresses"),
        (f"wpkh({XPUB}/0/*h)", MAINNET, "to make addresses"),
        (f"wpkh({XPUB}/2147483648/*)", MAINNET, "child number"),
        (f"pkh({XPUB}/0/*)", MAINNET, "to make addresses"),
        (f"tr({XPUB}/0/*)", MAINNET, "to make addresses"),
        (f"wpkh({XPUB}/0/*)#qqqqqqqq", MAINNET, "checksum"),
    ],
)
def test_what_cannot_be_paid_to_is_named(text: str, network: Network, says: str) -> None:
    with pytest.raises(ReinError, match=says) as caught:
        ReceivingKey.parse(text, network)
    assert isinstance(caught.value, KeyMaterialError | InputError)


def test_taproot_addresses_are_those_of_bip86_where_they_are_wanted() -> None:
    """The first address of BIP86's own test vectors."""
    account = ExtendedKey.from_seed(seed_from_mnemonic(WORDS), MAINNET).derive("m/86'/0'/0'").to_public().to_string()
    key = ReceivingKey.parse(f"tr({account}/0/*)", MAINNET, taproot=True)
    assert key.address(0) == "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    assert key.id != ReceivingKey.parse(account, MAINNET).id
