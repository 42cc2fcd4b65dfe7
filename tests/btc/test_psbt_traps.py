"""What embit, or a careless reader, lets through in a PSBT; one test a trap, named after it."""

import base64
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from embit.psbt import PSBT, InputScope, OutputScope
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import curve
from rein.btc._psbt_maps import MAX_BYTES, Fields, Maps, new_maps, read_maps, write_maps
from rein.btc.address import p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.encoding import compact_size, with_length
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, PsbtInput
from rein.btc.script import multisig_script
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, with_witnesses, witness_v0_sighash
from rein.errors import PsbtError

C, M, W, X = (PrivateKey(bytes([number]) * 32) for number in (0x11, 0x12, 0x13, 0x14))
SCRIPT = multisig_script(2, [C.public_key, M.public_key, W.public_key])
AMOUNT = Sat(1_000_000)
ESCROW = TxOutput(AMOUNT, p2wsh_script(SCRIPT))
PAYOUT = TxOutput(Sat(990_000), b"\x00\x14" + bytes(20))
FUNDING = build_unsigned([OutPoint("ee" * 32, 0)], [PAYOUT, ESCROW])
POINT = OutPoint(FUNDING.txid, 1)
GOOD = Psbt.create([PsbtInput(POINT, AMOUNT, SCRIPT)], [PAYOUT])

NON_WITNESS_UTXO, WITNESS_UTXO, PARTIAL_SIG, SIGHASH, WITNESS_SCRIPT = (bytes([kind]) for kind in (0, 1, 2, 3, 5))


def changed(psbt: Psbt = GOOD, **fields: Any) -> bytes:
    return write_maps(dataclasses.replace(read_maps(psbt.raw), **fields))


def with_input(additions: Fields, psbt: Psbt = GOOD, remove: tuple[bytes, ...] = ()) -> bytes:
    """The PSBT with fields of its first input added, replaced or removed."""
    first, *others = read_maps(psbt.raw).inputs
    kept = {key: value for key, value in (first | additions).items() if key not in remove}
    return changed(psbt, inputs=(kept, *others))


def with_global(additions: Fields) -> bytes:
    return changed(globals=read_maps(GOOD.raw).globals | additions)


def with_output(additions: Fields) -> bytes:
    return changed(outputs=(additions,))


def with_signature(key: PrivateKey, signature: bytes) -> Psbt:
    return Psbt(with_input({PARTIAL_SIG + key.public_key: signature}))


def digest(psbt: Psbt = GOOD) -> bytes:
    return witness_v0_sighash(psbt.transaction, 0, SCRIPT, AMOUNT)


def refused(raw: bytes, why: str, strict: bool = True) -> None:
    with pytest.raises(PsbtError, match=why):
        Psbt(raw, strict)
    with pytest.raises(PsbtError, match=why):
        Psbt.parse(base64.b64encode(raw).decode(), strict)


