"""A server that misbehaves in every way: always an error of ours, soon, and without filling the memory."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given
from hypothesis import strategies as st

from rein.errors import InputError, RemoteError
from rein.remote import transport
from rein.remote.transport import Transport, normal_url
from tests.remote.conftest import Answer, Request, Server, http, says, sends

Serve = Callable[..., Server]


@pytest.fixture
def ask(serve: Serve) -> Iterator[Callable[[Answer], object]]:
    """Asks a server with this answer for its status."""
    opened: list[Transport] = []

    def run(answer: Answer) -> object:
        opened.append(Transport(serve(answer).url))
        return opened[-1].get("status", {})

    yield run
    for each in opened:
        each.close()


def test_an_honest_answer(ask: Callable[[Answer], object]) -> None:
    assert ask(says({"result": "success", "name": "ü\u202e"})) == {"result": "success", "name": "ü\u202e"}


def test_what_is_sent(serve: Serve) -> None:
    server = serve(says({}))
    with closing(Transport(server.url + "some/path/")) as connection:
        connection.get("query", {"contact": "a b&c=d\nü", "testnet": 1})
        connection.request("POST", "put", json={"key": "K", "value": "ü\n"})
    get, put = server.requests
    assert (get.method, get.path) == ("GET", "some/path/query")
    assert get.query == {"contact": "a b&c=d\nü", "testnet": "1"}
    assert (put.method, put.path, put.json) == ("POST", "some/path/put", {"key": "K", "value": "ü\n"})
    assert get.headers["user-agent"] == "rein"
    assert get.headers["accept-encoding"] == "identity"
    assert "authorization" not in get.headers
    assert server.connections == 1, "the connection is kept"


# Junk


def chunked(*pieces: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(pieces)


def _nested(opening: bytes, depth: int) -> Answer:
    return sends(http(opening * depth))


JUNK: dict[str, Answer] = {
    "nothing": sends(b""),
    "not-http": sends(b"\x00\x01\x02\xff" * 100),
    "ssh": sends(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "http-0.9": sends(b"<html>hello</html>"),
    "http-9": sends(b"HTTP/9.9 200 OK\r\n\r\n{}"),
    "status-no-number": sends(b"HTTP/1.1 OK\r\n\r\n{}"),
    "status-negative": sends(b"HTTP/1.1 -1 OK\r\n\r\n{}"),
    "status-huge": sends(b"HTTP/1.1 99999999999 OK\r\n\r\n{}"),
    "status-000": sends(b"HTTP/1.1 000 OK\r\n\r\n"),
    "half-a-status-line": sends(b"HTTP/1.1 20"),
    "half-the-headers": sends(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "header-without-colon": sends(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\nnot json"),
    "header-line-without-end": sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    "too-many-headers": sends(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 5_000 + b"\r\n{}"),
    "empty-body": sends(http(b"")),
    "no-content": sends(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "words": sends(http(b"I am a teapot")),
    "html": sends(http(b"<!doctype html><title>Welcome to nginx!</title>")),
    "invalid-utf-8": sends(http(b'{"a": "\xff\xfe\xfa"}')),
    "utf-16-half": sends(http(b"\xff\xfe{\x00")),
    "nul-bytes": sends(http(b"\x00" * 1_000)),
    "a-list": sends(http(b"[]")),
    "a-number": sends(http(b"5")),
    "a-text": sends(http(b'"success"')),
    "null": sends(http(b"null")),
    "cut-short": sends(http(b'{"a": [1, 2')),
    "two-objects": sends(http(b"{}{}")),
    "comment": sends(http(b"{} // fine")),
    "a-number-of-5000-digits": sends(http(b'{"a": ' + b"9" * 5_000 + b"}")),
    "deep-lists": _nested(b"[", 1_000_000),
    "deep-objects": _nested(b'{"a":', 300_000),
    "deep-and-closed": sends(http(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")),
    "longer-than-promised": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]" + b"{}" * 50),
    "shorter-than-promised": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}"),
    "length-negative": sends(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[]"),
    "length-no-number": sends(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[]"),
    "two-lengths": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}"),
    "length-of-petabytes": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n{}"),
    "chunk-no-number": sends(chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    "chunk-negative": sends(chunked(b"-2\r\n{}\r\n0\r\n\r\n")),
    "chunk-of-exabytes": sends(chunked(b"ffffffffffffffff\r\n{}")),
    "chunk-line-without-end": sends(chunked(b"2;" + b"x" * 300_000)),
    "chunks-cut-short": sends(chunked(b"2\r\n{}\r\n")),
    "chunk-sizes-wrong": sends(chunked(b"5\r\n{}\r\n0\r\n\r\n")),
    "unknown-transfer-encoding": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nnot json"),
    "500-page": sends(http(b"<h1>Internal Server Error</h1>", "500 Internal Server Error")),
    "500-json": says({"result": "error", "message": "out of cheese"}, "500 Internal Server Error"),
    "500-empty-object": says({}, "500 Internal Server Error"),
    "404": says({"error": "no such thing"}, "404 Not Found"),
    "418": says({}, "418 I'm a teapot"),
    "299-error": says({"result": "error"}, "299 Odd"),
    "error-beside-success": says({"result": "success", "error": "but no"}),
    "error-null": says({"error": None}),
    "error-of-another-type": says({"error": {"a": [1, 2, 3]}}),
    "304": sends(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "redirect": says({}, "302 Found", "Location: http://127.0.0.1:9/"),
    "redirect-to-a-file": says({}, "301 Moved", "Location: file:///etc/passwd"),
    "redirect-to-nonsense": says({}, "301 Moved", "Location: http://[::1"),
    "redirect-without-location": says({}, "301 Moved"),
    "redirect-with-odd-letters": says({}, "307 Moved", "Location: \xff\xfe\x80"),
    "proxy-wants-a-password": says({}, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic"),
    "wants-a-password": says({}, "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
    "switching-protocols": sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\x00\x00\x00"),
    "odd-cookies": sends(http(b"[]", "200 OK", "Set-Cookie: ;;;=;a=\x01\xff", "Set-Cookie: " + "a=" * 5_000)),
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.usefixtures("hurried")
def test_junk_is_an_error_of_ours(ask: Callable[[Answer], object], name: str) -> None:
    began = time.monotonic()
    with pytest.raises(RemoteError) as caught:
        ask(JUNK[name])
    assert time.monotonic() - began < 15
    assert caught.value.message.startswith("http://127.0.0.1:")
    assert len(caught.value.message) < 400


def test_a_reset_connection_is_an_error_of_ours(ask: Callable[[Answer], object]) -> None:
    def reset(_request: Request, client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with pytest.raises(RemoteError, match="cannot be reached"):
        ask(reset)


def test_nobody_there_is_an_error_of_ours(serve: Serve) -> None:
    server = serve(says({}))
    url = server.url
    server.stop()
    with closing(Transport(url)) as connection, pytest.raises(RemoteError, match="cannot be reached"):
        connection.get("status", {})


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "xn--a", "127.0.0.1.invalid", "x" * 250])
@pytest.mark.usefixtures("hurried")
def test_a_name_that_is_none_is_an_error_of_ours(host: str) -> None:
    with closing(Transport(normal_url(f"{host}:1"))) as connection, pytest.raises(RemoteError):
        connection.get("status", {})


def test_after_an_error_the_next_question_is_answered(serve: Serve) -> None:
    server = serve(sends(b"junk"))
    with closing(Transport(server.url)) as connection:
        for answer in (sends(b"junk"), sends(http(b"")), sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")):
            server.answer = answer
            with pytest.raises(RemoteError):
                connection.get("status", {})
            server.answer = says({"a": 1})
            assert connection.get("status", {}) == {"a": 1}


def test_bytes_behind_an_answer_are_not_the_next_answer(serve: Serve) -> None:
    """Response splitting: what a server, or somebody on the way, sends too much is not taken for another answer."""

    def twice(_request: Request, client: socket.socket) -> bool:
        client.sendall(http(b'{"a": 1}') + http(b'{"result": "success", "forged": true}'))
        return True

    server = serve(twice)
    with closing(Transport(server.url)) as connection:
        assert connection.get("status", {}) == {"a": 1}
        server.answer = says({"a": 2})
        time.sleep(0.05)
        assert connection.get("status", {}) == {"a": 2}


# Size


def _for_ever(head: bytes, piece: bytes) -> Answer:
    def answer(_request: Request, client: socket.socket) -> None:
        client.sendall(head)
        for _ in range(20_000):  # 1.3 GB: "for ever" for a client that should stop at 200 kB
            client.sendall(piece)

    return answer


def peak_memory() -> int:
    """The most this process has had so far, in kilobytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


