"""Which price an order is bought at: its own for who has paid all of it in time, by blocks; the day's for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from causeway.accounts import service as accounts
from causeway.payments import ledger
from causeway.payments.models import deposit, purchase, receipt
from causeway.payments.purchases import PRICE_HELD, settle
from rein.btc.amounts import Sat
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from tests.causeway.conftest import Server
from tests.causeway.paid_server import PRICE, PaidServer, private_chain
from tests.support.people import person

BOB = person("Bob")
OWNER, LAW = BOB.master_address, person("Law").master_address
TEN_TIMES = Sat(10 * PRICE)
WEEK = PRICE_HELD.days


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], CoreRpc]]:
    with private_chain(tmp_path_factory.mktemp("chain")) as connect:
        yield connect


@pytest.fixture
def chain(connect: Callable[[], CoreRpc], server: Server) -> Iterator[CoreRpc]:
    with connect() as chain:
        # Earlier tests of this module were given the same addresses, and the chain remembers what they paid.
        tip = chain.tip()
        server.rows(
            "INSERT INTO watched_block (height, hash) VALUES (:height, :hash)", height=tip.height, hash=tip.hash
        )
        yield chain


def pass_days(server: Server, days: int) -> None:
    """Make everything that happened so many days older."""
    for table, column in (("purchase", "created"), ("deposit", "created"), ("receipt", "seen")):
        server.rows(f"UPDATE {table} SET {column} = {column} - interval '{days} days'")


def test_the_answer_says_until_when(server: Server, chain: CoreRpc) -> None:
    shop = PaidServer(server, chain)
    before = datetime.now(UTC)
    answer = shop.caller.get("/buy", owner=OWNER).data
    until = datetime.fromtimestamp(answer["price_until"], UTC)
    assert timedelta(seconds=-1) <= until - before - PRICE_HELD <= timedelta(seconds=30)
    for _ in range(2):
        shop.order(BOB)
    pass_days(server, WEEK + 1)
    dearer = PaidServer(server, chain, price=TEN_TIMES)
    renewed = dearer.caller.get("/buy", owner=OWNER).data
    assert (renewed["address"], renewed["price"]) == (answer["address"], str(TEN_TIMES))
    assert renewed["price_until"] > answer["price_until"] - 5, "the oldest order begins anew, at today's price"


def test_a_little_in_time_does_not_keep_the_price_for_the_rest(server: Server, chain: CoreRpc) -> None:
    shop = PaidServer(server, chain)
    address = shop.order(BOB)
    shop.pay(address, 600)
    pass_days(server, 400)
    dearer = PaidServer(server, chain, price=TEN_TIMES)
    dearer.pay(address, PRICE - 600)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (0, PRICE), "it is balance"
    dearer.pay(address, TEN_TIMES - PRICE)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (1, 0), "and buys at today's price"


def test_whoever_paid_in_time_has_the_price_however_late_the_watcher_looks(server: Server, chain: CoreRpc) -> None:
    shop = PaidServer(server, chain)
    address = shop.order(BOB)
    shop.pay(address, 600)
    faucet.pay(chain, [(address, Sat(PRICE - 600))])
    faucet.mine(chain, 1)
    # Nobody looks for three weeks, in which the price goes up: by the blocks, it was paid at once.
    server.rows("UPDATE receipt SET seen = now() - interval '21 days'")
    server.rows("UPDATE purchase SET created = now() - interval '6 days'")
    dearer = PaidServer(server, chain, price=TEN_TIMES)
    dearer.watcher.update()
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (1, 0)


def test_a_payment_counts_at_the_time_of_the_block_it_is_in_now(server: Server, chain: CoreRpc) -> None:
    """Otherwise what was in a block in time, and left it, could be sent once more when prices are higher."""
    shop = PaidServer(server, chain, confirmations=3)
    address = shop.order(BOB)
    faucet.pay(chain, [(address, PRICE)])
    (block,) = shop.mine()
    pass_days(server, WEEK + 1)
    assert server.value("SELECT bool_and(seen < created + interval '7 days') FROM receipt, purchase") is True
    chain.call("invalidateblock", block)
    dearer = PaidServer(server, chain, price=TEN_TIMES, confirmations=3)
    dearer.mine(4)
    assert (dearer.buckets(BOB), dearer.balance(BOB)) == (0, PRICE)


# ----- the law ------------------------------------------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
payments = st.lists(
    st.tuples(
        st.booleans(),  # to the order's address, or to another of the owner's
        st.sampled_from([0, 3, WEEK, WEEK + 1, 400]),  # days after the order
        st.sampled_from([1, 600, PRICE - 600, PRICE - 1, PRICE, TEN_TIMES - PRICE, int(TEN_TIMES)]),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def engine(_regtest: Server) -> Engine:
    return _regtest.engine


@settings(max_examples=150, deadline=None)
@given(payments, st.sampled_from([PRICE // 2, PRICE, TEN_TIMES]))
def test_the_old_price_is_for_who_has_paid_all_of_it_in_time(
    engine: Engine, paid: Sequence[tuple[bool, int, int]], today: int
) -> None:
    """Whatever is paid, where, when and in what order it is noticed."""
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            _pay_all(connection, paid, Sat(today))
            bought = connection.execute(
                select(purchase.c.paid, purchase.c.price_sat).where(purchase.c.owner == LAW)
            ).one()
            left = ledger.balance(connection, LAW)
        finally:
            transaction.rollback()
    to_order = sum(amount for is_order, _, amount in paid if is_order)
    in_time = sum(amount for is_order, days, amount in paid if is_order and days <= WEEK)
    everything = sum(amount for _, _, amount in paid)
    if in_time >= PRICE:
        # A first part may cover today's price, where that is lower by now.
        assert bought.paid is not None
        assert bought.price_sat in {PRICE, min(PRICE, today)}
    elif to_order >= today:
        assert (bought.paid is not None, bought.price_sat) == (True, today)
    else:
        assert bought.paid is None
    assert left == everything - (bought.price_sat if bought.paid is not None else 0), "the rest is balance"


def _pay_all(connection: Connection, paid: Sequence[tuple[bool, int, int]], today: Sat) -> None:
    accounts.register(connection, LAW, delegate=None, contact=None)
    places = [
        connection.execute(
            insert(deposit)
            .values(wallet="law", index=index, address=f"law {index}", script=b"law %d" % index, owner=LAW)
            .returning(deposit.c.id)
        ).scalar_one()
        for index in range(2)
    ]
    connection.execute(insert(purchase).values(owner=LAW, deposit_id=places[0], price_sat=PRICE, created=START))
    for number, (is_order, days, amount) in enumerate(sorted(paid, key=lambda each: each[1])):
        connection.execute(
            insert(receipt).values(
                txid=f"{number:064x}",
                vout=0,
                deposit_id=places[0 if is_order else 1],
                amount_sat=amount,
                block_hash="0" * 64,
                height=days,
                credited=True,
                seen=START + timedelta(days=days),
            )
        )
        ledger.credit_deposit(connection, LAW, Sat(amount), "law")
        settle(connection, LAW, today)