class TestWhatEmbitSigns:
    def test_a_witness_script_that_is_not_the_outputs(self) -> None:
        other = multisig_script(1, [C.public_key, X.public_key])
        refused(with_input({WITNESS_SCRIPT: other}), "witness script that is not the one of its output")

    def test_an_amount_that_contradicts_the_previous_transaction(self) -> None:
        lie = TxOutput(Sat(AMOUNT - 1), ESCROW.script).to_bytes()
        assert Psbt(with_input({NON_WITNESS_UTXO: FUNDING.raw})).sign(C).inputs[0].amount == AMOUNT
        refused(with_input({NON_WITNESS_UTXO: FUNDING.raw, WITNESS_UTXO: lie}), "another output than its previous")

    def test_a_previous_transaction_of_another_id(self) -> None:
        other = build_unsigned([OutPoint("ee" * 32, 1)], [PAYOUT, ESCROW])
        refused(with_input({NON_WITNESS_UTXO: other.raw}), "another output than its previous")

    def test_a_previous_transaction_with_too_few_outputs(self) -> None:
        short = build_unsigned([OutPoint("ee" * 32, 0)], [ESCROW])
        psbt = Psbt.create([PsbtInput(OutPoint(short.txid, 1), AMOUNT, SCRIPT)], [PAYOUT])
        refused(with_input({NON_WITNESS_UTXO: short.raw}, psbt), "another output than its previous")

    def test_a_previous_transaction_with_witnesses_is_compared_by_txid(self) -> None:
        signed = with_witnesses(FUNDING, [[b"x"]])
        assert Psbt(with_input({NON_WITNESS_UTXO: signed.raw})).sign(C).partial_signatures(0)

    @pytest.mark.parametrize("asked", [0, 2, 3, 0x81, 0x82, 0x83, 0x101, 2**32 - 1])
    def test_another_sighash_because_the_psbt_asks(self, asked: int) -> None:
        raw = with_input({SIGHASH: asked.to_bytes(4, "little")})
        refused(raw, "does not cover the whole transaction")
        with pytest.raises(PsbtError, match="does not cover the whole transaction"):
            Psbt(raw, strict=False).sign(C)

    def test_sighash_all_may_be_asked(self) -> None:
        psbt = Psbt(with_input({SIGHASH: b"\1\0\0\0"})).sign(C)
        assert psbt.partial_signatures(0)[C.public_key][-1] == 1

    def test_p2sh_given_only_a_witness_utxo(self) -> None:
        p2sh = TxOutput(AMOUNT, b"\xa9\x14" + bytes(20) + b"\x87").to_bytes()
        refused(with_input({WITNESS_UTXO: p2sh, b"\x04": SCRIPT}), "a field Rein does not sign under: 04")
        refused(with_input({WITNESS_UTXO: p2sh}), "witness script that is not the one")

    def test_p2pkh_given_only_a_witness_utxo(self) -> None:
        p2pkh = TxOutput(AMOUNT, b"\x76\xa9\x14" + bytes(20) + b"\x88\xac").to_bytes()
        refused(with_input({WITNESS_UTXO: p2pkh}, remove=(WITNESS_SCRIPT,)), "does not show the output")

    @pytest.mark.parametrize("missing", [WITNESS_UTXO, WITNESS_SCRIPT])
    def test_an_input_that_does_not_show_what_it_spends(self, missing: bytes) -> None:
        refused(with_input({}, remove=(missing,)), "does not show the output")

    @pytest.mark.parametrize(
        "value", [b"", b"\0" * 8, ESCROW.to_bytes() + b"\0", b"\xff" * 8 + b"\0", b"\0" * 8 + b"\5"]
    )
    def test_a_malformed_output(self, value: bytes) -> None:
        refused(with_input({WITNESS_UTXO: value}), "malformed|read in two ways")

    def test_more_paid_out_than_spent(self) -> None:
        with pytest.raises(PsbtError, match="pays out more"):
            Psbt.create([PsbtInput(POINT, Sat(1), SCRIPT)], [PAYOUT])
        loose = Psbt(with_input({WITNESS_UTXO: TxOutput(Sat(1), ESCROW.script).to_bytes()}), strict=False)
        with pytest.raises(PsbtError, match="pays out more"):
            _ = loose.fee

    def test_signatures_are_not_ground_for_a_low_r(self) -> None:
        assert GOOD.sign(C).partial_signatures(0) == {C.public_key: curve.sign_der(C.secret, digest()) + b"\x01"}


class TestSignaturesThatAreThere:
    """embit keeps, replaces and combines partial signatures without looking at them."""

    def signature(self) -> bytes:
        return curve.sign_der(M.secret, digest())

    @pytest.mark.parametrize("flag", [0, 2, 3, 0x81, 0x82, 0x83])
    def test_another_sighash_byte(self, flag: int) -> None:
        with pytest.raises(PsbtError, match="does not cover the whole transaction"):
            with_signature(M, self.signature() + bytes([flag])).verify_signatures()

    def test_by_a_key_the_script_does_not_name(self) -> None:
        psbt = with_signature(X, curve.sign_der(X.secret, digest()) + b"\x01")
        with pytest.raises(PsbtError, match=f"input 0 holds a signature by {X.public_key.hex()}"):
            psbt.verify_signatures()

    def test_of_another_key(self) -> None:
        with pytest.raises(PsbtError, match=f"input 0's signature by {C.public_key.hex()} is not valid"):
            with_signature(C, self.signature() + b"\x01").verify_signatures()

    def test_of_another_transaction(self) -> None:
        other = Psbt.create([PsbtInput(POINT, AMOUNT, SCRIPT)], [TxOutput(Sat(1), PAYOUT.script)]).sign(M)
        with pytest.raises(PsbtError, match="is not valid"):
            with_signature(M, other.partial_signatures(0)[M.public_key]).verify_signatures()

    def test_of_another_amount(self) -> None:
        other = Psbt.create([PsbtInput(POINT, Sat(AMOUNT + 1), SCRIPT)], [PAYOUT]).sign(M)
        with pytest.raises(PsbtError, match="is not valid"):
            with_signature(M, other.partial_signatures(0)[M.public_key]).verify_signatures()

    def test_high_s_and_loose_der(self) -> None:
        from rein.btc import _der

        r, s = _der.decode(self.signature()) or (0, 0)
        high = _der.encode(r, curve.ORDER - s)
        for bad in (high, self.signature() + b"\0", b"", b"\x30", bytes(72), self.signature()[:-1]):
            with pytest.raises(PsbtError, match="is not valid"):
                with_signature(M, bad + b"\x01").verify_signatures()

    def test_an_empty_signature(self) -> None:
        with pytest.raises(PsbtError, match="does not cover"):
            with_signature(M, b"").verify_signatures()

    def test_they_stop_signing_combining_and_finalising(self) -> None:
        bad = with_signature(M, self.signature()[:-1] + b"\0\x01")
        for operation in (lambda: bad.sign(C), lambda: GOOD.combine(bad), lambda: bad.combine(GOOD), bad.finalize):
            with pytest.raises(PsbtError, match="is not valid"):
                operation()


