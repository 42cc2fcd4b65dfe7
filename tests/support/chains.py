"""Regtest chains to ask: the development node, and a real Bitcoin Core where the variable BITCOIND names one."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.devnet.service import run
from rein.errors import ChainError

PREMINED = 101
"""Blocks whose coinbases are the faucet's: the first can be spent."""


@dataclass(frozen=True)
class RunningNode:
    """Where a node answers, and its cookie file."""

    url: str
    cookie: Path

    def connect(self) -> CoreRpc:
        """A connection, for one thread."""
        return CoreRpc(self.url, REGTEST, cookie_file=self.cookie)


@contextmanager
def running_node(data: Path, *, premine: int = PREMINED) -> Iterator[RunningNode]:
    """The development node behind HTTP, in a thread, until the block ends."""
    pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed (pip install 'rein[demo]')")
    stop, ready, nodes = threading.Event(), threading.Event(), list[RunningNode]()

    def announce(url: str, cookie: Path) -> None:
        nodes.append(RunningNode(url, cookie))
        ready.set()

    options = {"port": 0, "premine": premine, "ready": announce, "stop": stop}
    thread = threading.Thread(target=run, args=(data,), kwargs=options)
    thread.start()
    try:
        assert ready.wait(30)
        yield nodes[0]
    finally:
        stop.set()
        thread.join()


@contextmanager
def development_node(data: Path, *, premine: int = PREMINED) -> Iterator[CoreRpc]:
    """A connection to a development node of one's own."""
    with running_node(data, premine=premine) as node, node.connect() as chain:
        yield chain


@contextmanager
def bitcoin_core(data: Path) -> Iterator[CoreRpc]:
    """A connection to a Bitcoin Core of one's own; the test is skipped where there is none."""
    program = os.environ.get("BITCOIND")
    if not program:
        pytest.skip("the variable BITCOIND does not name a bitcoind")
    port = _free_port()
    options = ["-regtest", f"-datadir={data}", "-server", "-listen=0", "-txindex=1", f"-rpcport={port}"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        cookie = data / "regtest" / ".cookie"
        with CoreRpc(f"http://127.0.0.1:{port}", REGTEST, cookie_file=cookie) as chain:
            _wait_for(chain)
            faucet.mine(chain, PREMINED)
            yield chain
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(chain: CoreRpc) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            chain.tip()
        except ChainError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
