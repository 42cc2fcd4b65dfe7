"""Strangers' words in lists: nothing in them reaches the terminal as more than letters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rein.btc.amounts import Sat
from rein.cli.console.terminal import safe
from rein.protocol.documents import Role
from rein.protocol.signed import Signed
from rein.store.store import Store
from tests.cli.conftest import Chain, Rein
from tests.support.people import bid, delivery, enroll, job, offer, person, rating

EVIL = "\x1b[2J\u202e\x07\r\x9b31m=cmd\u2028\u200b\u2066\U000e0041\u3164 a" + "\u0301" * 40
ALICE, BOB, CHARLIE = (person(f"hostile {name}") for name in ("Alice", "Bob", "Charlie"))
ALWAYS_WORK = {"jobs", "mediators", "search", "trust", "hide", "status", "bids", "watch"}
PASSPHRASE = "correct horse battery"


@pytest.fixture
def home(rein: Rein, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REIN_PASSPHRASE", PASSPHRASE)
    words = ("setup", "--name", "Dora", "--contact", "dora@example.com", "--no-mediate")
    done = rein(*chain.words, *words)
    assert done.code == 0, done.err
    return tmp_path / "home"


def store_of(home: Path) -> Store:
    return Store(home / "rein.db")


def hostile_story() -> list[Signed[Any]]:
    """Every free text in it is an attack on the terminal of whoever lists it."""
    enrolled = enroll(ALICE, True, user=EVIL, contact=EVIL)
    posted = job(BOB, ALICE, enrolled, name=EVIL, description=EVIL, creator=EVIL, creator_contact=EVIL)
    placed = bid(CHARLIE, posted, worker=EVIL, worker_contact=EVIL, description=EVIL)
    given = offer(BOB, placed, posted)
    handed = delivery(CHARLIE, given, deliverables=EVIL)
    said = rating(BOB, given, Role.CREATOR, CHARLIE, Role.WORKER, comment=EVIL)
    other = job(BOB, ALICE, enrolled, name=EVIL, description=EVIL, job_id="d" * 20, creator=EVIL)
    return [enrolled, enroll(BOB, user=EVIL), enroll(CHARLIE, user=EVIL), posted, placed, given, handed, said, other]


def test_no_list_lets_strangers_write_on_the_terminal(
    rein: Rein, chain: Chain, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = store_of(home)
    documents = hostile_story()
    assert store.documents.add_received([(each, "http://x/") for each in documents]) == len(documents)
    alice = ALICE.master_address
    for words in (
        ("jobs", "--all"),
        ("jobs",),
        ("mediators",),
        ("search", "cmd", "--all"),
        ("trust", alice, "--explain"),
        ("trust", CHARLIE.master_address, "--explain"),
        ("hide", "person", alice),
        ("hide", "job", "d" * 20),
        ("hide", "bid", documents[4].id[:12]),
        ("hide",),
        ("status", "--jobid", documents[3].id),
        ("status", "--jobid", documents[3].id, "--documents"),
        ("unhide", "person", alice),
        ("bids",),
        ("bids", "--hidden", "--jobid", documents[3].document.job_id),
        ("status",),
        ("messages", "--jobid", documents[3].id),
        ("explain", documents[3].id),
        ("export", "invoice", documents[3].id),
        ("export", "ledger"),
        ("case", "export", documents[3].id, "--out", "evil.zip"),
        ("case", "verify", "evil.zip"),
        ("watch", "--once"),
        ("bid", "--jobid", documents[3].id),
        ("rate", "--jobid", documents[3].id),
        ("doctor", "--offline"),
        (EVIL,),
        ("bid", f"--{EVIL}"),
        ("jobs", "--sort", EVIL),
        ("status", "--jobid", EVIL),
        ("trust", EVIL),
        ("psbt", "show", EVIL),
        ("case", "verify", EVIL),
        ("bid", "-d", EVIL),
        ("config", EVIL, EVIL),
        ("request", EVIL),
        ("status", "--identity", EVIL),
    ):
        done = rein(*chain.words, *words)
        assert done.code == 0 or words[0] not in ALWAYS_WORK or EVIL in words, (words, done.err)
        shown = done.out + done.err
        assert all(line.isprintable() for line in shown.split("\n")), (words, shown)
        assert safe(shown) == shown, words
        as_json = rein(*chain.words, *words, "--json")
        if words[0] != "unhide":
            assert as_json.out.isascii()


def test_the_lists_show_something_of_them(
    rein: Rein, chain: Chain, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the test above would hold for empty lists."""
    monkeypatch.setenv("COLUMNS", "200")
    store = store_of(home)
    store.documents.add_received([(each, "http://x/") for each in hostile_story()])
    for words in (("jobs", "--all"), ("search", "cmd", "--all"), ("mediators",)):
        assert "cmd" in rein(*chain.words, *words).out
    listed = rein(*chain.words, "jobs", "--all", "--json").data["jobs"]
    assert {each["state"] for each in listed} == {"posted", "offered"}
    not_counted = rein(*chain.words, "trust", CHARLIE.master_address, "--json").data["not_counted"]
    assert [each["why"] for each in not_counted] == ["nothing proves that the job has ended: it is offered"]