class TestWhatTwoProgramsReadDifferently:
    def test_a_sequence_of_zero_that_embit_rewrites(self) -> None:
        transaction = build_unsigned([POINT], [PAYOUT], sequence=0)
        raw = write_maps(new_maps(transaction, read_maps(GOOD.raw).inputs))
        assert PSBT.parse(raw).tx.serialize() != transaction.raw
        refused(raw, "read in two ways")

    def test_a_version_of_zero_that_embit_rewrites(self) -> None:
        transaction = build_unsigned([POINT], [PAYOUT], version=0)
        refused(write_maps(new_maps(transaction, read_maps(GOOD.raw).inputs)), "read in two ways")

    def test_version_2_fields_that_replace_the_outpoint(self) -> None:
        """In a version 0 PSBT embit lets PSBT_IN_PREVIOUS_TXID change what is spent."""
        raw = with_input({b"\x0e": b"\xaa" * 32, b"\x0f": bytes(4)})
        assert PSBT.parse(raw).tx.serialize() != GOOD.transaction.raw
        refused(raw, "read in two ways")
        refused(raw, "read in two ways", strict=False)

    def test_version_2_fields_that_replace_an_output(self) -> None:
        refused(with_output({b"\x03": bytes(8), b"\x04": b"\x51"}), "read in two ways", strict=False)

    @pytest.mark.parametrize("version", [0, 1, 2])
    def test_a_version_field(self, version: int) -> None:
        refused(with_global({b"\xfb": version.to_bytes(4, "little")}), "not of version 0", strict=False)

    def test_version_2_with_a_count_embit_would_allocate(self) -> None:
        raw = b"psbt\xff" + with_length(b"\xfb") + with_length(b"\2\0\0\0")
        raw += with_length(b"\x04") + with_length(compact_size(2**40)) + b"\0"
        refused(raw, "not of version 0", strict=False)

    def test_a_previous_transaction_longer_than_its_field(self) -> None:
        """embit reads a whole transaction whatever length the field states."""
        for value in (FUNDING.raw[:-1], FUNDING.raw + b"\0", b""):
            refused(
                with_input({NON_WITNESS_UTXO: value}), "malformed|read in two ways|too early|bytes follow", strict=False
            )

    def test_long_form_lengths(self) -> None:
        at = GOOD.raw.index(b"\x01\x01" + bytes([len(ESCROW.to_bytes())]))
        raw = GOOD.raw[:at] + b"\xfd\x01\x00" + GOOD.raw[at + 1 :]
        PSBT.parse(raw)
        refused(raw, "longer than needed", strict=False)

    def test_the_same_key_twice(self) -> None:
        field = with_length(b"\xf0") + with_length(b"x")
        raw = GOOD.raw[:-2] + field + field + GOOD.raw[-2:]
        refused(raw, "duplicate key", strict=False)

    def test_a_second_transaction_under_a_longer_key(self) -> None:
        refused(with_global({b"\x00\x01": GOOD.transaction.raw}), "an odd one", strict=False)

    def test_bytes_after_the_end(self) -> None:
        refused(GOOD.raw + b"\0", "bytes follow", strict=False)

    def test_a_taproot_leaf_count_embit_would_loop_over(self) -> None:
        bomb = b"\xff" + b"\xff" * 8
        refused(with_input({b"\x16" + bytes(31) + b"\1": bomb}), "cut short", strict=False)
        refused(with_output({b"\x07" + bytes(31) + b"\1": bomb}), "cut short", strict=False)
        refused(with_output({b"\x07" + bytes(31) + b"\1": b""}), "too early", strict=False)

    def test_filled_script_sig_in_the_unsigned_transaction(self) -> None:
        raw = GOOD.transaction.raw
        filled = raw[:41] + b"\x01\x51" + raw[42:]
        refused(write_maps(Maps(GOOD.transaction, {b"\0": filled}, ({},), ({},))), "holds signatures", strict=False)

    def test_unsigned_transaction_with_witnesses(self) -> None:
        signed = with_witnesses(GOOD.transaction, [[b"x"]]).raw
        refused(write_maps(Maps(GOOD.transaction, {b"\0": signed}, ({},), ({},))), "holds signatures", strict=False)

    def test_unsigned_transaction_in_empty_witness_form(self) -> None:
        raw = GOOD.transaction.raw
        odd = raw[:4] + b"\0\1" + raw[4:-4] + b"\0" + raw[-4:]
        refused(write_maps(Maps(GOOD.transaction, {b"\0": odd}, ({},), ({},))), "proper spelling", strict=False)

    @pytest.mark.parametrize(
        "raw", [b"", b"psbt\xff", b"psbt\xff\0", b"psbt\xff\xff", b"psbt\xff\x01", b"psbt\xfe\x01\0"]
    )
    def test_cut_short(self, raw: bytes) -> None:
        refused(raw, "not a PSBT", strict=False)


