"""Health, metrics, rate limits, logs and CORS, seen from outside."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from causeway.api.clients import Client, Clients
from causeway.api.rates import Limiter, RateClass
from causeway.app import create_app
from causeway.ops.logs import JsonLines
from causeway.ops.metrics import CONNECTIONS, REQUESTS, SECONDS, Metrics
from causeway.ops.shared import SLOTS, SharedMemory, shared_file
from causeway.settings import SETTINGS, Rate, Settings, load_settings
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Caller
from tests.support.people import Person, person

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}
BOB = person("Bob")


def app_with(server: Server, **changes: object) -> Flask:
    """The server's application with other settings."""
    return create_app(dataclasses.replace(server.settings, **changes))  # type: ignore[arg-type]


# ----- health and metrics --------------------------------------------------------------------------------------------


def test_a_server_is_alive_and_ready(caller: Caller) -> None:
    assert caller.get("/healthz").status == 200
    assert caller.get("/readyz").status == 200


def test_it_is_not_ready_with_the_tables_of_another_version(server: Server, caller: Caller) -> None:
    (version,) = server.rows("SELECT version_num FROM alembic_version")
    server.rows("UPDATE alembic_version SET version_num = '0001'")
    try:
        assert caller.get("/readyz").outcome == (503, "not_ready")
        assert caller.get("/healthz").status == 200
    finally:
        server.rows("UPDATE alembic_version SET version_num = :version", version=version[0])


def test_requests_are_counted(server: Server, bob: Person) -> None:
    caller = Caller(app_with(server).test_client())
    assert caller.put(bob, "secret", "12").status == 201
    assert caller.get("/get", key="none").outcome == (404, "key_not_found")
    assert caller.get("/get", key="secret").status == 200
    assert caller.http.get("/no/such/path").status_code == 404
    text = caller.http.get("/metrics").text
    for line in (
        'causeway_requests_total{method="POST",route="/put",status="201"} 1',
        'causeway_requests_total{method="GET",route="/get",status="404"} 1',
        'causeway_requests_total{method="GET",route="none",status="404"} 1',
        'causeway_refused_total{code="key_not_found"} 1',
        'causeway_request_seconds_bucket{route="/get",le="+Inf"} 2',
        'causeway_request_seconds_count{route="/put"} 1',
        "causeway_stored_bytes 8",
        "causeway_documents 0",
        "causeway_database_connections_most 8",
        "causeway_database_connections_used 0",
    ):
        assert line in text.split("\n"), text
    assert "secret" not in text
    assert BOB.master_address not in text


def test_the_text_is_what_prometheus_reads(server: Server, caller: Caller) -> None:
    caller.get("/status")
    response = caller.http.get("/metrics")
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families: set[str] = set()
    for line in response.text.strip().split("\n"):
        if line.startswith("# TYPE "):
            name = line.split()[2]
            assert name not in families
            families.add(name)
        elif not line.startswith("#"):
            assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+', line), line
            assert any(line.startswith(name) for name in families)


def test_metrics_are_for_local_addresses(server: Server) -> None:
    client = app_with(server).test_client()
    assert client.get("/metrics", environ_overrides=STRANGER).status_code == 403
    # Through a proxy that nobody named, everybody would be local.
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert app_with(server, local=()).test_client().get("/metrics").status_code == 403
    public = app_with(server, metrics_public=True).test_client()
    assert public.get("/metrics", environ_overrides=STRANGER).status_code == 200


def test_workers_count_together_and_killed_ones_stay_counted() -> None:
    with shared_file() as path:
        first, second = Metrics(SharedMemory(path)), Metrics(SharedMemory(path))
        # One process has one lock on the file, so here both have the first slot: like a worker after a killed one.
        first.add(REQUESTS, "GET", "/get", "200", amount=2)
        again = Metrics(SharedMemory(path))
        again.add(REQUESTS, "GET", "/get", "200", amount=3)
        assert again.total(REQUESTS, "GET", "/get", "200") == 5
        second.add(CONNECTIONS)
        assert Metrics(SharedMemory(path)).total(CONNECTIONS) == 0
    assert not path.exists()
    assert SLOTS > 64


