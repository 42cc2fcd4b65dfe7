"""Spends of the P2SH escrows of 2016, from a PSBT to what Bitcoin Core's engine says; and the fee attack (S27)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bitcoin.core import CTransaction
from bitcoin.core.script import SIGHASH_ALL, CScript, SignatureHash
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import curve
from rein.btc._psbt_maps import Fields, read_maps, write_maps
from rein.btc.address import p2sh_script, p2wpkh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, read_psbt
from rein.btc.psbt_any import SignatureStatus, combine_psbts, inspect_psbt
from rein.btc.psbt_p2sh import P2shInput, P2shPsbt
from rein.btc.redeem import push
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    legacy_sighash,
    with_script_sigs,
    with_witnesses,
)
from rein.errors import InputError, PsbtError
from tests.support.old_escrows import ENOUGH, PEOPLE, keys, scripts

Judge = Callable[[Transaction, int, TxOutput], bool]

AMOUNT = Sat(5_000_000)
PAYOUT = TxOutput(Sat(4_990_000), p2wpkh_script(PEOPLE["W"].public_key))
SIGNERS = ["".join(names) for size in range(4) for names in itertools.combinations("CMW", size)]
UNCOMPRESSED = ["", "C", "MW", "CMW"]

NON_WITNESS_UTXO, WITNESS_UTXO, PARTIAL_SIG, SIGHASH, REDEEM = (bytes([kind]) for kind in range(5))


def funding(*redeem_scripts: bytes, amount: Sat = AMOUNT) -> Transaction:
    """A transaction that pays each of them; the output before is somebody else's."""
    outputs = [PAYOUT, *(TxOutput(amount, p2sh_script(script)) for script in redeem_scripts)]
    return build_unsigned([OutPoint("ee" * 32, 0)], outputs)


def spend(script: bytes, outputs: Sequence[TxOutput] = (PAYOUT,)) -> P2shPsbt:
    return P2shPsbt.create([P2shInput(funding(script), 1, script)], outputs)


def signed(psbt: P2shPsbt, signers: Sequence[PrivateKey]) -> P2shPsbt:
    for key in signers:
        psbt = psbt.sign(key)
    return psbt


@pytest.mark.parametrize("uncompressed", UNCOMPRESSED)
@pytest.mark.parametrize("who", SIGNERS)
@pytest.mark.parametrize("kind", list(ENOUGH))
class TestEverySetOfSigners:
    def test_it_finishes_for_just_these(self, kind: str, who: str, uncompressed: str, judge: Judge) -> None:
        script, people = scripts(uncompressed)[kind], keys(uncompressed)
        psbt = signed(spend(script), [people[name] for name in who])
        assert psbt.is_complete == (who in ENOUGH[kind])
        if who not in ENOUGH[kind]:
            with pytest.raises(PsbtError, match="missing"):
                psbt.finalize()
            return
        final = psbt.finalize()
        assert judge(final, 0, TxOutput(AMOUNT, p2sh_script(script)))
        signatures = 3 if "January" in kind and "mediator" in kind else 2
        assert psbt.vsize - 3 * signatures <= final.vsize <= psbt.vsize
        assert final.witnesses == ((),)
        assert final.outputs == (PAYOUT,)

    def test_the_engine_refuses_all_others(self, kind: str, who: str, uncompressed: str, judge: Judge) -> None:
        """Whatever these people could write into a scriptSig, with blanks and a stranger's signature beside theirs."""
        script, people = scripts(uncompressed)[kind], keys(uncompressed)
        tx = spend(script).transaction
        digest = legacy_sighash(tx, 0, script)
        items = [curve.sign_der(people[name].secret, digest) + b"\x01" for name in (*who, "X")] + [b""]
        orders = {order for size in (1, 2, 3) for order in itertools.permutations(items, size)}
        verdicts = [
            judge(
                with_script_sigs(tx, [b"\x00" + b"".join(map(push, order)) + push(script)]),
                0,
                TxOutput(AMOUNT, p2sh_script(script)),
            )
            for order in sorted(orders)
        ]
        assert any(verdicts) == (who in ENOUGH[kind])