UNKNOWN: list[tuple[Callable[[Fields], bytes], Fields]] = [
    (with_global, {b"\xfc\x04rein\x00": b"proprietary"}),
    (with_global, {b"\x0a": b"unknown"}),
    (with_input, {b"\xfc\x04rein\x00": b"proprietary"}),
    (with_input, {b"\xf0": b"unknown"}),
    (with_input, {b"\xfd\xf0\x00": b"unknown wide type"}),
    (with_input, {b"\x0a" + bytes(20): b"preimage"}),
    (with_output, {b"\xf0": b"unknown"}),
    (with_output, {b"\xfc\x04rein\x00": b"proprietary"}),
]


class TestFieldsWeDoNotUnderstand:
    @pytest.mark.parametrize(("where", "fields"), UNKNOWN)
    def test_strict_refuses_and_lenient_preserves(self, where: Callable[[Fields], bytes], fields: Fields) -> None:
        raw = where(fields)
        refused(raw, "a field Rein does not sign under")
        lenient = Psbt(raw, strict=False)
        assert lenient.to_bytes() == raw
        assert lenient.inputs == GOOD.inputs
        for operation in (lambda: lenient.sign(C), lambda: lenient.combine(GOOD), lenient.finalize):
            with pytest.raises(PsbtError, match="a field Rein does not sign under"):
                operation()
        with pytest.raises(PsbtError, match="a field Rein does not sign under"):
            GOOD.combine(lenient)

    def test_key_derivations_are_harmless(self) -> None:
        derivation = {b"\x06" + C.public_key: bytes(8)}
        psbt = Psbt(with_input(derivation)).sign(C)
        assert read_maps(psbt.raw).inputs[0][b"\x06" + C.public_key] == bytes(8)
        assert psbt.combine(GOOD.sign(M)).finalize().txid == GOOD.transaction.txid

    @pytest.mark.parametrize("final", [{b"\x07": b"\x51"}, {b"\x08": b"\1\0"}])
    def test_an_input_that_is_finalised_already(self, final: Fields) -> None:
        refused(with_input(final), "finalised already")

    @pytest.mark.parametrize("key", [b"\x02" + bytes(33), b"\x02" + C.public_key[:-1], b"\x02", b"\x03\0", b"\x05\0"])
    def test_malformed_keys(self, key: bytes) -> None:
        refused(with_input({key: b"\1\0\0\0"}), "malformed|read in two ways", strict=False)

    def test_a_signature_by_an_uncompressed_key(self) -> None:
        uncompressed = PrivateKey(C.secret, compressed=False).public_key
        refused(with_input({PARTIAL_SIG + uncompressed: bytes(71)}), "a field Rein does not sign under")


