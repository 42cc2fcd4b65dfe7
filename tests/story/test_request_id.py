"""`--request-id`: scripts that retry, at once or after being killed, do everything once."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from tests.story.conftest import Person, Trio, World, post
from tests.story.test_interrupted import KILLS, SEED, interrupt, start

WORDS = ("post", "--name", "Once", "--description", "y", "--mediator", "alice")


def jobs(person: Person, name: str) -> list[str]:
    return [each["job_id"] for each in person.rein("status")["jobs"] if each["name"] == name]


def test_a_retry_is_answered_with_what_was_done(trio: Trio) -> None:
    first = trio.bob.rein(*WORDS, "--request-id", "post-1")
    again = trio.bob.rein(*WORDS, "--request-id", "post-1")
    assert again == first | {"repeated": True}
    assert jobs(trio.bob, "Once") == [first["job_id"]]
    shown = trio.bob.run(*WORDS, "--request-id", "post-1")
    assert f"Already done under this request id: document {first['document_id']}." in " ".join(shown.err.split())
    assert trio.bob.rein(*WORDS, "--request-id", "post-2")["job_id"] != first["job_id"]
    other = trio.bob.fails(*WORDS, "--expires", "3", "--request-id", "post-1")
    assert (other["code"], "with other options" in other["message"]) == ("input", True)
    other = trio.bob.fails("withdraw", "--document", first["document_id"], "--request-id", "post-1")
    assert "for `post`" in other["message"]


def test_a_dry_run_is_not_what_was_done(trio: Trio) -> None:
    words = (*WORDS[:2], "Dry", *WORDS[3:], "--request-id", "dry-1")
    assert trio.bob.rein(*words, "--dry-run")["stored"] is False
    done = trio.bob.rein(*words)
    assert (done["stored"], "repeated" in done) == (True, False)
    assert len(jobs(trio.bob, "Dry")) == 1


def test_an_error_is_not_what_was_done(trio: Trio) -> None:
    job = post(trio, name="Soon")["job_id"]
    bid = ("bid", "--jobid", job, "--description", "I", "--amount", "0.01", "--request-id", "bid-1")
    trio.charlie.fails(*bid[:-2], "--amount", "1500000", "--request-id", "bid-1")
    done = trio.charlie.rein(*bid)
    assert trio.charlie.rein(*bid) == done | {"repeated": True}


def test_hosting_is_asked_for_once(world: World, trio: Trio) -> None:
    words = ("request", world.server_urls[0], "--request-id", "bucket-1")
    first = trio.charlie.rein(*words)
    assert trio.charlie.rein(*words) == first | {"repeated": True}


def test_two_at_once_do_it_once(trio: Trio) -> None:
    words = (*WORDS[:2], "Twice", *WORDS[3:], "--request-id", "both")
    both = [start(trio.bob.home, *words) for _ in range(3)]
    told = []
    for each in both:
        out, err = each.communicate(timeout=120)
        assert each.returncode == 0, err
        told.append(json.loads(out))
    assert len({each["document_id"] for each in told}) == 1
    assert sorted(each.get("repeated", False) for each in told) == [False, True, True]
    assert len(jobs(trio.bob, "Twice")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_killed_at_any_moment_and_repeated_it_is_done_once(trio: Trio, tmp_path: Path, number: signal.Signals) -> None:
    drawn = random.Random(SEED)
    began = time.monotonic()
    start(trio.bob.home, *WORDS).communicate(timeout=120)
    lasts = time.monotonic() - began
    for attempt in range(2 * KILLS):
        name = f"Killed {number.name} {attempt}"
        words = ("post", "--name", name, *WORDS[3:], "--request-id", name)
        interrupt(start(trio.bob.home, *words), drawn.uniform(lasts / 2, lasts), number)
        done = trio.bob.rein(*words)
        assert trio.bob.rein(*words) == done | {"repeated": True}, f"REIN_TEST_SEED={SEED}"
        assert jobs(trio.bob, name) == [done["job_id"]], f"REIN_TEST_SEED={SEED}"
