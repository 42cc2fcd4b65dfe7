"""Test people, and every document they may sign: real keys from fixed seeds, sensible defaults, real signatures.

    alice = person("Alice")                          # on regtest; person("Alice", MAINNET) elsewhere
    posted = job(bob, alice)                         # Signed[Job]: Bob hires, Alice would mediate
    posted = job(bob, alice, name="Paint my fence")  # any field of the document class by its name

Every builder takes what the document answers, so a whole story is a chain of calls; `story()` tells one,
`disputed_story()` and `refunded_story()` tell others.
"""

from __future__ import annotations

import dataclasses
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from rein.btc import message
from rein.btc.address import p2pkh_address, p2wpkh_address, p2wsh_address
from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.hd import ExtendedKey
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST, Network
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.protocol import fields, job_keys, sealing
from rein.protocol.armor import Armored, read_armor
from rein.protocol.documents import (
    AcceptDelivery,
    AcceptResolution,
    Bid,
    Delivery,
    Disclosure,
    DisputeDelivery,
    DisputeOffer,
    DisputeResolution,
    Document,
    Enrollment,
    EscrowSigned,
    Job,
    Message,
    Offer,
    Rating,
    Refund,
    Role,
    SealedBid,
    SealedDocument,
    Settlement,
)
from rein.protocol.documents.enrollment import possession_text
from rein.protocol.enrollments import Enrollments
from rein.protocol.job_keys import ContractParts
from rein.protocol.signed import Signed, sign
from rein.protocol.sin import secure_identity_number
from rein.protocol.values import BasisPoints, DocumentId, mediator_fee

JOB_ID = "rq5n0tz3vkc8y1wd7hxa"
PRICE = Sat(5_000_000)
MINER_FEE = Sat(10_000)
TIME = 1_790_000_000
HEIGHT = 100

PRIMARY_PSBT = b64encode(b"psbt\xff pays the worker").decode()
MEDIATOR_PSBT = b64encode(b"psbt\xff pays the mediator").decode()
"""Stand-ins: documents carry PSBTs, `rein.escrow` judges them."""

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_COMPRESSED_HEADER = 31

D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class Person:
    """Somebody with a tree of keys. The same name has the same master key, on every network."""

    name: str
    network: Network = REGTEST

    @cached_property
    def tree(self) -> ExtendedKey:
        return ExtendedKey.from_seed(sha256(b"rein test person " + self.name.encode()), self.network)

    @cached_property
    def master(self) -> PrivateKey:
        return self.tree.derive(job_keys.MASTER).private_key

    @cached_property
    def delegate(self) -> PrivateKey:
        return _held(self.tree.derive(job_keys.delegate_path(self.network, 0)).private_key)

    @cached_property
    def master_address(self) -> str:
        return p2pkh_address(self.master.public_key, self.network)

    @cached_property
    def delegate_address(self) -> str:
        return p2pkh_address(self.delegate.public_key, self.network)

    @property
    def contact(self) -> str:
        return f"{self.name.lower()}@example.com"

    def xpub(self, branch: str) -> str:
        """The extended public key of a branch of the tree."""
        return self.tree.derive(branch).to_public().to_string()

    def job_key(self, branch: str, what: str) -> PrivateKey:
        """The key of a job on the creator's or the worker's branch (hardened) or the mediator's for messages (not)."""
        is_hard = branch != job_keys.MEDIATOR_MESSAGE
        path = (job_keys.hardened_job_path if is_hard else job_keys.job_path)(self.network, what)
        return _held(self.tree.derive(branch).derive(path).private_key)

    def mediator_key(self, contract: ContractParts) -> PrivateKey:
        """The key with which this person, as the mediator, stands in the escrows of a contract."""
        return _held(self.tree.derive(job_keys.MEDIATOR_ESCROW).derive(job_keys.contract_path(contract)).private_key)

    @property
    def mediator_terms(self) -> dict[str, Any]:
        """The fields of an enrollment that a mediator has and others have not."""
        xpub = self.xpub(job_keys.MEDIATOR_ESCROW)
        possession = possession_text(self.network, self.master_address, xpub)
        return {
            "mediator_public_key": self.delegate.public_key,
            "mediator_fee": BasisPoints(150),
            "mediator_escrow_xpub": xpub,
            "mediator_escrow_signature": message.sign(
                self.tree.derive(job_keys.MEDIATOR_ESCROW).private_key, possession
            ),
            "mediator_payment_address": fee_address(self),
            "mediator_message_xpub": self.xpub(job_keys.MEDIATOR_MESSAGE),
        }


