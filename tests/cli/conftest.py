"""A private chain behind HTTP, and commands as a person types them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rein.chain.core_rpc import CoreRpc
from rein.cli.demo import run_command
from tests.support.chains import running_node


@dataclass(frozen=True)
class Chain:
    """A regtest node, and the words that point a command at it."""

    source: CoreRpc
    words: tuple[str, ...]


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A node with money in its faucet, shared by the session."""
    with running_node(tmp_path_factory.mktemp("chain"), premine=130) as node, node.connect() as source:
        yield Chain(source, ("--network", "regtest", "--chain", node.url, "--chain-cookie", str(node.cookie)))


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Rein = Callable[..., Result]


@pytest.fixture
def rein(tmp_path: Path) -> Rein:
    """Runs a command in a home of its own with nobody at the terminal; `yes` says whether every confirmation is given
    before, and `secret` is what --key-fd reads."""

    def run(*words: str, secret: str | None = None, yes: bool = True) -> Result:
        more: tuple[str, ...] = ()
        if secret is not None:
            reading, writing = os.pipe()
            os.write(writing, f"{secret}\n".encode())
            os.close(writing)
            more = ("--key-fd", str(reading))
        result = Result(*run_command([*words, *more, "--home", str(tmp_path / "home"), *(("--yes",) if yes else ())]))
        assert "Traceback" not in result.err
        return result

    return run
