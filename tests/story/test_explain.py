"""`rein explain` and `rein psbt import`, as people use them, while their money is at stake."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.psbt import Psbt
from rein.btc.transaction import TxOutput
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import Keyring
from tests.story.conftest import PASSPHRASE, Person, Trio, agree, deliver, fund

PRICE, FEE = 1_500_000, 15_000


def keyring(person: Person) -> Keyring:
    (file,) = (person.home / "keys").iterdir()
    return Keyring(read_key_file(file, PASSPHRASE), REGTEST)


def psbts(person: Person, job_id: str) -> dict[str, Psbt]:
    """The payments of the last document, by the name of the line."""
    text = person.rein("status", "--jobid", job_id)["documents"][-1]["document"]
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return {purse: Psbt.parse(lines[f"{purse} payment PSBT"]) for purse in ("Primary", "Mediator")}


def test_a_job_and_its_payments_are_explained(trio: Trio, tmp_path: Path) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    assert trio.charlie.rein("explain", agreed.job_id)["payments"] == []
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")

    primary, mediator = trio.charlie.rein("explain", agreed.job_id)["payments"]
    assert (primary["ending"], primary["author"], primary["completers"]) == ("acceptance", "creator", ["worker"])
    assert (primary["as_agreed"], primary["differences"], primary["confirmations"]) == (True, [], None)
    assert primary["expected"]["amount_sat"] == PRICE
    assert mediator["expected"]["amount_sat"] == FEE
    words = trio.charlie.run("explain", agreed.job_id).err
    assert f"pays 0.01500000 BTC ({PRICE:,} sat) to the worker charlie" in words
    assert "It is as agreed." in words

    # The PSBT alone, as text and as a file of either kind: every one of the three is told which payment it is.
    signed = psbts(trio.bob, agreed.job_id)["Primary"]
    binary, base64 = tmp_path / "binary.psbt", tmp_path / "base64.psbt"
    binary.write_bytes(signed.raw)
    base64.write_text(signed.to_base64() + "\n")
    for words_ in ((signed.to_base64(),), ("--file", str(binary)), ("--file", str(base64))):
        found = trio.charlie.rein("explain", *words_)
        assert (found["as_agreed"], found["job_id"], found["ending"]) == (True, agreed.job_id, "acceptance")
        assert found["signed_by"] == ["creator"]
        assert found["txid"] == signed.transaction.txid

    # One output more, and it is said.
    mallory = TxOutput(Sat(600), b"\x00\x14" + bytes(20))
    more = Psbt.create(signed.inputs, [*signed.outputs, mallory]).sign(keyring(trio.bob).creator_escrow(agreed.job_id))
    found = trio.charlie.rein("explain", more.to_base64())
    assert (found["as_agreed"], found["job_id"]) == (False, agreed.job_id)
    assert "payee" in [each["fault"] for each in found["differences"]]
    assert "pays 600 sat to somebody the documents do not name" in str(found["differences"])

    # The other job's people do not know it.
    foreign = Psbt.create([signed.inputs[0]], [mallory])
    script = foreign.inputs[0].witness_script
    raw = foreign.raw.replace(script, bytes(len(script)))
    assert raw != foreign.raw
    stranger = trio.charlie.rein("explain", "--file", str(_written(tmp_path / "x.psbt", raw)))
    assert (stranger["job_id"], stranger["outputs"][0]["amount_sat"]) == (None, 600)


def _written(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def test_a_payment_signed_elsewhere_is_taken_in_and_sent(trio: Trio, tmp_path: Path) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("explain", agreed.job_id)
    signed = psbts(trio.bob, agreed.job_id)["Primary"]
    worker = keyring(trio.charlie).worker_escrow(agreed.order_id)

    # What Bob signed is here already; Charlie's hardware signer gives back its own signature alone.
    unsigned = Psbt.create(signed.inputs, signed.outputs)
    half = trio.charlie.rein("psbt", "import", str(_written(tmp_path / "0", unsigned.raw)), "--jobid", agreed.job_id)
    assert (half["complete"], half["sent"], half["signed_by"]) == (False, False, ["creator"])
    alone = _written(tmp_path / "1", unsigned.sign(worker).raw)
    dry = trio.charlie.rein("psbt", "import", str(alone), "--jobid", agreed.job_id, "--dry-run")
    assert (dry["complete"], dry["sent"], dry["signed_by"]) == (True, False, ["creator", "worker"])
    assert Psbt.parse(dry["psbt"]).partial_signatures(0).keys() >= signed.partial_signatures(0).keys()
    assert b64decode(dry["psbt"])[:5] == b"psbt\xff"

    # Another transaction, or a signature that is none of the three's, is not taken in.
    other = Psbt.create(signed.inputs, [TxOutput(Sat(PRICE - 1), signed.outputs[0].script), *signed.outputs[1:]])
    refused = trio.charlie.fails(
        "psbt", "import", str(_written(tmp_path / "2", other.sign(worker).raw)), "--jobid", agreed.job_id
    )
    assert "no document of the job" in refused["message"]
    strange = alone.read_bytes().replace(worker.public_key, keyring(trio.alice).delegate.public_key, 1)
    refused = trio.charlie.fails("psbt", "import", str(_written(tmp_path / "3", strange)), "--jobid", agreed.job_id)
    assert "Traceback" not in refused["message"]

    sent = trio.charlie.rein("psbt", "import", str(alone), "--jobid", agreed.job_id)
    assert sent["sent"] is True
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    assert [each.rein("status", "--jobid", agreed.job_id)["state"] for each in trio.everybody] == ["settled"] * 3
    primary, _ = trio.bob.rein("explain", agreed.job_id)["payments"]
    assert (primary["as_agreed"], primary["confirmations"]) == (True, 1)
    again = trio.charlie.fails("psbt", "import", str(alone), "--jobid", agreed.job_id)
    assert "paid out already" in again["message"]


def test_explain_says_what_it_wants(trio: Trio, tmp_path: Path) -> None:
    for words in ((), ("x", "--file", "y"), ("--file", str(tmp_path / "none"))):
        assert trio.bob.fails("explain", *words)["exit_code"] != 0
    for raw in (b"\xff\xfe", b"hello", b"psbt\xff", b"x" * 200_001):
        refused = trio.bob.fails("explain", "--file", str(_written(tmp_path / "junk", raw)))
        assert refused["code"] in ("input", "bad_psbt"), refused
    assert trio.bob.fails("explain", "0" * 20)["exit_code"] != 0
