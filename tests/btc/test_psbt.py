"""Escrow spends from creation to a transaction that Bitcoin Core's interpreter accepts, and all that it must not."""

from collections.abc import Callable, Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rein.btc import curve
from rein.btc.address import p2wsh_script
from rein.btc.amounts import Sat
from rein.btc.keys import PrivateKey
from rein.btc.psbt import Psbt, PsbtInput, parse_mandatory_multisig, parse_multisig
from rein.btc.script import mandatory_multisig_script, multisig_script
from rein.btc.transaction import (
    OutPoint,
    Transaction,
    TxOutput,
    build_unsigned,
    escrow_spend_vsize,
    p2wsh_multisig_witness_weight,
    with_witnesses,
    witness_v0_sighash,
)
from rein.errors import EscrowError, PsbtError

People = dict[str, PrivateKey]
Scripts = dict[str, bytes]
Judge = Callable[[Transaction, int, TxOutput], bool]

AMOUNT = Sat(1_000_000)
POINT = OutPoint("ab" * 32, 7)
PAYOUT = TxOutput(Sat(990_000), b"\x00\x14" + bytes(20))

# Who can spend what.
ALLOWED = {"multisig": ["CM", "CW", "MW", "CMW"], "mandatory": ["CM", "MW", "CMW"]}
SIGNERS = ["".join(names) for count in range(4) for names in combinations("CMW", count)]
GOOD = [(kind, who) for kind, allowed in ALLOWED.items() for who in allowed]
BAD = [(kind, who) for kind, allowed in ALLOWED.items() for who in SIGNERS if who not in allowed]


def spend(script: bytes, amount: Sat = AMOUNT, outputs: Sequence[TxOutput] = (PAYOUT,)) -> Psbt:
    return Psbt.create([PsbtInput(POINT, amount, script)], outputs)


def spent(script: bytes, amount: Sat = AMOUNT) -> TxOutput:
    return TxOutput(amount, p2wsh_script(script))


def signed_by(psbt: Psbt, people: People, names: Sequence[str]) -> Psbt:
    for name in names:
        psbt = psbt.sign(people[name])
    return psbt


def signature(psbt: Psbt, key: PrivateKey, amount: Sat = AMOUNT) -> bytes:
    digest = witness_v0_sighash(psbt.transaction, 0, psbt.inputs[0].witness_script, amount)
    return curve.sign_der(key.secret, digest) + b"\x01"


