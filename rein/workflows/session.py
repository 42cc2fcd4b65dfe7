"""What every workflow works with. `rein.app` makes it; nothing here reads settings or prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rein.btc.networks import NETWORKS, Network
from rein.errors import IdentityError
from rein.lazy import lazy
from rein.net.proxy import proxy_for
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow

if TYPE_CHECKING:  # what costs more to load than most commands take is loaded when it is used
    from rein.chain.source import BlockRef, ChainSource
    from rein.identity.keyring import Keyring
    from rein.remote import causeway
    from rein.remote.causeway import Causeway
else:
    causeway = lazy("rein.remote.causeway")

STAMP_DEPTH = 6
"""A document names the block this deep below the tip: new enough to date it, deep enough to stay."""


@dataclass
class Session:
    """One person at one home, on one network.

    `open_keyring` asks for the passphrase and decrypts the key file; `open_chain` connects to the chain source; both
    run only when first needed. `note` receives sentences worth telling while a workflow goes on. Servers are reached
    through `proxy`. A document is safe at `copies` servers (None: at two, or at the only one). Jobs are paid to
    `payout`, an address, extended key or descriptor (None: to the wallet of the identity's own recovery phrase).
    """

    home: Path
    network: Network
    store: Store
    row: IdentityRow | None
    open_keyring: Callable[[IdentityRow], Keyring]
    open_chain: Callable[[], ChainSource]
    note: Callable[[str], None]
    proxy: str | None = None
    copies: int | None = None
    payout: str | None = None
    _servers: list[Causeway] = field(default_factory=list)

    @property
    def identity(self) -> IdentityRow:
        """Who acts.

        :raises IdentityError: this home has no identity on this network.
        """
        if self.row is None:
            elsewhere = [
                name for name in NETWORKS if name != self.network.name and self.store.identities.of_network(name)
            ]
            use = f"It has one on {elsewhere[0]}: rein config network {elsewhere[0]}" if elsewhere else None
            raise IdentityError(f"this home has no identity on {self.network.name}", hint=use or "Create an identity.")
        return self.row

    @property
    def address(self) -> str:
        """The master address of who acts."""
        return self.identity.master_address

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of who acts.

        :raises IdentityError: the key file does not hold this identity, or cannot be opened.
        """
        keyring = self.open_keyring(self.identity)
        if keyring.master_address != self.identity.master_address:
            raise IdentityError("the key file belongs to another identity", hint="Restore the right one.")
        return keyring.with_delegate(self.identity.delegate_address)

    @cached_property
    def chain(self) -> ChainSource:
        return self.open_chain()

    @cached_property
    def servers(self) -> list[Causeway]:
        """The servers of who acts."""
        self._servers = [self.server(row.url) for row in self.store.servers.of_identity(self.identity.id)]
        return self._servers

    def server(self, url: str) -> causeway.Causeway:
        """A conversation with one server, which need not be registered yet."""
        identity = self.identity
        proxy = proxy_for(url, self.proxy)
        return causeway.Causeway(url, self.network, identity.master_address, identity.delegate_address, proxy=proxy)

    def block_to_name(self) -> BlockRef:
        """The block a new document names."""
        tip = self.chain.tip()
        return self.chain.block_at(max(0, tip.height - STAMP_DEPTH))

    def close(self) -> None:
        for server in self._servers:
            server.close()
