"""Money for tests: a job with its terms and keys, and PSBTs as a hostile program writes them, byte by byte."""

from __future__ import annotations

import dataclasses
import string
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rein.btc.address import p2wpkh_address, p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.curve import ORDER, sign_der
from rein.btc.encoding import Reader, with_length
from rein.btc.hashes import sha256d
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST, Network
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned
from rein.escrow.explain import Checked, check_payout
from rein.escrow.payout import Coin, Payout, build_payout, the_price
from rein.escrow.terms import EscrowTerms, Terms, offer_amounts, terms_of
from rein.protocol import job_keys
from rein.protocol.documents import Bid, Job, Offer
from rein.protocol.enrollments import Enrollments
from rein.protocol.orders import Order, fold
from rein.protocol.signed import Signed
from rein.protocol.values import BasisPoints
from tests.support.people import JOB_ID, PRICE, Person, bid, enroll, job, offer, person

IDS = ("primary", "mediator")
"""Of the escrows of a job."""

SIGHASH_ALL = 1
FEERATE = 7
MEDIATOR_FEE = BasisPoints(150)
SOME_TXID = "5a" * 32
MALLORY = person("Mallory").job_key(job_keys.WORKER_ESCROW, "0" * 64)


@dataclass(frozen=True)
class Deal:
    """A job that Bob gave to Charlie, with Alice as the mediator: its documents, its terms and the three keys."""

    job: Signed[Job]
    bid: Signed[Bid]
    offer: Signed[Offer]
    enrollments: Enrollments
    order: Order
    terms: Terms
    creator: PrivateKey
    mediator: PrivateKey
    worker: PrivateKey

    def fold(self, *documents: Signed[Any]) -> Order:
        """The order with other documents than the deal's."""
        return fold(self.job, documents, self.enrollments)

    def receiver_key(self, escrow_id: str) -> PrivateKey:
        """Who adds the second signature when the work was accepted."""
        return self.worker if escrow_id == "primary" else self.mediator

    @property
    def keys(self) -> dict[str, PrivateKey]:
        return {"creator": self.creator, "mediator": self.mediator, "worker": self.worker}

    @property
    def payments(self) -> list[tuple[str, Sat]]:
        """What the creator has to pay, as `faucet.pay` takes it."""
        return [(terms.escrow.address, terms.amount) for terms in self.terms.escrows]


@lru_cache(maxsize=256)
def deal(
    number: int = 0,
    *,
    price: Sat = PRICE,
    fee: BasisPoints = MEDIATOR_FEE,
    feerate: int = FEERATE,
    network: Network = REGTEST,
) -> Deal:
    """A deal; every number is another job of the same three people."""
    bob, alice, charlie = (person(name, network) for name in ("Bob", "Alice", "Charlie"))
    paid_to = p2wpkh_address(alice.tree.derive(f"m/84'/1'/0'/0/{number}").public_key, network)
    mediates = enroll(alice, True, mediator_fee=fee, mediator_payment_address=paid_to)
    posted = job(bob, alice, enrollment=mediates, job_id=job_id_of(number))
    placed = bid(charlie, posted, amount=price)
    amounts = offer_amounts(posted.document, placed.document, feerate)
    given = offer(bob, placed, posted, primary_amount=amounts["primary"], mediator_amount=amounts["mediator"])
    known = Enrollments([mediates, enroll(bob), enroll(charlie)])
    order = fold(posted, [placed, given], known)
    return Deal(posted, placed, given, known, order, terms_of(order), *escrow_keys(bob, alice, charlie, placed))


