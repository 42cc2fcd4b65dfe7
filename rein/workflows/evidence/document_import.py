"""Keeping signed documents that somebody handed over, by whatever way: no server need have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rein.errors import ArmorError, InputError
from rein.protocol.armor import BEGIN, END
from rein.protocol.signed import Signed
from rein.workflows.orders.feeds import verified_here
from rein.workflows.session import Session

RECEIVED_FROM = "a file"


@dataclass(frozen=True)
class Handed:
    """Documents that were handed over: those that are `new` here, and those that were here."""

    new: tuple[Signed[Any], ...]
    known: tuple[Signed[Any], ...]


def texts_in(content: bytes, name: str) -> list[str]:
    """The armored texts in a file, one or several, with anything around them that is none.

    :param name: of the file, for people.
    :raises InputError: there is none in it, or one has no end.
    """
    try:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        hint = "Is it a case file? rein case keep FILE" if content.startswith(b"PK") else None
        raise InputError(f"{name} is not text in UTF-8", hint=hint) from error
    begins = [number for number, line in enumerate(lines) if line.strip() == BEGIN]
    if not begins:
        raise InputError(f"{name} holds no signed document: no line in it is {BEGIN}")
    texts = []
    for begin, following in zip(begins, [*begins[1:], len(lines)], strict=True):
        end = next((number for number in range(begin, following) if lines[number].strip() == END), None)
        if end is None:
            raise ArmorError(f"{name}: the document that begins in line {begin + 1} is cut short")
        texts.append("\n".join([BEGIN, *lines[begin + 1 : end], END]))
    return texts


def keep_documents(session: Session, texts: Sequence[str]) -> Handed:
    """Check documents as if a server had sent them, and keep all of them, or none.

    :raises ReinError: one is not good, or of another network.
    """
    signed = list({each.id: each for each in (verified_here(session, text) for text in texts)}.values())
    known = session.store.documents.known([each.id for each in signed])
    new = tuple(each for each in signed if each.id not in known)
    session.store.documents.add_received([(each, RECEIVED_FROM) for each in new])
    return Handed(new, tuple(each for each in signed if each.id in known))