@lru_cache
def person(name: str, network: Network = REGTEST) -> Person:
    """The test person of that name."""
    return Person(name, network)


def block_hash(height: int) -> str:
    """Some hash for the block at a height."""
    return hashlib.sha256(f"block {height}".encode()).hexdigest()


_MEDIATORS: dict[DocumentId, Person] = {}
"""Who mediates a job of these builders, by the job document."""

_CONTRACTS: dict[DocumentId, ContractParts] = {}
"""The contract of a bid and whatever answers it: the mediator's key follows from it."""

_ESCROW_KEYS: dict[DocumentId, PrivateKey] = {}
"""By which escrow key a document was signed, for those who change it (`with_changes`)."""


_HELD: dict[bytes, PrivateKey] = {}
"""Every key that a test person was asked for: a document that names one of them is signed by it, whosever it is."""


def _held(key: PrivateKey) -> PrivateKey:
    return _HELD.setdefault(key.public_key, key)


def _sign(document: D, who: Person, escrow_key: PrivateKey) -> Signed[D]:
    return _sign_again(document, who.delegate, escrow_key)


def _sign_again(document: D, key: PrivateKey, escrow_key: PrivateKey | None) -> Signed[D]:
    named = document.own_escrow_key if isinstance(document, EscrowSigned) else None
    used = escrow_key if named is None else _HELD.get(named, escrow_key)
    signed = sign(document, key, used)
    if used is not None:
        _ESCROW_KEYS[signed.id] = used
    return signed


E = TypeVar("E", bound=EscrowSigned)


def _said(document: E, who: Person, answers: Signed[Any]) -> Signed[E]:
    """A document of a party, signed by the party's keys in the contract of what it answers."""
    if isinstance(answers.document, Bid):
        remember_contract(answers, answers)
    signed = _sign(document, who, escrow_key(who, document.signing_role, document, answers))
    if answers.id in _CONTRACTS:
        _CONTRACTS[signed.id] = _CONTRACTS[answers.id]
    return signed


def remember_contract(bid: Signed[Bid], *said: Signed[Any]) -> None:
    """Let a mediator of these builders answer documents that they have not made."""
    for each in said:
        _CONTRACTS.setdefault(each.id, job_keys.parts_of(bid.document))


def remember_job(job: Signed[Job], mediator: Person) -> None:
    """Let people bid on a job that these builders have not made."""
    _MEDIATORS[job.id] = mediator


def escrow_key(who: Person, role: Role, document: Any, answers: Signed[Any]) -> PrivateKey:
    """The key of a person in the contract of a document, in a role. `answers`: what it answers."""
    if role is Role.CREATOR:
        return who.job_key(job_keys.CREATOR_ESCROW, document.job_id)
    if role is Role.WORKER:
        return who.job_key(job_keys.WORKER_ESCROW, document.job_document)
    return who.mediator_key(_CONTRACTS[answers.id])


def fee_key(mediator: Person) -> PrivateKey:
    """The key of the address at which a mediator is paid."""
    return mediator.tree.derive("m/84'/1'/0'/0/0").private_key


def fee_address(mediator: Person) -> str:
    """Where a mediator is paid."""
    return p2wpkh_address(fee_key(mediator).public_key, mediator.network)


def _fill(defaults: dict[str, Any], changes: dict[str, Any], height: int) -> dict[str, Any]:
    height = changes.get("block_height", height)
    return {"block_height": height, "block_hash": block_hash(height)} | defaults | changes