class TestAllowed:
    @pytest.mark.parametrize(("kind", "who"), GOOD)
    def test_one_after_the_other(self, kind: str, who: str, people: People, scripts: Scripts, judge: Judge) -> None:
        results = set()
        for order in permutations(who):
            psbt = signed_by(spend(scripts[kind]), people, order)
            final = psbt.finalize()
            assert judge(final, 0, spent(scripts[kind]))
            results.add((psbt.to_base64(), final.raw))
        assert len(results) == 1, "the order of signing changed the bytes"

    @pytest.mark.parametrize(("kind", "who"), GOOD)
    def test_apart_and_combined(self, kind: str, who: str, people: People, scripts: Scripts, judge: Judge) -> None:
        psbt = spend(scripts[kind])
        for order in permutations(who):
            first, *others = (psbt.sign(people[name]) for name in order)
            for other in others:
                first = first.combine(Psbt.parse(other.to_base64()))
            assert first == signed_by(psbt, people, who)
            assert judge(first.finalize(), 0, spent(scripts[kind]))

    @pytest.mark.parametrize(("kind", "who"), GOOD)
    def test_the_estimated_size_is_an_upper_bound(self, kind: str, who: str, people: People, scripts: Scripts) -> None:
        final = signed_by(spend(scripts[kind]), people, who).finalize()
        bound = escrow_spend_vsize([p2wsh_multisig_witness_weight(scripts[kind], 2)], [PAYOUT])
        assert bound - 1 <= final.vsize <= bound

    def test_witness_of_a_multisig(self, people: People, scripts: Scripts) -> None:
        psbt = signed_by(spend(scripts["multisig"]), people, "WC")
        stack = psbt.finalize().witnesses[0]
        assert stack == (b"", signature(psbt, people["C"]), signature(psbt, people["W"]), scripts["multisig"])

    def test_witness_of_a_mandatory_multisig(self, people: People, scripts: Scripts) -> None:
        psbt = signed_by(spend(scripts["mandatory"]), people, "MW")
        stack = psbt.finalize().witnesses[0]
        assert stack == (b"", signature(psbt, people["W"]), signature(psbt, people["M"]), scripts["mandatory"])

    def test_two_of_three_signatures_are_used(self, people: People, scripts: Scripts) -> None:
        assert len(signed_by(spend(scripts["multisig"]), people, "CMW").finalize().witnesses[0]) == 4
        assert len(signed_by(spend(scripts["mandatory"]), people, "CMW").finalize().witnesses[0]) == 4

    def test_a_resolution_that_spends_both_escrows(self, people: People, scripts: Scripts, judge: Judge) -> None:
        points = [OutPoint("cd" * 32, number) for number in range(2)]
        inputs = [
            PsbtInput(points[0], Sat(500_000), scripts["multisig"]),
            PsbtInput(points[1], Sat(70_000), scripts["mandatory"]),
        ]
        outputs = [TxOutput(Sat(300_000), p2wsh_script(b"\x51")), PAYOUT_SMALL]
        psbt = signed_by(Psbt.create(inputs, outputs), people, "WM")
        assert [len(psbt.partial_signatures(index)) for index in range(2)] == [2, 2]
        final = psbt.finalize()
        assert (final.inputs, final.outputs) == (tuple(points), tuple(outputs))
        for index, item in enumerate(inputs):
            assert judge(final, index, spent(item.witness_script, item.amount))
            assert not judge(final, index, spent(item.witness_script, Sat(item.amount + 1)))


PAYOUT_SMALL = TxOutput(Sat(260_000), b"\x00\x14" + b"\x01" * 20)


