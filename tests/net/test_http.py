"""All conversations over HTTP: with a proxy nothing goes past it, and JSON has one meaning.

What hostile servers do to an exchange is in tests/remote/test_transport.py and test_hostile_node.py."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.networks import REGTEST
from rein.chain.core_rpc import CoreRpc
from rein.chain.esplora import open_esplora
from rein.errors import ChainError, InputError, RemoteError
from rein.net.bounded_session import Watch
from rein.net.http import Http, HttpError, Limits
from rein.net.proxy import checked_proxy, proxy_for
from rein.net.strict_json import MAX_VALUES, strict_json
from rein.remote.causeway import Causeway
from rein.remote.chain import open_causeway_chain
from tests.support.evil_server import evil_server
from tests.support.liar import Liar
from tests.support.socks import Socks, socks_server
from tests.support.tls import self_signed

LIMITS = Limits(connect_seconds=5, read_seconds=5, total_seconds=10, answer_bytes=10_000)


@pytest.fixture
def proxy(liar: Liar) -> Iterator[Socks]:
    with socks_server(("127.0.0.1", liar.server_port)) as found:
        yield found


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """This machine resolves its own addresses only, and tells what else it was asked."""
    asked: list[object] = []
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **named: Any) -> Any:
        if host not in ("127.0.0.1", "::1"):
            asked.append(host)
            raise socket.gaierror("nobody is asked")
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.fixture(params=["", "127.0.0.1,node.invalid,.invalid,*"], ids=["plain", "no_proxy"])
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`no_proxy` is for other proxies than ours."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, request.param)


@pytest.mark.usefixtures("environment")
def test_names_reach_the_proxy_unresolved(liar: Liar, proxy: Socks, no_resolver: list[object]) -> None:
    with CoreRpc("http://node.invalid:8332", REGTEST, proxy=proxy.url, user="a", password="b") as chain:
        assert chain.tip().height == 7
    assert proxy.asked == [("name", "node.invalid", 8332)]
    assert no_resolver == []


@pytest.mark.usefixtures("environment")
def test_addresses_go_through_it_too(liar: Liar, proxy: Socks) -> None:
    with closing(Http(proxy.url)) as http:
        http.exchange(
            "POST",
            f"http://127.0.0.1:{liar.server_port}/",
            LIMITS,
            data=b'{"method": "getblockhash","params": [0], "id": 1}',
        )
    assert proxy.asked == [("address", "7f000001", liar.server_port)]


def test_who_is_given_up_behind_a_proxy_ends_at_once_and_asks_nothing_more() -> None:
    with evil_server() as evil, socks_server(("127.0.0.1", int(evil.url.rsplit(":")[-1].rstrip("/")))) as proxy:
        evil.delay = 30
        with closing(Http(proxy.url)) as http:
            threading.Thread(target=lambda: (_wait_for(evil.asked), http.give_up()), daemon=True).start()
            began = time.monotonic()
            for _ in range(2):
                with pytest.raises(HttpError, match="was given up"):
                    http.exchange("GET", "http://abcdefgh.onion/v1/status", LIMITS)
            assert time.monotonic() - began < LIMITS.read_seconds
        assert len(evil.asked) == len(proxy.asked) == 1


def test_giving_up_just_before_an_exchange_begins_is_not_overlooked(
    liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Watch.start
    with closing(Http()) as http:

        def given_up_first(self: Watch, seconds: float) -> None:
            http.give_up()
            start(self, seconds)

        monkeypatch.setattr(Watch, "start", given_up_first)
        with pytest.raises(HttpError, match="was given up"):
            http.exchange("GET", f"http://127.0.0.1:{liar.server_port}/", LIMITS)


def _wait_for(asked: list[str]) -> None:
    while not asked:
        time.sleep(0.01)


@pytest.mark.usefixtures("environment")
def test_servers_are_reached_through_it(no_resolver: list[object]) -> None:
    with evil_server() as evil, socks_server(("127.0.0.1", int(evil.url.rsplit(":")[-1].rstrip("/")))) as proxy:
        server = Causeway("http://abcdefgh.onion:2016/", REGTEST, "mOwner", "mDelegate", proxy=proxy.url)
        with closing(server):
            assert server.status().network == "regtest"
        for chain in (
            open_causeway_chain("http://abcdefgh.onion/", REGTEST, "mOwner", proxy=proxy.url),
            open_esplora("http://esplora.onion/api", REGTEST, proxy=proxy.url),
        ):
            with closing(chain), pytest.raises(ChainError):
                chain.tip()
    names = ["abcdefgh.onion:2016", "abcdefgh.onion:80", "esplora.onion:80"]
    assert [f"{host}:{port}" for _, host, port in proxy.asked] == names
    assert no_resolver == []


@pytest.mark.usefixtures("environment")
def test_without_the_proxy_nothing_is_reached(liar: Liar, no_resolver: list[object]) -> None:
    """The node is there, and would answer: nobody may ask it past the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        dead = f"socks5h://127.0.0.1:{probe.getsockname()[1]}"
    for url in (liar.url, "http://node.invalid:8332"):
        with CoreRpc(url, REGTEST, proxy=dead) as chain, pytest.raises(ChainError, match="cannot be reached"):
            chain.tip()
    server = Causeway(f"{liar.url}/", REGTEST, "mOwner", "mDelegate", proxy=dead)
    with closing(server), pytest.raises(RemoteError, match="cannot be reached"):
        server.status()
    assert liar.asked == []
    assert no_resolver == []