@pytest.mark.parametrize("uncompressed", UNCOMPRESSED)
@pytest.mark.parametrize("kind", list(ENOUGH))
def test_order_of_signing_and_combining_does_not_matter(kind: str, uncompressed: str) -> None:
    script, people = scripts(uncompressed)[kind], keys(uncompressed)
    unsigned = spend(script)
    results = set()
    for order in itertools.permutations("CMW"):
        one_after_another = signed(unsigned, [people[name] for name in order])
        first, *others = (unsigned.sign(people[name]) for name in order)
        for other in others:
            first = first.combine(P2shPsbt.read(other.to_base64().encode()))
        assert first == one_after_another
        assert combine_psbts(unsigned.sign(people[order[0]]).raw, first.raw) == first.raw
        results.add((first.raw, first.finalize().raw))
    assert len(results) == 1


def test_several_outputs_of_both_escrows_at_once(judge: Judge) -> None:
    both = [scripts("W")["primary"], scripts("W")["mediator's"]]
    previous = funding(*both)
    other = funding(both[0], amount=Sat(70_000))
    inputs = [P2shInput(previous, 1, both[0]), P2shInput(previous, 2, both[1]), P2shInput(other, 1, both[0])]
    psbt = P2shPsbt.create(inputs, [TxOutput(Sat(10_000_000), PAYOUT.script), TxOutput(Sat(60_000), PAYOUT.script)])
    assert psbt.fee == 10_000
    final = signed(psbt, [keys("W")["W"], keys("W")["M"]]).finalize()
    assert all(judge(final, index, item.output) for index, item in enumerate(inputs))
    assert not judge(final, 0, inputs[1].output)


def test_a_signature_made_without_the_amount_is_good_for_any_amount(judge: Judge) -> None:
    """S27, the reason for all that follows: Bitcoin Core does not mind what the spent output holds."""
    script = scripts()["primary"]
    final = signed(spend(script), [PEOPLE["C"], PEOPLE["W"]]).finalize()
    for amount in (AMOUNT, Sat(AMOUNT * 100)):
        assert judge(final, 0, TxOutput(amount, p2sh_script(script)))


def test_a_previous_transaction_with_its_witnesses_is_the_same_one() -> None:
    script = scripts()["primary"]
    bare = funding(script)
    full = with_witnesses(bare, [[b"\x01" * 71]])
    assert (full.txid, full.raw == bare.raw) == (bare.txid, False)
    psbts = [P2shPsbt.create([P2shInput(each, 1, script)], [PAYOUT]) for each in (bare, full)]
    both = psbts[0].sign(PEOPLE["C"]).combine(psbts[1].sign(PEOPLE["W"]))
    assert both.finalize() == signed(psbts[1], [PEOPLE["C"], PEOPLE["W"]]).finalize()


SCRIPT = scripts()["primary"]
GOOD = spend(SCRIPT)
RICH = funding(SCRIPT, amount=Sat(AMOUNT * 100))


def with_input(changes: Fields, remove: Sequence[bytes] = (), psbt: P2shPsbt = GOOD) -> bytes:
    maps = read_maps(psbt.raw)
    kept = {key: value for key, value in (maps.inputs[0] | changes).items() if key not in remove}
    return write_maps(dataclasses.replace(maps, inputs=(kept,)))


def signature_of(key: PrivateKey, hash_type: int = 1, digest: bytes | None = None) -> bytes:
    return curve.sign_der(key.secret, digest or legacy_sighash(GOOD.transaction, 0, SCRIPT)) + bytes([hash_type])


