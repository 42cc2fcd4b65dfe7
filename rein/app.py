"""Where settings become live objects. The only place that knows which class stands behind a seam."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rein.errors import IdentityError, InputError, NotFoundError
from rein.lazy import lazy
from rein.net.proxy import proxy_for
from rein.settings import ChainKind, ChainSetting, Settings
from rein.store.store import Store
from rein.store.tables.identities import IdentityRow
from rein.workflows.session import Session

if TYPE_CHECKING:
    from rein.chain import agreement, core_rpc, esplora
    from rein.chain.source import ChainSource
    from rein.identity import keyfile, keyring, unlocked
    from rein.identity.sealing import Opener
    from rein.remote import chain as causeway_chain
    from rein.workflows.orders import people
else:  # most commands need few of them
    agreement = lazy("rein.chain.agreement")
    core_rpc = lazy("rein.chain.core_rpc")
    esplora = lazy("rein.chain.esplora")
    keyfile = lazy("rein.identity.keyfile")
    keyring = lazy("rein.identity.keyring")
    unlocked = lazy("rein.identity.unlocked")
    causeway_chain = lazy("rein.remote.chain")
    people = lazy("rein.workflows.orders.people")


def open_chain(settings: Settings, owner: str | None = None) -> ChainSource:
    """The chain source that is set, or the agreement of several. They connect when they are first asked something.

    :param owner: the master address that a causeway server knows as an account.
    :raises IdentityError: a causeway server is among them, and there is no identity.
    """
    sources = [agreement.NamedSource(each.shown, _open_source(each, settings, owner)) for each in settings.chain]
    return sources[0].source if len(sources) == 1 else agreement.Agreement(sources)


def open_node(settings: Settings) -> core_rpc.CoreRpc:
    """The Bitcoin Core that is set, for what only a node of one's own can do.

    :raises InputError: none is set.
    """
    for each in settings.chain:
        if each.kind is ChainKind.CORE:
            return _open_core(each, settings)
    raise InputError("no Bitcoin Core is set", hint="Add a chain source.")


def _open_source(source: ChainSetting, settings: Settings, owner: str | None) -> ChainSource:
    proxy = proxy_for(source.url, settings.proxy)
    if source.kind is ChainKind.CORE:
        return _open_core(source, settings)
    if source.kind is ChainKind.ESPLORA:
        return esplora.open_esplora(source.url, settings.network, proxy=proxy)
    if owner is None:
        raise IdentityError(
            f"{source.shown} answers accounts only, and this home has no identity", hint="Create an identity."
        )
    return causeway_chain.open_causeway_chain(source.url, settings.network, owner, proxy=proxy)


def _open_core(source: ChainSetting, settings: Settings) -> core_rpc.CoreRpc:
    return core_rpc.CoreRpc(
        source.url,
        settings.network,
        user=source.user,
        password=source.password,
        cookie_file=source.cookie,
        proxy=proxy_for(source.url, settings.proxy),
        wallet=source.wallet,
    )


def open_session(settings: Settings, opened: Opener, note: Callable[[str], None]) -> Session:
    """Open a home.

    :param opened: called with the identity's name when its keys are first needed.
    :param note: receives sentences worth telling on the way.
    :raises StoreError: the database cannot be used.
    :raises NotFoundError: the identity that was asked for is not in this home.
    """
    store = Store(settings.database, create=False)

    def open_keyring(row: IdentityRow) -> keyring.Keyring:
        words = unlocked.unlocked_words(settings.home, row.key_file)
        if words is None:
            words = opened(row.name, partial(keyfile.read_key_file, settings.home / row.key_file))
        return keyring.open_secret(words, settings.network)

    row = _choose_identity(store, settings)
    return Session(
        home=settings.home,
        network=settings.network,
        store=store,
        row=row,
        open_keyring=open_keyring,
        open_chain=lambda: open_chain(settings, row.master_address if row else None),
        note=note,
        proxy=settings.proxy,
        copies=settings.copies,
        payout=settings.payout,
    )


def _choose_identity(store: Store, settings: Settings) -> IdentityRow | None:
    """The identity that was named, or the first one of this home on this network. A home without any has nobody to
    refuse: a name in its settings may be of another network."""
    rows = store.identities.of_network(settings.network.name)
    if settings.identity is None or not rows:
        return rows[0] if rows else None
    for row in rows:
        if settings.identity == row.name or people.is_address_of(settings.identity, row.master_address):
            return row
    raise NotFoundError(
        f"this home has no identity {settings.identity!r} on {settings.network.name}",
        hint="It has: " + ", ".join(row.name for row in rows),
    )
