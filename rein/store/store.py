"""One object for everything that is remembered, with a part for each subject. Each of their methods is one
transaction: done whole, or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from rein.store.database import Database
from rein.store.tables.allowances import Allowances
from rein.store.tables.chain_tip import ChainTip
from rein.store.tables.documents import Documents
from rein.store.tables.escrows import Escrows
from rein.store.tables.fold_cache import FoldCache
from rein.store.tables.hidden import HiddenThings
from rein.store.tables.hosting_orders import HostingOrders
from rein.store.tables.identities import Identities
from rein.store.tables.learned import Learned
from rein.store.tables.orders import Orders
from rein.store.tables.requests import Requests
from rein.store.tables.servers import Servers
from rein.store.tables.signatures import Signatures
from rein.store.tables.visibility import Visibility
from rein.store.tables.wallet import WalletStore
from rein.store.tables.watch import WatchEvents


class Store:
    """The database of one home."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """See `Database` for `create` and errors."""
        self._database = Database(path, create=create)
        self.identities = Identities(self._database)
        self.documents = Documents(self._database)
        self.orders = Orders(self._database)
        self.fold_cache = FoldCache(self._database)
        self.escrows = Escrows(self._database)
        self.signatures = Signatures(self._database)
        self.wallet = WalletStore(self._database)
        self.servers = Servers(self._database)
        self.visibility = Visibility(self._database)
        self.requests = Requests(self._database)
        self.allowances = Allowances(self._database)
        self.hosting_orders = HostingOrders(self._database)
        self.watch = WatchEvents(self._database)
        self.hidden = HiddenThings(self._database)
        self.chain_tip = ChainTip(self._database)
        self.learned = Learned(self._database)

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything read until it ends is of one state, and quicker to read."""
        return self._database.snapshot()

    def exclusive(self) -> AbstractContextManager[None]:
        """Nobody else writes until it ends; what is written in it is one transaction."""
        return self._database.exclusive()
