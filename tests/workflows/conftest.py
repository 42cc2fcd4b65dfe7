"""People at their desks: with servers that lie and no chain, or with a private chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import ChainSource
from rein.demo.processes import chain_program, free_ports, running
from rein.devnet import faucet
from rein.errors import ChainError
from rein.identity.keyring import Keyring
from rein.protocol.orders import Order
from rein.protocol.signed import Signed
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.store.tables.servers import ServerRow
from rein.workflows.chain.view import observe
from rein.workflows.orders.load import find_order
from rein.workflows.session import Session
from tests.support.evil_server import EvilServer, evil_server
from tests.support.people import Person, enroll, person


class PersonsKeyring(Keyring):
    """The keys of a test person, who has no words."""

    def __init__(self, who: Person) -> None:
        self.network = who.network
        self._root = who.tree


@dataclass
class Home:
    """A session, what it was told, and what it notes."""

    session: Session
    notes: list[str] = field(default_factory=list)

    def learn(self, *documents: Signed[Any]) -> None:
        """Receive verified documents."""
        self.session.store.documents.add_received([(signed, "http://x/") for signed in documents])

    def order(self, name: str) -> Order:
        """The order after a look at the chain."""
        observe(self.session, find_order(self.session, name))
        return find_order(self.session, name)


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreRpc]:
    folder, (port,) = tmp_path_factory.mktemp("chain"), free_ports(1)
    with running([chain_program(folder / "chain", port)]):
        cookie = folder / "chain" / ".cookie"
        with CoreRpc(f"http://127.0.0.1:{port}", REGTEST, cookie_file=cookie) as source:
            faucet.mine(source, 110)
            yield source


@pytest.fixture
def home(chain: CoreRpc, tmp_path: Path) -> Callable[[str], Home]:
    """Opens a home in the name of a person."""

    def open_home(name: str) -> Home:
        who, notes = person(name), list[str]()
        store = Store(tmp_path / name / "rein.db")
        row = IdentityRow(0, "regtest", name, who.contact, who.master_address, who.delegate_address, "key")
        row = store.identities.add(row, enroll(who, mediator=name == "Alice"))
        keyring = PersonsKeyring(who)
        return Home(
            Session(tmp_path / name, REGTEST, store, row, lambda _: keyring, lambda: chain, notes.append), notes
        )

    return open_home


@dataclass(frozen=True)
class Keys:
    """What a sync needs of a keyring: a test person has no words."""

    who: Person

    @property
    def master_address(self) -> str:
        return self.who.master_address

    @property
    def delegate(self) -> object:
        return self.who.delegate

    @property
    def storage_secret(self) -> bytes:
        return self.who.master.secret

    def with_delegate(self, _address: str) -> Keys:
        return self


def no_chain() -> ChainSource:
    raise ChainError("nobody looks at the chain here")


Sit = Callable[..., Session]


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Sit]:
    """A session of somebody at these servers. The same home again, if the name of one is given."""
    opened: list[Session] = []

    def at(*servers: EvilServer, who: str = "Bob", home: str = "home", copies: int | None = None) -> Session:
        me = person(who)
        store = Store(tmp_path / home / "rein.db")
        rows = store.identities.of_network("regtest")
        row = IdentityRow(0, "regtest", me.name, me.contact, me.master_address, me.delegate_address, "key")
        row = rows[0] if rows else store.identities.add(row, enroll(me))
        known = {each.url for each in store.servers.of_identity(row.id)}
        for server in servers:
            if server.url not in known:
                store.servers.set(row.id, ServerRow(server.url, 1, 1_000_000))
        told: list[Any] = []
        keys = cast(Keyring, Keys(me))
        session = Session(tmp_path, REGTEST, store, row, lambda _: keys, no_chain, told.append, copies=copies)
        opened.append(session)
        return session

    yield at
    for each in opened:
        each.close()


@pytest.fixture
def evils() -> Iterator[Callable[[], EvilServer]]:
    """Starts servers that lie when they are told to."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(evil_server())
