"""The wallet for other programs: descriptors and extended keys, public unless the private ones are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.btc.bip84 import BRANCHES, CHANGE, GAP, Account
from rein.errors import ChainError
from rein.protocol.documents import Kind
from rein.store.tables.wallet import WalletAddress
from rein.workflows.session import Session
from rein.workflows.wallet.wallet import accounts_of


@dataclass(frozen=True)
class Exported:
    """One account. `descriptors`: receiving and change (BIP380), `both` the two in one (BIP389), `electrum` the master
    key as Electrum spells it; `core` is what Bitcoin Core's importdescriptors takes. All of it is secret if `private`.
    """

    account: Account
    private: bool
    descriptors: tuple[str, ...]
    both: str
    electrum: str
    core: list[dict[str, Any]]

    def json(self) -> dict[str, Any]:
        return {
            "fingerprint": self.account.fingerprint.hex(),
            "path": f"m/{self.account.path}",
            "descriptors": list(self.descriptors),
            "both": self.both,
            "electrum": self.electrum,
            "importdescriptors": self.core,
        }


def export_wallet(session: Session, *, private: bool = False) -> list[Exported]:
    """Every account of the identity, that of now first: with words there is one.

    :param private: with the keys that spend.
    """
    since = _since(session)
    rows = session.store.wallet.addresses(session.identity.id)
    return [_export(account, rows, since, private) for account in accounts_of(session).values()]


def _export(account: Account, rows: list[WalletAddress], since: int, private: bool) -> Exported:
    descriptors = tuple(account.descriptor(branch, private=private) for branch in BRANCHES)
    core = [
        {
            "desc": descriptor,
            "active": True,
            "internal": branch == CHANGE,
            "range": [0, _last(account, branch, rows) + GAP],
            "timestamp": since,
        }
        for branch, descriptor in zip(BRANCHES, descriptors, strict=True)
    ]
    both = account.both_branches(private=private)
    return Exported(account, private, descriptors, both, account.electrum_key(private=private), core)


def _last(account: Account, branch: int, rows: list[WalletAddress]) -> int:
    mine = [each.number for each in rows if (each.key_id, each.branch) == (account.id, branch)]
    return max(mine, default=0)


def _since(session: Session) -> int:
    """The time of the block that the oldest document of one's own names, from where Bitcoin Core need read; 0, which is
    the beginning of the chain, where no source tells it. Nothing was paid to these keys before."""
    enrolled = [
        each.document.block_height
        for each in session.store.documents.of_kinds(session.network.name, Kind.ENROLLMENT)
        if each.document.master_address == session.address
    ]
    try:
        return session.chain.block_at(min(enrolled)).time if enrolled else 0
    except ChainError:
        return 0
