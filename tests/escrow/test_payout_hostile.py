"""A peer sends a PSBT: every way in which it may differ from the payment the documents give is refused, in plain
words, before a key is touched (S1, S3, S13, S27; C4, C5, C7 of the original's holes).

The peer is assumed to be the job creator himself wherever that makes the attack stronger: then what he sends carries
a signature that is right for what he sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from ecdsa import SECP256k1, SigningKey
from ecdsa.util import sigencode_der_canonize

from rein.btc.address import p2pkh_script, p2wpkh_script, p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.encoding import with_length
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, with_witnesses
from rein.errors import EscrowError, PsbtError
from rein.escrow.payout import complete_payout, sign_payout
from rein.escrow.terms import EscrowTerms
from tests.support.money import (
    DERIVATION,
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    MALLORY,
    NON_WITNESS_UTXO,
    PARTIAL_SIGNATURE,
    REDEEM_SCRIPT,
    SIGHASH_TYPE,
    SOME_TXID,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    Deal,
    LoosePsbt,
    Spend,
    agreed,
    check,
    deal,
    high_s,
    honest,
    respell,
    sighash,
)

OUTPOINT = OutPoint(SOME_TXID, 1)
MALLORY_SCRIPT = p2wpkh_script(MALLORY.public_key)


@dataclass(frozen=True)
class Peer:
    """What an attacker has at hand: the deal, the payment he should have signed, and a key of his own."""

    told: Deal
    terms: EscrowTerms

    @property
    def spend(self) -> Spend:
        return honest(self.terms, OUTPOINT)

    @property
    def key(self) -> PrivateKey:
        return self.told.creator

    @property
    def receiver_key(self) -> PrivateKey:
        return self.told.receiver_key(self.terms.id)

    @property
    def fine(self) -> LoosePsbt:
        """The honest PSBT, to be tampered with after it was signed."""
        return self.spend.psbt(self.key)

    @property
    def signature(self) -> bytes:
        return self.spend.signature(self.key)

    def with_signature(self, signature: bytes, key: PrivateKey | None = None) -> LoosePsbt:
        return self.spend.psbt().with_input((PARTIAL_SIGNATURE + (key or self.key).public_key, signature))

    def signed(self, **changes: object) -> LoosePsbt:
        """Another payment, signed by the creator as it stands."""
        return replace(self.spend, **changes).psbt(self.key)  # type: ignore[arg-type]  # the fields of a Spend

    def paying(self, *outputs: TxOutput) -> LoosePsbt:
        return self.signed(outputs=outputs)

    def paid(self, amount: int, script: bytes | None = None) -> TxOutput:
        return TxOutput(Sat(amount), self.terms.payout.script if script is None else script)


Attack = Callable[[Peer], object]

ANOTHER_AMOUNT = r"pays \d+ sat to (Charlie|Alice); \d+ sat are agreed"
NOT_THERE = "which the chain does not show as an output of this escrow now"

OUTPUTS: dict[str, tuple[Attack, str]] = {
    "extra-output": (
        lambda it: it.paying(it.terms.payout, it.paid(600, MALLORY_SCRIPT)),
        "pays 600 sat to somebody the documents do not name",
    ),
    "extra-output-before": (
        lambda it: it.paying(it.paid(600, MALLORY_SCRIPT), it.terms.payout),
        "pays 600 sat to somebody the documents do not name",
    ),
    "extra-output-of-nothing": (
        lambda it: it.paying(it.terms.payout, it.paid(0, b"\x6a\x01x")),
        "pays 0 sat to somebody the documents do not name",
    ),
    "fee-as-change": (
        lambda it: it.paying(it.terms.payout, it.paid(it.terms.miner_fee, MALLORY_SCRIPT)),
        r"pays \d+ sat to somebody the documents do not name",
    ),
    "one-satoshi-less": (
        lambda it: it.paying(it.paid(it.terms.price - 1)),
        ANOTHER_AMOUNT,
    ),
    "one-satoshi-more": (
        lambda it: it.paying(it.paid(it.terms.price + 1)),
        ANOTHER_AMOUNT,
    ),
    "all-to-the-miner": (lambda it: it.paying(it.paid(0)), "pays 0 sat"),
    "no-fee": (lambda it: it.paying(it.paid(it.terms.amount)), ANOTHER_AMOUNT),
    "more-than-there-is": (lambda it: it.paying(it.paid(it.terms.amount + 1)), "pays out more than it spends"),
    "to-somebody-else": (
        lambda it: it.paying(it.paid(it.terms.price, MALLORY_SCRIPT)),
        r"pays \d+ sat to somebody the documents do not name",
    ),
    "back-to-the-escrow": (
        lambda it: it.paying(it.paid(it.terms.price, it.terms.escrow.script)),
        "to somebody the documents do not name",
    ),
    "to-anybody": (lambda it: it.paying(it.paid(it.terms.price, b"\x51")), "to somebody the documents do not name"),
    "to-nobody": (lambda it: it.paying(it.paid(it.terms.price, b"")), "to somebody the documents do not name"),
    "burnt": (lambda it: it.paying(it.paid(it.terms.price, b"\x6a")), "to somebody the documents do not name"),
    "right-key-other-kind-of-address": (
        lambda it: it.paying(it.paid(it.terms.price, b"\x76\xa9" + it.terms.payout.script[1:] + b"\x88\xac")),
        "to somebody the documents do not name",
    ),
    "the-other-receiver": (
        lambda it: it.paying(
            it.paid(it.terms.price, next(p for p in it.told.terms.escrows if p is not it.terms).payout.script)
        ),
        "to somebody the documents do not name",
    ),
    "the-creators-payment-address-instead": (
        lambda it: it.paying(it.paid(it.terms.price, it.terms.payer.script)),
        r"does not pay \d+ sat to (Charlie|Alice) at bcrt1q",
    ),
    "the-creators-payment-address-too": (
        lambda it: it.paying(it.terms.payout, it.paid(545, it.terms.payer.script)),
        "pays 545 sat too much to Bob",
    ),
    "the-creator-himself": (
        lambda it: it.paying(it.paid(it.terms.price, p2wpkh_script(it.told.creator.public_key))),
        "to somebody the documents do not name",
    ),
}

ELSEWHERE = OutPoint("77" * 32, 0)


def _other_contract(script: Callable[[Peer], bytes]) -> Attack:
    return lambda it: it.signed(script=script(it))


def _keys(it: Peer) -> list[bytes]:
    return [it.told.creator.public_key, it.told.mediator.public_key, it.told.worker.public_key]


INPUTS: dict[str, tuple[Attack, str]] = {
    "foreign-input-too": (
        lambda it: it.signed(more_inputs=(ELSEWHERE,)),
        NOT_THERE,
    ),
    "second-deposit-too": (
        lambda it: it.signed(more_inputs=(OutPoint(SOME_TXID, 2),)),
        NOT_THERE,
    ),
    "foreign-input-of-a-wallet": (
        lambda it: replace(it.signed(more_inputs=(ELSEWHERE,)), inputs=(it.fine.inputs[0], ())),
        "input 1 of the PSBT does not show the output it spends",
    ),
    "same-input-twice": (
        lambda it: replace(
            it.fine.with_transaction(
                it.spend.transaction.raw.replace(
                    b"\x01" + OUTPOINT.to_bytes() + b"\x00\xfd\xff\xff\xff",
                    b"\x02" + 2 * (OUTPOINT.to_bytes() + b"\x00\xfd\xff\xff\xff"),
                )
            ),
            inputs=it.fine.inputs * 2,
        ),
        "spends the same output twice",
    ),
    "contract-of-another-job": (
        lambda it: it.signed(script=deal(1).terms.of(it.terms.id).escrow.witness_script),
        "spends an output of another contract",
    ),
    "the-other-escrow": (
        lambda it: it.signed(script=next(p for p in it.told.terms.escrows if p is not it.terms).escrow.witness_script),
        "spends an output of another contract",
    ),
    "mallory-for-the-mediator": (
        _other_contract(lambda it: multisig_script(2, [_keys(it)[0], MALLORY.public_key, _keys(it)[2]])),
        "another contract",
    ),
    "one-of-three": (_other_contract(lambda it: multisig_script(1, _keys(it))), "another contract"),
    "keys-in-another-order": (_other_contract(lambda it: multisig_script(2, _keys(it)[::-1])), "another contract"),
    "any-of-the-two-mandatory": (
        _other_contract(lambda it: mandatory_multisig_script(_keys(it)[0], 1, [_keys(it)[1], _keys(it)[2]])),
        "another contract",
    ),
    # C4: the original signed whatever script came along, the victim's own P2PKH script too, and published that
    # signature: a key to the victim's wallet.
    "victims-own-wallet-script": (
        lambda it: replace(it.spend, script=p2pkh_script(it.receiver_key.public_key)).psbt(),
        "another contract",
    ),
    "victims-own-key-as-a-contract": (
        _other_contract(lambda it: with_length(it.receiver_key.public_key) + b"\xac"),
        "another contract",
    ),
    "victims-key-in-a-contract-of-one": (
        lambda it: replace(it.spend, script=multisig_script(1, [it.receiver_key.public_key])).psbt(),
        "another contract",
    ),
    "anyone-can-spend": (lambda it: replace(it.spend, script=b"\x51").psbt(), "another contract"),
    "empty-script": (lambda it: replace(it.spend, script=b"").psbt(), "another contract"),
    # S27: segwit signs the amount, so a wrong one would give a signature that is worth nothing, or hide a fee.
    "claims-more-in-escrow": (
        lambda it: it.signed(amount=Sat(it.terms.amount + 1)),
        r"says that .* holds \d+ sat; it holds \d+ sat",
    ),
    "claims-less-in-escrow": (lambda it: it.signed(amount=Sat(it.terms.amount - 1)), r"says that .* holds \d+ sat"),
    "claims-ten-times-as-much": (lambda it: it.signed(amount=Sat(it.terms.amount * 10)), r"says that .* holds \d+ sat"),
    "shows-another-output": (
        lambda it: it.fine.with_input((WITNESS_UTXO, TxOutput(it.terms.amount, MALLORY_SCRIPT).to_bytes())),
        "witness script that is not the one of its output",
    ),
    "shows-another-script": (
        lambda it: it.fine.with_input((WITNESS_SCRIPT, multisig_script(1, _keys(it)))),
        "witness script that is not the one of its output",
    ),
    "shows-no-output": (lambda it: it.fine.with_input(without=WITNESS_UTXO), "does not show the output it spends"),
    "shows-no-script": (lambda it: it.fine.with_input(without=WITNESS_SCRIPT), "does not show the output it spends"),
    "output-cut-short": (lambda it: it.fine.with_input((WITNESS_UTXO, b"\x01")), "not a PSBT|malformed|two ways"),
    "output-runs-on": (
        lambda it: it.fine.with_input(
            (WITNESS_UTXO, TxOutput(it.terms.amount, it.terms.escrow.script).to_bytes() + b"x")
        ),
        "not a PSBT|malformed|two ways",
    ),
    "output-of-negative-amount": (
        lambda it: it.fine.with_input((WITNESS_UTXO, b"\xff" * 8 + with_length(it.terms.escrow.script))),
        "not a PSBT|malformed|two ways",
    ),
}


def _previous(it: Peer, amount: int, script: bytes | None = None) -> bytes:
    """A transaction that funds the escrow, or pretends to, at index 1."""
    first = TxOutput(Sat(1_000), MALLORY_SCRIPT)
    funding = TxOutput(Sat(amount), it.terms.escrow.script if script is None else script)
    return build_unsigned([ELSEWHERE], [first, funding]).raw


def _showing(previous: Callable[[Peer], bytes], vout: int = 1, *, other_outpoint: bool = False) -> Attack:
    """Signed for the output of a previous transaction that is shown in full."""

    def attack(it: Peer) -> LoosePsbt:
        shown = previous(it)
        outpoint = OUTPOINT if other_outpoint else OutPoint(Transaction(shown).txid, vout)
        return it.signed(outpoint=outpoint).with_input((NON_WITNESS_UTXO, shown))

    return attack


PREVIOUS: dict[str, tuple[Attack, str]] = {
    "previous-of-another-outpoint": (
        _showing(lambda it: _previous(it, it.terms.amount), other_outpoint=True),
        "another output than its previous transaction has",
    ),
    "previous-holds-less": (
        _showing(lambda it: _previous(it, it.terms.amount - 1)),
        "another output than its previous transaction has",
    ),
    "previous-pays-another-script": (
        _showing(lambda it: _previous(it, it.terms.amount, MALLORY_SCRIPT)),
        "another output than its previous transaction has",
    ),
    "previous-has-no-such-output": (
        _showing(lambda it: _previous(it, it.terms.amount), vout=2),
        "another output than its previous transaction has|not a PSBT",
    ),
    "previous-of-the-other-index": (
        _showing(lambda it: _previous(it, it.terms.amount), vout=0),
        "another output than its previous transaction has",
    ),
    "previous-cut-short": (
        lambda it: it.fine.with_input((NON_WITNESS_UTXO, _previous(it, it.terms.amount)[:-1])),
        "not a PSBT|malformed|two ways",
    ),
    "previous-runs-on": (
        lambda it: it.fine.with_input((NON_WITNESS_UTXO, _previous(it, it.terms.amount) + b"\x00")),
        "not a PSBT|malformed|two ways",
    ),
    "previous-is-junk": (lambda it: it.fine.with_input((NON_WITNESS_UTXO, b"\x00" * 70)), "not a PSBT|malformed"),
}

OTHER_TIMES = "differs from the agreed one in its version, lock time, sequences or the order of its inputs"

TIMES: dict[str, tuple[Attack, str]] = {
    "version-1": (lambda it: it.signed(version=1), OTHER_TIMES),
    "version-3": (lambda it: it.signed(version=3), OTHER_TIMES),
    "version-0": (lambda it: it.signed(version=0), f"{OTHER_TIMES}|two ways"),
    "version-negative": (lambda it: it.signed(version=0xFFFFFFFF), f"{OTHER_TIMES}|not a PSBT|two ways"),
    "locked-for-a-year": (lambda it: it.signed(locktime=1_900_000_000), OTHER_TIMES),
    "locked-to-a-height": (lambda it: it.signed(locktime=1), OTHER_TIMES),
    "locked-for-ever": (lambda it: it.signed(locktime=0xFFFFFFFF), OTHER_TIMES),
    "final-sequence": (lambda it: it.signed(sequence=0xFFFFFFFF), OTHER_TIMES),
    "sequence-without-replacement": (lambda it: it.signed(sequence=0xFFFFFFFE), OTHER_TIMES),
    "relative-lock": (lambda it: it.signed(sequence=0x0000FFFF), OTHER_TIMES),
    "sequence-0": (lambda it: it.signed(sequence=0), f"{OTHER_TIMES}|two ways"),
}

NOT_WHOLE = "does not cover the whole transaction"
WRONG_SIGNER = "is not signed by those who had to sign it, and nobody else"


def _other_hash_type(hash_type: int) -> tuple[Attack, str]:
    return lambda it: it.spend.psbt(it.key, hash_type=hash_type), NOT_WHOLE


SIGNATURES: dict[str, tuple[Attack, str]] = {
    "missing": (lambda it: it.spend.psbt(), WRONG_SIGNER),
    "the-receivers-own": (lambda it: it.spend.psbt(it.receiver_key), WRONG_SIGNER),
    "the-mediators-instead": (
        lambda it: it.spend.psbt(it.told.mediator),
        WRONG_SIGNER,
    ),
    "the-workers-instead": (lambda it: it.spend.psbt(it.told.worker), WRONG_SIGNER),
    "one-more-by-the-mediator": (lambda it: it.spend.psbt(it.key, it.told.mediator), WRONG_SIGNER),
    "one-more-by-the-worker": (lambda it: it.spend.psbt(it.key, it.told.worker), WRONG_SIGNER),
    "all-three": (lambda it: it.spend.psbt(it.key, it.told.mediator, it.told.worker), WRONG_SIGNER),
    "a-strangers": (lambda it: it.spend.psbt(MALLORY), "which its script does not name"),
    "a-strangers-too": (lambda it: it.spend.psbt(it.key, MALLORY), "which its script does not name"),
    "a-strangers-as-the-creators": (
        lambda it: it.with_signature(it.spend.signature(MALLORY)),
        "signature by .* is not valid",
    ),
    "of-another-amount": (
        lambda it: it.with_signature(replace(it.spend, amount=Sat(it.terms.amount + 1)).signature(it.key)),
        "is not valid",
    ),
    "of-another-deposit": (
        lambda it: it.with_signature(replace(it.spend, outpoint=OutPoint(SOME_TXID, 2)).signature(it.key)),
        "is not valid",
    ),
    "of-another-payment": (
        lambda it: it.with_signature(
            replace(it.spend, outputs=(it.paid(it.terms.price - 1),)).signature(it.key),
        ),
        "is not valid",
    ),
    "of-the-other-escrow": (
        lambda it: it.with_signature(
            replace(it.spend, script=multisig_script(2, _keys(it)[::-1])).signature(it.key),
        ),
        "is not valid",
    ),
    "empty": (lambda it: it.with_signature(b""), f"{NOT_WHOLE}|not valid"),
    "sighash-byte-only": (lambda it: it.with_signature(b"\x01"), "is not valid"),
    "without-sighash-byte": (lambda it: it.with_signature(it.signature[:-1]), f"{NOT_WHOLE}|not valid"),
    "bit-flipped": (
        lambda it: it.with_signature(it.signature[:40] + bytes([it.signature[40] ^ 1]) + it.signature[41:]),
        "is not valid",
    ),
    "zeros": (lambda it: it.with_signature(bytes(70) + b"\x01"), "is not valid"),
    "r-and-s-zero": (lambda it: it.with_signature(b"\x30\x06\x02\x01\x00\x02\x01\x00\x01"), "is not valid"),
    "high-s": (lambda it: it.with_signature(high_s(it.signature)), "is not valid"),
    "negated-r": (lambda it: it.with_signature(respell(it.signature, lambda r, s: (s, r))), "is not valid"),
    "padded": (
        lambda it: it.with_signature(
            b"\x30" + bytes([it.signature[1] + 1]) + b"\x02" + bytes([it.signature[3] + 1]) + b"\x00" + it.signature[4:]
        ),
        "is not valid",
    ),
    "two-sighash-bytes": (lambda it: it.with_signature(it.signature + b"\x01"), "is not valid"),
    "huge": (lambda it: it.with_signature(it.signature[:-1] + b"\x00" * 30_000 + b"\x01"), "is not valid|not a PSBT"),
    "sighash-none": _other_hash_type(0x02),
    "sighash-single": _other_hash_type(0x03),
    "sighash-all-anyone-can-pay": _other_hash_type(0x81),
    "sighash-none-anyone-can-pay": _other_hash_type(0x82),
    "sighash-single-anyone-can-pay": _other_hash_type(0x83),
    "sighash-0": _other_hash_type(0x00),
    "sighash-unknown": _other_hash_type(0x41),
    "asks-for-sighash-none": (
        lambda it: it.fine.with_input((SIGHASH_TYPE, (2).to_bytes(4, "little"))),
        "asks for a signature that does not cover the whole transaction",
    ),
    "asks-for-single-anyone-can-pay": (
        lambda it: it.fine.with_input((SIGHASH_TYPE, (0x83).to_bytes(4, "little"))),
        "asks for a signature that does not cover the whole transaction",
    ),
    "uncompressed-key": (
        lambda it: it.spend.psbt().with_input(
            (PARTIAL_SIGNATURE + PrivateKey(it.key.secret, compressed=False).public_key, it.signature)
        ),
        "does not sign under|does not name|not a PSBT|two ways",
    ),
    "key-cut-short": (
        lambda it: it.spend.psbt().with_input((PARTIAL_SIGNATURE + it.key.public_key[:-1], it.signature)),
        "does not sign under|not a PSBT|two ways",
    ),
    "no-key": (lambda it: it.spend.psbt().with_input((PARTIAL_SIGNATURE, it.signature)), "not a PSBT|does not sign"),
    "twice": (
        lambda it: replace(it.fine, inputs=((*it.fine.inputs[0], (PARTIAL_SIGNATURE + it.key.public_key, b"x")),)),
        "duplicate key",
    ),
}


def _final_witness(it: Peer) -> bytes:
    stack = (b"", it.signature, it.terms.escrow.witness_script)
    return bytes([len(stack)]) + b"".join(map(with_length, stack))


UNREAD = "holds a field Rein does not sign under|not a PSBT|two ways"

FIELDS: dict[str, tuple[Attack, str]] = {
    "proprietary-global": (lambda it: it.fine.with_globals((b"\xfc\x04rein\x00", b"pay Mallory")), UNREAD),
    "proprietary-input": (lambda it: it.fine.with_input((b"\xfc\x04rein\x00", b"x" * 500)), UNREAD),
    "proprietary-output": (lambda it: it.fine.with_output((b"\xfc\x04rein\x00", b"x")), UNREAD),
    "unknown-global": (lambda it: it.fine.with_globals((b"\x77", b"x")), UNREAD),
    "unknown-input": (lambda it: it.fine.with_input((b"\x77", b"x")), UNREAD),
    "unknown-output": (lambda it: it.fine.with_output((b"\x77", b"x")), UNREAD),
    "version-0-said": (lambda it: it.fine.with_globals((b"\xfb", bytes(4))), UNREAD),
    "version-2": (lambda it: it.fine.with_globals((b"\xfb", (2).to_bytes(4, "little"))), UNREAD),
    "version-2-outpoint": (
        lambda it: it.fine.with_input((b"\x0e", bytes.fromhex(SOME_TXID)), (b"\x0f", bytes(4))),
        UNREAD,
    ),
    "version-2-amount": (lambda it: it.fine.with_output((b"\x03", bytes(8)), (b"\x04", MALLORY_SCRIPT)), UNREAD),
    "xpub": (lambda it: it.fine.with_globals((b"\x01" + bytes(78), bytes(4))), UNREAD),
    "redeem-script": (lambda it: it.fine.with_input((REDEEM_SCRIPT, p2wsh_script(b"\x51"))), UNREAD),
    "final-script-sig": (lambda it: it.fine.with_input((FINAL_SCRIPT_SIG, b"\x51")), "finalised already|not a PSBT"),
    "final-witness": (lambda it: it.fine.with_input((FINAL_WITNESS, _final_witness(it))), "finalised already"),
    "only-final-witness": (
        lambda it: it.spend.psbt().with_input((FINAL_WITNESS, _final_witness(it))),
        "finalised already",
    ),
    "taproot-signature": (lambda it: it.fine.with_input((b"\x13", bytes(64))), UNREAD),
    "taproot-derivations-without-end": (
        lambda it: it.fine.with_input((b"\x16" + bytes(32), b"\xff" + b"\xff" * 8)),
        UNREAD,
    ),
    "hash-preimage": (lambda it: it.fine.with_input((b"\x0a" + bytes(20), b"x")), UNREAD),
    "non-witness-key-with-more": (lambda it: it.fine.with_input((NON_WITNESS_UTXO + b"x", bytes(70))), UNREAD),
    "witness-script-twice": (
        lambda it: replace(it.fine, inputs=((*it.fine.inputs[0], (WITNESS_SCRIPT, b"\x51")),)),
        "duplicate key",
    ),
    "transaction-twice": (
        lambda it: it.fine.with_globals((b"\x00", it.signed(version=1).transaction.raw)),
        "duplicate key",
    ),
    "no-transaction": (lambda it: replace(it.fine, globals=()), "no unsigned transaction"),
    "transaction-signed-already": (
        lambda it: it.fine.with_transaction(
            with_witnesses(it.spend.transaction, [[b"", it.signature, it.terms.escrow.witness_script]]).raw
        ),
        "holds signatures",
    ),
    "transaction-with-script-sig": (
        lambda it: it.fine.with_transaction(
            it.spend.transaction.raw.replace(b"\x00\xfd\xff\xff\xff", b"\x01\x51\xfd\xff\xff\xff")
        ),
        "holds signatures",
    ),
    "transaction-runs-on": (lambda it: it.fine.with_transaction(it.spend.transaction.raw + b"\x00"), "not a PSBT"),
    "no-input-map": (lambda it: replace(it.fine, inputs=()), "not a PSBT|does not show"),
    "an-input-map-too-many": (lambda it: replace(it.fine, inputs=(*it.fine.inputs, ())), "bytes follow its end"),
    "no-output-map": (lambda it: replace(it.fine, outputs=()), "ends too early"),
    "trailing-byte": (lambda it: replace(it.fine, tail=b"\x00"), "bytes follow its end"),
    "another-psbt-behind": (lambda it: replace(it.fine, tail=it.fine.to_bytes()), "bytes follow its end"),
    "thousands-of-derivations": (
        lambda it: it.fine.with_input(
            *((DERIVATION + bytes([2]) + n.to_bytes(32, "big"), bytes(8)) for n in range(1600))
        ),
        "not a PSBT|longer than|does not sign|two ways",
    ),
}


def _base64(it: Peer) -> str:
    return str(it.fine)


TEXTS: dict[str, tuple[Attack, str]] = {
    "nothing": (lambda it: "", "not a PSBT"),
    "words": (lambda it: "pay me, please", "not base64"),
    "hex": (lambda it: it.fine.to_bytes().hex(), "not a PSBT"),
    "raw-letters": (lambda it: "psbt\xff", "not a PSBT"),
    "a-transaction": (lambda it: it.spend.transaction.raw.hex(), "not a PSBT"),
    "line-break-behind": (lambda it: _base64(it) + "\n", "base64"),
    "blank-before": (lambda it: " " + _base64(it), "base64"),
    "broken-into-lines": (lambda it: "\n".join(_base64(it)[n : n + 64] for n in range(0, 400, 64)), "base64"),
    "url-safe-letters": (lambda it: _base64(it)[:-8] + "-_-_-_-_", "base64"),
    "a-letter-left-out": (lambda it: _base64(it)[:-1], "base64|not a PSBT"),
    "padding-too-much": (lambda it: _base64(it) + "====", "base64"),
    "cut-in-half": (lambda it: _base64(it)[: len(_base64(it)) // 8 * 4], "not a PSBT"),
    "doubled": (lambda it: _base64(it).rstrip("=") * 2, "not a PSBT|base64"),
    "full-width-letters": (lambda it: _base64(it).replace("p", "\uff50"), "base64"),
    "nul": (lambda it: _base64(it) + "\x00", "base64"),
    "surrogate": (lambda it: "\ud800" + _base64(it), "base64"),
    "other-magic": (lambda it: _base64(it).replace("cHNidP8", "cHNidP4", 1), "does not begin as one"),
    "huge": (lambda it: "A" * 5_000_000, "longer than 100000 letters"),
    "huge-and-not-ascii": (lambda it: "\u20bf" * 5_000_000, "longer than 100000 letters"),
    "as-large-as-may-be": (lambda it: "A" * 100_000, "not a PSBT"),
    "a-length-of-gigabytes": (lambda it: "cHNidP8B" + "AP7//////////w" * 2, "not a PSBT|base64"),
}


ATTACKS = {
    f"{group}: {name}": attack
    for group, attacks in {
        "outputs": OUTPUTS,
        "inputs": INPUTS,
        "previous": PREVIOUS,
        "times": TIMES,
        "signatures": SIGNATURES,
        "fields": FIELDS,
        "texts": TEXTS,
    }.items()
    for name, attack in attacks.items()
}

# For the mediator's payment the mediator's own signature is the receiver's own, and so on: same attack, same words.
ESCROWS = ["primary", "mediator"]


@pytest.mark.parametrize("which", ESCROWS)
@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.usefixtures("nobody_signs")
def test_a_tampered_payment_is_refused_in_plain_words_and_nothing_is_signed(which: str, name: str) -> None:
    told = deal()
    attack, why = ATTACKS[name]
    text = str(attack(Peer(told, told.terms.of(which))))
    with pytest.raises(EscrowError, match=why) as caught:
        check(text, told.terms.of(which), OUTPOINT, told.creator)
    message = caught.value.message
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 250
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("which", ESCROWS)
def test_the_honest_payment_passes(which: str) -> None:
    """What the attacks above begin with: the tampering is refused, not the way it was built."""
    told = deal()
    terms, peer = told.terms.of(which), Peer(told, told.terms.of(which))
    ours = sign_payout(agreed(terms, OUTPOINT), told.creator)
    assert str(peer.fine) == ours.to_base64()
    checked = check(str(peer.fine), terms, OUTPOINT, told.creator)
    assert checked.psbt == ours
    assert checked.payout == agreed(terms, OUTPOINT)
    final = complete_payout(checked.psbt, told.receiver_key(which))
    assert final.outputs == (terms.payout,)
    assert final.inputs == (OUTPOINT,)


@pytest.mark.parametrize("which", ESCROWS)
def test_harmless_additions_are_dropped(which: str) -> None:
    """What other wallets write beside the signature is not adopted: the rebuilt PSBT is the same to the byte."""
    told = deal()
    terms, peer = told.terms.of(which), Peer(told, told.terms.of(which))
    derivation = (DERIVATION + told.creator.public_key, bytes(4) + bytes(8))
    harmless = [
        peer.fine.with_input((SIGHASH_TYPE, (1).to_bytes(4, "little"))),
        peer.fine.with_input(derivation),
        peer.fine.with_output((b"\x02" + told.creator.public_key, bytes(8))),
    ]
    for each in harmless:
        assert check(str(each), terms, OUTPOINT, told.creator).psbt == Psbt.parse(str(peer.fine))


@pytest.mark.parametrize("which", ESCROWS)
def test_a_previous_transaction_that_agrees_is_checked_and_dropped(which: str) -> None:
    told = deal()
    terms, peer = told.terms.of(which), Peer(told, told.terms.of(which))
    shown = _previous(peer, terms.amount)
    spend = replace(peer.spend, outpoint=OutPoint(Transaction(shown).txid, 1))
    sent = str(spend.psbt(told.creator).with_input((NON_WITNESS_UTXO, shown)))
    checked = check(sent, terms, spend.outpoint, told.creator)
    assert checked.psbt == sign_payout(agreed(terms, spend.outpoint), told.creator)


def test_any_right_signature_of_the_creator_will_do() -> None:
    """ECDSA has many right signatures of one text; another one changes neither the payment nor its id."""
    told = deal()
    terms, peer = told.terms.of("primary"), Peer(told, told.terms.of("primary"))
    digest = sighash(peer.spend.transaction, peer.spend.script, peer.spend.amount, 1)
    secret = SigningKey.from_string(told.creator.secret, SECP256k1)
    other = secret.sign_digest(digest, sigencode=sigencode_der_canonize, k=20_160_131) + b"\x01"
    assert other != peer.signature
    checked = check(str(peer.with_signature(other)), terms, OUTPOINT, told.creator)
    final = complete_payout(checked.psbt, told.worker)
    assert other in final.witnesses[0]
    assert final.txid == agreed(terms, OUTPOINT).txid


@pytest.mark.parametrize("which", ESCROWS)
def test_only_keys_of_the_contract_complete_a_payment(which: str) -> None:
    told = deal()
    terms = told.terms.of(which)
    checked = check(str(Peer(told, terms).fine), terms, OUTPOINT, told.creator).psbt
    for key in (MALLORY, deal(1).worker, deal(1).mediator):
        with pytest.raises(PsbtError, match="signs none of the PSBT's inputs"):
            complete_payout(checked, key)
    with pytest.raises(PsbtError, match=r"1 of 2 signatures|0 of 1 signatures"):
        complete_payout(checked, told.creator)  # the same one again is no second signature


def test_nobody_signs_a_payment_of_an_escrow_he_has_no_key_of() -> None:
    """S2: a contract that was made with somebody else's key in my place cannot be signed by mistake."""
    with pytest.raises(PsbtError, match="signs none"):
        sign_payout(agreed(deal().terms.of("primary"), OUTPOINT), deal(1).creator)
    with pytest.raises(PsbtError, match="signs none"):
        sign_payout(agreed(deal().terms.of("mediator"), OUTPOINT), MALLORY)
