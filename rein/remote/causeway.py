"""One typed method for each endpoint of a causeway server: of its versioned API, and of the legacy one for ordering.

Whatever is signed is a request of the versioned API: it names this server, what is asked of it and a nonce.
"""

from __future__ import annotations

import hmac
import json
import re
import string
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.errors import RefusedError, RemoteError
from rein.protocol.auth import NEXT_NONCE_HEADER, sign_request
from rein.protocol.values import DocumentId
from rein.protocol.wire import MAX_BATCH, MAX_BATCH_BYTES, server_name
from rein.remote import responses
from rein.remote.responses import FeedPage, Found, Hosting, Purchase, ServerStatus
from rein.remote.transport import NOT_MODIFIED, Response, Transport, refused

__all__ = ["Causeway", "FeedPage", "Found", "Hosting", "Purchase", "ServerStatus", "batches", "remote_key"]

_KEY_LETTERS = string.ascii_uppercase + string.digits
_KEY_LENGTH = 32
_FAIR = 256 // len(_KEY_LETTERS) * len(_KEY_LETTERS)
"""Bytes from here on would make some letters likelier than others."""
_NONCE = re.compile(r"[0-9a-f]{32}")
_ETAG = re.compile(r'(W/)?"[!#-~]{1,100}"')
_MAX_NONCES = 8
_STALE = frozenset({"bad_nonce", "nonce_expired", "nonce_used"})
_TO_ASK_AGAIN = "answer_full"
_SIGNATURE = "incorrect_signature"
_ROOM_FOR_NAMES = 200
"""Bytes of a body around each value: the names of the fields, the key, and what JSON needs between them."""


def remote_key(secret: bytes, url: str, document_id: DocumentId) -> str:
    """The name under which an identity stores a document at a server, of the letters of 2016: 32 of A-Z and 0-9.

    Names at a server are everybody's, so nobody else may guess this one; and who restores an identity from its words
    must find it again, or pay for the room twice. So it is made from a secret of the identity.
    """
    letters = ""
    for count in range(256):
        digest = hmac.digest(secret, b"%s %s %d" % (url.encode(), document_id.encode(), count), "sha256")
        letters += "".join(_KEY_LETTERS[byte % len(_KEY_LETTERS)] for byte in digest if byte < _FAIR)
        if len(letters) >= _KEY_LENGTH:
            break
    return letters[:_KEY_LENGTH]