def told(rein: Rein, chain: Chain, *words: str) -> str:
    done = rein(*chain.words, *words)
    assert done.code == 0, done.err
    return done.out + done.err


def test_an_empty_list_says_what_to_do_next(rein: Rein, chain: Chain, home: Path) -> None:
    assert f"No jobs. Fetch what is new:\n  rein --home {home} sync\n" in told(rein, chain, "jobs")
    assert f"rein --home {home} post" in told(rein, chain, "jobs", "--mine")
    assert f"rein --home {home} request URL" in told(rein, chain, "mediators")
    assert f"rein --home {home} jobs" in told(rein, chain, "bids")
    posted = job(BOB, ALICE, name="Theme song", tags=("music", "theme song"), time=1_000_000_000)
    store_of(home).documents.add_received([(each, "http://x/") for each in (enroll(ALICE, True), enroll(BOB), posted)])
    assert "1 is given away or expired: --all" in told(rein, chain, "jobs")
    assert "No jobs. 1 is there without these filters" in told(rein, chain, "jobs", "piano", "--all")
    assert "No mediators. 1 is there without these filters" in told(rein, chain, "mediators", "--max-fee", "1")
    assert "name, contact, address or SIN" in told(rein, chain, "search", "piano")


def test_filters_take_tags_and_fees_as_people_type_them(rein: Rein, chain: Chain, home: Path) -> None:
    posted = job(BOB, ALICE, name="Theme song", tags=("music", "theme song"), time=1_000_000_000)
    store_of(home).documents.add_received([(each, "http://x/") for each in (enroll(ALICE, True), enroll(BOB), posted)])
    for words in (["--tag", " Music "], ["--tag", "music , Theme  Song"], ["--tag", "music", "--tag", "theme song"]):
        assert posted.document.job_id in told(rein, chain, "jobs", "--all", *words), words
    assert "'abc' is not a percentage" in rein(*chain.words, "mediators", "--max-fee", "abc").err
    for words in (["--max-fee", "1.5"], ["--max-fee", "2%"], ["hostile", "--max-fee", "100"], [ALICE.master_address]):
        assert ALICE.master_address in told(rein, chain, "mediators", *words), words
    assert ALICE.master_address not in told(rein, chain, "mediators", ALICE.master_address[1:4]), "a piece is longer"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--tag", ""), "'' is not a tag"),
        (("--tag", "\x1b[2J"), "is not a tag"),
        (("--min-price", "-1"), "is not an amount of bitcoin"),
        (("--min-price", "0,1"), "The decimal separator is a point"),
        (("--min-price", "20 mBTC", "--max-price", "0.01 BTC"), "--min-price is more than --max-price"),
        (("--min-price", "0.02", "--max-price", "0.01"), "--min-price is more than --max-price"),
        (("--limit", "0"), "counted from 1"),
        (("--page", "0"), "counted from 1"),
        (("--page", "1.5"), "must be a whole number"),
        (("--sort", "beauty"), "'beauty' is not one of"),
        (("--expires-within", "-1"), "must be a whole number"),
    ],
)
def test_filters_refuse_what_means_nothing(
    rein: Rein, chain: Chain, home: Path, words: tuple[str, ...], error: str
) -> None:
    done = rein(*chain.words, "jobs", *words)
    assert (done.code, error in done.err) == (2, True), done.err
    assert done.err.replace("\n", "").isprintable()


def test_pages_say_where_they_are_and_which_is_next(rein: Rein, chain: Chain, home: Path) -> None:
    jobs = [job(BOB, ALICE, job_id=f"{number:020d}", time=1_000_000_000) for number in range(5)]
    store_of(home).documents.add_received([(each, "http://x/") for each in (enroll(ALICE, True), enroll(BOB), *jobs)])
    assert "Page 1 of 3, 5 jobs. Next: --page 2" in told(rein, chain, "jobs", "--all", "--limit", "2")
    assert "That was the last." in told(rein, chain, "jobs", "--all", "--limit", "2", "--page", "3")
    assert "There is no page 9: 5 jobs end on page 3." in told(
        rein, chain, "jobs", "--all", "--limit", "2", "--page", "9"
    )


def test_no_price_is_cut_in_a_narrow_window(
    rein: Rein, chain: Chain, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a price is another price."""
    monkeypatch.setenv("COLUMNS", "66")
    posted = job(BOB, ALICE, name="A song about " * 5 + "nothing", time=1_000_000_000)
    placed = bid(CHARLIE, posted, amount=Sat(2_012_345_678))
    documents = [enroll(ALICE, True), enroll(BOB), enroll(CHARLIE), posted, placed]
    store_of(home).documents.add_received([(each, "http://x/") for each in documents])
    listed = told(rein, chain, "jobs", "--all")
    assert "20.12345678" in listed
