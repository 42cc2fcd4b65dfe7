"""A private chain behind HTTP for the life of the session, and who may not sign."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rein.chain.core_rpc import CoreRpc
from tests.support.chains import development_node


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    """A regtest node with money in its faucet. Tests share it, so each uses a deal of its own number."""
    with development_node(tmp_path_factory.mktemp("chain"), premine=130) as opened:
        yield opened


@pytest.fixture
def nobody_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for an ECDSA signature in this test fails it: a PSBT is refused before a key is touched."""

    def signed(*_: object) -> bytes:
        pytest.fail("a signature was made")

    monkeypatch.setattr("rein.btc.curve.sign_der", signed)
