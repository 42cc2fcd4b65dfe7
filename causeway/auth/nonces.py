"""Nonces that need no memory until they are used.

A nonce is 16 bytes, written as 32 lower-case hex digits:

    time    4 bytes   when it was made, in seconds since 1970
    random  4 bytes   so that two of the same second differ
    tag     8 bytes   HMAC-SHA256(secret, domain || time || random || owner), cut short

So only a server that knows the secret can make one, each belongs to one owner and one database, any number may be
outstanding, and it expires by itself. Being used once is enforced where it is used (`causeway.auth.service`). To guess
a tag takes 2^63 requests on average, and whoever does still has to sign.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from causeway.errors import NonceError, NonceExpiredError

LIFETIME_S = 600
CLOCK_TOLERANCE_S = 30
"""How far the clocks of several servers on one database may differ."""

_DOMAIN = b"causeway/nonce/1"
_NONCE = re.compile(r"[0-9a-f]{32}")
_TIME_BYTES = 4
_RANDOM_BYTES = 4
_TAG_BYTES = 8


@dataclass(frozen=True)
class NonceMint:
    """Makes nonces and knows its own."""

    secret: bytes = field(repr=False)
    clock: Callable[[], float] = time.time

    def make(self, owner: str) -> str:
        """A fresh nonce for an owner."""
        head = int(self.clock()).to_bytes(_TIME_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES)
        return (head + self._tag(head, owner)).hex()

    def check(self, nonce: str, owner: str) -> None:
        """Refuse a nonce that is not ours, another owner's, or too old.

        :raises NonceError: NonceExpiredError if only its age is wrong.
        """
        if _NONCE.fullmatch(nonce) is None:
            raise NonceError("A nonce is 32 lower-case hex digits; GET /nonce gives one.")
        data = bytes.fromhex(nonce)
        head, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(head, owner)):
            raise NonceError("This server did not give that nonce to this owner; GET /nonce gives one.")
        age = int(self.clock()) - int.from_bytes(head[:_TIME_BYTES], "big")
        if not -CLOCK_TOLERANCE_S <= age <= LIFETIME_S:
            raise NonceExpiredError(f"A nonce is good for {LIFETIME_S // 60} minutes; GET /nonce gives a new one.")

    def oldest_valid(self) -> str:
        """A bound in the order of nonces: none below it passes `check` any more, on any server of the database."""
        oldest = int(self.clock()) - LIFETIME_S - 2 * CLOCK_TOLERANCE_S
        return max(oldest, 0).to_bytes(_TIME_BYTES, "big").hex()

    def _tag(self, head: bytes, owner: str) -> bytes:
        message = _DOMAIN + head + owner.encode("ascii")
        return hmac.digest(self.secret, message, hashlib.sha256)[:_TAG_BYTES]