ENDLESS = {
    "no-length": _for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65_536),
    "length": _for_ever(b"HTTP/1.1 200 OK\r\nContent-Length: 1310720000\r\n\r\n", b" " * 65_536),
    "chunks": _for_ever(chunked(), b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "one-chunk": _for_ever(chunked(b"4e200000\r\n"), b" " * 65_536),
    "tiny-chunks": _for_ever(chunked(), b"1\r\n \r\n" * 10_000),
    "chunk-extension": _for_ever(chunked(b"1;"), b"x" * 65_536),
    # requests reads the body of a redirect it does not follow, unless it is told that there is none.
    "redirect": _for_ever(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", b" " * 65_536),
    "error": _for_ever(b"HTTP/1.1 500 Oops\r\n\r\n", b" " * 65_536),
    "status-line": _for_ever(b"HTTP/1.1 200 ", b"x" * 65_536),
    "header": _for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536),
    "headers": _for_ever(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 10_000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_dropped_early(
    ask: Callable[[Answer], object], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 200_000)
    before = peak_memory()
    with pytest.raises(RemoteError):
        ask(ENDLESS[name])
    assert peak_memory() - before < 100_000


def test_an_answer_as_large_as_may_be(ask: Callable[[Answer], object], monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"a": "x" * 199_991}).encode()
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", len(body))
    assert ask(sends(http(body))) == {"a": "x" * 199_991}
    assert ask(sends(chunked(b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n"))) == {"a": "x" * 199_991}
    with pytest.raises(RemoteError, match="sent more than 200,000 bytes"):
        ask(sends(http(body + b" ")))


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_a_bomb_is_not_unpacked(ask: Callable[[Answer], object], layers: int) -> None:
    """Compressed answers are not asked for, so what comes compressed is no JSON."""
    body = b'{"a": "' + b"x" * 20_000_000 + b'"}'
    for _ in range(layers):
        body = gzip.compress(body)
    encodings = ", ".join(["gzip"] * layers)
    before = peak_memory()
    with pytest.raises(RemoteError, match="not JSON"):
        ask(sends(http(body, "200 OK", f"Content-Encoding: {encodings}")))
    assert peak_memory() - before < 100_000


# Time


def _trickle(head: bytes, endless: bytes, pause: float = 0.05) -> Answer:
    """Sends the head, then a byte every now and then: never silent for as long as a read may take."""

    def answer(_request: Request, client: socket.socket) -> None:
        client.sendall(head)
        for byte in itertools.cycle(endless):
            client.sendall(bytes([byte]))
            time.sleep(pause)

    return answer


TRICKLES = {
    "status-line": _trickle(b"HTTP/1.1 200 ", b"x"),
    "header": _trickle(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": _trickle(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.02),
    "length": _trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "no-length": _trickle(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "no-length-but-whole": _trickle(b'HTTP/1.1 200 OK\r\n\r\n{"result": "success"}', b" "),
    "chunks": _trickle(chunked(), b"1\r\n \r\n", 0.02),
    "chunk-size": _trickle(chunked(), b"0", 0.02),
    "chunk-extension": _trickle(chunked(b"1;"), b"x"),
    "trailers": _trickle(chunked(b"2\r\n{}\r\n0\r\n"), b"X: x\r\n", 0.02),
    "continue": _trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "redirect-body": _trickle(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 100000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", TRICKLES)
@pytest.mark.usefixtures("hurried")
def test_a_trickle_ends_at_the_deadline(ask: Callable[[Answer], object], name: str) -> None:
    """A timeout of each read would be started anew by every byte."""
    began = time.monotonic()
    with pytest.raises(RemoteError, match=r"takes longer than 0\.6 seconds"):
        ask(TRICKLES[name])
    assert 0.55 < time.monotonic() - began < 15


@pytest.mark.usefixtures("hurried")
def test_silence_ends_sooner(serve: Serve) -> None:
    server, silence = serve(says({})), threading.Event()

    def silent(_request: Request, _client: socket.socket) -> None:
        silence.wait(2)

    server.answer = silent
    began = time.monotonic()
    with closing(Transport(server.url)) as connection, pytest.raises(RemoteError, match="cannot be reached"):
        connection.get("status", {})
    assert time.monotonic() - began < 15
    silence.set()


@pytest.mark.usefixtures("hurried")
def test_a_server_that_does_not_read_ends_too(serve: Serve) -> None:
    """A put of many megabytes into a connection that nobody empties."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        began = time.monotonic()
        with closing(Transport(url)) as connection, pytest.raises(RemoteError):
            connection.request("POST", "put", json={"value": "x" * 30_000_000})
        assert time.monotonic() - began < 15


@pytest.mark.usefixtures("hurried")
def test_a_slow_answer_does_not_shorten_the_next(serve: Serve) -> None:
    """The deadline is of one exchange: after one that failed, and after many that did not."""
    server = serve(TRICKLES["no-length"])
    with closing(Transport(server.url)) as connection:
        with pytest.raises(RemoteError, match="takes longer"):
            connection.get("status", {})
        server.answer = says({"a": 1})
        for _ in range(4):
            assert connection.get("status", {}) == {"a": 1}
            time.sleep(0.2)


@pytest.mark.usefixtures("hurried")
def test_behind_a_proxy_a_trickle_ends_at_the_deadline_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(says({"a": 1}))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with closing(Transport("http://causeway.example:2016/")) as connection:
        assert connection.get("status", {}) == {"a": 1}
        assert proxy.requests[0].target == "http://causeway.example:2016/status"
        for name in ("header", "length"):
            proxy.answer = TRICKLES[name]
            with pytest.raises(RemoteError, match="takes longer"):
                connection.get("status", {})


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """For a server at 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "causeway of a test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    path, secret = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, secret)
    return context, path


@pytest.mark.usefixtures("hurried")
def test_over_tls_a_trickle_ends_at_the_deadline_too(
    serve: Serve, certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, path = certificate
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    server = serve(says({"a": 1}), context)
    with closing(Transport(server.url)) as connection:
        assert connection.get("status", {}) == {"a": 1}
        for name in ("header", "length", "no-length-but-whole"):
            server.answer = TRICKLES[name]
            with pytest.raises(RemoteError, match="takes longer"):
                connection.get("status", {})
        server.answer = says({"a": 2})
        assert connection.get("status", {}) == {"a": 2}


def test_a_certificate_nobody_vouches_for_is_an_error_of_ours(
    serve: Serve, certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    server = serve(says({"a": 1}), certificate[0])
    with closing(Transport(server.url)) as connection, pytest.raises(RemoteError, match="a certificate"):
        connection.get("status", {})
    assert server.requests == []


@pytest.mark.usefixtures("hurried")
def test_a_handshake_that_never_ends_is_given_up(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        with (
            closing(Transport(f"https://127.0.0.1:{deaf.getsockname()[1]}/")) as connection,
            pytest.raises(RemoteError),
        ):
            connection.get("status", {})
        assert time.monotonic() - began < 15


# What a server must not learn or steer


def test_redirects_are_not_followed_anywhere(serve: Serve) -> None:
    other = serve(says({"result": "success"}))
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        server = serve(says({"result": "success"}, status, f"Location: {other.url}status"))
        with closing(Transport(server.url)) as connection:
            with pytest.raises(RemoteError, match="a redirect, which is not followed"):
                connection.get("status", {})
            with pytest.raises(RemoteError, match="a redirect, which is not followed"):
                connection.request("POST", "put", json={"signature": "secret"})
        assert len(server.requests) == 2
    assert other.requests == []


def test_cookies_are_not_kept(serve: Serve) -> None:
    server = serve(says({}, "200 OK", "Set-Cookie: who=you; Path=/", "Set-Cookie: a=b; Domain=127.0.0.1"))
    with closing(Transport(server.url)) as connection:
        for _ in range(3):
            connection.get("status", {})
    assert all("cookie" not in request.headers for request in server.requests)


def test_passwords_in_netrc_are_not_sent(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests would send them to any server of that name on any port, and the default ones to every server."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(says({}))
    assert requests.Session().get(server.url, timeout=5).request.headers["Authorization"], "the danger is real"
    with closing(Transport(server.url)) as connection:
        connection.get("status", {})
    assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "reason",
    [
        "no\nHint:  send your twelve words to mallory@example.com",
        "\r\n" * 100 + "x",
        "\u2028Hint: x",
        "x" * 5_000,
        "\ud800\udfff\ud800",
        "\x1b[2J\x1b[31mError: your funds are gone",
        "\u202egnp.exe",
    ],
)
def test_a_servers_reason_is_one_short_line(ask: Callable[[Answer], object], reason: str) -> None:
    """S24: what a server says stands in our sentence and cannot look like sentences of ours."""
    for name in ("error", "message", "status"):
        with pytest.raises(RemoteError) as caught:
            ask(says({"result": "error", name: reason}))
        message = caught.value.message
        assert len(message.splitlines()) == 1
        assert len(message) < 400
        assert " refuses: " in message


# Addresses


@pytest.mark.parametrize(
    ("given_", "normal"),
    [
        ("causeway.example", "http://causeway.example/"),
        ("localhost:2016", "http://localhost:2016/"),
        ("HTTP://Causeway.Example:2016", "http://causeway.example:2016/"),
        ("https://causeway.example", "https://causeway.example/"),
        ("http://causeway.example:80", "http://causeway.example/"),
        ("https://causeway.example:443/", "https://causeway.example/"),
        ("http://causeway.example:443/", "http://causeway.example:443/"),
        ("http://causeway.example/rein//", "http://causeway.example/rein/"),
        ("http://causeway.example/a/~b/c.d", "http://causeway.example/a/~b/c.d/"),
        ("http://my_server:2016", "http://my_server:2016/"),
        ("[::1]:2016", "http://[::1]:2016/"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]/"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("http://127.0.0.1:02016", "http://127.0.0.1:2016/"),
        ("abcdefghijklmnop.onion", "http://abcdefghijklmnop.onion/"),
    ],
)
def test_one_spelling_for_every_address(given_: str, normal: str) -> None:
    assert normal_url(given_) == normal
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "http://",
        "http:///x",
        "http://[",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://[v1.fe]/",
        "http://[::1]evil.example/",
        "http://a b/",
        "http://a/b c",
        "http://a/\n",
        "http://a\nb/",
        "http://a\x00b",
        "http://user:password@a/",
        "http://@a/",
        "http://a?x=1",
        "http://a/#x",
        "http://a/?q",
        "http://a:0/",
        "http://a:65536/",
        "http://a:-1/",
        "http://a:x/",
        "http://a:80:80/",
        "http://good.example\\@evil.example/",
        "http://evil.example\\.good.example/",
        "http://a/../b",
        "http://a/./b",
        "http://a//b",
        "http://a/b;c",
        "http://a%2fb/",
        "http://.a/",
        "http://a../",
        "http://-a/",
        "http://\u0430.example/",
        "http://\uff41/",
        "ftp://a/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://" + "a" * 400,
    ],
)
def test_what_is_no_server_address(text: str) -> None:
    with pytest.raises(InputError) as caught:
        normal_url(text)
    assert len(caught.value.message) < 200


_letters = st.sampled_from(list("abzAZ09.:-_/[]@#?%\\ \t\n\x00\x7f~;,\u0430\u202e\ud800")) | st.characters()
_urls = st.one_of(
    st.text(_letters, max_size=40),
    st.builds(
        "{}{}{}{}".format, st.sampled_from(["", "http://", "HTTPS://", "ftp://"]), *[st.text(_letters, max_size=12)] * 3
    ),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https"]),
        st.sampled_from(["a.example", "[::1]", "127.0.0.1", "A_b"]),
        st.sampled_from(["", ":", ":80", ":443", ":2016", ":00080"]),
        st.text(st.sampled_from("/ab.~%"), max_size=8),
    ),
)


@given(text=_urls)
@example("http://[::ffff:1.2.3.4]/")
def test_any_text_is_an_address_with_one_spelling_or_an_error_of_ours(text: str) -> None:
    try:
        normal = normal_url(text)
    except InputError:
        return
    assert normal_url(normal) == normal
    assert normal_url(normal.rstrip("/")) == normal
    assert normal.endswith("/")
    assert normal.isascii()
    assert normal.startswith(("http://", "https://"))
    # The HTTP library goes to the very place that was shown to a person.
    assert requests.Request("GET", normal + "status").prepare().url == normal + "status"
