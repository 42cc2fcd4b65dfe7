"""Whom somebody means: a master address, its Secure Identity Number, or a name, which anybody may bear."""

from __future__ import annotations

from collections.abc import Iterable

from rein.btc.base58 import decode_check
from rein.protocol.documents import Enrollment, Kind
from rein.protocol.signed import Signed
from rein.protocol.sin import secure_identity_number
from rein.workflows.session import Session


def is_address_of(given: str, master_address: str) -> bool:
    """Whether a text is this master address, or its SIN."""
    return given == master_address or (_is_sin(given) and given == secure_identity_number(master_address))


def meant(people: Iterable[Signed[Enrollment]], given: str) -> list[Signed[Enrollment]]:
    """Those of some people whom a text means: the one whose address or SIN it is, or else all who bear it as a name. So
    nobody gets in the way by taking somebody's address for a name."""
    among = list(people)
    by_address = [each for each in among if is_address_of(given, each.document.master_address)]
    return by_address or [each for each in among if each.document.user == given]


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