def job_id_of(number: int) -> str:
    """A Job ID for every number."""
    letters = string.ascii_lowercase
    return JOB_ID[:-4] + "".join(letters[number // 26**place % 26] for place in range(4)) if number else JOB_ID


def escrow_keys(
    creator: Person, mediator: Person, worker: Person, placed: Signed[Bid]
) -> tuple[PrivateKey, PrivateKey, PrivateKey]:
    """The keys with which the three stand in the escrows of a bid."""
    return (
        creator.job_key(job_keys.CREATOR_ESCROW, placed.document.job_id),
        mediator.mediator_key(job_keys.parts_of(placed.document)),
        worker.job_key(job_keys.WORKER_ESCROW, placed.document.job_document),
    )


Field = tuple[bytes, bytes]
"""Key (type and what follows) and value."""

NON_WITNESS_UTXO, WITNESS_UTXO, PARTIAL_SIGNATURE, SIGHASH_TYPE = b"\x00", b"\x01", b"\x02", b"\x03"
REDEEM_SCRIPT, WITNESS_SCRIPT, DERIVATION, FINAL_SCRIPT_SIG, FINAL_WITNESS = b"\x04", b"\x05", b"\x06", b"\x07", b"\x08"


@dataclass(frozen=True)
class LoosePsbt:
    """A PSBT that may hold anything, in any order, twice: BIP174's maps as lists."""

    globals: tuple[Field, ...]
    inputs: tuple[tuple[Field, ...], ...]
    outputs: tuple[tuple[Field, ...], ...]
    tail: bytes = b""

    @classmethod
    def parse(cls, text: str) -> LoosePsbt:
        """An honest one, to be tampered with."""
        reader = Reader(b64decode(text)[5:])
        fields = _read_map(reader)
        transaction = Transaction(dict(fields)[b"\x00"])
        inputs = tuple(_read_map(reader) for _ in transaction.inputs)
        return cls(fields, inputs, tuple(_read_map(reader) for _ in transaction.outputs))

    @property
    def transaction(self) -> Transaction:
        return Transaction(dict(self.globals)[b"\x00"])

    def with_transaction(self, raw: bytes) -> LoosePsbt:
        return dataclasses.replace(self, globals=((b"\x00", raw), *self.globals[1:]))

    def with_globals(self, *fields: Field) -> LoosePsbt:
        return dataclasses.replace(self, globals=(*self.globals, *fields))

    def with_input(self, *fields: Field, without: bytes | None = None) -> LoosePsbt:
        """The first input with these fields added or replaced, and without all of one type."""
        changed = dict(fields)
        kept = tuple(field for field in self.inputs[0] if field[0] not in changed and field[0][:1] != without)
        return dataclasses.replace(self, inputs=((*kept, *fields), *self.inputs[1:]))

    def with_output(self, *fields: Field) -> LoosePsbt:
        return dataclasses.replace(self, outputs=((*self.outputs[0], *fields), *self.outputs[1:]))

    def to_bytes(self) -> bytes:
        maps = (self.globals, *self.inputs, *self.outputs)
        return b"psbt\xff" + b"".join(_write_map(fields) for fields in maps) + self.tail

    def __str__(self) -> str:
        return b64encode(self.to_bytes()).decode()


def _read_map(reader: Reader) -> tuple[Field, ...]:
    fields = []
    while key := reader.string():
        fields.append((key, reader.string()))
    return tuple(fields)


def _write_map(fields: Iterable[Field]) -> bytes:
    return b"".join(with_length(key) + with_length(value) for key, value in fields) + b"\x00"


@dataclass(frozen=True)
class Spend:
    """A spend of one P2WSH output, as anybody may wish it, signed by whoever is given, to be sent as a PSBT."""

    outpoint: OutPoint
    amount: Sat
    script: bytes
    outputs: tuple[TxOutput, ...]
    version: int = 2
    locktime: int = 0
    sequence: int = 0xFFFFFFFD
    more_inputs: tuple[OutPoint, ...] = ()

    @property
    def transaction(self) -> Transaction:
        return build_unsigned(
            [self.outpoint, *self.more_inputs],
            self.outputs,
            sequence=self.sequence,
            locktime=self.locktime,
            version=self.version,
        )

    def signature(self, key: PrivateKey, hash_type: int = SIGHASH_ALL) -> bytes:
        """A right one, of any BIP143 hash type."""
        return sign_der(key.secret, sighash(self.transaction, self.script, self.amount, hash_type)) + bytes([hash_type])

    def psbt(self, *signers: PrivateKey, hash_type: int = SIGHASH_ALL) -> LoosePsbt:
        signed = tuple((PARTIAL_SIGNATURE + key.public_key, self.signature(key, hash_type)) for key in signers)
        shown = TxOutput(self.amount, p2wsh_script(self.script)).to_bytes()
        fields = ((WITNESS_UTXO, shown), *sorted(signed), (WITNESS_SCRIPT, self.script))
        return LoosePsbt(
            globals=((b"\x00", self.transaction.raw),),
            inputs=(fields, *((fields[0], fields[-1]) for _ in self.more_inputs)),
            outputs=tuple(() for _ in self.outputs),
        )


def honest(terms: EscrowTerms, outpoint: OutPoint) -> Spend:
    """The payout the documents give, byte by byte."""
    return Spend(outpoint, terms.amount, terms.escrow.witness_script, (terms.payout,))


def agreed(terms: EscrowTerms, outpoint: OutPoint) -> Payout:
    """The same, as Rein builds it: the price out of one output that holds the agreed amount, the reserve to the
    miner."""
    return build_payout(terms, [Coin(outpoint, terms.amount)], the_price(terms), terms.miner_fee)


def check(text: str, terms: EscrowTerms, outpoint: OutPoint, signer: PrivateKey) -> Checked:
    """Hold a payment of the price against the terms, where the chain shows the agreed amount at one outpoint."""
    held = [Coin(outpoint, terms.amount)]
    return check_payout(text, terms, the_price(terms), held, {signer.public_key})


def sighash(tx: Transaction, script: bytes, amount: Sat, hash_type: int, index: int = 0) -> bytes:
    """BIP143's digest for every hash type; the product knows SIGHASH_ALL only."""
    anyone, kind = hash_type & 0x80, hash_type & 0x1F
    nothing = bytes(32)
    outpoints = nothing if anyone else sha256d(b"".join(each.to_bytes() for each in tx.inputs))
    all_of = not anyone and kind not in (2, 3)
    sequences = sha256d(b"".join(each.to_bytes(4, "little") for each in tx.sequences)) if all_of else nothing
    if kind == 3:
        outputs = sha256d(tx.outputs[index].to_bytes()) if index < len(tx.outputs) else nothing
    else:
        outputs = nothing if kind == 2 else sha256d(b"".join(each.to_bytes() for each in tx.outputs))
    return sha256d(
        tx.version.to_bytes(4, "little")
        + outpoints
        + sequences
        + tx.inputs[index].to_bytes()
        + with_length(script)
        + amount.to_bytes(8, "little")
        + tx.sequences[index].to_bytes(4, "little")
        + outputs
        + tx.locktime.to_bytes(4, "little")
        + hash_type.to_bytes(4, "little")
    )


def respell(signature: bytes, change: Callable[[int, int], tuple[int, int]]) -> bytes:
    """A DER signature with sighash byte after something was done to its two numbers."""
    der, hash_type = signature[:-1], signature[-1:]
    r_end = 4 + der[3]
    r, s = change(int.from_bytes(der[4:r_end], "big"), int.from_bytes(der[r_end + 2 :], "big"))
    body = _der_integer(r) + _der_integer(s)
    return b"\x30" + with_length(body) + hash_type


def high_s(signature: bytes) -> bytes:
    """The other spelling of the same signature, which nodes do not relay."""
    return respell(signature, lambda r, s: (r, ORDER - s))


def _der_integer(number: int) -> bytes:
    return b"\x02" + with_length(number.to_bytes(number.bit_length() // 8 + 1, "big"))
