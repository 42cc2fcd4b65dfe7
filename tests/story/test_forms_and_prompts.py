"""Every prompt can be answered by a person, a flag or a form."""

from __future__ import annotations

import os
import sys
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pexpect

from rein.protocol.signed import verify
from tests.cli.console.test_qr import scan
from tests.story.conftest import PASSPHRASE, Agreed, Person, Trio, World, agree, fund, post


def test_a_bid_from_a_form_file(trio: Trio, tmp_path: Path) -> None:
    posted = post(trio)
    form = tmp_path / "bid.txt"
    form.write_text(
        f"Rein Bid\nJob ID: {posted['job_id']}\nDescription: Two lines:\\nand more\nBid amount (BTC): 0.02\n"
    )
    bid = trio.charlie.rein("bid", "-d", str(form))
    assert "\nBid amount (BTC): 0.02000000\n" in bid["document"]
    assert "\nDescription: Two lines:\\nand more\n" in bid["document"]


def test_forms_of_2016_take_a_job_to_its_end(world: World, trio: Trio, tmp_path: Path) -> None:
    """Labels and titles as in the fixtures of python-rein. Of two bids, the form names one by the worker's key."""
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain, "setup", "--name", "Dora", "--contact", "d@x", "--no-mediate")
    dora.rein("request", world.server_urls[0])
    job_id = post(trio)["job_id"]
    form = tmp_path / "form.txt"

    def take(who: Person, command: str, *lines: str) -> dict[str, Any]:
        form.write_text("\n".join([lines[0], f"Job ID: {job_id}", *lines[1:]]) + "\n")
        done = who.rein(command, "-d", str(form))
        who.rein("sync")
        return done

    take(dora, "bid", "Rein Bid", "Description: I", "Bid amount (BTC): 0.01")
    bid = take(trio.charlie, "bid", "Rein Bid", "Description: I", "Bid amount (BTC): 0.012")
    key = verify(bid["document"]).document.worker_public_key.hex()
    form.write_text(f"Rein Offer\nJob ID: {job_id}\nWorker public key: {key[::-1]}\n")
    assert trio.bob.fails("offer", "-d", str(form))["code"] == "not_found"
    offer = take(trio.bob, "offer", "Rein Offer", f"Worker public key: {key}")
    assert verify(offer["document"]).document.worker == "charlie"
    asked = trio.bob.rein("fund", "--jobid", job_id, "--no-wait")
    fund(trio, Agreed(job_id, offer["job_document"], asked["escrows"]))
    take(trio.charlie, "deliver", "Rein Deliver", "Deliverables: https://x")
    take(trio.charlie, "workerdispute", "Rein Dispute Offer ", "Dispute detail: no answer")
    form.write_text(f"Rein Dispute Resolution\nJob ID: {job_id}\nResolution: So.\nClient payment amount (BTC): 0.02\n")
    trio.alice.rein("sync")
    assert "more than the price" in trio.alice.fails("resolve", "-d", str(form))["message"]
    decided = take(
        trio.alice, "resolve", "Rein Dispute Resolution", "Resolution: So.", "Client payment amount (BTC): 0.002"
    )
    assert "\nWorker amount (BTC): 0.01000000\n" in decided["document"]


def test_a_form_for_another_document_is_refused(trio: Trio, tmp_path: Path) -> None:
    form = tmp_path / "bid.txt"
    form.write_text("Rein Offer\nJob ID: x\n")
    assert "Rein Bid" in trio.charlie.fails("bid", "-d", str(form))["message"]


def test_nobody_at_the_terminal_names_the_missing_flag(trio: Trio) -> None:
    assert "--description" in trio.bob.fails("post", "--name", "x", "--mediator", "alice")["hint"]
    assert "--mediator" in trio.bob.fails("post")["hint"]


