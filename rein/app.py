"""Where settings become live objects. The only place that knows which class stands behind a seam."""

from __future__ import annotations

from collections.abc import Callable

from rein.chain.source import ChainSource
from rein.errors import NotFoundError
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import Keyring
from rein.settings import Settings
from rein.store.store import IdentityRow, Store
from rein.workflows.desk import Desk


def open_chain(settings: Settings) -> ChainSource:
    """The chain source that is set. It connects when it is first asked something."""
    from rein.chain.core_rpc import CoreRpc

    return CoreRpc(
        settings.chain_url,
        settings.network,
        user=settings.chain_user,
        password=settings.chain_password,
        cookie_file=settings.chain_cookie,
    )


def open_desk(settings: Settings, ask_passphrase: Callable[[str], str], note: Callable[[str], None]) -> Desk:
    """Open a home.

    :param ask_passphrase: called with the identity's name when its keys are first needed.
    :param note: receives sentences worth telling on the way.
    :raises StoreError: the database cannot be used.
    :raises NotFoundError: the identity that was asked for is not in this home.
    """
    store = Store(settings.database)

    def open_keyring(row: IdentityRow) -> Keyring:
        return Keyring(read_key_file(settings.home / row.key_file, ask_passphrase(row.name)), settings.network)

    return Desk(
        home=settings.home,
        network=settings.network,
        store=store,
        row=_choose_identity(store, settings),
        open_keyring=open_keyring,
        open_chain=lambda: open_chain(settings),
        note=note,
    )


def _choose_identity(store: Store, settings: Settings) -> IdentityRow | None:
    """The identity that was named, or the first one of this home on this network."""
    rows = store.identities(settings.network.name)
    if settings.identity is None:
        return rows[0] if rows else None
    for row in rows:
        if settings.identity in (row.name, row.master_address):
            return row
    raise NotFoundError(
        f"this home has no identity {settings.identity!r} on {settings.network.name}",
        hint="It has: " + (", ".join(row.name for row in rows) or "none yet; create one with rein setup"),
    )
