"""The chain through a causeway: its node's answers over real HTTP, proved by the client; and scans that take long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.serving import make_server

from causeway.app import create_app
from causeway.chain import scans
from causeway.chain.scans import Scans
from causeway.chain.service import Node
from causeway.errors import ScanningError
from causeway.legacy.chain import PAGE
from causeway.outbound import read_chain
from causeway.settings import Rate
from rein.btc.address import p2wsh_address, p2wsh_script
from rein.btc.amounts import COIN, Sat
from rein.btc.networks import MAINNET, REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.chain.proofs import gather_proof
from rein.chain.proved import ProvedSource
from rein.chain.source import MAX_OUTPUTS, ChainSource, Output, largest
from rein.devnet import faucet
from rein.errors import ChainError, RejectedError
from rein.remote.chain import CausewayChain, open_causeway_chain
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.causeway.paid_server import private_chain
from tests.chain.test_core_rpc import ESCROW_ADDRESS, ESCROW_SCRIPT, NO_HASH, signed
from tests.support.evil_server import evil_server
from tests.support.people import Person, person


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], CoreRpc]]:
    with private_chain(tmp_path_factory.mktemp("chain")) as found:
        yield found


@pytest.fixture
def chain(connect: Callable[[], CoreRpc]) -> Iterator[CoreRpc]:
    with connect() as found:
        yield found


@pytest.fixture
def coin(chain: CoreRpc) -> Output:
    txid = faucet.pay(chain, [(ESCROW_ADDRESS, Sat(COIN))])
    faucet.mine(chain, 1)
    found = chain.unspent_output(OutPoint(txid, 0))
    assert found is not None
    return found


@pytest.fixture
def app(server: Server, chain: CoreRpc) -> Flask:
    rpc = chain._rpc
    address = read_chain(rpc.endpoint.url, str(rpc._cookie_file), REGTEST)
    return create_app(replace(server.settings, chain=address))


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}/"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


@pytest.fixture
def remote(app: Flask, bob: Person) -> Iterator[ProvedSource]:
    with serving(app) as url, closing(open_causeway_chain(url, REGTEST, bob.master_address)) as source:
        yield source


def test_it_says_what_the_node_says(chain: CoreRpc, remote: ProvedSource, coin: Output) -> None:
    tip = chain.tip()
    assert remote.tip() == remote.block(tip.hash) == remote.block_at(tip.height) == tip
    assert remote.block(NO_HASH) is None
    assert remote.headers(0, 500) == chain.headers(0, 500)
    assert len(remote.headers(0, 500)) == tip.height + 1, "more than one answer's worth"
    assert remote.unspent_output(coin.outpoint) == coin
    assert remote.unspent_output(OutPoint(NO_HASH, 0)) is None
    found = {each.outpoint: each for each in remote.unspent_outputs([ESCROW_SCRIPT, b"\x51"])}
    assert found == {each.outpoint: each for each in chain.unspent_outputs([ESCROW_SCRIPT])}
    assert found[coin.outpoint] == coin
    assert remote.find_transaction(coin.outpoint.txid) == chain.find_transaction(coin.outpoint.txid)
    assert remote.find_transaction(coin.outpoint.txid, tip.hash) == chain.find_transaction(coin.outpoint.txid)
    assert remote.find_transaction(NO_HASH) is None
    proof = gather_proof(remote, coin.outpoint.txid)
    assert proof == gather_proof(chain, coin.outpoint.txid)
    assert proof is not None
    assert proof.check(REGTEST).confirmations == 1
    assert remote.feerate() is None
    with pytest.raises(ChainError, match="no block at height"):
        remote.block_at(tip.height + 1)


def test_dust_of_strangers_hides_nothing(
    chain: CoreRpc, remote: ProvedSource, coin: Output, app: Flask, bob: Person
) -> None:
    """1,020 outputs of 330 sat: the answer is bounded, and begins with what matters."""
    for _ in range(2):
        faucet.pay(chain, [(ESCROW_ADDRESS, Sat(330))] * 510)
    faucet.mine(chain, 1)
    witnesses = [bytes([0x51] * number) for number in range(2, 14)]
    others = [p2wsh_script(witness) for witness in witnesses]
    for witness in witnesses:
        faucet.pay(chain, [(p2wsh_address(witness, REGTEST), Sat(1_000))] * 60)
    faucet.mine(chain, 1)
    everything = chain.unspent_outputs([ESCROW_SCRIPT, *others])
    assert len(everything) >= 1_021 + 12 * 60
    found = remote.unspent_outputs([ESCROW_SCRIPT, *others])
    assert found == largest(everything), "in pages, the largest of each script"
    assert coin.amount == found[0].amount
    assert len(found) == 13 * MAX_OUTPUTS > PAGE
    asked = {"owner": bob.master_address, "query": "getunspent", "scripts": ESCROW_SCRIPT.hex()}
    answer = Caller(app.test_client()).get("/bitcoin", **asked).data
    assert (len(answer["unspent"]), answer["total"]) == (MAX_OUTPUTS, MAX_OUTPUTS)
    assert Caller(app.test_client()).get("/bitcoin", **asked, after=MAX_OUTPUTS).data["unspent"] == []


@pytest.mark.parametrize(
    ("total", "pages", "says"),
    [
        (10**9, [2], "total is not a whole number"),
        (-1, [2], "total is not a whole number"),
        (None, [2], "has no total"),
        (4, [2, 0], "changed"),
        (4, [0], "changed"),
        (4, [5], "changed"),
        (0, [5], "changed"),
    ],
)
def test_pages_that_lead_nowhere_are_noticed(total: object, pages: list[int], says: str) -> None:
    turns = iter(pages)

    def bend(_path: str, _asked: dict[str, str], _honest: object) -> object:
        one = {"txid": NO_HASH, "hash": NO_HASH, "height": 1}
        page = [{**one, "vout": number} for number in range(next(turns, 0))]
        return {"result": "success", "unspent": page, "total": total}

    with evil_server() as evil:
        evil.bend = bend
        telling = CausewayChain(evil.url, "mkHS9ne12qx9pS9VojpwU5xtRd4T7X7ZUt")
        with closing(telling), pytest.raises(ChainError, match=says):
            telling.outpoints([ESCROW_SCRIPT])


def test_a_payment_through_a_server(chain: CoreRpc, remote: ProvedSource, coin: Output) -> None:
    payment = signed(coin)
    assert remote.broadcast(payment) == payment.txid
    assert remote.broadcast(payment) == payment.txid
    assert remote.unspent_output(coin.outpoint) is None
    waiting = remote.unspent_output(OutPoint(payment.txid, 0))
    assert waiting is not None
    assert (waiting.height, waiting.confirmations, waiting.script) == (None, 0, faucet.SCRIPT)
    with pytest.raises(RejectedError, match="insufficient fee"):
        remote.broadcast(signed(coin, fee=1001))
    faucet.mine(chain, 1)


def test_who_has_no_account_is_told_what_to_do(app: Flask) -> None:
    eve = person("Eve").master_address
    with serving(app) as url, closing(open_causeway_chain(url, REGTEST, eve)) as source:
        with pytest.raises(ChainError, match="Account required") as caught:
            source.tip()
        assert caught.value.hint == "ask the server for an account: rein request URL"


def test_another_network_is_refused(app: Flask, bob: Person) -> None:
    with serving(app) as url:
        source = open_causeway_chain(url, MAINNET, bob.master_address)
        with closing(source), pytest.raises(ChainError, match="not on mainnet"):
            source.tip()


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"query": "getheaders", "height": 0}, (400, "missing_parameter")),
        ({"query": "getheaders", "height": 0, "count": 101}, (400, "bad_parameter")),
        ({"query": "getheaders", "height": 10_000, "count": 1}, (404, "block_not_found")),
        ({"query": "getunspent"}, (400, "missing_parameter")),
        ({"query": "getunspent", "scripts": ""}, (400, "bad_parameter")),
        ({"query": "getunspent", "scripts": "zz"}, (400, "bad_parameter")),
        ({"query": "getunspent", "scripts": "51,"}, (400, "bad_parameter")),
        ({"query": "getunspent", "scripts": "51" * 43}, (400, "bad_parameter")),
        ({"query": "getunspent", "scripts": ",".join(["51"] * 101)}, (400, "bad_parameter")),
        ({"query": "getoutput", "txid": NO_HASH}, (400, "missing_parameter")),
        ({"query": "getoutput", "txid": NO_HASH, "vout": -1}, (400, "bad_parameter")),
        ({"query": "gettransaction", "txid": NO_HASH}, (404, "transaction_not_found")),
        ({"query": "gettransaction", "txid": "x"}, (400, "bad_parameter")),
        ({"query": "getproof", "txid": NO_HASH}, (400, "missing_parameter")),
        ({"query": "getproof", "txid": NO_HASH, "hash": NO_HASH}, (404, "transaction_not_found")),
        ({"query": "getfeerate", "blocks": 0}, (400, "bad_parameter")),
    ],
)
def test_what_cannot_be_answered_is_named(
    app: Flask, bob: Person, asked: dict[str, Any], outcome: tuple[int, str]
) -> None:
    caller = Caller(app.test_client())
    assert caller.get("/bitcoin", owner=bob.master_address, **asked).outcome == outcome


def test_without_a_node_it_says_so(caller: Caller, bob: Person) -> None:
    for asked in ({"query": "getunspent", "scripts": "51"}, {"query": "getheaders", "height": 0, "count": 1}):
        assert caller.get("/bitcoin", owner=bob.master_address, **asked).outcome == (404, "no_chain")


# Scans


class SlowChain:
    """A node that scans until it is told to stop."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.down = False
        self.scanned: list[list[bytes]] = []

    def unspent_outputs(self, scripts: list[bytes]) -> list[Output]:
        self.scanned.append(list(scripts))
        self.may_end.wait(10)
        if self.down:
            raise ChainError("the node at 10.1.2.3 cannot be reached")
        return [Output(OutPoint(NO_HASH, 0), Sat(5), scripts[0], 1, 1)]


