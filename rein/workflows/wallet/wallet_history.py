"""How money came into a wallet and went, as far as its home has seen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.btc.address import address_of_script
from rein.btc.bip84 import CHANGE
from rein.btc.transaction import Transaction
from rein.store.tables.wallet import WalletAddress, WalletPayment
from rein.workflows.session import Session


@dataclass(frozen=True)
class Moved:
    """One line of the history. `amount` is positive for what came and negative for what was sent, its fee included;
    `height` None while it waits. `where`: an address."""

    height: int | None
    txid: str
    amount: int
    where: str
    job_id: str | None
    what: str

    def json(self) -> dict[str, Any]:
        return {
            "height": self.height,
            "txid": self.txid,
            "amount_sat": self.amount,
            "what": self.what,
            "address": self.where,
            "job_id": self.job_id,
        }


def history(session: Session) -> list[Moved]:
    """What came and went as far as this home has seen it, oldest first; what waits stands last. Look first."""
    store, identity_id = session.store.wallet, session.identity.id
    addresses = {each.address: each for each in store.addresses(identity_id) if each.is_own}
    jobs, sent = store.jobs_by_txid(), store.payments(identity_id)
    spent_here = {outpoint for each in sent for outpoint in Transaction.from_hex(each.raw).inputs}
    own = {each.txid for each in sent}
    lines = [_sent(session, each, addresses) for each in sent]
    for coin in store.coins(identity_id):
        row = addresses.get(coin.address)
        job_id = jobs.get(coin.outpoint.txid) or (row.job_id if row else None)
        if coin.outpoint.txid not in own:
            what = "change" if row is not None and row.branch == CHANGE else "received"
            lines.append(Moved(coin.height, coin.outpoint.txid, coin.amount, coin.address, job_id, what))
        if coin.spent and coin.outpoint not in spent_here:
            lines.append(Moved(None, coin.outpoint.txid, -coin.amount, coin.address, job_id, "spent elsewhere"))
    return sorted(lines, key=lambda each: (each.height is None, each.height or 0, each.txid, each.what))


def _sent(session: Session, payment: WalletPayment, addresses: dict[str, WalletAddress]) -> Moved:
    outputs = Transaction.from_hex(payment.raw).outputs
    foreign = [each for each in outputs if address_of_script(each.script, session.network) not in addresses]
    amount = sum(each.amount for each in foreign) + payment.fee
    where = address_of_script((foreign or list(outputs))[0].script, session.network)
    return Moved(payment.height, payment.txid, -amount, where, payment.job_id, "sent")
