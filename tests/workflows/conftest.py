"""A private chain for the session, and desks of the three people over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.demo.processes import chain_program, free_ports, running
from rein.devnet import faucet
from rein.identity.keyring import Keyring
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.store import IdentityRow, Store
from rein.workflows.cases import find_order
from rein.workflows.desk import Desk
from rein.workflows.watch_chain import look_at
from tests.support.people import Person, enroll, person


class PersonsKeyring(Keyring):
    """The keys of a test person, who has no words."""

    def __init__(self, who: Person) -> None:
        self.network = who.network
        self._root = who.tree


@dataclass
class Home:
    """A desk, what it was told, and what it notes."""

    desk: Desk
    notes: list[str] = field(default_factory=list)

    def learn(self, *documents: Signed[Any]) -> None:
        """Receive verified documents."""
        self.desk.store.add_received([(signed, "http://x/") for signed in documents])

    def order(self, name: str) -> Order:
        """The order after a look at the chain."""
        look_at(self.desk, find_order(self.desk, name))
        return find_order(self.desk, name)


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    folder, (port,) = tmp_path_factory.mktemp("chain"), free_ports(1)
    with running([chain_program(folder / "chain", port)]):
        cookie = folder / "chain" / ".cookie"
        with CoreRpc(f"http://127.0.0.1:{port}", REGTEST, cookie_file=cookie) as source:
            faucet.mine(source, 110)
            yield source


@pytest.fixture
def home(chain: CoreRpc, tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    """Opens a home in the name of a person."""
    with ExitStack() as closing:

        def open_home(name: str) -> Home:
            who, notes = person(name), list[str]()
            store = Store(tmp_path / name / "rein.db")
            closing.callback(store.close)
            row = IdentityRow(0, "regtest", name, who.contact, who.master_address, who.delegate_address, "key")
            row = store.add_identity(row, enroll(who, mediator=name == "Alice"))
            keyring = PersonsKeyring(who)
            return Home(
                Desk(tmp_path / name, REGTEST, store, row, lambda _: keyring, lambda: chain, notes.append), notes
            )

        yield open_home
