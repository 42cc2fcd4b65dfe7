"""Finding work and people: lists, search, ratings and what is proved of a past."""

from __future__ import annotations

from pathlib import Path

import pytest

from rein.chain.core_rpc import CoreRpc
from rein.demo.processes import chain_program, free_ports, running
from tests.story.conftest import Person, Trio, World, agree, fund, post, settle


def ids(listed: dict[str, object]) -> list[str]:
    jobs = listed["jobs"]
    assert isinstance(jobs, list)
    return [each["job_id"] for each in jobs]


def test_jobs_are_listed_filtered_sorted_and_paged(trio: Trio) -> None:
    tag = "listed"
    first = post(trio, name="Bass line", tags=f"{tag}, music", expires="3")["job_id"]
    second = post(trio, name="alto part", tags=f"{tag}, voice", expires="1")["job_id"]
    trio.charlie.rein("sync")
    for person in (trio.bob, trio.charlie):
        assert set(ids(person.rein("jobs", "--tag", tag))) == {first, second}, "one's own jobs are visible"
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--sort", "expiry")) == [second, first]
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--sort", "name", "--reverse")) == [first, second]
    assert ids(trio.charlie.rein("jobs", "BASS", "--tag", tag)) == [first]
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--tag", "voice")) == [second]
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--expires-within", "2")) == [second]
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--mediator", "nobody")) == []
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--creator", "bob", "--mediator", "alice")) != []
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--mine")) == []
    page = trio.charlie.rein("jobs", "--tag", tag, "--sort", "name", "--limit", "1", "--page", "2")
    assert (ids(page), page["total"], page["pages"]) == ([first], 2, 2)
    assert trio.charlie.fails("jobs", "--page", "0")["code"] == "input"
    trio.charlie.rein("bid", "--jobid", first, "--amount", "0.02", "--description", "Yes.")
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--max-price", "0.02")) == [first]
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--max-price", "0.01999999")) == []
    assert ids(trio.charlie.rein("jobs", "--tag", tag, "--mine")) == [first]
    found = trio.charlie.rein("search", "alto", "voice")
    assert (ids(found), found["people"]) == ([second], [])
    assert [each["name"] for each in trio.charlie.rein("search", "ALICE@x")["people"]] == ["alice"]


def test_what_is_given_away_is_not_offered_for_bids(trio: Trio) -> None:
    """Of the offer only sync tells: a bystander who knew the job as open learns that it is gone."""
    agreed = agree(trio)
    trio.alice.rein("sync")
    assert agreed.job_id not in ids(trio.alice.rein("jobs", "--limit", "1000"))
    assert agreed.job_id in ids(trio.alice.rein("jobs", "--all", "--limit", "1000"))
    [bid] = trio.bob.rein("bids", "--jobid", agreed.job_id)["bids"]
    assert (bid["status"], bid["amount_sat"], bid["worker"]["name"]) == ("chosen", 1_500_000, "charlie")
    trio.charlie.rein("sync")
    assert trio.charlie.rein("bids", "--mine", "--jobid", agreed.job_id)["bids"] == [bid]
    assert trio.alice.rein("bids", "--jobid", agreed.job_id)["bids"] == [], "bids on other people's jobs are theirs"


def test_hidden_is_hidden_until_it_is_shown_again(trio: Trio) -> None:
    job_id = post(trio, tags="hidden")["job_id"]
    trio.charlie.rein("sync")
    trio.charlie.rein("hide", "job", job_id)
    assert ids(trio.charlie.rein("jobs", "--tag", "hidden")) == []
    assert ids(trio.charlie.rein("jobs", "--tag", "hidden", "--hidden")) == [job_id]
    [hidden] = trio.charlie.rein("hide")["hidden"]
    assert (hidden["kind"], hidden["label"]) == ("job", "Theme song")
    trio.charlie.rein("unhide", "job", job_id)
    assert ids(trio.charlie.rein("jobs", "--tag", "hidden")) == [job_id]
    trio.charlie.rein("hide", "person", "bob")
    assert ids(trio.charlie.rein("jobs", "--tag", "hidden")) == []
    assert trio.charlie.rein("search", "bob@x")["people"] == []
    assert ids(trio.bob.rein("jobs", "--tag", "hidden")) == [job_id], "only on this machine"
    trio.charlie.rein("unhide", "person", "bob")
    assert trio.charlie.fails("unhide", "person", "bob")["code"] == "not_found"
    assert trio.charlie.fails("hide", "job", "nosuchjob")["code"] == "not_found"


