"""The wallet of an identity's own words: what is in it, at which addresses, and how it came and went.

Coins are what the chain source says now. What a home has seen is kept, so that the history can tell what was spent
since; with each look it is brought up to date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from rein.btc.address import script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.bip84 import BRANCHES, CHANGE, GAP, Account
from rein.btc.keys import PrivateKey
from rein.btc.spending import Coin
from rein.btc.transaction import Transaction
from rein.chain.source import Output
from rein.errors import EscrowError, InputError
from rein.identity.keyring import Keyring
from rein.store.tables.identities import IdentityRow
from rein.store.tables.wallet import WalletAddress, WalletCoin, WalletPayment
from rein.workflows.session import Session
from rein.workflows.wallet.payout import extend

MAX_GAP = 1_000


@dataclass(frozen=True)
class Owned:
    """A confirmed coin that is not being spent. `job_id`: the job that paid it; None where none is known."""

    coin: Coin
    address: str
    job_id: str | None
    height: int | None
    confirmations: int

    @property
    def group(self) -> str:
        """Coins of one group belong together already: of one job, or at one address."""
        return self.job_id or self.address

    def json(self) -> dict[str, Any]:
        return {
            "outpoint": str(self.coin.outpoint),
            "amount_sat": self.coin.amount,
            "address": self.address,
            "job_id": self.job_id,
            "height": self.height,
            "confirmations": self.confirmations,
        }


@dataclass(frozen=True)
class Wallet:
    """What is there. `waiting` is on its way into the wallet; `dust` is too little for the network to carry."""

    owned: tuple[Owned, ...]
    waiting: Sat
    dust: Sat

    @property
    def balance(self) -> Sat:
        """Confirmed and spendable."""
        return Sat(sum(each.coin.amount for each in self.owned))

    @cached_property
    def groups(self) -> dict[str, list[Owned]]:
        """By job or address, those that hold least first."""
        found: dict[str, list[Owned]] = {}
        for each in self.owned:
            found.setdefault(each.group, []).append(each)
        return dict(sorted(found.items(), key=lambda item: (_total(item[1]), item[0])))

    def json(self) -> dict[str, Any]:
        return {
            "balance_sat": self.balance,
            "waiting_sat": self.waiting,
            "dust_sat": self.dust,
            "coins": [each.json() for each in self.owned],
        }


def observe_wallet(session: Session, gap: int = GAP) -> Wallet:
    """Ask the chain for everything that the recovery phrase opens.

    :param gap: how many unpaid addresses in a row end the search.
    :raises InputError: a gap outside 1 to `MAX_GAP`.
    :raises ChainError: the chain source cannot answer.
    """
    if not 1 <= gap <= MAX_GAP:
        raise InputError(f"the gap is a number from 1 to {MAX_GAP}")
    store, identity_id = session.store.wallet, session.identity.id
    outputs, asked = list[Output](), set[str]()
    while new := [each for each in own_addresses(session, gap) if each.address not in asked]:
        asked.update(each.address for each in new)
        by_script = {script_of_address(each.address, session.network): each.address for each in new}
        found = session.chain.unspent_outputs(list(by_script))
        outputs += found
        store.mark_paid(identity_id, {by_script[each.script] for each in found})
    rows = {script_of_address(each.address, session.network): each for each in own_addresses(session, gap)}
    return _remember(session, rows, outputs)


def own_addresses(session: Session, gap: int = GAP) -> list[WalletAddress]:
    """The addresses of all own accounts up to `gap` beyond the last one in use."""
    accounts = accounts_of(session)
    for account in accounts.values():
        for branch in BRANCHES:
            extend(session, account.id, branch, lambda number, a=account, b=branch: a.address(b, number), gap)  # type: ignore[misc]
    return [each for each in session.store.wallet.addresses(session.identity.id) if each.key_id in accounts]


@dataclass(frozen=True)
class AddressInUse:
    """An address of one's own that a document names or that was paid."""

    row: WalletAddress

    @property
    def is_change(self) -> bool:
        return self.row.branch == CHANGE

    def json(self) -> dict[str, Any]:
        return {
            "address": self.row.address,
            "path": f"{'1' if self.is_change else '0'}/{self.row.number}",
            "change": self.is_change,
            "job_id": self.row.job_id,
            "document_id": self.row.document_id,
            "paid": self.row.paid,
        }