TEXT = GOOD.to_base64()
SPELLINGS = {
    "nothing": "",
    "newline": TEXT + "\n",
    "CRLF": TEXT + "\r\n",
    "newline inside": TEXT[:60] + "\n" + TEXT[60:],
    "space": " " + TEXT,
    "exclamation mark": TEXT[:60] + "!" + TEXT[60:],
    "more padding": TEXT + "====",
    "cut": TEXT[:-1],
    "hexadecimal": GOOD.raw.hex(),
    "URL alphabet": TEXT.replace("/", "_").replace("+", "-"),
    "surrogate": TEXT + "\ud800",
    "full width": TEXT.replace("c", "\uff43"),
    "too long": "A" * 100_001,
    "huge": TEXT * 10_000,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("strict", [True, False])
def test_only_the_exact_base64(text: str, strict: bool) -> None:
    assert text != TEXT
    with pytest.raises(PsbtError):
        Psbt.parse(text, strict)


def test_non_zero_trailing_bits() -> None:
    padded = Psbt(with_output({b"\x01": b"x" * next(n for n in range(3) if padding(n))})).to_base64()
    assert padded.endswith("=")
    at = len(padded.rstrip("=")) - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    odd = padded[:at] + alphabet[alphabet.index(padded[at]) + 1] + padded[at + 1 :]
    assert base64.b64decode(odd, validate=True) == base64.b64decode(padded)
    with pytest.raises(PsbtError, match="not the exact one"):
        Psbt.parse(odd)


def padding(length: int) -> int:
    return (-len(with_output({b"\x01": b"x" * length}))) % 3


def test_size_limit() -> None:
    room = MAX_BYTES - len(with_output({b"\x01": bytes(70_000)})) + 70_000
    assert len(Psbt(with_output({b"\x01": bytes(room)})).to_base64()) == 100_000
    refused(with_output({b"\x01": bytes(room + 1)}), "larger than|longer than")


@given(st.integers(0, len(GOOD.raw) - 1), st.binary(max_size=3), st.integers(0, 3), st.booleans())
def test_any_changed_bytes_are_read_consistently_or_our_error(at: int, insert: bytes, cut: int, strict: bool) -> None:
    """embit alone answers with six kinds of exception."""
    raw = GOOD.raw[:at] + insert + GOOD.raw[at + cut :]
    try:
        psbt = Psbt(raw, strict)
        assert psbt.to_bytes() == raw
        assert PSBT.parse(raw).tx.serialize() == psbt.transaction.raw
        psbt.sign(C).verify_signatures()
    except PsbtError:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_our_error(data: bytes) -> None:
    for raw in (data, b"psbt\xff" + data, b"psbt\xff\x01\x00" + with_length(GOOD.transaction.raw) + b"\0" + data):
        try:
            Psbt(raw, strict=False)
        except PsbtError:
            pass


def test_embits_shared_defaults_stay_empty() -> None:
    """`InputScope(unknown={})`: what one PSBT holds would appear in every later PSBT of the process."""
    for where, fields in UNKNOWN:
        Psbt(where(fields), strict=False)
    GOOD.sign(C).combine(GOOD.sign(M)).finalize()
    assert (InputScope().unknown, OutputScope().unknown, PSBT().unknown) == ({}, {}, {})
    assert Psbt.create([PsbtInput(POINT, AMOUNT, SCRIPT)], [PAYOUT]) == GOOD


def test_creation_refuses_what_makes_no_transaction() -> None:
    item = PsbtInput(POINT, AMOUNT, SCRIPT)
    for inputs, outputs in (([], [PAYOUT]), ([item], []), ([item, item], [PAYOUT])):
        with pytest.raises(PsbtError):
            Psbt.create(inputs, outputs)
    with pytest.raises(PsbtError):
        Psbt.create([dataclasses.replace(item, amount=Sat(-1))], [PAYOUT])


def test_embit_itself_reads_and_finishes_what_we_sign() -> None:
    """The other direction: our PSBT of a plain multisig is one another program can work with."""
    from embit.finalizer import finalize_psbt

    psbt = GOOD.sign(C).sign(W)
    theirs = finalize_psbt(PSBT.from_base64(psbt.to_base64()))
    assert Transaction(theirs.serialize()) == psbt.finalize()
