"""Explain before you sign: a payment somebody sent, held against the one the documents give.

The expected payment is built from verified documents and from outputs the chain shows. What was sent only chooses
which of these outputs to spend, and the fee within a band; anything else that differs is named. Every command that
adds a signature to somebody's payment passes through `check_payout`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rein.btc.amounts import Sat, format_btc
from rein.btc.feerate import format_rate
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.transaction import Transaction, TxOutput
from rein.errors import EscrowError, InputError, PsbtError
from rein.escrow.counted import counted
from rein.escrow.payout import Coin, Payout, Split, build_payout, check_fee
from rein.escrow.terms import MAX_COINS, EscrowTerms


class Fault(Enum):
    """What can be wrong with a payment. The values are stable: programs read them."""

    FORM = "form"
    FOREIGN_INPUT = "foreign_input"
    UNKNOWN_OUTPOINT = "unknown_outpoint"
    TOO_MANY_INPUTS = "too_many_inputs"
    INPUT_AMOUNT = "input_amount"
    SHORT = "short"
    PAYEE = "payee"
    AMOUNT = "amount"
    EXTRA_OUTPUT = "extra_output"
    MISSING_OUTPUT = "missing_output"
    SHAPE = "shape"
    FEE = "fee"
    SIGNATURE = "signature"
    SIGNER = "signer"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as agreed."""

    fault: Fault
    text: str


@dataclass(frozen=True)
class Explanation:
    """A payment and what is wrong with it. `expected` is what the documents give for the same outputs; None where the
    payment is too far from it to say. `psbt` is the expected one with the sender's signatures, if nothing is wrong."""

    expected: Payout | None
    psbt: Psbt | None
    differences: tuple[Difference, ...]

    @property
    def as_agreed(self) -> bool:
        return not self.differences

    def json(self) -> dict[str, Any]:
        return {
            "as_agreed": self.as_agreed,
            "differences": [{"fault": each.fault.value, "text": each.text} for each in self.differences],
            "expected": None if self.expected is None else self.expected.json(),
        }


@dataclass(frozen=True)
class Checked:
    """A payment that is as agreed: rebuilt, with the signatures it came with."""

    payout: Payout
    psbt: Psbt


def explain(
    text: str,
    terms: EscrowTerms,
    split: Split,
    held: Collection[Coin],
    signers: Collection[bytes],
    *,
    reserved: bool = False,
) -> Explanation:
    """Hold a PSBT against the documents.

    :param text: base64.
    :param split: what the documents give.
    :param held: the outputs that the chain shows under this escrow's script.
    :param signers: the public keys that must have signed every input, and the only ones that may have.
    :param reserved: see `check_fee`.
    """
    try:
        theirs = Psbt.parse(text)
        inputs = theirs.inputs
    except PsbtError as error:
        return Explanation(None, None, (Difference(Fault.FORM, error.message),))
    wrong = [*_inputs(inputs, terms, held)]
    if wrong:
        return Explanation(None, None, tuple(wrong))
    try:
        ours = build_payout(terms, [Coin(each.outpoint, each.amount) for each in inputs], split, theirs.fee)
    except EscrowError as error:
        short = Difference(Fault.SHORT, error.message)
        return Explanation(None, None, (*_outputs(theirs.outputs, _owed(terms, split), terms), short))
    differences = [
        *_outputs(theirs.outputs, ours.outputs, terms),
        *_shape(theirs.transaction, ours.psbt.transaction),
        *_fee(ours, reserved=reserved),
        *_signatures(theirs, signers),
    ]
    return Explanation(ours, None if differences else ours.psbt.combine(theirs), tuple(differences))


def check_payout(
    text: str,
    terms: EscrowTerms,
    split: Split,
    held: Collection[Coin],
    signers: Collection[bytes],
    *,
    reserved: bool = False,
) -> Checked:
    """As `explain`, for a payment that is about to be signed.

    :raises EscrowError: naming the first thing that differs.
    """
    found = explain(text, terms, split, held, signers, reserved=reserved)
    if found.expected is None or found.psbt is None:
        raise EscrowError(found.differences[0].text, hint="Sign nothing. It was made by a broken or hostile program.")
    return Checked(found.expected, found.psbt)


def in_words(payout: Payout) -> Iterator[str]:
    """The payment, line by line, amounts in bitcoin and satoshis. Names are the documents'."""
    terms = payout.terms
    outputs = counted(len(payout.coins), "output")
    yield f"spends {_money(payout.total)} in {outputs} of the {terms.id} escrow {terms.escrow.address}"
    if payout.split.payee:
        yield _line(payout.split.payee, terms.payee.role.value, terms.payee.name, terms.payee.address)
    if payout.back:
        yield _line(payout.back, terms.payer.role.value, terms.payer.name, terms.payer.address)
    yield f"leaves {_money(payout.fee)} to the miner, {format_rate(payout.fee, payout.vsize)} sat/vB"


