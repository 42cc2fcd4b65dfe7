"""POST /v1/put, /v1/delete and /v1/get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import Response

from causeway.api import shapes
from causeway.api.operations import operation, read_body
from causeway.api.parameters import Parameters
from causeway.api.rates import limit_account
from causeway.api.responses import compact, error_detail
from causeway.auth.service import Proof
from causeway.errors import BadParameterError
from causeway.kv.schemas import DeleteAnswer, KeysRequest, NewValue, OneKey, PutAnswer, PutRequest, ValuesAnswer
from causeway.kv.store import Item, Refusal
from causeway.services import services
from causeway.v1.gate import admit, versioned
from rein.errors import ReinError
from rein.protocol.wire import KEY_PATTERN

T = TypeVar("T")

views = versioned("kv")


@views.post("/put")
@operation(takes=PutRequest, answers=PutAnswer, signed=True)
def put() -> Response:
    """Store many values: a verdict for each, in their order. What is stored is durable before the answer."""
    proof, asked = admit(PutRequest)
    return _write(proof, asked.values, _read_value, services().store.put, "stored")


@views.post("/delete")
@operation(takes=KeysRequest, answers=DeleteAnswer, signed=True)
def delete() -> Response:
    """Delete many of the owner's values and give their bytes back: a verdict for each, in their order."""
    proof, asked = admit(KeysRequest)
    return _write(proof, asked.keys, _read_key, services().store.delete, "deleted")


@views.post("/get")
@operation(takes=KeysRequest, answers=ValuesAnswer)
def get() -> Response:
    """The values under many keys, in their order, charged to the buckets that hold them."""
    keys = read_body(KeysRequest).keys
    good, refused = _read_each(keys, _read_key)
    found: dict[int, str | ReinError] = dict(zip(good, services().store.get(list(good.values())), strict=True))
    answers = [_outcome(key, "value", (found | refused)[at]) for at, key in enumerate(keys)]
    return compact({"values": answers})


def _write(
    proof: Proof,
    items: Sequence[object],
    read: Callable[[object], T],
    work: Callable[[Proof, Sequence[T]], Sequence[Refusal]],
    done: str,
) -> Response:
    """Do what can be done of the items; `done` is the member that says so in a verdict."""
    good, refused = _read_each(items, read)
    with limit_account(proof.owner, len(items)):
        results = work(proof, list(good.values()))
    refused |= {at: each for at, each in zip(good, results, strict=True) if each is not None}
    verdicts = [_outcome(each, done, refused.get(at, True)) for at, each in enumerate(items)]
    return compact({"verdicts": verdicts})


def _read_each(items: Sequence[object], read: Callable[[object], T]) -> tuple[dict[int, T], dict[int, ReinError]]:
    """What can be read, by its place, and why the rest cannot."""
    good: dict[int, T] = {}
    bad: dict[int, ReinError] = {}
    for at, item in enumerate(items):
        try:
            good[at] = read(item)
        except ReinError as error:
            bad[at] = error
    return good, bad


def _read_value(item: object) -> Item:
    if not isinstance(item, dict):
        raise BadParameterError("the item is not an object with key and value")
    value = shapes.read(NewValue, Parameters(item))
    return Item(value.key, value.value)


def _read_key(item: object) -> str:
    return shapes.read(OneKey, Parameters({"key": item})).key


def _outcome(item: object, name: str, outcome: str | bool | ReinError) -> dict[str, object]:
    """What became of an item, which is a key or has one: an error, or `outcome` under `name`."""
    key = item.get("key") if isinstance(item, dict) else item
    # A key is repeated only where it has the shape of one.
    shown = key if isinstance(key, str) and KEY_PATTERN.fullmatch(key) else None
    if isinstance(outcome, ReinError):
        return {"key": shown, "error": error_detail(outcome.code, outcome.message, outcome.hint)}
    return {"key": shown, name: outcome}