def test_a_proxy_that_refuses(liar: Liar) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, closing(Http(f"127.0.0.1:{deaf.getsockname()[1]}")) as http:
        short = Limits(connect_seconds=0.3, read_seconds=0.3, total_seconds=1, answer_bytes=100)
        with pytest.raises(HttpError):
            http.exchange("GET", liar.url, short)
    assert liar.asked == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9050", "socks5h://127.0.0.1:9050"),
        ("socks5h://tor:9050", "socks5h://tor:9050"),
        ("[::1]:9050", "socks5h://[::1]:9050"),
    ],
)
def test_proxies(text: str, expected: str) -> None:
    assert checked_proxy(text) == expected
    assert checked_proxy(expected) == expected


@pytest.mark.parametrize("text", ["socks5://x:1", "http://x:1", "x", "x:0", "x:99999", "x:1/path", "a:b@x:1", "[::1"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(InputError):
        Http(text)


@pytest.mark.parametrize(
    ("url", "is_proxied"),
    [
        ("http://127.0.0.1:8332", False),
        ("http://[::1]:8332", False),
        ("http://localhost:8332", False),
        ("http://10.0.0.1:8332", True),
        ("http://127.0.0.1.evil.example", True),
        ("https://causeway.example/", True),
        ("http://localhost.example/", True),
    ],
)
def test_only_this_machine_is_reached_without_it(url: str, is_proxied: bool) -> None:
    assert proxy_for(url, "socks5h://x:1") == ("socks5h://x:1" if is_proxied else None)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_of_the_environment_is_told_what_is_asked_of_this_machine(
    liar: Liar, monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    """With Tor set, this machine is reached directly; so the environment's proxy would be a way past Tor."""
    liar.answers["getblockcount"] = 1
    asking = {"method": "getblockcount", "params": [], "id": 1}
    with socks_server() as diverting:
        monkeypatch.setenv(name, f"http://127.0.0.1:{diverting.port}")
        with closing(Http(environment=True)) as http:
            assert http.exchange("POST", f"http://{host}:{liar.server_port}/", LIMITS, json=asking).status == 200
    assert liar.asked == ["getblockcount"]


# TLS


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server that shows a certificate of its own making."""
    context = self_signed(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    with context.wrap_socket(connection, server_side=True):
                        pass
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused_in_words(tls_port: int) -> None:
    with socks_server(("127.0.0.1", tls_port)) as proxy:
        for way, url in ((None, f"https://127.0.0.1:{tls_port}/"), (proxy.url, "https://causeway.example/")):
            with closing(Http(way)) as http, pytest.raises(HttpError, match="a certificate that nobody"):
                http.exchange("GET", url, LIMITS)


def test_what_speaks_no_tls_is_not_asked_without_it(liar: Liar) -> None:
    with closing(Http()) as http, pytest.raises(HttpError, match="does not speak TLS"):
        http.exchange("GET", f"https://127.0.0.1:{liar.server_port}/", LIMITS)
    assert liar.asked == []


# JSON


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '[{"a": {"b": 1, "b": 1}}]',
        '{"a": 1, "\\u0061": 2}',
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "[" * 100_000,
        "9" * 5_000,
        "",
        "{",
        "'a'",
        "[1,]",
    ],
    ids=lambda text: text[:20],
)
def test_json_with_two_meanings_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its callers say what was no JSON
        strict_json(text.encode())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_values)
def test_other_json_is_read(value: object) -> None:
    assert strict_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "piece",
    [b"[],", b"{},", b"0,", b'"",', b'"\\"",', b'{"":0},', b'"\\\\",[],', b'",",'],
    ids=["lists", "objects", "numbers", "texts", "quotes", "names", "backslashes", "commas"],
)
def test_an_answer_of_millions_of_values_is_dropped_before_it_is_made(piece: bytes) -> None:
    """32 MB of brackets became 800 MB."""
    body = b"[" + piece * (2**25 // len(piece)) + b"0]"
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 200,000 values"):
            strict_json(body)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [",[{" * 2_000_000, '"[,' * 500_000, "\\" * 1_000_000, '\\"' * 500_000, "日,[本" * 300_000],
    ids=["brackets", "quotes", "backslashes", "both", "letters"],
)
def test_long_texts_are_no_values(text: str) -> None:
    """A document may be a heap of commas."""
    value = {"documents": [text, {"a": [1, 2, text[:10]]}]}
    assert strict_json(json.dumps(value).encode()) == value
    assert strict_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_as_many_values_as_there_may_be() -> None:
    value = [{"id": f"{number:064}", "seq": number} for number in range(MAX_VALUES // 3 - 1)]
    assert strict_json(json.dumps(value).encode()) == value


def test_json_is_utf_8() -> None:
    """In another encoding a letter may hide a quotation mark, and so all that is counted."""
    with pytest.raises(ValueError, match="decode"):
        strict_json('["a"]'.encode("utf-16"))


def test_money_is_read_exactly() -> None:
    assert strict_json(b"0.10000000", Decimal) == Decimal("0.1")