@pytest.fixture
def slow() -> Iterator[SlowChain]:
    found = SlowChain()
    yield found
    found.may_end.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "PATIENCE_S", 0.02)


@pytest.mark.usefixtures("impatient")
def test_one_scan_at_a_time_and_its_answer_is_kept(slow: SlowChain) -> None:
    now = [0.0]
    looking = Scans(cast("ChainSource", slow), clock=lambda: now[0])
    mine, others = frozenset([b"\x51"]), frozenset([b"\x52"])
    for _ in range(3):
        with pytest.raises(ScanningError, match="a scan for these outputs is running"):
            looking.find(mine)
        with pytest.raises(ScanningError, match="others' outputs"):
            looking.find(others)
    slow.may_end.set()
    looking._last.finished.wait(5)  # type: ignore[union-attr]  # it was begun
    for _ in range(3):
        assert [each.amount for each in looking.find(mine)] == [5]
    assert slow.scanned == [[b"\x51"]]
    now[0] += scans.GOOD_FOR_S
    _finish(looking, mine)
    _finish(looking, others)
    assert slow.scanned == [[b"\x51"], [b"\x51"], [b"\x52"]]


def _finish(looking: Scans, scripts: frozenset[bytes]) -> None:
    try:
        looking.find(scripts)
    except ScanningError:
        assert looking._last is not None
        looking._last.finished.wait(5)
        looking.find(scripts)