CREATOR = PEOPLE["C"].public_key
HOSTILE: dict[str, tuple[bytes, str]] = {
    "no previous transaction": (with_input({}, [NON_WITNESS_UTXO]), "whole transaction"),
    "an amount only": (
        with_input({WITNESS_UTXO: GOOD.inputs[0].output.to_bytes()}, [NON_WITNESS_UTXO]),
        "does not sign under",
    ),
    "an amount beside the transaction": (
        with_input({WITNESS_UTXO: GOOD.inputs[0].output.to_bytes()}),
        "does not sign under",
    ),
    "a richer previous transaction": (with_input({NON_WITNESS_UTXO: RICH.raw}), "another transaction"),
    "a broken previous transaction": (with_input({NON_WITNESS_UTXO: b"\x02\x00"}), "not a PSBT|malformed"),
    "no redeem script": (with_input({}, [REDEEM]), "redeem script"),
    "another redeem script": (with_input({REDEEM: scripts()["primary of January"]}), "another script"),
    "a script of no escrow": (with_input({REDEEM: b"\x51"}), "not the redeem script"),
    "SIGHASH_NONE asked": (with_input({SIGHASH: b"\x02\x00\x00\x00"}), "does not cover"),
    "an unknown field": (with_input({b"\xfc": b"\x01"}), "does not sign under"),
    "a witness script": (with_input({b"\x05": SCRIPT}), "does not sign under"),
    "finalised": (with_input({b"\x07": b"\x00"}), "finalised already"),
    "pays out more than it spends": (
        write_maps(
            dataclasses.replace(
                read_maps(GOOD.raw),
                transaction=(
                    more := build_unsigned(GOOD.transaction.inputs, [TxOutput(Sat(AMOUNT + 1), PAYOUT.script)])
                ),
                globals={b"\x00": more.raw},
            )
        ),
        "more than it spends",
    ),
}
BADLY_SIGNED: dict[str, tuple[bytes, bytes, str]] = {
    "a stranger's": (PEOPLE["X"].public_key, signature_of(PEOPLE["X"]), "does not name"),
    "under another's key": (CREATOR, signature_of(PEOPLE["X"]), "not valid"),
    "of another transaction": (CREATOR, signature_of(PEOPLE["C"], digest=b"\x07" * 32), "not valid"),
    "SIGHASH_NONE": (CREATOR, signature_of(PEOPLE["C"], 2), "does not cover"),
    "SIGHASH_ALL with ANYONECANPAY": (CREATOR, signature_of(PEOPLE["C"], 0x81), "does not cover"),
    "the uncompressed spelling of a compressed key": (
        keys("C")["C"].public_key,
        signature_of(PEOPLE["C"]),
        "does not name",
    ),
}


@pytest.fixture
def nobody_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_: object) -> bytes:
        pytest.fail("a signature was made")

    monkeypatch.setattr("rein.btc.curve.sign_der", made)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_psbts_are_refused_at_sight(name: str) -> None:
    raw, reason = HOSTILE[name]
    with pytest.raises(PsbtError, match=reason):
        P2shPsbt(raw)


@pytest.mark.parametrize("name", BADLY_SIGNED)
@pytest.mark.usefixtures("nobody_signs")
def test_nothing_is_signed_or_combined_beside_a_bad_signature(name: str) -> None:
    key, signature, reason = BADLY_SIGNED[name]
    bad = P2shPsbt(with_input({PARTIAL_SIG + key: signature}))
    for use in (lambda: bad.sign(PEOPLE["W"]), lambda: GOOD.combine(bad), lambda: bad.combine(GOOD), bad.finalize):
        with pytest.raises(PsbtError, match=reason):
            use()
    [verdict] = inspect_psbt(bad.raw).inputs[0].signatures.values()
    assert verdict is not SignatureStatus.VALID


def test_the_wrong_key_signs_nothing() -> None:
    for key in (PEOPLE["X"], keys("C")["C"]):
        with pytest.raises(PsbtError, match="signs none"):
            GOOD.sign(key)


