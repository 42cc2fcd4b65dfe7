"""The wallet of an identity: that of BIP84, apart on each network, and of the same shape where there are no words."""

from __future__ import annotations

import hmac
from hashlib import sha512

import pytest

from rein.btc.address import p2pkh_address, p2wpkh_script
from rein.btc.bip84 import BRANCHES, CHANGE, RECEIVING
from rein.btc.curve import ORDER, public_key
from rein.btc.hd import HARDENED, ExtendedKey, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, Network
from rein.identity.keyring import DelegateKeyring, Keyring

ABANDON = "abandon " * 11 + "about"
ROBOT = "robot excuse run dwarf depth candy emerge puzzle gospel churn kick tool"


def _by_hand(words: str, path: list[int]) -> bytes:
    """BIP32's private derivation, written out."""
    digest = hmac.digest(b"Bitcoin seed", seed_from_mnemonic(words), sha512)
    secret, chain_code = digest[:32], digest[32:]
    for index in path:
        data = b"\x00" + secret if index >= HARDENED else public_key(secret)
        digest = hmac.digest(chain_code, data + index.to_bytes(4, "big"), sha512)
        child = (int.from_bytes(digest[:32], "big") + int.from_bytes(secret, "big")) % ORDER
        secret, chain_code = child.to_bytes(32, "big"), digest[32:]
    return secret


def test_payments_go_to_the_wallet_that_bip84_publishes() -> None:
    """The account, addresses and keys of BIP84's own test vectors, which have these words."""
    account = Keyring(ABANDON, MAINNET).account
    assert account.electrum_key() == (
        "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
    )
    assert account.electrum_key(private=True) == (
        "zprvAdG4iTXWBoARxkkzNpNh8r6Qag3irQB8PzEMkAFeTRXxHpbF9z4QgEvBRmfvqWvGp42t42nvgGpNgYSJA9iefm1yYNZKEm7z6qUWCroSQnE"
    )
    assert account.address(RECEIVING, 0) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    assert account.address(RECEIVING, 1) == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
    assert account.address(CHANGE, 0) == "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"
    wif = "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d"
    assert account.private_key(RECEIVING, 0).to_wif(MAINNET) == wif
    assert account.descriptor(CHANGE).startswith("wpkh([73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7Wyks")


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_the_wallet_of_a_test_network_shares_no_key_with_that_of_mainnet(network: Network) -> None:
    coin = 0 if network is MAINNET else 1
    account = Keyring(ROBOT, network).account
    secret = _by_hand(ROBOT, [84 + HARDENED, coin + HARDENED, HARDENED, 1, 7])
    assert account.private_key(CHANGE, 7).secret == secret
    assert account.script(CHANGE, 7) == p2wpkh_script(PrivateKey(secret).public_key)
    real = {Keyring(ROBOT, MAINNET).account.public_key(branch, n) for branch in BRANCHES for n in range(5)}
    assert (account.public_key(RECEIVING, 0) in real) == (network is MAINNET)


def test_without_words_each_delegate_has_a_wallet_of_the_same_shape() -> None:
    first, second = PrivateKey(b"\x22" * 32), PrivateKey(b"\x33" * 32)
    address = p2pkh_address(PrivateKey(b"\x11" * 32).public_key, REGTEST)
    keyring = DelegateKeyring(first, REGTEST, address, None, (second,))
    accounts = [tree.account for tree in keyring.trees()]
    assert len({each.address(RECEIVING, 0) for each in accounts}) == 2
    other = keyring.with_delegate(p2pkh_address(second.public_key, REGTEST))
    assert other.account == accounts[1] != keyring.account
    # Whoever has the exported key has the coins, as with words.
    exported = ExtendedKey.parse(accounts[0].key.to_string(), REGTEST)
    assert exported.derive((RECEIVING, 3)).private_key == accounts[0].private_key(RECEIVING, 3)