def enroll(who: Person, /, mediator: bool = False, **changes: Any) -> Signed[Enrollment]:
    """An enrollment; a mediator's carries the fields of one."""
    terms = who.mediator_terms if mediator else {}
    defaults = {
        "network": who.network,
        "user": who.name,
        "contact": who.contact,
        "master_address": who.master_address,
        "sin": secure_identity_number(who.master_address),
        "delegate_address": who.delegate_address,
        "willing_to_mediate": mediator,
    }
    return sign(Enrollment(**_fill(defaults | terms, changes, HEIGHT - 10)), who.master)


def job(
    creator: Person, mediator: Person, /, enrollment: Signed[Enrollment] | None = None, **changes: Any
) -> Signed[Job]:
    """A job. `enrollment` is the mediator's that it quotes, `enroll(mediator, True)` if not given."""
    quoted = enrollment or enroll(mediator, mediator=True)
    job_id = changes.get("job_id", JOB_ID)
    defaults = {
        "network": creator.network,
        "name": "A Software Widget",
        "job_id": job_id,
        "tags": ("javascript", "web"),
        "description": 'It must show a message to each visitor.\nThe message is "Hello World!".',
        "time": TIME,
        "expiration_days": 14,
        "mediator": quoted.document.user,
        "mediator_contact": quoted.document.contact,
        "mediator_fee": quoted.document.mediator_fee,
        "mediator_payment_address": quoted.document.mediator_payment_address,
        "mediator_master_address": mediator.master_address,
        "mediator_enrollment": quoted.id,
        "creator": creator.name,
        "creator_contact": creator.contact,
        "creator_public_key": creator.job_key(job_keys.CREATOR_ESCROW, job_id).public_key,
        "creator_payment_address": _payment_address(creator, "m/2'/1'", job_id),
        "creator_message_key": creator.job_key(job_keys.CREATOR_MESSAGE, job_id).public_key,
        "creator_delegate_address": creator.delegate_address,
        "creator_master_address": creator.master_address,
    }
    document = Job(**_fill(defaults, changes, HEIGHT))
    signed = _sign(document, creator, creator.job_key(job_keys.CREATOR_ESCROW, document.job_id))
    _MEDIATORS[signed.id] = mediator
    return signed


def bid(worker: Person, job: Signed[Job], /, **changes: Any) -> Signed[Bid]:
    """A bid on a job, with the two escrow addresses of its three keys. The worker's key is theirs; a hostile one may
    be named, with which `forged` signs."""
    posted, mediator = job.document, _MEDIATORS[job.id]
    key = worker.job_key(job_keys.WORKER_ESCROW, job.id)
    defaults = {
        **_belongs_to(job),
        "previous": job.id,
        "worker": worker.name,
        "worker_contact": worker.contact,
        "worker_delegate_address": worker.delegate_address,
        "worker_master_address": worker.master_address,
        "description": "I can have this done within 3 days of your offer.",
        "amount": PRICE,
        "creator_public_key": posted.creator_public_key,
        "worker_public_key": key.public_key,
        "worker_payment_address": _payment_address(worker, "m/3'/1'", job.id),
        "worker_message_key": worker.job_key(job_keys.WORKER_MESSAGE, job.id).public_key,
        "mediator_public_key": key.public_key,
        "primary_address": posted.creator_payment_address,
        "mediator_address": posted.creator_payment_address,
    }
    document = with_contract(Bid(**_fill(defaults, changes, HEIGHT + 1)), mediator, changes)
    signed = _sign(document, worker, key)
    remember_contract(signed, signed)
    return signed


def with_contract(bid: Bid, mediator: Person, given: Collection[str] = ()) -> Bid:
    """A bid with the mediator's key and the escrow addresses that belong to all else it says.

    :param given: what of these stays as it is.
    """
    if "mediator_public_key" not in given:
        key = mediator.mediator_key(job_keys.parts_of(bid)).public_key
        bid = dataclasses.replace(bid, mediator_public_key=key)
    names = ("primary_address", "mediator_address")
    if set(names) <= set(given):
        return bid
    keys = bid.creator_public_key, bid.mediator_public_key, bid.worker_public_key
    addresses = dict(zip(names, escrow_addresses(*keys, bid.network), strict=True))
    return dataclasses.replace(bid, **{name: each for name, each in addresses.items() if name not in given})


