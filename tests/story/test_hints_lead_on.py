"""Nobody at the terminal: each command ends and names the missing flag; who gives the flags it names gets through."""

from __future__ import annotations

import re

import pytest

from tests.cli.test_no_prompts import leaves
from tests.story.conftest import Person, Result, Trio, agree, fund

pytestmark = pytest.mark.slow

ANSWERS = {
    "--name": "Theme song",
    "--description": "Two minutes.",
    "--mediator": "alice",
    "--amount": "0.015",
    "--deliverables": "https://example.com/x",
    "--detail": "It is silent.",
    "--worker": "0.01",
    "--resolution": "Two thirds.",
    "--terms": "For what is done.",
    "--reason": "I cannot.",
    "--yes": "",
}


def follow(person: Person, name: str, *words: str) -> tuple[list[str], Result]:
    """Run a command with nobody there, and give it each flag it names until it is done; the flags, and the end."""
    from rein.cli.demo import run_command

    (command,) = (each for each_name, each in leaves() if each_name == name)
    options = {option for each in command.params for option in each.opts}
    asked: list[str] = []
    while True:
        given = [part for flag in asked for part in (flag, ANSWERS[flag]) if part]
        result = Result(*run_command(["--home", str(person.home), "--json", name, *words, *given]))
        if result.code == 0:
            return asked, result
        assert (result.code, result.error["code"]) == (2, "input"), result.err
        found = re.search(r"--[a-z-]+", result.error["hint"])
        assert found is not None
        assert found[0] in options
        assert found[0] not in asked, "it was given, and is asked for again"
        asked.append(found[0])


def test_every_step_of_every_job(trio: Trio) -> None:
    alice, bob, charlie = trio.everybody
    asked, posted = follow(bob, "post")
    assert asked == ["--mediator", "--name", "--description"]
    job = ("--jobid", posted.data["job_id"])
    bob.rein("sync")
    assert follow(charlie, "bid", *job)[0] == ["--description", "--amount"]
    charlie.rein("sync")
    assert follow(bob, "offer", "--bid", job[1])[0] == ["--yes"]
    bob.rein("sync")
    asked_for = bob.rein("fund", *job, "--no-wait")["escrows"]
    bob.rein("devnet", "pay", *(each["uri"] for each in asked_for))
    bob.rein("devnet", "mine", "1")
    assert follow(charlie, "deliver", *job)[0] == ["--deliverables"]
    charlie.rein("sync")
    accepted = follow(bob, "accept", *job)
    assert accepted[0] == ["--yes"]
    assert follow(bob, "withdraw", "--document", accepted[1].data["document_id"])[0] == ["--yes"]
    assert follow(charlie, "workerdispute", *job)[0] == ["--detail", "--yes"]
    assert follow(bob, "creatordispute", *job)[0] == ["--detail", "--yes"]
    trio.sync()
    assert follow(alice, "resolve", *job)[0] == ["--worker", "--resolution", "--yes"]
    alice.rein("sync")
    assert follow(bob, "acceptresolution", *job)[0] == ["--yes"]


def test_settled_and_given_back(trio: Trio) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    job = ("--jobid", agreed.job_id)
    assert follow(trio.charlie, "settle", *job)[0] == ["--worker", "--terms", "--yes"]
    assert follow(trio.charlie, "refund", *job)[0] == ["--reason", "--yes"]
    trio.charlie.rein("sync")
    documents = trio.bob.rein("status", *job)["documents"]
    (refund,) = (each["document_id"] for each in documents if each["kind"] == "refund")
    assert follow(trio.bob, "agree", *job, "--document", refund)[0] == ["--yes"]
