"""A peer that answers whatever a test wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.liar import Liar


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
