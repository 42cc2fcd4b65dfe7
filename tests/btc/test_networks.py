import dataclasses

import pytest

from rein.btc.networks import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, network_named
from rein.errors import InputError


def test_names() -> None:
    assert list(NETWORKS) == ["mainnet", "testnet4", "signet", "regtest"]
    assert [network_named(name) for name in NETWORKS] == [MAINNET, TESTNET4, SIGNET, REGTEST]


@pytest.mark.parametrize("name", ["", "Mainnet", "main", "testnet", "regtest ", "\ud800"])
def test_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(InputError) as caught:
        network_named(name)
    assert caught.value.hint == "one of: mainnet, testnet4, signet, regtest"


def test_constants_that_must_differ() -> None:
    """A mainnet key or address can never be taken for a test one, nor the chains for each other."""
    for network in (TESTNET4, SIGNET, REGTEST):
        for name in ("p2pkh_version", "p2sh_version", "wif_version", "hrp", "xprv_version", "xpub_version"):
            assert getattr(network, name) != getattr(MAINNET, name)
    assert len({network.genesis_hash for network in NETWORKS.values()}) == 4
    assert [network.default_rpc_port for network in NETWORKS.values()] == [8332, 48332, 38332, 18443]


def test_a_network_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MAINNET.hrp = "tb"  # type: ignore[misc]
    with pytest.raises(TypeError):
        NETWORKS["mainnet"] = REGTEST  # type: ignore[index]
