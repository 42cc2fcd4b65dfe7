"""Who may sign for whom: the answer every enrollment at hand gives together.

An enrollment revokes a delegate from a block height on, and an heir ends an identity likewise. Of what was signed in
its name, only new statements fall: what names that block or a later one and nobody has answered. What others have
relied on stands (`rein.protocol.orders`).

A document says itself which block it was signed at. Two bounds keep that from being anything at all: a delegate signs
at most `MAX_BLOCKS_BEFORE` blocks before the enrollment that names it, and nobody signs more than `MAX_BLOCKS_AHEAD`
blocks beyond the chain's tip as last seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rein.btc import message
from rein.btc.networks import Network
from rein.errors import AuthorityError
from rein.protocol.documents import Document, Enrollment
from rein.protocol.documents.enrollment import succession_text
from rein.protocol.limits import MAX_BLOCKS_AHEAD, MAX_BLOCKS_BEFORE
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId


class Enrollments:
    """A set of verified enrollments. The order in which they were met does not matter."""

    def __init__(self, enrollments: Iterable[Signed[Enrollment]] = (), *, tip: int | None = None) -> None:
        """:param tip: the height of the highest block that was ever seen; None where no chain was asked yet."""
        self._tip = tip
        self._by_id: dict[DocumentId, Signed[Enrollment]] = {}
        self._by_master: dict[tuple[str, str], list[Signed[Enrollment]]] = defaultdict(list)
        self._delegates: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self._revoked: dict[tuple[str, str, str], int] = {}
        self._claims: dict[tuple[str, str], list[Enrollment]] = defaultdict(list)
        self._heirs: dict[tuple[str, str], list[Enrollment]] = {}
        for signed in enrollments:
            if signed.id not in self._by_id and not self._is_ahead(signed.document):
                identity = (signed.document.network.name, signed.document.master_address)
                self._by_id[signed.id] = signed
                self._by_master[identity].append(signed)
                delegates, address = self._delegates[identity], signed.document.delegate_address
                height = signed.document.block_height
                delegates[address] = min(height, delegates.get(address, height))
                self._revoke(signed.document)
                if signed.document.replaces is not None:
                    self._claims[signed.document.network.name, signed.document.replaces].append(signed.document)

    def _is_ahead(self, document: Document) -> bool:
        """Whether it names a block that nobody can have seen yet."""
        return self._tip is not None and document.block_height > self._tip + MAX_BLOCKS_AHEAD

    def _revoke(self, enrollment: Enrollment) -> None:
        """What is revoked stays revoked, whatever another enrollment says or leaves out: of several heights the least
        counts. So it does not matter which enrollments were met first, and no delegate comes back unnoticed."""
        for each in enrollment.revoked or ():
            which = (enrollment.network.name, enrollment.master_address, each.address)
            self._revoked[which] = min(each.height, self._revoked.get(which, each.height))

    def by_id(self, enrollment_id: DocumentId) -> Signed[Enrollment] | None:
        """The enrollment with this document id, superseded or not."""
        return self._by_id.get(enrollment_id)

    def current(self, network: Network, master_address: str) -> Signed[Enrollment] | None:
        """The enrollment of an identity that no other replaces; of several, the one signed at the greatest height."""
        known = self._by_master.get((network.name, master_address), [])
        replaced = {signed.document.previous for signed in known}
        heads = [signed for signed in known if signed.id not in replaced]
        return max(heads, key=lambda signed: (signed.document.block_height, signed.id), default=None)

    def __iter__(self) -> Iterator[Signed[Enrollment]]:
        """The current enrollment of every identity that no other has replaced."""
        for network_name, master in sorted(self._by_master):
            network = self._by_master[network_name, master][0].document.network
            signed = self.current(network, master)
            if signed is not None and not self._heirs_of(network.name, master):
                yield signed

    def of(self, network: Network, master_address: str) -> list[Signed[Enrollment]]:
        """Every enrollment of an identity, superseded ones too."""
        return list(self._by_master.get((network.name, master_address), []))

    def successor(self, network: Network, master_address: str) -> str | None:
        """The master address of the identity that has replaced this one; None also where its recovery key named two."""
        heirs = {each.master_address for each in self._heirs_of(network.name, master_address)}
        return heirs.pop() if len(heirs) == 1 else None

    def recovery_address(self, network: Network, master_address: str) -> str | None:
        """Who may hand this identity on. None where its first enrollments do not agree: a thief of the master key can
        write another one, and must not name himself."""
        found = {each.document.recovery_address for each in self.of(network, master_address)} - {None}
        return found.pop() if len(found) == 1 else None

    def _heirs_of(self, network_name: str, master: str) -> list[Enrollment]:
        """The enrollments that replace an identity with the right signature. Verified when first asked for, once."""
        identity = (network_name, master)
        if identity not in self._heirs:
            claims = self._claims.get(identity, [])
            recovery = self.recovery_address(claims[0].network, master) if claims else None
            self._heirs[identity] = [each for each in claims if recovery and _is_signed_by(recovery, each)]
        return self._heirs[identity]

    def is_delegate(self, network: Network, master_address: str, address: str) -> bool:
        """Whether the identity ever enrolled this address as its delegate's."""
        return address in self._delegates.get((network.name, master_address), {})

    def is_revoked(self, document: Document) -> bool:
        """Whether the identity revoked the delegate that signed this document, or was replaced itself, at or below the
        block it names."""
        network, author = document.network.name, document.author
        ends = [each.block_height for each in self._heirs_of(network, author.master_address)]
        revoked = self._revoked.get((network, author.master_address, author.signing_address))
        if revoked is not None:
            ends.append(revoked)
        return any(document.block_height >= end for end in ends)

    def check_author(self, document: Document, *, answered: bool = False) -> None:
        """As `check_delegate`; refuse also what a revoked delegate signed.

        :param answered: another party of the job has answered it; then a revocation comes too late.
        :raises AuthorityError: saying why.
        """
        self.check_delegate(document)
        author = document.author
        if not answered and self.is_revoked(document):
            raise AuthorityError(f"the delegate {author.signing_address} of {author.master_address} was revoked")

    def check_delegate(self, document: Document) -> None:
        """Refuse a document whose signing key was never enrolled by the identity it speaks for, or that names a block
        at which it cannot have been signed.

        :raises AuthorityError: also when the identity's enrollment has not been seen here yet.
        """
        author = document.author
        delegates = self._delegates.get((document.network.name, author.master_address))
        if delegates is None:
            raise AuthorityError(f"the enrollment of {author.master_address} is not known here")
        if author.signing_address not in delegates:
            raise AuthorityError(f"{author.signing_address} is not a delegate that {author.master_address} enrolled")
        height, enrolled = document.block_height, delegates[author.signing_address]
        if height < enrolled - MAX_BLOCKS_BEFORE:
            raise AuthorityError(f"it names block {height}, and its delegate was enrolled at block {enrolled}")
        if self._is_ahead(document):
            raise AuthorityError(f"it names block {height}, and the chain as last seen ends at block {self._tip}")


def _is_signed_by(recovery_address: str, claim: Enrollment) -> bool:
    text = succession_text(claim.network, claim.replaces or "", claim.master_address)
    return _verify(recovery_address, text, claim.recovery_signature or "")


_verify = lru_cache(maxsize=4096)(message.verify)
"""The same few enrollments are read by every command, and several times."""
