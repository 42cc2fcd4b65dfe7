"""Spending from the wallet: planned once, shown, and signed as it was shown.

Coins that different jobs paid are not spent together unless the person asks: whoever looks at the chain would learn
that one person earned both.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rein.btc.address import script_of_address
from rein.btc.amounts import Sat
from rein.btc.bip84 import CHANGE
from rein.btc.feerate import Feerate, format_feerate
from rein.btc.spending import Spend, pay, pay_all, worth_spending
from rein.btc.transaction import Transaction, TxOutput
from rein.errors import InputError, NotFoundError, OrderError
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE
from rein.store.tables.wallet import WalletPayment
from rein.workflows.session import Session
from rein.workflows.wallet.feerate import current_feerate
from rein.workflows.wallet.payout import Destination, fresh, fresh_elsewhere, read_destination
from rein.workflows.wallet.wallet import Owned, Wallet, keys_of, observe_wallet, origins

_NOTHING = Sat(0)


@dataclass(frozen=True)
class Planned:
    """A payment out of the wallet, frozen: `amount` satoshis to `address`, what is left to `change`, an own address."""

    spend: Spend
    owned: tuple[Owned, ...]
    address: str
    amount: Sat
    change: str | None

    @property
    def groups(self) -> tuple[str, ...]:
        """The jobs or addresses its coins are of."""
        return tuple(dict.fromkeys(each.group for each in self.owned))

    @property
    def job_id(self) -> str | None:
        """Whose money it is; None where it is of several jobs, or of none that is known."""
        jobs = {each.job_id for each in self.owned}
        return jobs.pop() if len(jobs) == 1 else None

    @property
    def left(self) -> Sat:
        """What comes back as change."""
        return Sat(self.spend.spent - self.spend.fee - self.amount)

    def json(self) -> dict[str, Any]:
        return {
            "txid": self.spend.unsigned.txid,
            "address": self.address,
            "amount_sat": self.amount,
            "fee_sat": self.spend.fee,
            "change_address": self.change,
            "change_sat": self.left,
            "outpoints": [str(coin.outpoint) for coin in self.spend.coins],
            "of": list(self.groups),
        }


@dataclass(frozen=True)
class Choice:
    """Which coins may be spent: of one job or address (`group`), or of all together (`join`)."""

    group: str | None = None
    join: bool = False


ANY = Choice()
"""Of any one job or address."""


@dataclass(frozen=True)
class SendPlan:
    """Payments out of the wallet at one feerate (sat/vB); `left` is what is not worth its fee."""

    payments: tuple[Planned, ...]
    feerate: Feerate
    left: Sat = _NOTHING


@dataclass(frozen=True)
class SendResult:
    """What became of a plan, payment by payment: `txids` of those that were sent, or `psbts` for a signer elsewhere;
    neither after a dry run."""

    plan: SendPlan
    txids: tuple[str, ...] = ()
    psbts: tuple[bytes, ...] = ()

    def json(self) -> dict[str, Any]:
        rate, whole = self.plan.feerate, int(self.plan.feerate)
        return {
            "feerate": whole if whole == rate else float(rate),  # JSON knows no fractions; nothing counts with it
            "left_sat": self.plan.left,
            "payments": [
                each.json()
                | {"sent": bool(self.txids), "psbt": b64encode(self.psbts[number]).decode() if self.psbts else None}
                for number, each in enumerate(self.plan.payments)
            ],
        }


def prepare_send(
    session: Session, address: str, amount: Sat | None, feerate: Feerate | None = None, choice: Choice = ANY
) -> SendPlan:
    """As `plan_send`, with what the chain shows in the wallet now.

    :param feerate: sat/vB; the chain source's estimate if not given.
    """
    rate = current_feerate(session) if feerate is None else feerate
    return SendPlan((plan_send(session, observe_wallet(session), address, amount, rate, choice),), rate)


def prepare_sweep(session: Session, to: str, feerate: Feerate | None = None, choice: Choice = ANY) -> SendPlan:
    """As `plan_sweep`, with what the chain shows in the wallet now.

    :param feerate: sat/vB; the chain source's estimate if not given.
    """
    rate = current_feerate(session) if feerate is None else feerate
    swept = plan_sweep(session, observe_wallet(session), to, rate, choice)
    return SendPlan(swept.payments, rate, Sat(sum(each.coin.amount for each in swept.left)))


def commit(
    session: Session, plan: SendPlan, *, dry_run: bool = False, on_sent: Callable[[str], None] = lambda _: None
) -> SendResult:
    """Sign and send exactly these payments, one after the other.

    :param on_sent: is told each txid at once: a later payment may be refused.
    :raises OrderError, RejectedError: as `send_planned`.
    """
    txids: list[str] = []
    for each in () if dry_run else plan.payments:
        txids.append(send_planned(session, each))
        on_sent(txids[-1])
    return SendResult(plan, tuple(txids))


def hand_out(session: Session, plan: SendPlan) -> SendResult:
    """The payments unsigned, as PSBTs for a program that has the keys."""
    return SendResult(plan, psbts=tuple(psbt_of(session, each) for each in plan.payments))


def plan_send(
    session: Session, wallet: Wallet, address: str, amount: Sat | None, feerate: Feerate, choice: Choice = ANY
) -> Planned:
    """A payment of `amount` satoshis to an address (None: of everything that is worth spending, less the fee).

    :param feerate: sat/vB.
    :raises InputError: no address of this network, a feerate outside the band, too little in the wallet or in any one
        job's coins, or coins of several jobs where all is to be sent.
    """
    _check_feerate(feerate)
    script = script_of_address(address.strip(), session.network)
    sets = _sets(wallet, choice)
    if not sets:
        raise InputError("the wallet holds nothing that can be spent", hint="See what is in your wallet.")
    if amount is None:
        if len(sets) > 1:
            raise InputError(
                f"the wallet holds coins of {len(sets)} jobs or addresses, and one payment of all would join them",
                hint="One payment for each: rein wallet sweep. All in one: --join. One of them: --from ID",
            )
        return _plan(pay_all([each.coin for each in sets[0]], script, feerate), sets[0], address, None)
    account = session.keyring.account
    change = fresh(session, account.id, CHANGE, lambda number: account.address(CHANGE, number))
    refusals: list[InputError] = []
    for owned in sets:
        try:
            coins = [each.coin for each in owned]
            spend = pay(coins, TxOutput(amount, script), script_of_address(change, session.network), feerate)
        except InputError as error:
            refusals.append(error)
        else:
            return _plan(spend, owned, address, change if len(spend.outputs) > 1 else None, amount)
    is_joint = len(sets) > 1 and amount < wallet.balance
    hint = "No one job paid so much. To spend coins of several jobs together: --join" if is_joint else None
    raise InputError(refusals[-1].message, hint=hint)  # that of the richest


@dataclass(frozen=True)
class Sweep:
    """Payments of everything; `left` holds what is not worth its fee."""

    payments: tuple[Planned, ...]
    left: tuple[Owned, ...]


def plan_sweep(session: Session, wallet: Wallet, to: str, feerate: Feerate, choice: Choice = ANY) -> Sweep:
    """Everything that jobs paid, to an address, or to fresh addresses of an extended key or descriptor: one payment for
    each job, or one of all with `join`. What costs more to spend than it holds stays where it is.

    :raises InputError: as `plan_send`.
    """
    _check_feerate(feerate)
    destination = read_destination(to, session.network)
    payments: list[Planned] = []
    for owned in _sets(wallet, choice):
        if not worth_spending([each.coin for each in owned], feerate):
            continue
        address = _next_address(session, destination)
        try:
            spend = pay_all([each.coin for each in owned], script_of_address(address, session.network), feerate)
        except InputError:
            continue  # what one job paid is worth no payment of its own
        payments.append(_plan(spend, owned, address, None))
    if not payments:
        raise InputError("nothing in the wallet is worth the fee of sending it", hint="Try a lower --feerate.")
    spent = {coin.outpoint for each in payments for coin in each.spend.coins}
    return Sweep(tuple(payments), tuple(each for each in wallet.owned if each.coin.outpoint not in spent))


def sign_planned(session: Session, planned: Planned) -> Transaction:
    """The signed transaction: that of the plan, and no other.

    :raises EscrowError: a coin is not of this identity's wallet.
    """
    return planned.spend.sign(keys_of(session, {owned.address for owned in planned.owned}))


def send_planned(session: Session, planned: Planned) -> str:
    """Sign, give it to the network and remember it; the txid.

    Somebody may sit before the question for an hour, and spend the same coins in another window first. Of two payments
    the network takes the one with the higher fee, so that the other would never be.

    :raises OrderError: a coin was spent meanwhile. Nothing is sent.
    :raises RejectedError: the network's rules refuse it.
    """
    for coin in planned.spend.coins:
        if session.chain.unspent_output(coin.outpoint) is None:
            raise OrderError(
                f"the coin {coin.outpoint} was spent meanwhile", hint="See what is in your wallet, and try again."
            )
    signed, store, identity_id = sign_planned(session, planned), session.store.wallet, session.identity.id
    txid = session.chain.broadcast(signed)
    store.set_payments(identity_id, [WalletPayment(txid, signed.raw.hex(), Sat(planned.spend.fee), planned.job_id)])
    store.mark_paid(identity_id, [each for each in (planned.address, planned.change) if each is not None])
    if planned.change is not None:
        store.label(identity_id, planned.change, planned.job_id)
    return txid


def psbt_of(session: Session, planned: Planned) -> bytes:
    """The payment unsigned, for a program elsewhere that has the keys. It says where each key comes from, and holds
    the transactions that made the coins as far as the chain source has them."""
    if planned.change is not None:
        session.store.wallet.label(session.identity.id, planned.change, planned.job_id)
    previous: dict[str, Transaction] = {}
    for owned in planned.owned:
        txid = owned.coin.outpoint.txid
        block = None if owned.height is None else session.chain.block_at(owned.height).hash
        found = previous.get(txid) or session.chain.transaction(txid, block)
        if found is not None:
            previous[txid] = found
    return planned.spend.to_psbt(origins(session), previous)


def _plan(
    spend: Spend, owned: Sequence[Owned], address: str, change: str | None = None, amount: Sat | None = None
) -> Planned:
    used = {coin.outpoint for coin in spend.coins}
    pays = Sat(spend.spent - spend.fee) if amount is None else amount
    return Planned(spend, tuple(each for each in owned if each.coin.outpoint in used), address.strip(), pays, change)


def _sets(wallet: Wallet, choice: Choice) -> list[list[Owned]]:
    """The sets of coins of which one is to pay, the poorest first.

    :raises NotFoundError: no coins are of the job or address that was named.
    :raises InputError: both a group and all together are wanted.
    """
    if choice.group is not None and choice.join:
        raise InputError("--from names some coins, and --join takes all", hint="Give one of the two.")
    if choice.group is not None:
        named = [owned for group, owned in wallet.groups.items() if group.startswith(choice.group)]
        if len(named) != 1:
            raise NotFoundError(f"no one job or address of the wallet is {choice.group!r}", hint="See your coins.")
        return named
    return [list(wallet.owned)] if choice.join and wallet.owned else list(wallet.groups.values())


def _next_address(session: Session, destination: Destination) -> str:
    return destination if isinstance(destination, str) else fresh_elsewhere(session, destination)


def _check_feerate(feerate: Feerate) -> None:
    if not MIN_FEERATE <= feerate <= MAX_FEERATE:
        raise InputError(f"a fee rate of {format_feerate(feerate)} sat/vB is outside {MIN_FEERATE} to {MAX_FEERATE}")