def test_names_that_do_not_fit_are_not_counted() -> None:
    metrics = Metrics(SharedMemory())
    for number in range(2_000):
        metrics.add(REQUESTS, "GET", f"/{number}", "200")
    metrics.add(REQUESTS, "GET", "/" + "x" * 500, "200")
    metrics.observe(SECONDS, "/0", seconds=1e9)
    assert metrics.text({}).count("causeway_requests_total{") == 1_023


def test_threads_lose_no_count() -> None:
    metrics = Metrics(SharedMemory())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [metrics.add(REQUESTS, "GET", "/", "200") for _ in range(1_000)], range(8)))
    assert metrics.total(REQUESTS, "GET", "/", "200") == 8_000


# ----- rates ---------------------------------------------------------------------------------------------------------


def limiter(*rates: Rate, now: list[float]) -> Limiter:
    return Limiter(SharedMemory(), dict.fromkeys(RateClass, rates), clock=lambda: now[0])


def test_so_many_at_once_and_then_one_at_a_time() -> None:
    now = [1_000.0]
    limits = limiter(Rate(100, 60), now=now)
    assert [limits.take(RateClass.READ, "a") for _ in range(100)] == [0.0] * 100
    assert limits.take(RateClass.READ, "a") == pytest.approx(0.6)
    assert limits.take(RateClass.READ, "b") == 0
    assert limits.take(RateClass.WRITE, "a") == 0
    now[0] += 0.6
    assert limits.take(RateClass.READ, "a") == 0
    assert limits.take(RateClass.READ, "a") > 0
    now[0] += 3_600
    assert [limits.take(RateClass.READ, "a") for _ in range(101)].count(0.0) == 100


def test_every_rate_of_a_setting_holds() -> None:
    now = [1_000.0]
    limits = limiter(Rate(2, 1), Rate(5, 3_600), now=now)
    taken = 0
    for _ in range(100):
        taken += not limits.take(RateClass.READ, "a")
        now[0] += 1
    assert taken == 5
    assert limits.wait(RateClass.READ, "a") == pytest.approx(620, abs=1)


def test_what_a_batch_uses_is_paid_back_in_time() -> None:
    now = [1_000.0]
    limits = limiter(Rate(10, 10), now=now)
    assert limits.wait(RateClass.WRITE, "a") == 0
    limits.use(RateClass.WRITE, "a", 30)
    assert limits.wait(RateClass.WRITE, "a") == pytest.approx(21)


def test_a_flood_of_addresses_stays_in_the_table() -> None:
    now = [1_000.0]
    limits = limiter(Rate(1, 3_600), now=now)
    known = [f"192.0.2.{number}" for number in range(200)]
    assert {limits.take(RateClass.READ, each) for each in known} == {0.0}
    for number in range(20_000):
        limits.take(RateClass.READ, f"10.{number}")
    # Places are drawn by a secret hash: a few may be crowded out, by chance and by nobody's choice.
    assert sum(limits.take(RateClass.READ, each) > 0 for each in known) > 180


