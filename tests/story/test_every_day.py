"""What `rein status` asks of whom, the story of a job, and the books."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from rein.cli.demo import run_command
from tests.story.conftest import Agreed, Person, Trio, World, agree, fund, post, settled


def due(person: Person, job_id: str) -> str:
    [job] = [each for each in person.rein("status")["jobs"] if each["job_id"] == job_id]
    found: str = job["due"]
    return found


def in_words(person: Person, *words: str) -> str:
    code, out, err = run_command(["--home", str(person.home), "--yes", *words])
    assert code == 0, err
    return out


def test_delivering_too_early_says_what_is_missing(trio: Trio) -> None:
    """Without a job's name, too: the only job that waits for its money is the one that is meant."""
    agreed = agree(trio)
    trio.charlie.rein("sync")
    waiting = [each["job_id"] for each in trio.charlie.rein("status")["jobs"] if each["state"] == "offered"]
    if waiting == [agreed.job_id]:  # other tests share these homes
        refused = trio.charlie.fails("deliver", "--deliverables", "Done.")
        assert "deliver when both escrows are funded: primary escrow: nothing has come" in refused["message"]
    refused = trio.charlie.fails("deliver", "--jobid", agreed.job_id, "--deliverables", "Done.")
    assert "deliver when both escrows are funded: primary escrow: nothing has come" in refused["message"]


def test_status_says_whose_turn_it_is(trio: Trio) -> None:
    job_id = post(trio)["job_id"]

    def turns() -> tuple[str, str]:
        trio.charlie.rein("sync")
        trio.bob.rein("sync")
        return due(trio.bob, job_id), due(trio.charlie, job_id)

    assert due(trio.bob, job_id) == "wait"
    trio.charlie.rein("bid", "--jobid", job_id, "--amount", "0.01", "--description", "Yes.")
    assert turns() == ("act", "wait")
    trio.bob.rein("offer", "--bid", job_id)
    trio.bob.rein("sync")
    assert turns() == ("act", "wait")
    asked = trio.bob.rein("fund", "--jobid", job_id, "--no-wait")
    fund(trio, Agreed(job_id, "", asked["escrows"]))
    assert turns() == ("wait", "act")
    trio.charlie.rein("deliver", "--jobid", job_id, "--deliverables", "Done.")
    assert turns() == ("act", "wait")


