"""Three people who work with the real workflows, and a stranger: real homes, keys and blocks, no command line.

Documents go from hand to hand: whoever signs one keeps it, and the others receive it, as `rein sync` would do. What a
hostile person signs is made by `tests.support`, with the same keys, past every check of his own program.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rein.btc.address import script_of_address
from rein.btc.amounts import Sat
from rein.btc.bip84 import RECEIVING
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, TxOutput
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import Output
from rein.devnet import faucet
from rein.escrow.terms import EscrowTerms, Terms, offer_amounts, terms_of
from rein.identity.keyring import Keyring
from rein.protocol.documents import Bid, Delivery, Job, Offer, Role
from rein.protocol.orders import Order, State
from rein.protocol.signed import Signed
from rein.protocol.values import BasisPoints, mediator_fee
from rein.store.tables.escrows import Payment
from rein.workflows.accounting.ledger import Account, ledger
from rein.workflows.chain.view import observe, observe_all
from rein.workflows.jobs import bid, deliver, offer, post
from rein.workflows.jobs.post import JobDraft, find_mediator
from rein.workflows.money.completion import sign_and_send
from rein.workflows.orders.job_keys import escrow_key
from rein.workflows.orders.load import find_order, my_orders
from rein.workflows.session import Session
from tests.scenarios.blocks import books_balance, mine
from tests.support.money import IDS, Spend
from tests.support.money_steps import (
    build_acceptance,
    build_accepted_resolution,
    build_dispute,
    build_refund,
    build_resolution,
    build_settlement,
    plan_acceptance,
    plan_dispute,
    plan_refund,
    plan_resolution,
    plan_settlement,
    prepare_agreement,
    prepare_collection,
    prepare_resolution,
    send,
)
from tests.support.people import Person, remember_contract, remember_job

PRICE = Sat(1_500_000)
BASIS_POINTS = BasisPoints(150)
FEE = mediator_fee(PRICE, BASIS_POINTS)
FEERATE = 10


class PersonalKeyring(Keyring):
    """The keys of a test person, so that the workflows and the builders of `tests.support` sign with the same."""

    def __init__(self, who: Person) -> None:
        self.network, self._root = who.network, who.tree


@dataclass
class Actor:
    """Somebody at his session. `notes`: what the program told him on the way."""

    person: Person
    session: Session
    notes: list[str]

    @property
    def name(self) -> str:
        return self.person.name

    def told(self, words: str) -> bool:
        """Whether one of the notes since the last question has these words."""
        found = any(words in note for note in self.notes)
        self.notes.clear()
        return found


@dataclass
class Play:
    """One job of Bob's for Charlie, with Alice as the mediator. Mallory has no part in it."""

    chain: CoreRpc
    creator: Actor
    mediator: Actor
    worker: Actor
    stranger: Actor
    since: int = 0
    job: Signed[Job] = field(init=False)
    bid: Signed[Bid] = field(init=False)
    offer: Signed[Offer] = field(init=False)
    delivery: Signed[Delivery] = field(init=False)
    name: str = ""
    """What people call the job: the id of its job document, or of its offer where there are two."""

    @property
    def everybody(self) -> tuple[Actor, Actor, Actor]:
        return (self.creator, self.mediator, self.worker)

    def role(self, role: Role) -> Actor:
        return {Role.CREATOR: self.creator, Role.MEDIATOR: self.mediator, Role.WORKER: self.worker}[role]

    # What people know

    def tell(self, signed: Signed[Any], by: Actor, *to: Actor) -> Signed[Any]:
        """Somebody signed something, and all the others learn of it, or those named."""
        if isinstance(signed.document, Job):
            remember_job(signed, self.mediator.person)
        elif hasattr(self, "bid"):
            remember_contract(self.bid, signed)
        by.session.store.documents.add_own(signed)
        for each in to or (*self.everybody, self.stranger):
            if each is not by:
                each.session.store.documents.add_received([(signed, "http://causeway.example/")])
        return signed

    def seen_by(self, who: Actor) -> Order:
        """The order after a look at the chain."""
        observe(who.session, find_order(who.session, self.name))
        return find_order(who.session, self.name)

    @property
    def state(self) -> State:
        """What everybody sees, and it is the same."""
        seen = [self.seen_by(each).state for each in self.everybody]
        assert len(set(seen)) == 1, seen
        return seen[0]

    @property
    def terms(self) -> Terms:
        return terms_of(find_order(self.mediator.session, self.name))

    def payments(self) -> dict[str, Payment]:
        """By escrow, the same for everybody."""
        order = self.seen_by(self.creator)
        found = [
            self.seen_by(each) and each.session.store.escrows.payments(order.contract_id) for each in self.everybody
        ]
        assert found[0] == found[1] == found[2]
        return found[0]

    # The honest way, step by step

    def post(self) -> None:
        self.since = self.chain.tip().height
        session = self.creator.session
        draft = JobDraft("Theme song", "Two minutes, FLAC.", None, 14, find_mediator(session, self.mediator.name))
        self.job = self.tell(signed_job(session, draft), self.creator)
        self.name = self.job.id

    def agree_on(self, feerate: int = FEERATE) -> None:
        """Posted, bid on, offered."""
        self.post()
        order = find_order(self.worker.session, self.name)
        self.bid = self.tell(signed_bid(self.worker.session, order, "Within three days.", PRICE), self.worker)
        order = find_order(self.creator.session, self.name)
        self.offer = self.tell(signed_offer(self.creator.session, order, self.bid, feerate), self.creator)

    def fund(self, primary: int | None = None, mediator: int | None = None) -> None:
        """Both escrows filled and confirmed, as agreed or otherwise."""
        given = {"primary": primary, "mediator": mediator}
        pairs = [
            (terms.escrow.address, Sat(terms.amount if amount is None else amount))
            for terms in self.terms.escrows
            if (amount := given[terms.id]) != 0
        ]
        faucet.pay(self.chain, pairs)
        mine(self.chain)

    def funded(self) -> None:
        self.agree_on()
        self.fund()
        assert self.state is State.FUNDED

    def deliver(self) -> Signed[Delivery]:
        order = self.seen_by(self.worker)
        self.delivery = self.tell(signed_delivery(self.worker.session, order, "https://example.com/song"), self.worker)
        return self.delivery

    def delivered(self) -> None:
        self.funded()
        self.deliver()
        assert self.state is State.DELIVERED

    def accept(self) -> Signed[Any]:
        return self.tell(
            build_acceptance(self.creator.session, plan_acceptance(self.creator.session, self.seen_by(self.creator))),
            self.creator,
        )

    def accepted(self) -> None:
        self.delivered()
        self.accept()
        assert self.state is State.ACCEPTED

    def collect(self, who: Actor) -> list[Payment]:
        ready = prepare_collection(who.session, self.seen_by(who))
        return [sign_and_send(who.session, each) for each in ready]

    def dispute(self, who: Actor, detail: str = "It is silent.") -> Signed[Any]:
        role = Role.CREATOR if who is self.creator else Role.WORKER
        return self.tell(build_dispute(who.session, plan_dispute(who.session, self.seen_by(who), role), detail), who)

    def disputed(self) -> None:
        self.delivered()
        self.dispute(self.creator)
        assert self.state is State.DISPUTED

    def resolve(self, worker_amount: int) -> Signed[Any]:
        session, order = self.mediator.session, self.seen_by(self.mediator)
        decision = plan_resolution(session, order, Sat(worker_amount))
        return self.tell(build_resolution(session, decision, "So be it."), self.mediator)

    def take(self, who: Actor) -> list[Payment]:
        """Accept the mediator's decision."""
        order = self.seen_by(who)
        ready = prepare_resolution(who.session, order)
        self.tell(build_accepted_resolution(who.session, order, ready), who)
        return send(who.session, ready)

    def settle(self, who: Actor, worker_amount: int, creator_amount: int | None = None) -> Signed[Any]:
        order = self.seen_by(who)
        back = None if creator_amount is None else Sat(creator_amount)
        planned = plan_settlement(who.session, order, Sat(worker_amount), back)
        return self.tell(build_settlement(who.session, planned, "Let us part."), who)

    def refund(self, who: Actor, feerate: int | None = None) -> Signed[Any]:
        planned = plan_refund(who.session, self.seen_by(who), feerate)
        return self.tell(build_refund(who.session, planned, "It cannot be done."), who)

    def agree(self, who: Actor, proposal: Signed[Any]) -> list[Payment]:
        ready = prepare_agreement(who.session, self.seen_by(who), proposal.id)
        return send(who.session, ready)

    def mine(self, blocks: int = 1) -> str:
        return mine(self.chain, blocks)

    # The other way

    def outputs(self, terms: str) -> list[Output]:
        """The confirmed unspent outputs of an escrow."""
        return self.chain.unspent_outputs([self.terms.of(terms).escrow.script])

    def key(self, who: Actor) -> PrivateKey:
        """The key with which somebody stands in the escrows."""
        role = {self.creator.name: Role.CREATOR, self.mediator.name: Role.MEDIATOR, self.worker.name: Role.WORKER}
        return escrow_key(who.session, find_order(who.session, self.name), role[who.name])

    def script(self, who: Actor) -> bytes:
        """Where somebody is paid."""
        job, bid = self.job.document, self.bid.document
        address = {
            self.creator.name: job.creator_payment_address,
            self.mediator.name: job.mediator_payment_address,
            self.worker.name: bid.worker_payment_address,
        }.get(who.name)
        if address is None:
            return who.session.keyring.account.script(RECEIVING, 0)
        return script_of_address(address, REGTEST)

    def psbt(self, escrow: str, *pays: tuple[Actor, int], by: Actor, coin: Output | None = None) -> str:
        """A payment out of an escrow as somebody wishes it, signed with his key; what is left is the miner's."""
        terms: EscrowTerms = self.terms.of(escrow)
        found = coin or self.outputs(escrow)[0]
        outputs = tuple(TxOutput(Sat(amount), self.script(who)) for who, amount in pays)
        spend = Spend(found.outpoint, found.amount, terms.escrow.witness_script, outputs)
        return str(spend.psbt(self.key(by)))

    def good(self, escrow: str, by: Actor) -> str:
        """The price out of an escrow, as the offer says, signed by one."""
        terms = self.terms.of(escrow)
        payee = self.worker if escrow == "primary" else self.mediator
        return self.psbt(escrow, (payee, terms.price), by=by)

    def money(self) -> dict[str, set[OutPoint]]:
        """What lies in the escrows and is not being spent, mempool included."""
        return {
            terms: {each.outpoint for each in self.outputs(terms) if self.chain.unspent_output(each.outpoint)}
            for terms in IDS
        }

    @contextmanager
    def nothing_moves(self, state: State | None = None) -> Iterator[None]:
        """Whatever is done here takes no satoshi, and leaves the state as it was, or takes it to this one.

        A state that a hostile person may bring about costs nobody anything: it only shows what he signed."""
        money, was = self.money(), self.state
        yield
        assert self.money() == money, "money moved"
        assert self.payments() == {}
        assert self.state is (state or was)

    def chain_holds(self, who: Actor) -> list[Sat]:
        """What lies confirmed at the address to which somebody is paid, from other jobs too."""
        return [each.amount for each in self.chain.unspent_outputs([self.script(who)])]

    # The end

    def ends(self, state: State, *, left: int = 0, **holds: int) -> None:
        """Everybody sees this end, and each holds so much to the satoshi: `worker=`, `mediator=`, `creator=`."""
        self.mine()
        assert self.state is state
        self.books(left=left, **holds)

    def books(self, *, left: int = 0, **holds: int) -> None:
        people = {"creator": self.creator, "mediator": self.mediator, "worker": self.worker}
        scripts = {name: self.script(who) for name, who in people.items()}
        escrows = [terms.escrow.script for terms in self.terms.escrows]
        books_balance(self.chain, self.since, escrows, scripts, left=left, **holds)
        self.ledgers(left, holds)

    def ledgers(self, left: int, holds: dict[str, int]) -> None:
        """What everybody's own books say is what the blocks say."""
        assert self.balance(self.creator, Account.ESCROW) == left
        for who, role in ((self.worker, "worker"), (self.mediator, "mediator")):
            if role in holds:
                assert self.balance(who, Account.WALLET) == holds[role]

    def balance(self, who: Actor, account: Account) -> int:
        """What stands in an account of somebody's books of this job after a look at the chain."""
        seen = observe_all(who.session, my_orders(who.session).orders)
        mine = [each for each in ledger(who.session, seen) if each.job_id == self.job.document.job_id]
        return sum(amount for entry in mine for name, amount in entry.postings if name is account)


