"""What the PSBTs that spend escrows share, whatever kind of output they spend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Generic, Self, TypeVar

from rein.btc import curve
from rein.btc._psbt_checks import SIGHASH_ALL, check_signature, signatures_in, with_signatures
from rein.btc._psbt_maps import Fields, Maps, new_maps, read_maps, write_maps
from rein.btc.keys import PrivateKey
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned
from rein.errors import InputError, PsbtError

I = TypeVar("I")  # noqa: E741 - an input


class SpendPsbt(ABC, Generic[I]):
    """One PSBT of version 0, as `raw`. Nothing changes it: each operation gives a new one. PsbtError for all that is
    wrong."""

    WRONG_KEY: ClassVar[str]
    """What to do about a key that signs nothing here."""

    raw: bytes

    @abstractmethod
    def _read_input(self, index: int, outpoint: OutPoint, fields: Fields) -> I:
        """What an input spends. PsbtError if the PSBT contradicts itself about it."""

    @abstractmethod
    def _keys(self, item: I) -> Sequence[bytes]:
        """The public keys that may sign an input."""

    @abstractmethod
    def _sighash(self, index: int) -> bytes:
        """What a signature of an input signs."""

    @abstractmethod
    def _made(self, raw: bytes) -> Self:
        """A PSBT of the same kind."""

    @staticmethod
    def unsigned(outpoints: Sequence[OutPoint], outputs: Sequence[TxOutput], fields: Sequence[Fields]) -> bytes:
        """The bytes of an unsigned spend, in the order given."""
        try:
            return write_maps(new_maps(build_unsigned(outpoints, outputs), fields))
        except InputError as error:
            raise PsbtError(f"no PSBT can be made of that: {error.message}") from None

    def to_base64(self) -> str:
        return b64encode(self.raw).decode()

    @cached_property
    def _maps(self) -> Maps:
        return read_maps(self.raw)

    @property
    def transaction(self) -> Transaction:
        """The transaction to be signed, without signatures."""
        return self._maps.transaction

    @property
    def outputs(self) -> tuple[TxOutput, ...]:
        return self.transaction.outputs

    @cached_property
    def inputs(self) -> tuple[I, ...]:
        """What is spent, as the PSBT has it and consistent in itself."""
        pairs = zip(self.transaction.inputs, self._maps.inputs, strict=True)
        return tuple(self._read_input(index, outpoint, fields) for index, (outpoint, fields) in enumerate(pairs))

    def _signatures(self, index: int) -> dict[bytes, bytes]:
        return signatures_in(self._maps.inputs[index])

    def verify_signatures(self) -> None:
        """PsbtError naming the input and key of the first signature that is not one of that input's script, not of
        this transaction, not SIGHASH_ALL, or not in strict DER with low s."""
        for index, item in enumerate(self.inputs):
            signatures = self._signatures(index)
            digest = self._sighash(index) if signatures else b""
            for key, signature in signatures.items():
                check_signature(index, key, signature, self._keys(item), digest)

    def _sign(self, key: PrivateKey) -> Self:
        """The PSBT with this key's signature on every input whose script names the key.

        Every signature already there is checked first. PsbtError if the key signs nothing here.
        """
        self.verify_signatures()
        public_key = key.public_key
        additions = {
            index: {public_key: curve.sign_der(key.secret, self._sighash(index)) + bytes([SIGHASH_ALL])}
            for index, item in enumerate(self.inputs)
            if public_key in self._keys(item)
        }
        if not additions:
            raise PsbtError("that key signs none of the PSBT's inputs", hint=self.WRONG_KEY)
        return self._with_signatures(additions)

    def _combine(self, other: Self) -> Self:
        """This PSBT with the other's signatures too. Where both have one of a key, ours stays."""
        indexes = range(len(self.inputs))
        return self._with_signatures({index: other._signatures(index) | self._signatures(index) for index in indexes})

    def _with_signatures(self, additions: Mapping[int, Mapping[bytes, bytes]]) -> Self:
        return self._made(write_maps(with_signatures(self._maps, additions)))
