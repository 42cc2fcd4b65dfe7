"""BIP174's own vectors, byte for byte. What is not ours is read with `strict=False`, and never signed."""

from __future__ import annotations

from base64 import b64decode

import pytest

from rein.btc import curve
from rein.btc._psbt_checks import PARTIAL_SIGNATURE, REDEEM_SCRIPT, signatures_in, with_signatures
from rein.btc._psbt_maps import Maps, read_maps, write_maps
from rein.btc.keys import PrivateKey
from rein.btc.networks import TESTNET4
from rein.btc.psbt import Psbt, read_psbt
from rein.btc.psbt_any import SignatureStatus, combine_psbts, inspect_psbt
from rein.btc.psbt_p2sh import P2shPsbt
from rein.btc.redeem import script_sig
from rein.btc.script import parse_multisig
from rein.btc.transaction import legacy_sighash, with_script_sigs, with_witnesses, witness_v0_sighash
from rein.errors import PsbtError
from tests.btc import bip174

COMBINED = b64decode(bip174.COMBINED)
EMPTY = [case for case in bip174.VALID if "0 inputs" in case]


def test_there_are_as_many_as_in_the_bip() -> None:
    counts = [len(cases) for cases in (bip174.VALID, bip174.INVALID, bip174.FAILS_SIGNER_CHECKS, EMPTY)]
    assert counts == [10, 20, 4, 2]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("case", bip174.INVALID)
def test_invalid(case: str, strict: bool) -> None:
    text = bip174.INVALID[case]
    with pytest.raises(PsbtError):
        Psbt.parse(text, strict)
    for data in (text.encode(), b64decode(text), b64decode(text).hex().encode()):
        with pytest.raises(PsbtError):
            read_psbt(data, strict)
    with pytest.raises(PsbtError):
        inspect_psbt(b64decode(text))
    with pytest.raises(PsbtError):
        P2shPsbt(b64decode(text))


@pytest.mark.parametrize("case", [case for case in bip174.VALID if case not in EMPTY])
def test_valid(case: str) -> None:
    text = bip174.VALID[case]
    psbt = Psbt.parse(text, strict=False)
    assert psbt.to_base64() == text
    assert psbt.to_bytes() == b64decode(text)
    seen = inspect_psbt(psbt.raw)
    assert seen.transaction == psbt.transaction
    assert SignatureStatus.INVALID not in {verdict for item in seen.inputs for verdict in item.signatures.values()}


@pytest.mark.parametrize("case", EMPTY)
def test_without_inputs(case: str) -> None:
    """No escrow spends nothing, and embit refuses them too."""
    with pytest.raises(PsbtError):
        Psbt.parse(bip174.VALID[case], strict=False)


@pytest.mark.parametrize("case", bip174.FAILS_SIGNER_CHECKS)
def test_fails_signer_checks(case: str) -> None:
    with pytest.raises(PsbtError):
        Psbt.parse(bip174.FAILS_SIGNER_CHECKS[case])
    with pytest.raises(PsbtError):
        Psbt.parse(bip174.FAILS_SIGNER_CHECKS[case], strict=False).sign(PrivateKey(bytes([1]) * 32))
    with pytest.raises(PsbtError):
        P2shPsbt(b64decode(bip174.FAILS_SIGNER_CHECKS[case]))


def without_signatures() -> Maps:
    maps = read_maps(COMBINED)
    inputs = tuple({k: v for k, v in fields.items() if k[:1] != PARTIAL_SIGNATURE} for fields in maps.inputs)
    return Maps(maps.transaction, maps.globals, inputs, maps.outputs)


def signed_by(wifs: tuple[str, ...]) -> bytes:
    """What BIP174's signer must create: a legacy and a segwit signature, each digest made by us."""
    maps = without_signatures()
    redeem, witness_script = maps.inputs[0][REDEEM_SCRIPT], maps.inputs[1][b"\x05"]
    amount = inspect_psbt(COMBINED).inputs[1].output.amount  # type: ignore[union-attr]  # it shows one
    digests = (
        legacy_sighash(maps.transaction, 0, redeem),
        witness_v0_sighash(maps.transaction, 1, witness_script, amount),
    )
    additions = {}
    for index, (wif, digest) in enumerate(zip(wifs, digests, strict=True)):
        key = PrivateKey.from_wif(wif, TESTNET4)
        additions[index] = {key.public_key: curve.sign_der(key.secret, digest) + b"\x01"}
    return write_maps(with_signatures(maps, additions))


def test_signers_and_combiner() -> None:
    one, other = signed_by(bip174.SIGNER_1), signed_by(bip174.SIGNER_2)
    assert combine_psbts(one, other) == combine_psbts(other, one)
    # The BIP's own example keeps the keys of its second input in another order.
    assert read_maps(combine_psbts(one, other)) == read_maps(COMBINED)
    assert combine_psbts(one, COMBINED) == combine_psbts(one, other)


def test_every_signature_of_the_combined_one_is_found_right() -> None:
    seen = inspect_psbt(COMBINED)
    assert [list(item.signatures.values()) for item in seen.inputs] == [[SignatureStatus.VALID] * 2] * 2
    assert [item.proved for item in seen.inputs] == [True, False]
    assert not seen.proved
    assert seen.fee == 10_000


def test_finaliser_and_extractor() -> None:
    """The P2SH input, which has the script of a plain multisig; then the size of the whole, as it was told before."""
    maps = read_maps(COMBINED)
    redeem = maps.inputs[0][REDEEM_SCRIPT]
    form = parse_multisig(redeem)
    assert form is not None
    signatures = signatures_in(maps.inputs[0])
    ours = script_sig([signatures[key] for key in form.keys], redeem)
    assert ours.hex() == bip174.FINAL_SCRIPT_SIG
    second, witness_script = signatures_in(maps.inputs[1]), maps.inputs[1][b"\x05"]
    keys = parse_multisig(witness_script)
    assert keys is not None
    program = maps.inputs[1][REDEEM_SCRIPT]
    bare = with_script_sigs(maps.transaction, [ours, bytes([len(program)]) + program])
    final = with_witnesses(bare, [[], [b"", *(second[key] for key in keys.keys), witness_script]])
    vsize = inspect_psbt(COMBINED).vsize
    assert vsize is not None
    assert 0 <= vsize - final.vsize <= 3, "signatures were counted at their longest"


def test_combiner_with_unknown_fields() -> None:
    one, other = (bytes.fromhex(text) for text in bip174.UNKNOWN_FIELDS)
    expected = bytes.fromhex(bip174.UNKNOWN_FIELDS_COMBINED)
    assert combine_psbts(one, other) == combine_psbts(other, one) == expected
    assert combine_psbts(expected, one) == expected


def test_a_combiner_takes_no_wrong_signature_and_no_contradiction() -> None:
    one, other = signed_by(bip174.SIGNER_1), signed_by(bip174.SIGNER_2)
    maps = read_maps(other)
    [key] = signatures_in(maps.inputs[0])
    forged = with_signatures(maps, {0: {key: curve.sign_der(b"\x01" * 32, b"\x02" * 32) + b"\x01"}})
    with pytest.raises(PsbtError, match=f"input 0's signature by {key.hex()}: not valid"):
        combine_psbts(one, write_maps(forged))
    with pytest.raises(PsbtError, match="contradict"):
        combine_psbts(other, write_maps(forged))
    with pytest.raises(PsbtError, match="not of the same transaction"):
        combine_psbts(one, bytes.fromhex(bip174.UNKNOWN_FIELDS[0]))
