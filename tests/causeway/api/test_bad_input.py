"""What strangers send: each has a named error, none changes anything, and none is our fault."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causeway.api.limits import MAX_BODY_BYTES
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from tests.causeway.conftest import Server
from tests.causeway.legacy_callers import Answer, Caller
from tests.support.people import Person, armored, enroll, person
from tests.support.texts import any_string

BOB = person("Bob")
GOOD = {
    "key": "key",
    "value": "value",
    "owner": BOB.master_address,
    "nonce": "0" * 32,
    "signature": "x" * 88,
    "signature_address": BOB.master_address,
}


def post(caller: Caller, body: bytes | str, content_type: str = "application/json") -> Answer:
    response = caller.http.post("/put", data=body, content_type=content_type)
    return caller.read(response)


def test_a_good_body_is_refused_for_its_nonce_only(caller: Caller) -> None:
    assert caller.post("/put", GOOD).outcome == (401, "bad_nonce")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("null", "bad_json"),
        ('"text"', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"key":' * 30_000, "bad_json"),
        ("1" * 10_000, "bad_json"),
        ('{"key": NaN}', "bad_json"),
        ('{"key": Infinity}', "bad_json"),
        (b'{"key": "\xff"}', "bad_json"),
        ('{"key": "a"}'.encode("utf-16"), "bad_json"),
        (b"\xef\xbb\xbf{}", "bad_json"),
        ("{}", "missing_parameter"),
        ('{"key": "a", "key": "b"}', "bad_request"),
        ('{"key": "a", "value": {"x": 1, "x": 2}}', "bad_request"),
        (json.dumps({str(n): n for n in range(100)}), "bad_request"),
    ],
)
def test_a_body_that_cannot_be_read_is_named(caller: Caller, body: bytes | str, code: str) -> None:
    assert post(caller, body).outcome == (400, code)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"], "", "a\x00b", "\ud800", "%", "x" * 100_000])
def test_a_field_that_cannot_be_used_is_named(caller: Caller, name: str, value: object) -> None:
    body = {**GOOD, name: value}
    good: dict[str, tuple[object, ...]] = {
        "value": ("%", "x" * 100_000),
        "signature_address": (None, ""),
        "nonce": ("", "%"),  # judged where nonces are
        "signature": ("", "%"),
    }
    answer = caller.post("/put", body)
    if value in good.get(name, ()):
        assert answer.outcome == (401, "bad_nonce")
    else:
        assert answer.outcome in ((400, "bad_parameter"), (400, "missing_parameter"))


@pytest.mark.parametrize("name", ["key", "value", "owner", "nonce", "signature"])
def test_a_missing_field_is_named(caller: Caller, name: str) -> None:
    """S9 of 2016: a missing field was a fault of the server."""
    answer = caller.post("/put", {each: value for each, value in GOOD.items() if each != name})
    assert answer.outcome == (400, "missing_parameter")
    assert repr(name) in answer.data["error"]


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "é", "a" * 129, "../../etc;", "a%", "a'--"])
def test_a_key_has_one_shape(caller: Caller, key: str) -> None:
    assert caller.post("/put", {**GOOD, "key": key}).outcome == (400, "bad_parameter")
    assert caller.get("/get", key=key).outcome == (400, "bad_parameter")


@pytest.mark.parametrize("value", ["maybe", 2, -1, 1.0, [], {}, "TRUE"])
def test_the_network_flag_has_few_spellings(caller: Caller, value: object) -> None:
    assert caller.post("/put", {**GOOD, "testnet": value}).outcome == (400, "bad_parameter")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_must_be_declared_as_json(caller: Caller, content_type: str) -> None:
    assert post(caller, json.dumps(GOOD), content_type).outcome == (415, "bad_content_type")


def test_a_body_over_the_limit_is_not_read(caller: Caller) -> None:
    assert post(caller, b" " * (MAX_BODY_BYTES + 1)).outcome == (413, "body_too_large")


def test_a_body_of_unknown_length_is_not_cut_off(caller: Caller) -> None:
    body = json.dumps(GOOD).encode() + b" " * MAX_BODY_BYTES
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    response = caller.http.post("/put", data=body, content_type="application/json", environ_overrides=environ)
    assert caller.read(response).outcome == (413, "body_too_large")


def test_the_largest_document_fits_in_the_largest_body(caller: Caller, bob: Person) -> None:
    """Written as two-byte characters, which JSON escapes to six."""
    room = MAX_DOCUMENT_BYTES - len(enroll(bob).armored.encode())
    text = "\n".join(
        ["Rein User Enrollment", f"Master signing address: {bob.master_address}", "Contact: " + "é" * (room // 2)]
    )
    document = armored(text, bob.master)
    assert MAX_DOCUMENT_BYTES - 400 < len(document.encode()) <= MAX_DOCUMENT_BYTES
    assert len(json.dumps(document)) < MAX_BODY_BYTES - 2_000
    assert caller.put(bob, "key", document).status == 201
    assert caller.stored("key") == document


def test_nothing_was_changed_by_any_of_it(server: Server, caller: Caller) -> None:
    for body in ("{", "[" * 50_000, json.dumps({**GOOD, "value": "\x00"})):
        post(caller, body)
    assert [server.value(f"SELECT count(*) FROM {table}") for table in ("kv", "nonce_use", "owner")] == [0, 0, 0]


# ----- query strings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/get", "/nonce", "/request", "/query"])
@pytest.mark.parametrize(
    ("query_string", "outcome"),
    [
        (b"", (400, "missing_parameter")),
        (b"key=%ff&address=%ff&owner=%ff", (400, "bad_request")),
        (b"key=\xff", (400, "bad_request")),
        (b"key=a&key=b&address=a&address=b&owner=a&owner=b", (400, "bad_request")),
        (b"&".join(b"x%d=1" % n for n in range(100)), (400, "bad_request")),
        (b"key=%00&address=%00&owner=%00&query=%00", (400, "bad_parameter")),
        (b"key=%ed%a0%80", (400, "bad_request")),
        (b"key=" + b"a" * 70_000, (414, "url_too_long")),
        (b"key=" + b"a" * 50_000 + b"&address=" + b"b" * 9_000 + b"&query=x", (400, "bad_parameter")),
    ],
)
def test_a_query_string_is_read_strictly(
    caller: Caller, path: str, query_string: bytes, outcome: tuple[int, str]
) -> None:
    response = caller.http.get(path, environ_overrides={"QUERY_STRING": query_string.decode("latin-1")})
    found = caller.read(response).outcome
    # Where an endpoint does not have the parameter that is malformed, one that it has is missing.
    assert found in (outcome, (400, "missing_parameter"))
    assert found == outcome or outcome[1] == "bad_parameter"


@pytest.mark.parametrize(
    ("method", "path", "outcome"),
    [
        ("GET", "/none", (404, "not_found")),
        ("GET", "/../etc/passwd", (404, "not_found")),
        ("GET", "/get/", (404, "not_found")),
        ("GET", "/put", (405, "method_not_allowed")),
        ("DELETE", "/get", (405, "method_not_allowed")),
        ("POST", "/query", (405, "method_not_allowed")),
        ("TRACE", "/", (405, "method_not_allowed")),
    ],
)
def test_unknown_paths_and_methods_are_named_in_json(
    caller: Caller, method: str, path: str, outcome: tuple[int, str]
) -> None:
    response = caller.http.open(path, method=method)
    assert caller.read(response).outcome == outcome
    assert outcome[0] != 405 or response.headers["Allow"]


@pytest.mark.parametrize("path", ["//get", "/get//", "/\xff", "/" + "a" * 10_000])
def test_no_path_is_answered_with_a_redirect(caller: Caller, path: str) -> None:
    assert caller.http.get("/", environ_overrides={"PATH_INFO": path}).status_code in (400, 404)


@pytest.mark.parametrize("host", ["", "a b", "[::1", "x" * 5_000, "\xff", "h:99999999", "<script>"])
def test_any_host_header_is_answered(caller: Caller, host: str) -> None:
    assert caller.http.get("/help", environ_overrides={"HTTP_HOST": host}).status_code in (200, 400)


# ----- anything at all -------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_string,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_string, inner, max_size=3),
    max_leaves=6,
)
no_reset = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@no_reset
@given(st.dictionaries(st.sampled_from([*GOOD, "address", "testnet"]), json_values))
def test_no_body_is_a_fault_of_ours(caller: Caller, changes: dict[str, object]) -> None:
    answer = post(caller, json.dumps({**GOOD, **changes}))
    assert 400 <= answer.status < 500


@no_reset
@given(
    st.sampled_from(["/get", "/nonce", "/request", "/query"]),
    st.dictionaries(
        st.sampled_from(
            ["key", "address", "owner", "query", "job_ids", "after", "limit", "worker", "testnet", "clear"]
        ),
        any_string.map(lambda text: text.encode("utf-8", "replace").decode())
        | st.sampled_from([BOB.master_address, "jobs", "bids", "dispute", "get_user", "%", "_"]),
    ),
)
def test_no_query_is_a_fault_of_ours(caller: Caller, path: str, parameters: dict[str, str]) -> None:
    assert caller.get(path, **parameters).status < 500


@no_reset
@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_ours(caller: Caller, body: bytes) -> None:
    assert 400 <= post(caller, body).status < 500
    environ = {"QUERY_STRING": body.decode("latin-1"), "PATH_INFO": "/get"}
    assert caller.http.get("/get", environ_overrides=environ).status_code < 500