def test_a_person_answers_the_prompts(world: World, trio: Trio, tmp_path: Path) -> None:
    """Setup shows the words once and asks three of them back; post lets one choose the mediator."""
    home = tmp_path / "dora"
    chain = ["--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie)]
    rein = _start(["--home", str(home), *chain, "setup"])
    for prompt, answer in (("Name or handle", "Dora"), ("Contact", "dora@x"), ("willing to mediate", "n")):
        rein.expect(prompt)
        rein.sendline(answer)
    rein.expect("passphrase for your key file")
    rein.sendline(PASSPHRASE)
    rein.expect("Repeat")
    rein.sendline(PASSPHRASE)
    rein.expect("shown this once")
    rein.expect("Word ([0-9]+)")
    words = _words(str(rein.before))
    rein.sendline("wrong")  # a slip costs a try, and not the words that were written down
    rein.expect("That is not word")
    rein.expect("Word ([0-9]+)")
    for asked_again in (True, True, False):
        rein.sendline(words[int(rein.match.group(1)) - 1])
        if asked_again:
            rein.expect("Word ([0-9]+)")
    rein.expect("You are Dora")
    rein.expect(pexpect.EOF)
    rein.close()
    assert rein.exitstatus == 0
    assert (home / "rein.db").stat().st_mode & 0o077 == 0

    asking = _start(["--home", str(home), "request", world.server_urls[0]])
    asking.expect("gives you 1 bucket")
    asking.expect(pexpect.EOF)
    posting = _start(["--home", str(home), "post"])
    posting.expect("Choose a mediator")
    posting.sendline("1")
    answers = (("Job name", "A job"), ("Tags", ""), ("Description", "Do it."), ("Days", "7"))
    for prompt, answer in (*answers, ("Budget", "0.1-0.5"), ("Deadline", "")):
        posting.expect(prompt)
        posting.sendline(answer)
    posting.expect("Passphrase of Dora")
    posting.sendline(PASSPHRASE)
    posting.expect(r"Stored as document\s+[0-9a-f]{64}")
    posting.expect(pexpect.EOF)
    posting.close()
    assert posting.exitstatus == 0


def test_a_choice_is_asked_again_and_can_be_left(trio: Trio) -> None:
    """What is not in the list chooses nothing, and q quits, which is no error."""
    posting = _start(["--home", str(trio.bob.home), "post"])
    for answer in ("0", "99", "first", "q"):
        posting.expect("Choose a mediator \\(q to quit\\)")
        posting.sendline(answer)
    posting.expect("Nothing was chosen, so nothing was done.")
    posting.expect(pexpect.EOF)
    posting.close()
    assert posting.exitstatus == 0


def test_a_wrong_word_creates_no_identity(tmp_path: Path) -> None:
    home = tmp_path / "eve"
    rein = _start(
        ["--home", str(home), "--network", "regtest", "setup", "--name", "E", "--contact", "e", "--no-mediate"]
    )
    rein.expect("passphrase")
    rein.sendline(PASSPHRASE)
    rein.expect("Repeat")
    rein.sendline(PASSPHRASE)
    for _ in range(5):
        rein.expect("Word ([0-9]+): ")
        rein.sendline("wrong")
        rein.expect("That is not word")
    rein.expect("Word ([0-9]+): ")
    rein.send("\x03")
    rein.expect("Stopped; nothing more was done.")
    rein.expect(pexpect.EOF)
    rein.close()
    assert rein.exitstatus == 130
    assert not (home / "keys").exists()


def _start(arguments: list[str]) -> pexpect.spawn[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REIN_")}
    return pexpect.spawn(
        sys.executable, ["-m", "rein", *arguments], env=environment, encoding="utf-8", timeout=30, dimensions=(40, 160)
    )


def _words(screen: str) -> list[str]:
    found: dict[int, str] = {}
    tokens = screen.split()
    for number, word in pairwise(tokens):
        if number.isdigit() and word.isalpha():
            found[int(number)] = word
    return [found[number] for number in range(1, 13)]


def test_what_to_pay_as_qr_codes_and_what_to_watch(trio: Trio) -> None:
    """The URIs as a phone's wallet scans them, and the descriptors in the story of the job."""
    agreed = agree(trio)
    shown = trio.bob.run("fund", "--jobid", agreed.job_id, "--no-wait", "--qr")
    assert shown.code == 0, shown.err
    lines = groupby(shown.err.splitlines(), key=lambda line: bool(line) and set(line) <= set("█▀▄ "))
    assert [scan(list(code)).decode() for is_code, code in lines if is_code] == agreed.uris
    told = trio.bob.rein("status", "--jobid", agreed.job_id)
    assert [each["descriptor"] for each in told["escrows"]] == [each["descriptor"] for each in agreed.escrows]
