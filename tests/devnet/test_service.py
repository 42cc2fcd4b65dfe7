"""The node as a process: starting, stopping, being killed, and who may share its directory."""

from __future__ import annotations

import builtins
import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rein.btc.amounts import COIN, Sat
from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.devnet.http import COOKIE_NAME
from rein.devnet.service import run
from rein.errors import ChainError, InputError

PROGRAM = """
import sys
from pathlib import Path
sys.path.append(sys.argv[2])
from rein.devnet.service import run
run(Path(sys.argv[1]), port=0, ready=lambda url, cookie: print(url, cookie, flush=True))
"""
ROOT = str(Path(__file__).parents[2])
Process = subprocess.Popen[str]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[[], tuple[Process, CoreRpc]]]:
    """Starts the node as a process of its own, and waits until it answers."""
    processes: list[Process] = []
    clients: list[CoreRpc] = []

    def begin() -> tuple[Process, CoreRpc]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), ROOT], stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        url, cookie = process.stdout.readline().split()
        clients.append(CoreRpc(url, REGTEST, cookie_file=Path(cookie)))
        return process, clients[-1]

    yield begin
    for client in clients:
        client.close()
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_kill_9_loses_nothing_that_was_answered(spawn: Callable[[], tuple[Process, CoreRpc]]) -> None:
    process, chain = spawn()
    confirmed = faucet.pay(chain, [(faucet.ADDRESS, Sat(COIN))])
    [mined] = faucet.mine(chain, 1)
    waiting = faucet.pay(chain, [(faucet.ADDRESS, Sat(2 * COIN))])
    process.kill()
    process.wait()

    _, again = spawn()
    assert again.tip().hash == mined
    assert again.find_transaction(confirmed).confirmations == 1
    assert again.call("getrawmempool") == [waiting]


def test_kill_9_while_it_mines(spawn: Callable[[], tuple[Process, CoreRpc]]) -> None:
    process, chain = spawn()
    known = chain.tip()
    threading.Timer(0.15, process.kill).start()
    with contextlib.suppress(ChainError):
        while True:
            known = chain.block(faucet.mine(chain, 20)[-1]) or known
    process.wait()
    _, again = spawn()
    assert again.block(known.hash) == known
    assert again.tip().height >= known.height


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(
    spawn: Callable[[], tuple[Process, CoreRpc]], tmp_path: Path, number: signal.Signals
) -> None:
    process, chain = spawn()
    assert chain.tip().height == 101
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not (tmp_path / "data" / COOKIE_NAME).exists()
    assert not (tmp_path / "data" / "kernel").exists()


def test_the_stop_method_ends_it(spawn: Callable[[], tuple[Process, CoreRpc]]) -> None:
    process, chain = spawn()
    assert chain.call("stop") == "Rein devnet stopping"
    assert process.wait(10) == 0


def test_two_processes_cannot_share_a_directory(spawn: Callable[[], tuple[Process, CoreRpc]], tmp_path: Path) -> None:
    _, chain = spawn()
    cookie = (tmp_path / "data" / COOKIE_NAME).read_text()
    with pytest.raises(InputError, match="in use by another node"):
        run(tmp_path / "data", port=0)
    assert (tmp_path / "data" / COOKIE_NAME).read_text() == cookie
    assert chain.tip().height == 101


def test_a_new_chain_gets_coins_once(start: Callable[[], CoreRpc]) -> None:
    chain = start()
    first = chain.tip()
    assert first.height == 101
    assert sum(output.amount for output in chain.unspent_outputs([faucet.SCRIPT])) == 101 * 50 * COIN
    assert start().tip() == first


def test_starting_is_quick(start: Callable[[], CoreRpc]) -> None:
    began = time.monotonic()
    start()
    assert time.monotonic() - began < 15


def test_a_taken_port_is_known_before_any_work(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="cannot listen"):
        run(tmp_path, port=taken.getsockname()[1])
    assert not (tmp_path / "blocks.journal").exists()
    assert not (tmp_path / COOKIE_NAME).exists()


def test_a_damaged_journal_stops_it_cleanly(tmp_path: Path) -> None:
    (tmp_path / "blocks.journal").write_text("nonsense\n")
    threads = threading.active_count()
    with pytest.raises(InputError, match="damaged in line 1"):
        run(tmp_path, port=0)
    assert not (tmp_path / COOKIE_NAME).exists()
    assert threading.active_count() == threads


def test_an_event_set_before_the_start_stops_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    ready: list[str] = []
    run(tmp_path, port=0, premine=0, stop=stop, ready=lambda url, _cookie: ready.append(url))
    assert len(ready) == 1
    before = signal.getsignal(signal.SIGTERM)
    assert before == signal.SIG_DFL


def test_without_the_kernels_library_there_is_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_pbk(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pbk"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pbk)
    with pytest.raises(InputError, match="py-bitcoinkernel") as caught:
        run(tmp_path, port=0)
    assert caught.value.hint == "pip install 'rein[demo]', in Python 3.11 to 3.13"


def test_the_kernels_library_is_imported_only_by_a_node() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import rein.devnet.service, rein.chain.core_rpc; "
        "print([name for name in ('pbk', 'requests') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, ROOT], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