def batches(values: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    """Values (key, text) in portions that one request may carry."""
    portion: list[tuple[str, str]] = []
    size = 0
    for key, text in values:
        needed = len(json.dumps(text)) + _ROOM_FOR_NAMES
        if portion and (len(portion) == MAX_BATCH or size + needed > MAX_BATCH_BYTES):
            yield portion
            portion, size = [], 0
        portion.append((key, text))
        size += needed
    if portion:
        yield portion


class Causeway:
    """A client of one server, as one identity. Its responses are texts by a stranger: callers verify every document."""

    def __init__(self, url: str, network: Network, owner: str, delegate: str, *, proxy: str | None = None) -> None:
        """:param owner: the identity's master address; :param delegate: the address whose key signs requests."""
        self.url = url
        self._network = network
        self._owner = owner
        self._delegate = delegate
        self._transport = Transport(url, proxy)
        self._nonces: deque[str] = deque(maxlen=_MAX_NONCES)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Send nothing more, and end the request that is under way; called from another thread."""
        self._transport.abort()

    # Hosting

    def request(self, contact: str) -> Hosting:
        """Ask for a bucket of free hosting."""
        asked = {"owner": self._owner, "delegate": self._delegate, "contact": contact}
        return responses.legacy_hosting(self._transport.get("request", asked), self.url)

    def buy(self, contact: str) -> Purchase:
        """Order a bucket: what it costs and where to pay it."""
        asked = {"owner": self._owner, "delegate": self._delegate, "contact": contact}
        return responses.purchase(self._transport.get("buy", asked), self.url, self._network)

    def buckets(self) -> Hosting:
        """What the identity has here, and what is left of it. Asking changes nothing."""
        return responses.hosting(self._transport.get("v1/buckets", {"owner": self._owner}), self.url)

    def balance(self, signer: PrivateKey) -> int:
        """The identity's satoshis here.

        :raises RefusedError: the server does not know the identity, or the delegate that signs.
        """
        return responses.balance(self._signed_post("v1/balance", {}, signer).data, self.url)

    def buy_from_balance(self, price: Sat, signer: PrivateKey) -> int:
        """Spend the identity's balance on a bucket, at this price, at this server, once. Returns what is left of it.

        :raises RefusedError: the price is another, the balance too low, or hosting is free.
        """
        return responses.balance(self._signed_post("v1/buy", {"price_sat": price}, signer).data, self.url)

    def status(self) -> ServerStatus:
        """The server's own description."""
        return responses.status(self._transport.get("v1/status", {}), self.url)

    # Reading

    def feed(self, after: int, etag: str | None = None) -> FeedPage | None:
        """The page of the feed after a number; None if it is not modified since `etag`.

        :raises ServerLiedError: numbers that cannot be.
        """
        parameters = {"after": after, "network": self._network.name, "limit": responses.FEED_ROWS}
        headers = {"If-None-Match": etag} if etag else {}
        response = self._transport.request("GET", "v1/feed", params=parameters, headers=headers)
        if response.status == NOT_MODIFIED:
            return None
        tag = response.headers.get("ETag", "")
        return responses.feed_page(response.data, self.url, after, tag if _ETAG.fullmatch(tag) else None)

    def documents(self, ids: Sequence[DocumentId]) -> Found:
        """Documents by id, `MAX_BATCH` at most. It costs nobody's transfer."""
        response = self._post("v1/documents", {"ids": list(ids)})
        return responses.found(response.data, self.url, ids)

    def get(self, keys: Sequence[str]) -> list[str | RefusedError]:
        """Values, in the order of their keys, or why each is not served. It is charged to the buckets they are in."""
        values: dict[str, str | RefusedError] = {}
        todo = list(keys)
        while todo:
            portion = todo[:MAX_BATCH]
            items = responses.items(self._post("v1/get", {"keys": portion}).data, "values", portion, self.url)
            for key, item in zip(portion, items, strict=True):
                value = item.get("value")
                values[key] = value if isinstance(value, str) else refused(self.url, item)
            again = [key for key in portion if _is_left(values[key])]
            if len(again) == len(portion):
                break  # it has room for none of them: what it says stands
            todo = again + todo[len(portion) :]
        return [values.get(key) or RefusedError(f"{self.url} refuses: no answer") for key in keys]

    # Writing

    def put(self, values: Sequence[tuple[str, str]], signer: PrivateKey) -> list[RefusedError | None]:
        """Store values (key, text): for each None, or why it was not stored. At most what `batches` puts together.

        :raises RemoteError: the server refused all of it, or did not say what became of each.
        """
        body = {"values": [{"key": key, "value": text} for key, text in values]}
        items = responses.items(self._signed_post("v1/put", body, signer).data, "verdicts", values, self.url)
        return [None if item.get("stored") is True else refused(self.url, item) for item in items]

    def _signed_post(self, path: str, body: Mapping[str, Any], signer: PrivateKey) -> Response:
        """With a nonce of the pool, or a fresh one; once more with a fresh one if the server calls it stale."""
        was_kept = bool(self._nonces)
        nonce = self._nonces.popleft() if was_kept else self._fetch_nonce()
        try:
            return self._post(path, body, (signer, nonce))
        except RefusedError as error:
            if not was_kept or error.reason not in _STALE:
                raise self._explained(error) from error
        self._nonces.clear()
        return self._post(path, body, (signer, self._fetch_nonce()))

    def _explained(self, error: RefusedError) -> RefusedError:
        """What a refused signature comes from where the server does not know the name it is asked under: behind a
        proxy, or under a path, it has to be told its public address."""
        name = server_name(self.url)
        try:
            names = self.status().names if error.reason == _SIGNATURE else ()
        except RemoteError:
            return error
        if not names or name in names:
            return error
        return RefusedError(
            f"{self.url} takes requests signed for {', '.join(names)} only, and not for {name}, where it was reached",
            reason=error.reason,
            hint=f"Its operator sets public_urls (--public-urls) to {name}; or register it under one of its names.",
        )

    def _post(self, path: str, body: Mapping[str, Any], signing: tuple[PrivateKey, str] | None = None) -> Response:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        proof: dict[str, str] = {}
        if signing is not None:
            signer, nonce = signing
            proof = sign_request(
                signer,
                self._network,
                method="POST",
                server=server_name(self.url),
                path_and_query=f"/{path}",
                body_sha256=sha256(data).hex(),
                nonce=nonce,
                owner=self._owner,
            )
        headers = {"Content-Type": "application/json", **proof}
        response = self._transport.request("POST", path, data=data, headers=headers)
        offered = response.headers.get(NEXT_NONCE_HEADER, "")
        if signing is not None and _NONCE.fullmatch(offered):
            self._nonces.append(offered)
        return response

    def _fetch_nonce(self) -> str:
        nonce = self._transport.get("v1/nonce", {"owner": self._owner}).get("nonce")
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise RemoteError(f"{self.url} gave an invalid nonce")
        return nonce


def _is_left(value: str | RefusedError) -> bool:
    return isinstance(value, RefusedError) and value.reason == _TO_ASK_AGAIN