def test_ratings_count_once_the_chain_shows_that_the_job_is_over(trio: Trio, chain: CoreRpc) -> None:
    agreed = agree(trio)
    early = trio.bob.fails("rate", "--jobid", agreed.job_id, "--role", "worker", "--rating", "5")
    assert early["code"] == "order_state"
    before = trio.alice.rein("trust", "charlie")
    settle(trio, agreed)
    words = ("rate", "--jobid", agreed.job_id, "--role", "worker")
    assert trio.bob.fails(*words, "--rating", "6")["code"] == "input"
    assert (
        trio.bob.fails("rate", "--jobid", agreed.job_id, "--role", "creator", "--rating", "5")["code"] == "order_state"
    )
    rated = trio.bob.rein(*words, "--rating", "4", "--comment", "On time.")
    assert rated["kind"] == "rating"
    assert "rated the worker" in trio.bob.fails(*words, "--rating", "5")["message"]
    trio.alice.rein("rate", "--jobid", agreed.job_id, "--role", "creator", "--rating", "3")
    trio.sync()
    trio.sync()
    seen = trio.alice.rein("trust", "charlie", "--explain")
    assert len(seen["ratings"]) == len(before["ratings"]) + 1
    [given] = [each for each in seen["ratings"] if each["job_id"] == agreed.job_id]
    assert (given["rating"], given["comment"], given["rater_role"]) == (4, "On time.", "creator")
    [link] = [each for each in seen["links"] if each["rating_document"] == given["document_id"]]
    assert (link["trusted"], link["strength"]) == (3, 3), "Alice gave Bob three"
    own = trio.bob.rein("trust", "charlie")
    assert own["links"][-1]["trusted_by_document"] is None
    job = post(trio, tags="rated")["job_id"]
    trio.charlie.rein("sync")
    [listed] = trio.charlie.rein("jobs", "--tag", "rated")["jobs"]
    assert (listed["job_id"], listed["creator"]["ratings"], listed["creator"]["rating_tenths"]) == (job, 1, 30)


def test_what_is_proved_of_a_mediator(trio: Trio) -> None:
    before = record(trio)
    quiet, loud = agree(trio), agree(trio)
    settle(trio, quiet)
    fund(trio, loud)
    trio.charlie.rein("sync")
    trio.charlie.rein("workerdispute", "--jobid", loud.job_id, "--detail", "No word from Bob.")
    trio.charlie.rein("sync")
    trio.alice.rein("sync")
    trio.alice.rein("resolve", "--jobid", loud.job_id, "--worker", "all", "--resolution", "Charlie was ready.")
    trio.sync()
    after = record(trio)
    more = {key: after[key] - before[key] for key in ("cases", "ended", "disputed", "resolved", "for_worker")}
    assert more == {"cases": 2, "ended": 1, "disputed": 1, "resolved": 1, "for_worker": 1}
    assert (after["for_creator"], after["contradicted"]) == (before["for_creator"], 0)
    assert after["blocks_to_decide"] >= 0


def record(trio: Trio) -> dict[str, int]:
    trio.bob.rein("sync")
    [alice] = [each for each in trio.bob.rein("mediators")["mediators"] if each["name"] == "alice"]
    assert (alice["fee_basis_points"], alice["contact"]) == (100, "alice@x")
    found: dict[str, int] = alice
    return found


@pytest.mark.parametrize("command", ["jobs", "bids", "mediators"])
def test_an_unknown_order_of_a_list_is_refused(trio: Trio, command: str) -> None:
    result = trio.bob.run(command, "--sort", "beauty")
    assert result.code == 2
    assert "beauty" in result.err


def test_a_case_that_is_kept_makes_ratings_count(trio: Trio, world: World, tmp_path: Path) -> None:
    """Dora has an empty home and no server; what the file proves, and her chain knows, is enough."""
    agreed = agree(trio)
    settle(trio, agreed)
    trio.bob.rein("rate", "--jobid", agreed.job_id, "--role", "worker", "--rating", "2")
    file = tmp_path / "case.zip"
    trio.bob.rein("case", "export", agreed.job_id, "--out", str(file))
    dora = Person("dora", tmp_path / "dora")
    chain = ("--network", "regtest", "--chain", world.chain_url, "--chain-cookie", str(world.cookie))
    dora.rein(*chain, "setup", "--name", "dora", "--contact", "dora@x", "--no-mediate")
    assert dora.rein("case", "keep", str(file))["state"] == "settled"
    seen = dora.rein("trust", "charlie")
    assert [(each["rating"], each["job_id"]) for each in seen["ratings"]] == [(2, agreed.job_id)]
    assert seen["links"] == [], "Dora knows none of them"
    assert trio.alice.rein("case", "keep", str(file))["state"] == "settled", "a party may be handed one, too"


def test_a_case_of_blocks_that_nobody_knows_proves_nothing(trio: Trio, world: World, tmp_path: Path) -> None:
    """On a chain of one's own anybody mines any proof."""
    agreed = agree(trio)
    settle(trio, agreed)
    file = tmp_path / "case.zip"
    trio.bob.rein("case", "export", agreed.job_id, "--out", str(file))
    dora, [port] = Person("dora", tmp_path / "dora"), free_ports(1)
    with running([chain_program(tmp_path / "chain", port)]):
        cookie = str(tmp_path / "chain" / ".cookie")
        chain = ("--network", "regtest", "--chain", f"http://127.0.0.1:{port}", "--chain-cookie", cookie)
        dora.rein(*chain, "setup", "--name", "dora", "--contact", "dora@x", "--no-mediate")
        refused = dora.fails("case", "keep", str(file))
        assert (refused["code"], "is not in the best chain" in refused["message"]) == ("bad_case", True)
        assert dora.fails("trust", "charlie")["code"] == "not_found", "nothing of it was kept"
