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
from tests.causeway.paid_server import KEY, PRICE, WALLET, Till, private_chain
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
def till(server: Server, chain: Observed, request: pytest.FixtureRequest) -> Till:
    """A till whose addresses no other test of this module has used."""
    start = 1_000 * (1 + sorted(item.name for item in request.session.items).index(request.node.name))
    till = Till(server, chain)
    till.watcher.update()  # nothing was given out: it begins at the tip
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
    return till


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


def index_of(till: Till, address: str) -> int:
    return int(str(till.server.value('SELECT "index" FROM deposit WHERE address = :a', a=address)))


def spend(till: Till, txid: str, address: str) -> None:
    """The operator's wallet spends a deposit."""
    key = WALLET.derive([0, index_of(till, address)]).private_key
    paid = till.chain.transaction(txid)
    assert paid is not None
    vout = next(n for n, output in enumerate(paid.outputs) if output.script == KEY.script(index_of(till, address)))
    till.chain.broadcast(_signed(key.secret, key.public_key, OutPoint(txid, vout), paid.outputs[vout].amount))


def test_a_server_that_was_down_finds_what_was_paid_and_spent_meanwhile(till: Till, chain: Observed) -> None:
    """No scan of unspent outputs could: the operator's wallet has spent it again."""
    address = till.order(BOB)
    txid = faucet.pay(chain, [(address, PRICE)])
    faucet.mine(chain, 3)
    spend(till, txid, address)
    mined = faucet.mine(chain, 160)
    assert till.new_watcher(chain).update() == 1
    assert (till.buckets(BOB), till.balance(BOB)) == (1, 0)
    assert till.server.rows("SELECT credited, final FROM receipt") == [(True, True)]
    assert place(till.server)[0] == mined[-1]
    assert len(chain.read) == 163


def test_each_block_is_read_once(till: Till, chain: Observed, server: Server) -> None:
    mined = faucet.mine(chain, 3)
    till.watcher.update()
    assert chain.read == mined
    mined += till.mine(2)
    till.watcher.update()
    till.new_watcher(chain).update()
    assert chain.read == mined
    assert place(server) == (mined[-1], chain.tip().height)


def test_a_look_that_was_cut_short_goes_on_where_it_was(till: Till, chain: Observed, server: Server) -> None:
    address = till.order(BOB)
    faucet.pay(chain, [(address, PRICE)])
    mined = faucet.mine(chain, 4)
    chain.before_reading = lambda count: broken(count) if count == 2 else None
    with pytest.raises(ChainError):
        till.watcher.update()
    assert place(server)[0] == mined[1]
    assert (till.buckets(BOB), till.balance(BOB)) == (0, 0)  # judged at the tip only
    chain.before_reading = lambda _: None
    till.watcher.update()
    assert chain.read == mined
    assert (till.buckets(BOB), till.balance(BOB)) == (1, 0)


def test_an_address_that_was_given_out_during_a_look_is_watched(till: Till, chain: Observed) -> None:
    following = KEY.address(int(str(till.server.value('SELECT max("index") FROM deposit'))) + 1)
    faucet.pay(chain, [(following, PRICE)])
    faucet.mine(chain, 1)
    given: list[str] = []
    chain.before_reading = lambda _: given.append(till.order(BOB))
    till.watcher.update()
    assert given == [following]
    assert till.buckets(BOB) == 1


def test_it_begins_a_day_before_the_first_address(till: Till, chain: Observed, server: Server) -> None:
    """A database that knows addresses and no block: the wallet's history before them is not read."""
    address = till.order(BOB)
    till.pay(address, PRICE)
    server.rows("DELETE FROM watched_block")
    server.rows("DELETE FROM receipt")
    chain.read.clear()
    chain.seconds_a_block = 3_600
    till.new_watcher(chain).update()
    assert 23 <= len(chain.read) <= 26 < chain.tip().height
    assert server.value("SELECT count(*) FROM receipt WHERE credited") == 1


def test_a_deep_reorganisation_is_read_from_where_it_began(till: Till, chain: Observed, server: Server) -> None:
    address = till.order(BOB)
    before = chain.tip().hash
    txid = till.pay(address, PRICE + 7, blocks=6)
    assert till.balance(BOB) == 7
    spend(till, txid, address)
    left = chain.block_at(chain.block(before).height + 1).hash  # type: ignore[union-attr]
    chain.call("invalidateblock", left)
    chain.read.clear()
    mined = faucet.mine(chain, 8)
    till.watcher.update()
    # The same payment in another block, spent there already: still the same money, once.
    assert chain.read == mined
    assert server.rows("SELECT block_hash, credited FROM receipt") == [(mined[0], True)]
    assert (till.buckets(BOB), till.balance(BOB)) == (1, 7)
    assert server.value("SELECT count(*) FROM ledger") == 4
    assert server.value("SELECT count(*) FROM watched_block WHERE hash = :left", left=left) == 0


def test_a_chain_it_has_never_seen_is_begun_anew(till: Till, chain: Observed, server: Server) -> None:
    address = till.order(BOB)
    till.pay(address, PRICE)
    server.rows("UPDATE watched_block SET hash = lpad(height::text, 64, '0')")
    till.new_watcher(chain).update()
    assert place(server) == (chain.tip().hash, chain.tip().height)
    assert (till.buckets(BOB), till.balance(BOB)) == (1, 0)
    assert server.value("SELECT count(*) FROM ledger") == 4


def test_only_the_last_blocks_are_remembered(till: Till, chain: Observed, server: Server) -> None:
    oldest = chain.tip().height + 2 - KEPT_BLOCKS
    older = "INSERT INTO watched_block SELECT :tip - n, lpad(n::text, 64, 'a') FROM generate_series(1, 400) n"
    server.rows(older, tip=chain.tip().height)
    till.mine()
    assert server.rows("SELECT count(*), min(height) FROM watched_block") == [(KEPT_BLOCKS, oldest)]


def test_a_node_without_the_old_blocks_is_scanned_if_asked(till: Till, chain: Observed, server: Server) -> None:
    address, missed = till.order(BOB), till.order(BOB)
    faucet.pay(chain, [(address, Sat(PRICE + 3))])
    txid = faucet.pay(chain, [(missed, PRICE)])
    faucet.mine(chain, 2)
    spend(till, txid, missed)
    faucet.mine(chain, 1)
    chain.before_reading = broken
    with pytest.raises(ChainError):
        till.watcher.update()
    chain.may_scan = True
    assert till.watcher.rescan() == 1
    assert (till.buckets(BOB), till.balance(BOB)) == (1, 3)
    assert till.watcher.update() == 0
    assert place(server) == (chain.tip().hash, chain.tip().height)
    chain.before_reading = lambda _: None
    till.pay(missed, 600)
    assert till.balance(BOB) == 603
