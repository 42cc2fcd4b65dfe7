"""A node may answer anything: whatever it is, the caller gets an answer of the right form or a ChainError."""

from __future__ import annotations

import base64
import copy
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc.amounts import Sat
from rein.btc.block import Block
from rein.btc.header import BlockHeader
from rein.btc.networks import MAINNET, REGTEST, TESTNET4
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import BlockRef, FoundTransaction, Output
from rein.errors import ChainError, InputError, RejectedError
from tests.support.liar import BLOCK as GENESIS_BLOCK
from tests.support.liar import BLOCK_100000, RAW, SCRIPT, TIP, TXID, Liar, Number, right_answers, running_liar

TX = Transaction(bytes.fromhex(RAW))
Question = Callable[[CoreRpc], object]

QUESTIONS: dict[str, Question] = {
    "tip": lambda chain: chain.tip(),
    "block_at": lambda chain: chain.block_at(7),
    "block": lambda chain: chain.block(TIP),
    "read_block": lambda chain: chain.read_block(REGTEST.genesis_hash),
    "unspent_outputs": lambda chain: chain.unspent_outputs([bytes.fromhex(SCRIPT)]),
    "unspent_output": lambda chain: chain.unspent_output(OutPoint(TXID, 1)),
    "transaction": lambda chain: chain.transaction(TXID),
    "find_transaction": lambda chain: chain.find_transaction(TXID),
    "broadcast": lambda chain: chain.broadcast(TX),
    "feerate": lambda chain: chain.feerate(),
}
BLOCK = BlockRef(TIP, 7, 1_700_000_000)
GENESIS = Block.parse(bytes.fromhex(GENESIS_BLOCK), REGTEST.genesis_hash)
RIGHT: dict[str, object] = {
    "tip": BLOCK,
    "block_at": BLOCK,
    "block": BLOCK,
    "read_block": GENESIS,
    "unspent_outputs": [Output(OutPoint(TXID, 1), Sat(546), bytes.fromhex(SCRIPT), 5, 3)],
    "unspent_output": Output(OutPoint(TXID, 1), Sat(150_000_000), bytes.fromhex(SCRIPT), 5, 3),
    "transaction": TX,
    "find_transaction": FoundTransaction(TX, BLOCK, 1),
    "broadcast": TXID,
    "feerate": 2,
}
ASKS: dict[str, set[str]] = {
    "getbestblockhash": {"tip"},
    "getblockhash": {"block_at"},
    "getblockheader": {"tip", "block_at", "block", "unspent_output", "find_transaction"},
    "getblock": {"read_block"},
    "gettxout": {"unspent_output"},
    "scantxoutset": {"unspent_outputs"},
    "getrawtransaction": {"transaction", "find_transaction"},
    "sendrawtransaction": {"broadcast"},
    "estimatesmartfee": {"feerate"},
    "getblockchaininfo": {"block"},  # every question asks it first
}
"""Which questions ask a method."""


@pytest.fixture
def chain(liar: Liar) -> Iterator[CoreRpc]:
    with liar.client() as client:
        yield client


def test_the_liar_can_tell_the_truth(chain: CoreRpc) -> None:
    assert {name: ask(chain) for name, ask in QUESTIONS.items()} == RIGHT


# Below JSON


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>hello</html>",
        b'{"result": ',
        b'{"result": 1, "error": null, "id": 1} x',
        b"\xff\xfe",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"{}",
        b'{"result": NaN, "error": null, "id": 3}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"result": ' + b"9" * 5000 + b', "error": null, "id": 3}',
        b'{"result": 1e' + b"9" * 30 + b', "error": null, "id": 3}',
        b'{"result": 5, "error": null, "id": 99}',
        b'{"result": 5, "error": null}',
        b'{"error": null, "id": 3}',
        b'{"result": null, "error": 5, "id": 3}',
        b'{"result": null, "error": "no", "id": 3}',
        b'{"result": null, "error": {}, "id": 3}',
        b'{"result": null, "error": {"code": "x", "message": "y"}, "id": 3}',
        b'{"result": null, "error": {"code": -5, "message": 7}, "id": 3}',
        b'{"result": null, "error": {"code": -1, "message": "no"}, "id": null}',
    ],
)
def test_bodies(liar: Liar, chain: CoreRpc, body: bytes) -> None:
    chain.call("getbestblockhash")  # the network is checked now: the lie comes after
    liar.raw = body
    for ask in QUESTIONS.values():
        with pytest.raises(ChainError) as caught:
            ask(chain)
        assert not isinstance(caught.value, RejectedError)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 99999 ?\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"\x00" * 100,
    ],
)
def test_packets(liar: Liar, chain: CoreRpc, packet: bytes) -> None:
    liar.packet = packet
    with pytest.raises(ChainError):
        chain.tip()


