"""Whom somebody means: a master address, its Secure Identity Number, or a name, which anybody may bear. Names and words
are compared normalised, so that nobody need type them letter for letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rein.btc.base58 import decode_check
from rein.errors import InputError, NotFoundError
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.signed import Signed
from rein.protocol.sin import secure_identity_number
from rein.workflows.session import Session


def normalised(text: str) -> str:
    """A text for comparing: composed (NFC) and case folded, so that "É", "é" and "e" with an accent are one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def is_address_of(given: str, master_address: str) -> bool:
    """Whether a text is this master address, or its SIN."""
    return given == master_address or (_is_sin(given) and given == secure_identity_number(master_address))


def is_meant(given: str, name: str, master_address: str) -> bool:
    """Whether a text is somebody's name, master address or SIN."""
    return normalised(given) == normalised(name) or is_address_of(given, master_address)


def meant(people: Iterable[Signed[Enrollment]], given: str) -> list[Signed[Enrollment]]:
    """Those of some people whom a text means: the one whose address or SIN it is, or else all who bear it as a name. So
    nobody gets in the way by taking somebody's address for a name, and nobody passes for somebody whose name differs in
    nothing but its case."""
    among, wanted = list(people), normalised(given)
    by_address = [each for each in among if is_address_of(given, each.document.master_address)]
    return by_address or [each for each in among if normalised(each.document.user) == wanted]


def the_person(people: Iterable[Signed[Enrollment]], given: str) -> Enrollment:
    """The one of some people whom a text means.

    :raises NotFoundError: nobody.
    :raises InputError: several have the name.
    """
    found = meant(people, given)
    if not found:
        raise NotFoundError(f"nobody called {given!r} is known here", hint="Fetch what is new: rein sync")
    if len(found) > 1:
        raise InputError(f"several people are called {given}", hint="Name the master address instead.")
    return found[0].document


def master_address_of(session: Session, given: str) -> str:
    """The master address behind a SIN that is known here, replaced identities too; any other text as it is."""
    if not _is_sin(given):
        return given
    known = (
        each.document.author.master_address
        for each in session.store.documents.of_kinds(session.network.name, Kind.ENROLLMENT)
    )
    return next((each for each in known if is_address_of(given, each)), given)


def _is_sin(given: str) -> bool:
    return given.startswith("T") and (decode_check(given) or b"")[:2] == b"\x0f\x02"
