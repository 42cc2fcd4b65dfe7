"""The endpoints under /v1."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TypeVar

from flask import Blueprint, Response, request

from causeway.accounts import service as accounts
from causeway.api import shapes
from causeway.api.body import parse_parameters
from causeway.api.limits import MAX_BATCH_BODY, MAX_BODY_BYTES
from causeway.api.operations import operation, read_body, read_query
from causeway.api.parameters import Parameters
from causeway.api.rates import account
from causeway.api.responses import compact, error_detail
from causeway.auth.nonces import LIFETIME_S, NonceMint
from causeway.db.engine import Database
from causeway.errors import BadParameterError, UnknownOwnerError
from causeway.hosting.service import BucketState, live_buckets
from causeway.kv.store import Item, Store
from causeway.payments.service import Payments, not_for_sale, proved_balance
from causeway.search.by_id import read_by_id
from causeway.search.feed import read_feed
from causeway.search.jobs import Wanted, find_jobs
from causeway.search.pages import Page
from causeway.search.queries import Person
from causeway.search.sequence import settled
from causeway.settings import Settings
from causeway.v1 import messages as m
from causeway.v1.gate import Gate
from rein import __version__
from rein.errors import ReinError
from rein.protocol.limits import MAX_DOCUMENT_BYTES, MAX_TAG, MAX_TAGS
from rein.protocol.values import fold_tag
from rein.protocol.wire import KEY_PATTERN, MAX_BATCH, MAX_QUERY_ROWS

T = TypeVar("T")


def blueprint(
    database: Database,
    store: Store,
    payments: Payments | None,
    mint: NonceMint,
    settings: Settings,
    count_documents: Callable[[], int],
    *,
    server_id: str,
) -> Blueprint:
    """The views.

    :param payments: None where hosting is free.
    :param server_id: the name of the feed.
    :param count_documents: how many there are, perhaps a moment ago.
    """
    views = Blueprint("v1", __name__, url_prefix="/v1")
    gate = Gate(mint, settings.server_names)

    @views.before_request
    def allow_batches() -> None:
        request.max_content_length = MAX_BATCH_BODY

    @views.after_request
    def hand_next_nonce(response: Response) -> Response:
        return gate.hand_next_nonce(request, response)

    @views.get("/status")
    @operation(answers=m.StatusAnswer)
    def status() -> Response:
        """What this server is, holds, costs and allows."""
        with database.reading() as connection:
            horizon = settled(connection)
        return _answer(
            m.StatusAnswer(
                software="causeway",
                version=__version__,
                network=settings.network.name,
                servers=list(settings.server_names),
                price_sat=settings.price,
                documents=count_documents(),
                settled=horizon,
                limits=_LIMITS,
            )
        )

    @views.get("/nonce")
    @operation(takes=m.OwnerRequest, answers=m.NonceAnswer)
    def nonce() -> Response:
        """The first nonce for a registered owner. Every answer to a signed request brings the next one."""
        owner = read_query(m.OwnerRequest, request).owner
        with database.reading() as connection:
            if not accounts.is_registered(connection, owner):
                raise UnknownOwnerError("User not found", hint="GET /request registers an owner.")
        return _answer(m.NonceAnswer(nonce=mint.make(owner)))

    @views.get("/buckets")
    @operation(takes=m.OwnerRequest, answers=m.BucketsAnswer)
    def buckets() -> Response:
        """What an owner has here and what is left of it. Asking changes nothing."""
        owner = read_query(m.OwnerRequest, request).owner
        with database.reading() as connection:
            states = live_buckets(connection, owner)
        return _answer(m.BucketsAnswer(buckets=[_bucket(state) for state in states]))

    @views.post("/put")
    @operation(takes=m.PutRequest, answers=m.PutAnswer, signed=True)
    def put() -> Response:
        """Store many values: a verdict for each, in their order. What is stored is durable before the answer."""
        proof, body = gate.admit(request)
        values = shapes.read(m.PutRequest, parse_parameters(body)).values
        items, refused = _read_each(values, _read_value)
        with account(proof.owner, len(values)):
            verdicts = store.put(proof, list(items.values()))
        refused |= {at: each for at, each in zip(items, verdicts, strict=True) if each is not None}
        return compact(
            {"verdicts": [_verdict(_key_of(each), "stored", refused.get(at)) for at, each in enumerate(values)]}
        )

    @views.post("/delete")
    @operation(takes=m.KeysRequest, answers=m.DeleteAnswer, signed=True)
    def delete() -> Response:
        """Delete many of the owner's values and give their bytes back: a verdict for each, in their order."""
        proof, body = gate.admit(request)
        keys = shapes.read(m.KeysRequest, parse_parameters(body)).keys
        items, refused = _read_each(keys, _read_key)
        with account(proof.owner, len(keys)):
            verdicts = store.delete(proof, list(items.values()))
        refused |= {at: each for at, each in zip(items, verdicts, strict=True) if each is not None}
        return compact(
            {"verdicts": [_verdict(_text(each), "deleted", refused.get(at)) for at, each in enumerate(keys)]}
        )

    @views.post("/balance")
    @operation(takes=m.BalanceRequest, answers=m.BalanceAnswer, signed=True)
    def balance() -> Response:
        """The owner's satoshis."""
        proof, body = gate.admit(request)
        shapes.read(m.BalanceRequest, parse_parameters(body))
        with account(proof.owner):
            return _answer(m.BalanceAnswer(balance_sat=proved_balance(database, proof)))

    @views.post("/buy")
    @operation(takes=m.BuyRequest, answers=m.BuyAnswer, signed=True)
    def buy() -> Response:
        """A bucket paid from the owner's balance, at this price and no other."""
        proof, body = gate.admit(request)
        asked = shapes.read(m.BuyRequest, parse_parameters(body))
        if payments is None:
            raise not_for_sale()
        with account(proof.owner):
            bought = payments.buy(proof, asked.price_sat)
        buckets = [_owned(each) for each in bought.buckets]
        return _answer(m.BuyAnswer(price_sat=bought.price, balance_sat=bought.balance, buckets=buckets))

    @views.post("/get")
    @operation(takes=m.KeysRequest, answers=m.ValuesAnswer)
    def get() -> Response:
        """The values under many keys, in their order, charged to the buckets that hold them."""
        keys = read_body(m.KeysRequest, request).keys
        items, refused = _read_each(keys, _read_key)
        found: dict[int, str | ReinError] = dict(zip(items, store.get(list(items.values())), strict=True))
        return compact({"values": [_found(_text(key), (found | refused)[at]) for at, key in enumerate(keys)]})

    @views.post("/documents")
    @operation(takes=m.DocumentsRequest, answers=m.DocumentsAnswer)
    def documents() -> Response:
        """Documents by their ids."""
        ids = read_body(m.DocumentsRequest, request).ids
        wanted = [shapes.read(m.OneId, Parameters({"id": each})).id for each in ids]
        with database.reading() as connection:
            found, left, missing = read_by_id(connection, wanted)
        return compact({"documents": shapes.as_json(found), "left": left, "missing": missing})

    @views.get("/feed")
    @operation(takes=m.FeedRequest, answers=m.FeedAnswer, conditional=True)
    def feed() -> Response:
        """What came and went behind a number, in the order of this server. 304 if the answer is one you have."""
        asked = read_query(m.FeedRequest, request)
        with database.reading() as connection:
            found = read_feed(connection, asked.after, asked.limit, kind=asked.kind, network=asked.network)
        return _unless_known(compact({"server": server_id, **shapes.as_json(found)}))

    @views.get("/search")
    @operation(takes=m.SearchRequest, answers=m.SearchAnswer)
    def search_jobs() -> Response:
        """Jobs, newest first, by their words and tags, who is in them, what bids ask for, and whether they are open."""
        asked = read_query(m.SearchRequest, request)
        wanted = Wanted(
            text=asked.text,
            tags=_tags(asked.tags),
            creator=Person(asked.creator) if asked.creator else None,
            mediator=Person(asked.mediator) if asked.mediator else None,
            min_price=asked.min_price,
            max_price=asked.max_price,
            open_only=asked.open,
        )
        with database.reading() as connection:
            found, after = find_jobs(connection, wanted, Page(asked.after, asked.limit, newest_first=True))
        return compact({"jobs": shapes.as_json(found), "next": after})

    return views


