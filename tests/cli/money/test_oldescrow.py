"""`rein oldescrow` on a private chain: escrows of 2016 funded, spent by two people, and by nobody else."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from rein.btc.address import p2pkh_address, p2sh_address, p2sh_script
from rein.btc.amounts import Sat
from rein.btc.curve import sign_der
from rein.btc.networks import MAINNET, REGTEST
from rein.btc.redeem import push
from rein.btc.transaction import OutPoint, Transaction, TxOutput, build_unsigned, legacy_sighash, with_script_sigs
from rein.devnet import faucet
from rein.errors import RejectedError
from tests.cli.conftest import Chain, Rein
from tests.support import legacy_documents as real
from tests.support.old_escrows import ALICE, BOB, CHARLIE, ENOUGH, keys, primary, scripts

SIGHASH_ALL = b"\x01"
AMOUNT = Sat(5_000_000)
FEE = 10_000
WORKER = p2pkh_address(keys()["W"].public_key, REGTEST)
PAYMENT = ("--to", f"{WORKER}={AMOUNT - FEE}", "--fee", str(FEE))


def wif(name: str, uncompressed: str = "") -> str:
    return keys(uncompressed)[name].to_wif(REGTEST)


def fund(chain: Chain, *forms: bytes) -> list[OutPoint]:
    """Confirmed outputs of these redeem scripts."""
    payments = [(p2sh_address(script, REGTEST), AMOUNT) for script in forms]
    txid = faucet.pay(chain.source, payments)
    faucet.mine(chain.source, 1)
    found = chain.source.unspent_outputs([p2sh_script(script) for script in forms])
    return [output.outpoint for output in found if output.outpoint.txid == txid]


@pytest.mark.parametrize(
    ("kind", "who", "uncompressed"),
    [
        ("primary", "CW", ""),
        ("primary", "MC", "C"),
        ("primary of January", "WM", "CMW"),
        ("mediator's", "CM", ""),
        ("mediator's", "MW", "W"),
        ("mediator's of January", "WCM", "M"),
    ],
)
def test_spent_from_hand_to_hand(
    chain: Chain, rein: Rein, tmp_path: Path, kind: str, who: str, uncompressed: str
) -> None:
    """The first makes and signs it, the last one sends it; files go from one to the other."""
    script = scripts(uncompressed)[kind]
    [point] = fund(chain, script)
    file = tmp_path / "0.psbt"
    coin = ("--coin", str(point))
    words = ("oldescrow", "spend", script.hex(), *PAYMENT, *coin, "-o", str(file), *chain.words)
    first = rein(*words, secret=wif(who[0], uncompressed))
    assert first.code == 0, first.err
    assert f"Spends  {AMOUNT:,} sat at {p2sh_address(script, REGTEST)} (output {point})" in first.err
    assert f"Pays    {AMOUNT - FEE:,} sat to {WORKER}" in first.err
    assert "needs another signature" in first.err
    for number, name in enumerate(who[1:], start=1):
        is_last = number == len(who) - 1
        after = tmp_path / f"{number}.psbt"
        more = ("--send",) if is_last else ()
        done = rein(
            "oldescrow",
            "sign",
            str(file),
            "-o",
            str(after),
            *more,
            *chain.words,
            "--json",
            secret=wif(name, uncompressed),
        )
        assert done.code == 0, done.err
        assert done.data["complete"] == done.data["sent"] == is_last
        file = after
    faucet.mine(chain.source, 1)
    assert chain.source.unspent_output(point) is None
    paid = chain.source.unspent_output(OutPoint(done.data["txid"], 0))
    assert paid is not None
    assert (paid.amount, paid.confirmations) == (AMOUNT - FEE, 1)


@pytest.mark.parametrize("kind", list(ENOUGH))
def test_no_other_set_of_signers_gets_anything_on_the_chain(chain: Chain, kind: str) -> None:
    """Put together by hand, past all that Rein checks: the node's mempool refuses every one."""
    script, people = scripts()[kind], keys()
    [point] = fund(chain, script)
    loot = TxOutput(Sat(AMOUNT - FEE), p2sh_script(b"\x51"))
    tx = build_unsigned([point], [loot])
    digest = legacy_sighash(tx, 0, script)
    signatures = {name: sign_der(key.secret, digest) + SIGHASH_ALL for name, key in people.items()}
    refused = 0
    for size in (1, 2, 3):
        for names in itertools.permutations("CMWX", size):
            if "".join(sorted(names)) in ENOUGH[kind]:
                continue
            stack: Sequence[bytes] = [signatures[name] for name in names]
            with pytest.raises(RejectedError, match="script-verify-flag-failed"):
                chain.source.broadcast(spent_with(tx, stack, script))
            refused += 1
    assert refused >= 20
    assert chain.source.unspent_output(point) is not None


