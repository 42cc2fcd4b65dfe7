"""Watching by a descriptor wallet: the same answers as a scan gives. Against Bitcoin Core itself where BITCOIND names
one; else against wallets as its documentation describes them, in front of the development node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.errors import ChainError
from tests.chain.test_core_rpc import ESCROW_SCRIPT, escrow_coin, signed
from tests.support.chains import bitcoin_core, development_node
from tests.support.wallet import Wallets, wallet_server


def connect(node: CoreRpc, url: str | None = None, wallet: str | None = None) -> CoreRpc:
    """Another connection to a node, or to what stands before it."""
    return CoreRpc(url or node._rpc.endpoint.url, REGTEST, cookie_file=node._rpc._cookie_file, wallet=wallet)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    with development_node(tmp_path_factory.mktemp("chain")) as found:
        yield found


@pytest.fixture
def wallets(node: CoreRpc) -> Iterator[Wallets]:
    with connect(node) as own, wallet_server(own) as found:
        found.wallets["watched"] = {}
        yield found


@pytest.fixture
def watching(node: CoreRpc, wallets: Wallets) -> Iterator[CoreRpc]:
    with connect(node, wallets.url, "watched") as found:
        yield found


def see_the_same(node: CoreRpc, watching: CoreRpc) -> None:
    """A scan and the wallet agree: on what was there before the wallet watched, and on what came since."""
    scripts = [ESCROW_SCRIPT, b"\x51"]
    old = escrow_coin(node)
    faucet.mine(node, 1)
    for expected in (old, escrow_coin(node)):
        found = watching.unspent_outputs(scripts)
        assert sorted(found, key=str) == sorted(node.unspent_outputs(scripts), key=str)
        assert expected.outpoint in {each.outpoint for each in found}
    spent = watching.unspent_outputs(scripts)[0]
    watching.broadcast(signed(spent))
    faucet.mine(node, 1)
    assert spent.outpoint not in {each.outpoint for each in watching.unspent_outputs(scripts)}
    assert watching.unspent_outputs([b"\x52"]) == []


def test_a_wallet_sees_what_a_scan_sees(node: CoreRpc, watching: CoreRpc, wallets: Wallets) -> None:
    see_the_same(node, watching)
    assert wallets.asked.count("importdescriptors") == 2, "once for each new set of scripts"


def test_bitcoin_core_itself(tmp_path: Path) -> None:
    with bitcoin_core(tmp_path) as core:
        core.call("createwallet", "watched", True, True)
        with connect(core, wallet="watched") as watching:
            see_the_same(core, watching)


def test_a_wallet_that_is_not_there(node: CoreRpc, wallets: Wallets) -> None:
    with connect(node, wallets.url, "a/b c") as chain:
        with pytest.raises(ChainError, match="does not exist or is not loaded") as caught:
            chain.unspent_outputs([b"\x51"])
        assert caught.value.hint == "bitcoin-cli loadwallet NAME"
        assert chain.tip() == node.tip(), "the node itself answers all the same"


def test_a_wallet_that_will_not_watch(watching: CoreRpc, wallets: Wallets) -> None:
    wallets.refuses_imports = True
    with pytest.raises(ChainError, match="refuses to watch") as caught:
        watching.unspent_outputs([b"\x51"])
    assert "without private keys" in (caught.value.hint or "")


def test_what_nobody_asked_for_is_left_out(node: CoreRpc, watching: CoreRpc) -> None:
    """The wallet may watch for somebody else, too."""
    escrow_coin(node)
    assert watching.unspent_outputs([ESCROW_SCRIPT])
    assert watching.unspent_outputs([b"\x51"]) == []