def test_it_is_no_psbt_of_today() -> None:
    """The strict reader of today's escrows did not become more tolerant, nor this one of today's."""
    for psbt in (GOOD, GOOD.sign(PEOPLE["C"])):
        with pytest.raises(PsbtError):
            Psbt(psbt.raw)
        assert read_psbt(psbt.to_base64().encode(), strict=False).raw == psbt.raw


def test_an_input_must_be_the_escrows() -> None:
    previous = funding(SCRIPT)
    for vout, script in ((0, SCRIPT), (2, SCRIPT), (-1, SCRIPT), (1, scripts()["mediator's"]), (1, b"\x51")):
        with pytest.raises(PsbtError):
            P2shInput(previous, vout, script)


def test_what_is_seen_without_a_key() -> None:
    seen = inspect_psbt(GOOD.sign(PEOPLE["C"]).raw)
    assert seen.proved
    assert seen.fee == 10_000
    assert seen.vsize == GOOD.vsize
    assert seen.inputs[0].form == GOOD.inputs[0].form
    assert dict(seen.inputs[0].signatures) == {CREATOR: SignatureStatus.VALID}


def test_what_is_shown_of_psbts_that_are_not_to_be_signed() -> None:
    """An amount without its transaction proves nothing, so no legacy signature over it is called right."""
    signature = {PARTIAL_SIG + CREATOR: signature_of(PEOPLE["C"])}
    claimed = GOOD.inputs[0].output.to_bytes()
    unproved = inspect_psbt(with_input({WITNESS_UTXO: claimed} | signature, [NON_WITNESS_UTXO]))
    assert (unproved.proved, unproved.fee) == (False, 10_000)
    assert list(unproved.inputs[0].signatures.values()) == [SignatureStatus.UNCHECKED]
    other = TxOutput(Sat(AMOUNT + 1), GOOD.inputs[0].output.script).to_bytes()
    with pytest.raises(PsbtError, match="another output"):
        inspect_psbt(with_input({WITNESS_UTXO: other}))
    with pytest.raises(PsbtError, match="another output"):
        inspect_psbt(with_input({NON_WITNESS_UTXO: RICH.raw}))


def test_a_strangers_signature_is_not_combined() -> None:
    stranger = with_input({PARTIAL_SIG + PEOPLE["X"].public_key: signature_of(PEOPLE["X"])})
    with pytest.raises(PsbtError, match="by a key the script does not name"):
        combine_psbts(GOOD.raw, stranger)


amounts = st.integers(0, 10**9).map(Sat)
outputs = st.lists(st.builds(TxOutput, amounts, st.binary(max_size=60)), min_size=1, max_size=4)
points = st.lists(
    st.builds(OutPoint, st.integers(0).map(lambda n: f"{n % 2**256:064x}"), st.integers(0, 5)),
    min_size=1,
    max_size=4,
    unique=True,
)


@given(points, outputs, st.sampled_from(sorted(scripts())), st.integers(0), st.sampled_from([0, 0xFFFFFFFD]), st.data())
def test_the_digest_is_the_one_python_bitcoinlib_makes(
    inputs: list[OutPoint], paid: list[TxOutput], kind: str, index: int, sequence: int, data: Any
) -> None:
    """Two programs agree on what is signed. No script holds OP_CODESEPARATOR, which neither gets to see."""
    try:
        tx = build_unsigned(inputs, paid, sequence=sequence, locktime=data.draw(st.integers(0, 2**32 - 1)))
    except InputError:
        return
    index %= len(inputs)
    script = scripts()[kind]
    theirs = SignatureHash(CScript(script), CTransaction.deserialize(tx.raw), index, SIGHASH_ALL)
    assert legacy_sighash(tx, index, script) == theirs


def test_indexes_and_counts_are_checked() -> None:
    with pytest.raises(InputError):
        legacy_sighash(GOOD.transaction, 1, SCRIPT)
    with pytest.raises(InputError):
        legacy_sighash(GOOD.transaction, -1, SCRIPT)
    with pytest.raises(InputError):
        with_script_sigs(GOOD.transaction, [])