def spent_with(tx: Transaction, stack: Sequence[bytes], script: bytes) -> Transaction:
    return with_script_sigs(tx, [b"\x00" + b"".join(map(push, stack)) + push(script)])


def test_signed_apart_combined_and_finished(chain: Chain, rein: Rein, tmp_path: Path) -> None:
    """Base64 through pipes and files, without the chain while signing."""
    script = scripts()["primary of January"]
    [point] = fund(chain, script)
    previous = chain.source.transaction(point.txid, chain.source.tip().hash)
    assert previous is not None
    file = tmp_path / "previous.txt"
    file.write_text(previous.raw.hex() + "\n")
    offline = ("--network", "regtest", "--chain", "http://127.0.0.1:9")
    given = ("oldescrow", "spend", script.hex(), *PAYMENT, "--previous-tx", str(file), *offline)
    unsigned = rein(*given, "--unsigned")
    assert unsigned.code == 0, unsigned.err
    signed = []
    for name in "CM":
        done = rein("oldescrow", "sign", unsigned.out.strip(), *offline, secret=wif(name))
        assert done.code == 0, done.err
        signed.append(done.out.strip())
    combined = rein("psbt", "combine", *signed)
    assert combined.code == 0, combined.err
    early = rein("oldescrow", "finish", signed[0], *offline)
    assert early.code == 6
    assert "missing" in early.err
    finished = rein("oldescrow", "finish", combined.out.strip(), *chain.words, "--send", "--json")
    assert finished.code == 0, finished.err
    faucet.mine(chain.source, 1)
    assert chain.source.unspent_output(OutPoint(finished.data["txid"], 0)) is not None


def test_all_outputs_of_an_escrow_are_found_and_spent(chain: Chain, rein: Rein) -> None:
    script = primary(*(keys()[name].public_key for name in "XWC"))
    fund(chain, script)
    fund(chain, script)
    to = f"{WORKER}={2 * AMOUNT - FEE}"
    words = ("oldescrow", "spend", script.hex(), "--to", to, "--fee", str(FEE), *chain.words, "--json")
    done = rein(*words, secret=wif("X"))
    assert done.code == 0, done.err
    assert done.data["complete"] is False
    seen = rein("psbt", "show", done.data["psbt"], "--network", "regtest", "--json").data
    assert [item["amount_sat"] for item in seen["inputs"]] == [AMOUNT, AMOUNT]
    assert all(item["amount_proved"] for item in seen["inputs"])
    assert seen["fee_sat"] == FEE


def test_a_signed_psbt_is_not_lost_when_it_cannot_be_sent(chain: Chain, rein: Rein, tmp_path: Path) -> None:
    script = scripts("CW")["primary"]
    [point] = fund(chain, script)
    words = ("oldescrow", "spend", script.hex(), *PAYMENT, "--coin", str(point), *chain.words)
    first = rein(*words, "--send", secret=wif("C", "CW"))
    assert first.code == 6, "one signature is not enough"
    assert "missing" in first.err
    nowhere = ("--network", "regtest", "--chain", "http://127.0.0.1:9")
    out = tmp_path / "signed.psbt"
    second = rein("oldescrow", "sign", first.out.strip(), "--send", "-o", str(out), *nowhere, secret=wif("W", "CW"))
    assert second.code == 7
    assert rein("oldescrow", "finish", str(out), *chain.words, "--send").code == 0


