"""GET /v1/search: jobs by their words, tags, people, prices, and whether they are open."""

from __future__ import annotations

import time
from typing import Any

import pytest

from causeway.db.migrations.versions.m0002_requests import fill
from rein.btc.amounts import Sat
from rein.protocol.signed import Signed
from rein.protocol.values import Budget
from tests.causeway.callers_v1 import Caller
from tests.causeway.conftest import Server
from tests.support.people import Person, Story, bid, forged, job, offer, person, with_changes

NOW = int(time.time())


@pytest.fixture
def jobs(v1: Caller, bob: Person, mallory: Person) -> dict[str, Signed[Any]]:
    alice, charlie = person("Alice"), person("Charlie")
    fence = job(
        *(bob, alice),
        job_id="f" * 20,
        name="Paint my fence",
        tags=("outdoor", "paint"),
        description="Two coats.\nBlue, not 100%.",
        time=NOW,
    )
    logo = job(bob, charlie, job_id="l" * 20, name="A logo", tags=("design",), description="paint_it blue", time=NOW)
    before = NOW - 90 * 86_400
    old = job(
        *(mallory, alice),
        job_id="o" * 20,
        name="Old fence",
        tags=None,
        description="x",
        time=before,
        expiration_days=1,
    )
    found: dict[str, Signed[Any]] = {"fence": fence, "logo": logo, "old": old}
    assert v1.put(bob, found).codes == [None] * 3
    return found


def names(v1: Caller, jobs: dict[str, Signed[Any]], **parameters: object) -> list[str]:
    """The names of the jobs found, newest first."""
    answer = v1.get("/search", **parameters)
    assert answer.status == 200, answer.data
    known = {signed.id: name for name, signed in jobs.items()}
    assert all(each["armored"] == jobs[known[each["id"]]].armored for each in answer.data["jobs"])
    return [known[each["id"]] for each in answer.data["jobs"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fence", ["old", "fence"]),
        ("FENCE paint", ["fence"]),
        ("blue", ["logo", "fence"]),
        ('"two coats"', ["fence"]),
        ("fence -paint", ["old"]),
        ("logo or coats", ["logo", "fence"]),
        ("design", ["logo"]),
        ("outdoor", ["fence"]),
        ("%", []),
        ("_", []),
        ("fen%", []),
        ("fen", []),
        ("' OR 1=1 --", []),
        ("((((", []),
        ("& | !", []),
        ("a:* <-> b", []),
        ('"', []),
    ],
)
def test_words(v1: Caller, jobs: dict[str, Signed[Any]], text: str, found: list[str]) -> None:
    assert names(v1, jobs, text=text) == found


def test_everything_and_its_filters(v1: Caller, jobs: dict[str, Signed[Any]], bob: Person, mallory: Person) -> None:
    assert names(v1, jobs) == ["old", "logo", "fence"]
    assert names(v1, jobs, tags="paint") == ["fence"]
    assert names(v1, jobs, tags="Paint, outdoor") == ["fence"]
    assert names(v1, jobs, tags="paint,design") == []
    assert names(v1, jobs, creator=bob.master_address) == ["logo", "fence"]
    assert names(v1, jobs, creator=jobs["old"].document.creator_public_key.hex()) == ["old"]
    assert names(v1, jobs, mediator=person("Alice").master_address) == ["old", "fence"]
    assert names(v1, jobs, mediator=person("Alice").master_address, text="paint") == ["fence"]
    assert names(v1, jobs, open="1") == ["logo", "fence"]


def test_a_job_with_a_budget_a_deadline_and_tags_of_any_script(v1: Caller, bob: Person) -> None:
    said = {"budget": Budget(None, Sat(50_000_000)), "deadline": "2026-12-24", "tags": ("музыка", "caf\u00e9", "音楽")}
    jobs = {"song": job(bob, person("Alice"), time=NOW, **said)}
    assert v1.put(bob, jobs).codes == [None]
    assert names(v1, jobs, tags="МУЗЫКА, cafe\u0301") == ["song"]
    assert names(v1, jobs, tags="音楽") == ["song"]
    assert names(v1, jobs, tags="музы") == []


