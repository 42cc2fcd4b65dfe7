"""The wallet of the words, opened by another program: the Bitcoin Development Kit, which wallets are built on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rein.btc.bip84 import BRANCHES, CHANGE, RECEIVING
from rein.btc.hd import new_mnemonic
from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, Network
from rein.identity.keyring import Keyring
from tests.identity.test_account import ABANDON, ROBOT

bdk = pytest.importorskip("bdkpython", reason="the Bitcoin Development Kit is not here: pip install bdkpython")

KINDS = {
    MAINNET: (bdk.Network.BITCOIN, bdk.NetworkKind.MAIN),
    TESTNET4: (bdk.Network.TESTNET4, bdk.NetworkKind.TEST),
    SIGNET: (bdk.Network.SIGNET, bdk.NetworkKind.TEST),
    REGTEST: (bdk.Network.REGTEST, bdk.NetworkKind.TEST),
}
KEYCHAINS = {RECEIVING: bdk.KeychainKind.EXTERNAL, CHANGE: bdk.KeychainKind.INTERNAL}


def by_words(words: str, network: Network, branch: int) -> bdk.Descriptor:
    """What a wallet of that kit makes of the words alone."""
    _, kind = KINDS[network]
    root = bdk.DescriptorSecretKey(kind, bdk.Mnemonic.from_string(words), None)
    return bdk.Descriptor.new_bip84(root, KEYCHAINS[branch], kind)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
@pytest.mark.parametrize("words", [ABANDON, ROBOT, new_mnemonic()], ids=["abandon", "robot", "new"])
def test_the_same_words_give_the_same_addresses_and_descriptors(words: str, network: Network) -> None:
    account, (theirs, kind) = Keyring(words, network).account, KINDS[network]
    for branch in BRANCHES:
        opened = by_words(words, network, branch)
        for number in (0, 1, 19, 1_000):
            assert str(opened.derive_address(number, theirs)) == account.address(branch, number)
        public = bdk.Descriptor(account.descriptor(branch), kind)
        assert str(public) == str(opened), "and our checksum is right"
        private = bdk.Descriptor(account.descriptor(branch, private=True), kind)
        assert str(private.derive_address(5, theirs)) == account.address(branch, 5)


@settings(max_examples=25, deadline=None)
@given(entropy=st.binary(min_size=16, max_size=16), number=st.integers(0, 2**31 - 1), branch=st.sampled_from(BRANCHES))
def test_any_words_and_any_number(entropy: bytes, number: int, branch: int) -> None:
    words = str(bdk.Mnemonic.from_entropy(entropy))
    ours = Keyring(words, REGTEST).account.address(branch, number)
    assert str(by_words(words, REGTEST, branch).derive_address(number, bdk.Network.REGTEST)) == ours


def test_both_branches_in_one_descriptor() -> None:
    account = Keyring(ROBOT, REGTEST).account
    both = bdk.Descriptor(account.both_branches(), bdk.NetworkKind.TEST)
    singles = both.to_single_descriptors()
    found = [str(each.derive_address(3, bdk.Network.REGTEST)) for each in singles]
    assert found == [account.address(branch, 3) for branch in BRANCHES]