def test_a_scan_that_fails_is_not_kept(slow: SlowChain) -> None:
    slow.down = True
    slow.may_end.set()
    looking = Scans(cast("ChainSource", slow))
    with pytest.raises(ChainError):
        looking.find(frozenset([b"\x51"]))
    slow.down = False
    assert looking.find(frozenset([b"\x51"]))


@pytest.mark.usefixtures("impatient")
def test_a_busy_server_says_when_to_ask_again(server: Server, slow: SlowChain, bob: Person) -> None:
    caller = Caller(create_app(server.settings, chain=cast("ChainSource", slow)).test_client())
    answer = caller.http.get(f"/bitcoin?owner={bob.master_address}&query=getunspent&scripts=51")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(scans.RETRY_AFTER_S))
    assert answer.get_json()["code"] == "scanning"


@pytest.mark.usefixtures("impatient")
def test_scans_are_counted_as_expensive(server: Server, slow: SlowChain, bob: Person) -> None:
    settings = replace(server.settings, rate_write=(Rate(25, 60),), local=())
    caller = Caller(create_app(settings, chain=cast("ChainSource", slow)).test_client())
    asked = {"owner": bob.master_address, "query": "getunspent", "scripts": "51"}
    outcomes = [caller.get("/bitcoin", **asked).outcome for _ in range(4)]
    assert outcomes == [(503, "scanning")] * 3 + [(429, "rate_limited")]


def test_the_client_waits_for_a_scan(server: Server, slow: SlowChain, bob: Person, impatient: None) -> None:
    paused: list[float] = []

    def sleep(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 2:
            slow.down = True
            slow.may_end.set()
            threading.Event().wait(0.2)

    with serving(create_app(server.settings, chain=cast("ChainSource", slow))) as url:
        asking = CausewayChain(url, bob.master_address, sleep=sleep)
        with closing(asking), pytest.raises(ChainError, match="does not answer"):
            asking.outpoints([b"\x51"])
    assert paused == [scans.RETRY_AFTER_S] * 2


def test_a_node_that_is_down_is_not_named(slow: SlowChain) -> None:
    slow.down = True
    slow.may_end.set()
    with pytest.raises(Exception, match="node does not answer") as caught:
        Node(cast("ChainSource", slow), cast("ChainSource", slow)).unspent(frozenset([b"\x51"]))
    assert "10.1.2.3" not in str(caught.value)
