"""The watcher reads blocks: from where, how far, and what it makes of a chain that changed while nobody looked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from causeway.payments.progress import KEPT_BLOCKS
from rein.btc.amounts import Sat
from rein.btc.block import Block
from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import BlockRef, Output
from rein.devnet import faucet
from rein.errors import ChainError
from tests.causeway.conftest import Server
from tests.causeway.paid_server import KEY, PRICE, WALLET, PaidServer, private_chain
from tests.causeway.payments.test_buying import _signed
from tests.support.people import person

BOB = person("Bob")


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], CoreRpc]]:
    with private_chain(tmp_path_factory.mktemp("chain")) as connect:
        yield connect


@pytest.fixture
def chain(connect: Callable[[], CoreRpc]) -> Iterator[Observed]:
    with connect() as chain:
        yield Observed(chain)


@pytest.fixture
def shop(server: Server, chain: Observed, request: pytest.FixtureRequest) -> PaidServer:
    """A shop whose addresses no other test of this module has used."""
    start = 1_000 * (1 + sorted(item.name for item in request.session.items).index(request.node.name))
    shop = PaidServer(server, chain)
    shop.watcher.update()  # nothing was given out: it begins at the tip
    server.rows("INSERT INTO owner (address) VALUES ('1First')")
    server.rows(
        'INSERT INTO deposit (wallet, "index", address, script, owner) VALUES (:w, :index, :address, :script, :o)',
        w=KEY.id,
        index=start,
        address=KEY.address(start),
        script=KEY.script(start),
        o="1First",
    )
    chain.read.clear()
    return shop


class Observed(CoreRpc):
    """A node that tells which blocks were read, and does what a test wants before each."""

    def __init__(self, chain: CoreRpc) -> None:
        self.__dict__ = dict(chain.__dict__)
        self.read: list[str] = []
        self.before_reading: Callable[[int], None] = lambda _: None
        self.seconds_a_block = 0
        self.may_scan = False

    def read_block(self, block_hash: str) -> Block:
        self.before_reading(len(self.read))
        self.read.append(block_hash)
        return super().read_block(block_hash)

    def block_at(self, height: int) -> BlockRef:
        block = super().block_at(height)
        return replace(block, time=block.time - self.seconds_a_block * (self.tip().height - height))

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        assert self.may_scan or list(scripts) == [faucet.SCRIPT]
        return super().unspent_outputs(scripts)


def place(server: Server) -> tuple[object, ...]:
    return server.rows("SELECT hash, height FROM watched_block ORDER BY height DESC LIMIT 1")[0]


def broken(_: int) -> None:
    raise ChainError("away")


def index_of(shop: PaidServer, address: str) -> int:
    return int(str(shop.server.value('SELECT "index" FROM deposit WHERE address = :a', a=address)))


def spend(shop: PaidServer, txid: str, address: str) -> None:
    """The operator's wallet spends a deposit."""
    key = WALLET.derive([0, index_of(shop, address)]).private_key
    paid = shop.chain.transaction(txid)
    assert paid is not None
    vout = next(n for n, output in enumerate(paid.outputs) if output.script == KEY.script(index_of(shop, address)))
    shop.chain.broadcast(_signed(key.secret, key.public_key, OutPoint(txid, vout), paid.outputs[vout].amount))


def test_a_server_that_was_down_finds_what_was_paid_and_spent_meanwhile(shop: PaidServer, chain: Observed) -> None:
    """No scan of unspent outputs could: the operator's wallet has spent it again."""
    address = shop.order(BOB)
    txid = faucet.pay(chain, [(address, PRICE)])
    faucet.mine(chain, 3)
    spend(shop, txid, address)
    mined = faucet.mine(chain, 160)
    assert shop.new_watcher(chain).update() == 1
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)
    assert shop.server.rows("SELECT credited, final FROM receipt") == [(True, True)]
    assert place(shop.server)[0] == mined[-1]
    assert len(chain.read) == 163


def test_each_block_is_read_once(shop: PaidServer, chain: Observed, server: Server) -> None:
    mined = faucet.mine(chain, 3)
    shop.watcher.update()
    assert chain.read == mined
    mined += shop.mine(2)
    shop.watcher.update()
    shop.new_watcher(chain).update()
    assert chain.read == mined
    assert place(server) == (mined[-1], chain.tip().height)