def test_strangers_are_limited_and_told_when_to_come_back(server: Server) -> None:
    client = app_with(server, rate_read=(Rate(3, 60),)).test_client()
    answers = [client.get("/status", environ_overrides=STRANGER) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    answer = Caller.read(answers[-1])
    assert answer.code == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert client.get("/status", environ_overrides={"REMOTE_ADDR": "203.0.113.8"}).status_code == 200
    assert client.get("/healthz", environ_overrides=STRANGER).status_code == 200
    assert [client.get("/status").status_code for _ in range(10)] == [200] * 10


def test_each_class_has_its_own_rate(server: Server) -> None:
    client = app_with(server, rate_request=(Rate(1, 60),), rate_write=(Rate(2, 60),)).test_client()

    def ask(path: str, **arguments: object) -> int:
        return client.open(path, environ_overrides=STRANGER, **arguments).status_code  # type: ignore[arg-type]

    assert [ask("/request?owner=x") for _ in range(2)] == [400, 429]
    assert [ask("/put", method="POST", json={}) for _ in range(3)] == [400, 400, 429]
    assert ask("/get?key=x") == 404
    # What reads by POST is no write, and what gives addresses out is asked for as rarely as buckets are.
    assert [ask(path, method="POST", json={}) for path in ("/v1/get", "/v1/documents")] == [400, 400]
    assert ask("/v1/put", method="POST", json={}) == 429
    assert [ask(f"{path}?owner=x") for path in ("/request", "/buy", "/address")] == [429] * 3


def test_an_account_is_limited_wherever_it_writes_from(server: Server, bob: Person, mallory: Person) -> None:
    app = app_with(server, rate_write=(Rate(2, 60),))
    caller = Caller(app.test_client())

    def put(who: Person, address: str, by: Person | None = None) -> int:
        body = caller.put_body(who, "key", "value", by=by.master if by else None)
        return caller.http.post("/put", json=body, environ_overrides={"REMOTE_ADDR": address}).status_code

    # Who may not write for Bob cannot use up what Bob may.
    assert [put(bob, f"198.51.100.{n}", by=mallory) for n in range(3)] == [403] * 3
    assert [put(bob, f"203.0.113.{n}") for n in range(3)] == [201, 201, 429]
    assert put(mallory, "203.0.113.9") == 403  # the key is Bob's: another account was not limited


# ----- whom a request comes from -------------------------------------------------------------------------------------

LOCAL = load_settings({"CAUSEWAY_LOCAL": "127.0.0.0/8"}).local
PROXIES = load_settings({"CAUSEWAY_TRUSTED_PROXY": "10.0.0.0/8, 127.0.0.1"}).trusted_proxy


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("127.0.0.1", None, Client("127.0.0.1", True)),
        ("10.0.0.1", "198.51.100.1", Client("198.51.100.1", False)),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", Client("198.51.100.1", False)),
        ("10.0.0.1", "198.51.100.1, 10.9.9.9, 10.0.0.2", Client("198.51.100.1", False)),
        ("10.0.0.1", "198.51.100.1, nonsense", Client("10.0.0.1", False)),
        ("10.0.0.1", "", Client("10.0.0.1", False)),
        ("203.0.113.1", "127.0.0.1", Client("203.0.113.1", False)),
        ("::ffff:203.0.113.1", None, Client("203.0.113.1", False)),
        ("2001:db8:1:2:3:4:5:6", None, Client("2001:db8:1:2::", False)),
        ("nonsense", None, Client("unknown", False)),
    ],
)
def test_the_client_is_the_last_address_that_nobody_could_forge(
    address: str, forwarded: str | None, client: Client
) -> None:
    environ = {"REMOTE_ADDR": address} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    assert Clients(LOCAL, PROXIES).of(environ) == client