@pytest.mark.parametrize("status", [204, 301, 302, 400, 401, 403, 404, 405, 500, 502, 503])
def test_statuses_without_json(liar: Liar, chain: CoreRpc, status: int) -> None:
    liar.status, liar.raw = status, b"" if status == 204 else b"<h1>no</h1>"
    with pytest.raises(ChainError) as caught:
        chain.tip()
    assert str(status) in caught.value.message or "credentials" in caught.value.message


def test_a_failure_status_is_not_a_result(liar: Liar, chain: CoreRpc) -> None:
    liar.status = 500
    with pytest.raises(ChainError, match="HTTP status 500"):
        chain.tip()


def test_redirects_are_not_followed(liar: Liar, chain: CoreRpc) -> None:
    with running_liar() as other:
        liar.status, liar.headers = 307, {"Location": other.url}
        with pytest.raises(ChainError, match="307"):
            chain.tip()
        assert other.asked == []


def test_huge_answers(liar: Liar, chain: CoreRpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rein.chain.jsonrpc.MAX_ANSWER", 100_000)
    liar.raw = b" " * 100_001
    with pytest.raises(ChainError, match="more than 100,000 bytes"):
        chain.tip()


def address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rein.chain.jsonrpc.MAX_ANSWER", 1_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pour() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" " * 65536)
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        client = CoreRpc(address_of(listener), REGTEST)
        with client as chain, pytest.raises(ChainError, match="more than"):
            chain.tip()
        thread.join()


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_silent_node_is_not_waited_for(drip: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = threading.Event()

        def sit() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(drip)
                gone.wait(10)

        thread = threading.Thread(target=sit)
        thread.start()
        client = CoreRpc(address_of(listener), REGTEST, timeout=0.2)
        with client as chain, pytest.raises(ChainError):
            chain.tip()
        gone.set()
        thread.join()


def test_a_dripping_node_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                try:
                    for _ in range(600):  # half a minute
                        connection.sendall(b"1\r\n \r\n")
                        threading.Event().wait(0.05)
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        client = CoreRpc(address_of(listener), REGTEST, timeout=0.3)
        with client as chain, pytest.raises(ChainError, match=r"longer than|not answer"):
            chain.tip()
        assert time.monotonic() - began < 10
        thread.join()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with CoreRpc(f"http://127.0.0.1:{port}", REGTEST) as chain, pytest.raises(ChainError, match="cannot be reached"):
        chain.tip()
    with CoreRpc("http://no-such-host.invalid", REGTEST, timeout=2) as chain, pytest.raises(ChainError):
        chain.tip()


# JSON of the wrong kind


WRONG: tuple[object, ...] = (
    None,
    True,
    False,
    -1,
    10**30,
    Number("1.5"),
    Number("-0"),
    Number("0.000000001"),
    Number("21000000.00000001"),
    Number("1e400"),
    Number("1e-400"),
    "",
    "1.5",
    "zz",
    TXID.upper(),
    "0" * 63,
    [],
    [None],
    {},
    {"x": 1},
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_lie(answers: dict[str, Any], path: tuple[str | int, ...], lie: object) -> dict[str, Any]:
    changed = copy.deepcopy(answers)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = lie
    return changed


LIES = [path for path in places(right_answers()) if path]


def well_formed(answer: object) -> bool:
    """Whether an answer is what its type says: what a caller may rely on."""
    match answer:
        case None:
            return True
        case BlockRef(hash=name, height=height, time=time):
            return len(name) == 64 and type(height) is int and type(time) is int and height >= 0
        case Block():
            return answer == GENESIS
        case Output(amount=amount, confirmations=confirmations, height=height):
            fits = type(amount) is int and 0 <= amount <= 21 * 10**14 and type(confirmations) is int
            return fits and (height is None) == (confirmations == 0)
        case Transaction():
            return answer.txid == TXID
        case FoundTransaction(transaction=transaction, block=block, confirmations=confirmations):
            return transaction.txid == TXID and type(confirmations) is int and well_formed(block)
        case list():
            return all(isinstance(item, Output) and well_formed(item) for item in answer)
        case str():
            return answer == TXID
        case int():
            return type(answer) is int and answer > 0
    return False


@pytest.mark.parametrize("path", LIES, ids=lambda path: ".".join(map(str, path)))
def test_one_lie_anywhere(liar: Liar, chain: CoreRpc, path: tuple[str | int, ...]) -> None:
    for lie in WRONG:
        liar.answers = with_lie(right_answers(), path, lie)
        for name in ASKS[str(path[0])]:
            chain._checked = path[0] != "getblockchaininfo"
            try:
                answer = QUESTIONS[name](chain)
            except ChainError:
                continue
            assert well_formed(answer), (path, lie, answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([TXID, TIP, RAW, SCRIPT]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["hash", "height", "time", "hex", "txid", "value"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def one_liar() -> Iterator[tuple[Liar, CoreRpc]]:
    """One server for all of hypothesis's examples."""
    with running_liar() as liar, liar.client() as chain:
        chain.call("getbestblockhash")
        yield liar, chain


@given(result=JSON, error=JSON)
def test_any_json_at_all(one_liar: tuple[Liar, CoreRpc], result: object, error: object) -> None:
    liar, chain = one_liar
    liar.answers = dict.fromkeys(liar.answers, result)
    liar.error = error
    for ask in QUESTIONS.values():
        try:
            assert well_formed(ask(chain))
        except ChainError:
            pass


@pytest.mark.parametrize(
    ("path", "lie", "question"),
    [
        (("getblockheader", "hash"), "bb" * 32, "tip"),
        (("getblockheader", "height"), 8, "block_at"),
        (("getrawtransaction", "hex"), RAW[:-8] + "01000000", "transaction"),
        (("getrawtransaction", "hex"), RAW + "00", "find_transaction"),
        (("sendrawtransaction",), TIP, "broadcast"),
        (("scantxoutset", "success"), False, "unspent_outputs"),
        (("scantxoutset", "unspents", 0, "scriptPubKey"), "0014" + "22" * 20, "unspent_outputs"),
        (("scantxoutset", "unspents", 0, "height"), 8, "unspent_outputs"),
        (("gettxout", "confirmations"), 9, "unspent_output"),
        (("gettxout", "value"), Number("21000001"), "unspent_output"),
        (("gettxout", "value"), Number("0.123456789"), "unspent_output"),
        (("gettxout", "value"), "1.5", "unspent_output"),
        (("getblockchaininfo", "chain"), "main", "tip"),
        (("getblockchaininfo", "chain"), None, "tip"),
    ],
)
def test_lies_that_are_well_formed(
    liar: Liar, chain: CoreRpc, path: tuple[str | int, ...], lie: object, question: str
) -> None:
    liar.answers = with_lie(right_answers(), path, lie)
    with pytest.raises(ChainError):
        QUESTIONS[question](chain)


@pytest.mark.parametrize(
    ("digits", "amount"), [("1", 10**8), ("0.1", 10**7), ("1e-8", 1), ("20999999.9769", 2099999997690000)]
)
def test_amounts_are_exact(liar: Liar, chain: CoreRpc, digits: str, amount: int) -> None:
    liar.answers["gettxout"]["value"] = Number(digits)
    assert chain.unspent_output(OutPoint(TXID, 1)).amount == amount


@pytest.mark.parametrize(("digits", "rate"), [("0.00001", 1), ("0.00001001", 2), ("0.00000001", 1), ("0.0005", 50)])
def test_feerates_round_up(liar: Liar, chain: CoreRpc, digits: str, rate: int) -> None:
    liar.answers["estimatesmartfee"]["feerate"] = Number(digits)
    assert chain.feerate() == rate


# Errors the node answers itself


@pytest.mark.parametrize("code", [-25, -26, -22])
def test_refusals(liar: Liar, chain: CoreRpc, code: int) -> None:
    liar.error = {"code": code, "message": "bad\x1b[31m-txns\u202e" + "x" * 5000}
    liar.answers["getrawtransaction"] = None
    chain._checked = True
    with pytest.raises(ChainError) as caught:
        chain.broadcast(TX)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


def test_a_node_that_is_starting(liar: Liar, chain: CoreRpc) -> None:
    chain._checked = True
    liar.error = {"code": -28, "message": "Loading block index…"}
    with pytest.raises(ChainError, match="Loading block index") as caught:
        chain.tip()
    assert "try again" in str(caught.value.hint)


def test_what_is_not_there_is_none(liar: Liar, chain: CoreRpc) -> None:
    liar.error = {"code": -5, "message": "No such thing"}
    assert chain.block(TIP) is None
    assert chain.transaction(TXID) is None
    assert chain.find_transaction(TXID) is None
    with pytest.raises(ChainError):
        chain.unspent_output(OutPoint(TXID, 0))


def test_a_block_that_left_the_best_chain(liar: Liar, chain: CoreRpc) -> None:
    liar.answers["getblockheader"]["confirmations"] = -1
    assert chain.block(TIP) is None
    assert chain.find_transaction(TXID) == FoundTransaction(TX, None, 0)
    with pytest.raises(ChainError):
        chain.tip()


# Who we are, and to whom


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_user_and_password(liar: Liar) -> None:
    liar.accepted = basic("ann", "s3cr:et é")
    with liar.client(user="ann", password="s3cr:et é") as chain:
        assert chain.tip() == BLOCK
    with_login = liar.url.replace("http://", "http://ann:s3cr%3Aet%20%C3%A9@")
    with CoreRpc(with_login, REGTEST) as chain:
        assert chain.tip() == BLOCK


def test_the_cookie_is_read_again_when_the_node_has_a_new_one(liar: Liar, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:old\n")
    liar.accepted = basic("__cookie__", "old")
    with liar.client(cookie_file=cookie) as chain:
        assert chain.tip() == BLOCK
        cookie.write_text("__cookie__:new")
        assert chain.tip() == BLOCK
        liar.accepted = basic("__cookie__", "new")
        assert chain.tip() == BLOCK
        liar.accepted = basic("__cookie__", "other")
        with pytest.raises(ChainError, match="credentials"):
            chain.tip()
        cookie.write_text("__cookie__:other")
        assert chain.tip() == BLOCK


@pytest.mark.parametrize("content", [None, b"", b"no colon", b"\xff\xff"])
def test_bad_cookies(liar: Liar, tmp_path: Path, content: bytes | None) -> None:
    cookie = tmp_path / ".cookie"
    if content is not None:
        cookie.write_bytes(content)
    with liar.client(cookie_file=cookie) as chain, pytest.raises(ChainError, match="cookie file"):
        chain.tip()


def test_credentials_are_never_shown(liar: Liar, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:s3cret")
    liar.accepted = "something else"
    clients = [
        liar.client(user="ann", password="s3cret"),
        liar.client(cookie_file=cookie),
        CoreRpc(liar.url.replace("http://", "http://ann:s3cret@"), REGTEST),
        CoreRpc("http://ann:s3cret@127.0.0.1:1", REGTEST),
    ]
    for chain in clients:
        with chain, pytest.raises(ChainError) as caught:
            chain.tip()
        error: BaseException | None = caught.value
        shown = repr(chain) + str(caught.value.hint)
        while error is not None:
            shown += repr(error) + str(error)
            error = error.__cause__ or error.__context__
        assert "s3cret" not in shown
        assert base64.b64encode(b"s3cret").decode().rstrip("=") not in shown


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8332", "ftp://x", "http://", "http://x:s3cret@:1", "http://x:99999", "http://[::1"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="not a URL") as caught:
        CoreRpc(url, REGTEST)
    assert "s3cret" not in str(caught.value)


def test_the_environment_has_no_say(liar: Liar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password evil\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    liar.accepted = basic("ann", "pw")
    with liar.client(user="ann", password="pw") as chain:
        assert chain.tip() == BLOCK


@pytest.mark.parametrize("header", ["", "00" * 80, "00" * 79, "zz" * 80, BLOCK_100000, 5, None, ["00" * 80]])
def test_headers_that_are_none(liar: Liar, chain: CoreRpc, header: object) -> None:
    liar.answers["raw header"] = header
    with pytest.raises(ChainError):
        chain.headers(7, 1)


def test_headers_that_are_of_no_regtest(liar: Liar, chain: CoreRpc) -> None:
    name = BlockHeader.from_hex(BLOCK_100000).hash
    liar.answers["getblockhash"] = name
    with pytest.raises(ChainError, match="do not form a chain"):
        chain.headers(7, 1)


@pytest.mark.parametrize(
    "proof",
    ["", "00", "00" * 90, BLOCK_100000, BLOCK_100000 + "01000000" + "01" + "11" * 32 + "01" + "01", 5, None, {}],
)
def test_proofs_that_prove_nothing(liar: Liar, chain: CoreRpc, proof: object) -> None:
    liar.answers["gettxoutproof"] = proof
    with pytest.raises(ChainError):
        chain.merkle_proof(TXID, BlockHeader.from_hex(BLOCK_100000).hash)


# Which chain it is


@pytest.mark.parametrize("network", [MAINNET, TESTNET4])
def test_another_chain_by_name_or_by_genesis(liar: Liar, network: Any) -> None:
    liar.answers["getblockchaininfo"]["chain"] = "main" if network is MAINNET else network.name
    with liar.client(network) as chain, pytest.raises(ChainError, match=f"not on {network.name}"):
        chain.tip()


def test_the_chain_is_checked_once_and_before_anything_else(liar: Liar, chain: CoreRpc) -> None:
    chain.broadcast(TX)
    chain.broadcast(TX)
    assert liar.asked == ["getblockchaininfo", "getblockhash", "sendrawtransaction", "sendrawtransaction"]


def test_json_numbers_are_never_floats(liar: Liar, chain: CoreRpc) -> None:
    liar.answers["estimatesmartfee"] = {"a": [Number("0.1"), Number("1e5"), 7]}
    assert repr(chain.call("estimatesmartfee")) == "{'a': [Decimal('0.1'), Decimal('1E+5'), 7]}"
