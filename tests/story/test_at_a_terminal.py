"""What people type and paste in the middle of a job: nothing is signed that was not meant."""

from __future__ import annotations

import sys

import pexpect
import pytest

from tests.story.conftest import PASSPHRASE, Trio, agree, deliver, fund, post
from tests.support.screen import ENTER, at_terminal, ended, pasted, rein_at_terminal


def test_a_block_pasted_into_a_shell_rates_nobody(trio: Trio) -> None:
    """The tutorial's own: the next command became the comment of the rating, and was signed."""
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    job = ("--jobid", agreed.job_id)
    trio.bob.rein("accept", *job)
    trio.bob.rein("sync")
    trio.charlie.rein("collect", *job)
    trio.alice.rein("collect", *job)
    trio.bob.rein("devnet", "mine", "1")
    trio.sync()
    with at_terminal("dash", ["-i"], PS1="READY ", ENV="") as shell:
        shell.expect("READY ")
        shell.sendline(f'rein() {{ {sys.executable} -m rein --home {trio.bob.home} "$@"; }}')
        shell.expect("READY ")
        shell.send(f"rein rate {' '.join(job)} --role worker --rating 5\nrein sync\necho R''AN\n")
        shell.expect(r"Comment \(may be empty\): ")
        with pytest.raises(pexpect.TIMEOUT):
            shell.expect("Passphrase|Stored|RAN", timeout=1)
        shell.send(pasted("On time,\nand in tune.\n") + "")
        shell.expect("in tune.")
        shell.send(ENTER)
        shell.expect("Passphrase of bob: ")
        for _ in range(2):
            shell.send("not the passphrase" + ENTER)
            shell.expect("Passphrase of bob: ")
        shell.send(PASSPHRASE + ENTER)
        shell.expect(r"Stored as document\s+[0-9a-f]{64}")
        shell.expect("READY ")
    documents = trio.bob.rein("status", *job)["documents"]
    (rating,) = (each["document"] for each in documents if each["kind"] == "rating")
    assert "\nComment: On time,\\nand in tune.\n" in rating
    assert "rein" not in rating.split("Comment: ")[1].split("\n")[0]


def test_a_slip_costs_no_other_answer(trio: Trio) -> None:
    """A wrong amount after a long description is asked for again, and nothing is lost."""
    job = ("--jobid", post(trio)["job_id"])
    trio.charlie.rein("sync")
    with rein_at_terminal("--home", str(trio.charlie.home), "bid", *job, "--description", "Two guitars.") as child:
        for typed, said in (
            ("1,5", "decimal separator is a point"),
            ("1500000", r"Is it meant .y/N.: "),
            ("0.015", "Passphrase of"),
        ):
            child.expect(r"Bid amount \(BTC\): ")
            child.send(typed + ENTER)
            child.expect(said)
            if typed == "1500000":
                child.send(ENTER)
                child.expect(r"type\s+1500000sat")
        child.send(PASSPHRASE + ENTER)
        child.expect("Bid amount +0.01500000 BTC .1,500,000 sat.\r\n")
        assert ended(child)[0] == 0
    with rein_at_terminal("--home", str(trio.bob.home), "post", "--name", "A", "--description", "B") as child:
        child.expect("Choose a mediator")
        child.send("1" + ENTER)
        child.expect("Tags")
        child.send(ENTER)
        for _ in range(5):
            child.expect("Days for which bids are wanted .30.: ")
            child.send("soon" + ENTER)
            child.expect("must be a whole number, not 'soon'")
        child.expect("Days for which bids are wanted .30.: ")
        child.send("7" + ENTER)
        for prompt in ("Budget", "Deadline"):
            child.expect(prompt)
            child.send(ENTER)
        child.expect("Passphrase of bob: ")
        child.send(PASSPHRASE + ENTER)
        assert ended(child)[0] == 0


def test_one_bidder_is_one_entry_until_all_bids_are_asked_for(trio: Trio) -> None:
    job_id = post(trio)["job_id"]
    for amount in ("0.03", "0.01", "0.02"):
        trio.charlie.rein("bid", "--jobid", job_id, "--description", f"For {amount}", "--amount", amount)
    for person in (trio.charlie, trio.bob):
        person.rein("sync")
    with rein_at_terminal("--home", str(trio.bob.home), "offer", "--dry-run") as child:
        child.expect("0.01000000 BTC +by charlie .* .and 2 more. for Theme song")
        child.expect("All [0-9]+ bids, one by one")
        child.expect("Choose a bid")
        child.send("all" + ENTER)
        child.expect("0.01000000 BTC by .*0.02000000 BTC by .*0.03000000 BTC by ")
        child.expect("Choose a bid")
        child.send("q" + ENTER)
        ended(child)
    bid = next(each for each in trio.bob.rein("bids", "--jobid", job_id)["bids"] if each["amount_sat"] == 1_000_000)
    with rein_at_terminal(
        "--home", str(trio.bob.home), "offer", "--bid", bid["document_id"], "--feerate", "5"
    ) as child:
        child.expect(r"You would pay .*escrow,\s.*\sin\s+all\.\s+Of\s+each")
        child.expect("y/N")
        child.send("n" + ENTER)
        ended(child)