_LIMITS = m.Limits(
    batch=MAX_BATCH,
    body_bytes=MAX_BATCH_BODY,
    document_bytes=MAX_DOCUMENT_BYTES,
    value_bytes=MAX_BODY_BYTES,
    feed_rows=MAX_QUERY_ROWS,
    search_rows=m.SEARCH_ROWS,
    nonce_seconds=LIFETIME_S,
)


def _bucket(state: BucketState) -> m.HeldBucket:
    return m.HeldBucket(
        id=state.id,
        created=int(state.created.timestamp()),
        expires=int(state.expires.timestamp()),
        bytes_free=state.bytes_free,
        transfer_free=state.transfer_free,
    )


def _answer(answer: object) -> Response:
    return compact(shapes.as_json(answer))


def _owned(state: BucketState) -> m.OwnedBucket:
    return m.OwnedBucket(
        id=state.id,
        expires=state.expires.astimezone(UTC).isoformat(timespec="seconds"),
        bytes_free=state.bytes_free,
        transfer_free=state.transfer_free,
    )


def _unless_known(response: Response) -> Response:
    """With an ETag of the answer itself; 304 without a body for a client that has it."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]  # the same response


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
    value = shapes.read(m.NewValue, Parameters(item))
    return Item(value.key, value.value)


def _read_key(item: object) -> str:
    return shapes.read(m.OneKey, Parameters({"key": item})).key


def _key_of(item: object) -> str | None:
    return _text(item.get("key")) if isinstance(item, dict) else None


def _text(value: object) -> str | None:
    """A key as it is repeated in an answer: only one that has the shape of a key."""
    return value if isinstance(value, str) and KEY_PATTERN.fullmatch(value) else None


def _verdict(key: str | None, done: str, error: ReinError | None) -> dict[str, object]:
    if error is None:
        return {"key": key, done: True}
    return {"key": key, "error": error_detail(error.code, error.message, error.hint)}


def _found(key: str | None, found: str | ReinError) -> dict[str, object]:
    if isinstance(found, ReinError):
        return {"key": key, "error": error_detail(found.code, found.message, found.hint)}
    return {"key": key, "value": found}


def _tags(text: str | None) -> list[str]:
    tags = [fold_tag(tag.strip()) for tag in text.split(",")] if text is not None else []
    if len(tags) > MAX_TAGS or any(not 0 < len(tag) <= MAX_TAG for tag in tags):
        raise BadParameterError(f"'tags' is not 1 to {MAX_TAGS} tags of up to {MAX_TAG} characters")
    return tags
