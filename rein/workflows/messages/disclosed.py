"""What a mediator reads of conversations that others disclosed, and what follows from it.

A disclosed key is one party's word: nothing proves that it is the one the two share. Who seals a text under a key of
their own making, and discloses that key, shows the mediator a text that the other could never read. So it is counted
who vouches for a key: whoever discloses it, and whoever wrote under it. A key that both vouch for is theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rein.btc.keys import PrivateKey
from rein.errors import FieldError
from rein.protocol.documents import Disclosure, SealedDocument
from rein.protocol.orders import Order
from rein.protocol.sealing import SHARED_KEY_BYTES, shared_key, unseal
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId

_NOT_DISCLOSED = "it was not disclosed to you"
_NO_KEY = "there is no key in it"
_EITHER = "whoever sealed it or whoever disclosed the key cheats; a disclosure by the other party would tell"
_DIFFERENT = "the two parties disclosed different keys, so one of them cheats; which one does not follow"
_SENDER = "both parties vouch for the disclosed key, so whoever sealed this cheats"
_ONE_WORD = "that the other party could read it does not follow: nobody but the sender vouches for the key"
_UNREADABLE = "the other party could not read it: it is sealed under another key than the one both vouch for"
_FALSE_KEY = "it is not the key that both wrote with: whoever disclosed it cheats"

Pair = frozenset[bytes]
"""The message keys of two parties."""


class Disclosed:
    """The conversations of an order that were disclosed to the holder of a message key."""

    def __init__(self, mine: PrivateKey, order: Order) -> None:
        self._vouching: dict[Pair, dict[bytes, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        """For each pair, the keys that were disclosed, and the message keys of who vouches for each."""
        self._key_in: dict[DocumentId, bytes | None] = {}
        self._opened: dict[DocumentId, tuple[str, bytes]] = {}
        self._problem: dict[DocumentId, str] = {}
        for signed in order.messages:
            if isinstance(signed.document, Disclosure) and signed.document.to_key == mine.public_key:
                self._take(mine, signed)
        for signed in order.messages:
            if not isinstance(signed.document, Disclosure):
                self._try(signed)

    def read(self, signed: Signed[SealedDocument]) -> tuple[str | None, str | None, str | None]:
        """A message between two others: its text, or why there is none; and what the reader should know of it."""
        document = signed.document
        keys = self._vouching.get(_pair(document))
        if keys is None:
            return None, _NOT_DISCLOSED, None
        if signed.id in self._opened:
            text, key = self._opened[signed.id]
            if _by_both(keys, key):
                return text, None, None
            return text, None, _UNREADABLE if any(_by_both(keys, each) for each in keys) else _ONE_WORD
        return None, f"{self._problem[signed.id]}; {_whose_fault(keys)}", None

    def remark(self, signed: Signed[Any]) -> str | None:
        """What the reader should know of a disclosure that is for them; None of one for somebody else."""
        if signed.id not in self._key_in:
            return None
        key = self._key_in[signed.id]
        if key is None:
            return _NO_KEY
        keys = self._vouching[frozenset({signed.document.from_key, signed.document.other_key})]
        if _by_both(keys, key) or len(keys) == 1:
            return None
        return _FALSE_KEY if any(_by_both(keys, each) for each in keys) else _DIFFERENT

    def _take(self, mine: PrivateKey, signed: Signed[Any]) -> None:
        document = signed.document
        self._key_in[signed.id] = None
        try:
            shared = shared_key(mine, document.from_key, document.job_document)
            key = bytes.fromhex(unseal(shared, document.sealed, document.associated_data()))
        except (FieldError, ValueError):
            return
        if len(key) == SHARED_KEY_BYTES:
            self._key_in[signed.id] = key
            self._vouching[frozenset({document.from_key, document.other_key})][key].add(document.from_key)

    def _try(self, signed: Signed[Any]) -> None:
        document = signed.document
        for key, vouching in self._vouching.get(_pair(document), {}).items():
            try:
                text = unseal(key, document.sealed, document.associated_data())
            except FieldError as error:
                self._problem[signed.id] = error.message
            else:
                self._opened[signed.id] = text, key
                vouching.add(document.from_key)
                return


def _pair(document: SealedDocument) -> Pair:
    return frozenset({document.from_key, document.to_key})


def _by_both(keys: Mapping[bytes, set[bytes]], key: bytes) -> bool:
    return len(keys[key]) > 1


def _whose_fault(keys: Mapping[bytes, set[bytes]]) -> str:
    if any(_by_both(keys, key) for key in keys):
        return _SENDER
    return _EITHER if len(keys) == 1 else _DIFFERENT
