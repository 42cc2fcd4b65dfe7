"""Every endpoint, fuzzed from the description the server itself gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from causeway.app import create_app
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.causeway.hosting.test_quota import used
from tests.support.people import Person, person

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
TABLES = ("kv", "document", "tombstone", "nonce_use", "delegation")


PATHS = (
    *("/", "/help", "/info", "/status", "/openapi.json", "/get", "/put", "/delete", "/nonce", "/query", "/bitcoin"),
    *("/v1/status", "/v1/nonce", "/v1/put", "/v1/get", "/v1/delete", "/v1/documents", "/v1/feed", "/v1/search"),
    *("/v1/buy", "/v1/balance", "/v1/buckets"),
    *("/request", "/price", "/buy", "/address", "/balance"),
)


@pytest.fixture
def app(server: Server, bob: Person) -> Flask:
    """A server that does not tire."""
    return create_app(replace(server.settings, rate_read=(), rate_write=(), rate_request=()))


def operations(app: Flask, path: str) -> list[Any]:
    described = schemathesis.openapi.from_wsgi("/openapi.json", app).include(path=path)
    found = [each.ok() for each in described.get_all_operations()]
    assert found
    return found


def fuzz(operation: Any, check: Callable[[schemathesis.Case, bool], None]) -> None:
    """Send what the description allows, and what it does not."""
    for mode in GenerationMode:
        try:
            EXAMPLES(given(operation.as_strategy(generation_mode=mode), st.booleans())(check))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing can be wrong where there are no parameters


def with_known_owner(case: schemathesis.Case) -> None:
    """Name somebody who is registered: no pattern makes an address whose checksum is right."""
    for values in (case.query, case.body):
        if isinstance(values, dict):
            for name in ("owner", "address", "job_creator", "worker", "mediator", "creator", "dest", "msin"):
                if isinstance(values.get(name), str):
                    values[name] = person("Bob").master_address


@pytest.mark.parametrize("path", PATHS)
def test_no_request_is_a_fault_of_ours(server: Server, app: Flask, path: str) -> None:
    """And no answer is another than described. Nothing that comes unsigned changes what is stored."""

    def check(case: schemathesis.Case, known: bool) -> None:
        if known:
            with_known_owner(case)
        response = case.call()
        assert "Traceback" not in response.text
        case.validate_response(response, checks=CHECKS)

    for operation in operations(app, path):
        fuzz(operation, check)
    assert [server.value(f"SELECT count(*) FROM {table}") for table in TABLES] == [0] * len(TABLES)


@pytest.mark.parametrize("path", ["/put", "/delete"])
def test_no_signed_body_is_a_fault_of_ours(server: Server, app: Flask, bob: Person, path: str) -> None:
    v1 = Caller(app.test_client())

    def check(case: schemathesis.Case, _: bool) -> None:
        answer = v1.signed(bob, path, case.body if isinstance(case.body, list | dict | str) else None)
        assert answer.status in (200, 400)
        if answer.status == 200:
            (asked,) = (case.body[name] for name in ("values", "keys") if name in case.body)
            assert len(answer.codes) == len(asked)

    (operation,) = operations(app, f"/v1{path}")
    fuzz(operation, check)
    used(server, bob)


def test_the_description_is_of_all_endpoints(server: Server) -> None:
    http = server.app.test_client()
    described = http.get("/openapi.json").get_json()
    listed = {(each["path"], each["method"].lower()) for each in http.get("/help").get_json()["endpoints"]}
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == listed
    assert all(method["summary"] for methods in described["paths"].values() for method in methods.values())


def test_the_page_loads_nothing(server: Server) -> None:
    response = server.app.test_client().get("/docs")
    assert response.mimetype == "text/html"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for word in ("<script", "<img", "<link", "http://", "https://", "@import", "src="):
        assert word not in response.text
    assert "/v1/put" in response.text
    assert person("Bob").master_address not in response.text
