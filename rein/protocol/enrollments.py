"""Who may sign for whom: the answer every enrollment at hand gives together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rein.btc.networks import Network
from rein.errors import AuthorityError
from rein.protocol.documents import Document, Enrollment
from rein.protocol.signed import Signed
from rein.protocol.values import DocumentId


class Enrollments:
    """A set of verified enrollments. The order in which they were met does not matter."""

    def __init__(self, enrollments: Iterable[Signed[Enrollment]] = ()) -> None:
        self._by_id: dict[DocumentId, Signed[Enrollment]] = {}
        self._by_master: dict[tuple[str, str], list[Signed[Enrollment]]] = defaultdict(list)
        self._delegates: dict[tuple[str, str], set[str]] = defaultdict(set)
        for signed in enrollments:
            if signed.id not in self._by_id:
                identity = (signed.document.network.name, signed.document.master_address)
                self._by_id[signed.id] = signed
                self._by_master[identity].append(signed)
                self._delegates[identity].add(signed.document.delegate_address)

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
        """The current enrollment of every identity."""
        for network_name, master in sorted(self._by_master):
            network = self._by_master[network_name, master][0].document.network
            signed = self.current(network, master)
            if signed is not None:
                yield signed

    def of(self, network: Network, master_address: str) -> list[Signed[Enrollment]]:
        """Every enrollment of an identity, superseded ones too."""
        return list(self._by_master.get((network.name, master_address), []))

    def is_delegate(self, network: Network, master_address: str, address: str) -> bool:
        """Whether the identity ever enrolled this address as its delegate's."""
        return address in self._delegates.get((network.name, master_address), set())

    def check_author(self, document: Document) -> None:
        """Refuse a document whose signing key was never enrolled by the identity it speaks for.

        :raises AuthorityError: also when the identity's enrollment has not been seen here yet.
        """
        author = document.author
        delegates = self._delegates.get((document.network.name, author.master_address))
        if delegates is None:
            raise AuthorityError(f"the enrollment of {author.master_address} is not known here")
        if author.signing_address not in delegates:
            raise AuthorityError(f"{author.signing_address} is no delegate that {author.master_address} enrolled")