def _line(amount: Sat, role: str, name: str, address: str) -> str:
    return f"pays {_money(amount)} to the {role} {name} at {address}"


def _money(amount: Sat) -> str:
    return f"{format_btc(amount)} BTC ({amount:,} sat)"


def _inputs(inputs: Collection[PsbtInput], terms: EscrowTerms, held: Collection[Coin]) -> Iterator[Difference]:
    name = f"the {terms.id} payment"
    known = {coin.outpoint: coin.amount for coin in held}
    if len(inputs) > MAX_COINS:
        yield Difference(Fault.TOO_MANY_INPUTS, f"{name} spends {len(inputs)} outputs; {MAX_COINS} are the most")
        return
    for each in inputs:
        if each.witness_script != terms.escrow.witness_script:
            yield Difference(Fault.FOREIGN_INPUT, f"{name} spends an output of another contract: {each.outpoint}")
        elif each.outpoint not in known:
            yield Difference(
                Fault.UNKNOWN_OUTPOINT,
                f"{name} spends {each.outpoint}, which the chain does not show as an output of this escrow now",
            )
        elif each.amount != known[each.outpoint]:
            yield Difference(
                Fault.INPUT_AMOUNT,
                f"{name} says that {each.outpoint} holds {each.amount} sat; it holds {known[each.outpoint]} sat",
            )


def _owed(terms: EscrowTerms, split: Split) -> tuple[TxOutput, ...]:
    """The least that must be paid, where no payment can be built."""
    owed = [(split.payee, terms.payee.script), (split.payer, terms.payer.script)]
    return tuple(TxOutput(amount, script) for amount, script in owed if amount)


def _outputs(theirs: Collection[TxOutput], ours: Collection[TxOutput], terms: EscrowTerms) -> Iterator[Difference]:
    name = f"the {terms.id} payment"
    people = {terms.payer.script: terms.payer, terms.payee.script: terms.payee}
    missing, extra, too_much = list(ours), [], []
    for output in theirs:
        if output in missing:
            missing.remove(output)
        else:
            extra.append(output)
    for output in extra:
        person = people.get(output.script)
        meant = next((each for each in missing if each.script == output.script), None)
        if person is None:
            yield Difference(Fault.PAYEE, f"{name} pays {output.amount} sat to somebody the documents do not name")
        elif meant is None:
            too_much.append(
                Difference(Fault.EXTRA_OUTPUT, f"{name} pays {output.amount} sat too much to {person.name}")
            )
        else:
            missing.remove(meant)
            yield Difference(
                Fault.AMOUNT, f"{name} pays {output.amount} sat to {person.name}; {meant.amount} sat are agreed"
            )
    for output in missing:
        person = people[output.script]
        yield Difference(
            Fault.MISSING_OUTPUT,
            f"{name} does not pay {output.amount} sat to {person.name} at {person.address}, as agreed",
        )
    yield from too_much


def _shape(theirs: Transaction, ours: Transaction) -> Iterator[Difference]:
    if theirs.raw != ours.raw and theirs.outputs == ours.outputs:
        text = "the payment differs from the agreed one in its version, lock time, sequences or the order of its inputs"
        yield Difference(Fault.SHAPE, text)
    elif theirs.outputs != ours.outputs and sorted(map(_key, theirs.outputs)) == sorted(map(_key, ours.outputs)):
        yield Difference(Fault.SHAPE, "the payment's outputs stand in another order than agreed")


def _key(output: TxOutput) -> tuple[int, bytes]:
    return output.amount, output.script


def _fee(payout: Payout, *, reserved: bool) -> Iterator[Difference]:
    try:
        check_fee(payout, reserved=reserved)
    except EscrowError as error:
        yield Difference(Fault.FEE, error.message)


def _signatures(theirs: Psbt, signers: Collection[bytes]) -> Iterator[Difference]:
    try:
        theirs.verify_signatures()
    except (PsbtError, InputError) as error:
        yield Difference(Fault.SIGNATURE, error.message)
        return
    for index, each in enumerate(theirs.inputs):
        if set(theirs.partial_signatures(index)) != set(signers):
            text = f"the input {each.outpoint} is not signed by those who had to sign it, and nobody else"
            yield Difference(Fault.SIGNER, text)
