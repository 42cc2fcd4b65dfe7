"""OpenAPI 3.1, generated from the classes that views declare: the same that read requests."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from flask import Flask
from werkzeug.routing import Rule

from causeway.api.limits import VERSIONED
from causeway.api.operations import Operation, operation_of
from causeway.api.shapes import Address, Schema, Text, fields_of, schema_of
from rein import __version__
from rein.protocol.auth import NEXT_NONCE_HEADER, NONCE_HEADER, OWNER_HEADER, SIGNATURE_HEADER, SIGNER_HEADER

_METHODS = ("GET", "POST")

_SIGNED_HEADERS: Mapping[str, tuple[Any, str]] = {
    OWNER_HEADER: (Annotated[str, Address()], "The owner's master address."),
    SIGNER_HEADER: (Annotated[str, Address()], "Whose key signs: the owner, or its delegate."),
    NONCE_HEADER: (Annotated[str, Text(32, 32, re.compile("[0-9a-f]{32}"))], "An unused nonce of the owner."),
    SIGNATURE_HEADER: (
        Annotated[str, Text(88, 88, re.compile("[A-Za-z0-9+/]{87}="))],
        "Over the text of docs/api.md, as a Bitcoin signed message in base64.",
    ),
}

_LEGACY_FAILURE: Schema = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("status", "result", "error", "message", "code", "hint")},
    "required": ["status", "result", "error", "message", "code"],
}
_FAILURE: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One method of one path, for people: what it does and what it takes."""

    method: str
    path: str
    summary: str
    operation: Operation


def endpoints(app: Flask) -> Iterator[Endpoint]:
    """Every endpoint, by path."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        view = app.view_functions[rule.endpoint]
        for method in _methods(rule):
            yield Endpoint(method, rule.rule, _summary(view), operation_of(view))


def describe(app: Flask) -> Schema:
    """The description of all endpoints."""
    paths: Schema = {}
    for each in endpoints(app):
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Causeway",
            "version": __version__,
            "summary": "Keeps signed documents for people who have never met.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": {"ErrorOf2016": _LEGACY_FAILURE, "Error": _FAILURE}},
    }


def parameters_of(operation: Operation, method: str) -> list[tuple[str, str, bool, Schema]]:
    """Where each parameter of an endpoint stands (query, body, header), its name, whether it must be there, and its
    schema."""
    found: list[tuple[str, str, bool, Schema]] = []
    if operation.signed:
        for name, (kind, about) in _SIGNED_HEADERS.items():
            found.append(("header", name, True, {**schema_of(kind), "description": about}))
    if operation.takes is not None:
        place = "query" if method == "GET" or operation.in_query else "body"
        for field in fields_of(operation.takes):
            described = field.rule.schema() | ({"description": field.about} if field.about else {})
            # Of several names, any will do: none is required by itself.
            found += [(place, name, field.required and len(field.names) == 1, described) for name in field.names]
    return found


def _described(endpoint: Endpoint) -> Schema:
    operation = endpoint.operation
    found: Schema = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}{endpoint.path.replace('/', '_')}",
        "responses": _responses(endpoint),
    }
    parameters = parameters_of(operation, endpoint.method)
    outside = [
        {"in": place, "name": name, "required": required, "schema": schema}
        for place, name, required, schema in parameters
        if place != "body"
    ]
    if outside:
        found["parameters"] = outside
    if operation.takes is not None and any(place == "body" for place, *_ in parameters):
        content = {"application/json": {"schema": schema_of(operation.takes)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _responses(endpoint: Endpoint) -> Schema:
    operation = endpoint.operation
    good: Schema = {"description": "What was asked for."}
    if operation.answers is not None:
        good["content"] = {"application/json": {"schema": schema_of(operation.answers)}}
    if operation.signed:
        nonce = {"schema": {"type": "string"}, "description": "The next nonce of the owner."}
        good["headers"] = {NEXT_NONCE_HEADER: nonce}
    name = "Error" if endpoint.path.startswith(VERSIONED) else "ErrorOf2016"
    reference = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    return {
        str(operation.status): good,
        **({"304": {"description": "Nothing is new."}} if operation.conditional else {}),
        "default": {"description": "Why not: see `code`.", "content": {"application/json": reference}},
    }


def _methods(rule: Rule) -> list[str]:
    return [method for method in _METHODS if method in (rule.methods or ())]


def _summary(view: Callable[..., Any]) -> str:
    return " ".join((view.__doc__ or "").split("\n\n")[0].split())
