"""`rein psbt`: PSBTs in every spelling, in and out."""

from __future__ import annotations

import io
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from rein.btc.address import p2wpkh_script
from rein.btc.amounts import Sat
from rein.btc.psbt import Psbt, PsbtInput, read_psbt
from rein.btc.script import multisig_script
from rein.btc.transaction import OutPoint, TxOutput, build_unsigned
from rein.cli.main import run
from rein.errors import PsbtError
from tests.btc import bip174
from tests.cli.conftest import Rein
from tests.support.old_escrows import PEOPLE

SCRIPT = multisig_script(2, [PEOPLE[name].public_key for name in "CMW"])
PAYOUT = TxOutput(Sat(990_000), p2wpkh_script(PEOPLE["W"].public_key))
UNSIGNED = Psbt.create([PsbtInput(OutPoint("ab" * 32, 1), Sat(1_000_000), SCRIPT)], [PAYOUT])
BY_CREATOR, BY_WORKER = UNSIGNED.sign(PEOPLE["C"]), UNSIGNED.sign(PEOPLE["W"])
TEXT = BY_CREATOR.to_base64()

SPELLINGS = {
    "binary": BY_CREATOR.raw,
    "base64": TEXT.encode(),
    "base64 with a line end": f"{TEXT}\n".encode(),
    "base64 in lines": "\r\n".join(TEXT[start : start + 64] for start in range(0, len(TEXT), 64)).encode(),
    "hexadecimal": BY_CREATOR.raw.hex().encode(),
    "HEXADECIMAL": f"  {BY_CREATOR.raw.hex().upper()}\n".encode(),
}
NONE = {
    "nothing": b"",
    "white space": b" \n",
    "text": b"not a psbt",
    "other binary": b"\x00\xff\xfe",
    "a transaction": BY_CREATOR.transaction.raw,
    "cut": BY_CREATOR.raw[:-1],
    "something after it": BY_CREATOR.raw + b"\n",
    "half a digit": BY_CREATOR.raw.hex().encode()[:-1],
    "base64 without its padding": b64encode(BY_CREATOR.raw + b"\x00").rstrip(b"="),
    "another alphabet": TEXT.replace("A", "-").encode(),
    "letters that are none": TEXT.encode() + "é".encode(),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_read(name: str, rein: Rein, tmp_path: Path) -> None:
    assert read_psbt(SPELLINGS[name]) == BY_CREATOR
    file = tmp_path / "a.psbt"
    file.write_bytes(SPELLINGS[name])
    done = rein("psbt", "export", str(file))
    assert (done.code, done.out) == (0, f"{TEXT}\n")


@pytest.mark.parametrize("name", NONE)
def test_everything_else_is_refused(name: str, rein: Rein, tmp_path: Path) -> None:
    with pytest.raises(PsbtError):
        read_psbt(NONE[name])
    file = tmp_path / "a.psbt"
    file.write_bytes(NONE[name])
    done = rein("psbt", "show", str(file))
    assert (done.code, done.out) == (6, "")
    assert "PSBT" in done.err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BY_CREATOR.raw)))
    assert run(["psbt", "export", "-"]) == 0
    assert capsys.readouterr().out == f"{TEXT}\n"


def test_a_file_of_any_size_is_bounded(rein: Rein, tmp_path: Path) -> None:
    file = tmp_path / "a.psbt"
    for data in (b"psbt\xff" + bytes(75_000), b"A" * 300_000, b" " * 300_000 + TEXT.encode(), b"70736274ff" * 30_000):
        with pytest.raises(PsbtError):
            read_psbt(data)
        file.write_bytes(data)
        assert rein("psbt", "show", str(file)).code in (2, 6)


class TestExport:
    @pytest.mark.parametrize("flags", [(), ("--binary",), ("--base64",)])
    def test_to_a_file(self, flags: tuple[str, ...], rein: Rein, tmp_path: Path) -> None:
        file = tmp_path / "out.psbt"
        done = rein("psbt", "export", TEXT, "-o", str(file), *flags)
        assert (done.code, done.out) == (0, "")
        assert file.read_bytes() == (f"{TEXT}\n".encode() if "--base64" in flags else BY_CREATOR.raw)
        assert read_psbt(file.read_bytes()) == BY_CREATOR

    def test_no_file_is_overwritten(self, rein: Rein, tmp_path: Path) -> None:
        file = tmp_path / "out.psbt"
        file.write_text("precious")
        done = rein("psbt", "export", TEXT, "-o", str(file))
        assert done.code == 2
        assert "exists already" in done.err
        assert file.read_text() == "precious"
        assert rein("psbt", "export", TEXT, "-o", str(tmp_path / "nowhere" / "out")).code == 2

    @pytest.mark.parametrize("flags", ["--binary", "--qr --base64", "--binary --base64 -o x", "--qr -o x"])
    def test_flags_that_contradict_each_other(self, flags: str, rein: Rein) -> None:
        assert rein("psbt", "export", TEXT, *flags.split()).code == 2

    def test_a_code_that_would_be_too_large(self, rein: Rein) -> None:
        outputs = [TxOutput(Sat(10_000), p2wpkh_script(PEOPLE["W"].public_key))] * 90
        middle = Psbt.create(UNSIGNED.inputs, outputs[:70])
        large = Psbt.create(UNSIGNED.inputs, outputs)
        assert len(middle.to_base64()) > 2953 >= len(middle.raw)
        assert len(large.raw) > 2953
        done = rein("psbt", "export", middle.to_base64(), "--qr")
        assert done.code == 0
        assert "in binary" in done.err
        refused = rein("psbt", "export", large.to_base64(), "--qr")
        assert (refused.code, refused.out) == (2, "")
        assert "-o FILE" in refused.err


