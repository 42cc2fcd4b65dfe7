"""A private chain behind HTTP for the life of the session, and who may not sign."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    """A regtest node with money in its faucet. Tests share it, so each uses a deal of its own number."""
    pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed (pip install 'rein[demo]')")
    from rein.devnet.service import run

    where: list[tuple[str, Path]] = []
    ready, stop = threading.Event(), threading.Event()

    def announce(url: str, cookie: Path) -> None:
        where.append((url, cookie))
        ready.set()

    options = {"port": 0, "premine": 130, "ready": announce, "stop": stop}
    thread = threading.Thread(target=run, args=(tmp_path_factory.mktemp("chain"),), kwargs=options)
    thread.start()
    try:
        assert ready.wait(30)
        with CoreRpc(where[0][0], REGTEST, cookie_file=where[0][1]) as client:
            yield client
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def nobody_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for an ECDSA signature in this test fails it: a PSBT is refused before a key is touched."""

    def signed(*_: object) -> bytes:
        pytest.fail("a signature was made")

    monkeypatch.setattr("rein.btc.psbt.curve.sign_der", signed)