def test_what_can_be_withdrawn_is_listed(trio: Trio) -> None:
    trio.bob.rein("sync")
    posted = trio.bob.rein("post", "--name", "Too early", "--description", "x", "--mediator", "alice")
    told = trio.bob.fails("withdraw")
    assert posted["document_id"][:12] in told["hint"]
    with rein_at_terminal("--home", str(trio.bob.home), "withdraw") as child:
        child.expect(f"1 +{posted['document_id'][:12]} Rein Job of Too early")
        child.expect("Choose a document")
        child.send("1" + ENTER)
        child.expect("y/N")
        child.send("y" + ENTER)
        code, shown = ended(child)
    assert (code, "Removed the Rein Job" in shown) == (0, True)
    assert trio.bob.fails("withdraw")["code"] == "not_found"


def test_a_delivery_before_its_time_says_what_it_waits_for(trio: Trio) -> None:
    job_id = post(trio)["job_id"]
    trio.charlie.rein("bid", "--jobid", job_id, "--description", "I", "--amount", "0.01")
    told = trio.charlie.fails("deliver", "--jobid", job_id, "--deliverables", "x")
    assert "deliver when both escrows are funded" in told["message"]


def test_a_script_at_a_terminal_is_asked_for_nothing_that_may_be_left_out(trio: Trio) -> None:
    words = ("post", "--name", "A", "--description", "B", "--mediator", "alice", "--yes", "--json", "--dry-run")
    with rein_at_terminal("--home", str(trio.bob.home), *words, REIN_PASSPHRASE=PASSPHRASE) as child:
        code, told = ended(child)
    assert (code, "Tags" in told.partition("{")[2], '"stored": false' in told) == (0, False, True)
    assert "Days for which" not in told


def test_a_job_is_picked_by_its_name_or_its_id(trio: Trio) -> None:
    jobs = [post(trio, name=f"Choir number {number}")["job_id"] for number in (1, 2)]
    trio.charlie.rein("sync")
    for typed in ("choir number 2", jobs[1]):
        with rein_at_terminal("--home", str(trio.charlie.home), "bid", "--description", "I", "--dry-run") as child:
            child.expect("Choose a job ")
            child.send("choir number" + ENTER)
            child.expect("2 begin so: ")
            child.expect("Choose a job ")
            child.send(typed + ENTER)
            child.expect("That is Choir number 2 ")
            child.expect("Bid amount")


def test_satoshis_are_not_taken_for_bitcoin(trio: Trio) -> None:
    job = ("--jobid", post(trio)["job_id"])
    bid = ("bid", *job, "--description", "I")
    refused = trio.charlie.fails(*bid, "--amount", "1500000")
    assert refused["code"] == "input"
    assert "1500000.00000000 BTC (150,000,000,000,000 sat)" in refused["message"]
    assert "1500000sat" in refused["hint"]
    with rein_at_terminal("--home", str(trio.charlie.home), *bid, "--amount", "1500000") as child:
        child.expect("Is it meant .y/N.: ")
        child.send(ENTER)
        code, told = ended(child)
    assert (code, "was not meant" in told) == (2, True)
    done = trio.charlie.rein(*bid, "--amount", "1500000sat")
    assert "\nBid amount (BTC): 0.01500000\n" in done["document"]


@pytest.mark.parametrize("command", ["settle", "resolve"])
def test_in_every_command_that_takes_one(trio: Trio, command: str) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    job = ("--jobid", agreed.job_id)
    if command == "resolve":
        trio.charlie.rein("workerdispute", *job, "--detail", "no answer")
        trio.sync()
    person, words = {"settle": (trio.charlie, "--terms"), "resolve": (trio.alice, "--resolution")}[command]
    refused = person.fails(command, *job, "--worker", "1000000", words, "x")
    assert "the worker's part would be 1000000.00000000 BTC" in refused["message"]
    done = person.rein(command, *job, "--worker", "1000000sat", words, "x", "--dry-run")
    assert "\nWorker amount (BTC): 0.01000000\n" in done["document"]