def test_what_waits_for_me_stands_first_and_since_when(trio: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    waiting = post(trio)["job_id"]
    agreed = agree(trio)
    trio.bob.rein("sync")
    jobs = trio.bob.rein("status")["jobs"]
    dues = [each["due"] for each in jobs]
    assert dues == sorted(dues, key=["act", "wait", "nothing"].index)
    by_id = {each["job_id"]: each for each in jobs}
    assert by_id[agreed.job_id]["until"] is None
    assert by_id[waiting]["until"] > 1_700_000_000, "until when bids are wanted"
    text = in_words(trio.bob, "status")
    assert text.index("Needs your action:") < text.index(agreed.job_id) < text.index("Waiting for others:")
    assert text.index("Waiting for others:") < text.index(waiting)
    assert re.search(rf"{agreed.job_id} +creator +offered +block \d+, \d+ ago", text)


def test_the_story_of_a_job_is_told_in_words_with_its_money(trio: Trio) -> None:
    agreed = settled(trio)
    story = trio.bob.rein("status", "--jobid", agreed.job_id)
    told = [event["what"] for event in story["story"]]
    for words in (
        "bob, the creator, posted the job 'Theme song'; alice mediates for 1.0%",
        "charlie, the worker, bid 0.01500000 BTC: Within three days.",
        "bob, the creator, gave the job to charlie for 0.01500000 BTC",
        "charlie, the worker, delivered: https://example.com/theme.flac",
        "bob, the creator, accepted the delivery and signed both payments",
    ):
        assert words in told
    assert sum("came into the" in each for each in told) == 2
    assert sum("escrow paid 0.01500000 BTC to the worker" in each for each in told) == 1
    came = max(number for number, each in enumerate(told) if "came into the" in each)
    delivered = next(number for number, each in enumerate(told) if "delivered:" in each)
    paid = min(number for number, each in enumerate(told) if "escrow paid" in each)
    accepted = next(number for number, each in enumerate(told) if "accepted the delivery" in each)
    assert came < delivered < accepted < paid, "though a document names a block below the tip at which it was signed"
    assert all(event["time"] for event in story["story"])
    text = in_words(trio.bob, "status", "--jobid", agreed.job_id)
    assert "BEGIN BITCOIN SIGNED MESSAGE" not in text
    assert text.index("posted the job") < text.index("bid 0.015") < text.index("escrow paid")
    assert "BEGIN BITCOIN SIGNED MESSAGE" in in_words(trio.bob, "status", "--jobid", agreed.job_id, "--documents")


def test_every_identity_of_a_home_is_shown_and_one_if_it_is_named(world: World, tmp_path: Path) -> None:
    home = Person("two", tmp_path / "two")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    for name in ("dora", "emil"):
        home.rein(*chain, "setup", "--name", name, "--contact", "x", "--no-mediate")
    both = home.rein(*chain, "status")
    assert both["identity"]["name"] == "dora"
    assert [each["identity"]["name"] for each in both["others"]] == ["emil"]
    one = home.rein(*chain, "--identity", "emil", "status")
    assert (one["identity"]["name"], one["others"]) == ("emil", [])


# ---- the books


def entries(person: Person, job_id: str) -> list[dict[str, Any]]:
    return [each for each in person.rein("export", "ledger")["entries"] if each["job_id"] == job_id]


def test_the_ledger_balances_and_says_who_got_what(trio: Trio) -> None:
    agreed = settled(trio)
    creator, worker, mediator = (entries(each, agreed.job_id) for each in (trio.bob, trio.charlie, trio.alice))
    for entry in (*creator, *worker, *mediator):
        assert sum(posting["amount_sat"] for posting in entry["postings"]) == 0

    def balance(of: list[dict[str, Any]], account: str) -> int:
        return sum(p["amount_sat"] for entry in of for p in entry["postings"] if p["account"] == account)

    assert balance(worker, "Assets:Bitcoin:Wallet") == -balance(worker, "Income:Rein:Work") == 1_500_000
    assert balance(mediator, "Assets:Bitcoin:Wallet") == -balance(mediator, "Income:Rein:Mediation") == 15_000
    assert balance(creator, "Expenses:Rein:Work") == 1_500_000
    assert balance(creator, "Expenses:Rein:Mediation") == 15_000
    assert balance(creator, "Assets:Bitcoin:Escrow") == 0, "nothing is left in escrow"
    funded = sum(escrow["amount_sat"] for escrow in agreed.escrows)
    miners = balance(creator, "Expenses:Rein:Miners")
    assert -balance(creator, "Assets:Bitcoin:Wallet") == 1_515_000 + miners
    assert 0 < miners < funded - 1_515_000, "what the offer kept for the miner and the miner did not take came back"


def test_the_ledger_as_csv_and_beancount(trio: Trio, tmp_path: Path) -> None:
    agreed = settled(trio)
    file = tmp_path / "ledger.csv"
    exported = trio.charlie.rein("export", "ledger", "--out", str(file))
    assert file.read_text() == exported["text"]
    rows = [row for row in csv.DictReader(io.StringIO(exported["text"])) if row["job_id"] == agreed.job_id]
    assert {(row["account"], row["amount_btc"]) for row in rows} == {
        ("Assets:Bitcoin:Wallet", "0.01500000"),
        ("Income:Rein:Work", "-0.01500000"),
    }
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"]) for row in rows)
    again = trio.charlie.fails("export", "ledger", "--out", str(file))
    assert "exists already" in again["message"], "nothing is written over"
    text = trio.charlie.rein("export", "ledger", "--format", "beancount")["text"]
    assert re.search(rf'\n\d{{4}}-\d\d-\d\d \* "bob" "received: Theme song" \^{agreed.job_id}\n  txid: "', text)
    assert "\n  Income:Rein:Work  -0.01500000 BTC\n" in text
    assert re.search(r"\n\d{4}-\d\d-\d\d open Income:Rein:Work BTC\n", text)


def test_an_invoice_becomes_a_receipt_when_the_money_is_there(trio: Trio) -> None:
    agreed = agree(trio)
    trio.charlie.rein("sync")
    before = trio.charlie.rein("export", "invoice", agreed.job_id)
    assert (before["receipt"], before["lines"][0]["agreed_sat"], before["lines"][0]["paid_sat"]) == (
        False,
        1_500_000,
        None,
    )
    assert before["text"].startswith(f"INVOICE {agreed.job_id}-")
    done = settled(trio)
    of_bob = trio.bob.rein("export", "invoice", done.job_id)
    assert (of_bob["role"], of_bob["receipt"]) == ("creator", True)
    assert [line["paid_sat"] for line in of_bob["lines"]] == [1_500_000, 15_000]
    assert "Total paid    0.01515000 BTC" in of_bob["text"]
    of_alice = trio.alice.rein("export", "invoice", done.job_id)
    assert [(line["payee"], line["paid_sat"]) for line in of_alice["lines"]] == [("alice", 15_000)]


def test_there_is_no_invoice_of_a_job_without_a_price(trio: Trio) -> None:
    job_id = post(trio)["job_id"]
    assert trio.bob.fails("export", "invoice", job_id)["code"] == "order_state"
