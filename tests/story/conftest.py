"""Real people, a real chain, real servers: commands as a person types them, in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.cli.commands import COMMANDS
from rein.cli.demo import run_command
from rein.demo.processes import chain_program, free_ports, running, server_program
from rein.demo.stage import PASSPHRASE

_BARE = re.compile(rf"\brein (?!case verify)(?:{'|'.join(COMMANDS)})\b")
"""A command of ours without its home. `rein case verify` is for anybody."""


@dataclass(frozen=True)
class World:
    """The chain and the servers that all stories of a test run share."""

    folder: Path
    chain_url: str
    cookie: Path
    server_urls: tuple[str, ...]


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

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.data["error"]
        return found


@dataclass(frozen=True)
class Person:
    """One home. `rein(...)` runs a command in it and returns its JSON; `fails(...)` expects an error."""

    name: str
    home: Path

    def run(self, *words: str) -> Result:
        return Result(*run_command(["--home", str(self.home), "--json", "--yes", *words]))

    def rein(self, *words: str) -> dict[str, Any]:
        result = self.run(*words)
        assert result.code == 0, result.err
        assert not _BARE.search(result.err), f"acts elsewhere when it is typed as it stands: {result.err}"
        return result.data

    def fails(self, *words: str) -> dict[str, Any]:
        result = self.run(*words)
        assert result.code != 0, result.out
        assert "Traceback" not in result.err
        return {**result.error, "exit_code": result.code}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    ports = free_ports(3)
    programs = [chain_program(folder / "chain", ports[0])]
    programs += [server_program(folder / f"causeway-{port}", port) for port in ports[1:]]
    with running(programs):
        yield World(
            folder=folder,
            chain_url=f"http://127.0.0.1:{ports[0]}",
            cookie=folder / "chain" / ".cookie",
            server_urls=tuple(f"http://127.0.0.1:{port}/" for port in ports[1:]),
        )


@pytest.fixture
def chain(world: World) -> Iterator[CoreRpc]:
    with CoreRpc(world.chain_url, REGTEST, cookie_file=world.cookie) as source:
        yield source


@dataclass(frozen=True)
class Trio:
    """Alice mediates, Bob posts, Charlie works."""

    alice: Person
    bob: Person
    charlie: Person

    @property
    def everybody(self) -> tuple[Person, Person, Person]:
        return (self.alice, self.bob, self.charlie)

    def sync(self) -> None:
        for person in self.everybody:
            person.rein("sync")


@pytest.fixture(scope="session")
def trio(world: World) -> Trio:
    """The same three in every test; each test has a job of its own."""
    people = {}
    for name in ("alice", "bob", "charlie"):
        person = Person(name, world.folder / name)
        mediate = ("--mediate", "--fee", "1.0") if name == "alice" else ("--no-mediate",)
        chain_options = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
        person.rein(*chain_options, "setup", "--name", name, "--contact", f"{name}@x", *mediate)
        for url in world.server_urls:
            person.rein("request", url)
        people[name] = person
    trio = Trio(**people)
    trio.sync()
    return trio


@dataclass(frozen=True)
class Agreed:
    """A job that has been offered: its id, and what `rein fund` asks for."""

    job_id: str
    order_id: str
    escrows: list[dict[str, Any]]

    @property
    def uris(self) -> list[str]:
        return [escrow["uri"] for escrow in self.escrows]


def post(trio: Trio, **changes: str) -> dict[str, Any]:
    """Bob posts a job and publishes it."""
    options = {
        "name": "Theme song",
        "description": "Two minutes,\nFLAC.",
        "mediator": "alice",
    }
    words = [part for key, value in (options | changes).items() for part in (f"--{key}", value)]
    posted = trio.bob.rein("post", *words)
    trio.bob.rein("sync")
    return posted


def agree(trio: Trio, amount: str = "0.015", mediator: str = "alice") -> Agreed:
    """Posted, bid on, offered."""
    posted = post(trio, mediator=mediator)
    trio.charlie.rein("bid", "--jobid", posted["job_id"], "--amount", amount, "--description", "Within three days.")
    trio.charlie.rein("sync")
    trio.bob.rein("offer", "--bid", posted["job_id"])
    trio.bob.rein("sync")
    asked = trio.bob.rein("fund", "--jobid", posted["job_id"], "--no-wait")
    assert asked["funded"] is False
    return Agreed(posted["job_id"], posted["document_id"], asked["escrows"])


def fund(trio: Trio, agreed: Agreed) -> None:
    """Both escrows filled and confirmed."""
    trio.bob.rein("devnet", "pay", *agreed.uris)
    trio.bob.rein("devnet", "mine", "1")
    assert trio.bob.rein("fund", "--jobid", agreed.job_id)["funded"] is True


def deliver(trio: Trio, agreed: Agreed) -> None:
    """Delivered and published."""
    trio.charlie.rein("deliver", "--jobid", agreed.job_id, "--deliverables", "https://example.com/theme.flac")
    trio.charlie.rein("sync")


def settle(trio: Trio, agreed: Agreed) -> None:
    """Funded, delivered, accepted, collected and confirmed; everybody knows it."""
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", "--jobid", agreed.job_id)
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()


def settled(trio: Trio) -> Agreed:
    """A job from its post to its end."""
    agreed = agree(trio)
    settle(trio, agreed)
    return agreed


__all__ = ["PASSPHRASE", "Agreed", "Person", "Result", "Trio", "World", "agree", "deliver", "fund", "post"]
