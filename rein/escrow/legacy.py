"""The P2SH escrows of 2016: recognised, explained, and spent. New ones are P2WSH (`contract.py`).

The programs of 2016 copied addresses and redeem scripts from the worker's bid unchecked, and their authors' own test
offer names another mediator than its scripts do. So what a document says is held against its scripts, and the
differences are told; the scripts alone decide who can spend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rein.btc.address import p2sh_address, p2sh_script, script_of_address
from rein.btc.amounts import DUST_LIMIT, Sat
from rein.btc.keys import parse_public_key
from rein.btc.networks import MAINNET, TESTNET4, Network
from rein.btc.psbt_p2sh import P2shInput, P2shPsbt
from rein.btc.redeem import MAX_REDEEM_SCRIPT, RedeemForm, form_keys, read_redeem_script
from rein.btc.script import MandatoryMultisig, Multisig
from rein.btc.transaction import TxOutput
from rein.errors import EscrowError, InputError, KeyMaterialError
from rein.escrow.contract import MEDIATOR, PRIMARY
from rein.escrow.terms import MAX_FEERATE, MIN_FEERATE
from rein.protocol.documents import LegacyDocument

_ROLES = ("Job creator", "Mediator", "Worker")
_LABEL = {PRIMARY: "Primary escrow", MEDIATOR: "Mediator escrow"}
_NAME_LETTERS = 40
_FINAL_SEQUENCES = (0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class LegacyEscrow:
    """One escrow of 2016. `names` says whose a key is, where a document told."""

    redeem_script: bytes
    form: RedeemForm
    names: Mapping[bytes, str] = field(default_factory=dict)

    @property
    def script(self) -> bytes:
        """The scriptPubKey, as it stands in the output."""
        return p2sh_script(self.redeem_script)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every key that may sign, in the order of the script."""
        return form_keys(self.form)

    def address(self, network: Network) -> str:
        return p2sh_address(self.redeem_script, network)

    def who(self, key: bytes) -> str:
        """A key, and as whose a document names it."""
        name = self.names.get(key)
        return f"{key.hex()} ({name})" if name else key.hex()

    def json(self, name: str) -> dict[str, Any]:
        """For programs, under its name in a document."""
        return {
            "purse": name,
            "mainnet_address": self.address(MAINNET),
            "testnet_address": self.address(TESTNET4),
            "redeem_script": self.redeem_script.hex(),
            "keys": [{"key": key.hex(), "who": self.names.get(key)} for key in self.keys],
            "rule": self.rule(),
        }

    def rule(self) -> str:
        """Who can take the money, in one sentence."""
        others = [self.who(key) for key in self.form.keys]
        if isinstance(self.form, Multisig):
            return f"Any {self.form.threshold} of these {len(others)} can take the money: {', '.join(others)}."
        first = self.who(self.form.mandatory)
        if self.form.threshold == len(others):
            return f"All {len(others) + 1} have to sign: {', '.join([first, *others])}. (The form of January 2016.)"
        return f"{first} has to sign, and one of these {len(others)}: {', '.join(others)}."


@dataclass(frozen=True)
class LegacyContract:
    """Both escrows of a document of 2016, and what in it does not fit its own scripts."""

    primary: LegacyEscrow
    mediator: LegacyEscrow
    doubts: tuple[str, ...]

    @property
    def escrows(self) -> dict[str, LegacyEscrow]:
        return {PRIMARY: self.primary, MEDIATOR: self.mediator}


def read_legacy_escrow(hex_text: str) -> LegacyEscrow:
    """An escrow from its redeem script in hexadecimal.

    :raises InputError: it is not the redeem script of an escrow of 2016.
    """
    try:
        script = bytes.fromhex(hex_text[: 2 * MAX_REDEEM_SCRIPT + 2])
    except ValueError:
        raise InputError("a redeem script is written in hexadecimal digits") from None
    return LegacyEscrow(script, read_redeem_script(script))


def legacy_contract(document: LegacyDocument) -> LegacyContract:
    """Both escrows of a verified Offer, Bid or Delivery of 2016.

    :raises EscrowError: it shows no redeem scripts, one is of no known form, or an address is not its script's.
    """
    names = _names(document)
    primary, mediator = (_escrow(document, name, names) for name in (PRIMARY, MEDIATOR))
    if not isinstance(primary.form, Multisig) or not isinstance(mediator.form, MandatoryMultisig):
        raise EscrowError("the document's redeem scripts are not of the forms of its two escrows")
    return LegacyContract(primary, mediator, tuple(_doubts(document, primary, mediator)))


