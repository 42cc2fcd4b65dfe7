"""A regtest chain to ask, and a peer that lies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rein.chain.core_rpc import CoreRpc
from tests.support.chains import bitcoin_core, development_node
from tests.support.liar import liar
from tests.support.serving import direct

__all__ = ["direct", "liar"]


@pytest.fixture(scope="module", params=[development_node, bitcoin_core], ids=["devnet", "bitcoind"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    """A chain of at least 101 blocks whose coinbases are the faucet's; shared by the tests of a module."""
    with request.param(tmp_path_factory.mktemp("chain")) as opened:
        yield opened
