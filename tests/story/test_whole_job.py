"""The whole story by hand, and every step at the wrong time."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.cli.demo import run_command
from tests.story.conftest import Trio, agree, deliver, fund, post


def test_from_posted_to_paid_to_the_satoshi(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    assert trio.bob.rein("accept", "--jobid", agreed.job_id)["kind"] == "accept"
    trio.bob.rein("sync")
    [paid_worker] = trio.charlie.rein("collect", "--jobid", agreed.job_id)["payments"]
    [paid_mediator] = trio.alice.rein("collect", "--jobid", agreed.job_id)["payments"]
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()

    assert (paid_worker["amount_sat"], paid_mediator["amount_sat"]) == (1_500_000, 15_000)
    for paid in (paid_worker, paid_mediator):
        output = chain.unspent_output(OutPoint(paid["txid"], 0))
        assert output is not None
        assert (output.amount, output.confirmations) == (paid["amount_sat"], 1)
    funded = sum(escrow["amount_sat"] for escrow in agreed.escrows)
    taken = sum(paid["fee_sat"] + paid["back_sat"] for paid in (paid_worker, paid_mediator))
    assert funded == 1_515_000 + taken
    for person in trio.everybody:
        story = person.rein("status", "--jobid", agreed.job_id)
        assert story["state"] == "settled"
        assert [each["kind"] for each in story["documents"]] == ["job", "bid", "offer", "delivery", "accept"]
        assert story["apart"] == []


def test_each_state_in_turn(trio: Trio) -> None:
    def state() -> str:
        found: str = trio.bob.rein("status", "--jobid", job_id)["state"]
        return found

    posted = post(trio)
    job_id = posted["job_id"]
    assert state() == "posted"
    trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    assert state() == "posted", "nothing is uploaded except by sync"
    trio.charlie.rein("sync")
    assert state() == "bid"
    trio.bob.rein("offer", "--bid", job_id)
    assert state() == "offered"


def test_a_step_at_the_wrong_time_is_refused_and_changes_nothing(trio: Trio) -> None:
    posted = post(trio)
    job_id = posted["job_id"]
    assert trio.charlie.fails("deliver", "--jobid", "0" * 20, "--deliverables", "x")["code"] == "not_found"
    assert trio.charlie.fails("deliver", "--jobid", job_id, "--deliverables", "x")["code"] == "order_state"
    assert trio.bob.fails("accept", "--jobid", job_id)["code"] == "order_state"
    assert trio.charlie.fails("collect", "--jobid", job_id)["code"] == "order_state"
    assert trio.bob.fails("fund", "--jobid", job_id, "--no-wait")["code"] == "escrow"
    assert trio.bob.fails("bid", "--jobid", job_id, "--amount", "0.01", "--description", "me")["code"] == "order_state"
    trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    trio.charlie.rein("sync")
    assert trio.charlie.fails("offer", "--bid", job_id)["code"] == "not_found"
    offered = trio.bob.rein("offer", "--bid", job_id)
    assert trio.bob.rein("offer", "--bid", job_id) == offered | {"repeated": True}, "a job is offered once"
    assert trio.bob.rein("status", "--jobid", job_id)["state"] == "offered"


def test_one_satoshi_too_little_is_not_funded(trio: Trio) -> None:
    agreed = agree(trio)
    primary, mediator = agreed.escrows
    short = f"bitcoin:{primary['address']}?amount={(primary['amount_sat'] - 1) / 1e8:.8f}"
    trio.bob.rein("devnet", "pay", short, mediator["uri"])
    trio.bob.rein("devnet", "mine", "1")
    seen = trio.bob.run("fund", "--jobid", agreed.job_id, "--no-wait")
    assert seen.data["funded"] is False
    assert "0.00000546 BTC more must go to the same address" in seen.err
    missing, whole = seen.data["escrows"]
    assert (missing["verdict"], missing["missing_sat"], missing["pay_sat"]) == ("pay", 1, 546)
    assert "amount=0.00000546" in missing["uri"]
    assert (whole["verdict"], whole["pay_sat"], whole["address"], whole["uri"]) == ("complete", None, None, None)
    assert whole["outpoints"]
    assert mediator["address"] not in seen.err, "no address for what needs nothing"
    refused = trio.charlie.fails("deliver", "--jobid", agreed.job_id, "--deliverables", "x")
    assert (refused["code"], refused["exit_code"]) == ("order_state", 5)
    assert "holds" in refused["message"]
    trio.bob.rein("devnet", "pay", missing["uri"])
    trio.bob.rein("devnet", "mine", "1")
    done = trio.bob.run("fund", "--jobid", agreed.job_id)
    assert done.data["funded"] is True
    assert "pay nothing more" in done.err
    assert primary["address"] not in done.err
    deliver(trio, agreed)
    trio.bob.rein("sync")
    again = trio.bob.run("fund", "--jobid", agreed.job_id)
    assert [each["pay_sat"] for each in again.data["escrows"]] == [None, None]
    assert "bitcoin:" not in again.err


def test_an_offer_is_not_paid_before_a_server_holds_it(trio: Trio) -> None:
    posted = post(trio)
    job = ("--jobid", posted["job_id"])
    trio.charlie.rein("bid", *job, "--amount", "0.015", "--description", "Within three days.")
    trio.charlie.rein("sync")
    trio.bob.rein("offer", "--bid", posted["job_id"])
    told = trio.bob.run("status")
    assert told.data["unpublished"] == 1
    assert "1 document of yours" in told.err
    mine = next(each for each in told.data["jobs"] if each["job_id"] == posted["job_id"])
    assert mine["next"] == "publish the offer: rein sync; pay only then: rein fund"
    refused = trio.bob.run("fund", *job, "--no-wait")
    assert refused.error["code"] == "order_state"
    assert re.fullmatch("Publish it first: rein --home .* sync", refused.error["hint"])
    assert "bitcoin:" not in refused.err
    trio.bob.rein("sync")
    assert trio.bob.rein("status")["unpublished"] == 0
    assert len([each for each in trio.bob.rein("fund", *job, "--no-wait")["escrows"] if each["uri"]]) == 2


def test_dust_sent_to_an_escrow_by_a_stranger_is_left_where_it_is(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    dust = f"bitcoin:{agreed.escrows[0]['address']}?amount=0.00001000"
    dust_txid = trio.bob.rein("devnet", "pay", dust)["txid"]
    trio.bob.rein("devnet", "mine", "1")
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    assert trio.charlie.rein("collect", "--jobid", agreed.job_id)["payments"][0]["amount_sat"] == 1_500_000
    script = chain.unspent_outputs([chain.transaction(dust_txid).outputs[0].script])  # type: ignore[union-attr]
    assert sum(output.amount for output in script) in (1_000, 1_000 + agreed.escrows[0]["amount_sat"])


def test_collecting_twice_says_where_the_money_went(trio: Trio) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    first = trio.charlie.rein("collect", "--jobid", agreed.job_id)
    assert trio.charlie.rein("collect", "--jobid", agreed.job_id) == first | {"repeated": True}
    trio.bob.rein("devnet", "mine", "1")
    assert trio.charlie.rein("collect", "--jobid", agreed.job_id) == first | {"repeated": True}
    assert trio.bob.fails("collect", "--jobid", agreed.job_id)["code"] == "order_state"


def test_a_dry_run_stores_and_sends_nothing(trio: Trio) -> None:
    posted = post(trio)
    words = ("bid", "--jobid", posted["job_id"], "--amount", "0.01", "--description", "Yes.", "-n")
    tried = trio.charlie.rein(*words)
    assert tried["stored"] is False
    assert tried["document"].startswith("-----BEGIN BITCOIN SIGNED MESSAGE-----\nRein Bid\n")
    trio.charlie.rein("sync")
    assert trio.bob.rein("status", "--jobid", posted["job_id"])["state"] == "posted"


def test_two_jobs_of_the_same_three_people_never_share_an_escrow(trio: Trio) -> None:
    first, second = agree(trio), agree(trio)
    addresses = [escrow["address"] for agreed in (first, second) for escrow in agreed.escrows]
    assert len(set(addresses)) == 4


def test_the_mediator_learns_of_a_job_that_names_her(trio: Trio) -> None:
    agreed = agree(trio)
    trio.alice.rein("sync")
    jobs = {job["job_id"]: job for job in trio.alice.rein("status")["jobs"]}
    assert jobs[agreed.job_id]["roles"] == ["mediator"]
    assert jobs[agreed.job_id]["state"] == "offered"


def test_files_are_delivered_by_name_size_and_hash(trio: Trio, tmp_path: Path) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    song = tmp_path / "song.flac"
    song.write_bytes(b"la la la")
    signed = trio.charlie.rein("deliver", "--jobid", agreed.job_id, "--file", str(song), "-n")
    digest = hashlib.sha256(b"la la la").hexdigest()
    assert f"Deliverables: file song.flac, 8 bytes, sha256 {digest}\n" in signed["document"]
    (odd := tmp_path / "a\nfile b.flac, 1 bytes, sha256 00").write_bytes(b"")
    assert trio.charlie.fails("deliver", "--jobid", agreed.job_id, "--file", str(odd))["code"] == "input"
    missing = trio.charlie.fails("deliver", "--jobid", agreed.job_id, "--file", str(tmp_path / "none"))
    assert (missing["code"], missing["exit_code"]) == ("input", 2)


def test_what_is_left_goes_back_as_the_hint_says(trio: Trio) -> None:
    """A stranger's gift after the end is asked back, and agreed to."""
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    trio.bob.rein("accept", "--jobid", agreed.job_id)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", "--jobid", agreed.job_id)
    trio.alice.rein("collect", "--jobid", agreed.job_id)
    gift = re.sub("amount=[0-9.]+", "amount=0.00005000", agreed.uris[0])
    trio.alice.rein("devnet", "pay", gift)
    trio.alice.rein("devnet", "mine", "1")
    trio.bob.rein("sync")
    code, out, err = run_command(["--home", str(trio.bob.home), "fund", "--jobid", agreed.job_id])
    assert code == 0, err
    assert f"5,000 sat lie in escrow after the end:\n  rein --home {trio.bob.home} refund\n" in out
    trio.bob.rein("refund", "--jobid", agreed.job_id, "--reason", "It is mine.")
    trio.bob.rein("sync")
    trio.charlie.rein("sync")
    assert trio.charlie.rein("agree", "--jobid", agreed.job_id)["sent"] is True
