"""One typed method an endpoint of a causeway server."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.errors import RemoteError
from rein.protocol.auth import sign_put
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.wire import MAX_QUERY_ITEMS, MAX_QUERY_ROWS, Query, testnet_flag
from rein.remote.transport import Transport

_KEY_LETTERS = string.ascii_uppercase + string.digits
_KEY_LENGTH = 32
_NONCE = re.compile(r"[0-9a-f]{32}")
_MAX_PAGES = 1_000
MAX_QUERY_CHARACTERS = 256 * 2**20
QUERY_SECONDS = 300
"""What one query may bring and take, all pages together: an honest server may have many pages, a hostile one has
no end of them."""
_MAX_BYTES_FREE = 2**53
"""More than any server has, and what SQLite and JSON can still hold."""


@dataclass(frozen=True)
class Hosting:
    """What a server grants an identity."""

    buckets: int
    bytes_free: int


def new_remote_key() -> str:
    """A random name for a stored value, as clients of 2016 make it: 32 of A-Z and 0-9."""
    return "".join(secrets.choice(_KEY_LETTERS) for _ in range(_KEY_LENGTH))


class Causeway:
    """A server, spoken to as one identity. Its answers are texts by a stranger: callers verify every document."""

    def __init__(self, url: str, network: Network, owner: str, delegate: str, *, proxy: str | None = None) -> None:
        """:param owner: the identity's master address; :param delegate: the address whose key signs requests."""
        self.url = url
        self._network = network
        self._owner = owner
        self._delegate = delegate
        self._transport = Transport(url, proxy)
        self._next_nonce: str | None = None

    def close(self) -> None:
        self._transport.close()

    def request(self, contact: str) -> Hosting:
        """Ask for a bucket of free microhosting."""
        answer = self._transport.get("request", {"owner": self._owner, "delegate": self._delegate, "contact": contact})
        buckets = _list(answer, "buckets", self.url)
        return Hosting(len(buckets), min(sum(_bytes_free(bucket) for bucket in buckets), _MAX_BYTES_FREE))

    def status(self) -> dict[str, Any]:
        """What the server says of itself."""
        return self._transport.get("status", {})

    def put(self, key: str, value: str, signer: PrivateKey) -> None:
        """Store a value.

        :raises RemoteError: the server did not say that it is stored.
        """
        nonce = self._next_nonce or self._fetch_nonce()
        self._next_nonce = None
        answer = self._transport.post(
            "put",
            {
                "key": key,
                "value": value,
                "nonce": nonce,
                "signature": sign_put(signer, key, value, self._delegate, nonce),
                "signature_address": self._delegate,
                "owner": self._owner,
                "testnet": testnet_flag(self._network.name),
            },
        )
        if answer.get("result") != "success":
            raise RemoteError(f"{self.url} did not say that it stored the document")
        offered = answer.get("nonce")
        if isinstance(offered, str) and _NONCE.fullmatch(offered):
            self._next_nonce = offered

    def get(self, key: str) -> str | None:
        """A stored value; None when the server does not have it."""
        try:
            answer = self._transport.get("get", {"key": key})
        except RemoteError as error:
            if "Key not found" in error.message:
                return None
            raise
        value = answer.get("value")
        return value if isinstance(value, str) else None

    def query(self, query: Query, parameters: Mapping[str, str] | None = None) -> Iterator[str]:
        """Every armored text a query finds, page by page.

        :raises RemoteError: as any request, or the pages take too long or never end.
        """
        asked: dict[str, str | int] = {
            "owner": self._owner,
            "query": query.value,
            "testnet": testnet_flag(self._network.name),
            **(parameters or {}),
        }
        asked_after: set[int] = set()
        characters, deadline = 0, time.monotonic() + QUERY_SECONDS
        for _ in range(_MAX_PAGES):
            answer = self._transport.get("query", asked)
            for text in _list(answer, query.value, self.url)[:MAX_QUERY_ROWS]:
                if isinstance(text, str) and len(text) <= MAX_DOCUMENT_BYTES:
                    characters += len(text)
                    yield text
            following = answer.get("next")
            if type(following) is not int or following in asked_after:
                return
            if characters > MAX_QUERY_CHARACTERS or time.monotonic() > deadline:
                break
            asked_after.add(following)
            asked["after"] = following
        raise RemoteError(f"{self.url} has no end of pages for {query.value}; what it sent was dropped")

    def query_list(self, query: Query, name: str, items: Sequence[str]) -> Iterator[str]:
        """As `query`, for a parameter that takes a list: asked in as few requests as the limit allows."""
        for start in range(0, len(items), MAX_QUERY_ITEMS):
            yield from self.query(query, {name: ",".join(items[start : start + MAX_QUERY_ITEMS])})

    def _fetch_nonce(self) -> str:
        nonce = self._transport.get("nonce", {"address": self._owner}).get("nonce")
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise RemoteError(f"{self.url} gave something that is no nonce")
        return nonce


def _list(answer: Mapping[str, Any], name: str, url: str) -> list[Any]:
    found = answer.get(name)
    if not isinstance(found, list):
        raise RemoteError(f"{url} answered without the list {name!r}")
    return found


def _bytes_free(bucket: Any) -> int:
    value = bucket.get("bytes_free") if isinstance(bucket, dict) else None
    text = str(value) if isinstance(value, str | int) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