class TestRefused:
    @pytest.mark.parametrize(("kind", "who"), BAD)
    def test_missing_signatures_are_named(self, kind: str, who: str, people: People, scripts: Scripts) -> None:
        psbt = signed_by(spend(scripts[kind]), people, who)
        with pytest.raises(PsbtError, match=r"input 0 has . of . signatures; missing: ") as caught:
            psbt.finalize()
        named = {name for name in "CMW" if people[name].public_key.hex() in str(caught.value)}
        if kind == "multisig":
            assert named == set("CMW") - set(who)
        else:
            assert named == ({"M"} if "M" not in who else {"C", "W"})

    @pytest.mark.parametrize(("kind", "who"), [*BAD, ("multisig", "CX"), ("mandatory", "MX"), ("mandatory", "CX")])
    def test_the_interpreter_refuses_them_too(
        self, kind: str, who: str, people: People, scripts: Scripts, judge: Judge
    ) -> None:
        """Put by hand where a second signature belongs: the refusal above is not only ours."""
        psbt = spend(scripts[kind])
        signatures = [signature(psbt, people[name]) for name in who]
        for stack in ([b"", *signatures], [b"", *reversed(signatures)], [b"", *signatures, *signatures][:3]):
            final = with_witnesses(psbt.transaction, [[*stack, scripts[kind]]])
            assert not judge(final, 0, spent(scripts[kind]))

    @pytest.mark.parametrize(("kind", "who"), GOOD)
    def test_an_output_changed_after_signing(
        self, kind: str, who: str, people: People, scripts: Scripts, judge: Judge
    ) -> None:
        final = signed_by(spend(scripts[kind]), people, who).finalize()
        for outputs in (
            [TxOutput(Sat(PAYOUT.amount - 1), PAYOUT.script)],
            [TxOutput(PAYOUT.amount, b"\x00\x14" + b"\xff" * 20)],
            [PAYOUT, TxOutput(Sat(1), b"")],
        ):
            stolen = with_witnesses(build_unsigned([POINT], outputs), final.witnesses)
            assert not judge(stolen, 0, spent(scripts[kind]))

    @pytest.mark.parametrize(("kind", "who"), GOOD)
    def test_a_wrong_amount_gives_worthless_signatures(
        self, kind: str, who: str, people: People, scripts: Scripts, judge: Judge
    ) -> None:
        """A counterparty who lies about the amount gets signatures no node accepts."""
        final = signed_by(spend(scripts[kind], Sat(AMOUNT - 1)), people, who).finalize()
        assert not judge(final, 0, spent(scripts[kind]))
        assert judge(final, 0, spent(scripts[kind], Sat(AMOUNT - 1)))

    def test_a_stranger_signs_nothing(self, people: People, scripts: Scripts) -> None:
        with pytest.raises(PsbtError, match="signs none"):
            spend(scripts["multisig"]).sign(people["X"])

    def test_an_uncompressed_key_signs_nothing(self, people: People, scripts: Scripts) -> None:
        with pytest.raises(PsbtError, match="signs none"):
            spend(scripts["multisig"]).sign(PrivateKey(people["C"].secret, compressed=False))

    def test_a_script_that_merely_contains_the_key(self, people: People) -> None:
        """embit looks for the key's bytes anywhere in the script: here anybody can spend what C "guards"."""
        script = b"\x21" + people["C"].public_key + b"\x75\x51"
        with pytest.raises(PsbtError, match="signs none"):
            spend(script).sign(people["C"])
        with pytest.raises(PsbtError, match="not one of Rein's escrows"):
            spend(script).finalize()

    def test_errors_are_escrow_errors(self) -> None:
        assert issubclass(PsbtError, EscrowError)


class TestSigning:
    def test_only_the_inputs_that_name_the_key(self, people: People, scripts: Scripts) -> None:
        others = multisig_script(1, [people["X"].public_key, people["W"].public_key])
        psbt = Psbt.create(
            [
                PsbtInput(OutPoint("cd" * 32, 0), AMOUNT, others),
                PsbtInput(OutPoint("cd" * 32, 1), AMOUNT, scripts["multisig"]),
            ],
            [PAYOUT],
        ).sign(people["C"])
        assert psbt.partial_signatures(0) == {}
        assert list(psbt.partial_signatures(1)) == [people["C"].public_key]

    def test_signing_twice_is_signing_once(self, people: People, scripts: Scripts) -> None:
        once = spend(scripts["multisig"]).sign(people["C"])
        assert once.sign(people["C"]) == once

    def test_nothing_is_changed_in_place(self, people: People, scripts: Scripts) -> None:
        psbt = spend(scripts["multisig"])
        before = psbt.to_bytes()
        signed = psbt.sign(people["C"])
        signed.partial_signatures(0).clear()
        signed.combine(psbt)
        psbt.combine(signed)
        assert psbt.to_bytes() == before
        assert psbt.partial_signatures(0) == {}
        assert len(signed.partial_signatures(0)) == 1

    def test_amounts_and_fee(self, scripts: Scripts) -> None:
        psbt = spend(scripts["multisig"])
        assert psbt.inputs == (PsbtInput(POINT, AMOUNT, scripts["multisig"]),)
        assert psbt.outputs == (PAYOUT,)
        assert psbt.fee == 10_000
        assert psbt.transaction.raw == psbt.transaction.unsigned_raw

    @pytest.mark.parametrize("index", [-1, 1, 2**40])
    def test_no_such_input(self, index: int, scripts: Scripts) -> None:
        with pytest.raises(PsbtError, match="no input"):
            spend(scripts["multisig"]).partial_signatures(index)


