"""One chain and four homes for all scenarios. Where the variable BITCOIND names a bitcoind, each runs on that too."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.workflows.session import Session
from tests.scenarios.stage import BASIS_POINTS, Actor, PersonalKeyring, Play
from tests.support.chains import bitcoin_core, development_node
from tests.support.people import Person, enroll, person

NAMES = ("Bob", "Alice", "Charlie", "Mallory")
MEDIATORS = ("Alice", "Mallory")


@pytest.fixture(scope="session", params=[development_node, bitcoin_core], ids=["devnet", "bitcoind"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    """A private chain that all scenarios of a run share; each has jobs of its own."""
    with request.param(tmp_path_factory.mktemp("chain")) as opened:
        yield opened


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A database for everybody, in which everybody is enrolled and known: copied for each scenario."""
    people = [person(name) for name in NAMES]
    enrollments = {
        who.name: enroll(
            who, who.name in MEDIATORS, **({"mediator_fee": BASIS_POINTS} if who.name in MEDIATORS else {})
        )
        for who in people
    }
    made = {}
    for who in people:
        path = tmp_path_factory.mktemp(who.name) / "rein.db"
        store = Store(path)
        row = IdentityRow(0, "regtest", who.name, who.contact, who.master_address, who.delegate_address, "none")
        store.identities.add(row, enrollments[who.name])
        store.documents.add_received(
            [(each, "http://causeway.example/") for name, each in enrollments.items() if name != who.name]
        )
        made[who.name] = path
    return made


@pytest.fixture
def new_play(chain: CoreRpc, homes: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[], Play]]:
    """Makes plays: as many jobs of the same people as a scenario needs."""
    actors: dict[str, Actor] = {}
    for name, template in homes.items():
        home = tmp_path / name
        home.mkdir()
        shutil.copy(template, home / "rein.db")
        actors[name] = _actor(person(name), home, chain)

    def make() -> Play:
        return Play(chain, actors["Bob"], actors["Alice"], actors["Charlie"], actors["Mallory"])

    yield make
    for actor in actors.values():
        actor.session.close()


@pytest.fixture
def play(new_play: Callable[[], Play]) -> Play:
    """A job to be played."""
    return new_play()


def _actor(who: Person, home: Path, chain: CoreRpc) -> Actor:
    store, notes = Store(home / "rein.db"), list[str]()
    (row,) = store.identities.of_network("regtest")
    keyring = PersonalKeyring(who)
    return Actor(who, Session(home, REGTEST, store, row, lambda _: keyring, lambda: chain, notes.append), notes)
