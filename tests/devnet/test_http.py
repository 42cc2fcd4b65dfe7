"""The HTTP door: who is let in, and what everybody else is told."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from rein.devnet.http import RpcServer, new_cookie
from rein.devnet.node import Node
from rein.devnet.rpc.dispatch import Dispatcher
from rein.errors import InputError
from tests.support.serving import serving

COOKIE = new_cookie()
KEY = "Basic " + base64.b64encode(COOKIE.encode()).decode()
QUESTION = b'{"id":1,"method":"getblockcount","params":[]}'
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("node")) as fresh:
        yield fresh


@pytest.fixture
def server(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[RpcServer]:
    monkeypatch.setattr("rein.devnet.http.WRONG_PASSWORD_DELAY", 0)
    dispatcher = Dispatcher(threading.Event())
    dispatcher.node = node
    served = RpcServer("127.0.0.1", 0, COOKIE, dispatcher)
    with serving(served):
        yield served


def request(
    server: RpcServer, *, method: str = "POST", path: str = "/", body: bytes = QUESTION, **headers: str | None
) -> Answer:
    """One request; a header given as None is left out."""
    fields = {"Authorization": KEY, "Host": f"127.0.0.1:{server.server_port}", "Content-Length": str(len(body))}
    for name, value in headers.items():
        fields[name.replace("_", "-")] = value
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in fields.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_the_cookie_opens(server: RpcServer) -> None:
    status, headers, body = request(server)
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert body == b'{"result":0,"error":null,"id":1}\n'


def test_a_connection_serves_many_requests(server: RpcServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    for _ in range(3):
        connection.request("POST", "/", QUESTION, {"Authorization": KEY})
        assert json.loads(connection.getresponse().read())["result"] == 0
    connection.close()


@pytest.mark.parametrize(
    "key", [None, "", KEY[:-1], KEY + "A", "Basic !!!", "Bearer x", KEY.replace("Basic", "basic"), "Basic caf\xe9"]
)
def test_any_other_key_does_not(server: RpcServer, key: str | None) -> None:
    status, headers, body = request(server, Authorization=key)
    assert (status, body) == (401, b"")
    assert headers["WWW-Authenticate"] == 'Basic realm="jsonrpc"'
    assert headers["Connection"] == "close"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8332"])
def test_names_of_this_machine(server: RpcServer, host: str) -> None:
    assert request(server, Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "evil.example:18443", "127.0.0.1.evil.example", "10.0.0.1", "[::1", "[::2]"]
)
def test_other_names_are_a_page_pretending(server: RpcServer, host: str | None) -> None:
    assert request(server, Host=host)[0] == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_post_only(server: RpcServer, method: str) -> None:
    status, headers, _ = request(server, method=method)
    assert status == 405
    assert headers["Allow"] == "POST"


def test_one_path_only(server: RpcServer) -> None:
    assert request(server, path="/wallet/x")[0] == 404
    assert request(server, path="/?x")[0] == 200


@pytest.mark.parametrize(("length", "status"), [(None, 411), ("x", 411), ("-1", 411), ("99999999999", 413)])
def test_lengths(server: RpcServer, length: str | None, status: int) -> None:
    assert request(server, Content_Length=length)[0] == status


def test_errors_keep_cores_status(server: RpcServer) -> None:
    assert request(server, body=b"{")[0] == 500
    assert request(server, body=b'{"method":"nonsense"}')[0] == 404
    assert request(server, body=b'{"method":5}')[0] == 400
    assert request(server, body=b'{"method":"getblockhash","params":[9]}')[0] == 500
    assert request(server, body=b'{"jsonrpc":"2.0","method":"nonsense"}')[0] == 200


def test_a_client_that_hangs_up_harms_nobody(server: RpcServer) -> None:
    for sent in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nabc", b"\x16\x03\x01\x00"):
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.sendall(sent)
    assert request(server)[0] == 200


def test_closing_ends_open_connections(node: Node) -> None:
    served = RpcServer("127.0.0.1", 0, COOKIE, Dispatcher(threading.Event()))
    with serving(served):
        connection = http.client.HTTPConnection("127.0.0.1", served.server_port, timeout=5)
        connection.request("POST", "/", QUESTION, {"Authorization": KEY})
        assert json.loads(connection.getresponse().read())["error"]["code"] == -28
    assert connection.sock.recv(1) == b""
    connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(InputError, match="this machine only"):
        RpcServer(host, 0, COOKIE, Dispatcher(threading.Event()))


def test_ipv6_loopback() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with RpcServer("::1", 0, COOKIE, Dispatcher(threading.Event())) as served:
        assert served.url == f"http://[::1]:{served.server_port}"


def test_a_taken_port(server: RpcServer) -> None:
    with pytest.raises(InputError, match="cannot listen"):
        RpcServer("127.0.0.1", server.server_port, COOKIE, Dispatcher(threading.Event()))


def test_every_cookie_is_another() -> None:
    assert COOKIE.startswith("__cookie__:")
    assert new_cookie() != COOKIE
