"""A development node in process, and one behind HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rein.chain.core_rpc import CoreRpc
from rein.devnet.node import Node
from tests.devnet.spending import MINER_SCRIPT, Money, coins_of
from tests.support.chains import development_node

pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed (pip install 'rein[demo]')")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A fresh node: the genesis block and nothing else."""
    with Node(tmp_path / "node") as fresh:
        yield fresh


@pytest.fixture
def rich(node: Node) -> Node:
    """The node with 105 blocks of the miner's: the first six coinbases can be spent in the next block."""
    node.mine(105, MINER_SCRIPT)
    return node


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for a module of tests that leave nothing behind but blocks: opening one takes a while."""
    with Node(tmp_path_factory.mktemp("node")) as node:
        node.mine(105, MINER_SCRIPT)
        yield node


@pytest.fixture
def coin(rich: Node) -> Money:
    """The miner's oldest coin, mature: 50 bitcoin."""
    return coins_of(rich, MINER_SCRIPT)[0]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], CoreRpc]]:
    """Starts `run()` in a thread, over one directory, as often as asked: the one before is stopped first."""
    with ExitStack() as running:

        def begin() -> CoreRpc:
            running.close()
            return running.enter_context(development_node(tmp_path / "service"))

        yield begin