class TestCombine:
    def test_two_of_a_kind(self, rein: Rein, tmp_path: Path) -> None:
        both = BY_CREATOR.combine(BY_WORKER)
        file = tmp_path / "theirs.psbt"
        file.write_bytes(BY_WORKER.raw)
        assert rein("psbt", "combine", TEXT, str(file)).out == f"{both.to_base64()}\n"
        out = tmp_path / "both.psbt"
        assert rein("psbt", "combine", str(file), TEXT, "-o", str(out)).code == 0
        assert read_psbt(out.read_bytes()) == both
        assert both.finalize().outputs == (PAYOUT,)

    def test_of_other_wallets(self, rein: Rein) -> None:
        one, other = bip174.UNKNOWN_FIELDS
        done = rein("psbt", "combine", one, other)
        assert b64decode(done.out).hex() == bip174.UNKNOWN_FIELDS_COMBINED

    def test_of_different_transactions(self, rein: Rein) -> None:
        done = rein("psbt", "combine", TEXT, bip174.COMBINED)
        assert (done.code, done.out) == (6, "")
        assert "not of the same transaction" in done.err


class TestShow:
    def test_what_it_would_do(self, rein: Rein) -> None:
        done = rein("psbt", "show", TEXT, "--network", "regtest")
        assert done.code == 0
        creator = PEOPLE["C"].public_key.hex()
        assert f"Input 0  {'ab' * 32}:1\n  spends 1,000,000 sat (as it claims) of bcrt1q" in done.out
        assert f"  needs 2 of {creator}, " in done.out
        assert f"  signed by {creator}: valid\n" in done.out
        assert "Output 0  990,000 sat to bcrt1q" in done.out
        assert "Fee: 10,000 sat, at least 6" in done.out

    def test_as_data(self, rein: Rein) -> None:
        data = rein("psbt", "show", bip174.COMBINED, "--network", "testnet4", "--json").data
        assert [item["amount_sat"] for item in data["inputs"]] == [50_000_000, 200_000_000]
        assert [item["amount_proved"] for item in data["inputs"]] == [True, False]
        assert [list(item["signatures"].values()) for item in data["inputs"]] == [["valid", "valid"]] * 2
        assert data["outputs"][0]["pays"] == "tb1qmpwzkuwsqc9snjvgdt4czhjsnywa5yjdzglap9"
        assert data["fee_sat"] == 10_000

    def test_a_lock_is_told(self, rein: Rein) -> None:
        for locktime, words in ((900_000, "block 900,000"), (1_800_000_000, "the time 1800000000")):
            locked = build_unsigned(UNSIGNED.transaction.inputs, [PAYOUT], locktime=locktime)
            raw = UNSIGNED.raw.replace(UNSIGNED.transaction.raw, locked.raw)
            assert f"Cannot be mined before {words}" in rein("psbt", "show", raw.hex()).out

    @pytest.mark.parametrize("case", [case for case in bip174.VALID if "0 inputs" not in case])
    def test_other_wallets(self, case: str, rein: Rein) -> None:
        done = rein("psbt", "show", bip174.VALID[case], "--json")
        assert done.code == 0, done.err
        assert done.data["vsize"] is None or done.data["vsize"] > 80

    def test_a_script_that_is_not_the_outputs(self, rein: Rein) -> None:
        other = multisig_script(1, [PEOPLE["X"].public_key])
        raw = UNSIGNED.raw.replace(bytes([len(SCRIPT)]) + SCRIPT, bytes([len(other)]) + other)
        done = rein("psbt", "show", raw.hex())
        assert (done.code, done.out) == (6, "")
        assert "is not the one of its output" in done.err

    def test_more_paid_than_spent(self, rein: Rein) -> None:
        more = build_unsigned(UNSIGNED.transaction.inputs, [TxOutput(Sat(1_000_001), PAYOUT.script)])
        raw = UNSIGNED.raw.replace(UNSIGNED.transaction.raw, more.raw)
        done = rein("psbt", "show", raw.hex())
        assert (done.code, done.out) == (6, "")
