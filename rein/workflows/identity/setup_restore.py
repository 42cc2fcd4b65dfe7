"""An identity from its recovery phrase alone: what it signed is on the servers, and its keys follow from both.

What a server sends is verified as always. A document is taken for one of ours only if a key signed it that the master
key of this phrase has enrolled: anybody can publish a text that merely names our address as its author.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rein.btc.bip84 import GAP
from rein.btc.hd import check_mnemonic
from rein.errors import ChainError, NotFoundError, ReinError
from rein.identity.keyring import Keyring
from rein.identity.sealing import check_passphrase
from rein.protocol.documents import Bid, Document, Enrollment, Job, Kind
from rein.protocol.enrollments import Enrollments
from rein.protocol.signed import Signed
from rein.remote.causeway import Causeway, Hosting
from rein.remote.transport import normal_url
from rein.store.tables.identities import IdentityRow
from rein.store.tables.servers import ServerRow
from rein.workflows.identity.setup import SetupResult, add_identity, check_free, check_new, row_of
from rein.workflows.jobs.sealed_bids import unseal_bids
from rein.workflows.orders.feeds import load_enrollments, pull
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import observe_wallet, own_addresses

_WIDE_GAP = 5 * GAP
"""Coins lie beyond many addresses that were emptied, of which the chain source tells nothing."""


@dataclass
class RestoreResult:
    """What came back. `lost`: documents of ours that name a key which the phrase does not give; `elsewhere`:
    those that are paid to an address which is not of the phrase's wallet."""

    row: IdentityRow
    enrollment: Signed[Enrollment]
    unreachable: list[ReinError] = field(default_factory=list)
    own: int = 0
    jobs: int = 0
    lost: list[Signed[Any]] = field(default_factory=list)
    elsewhere: list[Signed[Any]] = field(default_factory=list)

    def json(self, home: Path) -> dict[str, Any]:
        return SetupResult(home, self.row, self.enrollment).json() | {
            "documents": self.own,
            "jobs": self.jobs,
            "lost": [signed.id for signed in self.lost],
            "paid_elsewhere": [signed.id for signed in self.elsewhere],
        }


def restore_identity(
    session: Session, phrase: str, passphrase: str, urls: Sequence[str], name: str | None = None
) -> RestoreResult:
    """Find the enrollment of a recovery phrase on servers, store the identity, and bring back all that it signed.

    :param urls: servers that may have it; each is remembered.
    :param name: what to call it here; by default as it is enrolled.
    :raises NotFoundError: no server that answers has an enrollment of this recovery phrase.
    :raises RemoteError: no server answers.
    :raises IdentityError: it is an identity of this home already, or its delegate is not of this phrase.
    """
    check_passphrase(passphrase)
    phrase = check_mnemonic(phrase)
    keyring = Keyring(phrase, session.network)
    check_new(session, keyring.master_address)
    master, delegate = keyring.master_address, keyring.delegate_address
    stranger = _as(session, IdentityRow(0, session.network.name, "", "", master, delegate, ""), keyring)
    servers = [stranger.server(url) for url in dict.fromkeys(map(normal_url, urls))]
    try:
        reports = pull(stranger, servers=servers)
        hostings = {each.url: _hosting(each) for each in servers}
    finally:
        for server in servers:
            server.close()
    errors = [each.error for each in reports if each.error is not None]
    enrollment = load_enrollments(stranger).current(session.network, master)
    if enrollment is None:
        if len(errors) == len(servers):
            raise errors[0]
        raise NotFoundError(
            "no server that answered has an enrollment of this recovery phrase",
            hint="Enroll again with the same recovery phrase, or name other servers.",
        )
    name = name or enrollment.document.user
    check_free(session, name)
    keyring = keyring.with_delegate(enrollment.document.delegate_address)
    with session.store.exclusive():  # else an interruption would leave an identity that counts nothing as its own
        row = add_identity(session, row_of(enrollment.document, name), enrollment, phrase, passphrase)
        for url, hosting in hostings.items():
            session.store.servers.set(row.id, ServerRow(url, hosting.buckets, hosting.bytes_free))
        restored = _take_back(_as(session, row, keyring), RestoreResult(row, enrollment, errors))
    _find_coins(_as(session, row, keyring))
    return restored


def _find_coins(session: Session) -> None:
    """Learn from the chain which addresses were paid, so that no new document names one of them."""
    try:
        observe_wallet(session, _WIDE_GAP)
    except ChainError as error:
        session.note(f"{error.message}; your coins are found once a chain source answers.")


def _as(session: Session, row: IdentityRow, keyring: Keyring) -> Session:
    """The session of an identity whose keys are open already."""
    return replace(session, row=row, open_keyring=lambda _: keyring, _servers=[])


def _take_back(session: Session, restored: RestoreResult) -> RestoreResult:
    """Find what is ours in all that came."""
    me = session.address
    mine = _signed_by_me(session)
    session.store.documents.mark_own([signed.id for signed in mine])
    unseal_bids(session)
    restored.own = len(mine)
    restored.jobs = len(session.store.orders.of_person(session.network.name, me))
    own = {each.address for each in own_addresses(session)}
    restored.elsewhere = [signed for signed in mine if (where := _paid_at(signed.document)) and where not in own]
    restored.lost = [signed for signed in mine if not _has_key(session.keyring, signed.document)]
    return restored


def _signed_by_me(session: Session) -> list[Signed[Any]]:
    enrollments = load_enrollments(session)
    return [signed for signed in _naming_me(session) if _is_mine(enrollments, signed.document)]


def _naming_me(session: Session) -> Iterator[Signed[Any]]:
    orders = session.store.orders.of_person(session.network.name, session.address)
    for signed in (
        *session.store.documents.of_kinds(session.network.name, Kind.ENROLLMENT),
        *session.store.orders.documents(orders),
    ):
        if isinstance(signed.document, Document) and signed.document.author.master_address == session.address:
            yield signed


def _is_mine(enrollments: Enrollments, document: Document) -> bool:
    if isinstance(document, Enrollment):
        return True
    author = document.author
    return enrollments.is_delegate(document.network, author.master_address, author.signing_address)


def _paid_at(document: Document) -> str | None:
    """Where a document of ours says that we are paid."""
    match document:
        case Job():
            return document.creator_payment_address
        case Bid():
            return document.worker_payment_address
        case Enrollment():
            return document.mediator_payment_address
        case _:
            return None


def _has_key(keyring: Keyring, document: Document) -> bool:
    """Whether the phrase gives the keys that a document of ours names."""
    match document:
        case Job():
            return document.creator_public_key == keyring.creator_escrow(document.job_id).public_key
        case Bid():
            return document.worker_public_key == keyring.worker_escrow(document.job_document).public_key
        case Enrollment(willing_to_mediate=True):
            return document.mediator_escrow_xpub == keyring.mediator_escrow_xpub
        case _:
            return True


def _hosting(server: Causeway) -> Hosting:
    """What is left there; nothing, where the server does not say."""
    try:
        return server.buckets()
    except ReinError:
        return Hosting(0, 0)
