"""A server that sells buckets, on the clean database of a test, and the private chain that people pay it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from flask import Flask

from causeway.app import create_app
from causeway.db.engine import Database, parse_url
from causeway.legacy.texts import balance_text
from causeway.payments.watcher import Watcher
from rein.btc import message
from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.hd import ExtendedKey
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.btc.receiving import ReceivingKey
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import ChainSource
from rein.devnet import faucet
from tests.causeway.callers_v1 import Answer as AnswerV1
from tests.causeway.callers_v1 import Caller as CallerV1
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.chains import running_node
from tests.support.people import Person

PRICE = Sat(10_000)
WALLET = ExtendedKey.from_seed(sha256(b"the operator's wallet"), REGTEST).derive("m/84'/1'/0'")
KEY = ReceivingKey.parse(WALLET.to_public().to_string(), REGTEST)


@contextmanager
def private_chain(data: Path) -> Iterator[Callable[[], CoreRpc]]:
    """A chain of 101 blocks, over HTTP: a way to make connections, one for each thread that needs one."""
    with running_node(data) as node:
        yield node.connect


@dataclass(frozen=True)
class PaidServer:
    """A server with a price, and its watcher."""

    server: Server
    chain: CoreRpc
    price: Sat = PRICE
    confirmations: int = 1

    @cached_property
    def caller(self) -> Caller:
        return self.another_caller()

    def another_caller(self) -> Caller:
        return Caller(self.app.test_client())

    @cached_property
    def app(self) -> Flask:
        settings = replace(self.server.settings, price=self.price, free_buckets=0, payment_key=KEY)
        return create_app(settings)

    @cached_property
    def database(self) -> Database:
        return Database(parse_url(self.server.settings.database_url or ""), connections=4)

    @cached_property
    def watcher(self) -> Watcher:
        return self.new_watcher(self.chain)

    def new_watcher(self, chain: ChainSource) -> Watcher:
        return Watcher(self.database, chain, confirmations=self.confirmations, price=self.price)

    # ----- what people do -----

    def order(self, who: Person) -> str:
        """Ask for a bucket; the address to pay it at."""
        answer = self.caller.get("/buy", owner=who.master_address, delegate=who.delegate_address, contact=who.contact)
        assert answer.data["result"] == "success", answer.data
        assert answer.data["price"] == str(self.price)
        return str(answer.data["address"])

    def pay(self, address: str, amount: int, blocks: int = 1) -> str:
        """Pay on the chain, mine blocks and let the watcher look."""
        txid = faucet.pay(self.chain, [(address, Sat(amount))])
        self.mine(blocks)
        return txid

    def mine(self, blocks: int = 1) -> list[str]:
        mined = faucet.mine(self.chain, blocks)
        self.watcher.update()
        return mined

    def buy(
        self, who: Person, *, by: PrivateKey | None = None, nonce: str | None = None, price: int | None = None
    ) -> AnswerV1:
        """Buy a bucket from the balance."""
        asked = {"price_sat": int(self.price) if price is None else price}
        return CallerV1(self.app.test_client()).signed(who, "/buy", asked, by, nonce)

    def balance(self, who: Person) -> int:
        """What the server says an owner has; the ledger is checked on the way."""
        nonce = self.caller.nonce(who)
        answer = self.caller.get(
            "/balance",
            address=who.master_address,
            nonce=nonce,
            signature=message.sign(who.master, balance_text(who.master_address, nonce)),
        )
        assert answer.status == 200, answer.data
        self.check()
        return int(answer.data["balance"])

    # ----- what must be so -----

    def buckets(self, who: Person) -> int:
        rows = self.server.rows("SELECT 1 FROM bucket WHERE owner = :owner AND NOT frozen", owner=who.master_address)
        return len(rows)

    def check(self) -> None:
        """The ledger sums to zero, and says what was received and sold."""
        assert self.server.value("SELECT coalesce(sum(amount_sat), 0) FROM ledger") == 0
        assert not self.server.rows("SELECT 1 FROM ledger GROUP BY transaction_id HAVING sum(amount_sat) <> 0")
        credited = "SELECT coalesce(sum(amount_sat), 0) FROM receipt WHERE credited"
        assert self.server.value(credited) == -self.account("deposits")
        sold = "SELECT coalesce(sum(price_sat), 0) FROM purchase WHERE paid IS NOT NULL"
        assert self.server.value(sold) == self.account("income")

    def account(self, name: str) -> int:
        total = "SELECT coalesce(sum(amount_sat), 0) FROM ledger WHERE account = :name"
        return int(str(self.server.value(total, name=name)))