def test_a_look_that_was_cut_short_goes_on_where_it_was(shop: PaidServer, chain: Observed, server: Server) -> None:
    address = shop.order(BOB)
    faucet.pay(chain, [(address, PRICE)])
    mined = faucet.mine(chain, 4)
    chain.before_reading = lambda count: broken(count) if count == 2 else None
    with pytest.raises(ChainError):
        shop.watcher.update()
    assert place(server)[0] == mined[1]
    assert (shop.buckets(BOB), shop.balance(BOB)) == (0, 0)  # judged at the tip only
    chain.before_reading = lambda _: None
    shop.watcher.update()
    assert chain.read == mined
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)


def test_an_address_that_was_given_out_during_a_look_is_watched(shop: PaidServer, chain: Observed) -> None:
    following = KEY.address(int(str(shop.server.value('SELECT max("index") FROM deposit'))) + 1)
    faucet.pay(chain, [(following, PRICE)])
    faucet.mine(chain, 1)
    given: list[str] = []
    chain.before_reading = lambda _: given.append(shop.order(BOB))
    shop.watcher.update()
    assert given == [following]
    assert shop.buckets(BOB) == 1


def test_it_begins_a_day_before_the_first_address(shop: PaidServer, chain: Observed, server: Server) -> None:
    """A database that knows addresses and no block: the wallet's history before them is not read."""
    address = shop.order(BOB)
    shop.pay(address, PRICE)
    server.rows("DELETE FROM watched_block")
    server.rows("DELETE FROM receipt")
    chain.read.clear()
    chain.seconds_a_block = 3_600
    shop.new_watcher(chain).update()
    assert 23 <= len(chain.read) <= 26 < chain.tip().height
    assert server.value("SELECT count(*) FROM receipt WHERE credited") == 1


def test_a_deep_reorganisation_is_read_from_where_it_began(shop: PaidServer, chain: Observed, server: Server) -> None:
    address = shop.order(BOB)
    before = chain.tip().hash
    txid = shop.pay(address, PRICE + 7, blocks=6)
    assert shop.balance(BOB) == 7
    spend(shop, txid, address)
    left = chain.block_at(chain.block(before).height + 1).hash  # type: ignore[union-attr]
    chain.call("invalidateblock", left)
    chain.read.clear()
    mined = faucet.mine(chain, 8)
    shop.watcher.update()
    # The same payment in another block, spent there already: still the same money, once.
    assert chain.read == mined
    assert server.rows("SELECT block_hash, credited FROM receipt") == [(mined[0], True)]
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 7)
    assert server.value("SELECT count(*) FROM ledger") == 4
    assert server.value("SELECT count(*) FROM watched_block WHERE hash = :left", left=left) == 0


def test_a_chain_it_has_never_seen_is_begun_anew(shop: PaidServer, chain: Observed, server: Server) -> None:
    address = shop.order(BOB)
    shop.pay(address, PRICE)
    server.rows("UPDATE watched_block SET hash = lpad(height::text, 64, '0')")
    shop.new_watcher(chain).update()
    assert place(server) == (chain.tip().hash, chain.tip().height)
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 0)
    assert server.value("SELECT count(*) FROM ledger") == 4


def test_only_the_last_blocks_are_remembered(shop: PaidServer, chain: Observed, server: Server) -> None:
    oldest = chain.tip().height + 2 - KEPT_BLOCKS
    older = "INSERT INTO watched_block SELECT :tip - n, lpad(n::text, 64, 'a') FROM generate_series(1, 400) n"
    server.rows(older, tip=chain.tip().height)
    shop.mine()
    assert server.rows("SELECT count(*), min(height) FROM watched_block") == [(KEPT_BLOCKS, oldest)]


def test_a_node_without_the_old_blocks_is_scanned_if_asked(shop: PaidServer, chain: Observed, server: Server) -> None:
    address, missed = shop.order(BOB), shop.order(BOB)
    faucet.pay(chain, [(address, Sat(PRICE + 3))])
    txid = faucet.pay(chain, [(missed, PRICE)])
    faucet.mine(chain, 2)
    spend(shop, txid, missed)
    faucet.mine(chain, 1)
    chain.before_reading = broken
    with pytest.raises(ChainError):
        shop.watcher.update()
    chain.may_scan = True
    assert shop.watcher.rescan() == 1
    assert (shop.buckets(BOB), shop.balance(BOB)) == (1, 3)
    assert shop.watcher.update() == 0
    assert place(server) == (chain.tip().hash, chain.tip().height)
    chain.before_reading = lambda _: None
    shop.pay(missed, 600)
    assert shop.balance(BOB) == 603
