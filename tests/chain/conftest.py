"""A regtest chain to ask: the development node, and a real Bitcoin Core where the variable BITCOIND names one."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.devnet.service import run
from rein.errors import ChainError
from tests.support.liar import Liar


@contextmanager
def development_node(data: Path) -> Iterator[CoreRpc]:
    pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed (pip install 'rein[demo]')")
    stop, ready = threading.Event(), threading.Event()
    where: list[tuple[str, Path]] = []

    def announce(url: str, cookie: Path) -> None:
        where.append((url, cookie))
        ready.set()

    thread = threading.Thread(target=run, args=(data,), kwargs={"port": 0, "ready": announce, "stop": stop})
    thread.start()
    try:
        assert ready.wait(20)
        with CoreRpc(where[0][0], REGTEST, cookie_file=where[0][1]) as chain:
            yield chain
    finally:
        stop.set()
        thread.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def bitcoin_core(data: Path) -> Iterator[CoreRpc]:
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
            faucet.mine(chain, 101)
            yield chain
    finally:
        process.terminate()
        process.wait(60)


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


@pytest.fixture(scope="module", params=[development_node, bitcoin_core], ids=["devnet", "bitcoind"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    """A chain of at least 101 blocks whose coinbases are the faucet's; shared by the tests of a module."""
    with request.param(tmp_path_factory.mktemp("chain")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine that runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as server:
        yield server