def offer(creator: Person, bid: Signed[Bid], job: Signed[Job], /, **changes: Any) -> Signed[Offer]:
    """An offer that gives the job to a bid."""
    chosen = bid.document
    defaults = {
        **_belongs_to(job),
        "previous": bid.id,
        "worker": chosen.worker,
        "worker_master_address": chosen.worker_master_address,
        "amount": chosen.amount,
        "primary_amount": Sat(chosen.amount + MINER_FEE),
        "mediator_amount": Sat(mediator_fee(chosen.amount, job.document.mediator_fee) + MINER_FEE),
        "primary_address": chosen.primary_address,
        "mediator_address": chosen.mediator_address,
        "creator_public_key": chosen.creator_public_key,
        "mediator_public_key": chosen.mediator_public_key,
        "worker_public_key": chosen.worker_public_key,
        "creator_delegate_address": creator.delegate_address,
        "creator_master_address": creator.master_address,
    }
    return _said(Offer(**_fill(defaults, changes, HEIGHT + 2)), creator, bid)


def delivery(worker: Person, answers: Signed[Offer] | Signed[Delivery], /, **changes: Any) -> Signed[Delivery]:
    """A delivery that answers the offer or an earlier delivery."""
    defaults = {
        **_same_job_as(answers),
        "deliverables": "https://example.com/widget.js",
        "worker_delegate_address": worker.delegate_address,
        "worker_master_address": worker.master_address,
    }
    return _said(Delivery(**_fill(defaults, changes, HEIGHT + 3)), worker, answers)


def accept(creator: Person, delivery: Signed[Delivery], /, **changes: Any) -> Signed[AcceptDelivery]:
    """The acceptance of a delivery."""
    defaults = {
        **_same_job_as(delivery),
        "primary_psbt": PRIMARY_PSBT,
        "mediator_psbt": MEDIATOR_PSBT,
        "creator_delegate_address": creator.delegate_address,
        "creator_master_address": creator.master_address,
    }
    return _said(AcceptDelivery(**_fill(defaults, changes, HEIGHT + 4)), creator, delivery)


