"""What an operator is told of payments, the chain and the mail: by metrics, and by `causeway doctor`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from causeway.app import create_app
from causeway.commands.data import shown_stats
from causeway.db.engine import parse_url
from causeway.maintenance.outbound import check_mail, check_payments
from causeway.maintenance.stats import read_stats
from causeway.outbound import ChainAddress, MailServer, read_mail_server
from causeway.settings import Settings
from rein.btc.networks import SIGNET
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.findings import Finding, Level
from tests.causeway.conftest import Server
from tests.causeway.mail_server import accept, smtp_server
from tests.causeway.paid_server import KEY, PRICE, PaidServer, private_chain
from tests.support.people import person

BOB = person("Bob")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Callable[[], CoreRpc], Path]]:
    data = tmp_path_factory.mktemp("chain")
    with private_chain(data) as connect:
        yield connect, data / ".cookie"


@pytest.fixture
def chain(node: tuple[Callable[[], CoreRpc], Path]) -> Iterator[CoreRpc]:
    with node[0]() as chain:
        yield chain


@pytest.fixture
def selling(server: Server, chain: CoreRpc, node: tuple[Callable[[], CoreRpc], Path]) -> Settings:
    address = ChainAddress(repr(chain).split("'")[1], cookie_file=node[1])
    return replace(server.settings, price=PRICE, free_buckets=0, payment_key=KEY, chain=address)


def metrics(settings: Settings) -> dict[str, float]:
    text = create_app(settings).test_client().get("/metrics").text
    plain = (line.split(" ") for line in text.splitlines() if not line.startswith("#") and "{" not in line)
    return {name.removeprefix("causeway_"): float(number) for name, number in plain}


def findings(settings: Settings) -> list[Finding]:
    return list(check_payments(parse_url(settings.database_url or ""), settings))


def said(found: list[Finding], verdict: Level) -> str:
    assert all(each.hint for each in found if each.verdict is not Level.OK)
    return "\n".join(each.message for each in found if each.verdict is verdict)


# ----- metrics ---------------------------------------------------------------------------------------------------


def test_metrics_tell_of_orders_and_of_the_watcher(server: Server, chain: CoreRpc, selling: Settings) -> None:
    shop = PaidServer(server, chain)
    shop.watcher.update()
    addresses = [shop.order(BOB) for _ in range(3)]
    server.rows("UPDATE purchase SET created = created - interval '8 days' WHERE id = (SELECT min(id) FROM purchase)")
    shop.pay(addresses[2], PRICE + 5)
    faucet.mine(chain, 4)
    found = metrics(selling)
    assert (found["orders_open"], found["orders_late"], found["orders_paid"]) == (1, 1, 1)
    assert found["credited_sat"] == PRICE + 5
    with server.engine.connect() as connection:
        counted = read_stats(connection)
    assert (counted.orders_open, counted.orders_late, counted.orders_paid) == (1, 1, 1)
    assert (counted.credited_sat, counted.income_sat) == (PRICE + 5, PRICE)
    shown = shown_stats(counted)
    assert "orders      1 paid, 1 open, 1 late" in shown
    assert f"income      {PRICE:,} of {PRICE + 5:,} credited satoshis" in shown
    assert found["watcher_height"] == chain.tip().height - 4
    assert found["watcher_lag_blocks"] == 4
    assert 0 <= time.time() - found["watcher_success_time_seconds"] < 60
    shop.watcher.update()
    assert metrics(selling)["watcher_lag_blocks"] == 0


def test_a_look_that_finds_nothing_new_is_a_success(server: Server, chain: CoreRpc, selling: Settings) -> None:
    shop = PaidServer(server, chain)
    shop.watcher.update()
    server.rows("UPDATE watched_block SET seen = seen - interval '1 hour'")
    assert time.time() - metrics(selling)["watcher_success_time_seconds"] > 3_000
    shop.watcher.update()
    assert time.time() - metrics(selling)["watcher_success_time_seconds"] < 60


def test_metrics_without_a_node_or_a_price(server: Server, chain: CoreRpc, selling: Settings) -> None:
    assert not [name for name in metrics(server.settings) if name.startswith(("orders", "watcher", "credited"))]
    before = metrics(replace(selling, chain=None))
    assert (before["orders_open"], before["credited_sat"]) == (0, 0)
    assert not [name for name in before if name.startswith("watcher")]
    PaidServer(server, chain).watcher.update()
    away = replace(selling, chain=ChainAddress("http://127.0.0.1:1", "user", "password"))
    assert {"watcher_height", "watcher_lag_blocks"} & metrics(away).keys() == {"watcher_height"}


# ----- doctor ----------------------------------------------------------------------------------------------------


def test_the_doctor_looks_at_the_chain_and_the_watcher(server: Server, chain: CoreRpc, selling: Settings) -> None:
    assert said(findings(selling), Level.WARN) == "the watcher has never seen the chain"
    PaidServer(server, chain).watcher.update()
    well = findings(selling)
    assert [each.verdict for each in well] == [Level.OK] * 3
    assert f"the node is on regtest, at block {chain.tip().height}" in said(well, Level.OK)
    assert "the ledger sums to zero" in said(well, Level.OK)
    faucet.mine(chain, 4)
    assert "4 behind the node" in said(findings(selling), Level.WARN)
    server.rows("UPDATE watched_block SET seen = seen - interval '1 hour'")
    assert "last checked 36" in said(findings(replace(selling, chain=None)), Level.WARN)


def test_the_doctor_names_a_node_that_is_away_or_elsewhere(selling: Settings) -> None:
    away = findings(replace(selling, chain=ChainAddress("http://127.0.0.1:1", "user", "hunter2")))
    assert "the node at http://127.0.0.1:1, asked for getblockchaininfo, cannot be reached" in said(away, Level.WARN)
    assert "hunter2" not in repr(away)
    assert "is not on signet" in said(findings(replace(selling, network=SIGNET)), Level.WARN)
    assert "there is a price, and no node" in said(findings(replace(selling, chain=None)), Level.WARN)


def test_the_doctor_sees_an_old_tip(selling: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "causeway.maintenance.outbound.REGTEST", SIGNET
    )  # on a public network blocks come by themselves
    monkeypatch.setattr("time.time", lambda now=time.time: now() + 4 * 3_600)
    assert "minutes old" in said(findings(selling), Level.WARN)


def test_the_doctor_sees_a_ledger_that_somebody_has_changed(server: Server, selling: Settings) -> None:
    line = "INSERT INTO ledger (transaction_id, account, amount_sat, memo) VALUES (1, 'income', 5, '')"
    trigger = "ALTER TABLE ledger {} TRIGGER ledger_sum_check"
    server.rows(trigger.format("DISABLE"))
    try:
        server.rows(line)
        assert said(findings(selling), Level.FAIL) == "1 transactions of the ledger do not sum to zero"
        server.rows("DELETE FROM ledger")
    finally:
        server.rows(trigger.format("ENABLE"))


def mail(settings: Settings, server: MailServer) -> Finding:
    (finding,) = check_mail(replace(settings, mail_server=server, mail_from="hosting@example.org"))
    return finding


def test_the_doctor_looks_at_the_mail_server_and_sends_nothing(server: Server) -> None:
    assert list(check_mail(server.settings)) == []
    with smtp_server() as office:
        assert mail(server.settings, office.server()).verdict is Level.OK
        assert office.mails == []
        plain = read_mail_server(f"smtp://user:hunter2@127.0.0.1:{office.port}")
        refused = mail(server.settings, plain)
        assert (refused.verdict, "no encryption" in refused.message) == (Level.WARN, True)
        secret = mail(server.settings, replace(office.server(), tls=True))
        assert (secret.verdict, "cannot be used" in secret.message) == (Level.WARN, True)
    gone = mail(server.settings, office.server())
    assert (gone.verdict, gone.hint is not None) == (Level.WARN, True)
    assert "hunter2" not in repr((refused, gone))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_the_doctor_logs_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over loopback without TLS, which the mailer itself refuses: so its demand is met by pretence."""
    monkeypatch.setattr("smtplib.SMTP.has_extn", lambda self, name: name == "starttls" or name in self.esmtp_features)
    monkeypatch.setattr("smtplib.SMTP.starttls", lambda self, context: None)
    options = {"auth_required": True, "auth_require_tls": False, "authenticator": accept(b"user", b"hunter2")}
    with smtp_server(**options) as office:
        good = read_mail_server(f"smtp://user:hunter2@127.0.0.1:{office.port}")
        assert mail(server.settings, good).verdict is Level.OK
        wrong = mail(server.settings, replace(good, password="guess"))
        assert (wrong.verdict, "guess" in repr(wrong)) == (Level.WARN, False)