class TestCombining:
    def test_another_transaction(self, people: People, scripts: Scripts) -> None:
        psbt = spend(scripts["multisig"]).sign(people["C"])
        for other in (
            spend(scripts["multisig"], outputs=[TxOutput(Sat(990_001), PAYOUT.script)]),
            spend(scripts["multisig"], amount=Sat(AMOUNT + 1)),
            spend(scripts["mandatory"]),
        ):
            with pytest.raises(PsbtError, match="not of the same transaction"):
                psbt.combine(other.sign(people["M"]))

    def test_ours_stays_where_both_have_one(self, people: People, scripts: Scripts) -> None:
        """Two valid signatures of one key: RFC6979's, and one with another nonce as a low-R grinder makes it."""
        psbt = spend(scripts["multisig"])
        ours = psbt.sign(people["C"])
        digest = witness_v0_sighash(psbt.transaction, 0, scripts["multisig"], AMOUNT)
        theirs = psbt._with_signatures({0: {people["C"].public_key: other_signature(people["C"], digest) + b"\x01"}})
        theirs.verify_signatures()
        assert theirs != ours
        assert ours.combine(theirs) == ours
        assert theirs.combine(ours) == theirs

    def test_every_signature_is_verified_first(self, people: People, scripts: Scripts) -> None:
        psbt = spend(scripts["multisig"])
        bad = psbt._with_signatures({0: {people["M"].public_key: signature(psbt, people["W"])}})
        good = psbt.sign(people["C"])
        for left, right in ((good, bad), (bad, good)):
            with pytest.raises(PsbtError, match=f"input 0's signature by {people['M'].public_key.hex()} is not valid"):
                left.combine(right)


def other_signature(key: PrivateKey, digest: bytes) -> bytes:
    """A valid signature with the nonce 12345."""
    from rein.btc import _der

    k, n = 12345, curve.ORDER
    r = int.from_bytes(curve.public_key(k.to_bytes(32, "big"))[1:], "big") % n
    s = pow(k, -1, n) * (int.from_bytes(digest, "big") + r * int.from_bytes(key.secret, "big")) % n
    return _der.encode(r, min(s, n - s))


KEYS = st.lists(
    st.integers(min_value=1, max_value=curve.ORDER - 1).map(lambda n: PrivateKey(n.to_bytes(32, "big"))),
    min_size=3,
    max_size=5,
    unique=True,
)


POINTS = st.builds(
    OutPoint,
    st.binary(min_size=32, max_size=32).filter(any).map(bytes.hex),
    st.integers(min_value=0, max_value=2**32 - 1),
)


@given(
    KEYS,
    st.lists(POINTS, min_size=1, max_size=3, unique=True),
    st.integers(min_value=1_000, max_value=10**12),
    st.booleans(),
    st.data(),
)
def test_round_trip_is_byte_identical(
    keys: list[PrivateKey], points: list[OutPoint], amount: int, mandatory: bool, data: st.DataObject
) -> None:
    publics = [key.public_key for key in keys]
    threshold = data.draw(st.integers(1, len(keys) - 1))
    script = (
        mandatory_multisig_script(publics[0], threshold, publics[1:])
        if mandatory
        else multisig_script(threshold, publics)
    )
    inputs = [PsbtInput(point, Sat(amount), script) for point in points]
    psbt = Psbt.create(inputs, [TxOutput(Sat(amount), p2wsh_script(script))])
    for key in data.draw(st.lists(st.sampled_from(keys), unique=True)):
        psbt = psbt.sign(key)
    again = Psbt.parse(psbt.to_base64())
    assert again.to_bytes() == psbt.to_bytes()
    assert again == psbt
    assert again.inputs == tuple(inputs)
    again.verify_signatures()


def test_the_script_parsers_are_reachable_here(scripts: Scripts) -> None:
    assert parse_multisig(scripts["multisig"]) is not None
    assert parse_mandatory_multisig(scripts["mandatory"]) is not None
