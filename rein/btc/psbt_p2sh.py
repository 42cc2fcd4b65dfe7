"""Partially signed spends of the P2SH escrows of 2016 (BIP174): made, checked, signed, combined and finalised.

The sibling of `rein.btc.psbt`, with one difference that matters: a signature from before segwit does not cover what
the spent output holds. Whoever believes a wrong amount gives the difference to the miner. So every input carries the
whole transaction that made the output, its id is the outpoint's, and the amount is read from it and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rein.btc._psbt_checks import (
    DERIVATION,
    KEY_WITH_TYPE,
    LONG_KEY_WITH_TYPE,
    NON_WITNESS_UTXO,
    PARTIAL_SIGNATURE,
    REDEEM_SCRIPT,
    SIGHASH_ALL,
    SIGHASH_TYPE,
    KeyLengths,
    choose,
    output_of,
    refuse_unknown,
)
from rein.btc._psbt_maps import Fields, decode
from rein.btc._psbt_spend import SpendPsbt
from rein.btc.address import p2sh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.redeem import (
    RedeemForm,
    form_keys,
    is_enough,
    read_redeem_script,
    script_sig,
    script_sig_bytes,
)
from rein.btc.script import MandatoryMultisig
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    legacy_sighash,
    legacy_spend_vsize,
    with_script_sigs,
)
from rein.errors import InputError, PsbtError

# What an input of a PSBT to be signed may say. Not a WITNESS_UTXO: it would be an amount nobody has to stand by.
_INPUT_KEYS: Final[KeyLengths] = {
    NON_WITNESS_UTXO: (1,),
    PARTIAL_SIGNATURE: (KEY_WITH_TYPE, LONG_KEY_WITH_TYPE),
    SIGHASH_TYPE: (1,),
    REDEEM_SCRIPT: (1,),
    DERIVATION: (KEY_WITH_TYPE, LONG_KEY_WITH_TYPE),
}


@dataclass(frozen=True)
class P2shInput:
    """The escrow output an input spends: which output of which whole transaction, and the script that guards it.

    :raises PsbtError: the transaction has no such output, or the output is not of that redeem script, or that is not
        the redeem script of an escrow of 2016.
    """

    previous: Transaction
    vout: int
    redeem_script: bytes

    def __post_init__(self) -> None:
        try:
            read_redeem_script(self.redeem_script)
        except InputError as error:
            raise PsbtError(error.message, hint=error.hint) from None
        if not 0 <= self.vout < len(self.previous.outputs):
            raise PsbtError(f"the transaction {self.previous.txid} has no output {self.vout}")
        if self.output.script != p2sh_script(self.redeem_script):
            raise PsbtError(f"the output {self.outpoint} is guarded by another script than the redeem script given")

    @property
    def outpoint(self) -> OutPoint:
        return OutPoint(self.previous.txid, self.vout)

    @property
    def output(self) -> TxOutput:
        return self.previous.outputs[self.vout]

    @property
    def amount(self) -> Sat:
        """Satoshis; the outpoint is a hash of them."""
        return self.output.amount

    @cached_property
    def form(self) -> RedeemForm:
        return read_redeem_script(self.redeem_script)


@dataclass(frozen=True)
class P2shPsbt(SpendPsbt[P2shInput]):
    """One PSBT of version 0 that spends escrows of 2016 and nothing else. Nothing changes it: each operation gives a
    new one. PsbtError for all that is wrong."""

    WRONG_KEY = (
        "Give the key the redeem script names, in the spelling of 2016: a WIF also says whether the public key is "
        "compressed."
    )

    raw: bytes

    def __post_init__(self) -> None:
        refuse_unknown(self._maps, _INPUT_KEYS)
        if self.fee < 0:
            raise PsbtError("the PSBT pays out more than it spends")

    @classmethod
    def create(cls, inputs: Sequence[P2shInput], outputs: Sequence[TxOutput]) -> P2shPsbt:
        """An unsigned spend of escrow outputs, in the order given."""
        fields: list[Fields] = [
            {NON_WITNESS_UTXO: item.previous.raw, REDEEM_SCRIPT: item.redeem_script} for item in inputs
        ]
        return cls(cls.unsigned([item.outpoint for item in inputs], outputs, fields))

    @classmethod
    def read(cls, data: bytes) -> P2shPsbt:
        """Read binary, base64 or hexadecimal, as `rein.btc.psbt.read_psbt` does."""
        return cls(decode(data))

    def _made(self, raw: bytes) -> P2shPsbt:
        return P2shPsbt(raw)

    def _read_input(self, index: int, outpoint: OutPoint, fields: Fields) -> P2shInput:
        return _read_input(index, outpoint, fields)

    def _keys(self, item: P2shInput) -> Sequence[bytes]:
        return form_keys(item.form)

    @property
    def fee(self) -> Sat:
        """Satoshis left to the miner."""
        return Sat(sum(item.amount for item in self.inputs) - sum(output.amount for output in self.outputs))

    @property
    def vsize(self) -> int:
        """Virtual bytes of the signed transaction, signatures at their longest."""
        return legacy_spend_vsize(
            [script_sig_bytes(item.form, item.redeem_script) for item in self.inputs], self.outputs
        )

    def signers(self, index: int) -> tuple[bytes, ...]:
        """The public keys that have signed an input, whether rightly or not: see `verify_signatures`."""
        return tuple(self._signatures(index))

    @property
    def is_complete(self) -> bool:
        """Whether every input has enough signatures, right or not."""
        return all(is_enough(item.form, self.signers(index)) for index, item in enumerate(self.inputs))

    def _sighash(self, index: int) -> bytes:
        return legacy_sighash(self.transaction, index, self.inputs[index].redeem_script)

    def sign(self, key: PrivateKey) -> P2shPsbt:
        """The PSBT with this key's signature on every input whose script names the key.

        Every signature already there is checked first. PsbtError if the key signs nothing here.
        """
        return self._sign(key)

    def combine(self, other: P2shPsbt) -> P2shPsbt:
        """This PSBT with the other's signatures too, all of them verified. Where both have one of a key, ours stays.

        PsbtError if the two are not of the same transaction.
        """
        for psbt in (self, other):
            psbt.verify_signatures()
        # Not the inputs themselves: one program may show a previous transaction with its witnesses, another without.
        scripts, others = ([item.redeem_script for item in psbt.inputs] for psbt in (self, other))
        if self.transaction.raw != other.transaction.raw or scripts != others:
            raise PsbtError("the two PSBTs are not of the same transaction")
        return self._combine(other)

    def finalize(self) -> Transaction:
        """The signed transaction, ready to be broadcast. PsbtError naming the signatures still missing."""
        self.verify_signatures()
        script_sigs = [_script_sig(index, item, self._signatures(index)) for index, item in enumerate(self.inputs)]
        return with_script_sigs(self.transaction, script_sigs)


def _read_input(index: int, outpoint: OutPoint, fields: Fields) -> P2shInput:
    if NON_WITNESS_UTXO not in fields or REDEEM_SCRIPT not in fields:
        raise PsbtError(
            f"input {index} of the PSBT does not show the whole transaction it spends from and its redeem script",
            hint="Without that transaction nobody can know the amount, and the miner's fee could be anything.",
        )
    try:
        previous = Transaction(fields[NON_WITNESS_UTXO])
    except InputError:
        raise PsbtError(f"input {index} of the PSBT shows a malformed previous transaction") from None
    if output_of(previous, outpoint) is None:
        raise PsbtError(f"input {index} of the PSBT shows another transaction than the one it spends from")
    if int.from_bytes(fields.get(SIGHASH_TYPE, b"\x01"), "little") != SIGHASH_ALL:
        raise PsbtError(f"input {index} of the PSBT asks for a signature that does not cover the whole transaction")
    return P2shInput(previous, outpoint.vout, fields[REDEEM_SCRIPT])


def _script_sig(index: int, item: P2shInput, signatures: Mapping[bytes, bytes]) -> bytes:
    form = item.form
    first = choose(index, (form.mandatory,), 1, signatures) if isinstance(form, MandatoryMultisig) else []
    rest = choose(index, form.keys, form.threshold, signatures)
    return script_sig([*rest, *first], item.redeem_script)