def test_prices_are_those_of_bids(v1: Caller, jobs: dict[str, Signed[Any]], bob: Person) -> None:
    charlie, dan = person("Charlie"), person("Dan")
    low = bid(charlie, jobs["fence"], amount=Sat(10_000))
    high = bid(dan, jobs["fence"], amount=Sat(90_000))
    assert v1.put(bob, {"low": low, "high": high}).codes == [None, None]
    assert names(v1, jobs, min_price=1) == ["fence"]
    assert names(v1, jobs, max_price=10_000) == ["fence"]
    assert names(v1, jobs, min_price=90_000, max_price=90_000) == ["fence"]
    assert names(v1, jobs, min_price=10_001, max_price=89_999) == []
    assert v1.delete(bob, "low").codes == [None]
    assert names(v1, jobs, max_price=10_000) == []


def test_a_page_looks_at_so_many_jobs_and_the_next_goes_on(
    v1: Caller, jobs: dict[str, Signed[Any]], bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = bid(person("Charlie"), jobs["fence"], amount=Sat(10_000))
    assert v1.put(bob, {"low": low}).codes == [None]
    monkeypatch.setattr("causeway.search.jobs.SCANNED", 1)
    pages = [v1.get("/search", max_price=10_000).data]
    while pages[-1]["next"] is not None:
        pages.append(v1.get("/search", max_price=10_000, after=pages[-1]["next"]).data)
    assert [len(page["jobs"]) for page in pages] == [0, 0, 1, 0]
    assert pages[2]["jobs"][0]["id"] == jobs["fence"].id


def test_a_job_that_was_given_away_is_not_open(
    server: Server, v1: Caller, jobs: dict[str, Signed[Any]], bob: Person, mallory: Person
) -> None:
    placed = bid(person("Charlie"), jobs["fence"])
    given = offer(bob, placed, jobs["fence"])
    fake = forged(given.document, mallory.delegate)
    # An offer by Mallory's key that names Bob is refused; one that names Bob as master and her delegate is no offer.
    hers = with_changes(given, mallory.delegate, creator_delegate_address=mallory.delegate_address)
    assert v1.put(bob, {"bid": placed, "fake": fake, "hers": hers}).codes == [None, "not_authorised", None]
    assert names(v1, jobs, open="true") == ["logo", "fence"]
    assert v1.put(bob, {"offer": given}).codes == [None]
    assert names(v1, jobs, open="true") == ["logo"]
    assert names(v1, jobs, open="false") == ["old", "logo", "fence"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages(v1: Caller, jobs: dict[str, Signed[Any]], limit: int) -> None:
    found: list[str] = []
    after: dict[str, object] = {}
    while True:
        answer = v1.get("/search", limit=limit, **after).data
        found += [each["id"] for each in answer["jobs"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert found == [jobs[name].id for name in ("old", "logo", "fence")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"text": ""},
        {"text": "x" * 201},
        {"text": "a\x00b"},
        {"tags": ""},
        {"tags": "a,,b"},
        {"tags": "x" * 33},
        {"tags": ",".join(["a"] * 17)},
        {"creator": "me"},
        {"creator": "%"},
        {"mediator": "1" * 34},
        {"min_price": "-1"},
        {"max_price": "0.1"},
        {"max_price": str(21_000_000 * 10**8 + 1)},
        {"open": "maybe"},
        {"after": "-1"},
        {"limit": "101"},
    ],
)
def test_what_cannot_be_used_is_named(v1: Caller, parameters: dict[str, str]) -> None:
    assert v1.get("/search", **parameters).outcome == (400, "bad_parameter")


def test_the_migration_finds_the_same_words_and_amounts(
    server: Server, v1: Caller, jobs: dict[str, Signed[Any]], bob: Person, deal: Story
) -> None:
    """What m0002 takes from the text of old rows is what incoming takes from the fields of new ones."""
    assert v1.put(bob, {"bid": deal.bid, "job": deal.job}).codes == [None, None]
    query = "SELECT id, amount_sat, words::text FROM document ORDER BY id"
    before = server.rows(query)
    server.rows("UPDATE document SET amount_sat = NULL, words = NULL")
    with server.engine.begin() as connection:
        for statement in fill():
            connection.execute(statement)
    assert server.rows(query) == before
