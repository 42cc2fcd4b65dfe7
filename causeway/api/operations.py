"""What each view takes and answers, declared at the view. OpenAPI is generated from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, request

from causeway.api import shapes
from causeway.api.body import json_parameters
from causeway.api.parameters import query_parameters
from causeway.api.responses import compact

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "causeway_operation"


@dataclass(frozen=True)
class Operation:
    """An endpoint. `takes` and `answers` are the dataclasses of `causeway.api.shapes` that it reads and answers."""

    takes: type[Any] | None = None
    answers: type[Any] | None = None
    status: int = 200
    signed: bool = False
    in_query: bool = False
    conditional: bool = False


def operation(
    *,
    takes: type[Any] | None = None,
    answers: type[Any] | None = None,
    status: int = 200,
    signed: bool = False,
    in_query: bool = False,
    conditional: bool = False,
) -> Callable[[View], View]:
    """Say what a view takes and answers.

    :param signed: requests are signed in their headers.
    :param in_query: a POST has its parameters in the query string, as a GET does.
    :param conditional: it answers 304 to a client that knows the answer.
    """

    def said(view: View) -> View:
        setattr(view, _ATTRIBUTE, Operation(takes, answers, status, signed, in_query, conditional))
        return view

    return said


def operation_of(view: Callable[..., Any]) -> Operation:
    """What a view said; of one that said nothing, that it takes and answers anything."""
    found: Operation = getattr(view, _ATTRIBUTE, Operation())
    return found


def read_query(asked: type[T]) -> T:
    """What the current request asks in its query string.

    :raises ApiError: naming what cannot be used.
    """
    return shapes.read(asked, query_parameters(request))


def read_body(asked: type[T]) -> T:
    """What the current request asks in a JSON body.

    :raises ApiError: naming what cannot be used.
    """
    return shapes.read(asked, json_parameters(request))


def respond(answer: object) -> Response:
    """An answer of the versioned API, which is one of its classes."""
    return compact(shapes.as_json(answer))
