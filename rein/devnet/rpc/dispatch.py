"""One JSON-RPC request, or a batch, in; the answer and its HTTP status out (Core's httprpc.cpp and server.cpp)."""

from __future__ import annotations

import inspect
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from rein.devnet.node import Node
from rein.devnet.rpc import blocks, control, outputs, transactions
from rein.devnet.rpc.params import Code, RpcError
from rein.errors import ReinError

logger = logging.getLogger(__name__)

METHODS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {method.__name__: method for module in (blocks, transactions, outputs, control) for method in module.METHODS}
)
_OWN_METHODS: Final = ("help", "stop", "uptime")

_STATUS: Final = {Code.INVALID_REQUEST: 400, Code.METHOD_NOT_FOUND: 404}


def encode(value: object) -> str:
    """JSON text; a Decimal becomes a number with the digits it has, which the json module cannot write."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)


class Dispatcher:
    """Answers requests. Until `node` is set every method answers -28, as Core does while it starts."""

    def __init__(self, stop: threading.Event) -> None:
        self.node: Node | None = None
        self._stop = stop
        self._started = time.monotonic()

    def answer(self, body: bytes) -> tuple[int, str]:
        """The HTTP status and JSON text for the body of a request."""
        try:
            request = json.loads(body, parse_float=Decimal)
        # ArithmeticError: an exponent no Decimal holds; RecursionError: brackets without end.
        except (ValueError, ArithmeticError, RecursionError):
            return 500, encode(_reply(None, error=RpcError(Code.PARSE_ERROR, "Parse error"))) + "\n"
        if isinstance(request, list):
            return 200, encode([self._one(item)[1] for item in request]) + "\n"
        status, reply = self._one(request)
        return status, encode(reply) + "\n"

    def _one(self, request: Any) -> tuple[int, dict[str, Any]]:
        """Status and reply of one request; JSON-RPC 2.0 always has status 200."""
        modern = isinstance(request, dict) and request.get("jsonrpc") == "2.0"
        number = request.get("id") if isinstance(request, dict) else None
        try:
            reply = _reply(number, result=self._run(request), modern=modern)
        except RpcError as error:
            status = 200 if modern else _STATUS.get(error.number, 500)
            return status, _reply(number, error=error, modern=modern)
        return 200, reply

    def _run(self, request: Any) -> object:
        if not isinstance(request, dict):
            raise RpcError(Code.INVALID_REQUEST, "Invalid Request object")
        name, given = request.get("method"), request.get("params")
        if name is None:
            raise RpcError(Code.INVALID_REQUEST, "Missing method")
        if not isinstance(name, str):
            raise RpcError(Code.INVALID_REQUEST, "Method must be a string")
        if not isinstance(given, list | dict | None):
            raise RpcError(Code.INVALID_REQUEST, "Params must be an array or object")
        node = self.node
        if node is None:
            raise RpcError(Code.IN_WARMUP, "Replaying blocks...")
        if name in _OWN_METHODS:
            return self._own(name)
        method = METHODS.get(name)
        if method is None:
            raise RpcError(Code.METHOD_NOT_FOUND, "Method not found")
        return _call(node, method, given or [])

    def _own(self, name: str) -> object:
        if name == "stop":
            self._stop.set()
            return "Rein devnet stopping"
        if name == "uptime":
            return int(time.monotonic() - self._started)
        return "\n".join(sorted([*map(_usage, METHODS.values()), *_OWN_METHODS]))


def _usage(method: Callable[..., object]) -> str:
    _, *names = inspect.signature(method).parameters.values()
    shown = (p.name if p.default is inspect.Parameter.empty else f"( {p.name} )" for p in names)
    return " ".join([method.__name__, *shown])


def _call(node: Node, method: Callable[..., object], given: list[object] | dict[str, object]) -> object:
    signature = inspect.signature(method)
    try:
        bound = signature.bind(node, **given) if isinstance(given, dict) else signature.bind(node, *given)
    except TypeError:
        raise RpcError(Code.MISC_ERROR, _usage(method)) from None
    with node.lock:
        try:
            node.check_usable()
            return method(*bound.args, **bound.kwargs)
        except RpcError:
            raise
        except ReinError as error:
            raise RpcError(Code.MISC_ERROR, error.message) from error
        except Exception as error:
            logger.exception("%s failed", method.__name__)
            raise RpcError(Code.INTERNAL_ERROR, "internal error: see the node's log") from error


def _reply(
    number: object, *, result: object = None, error: RpcError | None = None, modern: bool = False
) -> dict[str, Any]:
    fault = None if error is None else {"code": int(error.number), "message": error.message}
    if not modern:
        return {"result": result, "error": fault, "id": number}
    member = {"result": result} if fault is None else {"error": fault}
    return {"jsonrpc": "2.0", **member, "id": number}