def settlement(who: Person, offer: Signed[Offer], /, role: Role = Role.CREATOR, **changes: Any) -> Signed[Settlement]:
    """A proposal to end the job of an offer: three fifths of the price to the worker, the rest back, unless told."""
    defaults = {
        **_said_by(who, role, offer),
        **_award(offer.document.amount, changes),
        "terms": "Three fifths for what there is, and no hard feelings.",
        "primary_psbt": PRIMARY_PSBT,
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(Settlement(**_fill(defaults, changes, HEIGHT + 4)), who, offer)


def refund(who: Person, offer: Signed[Offer], /, role: Role = Role.CREATOR, **changes: Any) -> Signed[Refund]:
    """A refund of what went into the escrows of an offer."""
    defaults = {
        **_said_by(who, role, offer),
        "reason": "Nobody could begin.",
        "primary_psbt": PRIMARY_PSBT,
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(Refund(**_fill(defaults, changes, HEIGHT + 4)), who, offer)


def creator_dispute(
    creator: Person, answers: Signed[Offer] | Signed[Delivery], /, **changes: Any
) -> Signed[DisputeDelivery]:
    """The creator disputes a delivery, or an offer that nobody delivers on."""
    defaults = {
        **_said_by(creator, Role.CREATOR, answers),
        "detail": "It says hello to nobody.",
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(DisputeDelivery(**_fill(defaults, changes, HEIGHT + 4)), creator, answers)


def worker_dispute(
    worker: Person, answers: Signed[Offer] | Signed[Delivery] | Signed[AcceptDelivery], /, **changes: Any
) -> Signed[DisputeOffer]:
    """The worker disputes an offer, a delivery that nobody accepts, or an acceptance that pays nothing."""
    defaults = {
        **_said_by(worker, Role.WORKER, answers),
        "detail": "It says hello to everybody.",
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(DisputeOffer(**_fill(defaults, changes, HEIGHT + 5)), worker, answers)


def resolution(
    mediator: Person, dispute: Signed[DisputeDelivery] | Signed[DisputeOffer], /, price: Sat = PRICE, **changes: Any
) -> Signed[DisputeResolution]:
    """The mediator's decision on a dispute: three fifths of the price to the worker, the rest back, unless told."""
    defaults = {
        **_said_by(mediator, Role.MEDIATOR, dispute),
        **_award(price, changes),
        "resolution": "It says hello to most.",
        "primary_psbt": PRIMARY_PSBT,
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(DisputeResolution(**_fill(defaults, changes, HEIGHT + 6)), mediator, dispute)


def accept_resolution(
    who: Person, resolution: Signed[DisputeResolution], /, role: Role = Role.WORKER, **changes: Any
) -> Signed[AcceptResolution]:
    """The second signature to a resolution."""
    defaults = {
        **_said_by(who, role, resolution),
        "primary_psbt": PRIMARY_PSBT,
        "mediator_psbt": MEDIATOR_PSBT,
    }
    return _said(AcceptResolution(**_fill(defaults, changes, HEIGHT + 7)), who, resolution)


def message_key(who: Person, role: Role, answers: Signed[Any]) -> PrivateKey:
    """The message key of a person in the job of a document."""
    job_document = getattr(answers.document, "job_document", answers.id)
    if role is Role.WORKER:
        return who.job_key(job_keys.WORKER_MESSAGE, job_document)
    if role is Role.MEDIATOR:
        return who.job_key(job_keys.MEDIATOR_MESSAGE, job_document)
    return who.job_key(job_keys.CREATOR_MESSAGE, answers.document.job_id)


Named = tuple[Person, Role]
"""Somebody, as what he is in a job."""


def sealed_message(
    sender: Named, receiver: Named, answers: Signed[Any], /, text: str, **changes: Any
) -> Signed[Message]:
    """A message from one party of a job to another."""
    document = Message(**_fill(_sealed_from(sender, receiver, answers), changes, HEIGHT + 3))
    return _sealed(document, conversation_key(sender, receiver, answers), text, sender[0])


def disclosure(
    sender: Named, other: Named, mediator: Person, answers: Signed[Any], /, **changes: Any
) -> Signed[Disclosure]:
    """The key of the conversation of two, for the mediator."""
    receiver = (mediator, Role.MEDIATOR)
    defaults = {
        **_sealed_from(sender, receiver, answers),
        "other_address": other[0].master_address,
        "other_key": message_key(*other, answers).public_key,
    }
    told = changes.pop("told", conversation_key(sender, other, answers).hex())
    document = Disclosure(**_fill(defaults, changes, HEIGHT + 5))
    return _sealed(document, conversation_key(sender, receiver, answers), told, sender[0])


def sealed_bid(
    worker: Person, creator: Person, job: Signed[Job], bid: Signed[Bid], /, text: str | None = None, **changes: Any
) -> Signed[SealedBid]:
    """A bid that only the creator can read; or whatever `text` is, in its place."""
    sender, receiver = (worker, Role.WORKER), (creator, Role.CREATOR)
    defaults = {**_sealed_from(sender, receiver, job), "bid": bid.id}
    document = SealedBid(**_fill(defaults, changes, HEIGHT + 1))
    return _sealed(document, conversation_key(sender, receiver, job), text or bid.armored, worker)


def conversation_key(one: Named, other: Named, answers: Signed[Any]) -> bytes:
    """The key that two people share in the job of a document."""
    job_document = getattr(answers.document, "job_document", answers.id)
    return sealing.shared_key(message_key(*one, answers), message_key(*other, answers).public_key, job_document)


def _sealed_from(sender: Named, receiver: Named, answers: Signed[Any]) -> dict[str, Any]:
    (who, role), (to, to_role) = sender, receiver
    job = _belongs_to(answers) if isinstance(answers.document, Job) else _same_job_as(answers)
    return {
        **job,
        "previous": answers.id,
        "role": role,
        "delegate_address": who.delegate_address,
        "master_address": who.master_address,
        "to_role": to_role,
        "to_address": to.master_address,
        "from_key": message_key(who, role, answers).public_key,
        "to_key": message_key(to, to_role, answers).public_key,
        "sealed": "none",
    }


S = TypeVar("S", bound=SealedDocument)


def _sealed(document: S, key: bytes, text: str, sender: Person) -> Signed[S]:
    if document.sealed == "none":
        document = dataclasses.replace(document, sealed=sealing.seal(key, text, document.associated_data()))
    return sign(document, sender.delegate)


def rating(
    who: Person, offer: Signed[Offer], /, role: Role, rated: Person, rated_role: Role, **changes: Any
) -> Signed[Rating]:
    """What one of the three says of another: five, and a remark, unless told."""
    defaults = {
        **_said_by(who, role, offer),
        "rated_role": rated_role,
        "rated_master_address": rated.master_address,
        "rating": 5,
        "comment": "On time.",
    }
    return _said(Rating(**_fill(defaults, changes, HEIGHT + 8)), who, offer)


def _said_by(who: Person, role: Role, answers: Signed[Any]) -> dict[str, Any]:
    return _same_job_as(answers) | {
        "role": role,
        "delegate_address": who.delegate_address,
        "master_address": who.master_address,
    }


def _award(price: Sat, changes: dict[str, Any]) -> dict[str, Sat]:
    worker_amount = changes.get("worker_amount", Sat(price * 3 // 5))
    return {"worker_amount": worker_amount, "creator_amount": Sat(price - worker_amount)}


def _belongs_to(job: Signed[Job]) -> dict[str, Any]:
    posted = job.document
    return {"network": posted.network, "job_name": posted.name, "job_id": posted.job_id, "job_document": job.id}


def _same_job_as(answers: Signed[Any]) -> dict[str, Any]:
    names = ("network", "job_name", "job_id", "job_document")
    return {name: getattr(answers.document, name) for name in names} | {"previous": answers.id}


def _payment_address(who: Person, branch: str, what: str) -> str:
    return p2wpkh_address(who.job_key(branch, what).public_key, who.network)


def escrow_addresses(creator: bytes, mediator: bytes, worker: bytes, network: Network) -> tuple[str, str]:
    """The primary and the mediator's escrow address of three public keys."""
    return (
        p2wsh_address(multisig_script(2, [creator, mediator, worker]), network),
        p2wsh_address(mandatory_multisig_script(mediator, 1, [creator, worker]), network),
    )


@dataclass(frozen=True)
class Story:
    """A whole job: who is in it and what each of them signed."""

    creator: Person
    mediator: Person
    worker: Person
    enrollments: Enrollments
    job: Signed[Job]
    bid: Signed[Bid]
    offer: Signed[Offer]
    delivery: Signed[Delivery]
    acceptance: Signed[AcceptDelivery]

    @property
    def documents(self) -> tuple[Signed[Any], ...]:
        """What answers the job, in the order it was said."""
        return (self.bid, self.offer, self.delivery, self.acceptance)


@lru_cache
def story(network: Network = REGTEST, job_id: str = JOB_ID) -> Story:
    """Bob hires Charlie, and Alice would mediate. Mallory is enrolled too and has no part in it."""
    alice, bob, charlie, mallory = (person(name, network) for name in ("Alice", "Bob", "Charlie", "Mallory"))
    known = Enrollments([enroll(alice, True), enroll(bob), enroll(charlie), enroll(mallory, True)])
    posted = job(bob, alice, job_id=job_id)
    placed = bid(charlie, posted)
    given = offer(bob, placed, posted)
    delivered = delivery(charlie, given)
    accepted = accept(bob, delivered)
    return Story(bob, alice, charlie, known, posted, placed, given, delivered, accepted)


@dataclass(frozen=True)
class DisputedStory:
    """A job whose creator does not take the delivery: what was said before, and the quarrel."""

    before: Story
    dispute: Signed[DisputeDelivery]
    counter: Signed[DisputeOffer]
    settlement: Signed[Settlement]
    resolution: Signed[DisputeResolution]
    accepted: Signed[AcceptResolution]

    @property
    def documents(self) -> tuple[Signed[Any], ...]:
        """What answers the job, in the order it was said. There is no acceptance of the delivery."""
        told = self.before
        quarrel = (self.dispute, self.counter, self.settlement, self.resolution, self.accepted)
        return (told.bid, told.offer, told.delivery, *quarrel)


@lru_cache
def disputed_story(network: Network = REGTEST, job_id: str = JOB_ID) -> DisputedStory:
    """The job of `story()`. Bob disputes, Charlie too; Bob proposes to settle; Alice decides, and Charlie takes it."""
    told = story(network, job_id)
    complaint = creator_dispute(told.creator, told.delivery)
    counter = worker_dispute(told.worker, told.delivery)
    proposal = settlement(told.creator, told.offer)
    decision = resolution(told.mediator, complaint)
    taken = accept_resolution(told.worker, decision)
    return DisputedStory(told, complaint, counter, proposal, decision, taken)


@dataclass(frozen=True)
class RefundedStory:
    """A job that ends before anything is delivered: what was said before, and the two who give the money back."""

    before: Story
    asked: Signed[Refund]
    agreed: Signed[Refund]

    @property
    def documents(self) -> tuple[Signed[Any], ...]:
        """What answers the job, in the order it was said."""
        return (self.before.bid, self.before.offer, self.asked, self.agreed)


@lru_cache
def refunded_story(network: Network = REGTEST, job_id: str = JOB_ID) -> RefundedStory:
    """The job of `story()`. Bob asks for his money, and Charlie agrees."""
    told = story(network, job_id)
    agreed = refund(told.worker, told.offer, role=Role.WORKER, reason="Agreed.", block_height=HEIGHT + 5)
    return RefundedStory(told, refund(told.creator, told.offer), agreed)


@lru_cache
def messages_of_story() -> tuple[Signed[Message], Signed[Disclosure]]:
    """In the job of `story()`, Charlie asks Bob, and Bob shows it to Alice."""
    told = story()
    asked = sealed_message((told.worker, Role.WORKER), (told.creator, Role.CREATOR), told.offer, "Shall I begin?")
    shown = disclosure((told.creator, Role.CREATOR), (told.worker, Role.WORKER), told.mediator, told.delivery)
    return asked, shown


@lru_cache
def sealed_bid_of_story() -> Signed[SealedBid]:
    """In the job of `story()`, Charlie's bid as it would be sealed to Bob."""
    told = story()
    return sealed_bid(told.worker, told.creator, told.job, told.bid)


def with_changes(signed: Signed[D], key: PrivateKey, **changes: Any) -> Signed[D]:
    """The same document with other fields, signed by a key that may sign what it then says."""
    again = _sign_again(dataclasses.replace(signed.document, **changes), key, _ESCROW_KEYS.get(signed.id))
    if signed.id in _CONTRACTS:
        _CONTRACTS[again.id] = _CONTRACTS[signed.id]
    if signed.id in _MEDIATORS:
        _MEDIATORS[again.id] = _MEDIATORS[signed.id]
    return again


def armored(text: str, key: PrivateKey, network: Network = REGTEST) -> str:
    """Any text at all, signed as it stands: how a hostile program writes."""
    return str(Armored(text, p2pkh_address(key.public_key, network), message.sign(key, text)))


def forged(document: Document, key: PrivateKey) -> str:
    """A document as a hostile program signs it: with whatever key, unchecked."""
    return armored(fields.write(document.TITLE, document), key, document.network)


def rewritten(signed: Signed[Any], key: PrivateKey, change: Callable[[str], str]) -> str:
    """The text of a signed document after a change, signed again as it then stands."""
    text = change(signed.text)
    assert text != signed.text, "the change changed nothing"
    return str(Armored(text, signed.address, message.sign(key, text)))


def respelled(armored_text: str) -> str:
    """The same text and key under another signature: (r, n - s) says the same as (r, s)."""
    parts = read_armor(armored_text)
    data = b64decode(parts.signature)
    header = _flip_parity(data[0])
    s = _ORDER - int.from_bytes(data[33:], "big")
    signature = b64encode(bytes([header]) + data[1:33] + s.to_bytes(32, "big")).decode()
    return str(dataclasses.replace(parts, signature=signature))


def _flip_parity(header: int) -> int:
    base = _COMPRESSED_HEADER if header >= _COMPRESSED_HEADER else _COMPRESSED_HEADER - 4
    return base + ((header - base) ^ 1)