@pytest.mark.parametrize("secret", [wif("X"), wif("W", "W"), keys()["W"].to_wif(MAINNET), "nonsense", ""])
def test_the_wrong_key_is_refused_and_never_shown(chain: Chain, rein: Rein, secret: str) -> None:
    script = scripts()["mediator's"]
    [point] = fund(chain, script)
    words = ("oldescrow", "spend", script.hex(), *PAYMENT, "--coin", str(point), *chain.words)
    done = rein(*words, secret=secret)
    assert done.code in (2, 6)
    assert done.out == ""
    assert not secret or secret not in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--to", f"{WORKER}=4990001", "--fee", "10000"), "the outputs hold"),
        (("--to", f"{WORKER}=0.04", "--fee", "10000"), "is not a payment"),
        (("--to", WORKER, "--fee", "10000"), "is not a payment"),
        (("--to", f"{WORKER}=1000000", "--fee", "4000000"), "outside"),
        ((*PAYMENT, "--coin", f"{'ab' * 32}:0"), "no such output"),
        ((*PAYMENT, "--coin", "x"), "not an outpoint"),
        ((*PAYMENT, "--previous-tx", "nowhere"), "not a transaction"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(
    chain: Chain, rein: Rein, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    script = scripts("M")["primary of January"]
    previous = tmp_path / "previous"
    tx = build_unsigned([OutPoint("ee" * 32, 0)], [TxOutput(AMOUNT, p2sh_script(script))])
    previous.write_bytes(tx.raw)
    done = rein("oldescrow", "spend", script.hex(), "--previous-tx", str(previous), *words, *chain.words, secret="x")
    assert done.code in (2, 6)
    assert reason in done.err
    assert done.out == ""


def test_nothing_there(chain: Chain, rein: Rein) -> None:
    script = primary(*(keys()[name].public_key for name in "XCM"))
    done = rein("oldescrow", "spend", script.hex(), *PAYMENT, *chain.words)
    assert done.code == 2
    assert "nothing lies" in done.err


def test_somebody_must_answer_for_the_key(chain: Chain, rein: Rein) -> None:
    script = scripts("C")["mediator's"]
    [point] = fund(chain, script)
    done = rein("oldescrow", "spend", script.hex(), *PAYMENT, "--coin", str(point), *chain.words)
    assert done.code == 2
    assert "--key-fd" in done.err


def test_nothing_is_signed_or_sent_unasked(chain: Chain, rein: Rein) -> None:
    script = scripts("MW")["primary"]
    [point] = fund(chain, script)
    words = ("oldescrow", "spend", script.hex(), *PAYMENT, "--coin", str(point), *chain.words)
    refused = rein(*words, secret=wif("C", "MW"), yes=False)
    assert (refused.code, refused.out) == (2, "")
    assert "Pays    " in refused.err
    half = rein(*words, secret=wif("C", "MW"))
    refused = rein("oldescrow", "sign", half.out.strip(), *chain.words, secret=wif("W", "MW"), yes=False)
    assert (refused.code, refused.out) == (2, "")
    whole = rein("oldescrow", "sign", half.out.strip(), *chain.words, secret=wif("W", "MW"))
    for words in (("finish", whole.out.strip()), ("finish", whole.out.strip(), "--send")):
        rein("oldescrow", *words, *chain.words, yes=False)
        assert chain.source.unspent_output(point) is not None
    assert rein("oldescrow", "finish", whole.out.strip(), "--send", *chain.words).code == 0
    assert chain.source.unspent_output(point) is None


class TestShow:
    def test_a_real_offer(self, rein: Rein, tmp_path: Path) -> None:
        file = tmp_path / "offer.txt"
        file.write_text(real.OFFER)
        done = rein("oldescrow", "show", str(file))
        assert done.code == 0
        assert "  on mainnet     3GJrubCa1wCFMUqnwPhuyeQXdWTD8hecdG\n" in done.out
        assert "  on mainnet     3R1Pzho6Yca27AceUHBYnmg6S2NbT1LtLs\n" in done.out
        assert done.out.count("Take care: ") == 3
        told = rein("oldescrow", "show", str(file), "--json").data
        assert [escrow["purse"] for escrow in told["escrows"]] == ["primary", "mediator"]
        assert told["escrows"][0]["keys"][0] == {"key": CHARLIE.hex(), "who": "worker Charlie"}
        assert len(told["doubts"]) == 3

    def test_a_redeem_script(self, rein: Rein) -> None:
        done = rein("oldescrow", "show", primary(BOB, ALICE, CHARLIE).hex(), "--json")
        [escrow] = done.data["escrows"]
        assert escrow["mainnet_address"] == "3N4QuG2ATHyXVocMKzrCgsDqrHUC7PAFH1"
        assert escrow["testnet_address"] == "2NDccxzxC4kUshbEu18U5JpD74dgMwssBXc"

    @pytest.mark.parametrize("given", ["51", "nonsense", "", "-----BEGIN BITCOIN SIGNED MESSAGE-----\nx"])
    def test_anything_else(self, rein: Rein, given: str) -> None:
        done = rein("oldescrow", "show", given)
        assert done.code in (2, 4)
        assert done.out == ""

    def test_a_document_that_was_changed(self, rein: Rein, tmp_path: Path) -> None:
        file = tmp_path / "offer.txt"
        file.write_text(real.OFFER.replace("0.05", "0.06"))
        assert rein("oldescrow", "show", str(file)).code == 4

    def test_spending_from_a_document_needs_the_purse(self, rein: Rein, tmp_path: Path) -> None:
        file = tmp_path / "offer.txt"
        file.write_text(real.OFFER)
        done = rein("oldescrow", "spend", str(file), *PAYMENT)
        assert done.code == 2
        assert "--purse" in done.err