# ----- logs and CORS -------------------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The lines of the request log, as JSON."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))
            lines.append(record.getMessage())

    log = logging.getLogger("causeway.requests")
    handler, level = Collect(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(handler)
    log.setLevel(level)


def test_a_log_line_says_what_happened_and_not_what_was_sent(server: Server, bob: Person, logged: list[str]) -> None:
    caller = Caller(app_with(server).test_client())
    body = caller.put_body(bob, "private/key", "a private value")
    logged.clear()
    response = caller.http.post("/put", json=body)
    caller.get("/get", key="private/key", secret="hunter2")
    caller.http.get("/hunter2")
    first = json.loads(logged[0])
    assert first["id"] == response.headers["X-Request-Id"]
    shown = {name: first[name] for name in ("event", "method", "route", "status", "level")}
    assert shown == {"event": "request", "method": "POST", "route": "/put", "status": 201, "level": "info"}
    assert re.fullmatch("[0-9a-f]{8}", first["owner"])
    assert first["ms"] > 0
    text = "\n".join(logged)
    assert len(logged) == 6
    for secret in ("private", "hunter2", bob.master_address, str(body["nonce"]), str(body["signature"])):
        assert secret not in text


def test_pages_of_other_origins_are_let_in_only_if_named(server: Server) -> None:
    origin = {"Origin": "https://example.org"}
    assert "Access-Control-Allow-Origin" not in app_with(server).test_client().get("/help", headers=origin).headers
    client = app_with(server, cors_origins=("https://example.org",)).test_client()
    answer = client.options("/put", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    other = client.get("/help", headers={"Origin": "https://example.com"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert other.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in client.get("/help").headers
    everybody = app_with(server, cors_origins=("*",)).test_client().get("/help", headers=origin)
    assert everybody.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in everybody.headers


@pytest.mark.parametrize("path", ["/v1/put", "/v1/feed", "/put", "/query"])
def test_a_page_may_ask_everything_and_read_what_the_protocol_needs(server: Server, bob: Person, path: str) -> None:
    client = app_with(server, cors_origins=("https://example.org",)).test_client()
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, rein-nonce, if-none-match",
    }
    preflight = client.options(path, headers=asked)
    assert preflight.status_code == 200
    allowed = {name.strip().lower() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= {"content-type", "if-none-match", "rein-owner", "rein-signer", "rein-nonce", "rein-signature"}
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, POST"
    answer = client.get("/v1/feed", headers={"Origin": "https://example.org", "Rein-Owner": bob.master_address})
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"Rein-Next-Nonce", "ETag", "Retry-After"}
    assert {"Rein-Next-Nonce", "ETag"} <= set(answer.headers.keys())


def test_a_page_learns_when_to_come_back(server: Server) -> None:
    client = app_with(server, cors_origins=("*",), rate_read=(Rate(1, 60),)).test_client()
    ask = {"environ_overrides": STRANGER, "headers": {"Origin": "https://example.org"}}
    answers = [client.get("/help", **ask) for _ in range(2)]  # type: ignore[arg-type]
    assert answers[1].status_code == 429
    assert answers[1].headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answers[1].headers["Access-Control-Expose-Headers"]


# ----- bodies that do not arrive -------------------------------------------------------------------------------------


class SlowBody:
    """A body that arrives when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.go.wait(5)
        return b""


# ----- settings and their documentation ------------------------------------------------------------------------------


def test_a_file_is_read_first(tmp_path: Path) -> None:
    path = tmp_path / "causeway.toml"
    path.write_text('port = 2020\nhost = "::1"\nworkers = 3\nlog_requests = true\nlocal = ["10.0.0.0/8", "::1"]\n')
    settings = load_settings({"CAUSEWAY_CONFIG": str(path), "CAUSEWAY_HOST": "127.0.0.9"}, workers=4)
    assert (settings.port, settings.host, settings.workers, settings.log_requests) == (2020, "127.0.0.9", 4, True)
    assert len(settings.local) == 2
    assert isinstance(settings, Settings)


def test_every_setting_is_documented_as_it_is() -> None:
    documentation = Path(__file__).parents[3] / "docs" / "operations.md"
    if not documentation.exists():
        pytest.skip("docs/operations.md is not beside these tests")
    listed = [line for line in documentation.read_text(encoding="utf-8").split("\n") if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in listed if "`--" in line]
    wanted = [
        [
            f"`{each.name}`",
            f"`{each.flag}`",
            " ".join(f"`{variable}`" for variable in each.variables),
            f"`{each.default}`" if each.default else "",
            each.what,
        ]
        for each in SETTINGS
    ]
    assert rows == wanted
    assert {each.name for each in SETTINGS} >= {"host", "port"}