def _names(document: LegacyDocument) -> dict[bytes, str]:
    """Whose key it is, by the document. A key that stands for two gets both names."""
    names: dict[bytes, str] = {}
    for role in _ROLES:
        text = document.fields.get(f"{role} public key", "")
        try:
            key = parse_public_key(text, allow_uncompressed=True)
        except KeyMaterialError:
            continue
        person = document.fields.get(role)
        name = f"{role.lower()} {person[:_NAME_LETTERS]}" if person else role.lower()
        names[key] = f"{names[key]} and {name}" if key in names else name
    return names


def _escrow(document: LegacyDocument, name: str, names: Mapping[bytes, str]) -> LegacyEscrow:
    label = _LABEL[name]
    try:
        escrow = read_legacy_escrow(document.fields.get(f"{label} redeem script", ""))
    except InputError as error:
        raise EscrowError(f"the field '{label} redeem script': {error.message}") from None
    address = document.fields.get(f"{label} address")
    if address not in (escrow.address(MAINNET), escrow.address(TESTNET4)):
        raise EscrowError(
            f"the document's {label.lower()} address is not the one of its redeem script",
            hint="Believe neither. The money, if any was paid, lies at the address it was paid to.",
        )
    return LegacyEscrow(escrow.redeem_script, escrow.form, names)


def _doubts(document: LegacyDocument, primary: LegacyEscrow, mediator: LegacyEscrow) -> list[str]:
    """What the document says otherwise than its scripts."""
    doubts = []
    for label, escrow in (("primary", primary), ("mediator's", mediator)):
        named = escrow.names
        doubts += [
            f"the {label} escrow names {key.hex()}, which the document does not"
            for key in escrow.keys
            if key not in named
        ]
        doubts += [
            f"the document names {escrow.who(key)}, whom the {label} escrow does not"
            for key in named
            if key not in escrow.keys
        ]
    form = mediator.form
    stated = document.fields.get("Mediator public key")
    if isinstance(form, MandatoryMultisig) and stated and form.mandatory.hex() != stated:
        doubts.append("the key that has to sign in the mediator's escrow is not the one the document calls mediator's")
    return doubts


@dataclass(frozen=True)
class LegacyPayment:
    """Where money goes, and how much."""

    address: str
    amount: Sat


def build_legacy_spend(
    inputs: Sequence[P2shInput], payments: Sequence[LegacyPayment], fee: Sat, network: Network
) -> P2shPsbt:
    """The unsigned spend of whole outputs to exactly these payments.

    :param fee: satoshis for the miner. Inputs must be payments and fee, to the satoshi: nothing is left over.
    :raises EscrowError: the sums differ, or the fee is outside 1 to 500 sat/vB, or a payment is dust.
    :raises InputError: an address is not of the network.
    """
    if not inputs or not payments:
        raise InputError("a payment needs an output to spend and an address to pay")
    for payment in payments:
        if payment.amount < DUST_LIMIT:
            raise EscrowError(f"{payment.amount} sat to {payment.address} is dust: under {DUST_LIMIT} sat")
    held = sum(item.amount for item in inputs)
    asked = sum(payment.amount for payment in payments) + fee
    if held != asked:
        raise EscrowError(
            f"the outputs hold {held} sat, and payments and fee are {asked} sat",
            hint=f"Change a payment by {held - asked:+d} sat.",
        )
    outputs = [TxOutput(payment.amount, script_of_address(payment.address, network)) for payment in payments]
    return checked(P2shPsbt.create(inputs, outputs))


def checked(psbt: P2shPsbt) -> P2shPsbt:
    """The PSBT, if there is nothing in it that a person could not be told in a few lines.

    :raises EscrowError: it is locked in time, its fee is outside the band, or a signature in it is wrong.
    """
    tx = psbt.transaction
    if tx.version not in (1, 2) or tx.locktime or any(each not in _FINAL_SEQUENCES for each in tx.sequences):
        raise EscrowError("the PSBT is locked in time or of an odd version; the spend of a legacy escrow is neither")
    lowest, highest = MIN_FEERATE * psbt.vsize, MAX_FEERATE * psbt.vsize
    if not lowest <= psbt.fee <= highest:
        raise EscrowError(
            f"the fee of {psbt.fee} sat is outside {lowest} to {highest} sat ({MIN_FEERATE} to {MAX_FEERATE} sat/vB)"
        )
    psbt.verify_signatures()
    return psbt