def signed_job(session: Session, draft: JobDraft) -> Signed[Job]:
    """A job, signed and not stored."""
    signed: Signed[Job] = post.commit(session, post.prepare(session, draft), dry_run=True).signed
    return signed


def signed_bid(session: Session, *args: Any, sealed: bool = False) -> Signed[Bid]:
    """A bid, signed and not stored; of a sealed one what is in it."""
    result = bid.commit(session, bid.prepare(session, *args, sealed=sealed), dry_run=True)
    return result.carried or result.signed


def signed_offer(session: Session, *args: Any) -> Signed[Offer]:
    """An offer, signed and not stored."""
    signed: Signed[Offer] = offer.commit(session, offer.prepare(session, *args), dry_run=True).signed
    return signed


def signed_delivery(session: Session, order: Order, text: str, *, anyway: bool = False) -> Signed[Delivery]:
    """A delivery, signed and not stored."""
    plan = deliver.prepare(session, order, text, anyway=anyway)
    signed: Signed[Delivery] = deliver.commit(session, plan, dry_run=True).signed
    return signed


def amounts_at(play: Play, feerate: int) -> dict[str, Sat]:
    """The amounts of an offer at another feerate than the play's."""
    amounts = offer_amounts(play.job.document, play.bid.document, feerate)
    return {"primary_amount": amounts["primary"], "mediator_amount": amounts["mediator"]}