def addresses_in_use(session: Session) -> list[AddressInUse]:
    """The own addresses that documents name or that were paid, as far as is known here."""
    return [AddressInUse(each) for each in own_addresses(session) if each.paid or each.document_id is not None]


def know_wallet(session: Session, row: IdentityRow, keyring: Keyring) -> None:
    """Remember the first addresses of a new identity, so that what is paid there is known to be its own."""
    own_addresses(replace(session, row=row, open_keyring=lambda _: keyring, _servers=[]))


def accounts_of(session: Session) -> dict[str, Account]:
    """The accounts of an identity by their id, that of now first. Without words there is one for each delegate."""
    return {tree.account.id: tree.account for tree in session.keyring.trees()}


def _remember(session: Session, rows: dict[bytes, WalletAddress], outputs: Iterable[Output]) -> Wallet:
    store, identity_id = session.store.wallet, session.identity.id
    jobs = store.jobs_by_txid()
    owned, dust, coins = list[Owned](), 0, list[WalletCoin]()
    for output in outputs:
        row = rows[output.script]
        if output.amount < DUST_LIMIT:  # anybody can send a thousand of these: none is asked for singly
            dust += output.amount
        elif session.chain.unspent_output(output.outpoint) is not None:
            coin = Coin(output.outpoint, output.amount, output.script)
            job_id = jobs.get(output.outpoint.txid) or row.job_id
            owned.append(Owned(coin, row.address, job_id, output.height, output.confirmations))
        else:
            continue
        coins.append(WalletCoin(output.outpoint, row.address, output.amount, output.height or 0))
    store.see(identity_id, coins)
    owned.sort(key=lambda each: (each.height or 0, each.coin.outpoint))
    return Wallet(tuple(owned), _on_its_way(session, rows), Sat(dust))


def _on_its_way(session: Session, rows: dict[bytes, WalletAddress]) -> Sat:
    """What unconfirmed payments of jobs, and change of one's own, will bring."""
    store, waiting = session.store.wallet, 0
    sent, told = store.payments(session.identity.id), list[WalletPayment]()
    waiting_txids = {each.txid for each in sent if each.height is None} | store.waiting_txids()
    for txid in sorted(waiting_txids):
        found = session.chain.find_transaction(txid)
        if found is not None and found.block is None:
            waiting += received(found.transaction, rows)
        elif found is not None and found.block is not None:
            height = found.block.height
            told += [WalletPayment(p.txid, p.raw, p.fee, p.job_id, height) for p in sent if p.txid == txid]
    store.set_payments(session.identity.id, told)
    return Sat(waiting)


def received(transaction: Transaction, rows: dict[bytes, WalletAddress]) -> int:
    """What a transaction pays to these scripts, in satoshis."""
    return sum(output.amount for output in transaction.outputs if output.script in rows)


def key_of(session: Session, address: str) -> PrivateKey:
    """The key of an address of the identity's own wallet.

    :raises EscrowError: the address is not of that wallet.
    """
    (key,) = keys_of(session, [address])
    return key


def keys_of(session: Session, addresses: Iterable[str]) -> list[PrivateKey]:
    """The keys of addresses, derived again: what the database says of them is compared with the recovery phrase.

    :raises EscrowError: one of them is not of the identity's own wallet.
    """
    accounts, rows = accounts_of(session), {each.address: each for each in own_addresses(session)}
    found: list[PrivateKey] = []
    for address in addresses:
        row = rows.get(address)
        if row is None or accounts[row.key_id].address(row.branch, row.number) != address:
            raise EscrowError(
                f"{address} is not of this identity's own wallet",
                hint="Only the wallet that has it can spend what is paid there (child pays for parent).",
            )
        found.append(accounts[row.key_id].private_key(row.branch, row.number))
    return found


def origins(session: Session) -> dict[bytes, tuple[bytes, bytes]]:
    """By script, public key and origin (`Account.origin`) of every own address, for PSBTs."""
    accounts = accounts_of(session)
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for row in session.store.wallet.addresses(session.identity.id):
        account = accounts.get(row.key_id)
        if account is not None:
            key, origin = account.public_key(row.branch, row.number), account.origin(row.branch, row.number)
            found[account.script(row.branch, row.number)] = (key, origin)
    return found


def _total(group: Iterable[Owned]) -> int:
    return sum(each.coin.amount for each in group)
