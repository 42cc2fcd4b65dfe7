"""Money and expiry as operators run them: real processes, a real chain, one of many doing what one must do."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from causeway.db.embedded import EmbeddedPostgres
from causeway.db.engine import make_patient_engine
from rein.btc.amounts import Sat
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from tests.causeway.paid_server import PRICE, WALLET, private_chain
from tests.causeway.test_serving import Process, command, failure, serving
from tests.support.people import person

BOB = person("Bob")
XPUB = WALLET.to_public().to_string()
PATIENCE_S = 30


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CoreRpc, Path]]:
    data = tmp_path_factory.mktemp("chain")
    with private_chain(data) as connect, connect() as chain:
        yield chain, data / ".cookie"


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="causeway-tests-") as directory:
        yield Path(directory) / "data"


def url_of(chain: CoreRpc) -> str:
    return repr(chain).split("'")[1]


def paying(chain: CoreRpc, cookie: Path, branch: int = 0) -> tuple[object, ...]:
    """The flags of a server that sells, on a branch of the wallet: the chain remembers what other tests have paid."""
    return (
        *("--price-sat", int(PRICE), "--payment-descriptor", f"wpkh({XPUB}/{branch}/*)"),
        *("--chain-url", url_of(chain), "--chain-cookie", cookie, "--watch-interval-s", 1),
    )


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def buckets(server: Process) -> int:
    return len(server.get("/request", owner=BOB.master_address)["buckets"])


def test_a_server_sees_by_itself_that_it_was_paid(node: tuple[CoreRpc, Path], data: Path) -> None:
    chain, cookie = node
    with serving("--data", data, "--workers", 2, *paying(chain, cookie)) as server:
        order = server.get("/buy", owner=BOB.master_address)
        assert (order["price"], server.get("/status")["price"]) == (str(PRICE), str(PRICE))
        faucet.pay(chain, [(order["address"], PRICE)])
        faucet.mine(chain, 1)
        wait_for(lambda: buckets(server) == 1)
        # The watcher is in one of the two workers: whoever dies, another looks.
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving("--data", data, "--workers", 2, *paying(chain, cookie)) as server:
        order = server.get("/buy", owner=BOB.master_address)
        faucet.pay(chain, [(order["address"], Sat(PRICE + 1))])
        faucet.mine(chain, 1)
        wait_for(lambda: buckets(server) == 2)
        assert server.stop() == 0


def test_a_watcher_of_its_own(node: tuple[CoreRpc, Path], data: Path) -> None:
    chain, cookie = node
    selling = paying(chain, cookie, branch=1)
    with serving("--data", data, *selling[:4]) as server:
        order = server.get("/buy", owner=BOB.master_address)
        watcher = command("watch", "--network", "regtest", "--data", data, *selling)
        try:
            faucet.pay(chain, [(order["address"], PRICE)])
            faucet.mine(chain, 1)
            wait_for(lambda: buckets(server) == 1)
            watcher.send_signal(signal.SIGTERM)
            out, err = watcher.communicate(timeout=PATIENCE_S)
        finally:
            watcher.kill()
        assert watcher.returncode == 0
        assert "1 payments have changed" in out
        assert err == "causeway watches the chain\n"


def test_a_look_and_a_sweep_by_hand(node: tuple[CoreRpc, Path], data: Path) -> None:
    chain, cookie = node
    look = command("watch", "--once", "--network", "regtest", "--data", data, *paying(chain, cookie))
    assert look.communicate(timeout=PATIENCE_S) == ("", "")
    embedded = EmbeddedPostgres(data)
    embedded.start()
    try:
        with make_patient_engine(embedded.url).begin() as connection:
            connection.execute(text("INSERT INTO owner (address) VALUES (:o)"), {"o": BOB.master_address})
            connection.execute(
                text(
                    "INSERT INTO bucket (owner, expires, bytes_total, transfer_total) "
                    "VALUES (:o, now() - interval '40 days', 1, 1)"
                ),
                {"o": BOB.master_address},
            )
        sweep = command("sweep", "--json", "--network", "regtest", "--data", data)
        out, err = sweep.communicate(timeout=PATIENCE_S)
        assert (json.loads(out)["buckets"], err) == (1, "")
        sweep = command("sweep", "--network", "regtest", "--data", data)
        said = "0 values moved, 0 mails sent (0 put off), 0 values and 0 buckets removed\n"
        assert sweep.communicate(timeout=PATIENCE_S) == (said, "")
    finally:
        embedded.stop()


def test_what_a_watcher_cannot_do_without() -> None:
    code, said = failure("watch", "--network", "regtest", "--database-url", "postgresql:///x", "--chain-url", "ftp://x")
    assert (code, "chain_url" in said) == (2, True)
    code, said = failure("serve", "--network", "regtest", "--price-sat", 5000)
    assert (code, "payment_descriptor" in said) == (2, True)
    code, said = failure("serve", "--network", "regtest", "--payment-descriptor", WALLET.to_string())
    assert (code, "private key" in said) == (2, True)
    assert WALLET.to_string() not in said
