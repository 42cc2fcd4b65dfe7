"""The documents of one order, taken out type by type."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, TypeVar

from rein.errors import AuthorityError, ReinError
from rein.protocol.documents import (
    EscrowSigned,
    Job,
    OrderDocument,
    Role,
)
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders.order import Rejected
from rein.protocol.orders.rules import check_belongs
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId

O = TypeVar("O", bound=OrderDocument)  # noqa: E741 - the one type variable here: an order's document


class Candidates:
    """The documents that name one job, taken out type by type. What has no place there is rejected with a reason."""

    def __init__(self, job: Signed[Job], enrollments: Enrollments, documents: Iterable[Signed[Any]]) -> None:
        self.rejected: list[Rejected] = []
        self.keys: Mapping[Role, bytes] = {}
        """Whose signature every document of a party must have that does not name its key itself."""
        self._enrollments = enrollments
        self._open: list[Signed[Any]] = []
        sorted_documents = sorted(documents, key=lambda each: (each.id, each.armored))
        for signed in dict.fromkeys(sorted_documents):  # of one text with several signatures always the same
            document = signed.document
            if not isinstance(document, OrderDocument) or document.job_document != job.id:
                continue
            try:
                check_belongs(document, job)
                enrollments.check_delegate(document)
            except ReinError as reason:
                self.rejected.append(Rejected(signed, reason))
            else:
                self._open.append(signed)

    def peek(self, cls: type[O] | tuple[type[O], ...]) -> list[Signed[O]]:
        """The documents of a type that have not been checked further."""
        return [signed for signed in self._open if isinstance(signed.document, cls)]

    def take(self, cls: type[O] | tuple[type[O], ...], check: Callable[[O], None]) -> list[Signed[O]]:
        """The documents of a type that pass a check, by height and id. `check` raises `AuthorityError`."""
        good: list[Signed[O]] = []
        for signed in self.peek(cls):
            try:
                check(signed.document)
                self._check_escrow_key(signed)
            except ReinError as reason:
                self.rejected.append(Rejected(signed, reason))
            else:
                good.append(signed)
        return sorted(good, key=lambda each: (each.document.block_height, each.id))

    def drop_revoked(self, taken: list[Signed[O]], answered: Container[DocumentId | None] = ()) -> list[Signed[O]]:
        """Those that a revocation or an heir does not reach, or that were answered before."""
        good: list[Signed[O]] = []
        for signed in taken:
            try:
                self._enrollments.check_author(signed.document, answered=signed.id in answered)
            except ReinError as reason:
                self.rejected.append(Rejected(signed, reason))
            else:
                good.append(signed)
        return good

    def _check_escrow_key(self, signed: Signed[Any]) -> None:
        document = signed.document
        if not isinstance(document, EscrowSigned) or document.own_escrow_key is not None:
            return  # `verify` held the signature against the key that the document names
        key = self.keys.get(document.signing_role)
        if key is None or not signed.is_signed_by_escrow_key(key):
            raise AuthorityError(f"it is not signed by the escrow key of the {document.signing_role.value} of this job")
