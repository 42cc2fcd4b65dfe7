"""The story: a job posted, bid on, offered, funded, delivered, accepted and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rein.demo.stage import Stage

ALICE, BOB, CHARLIE = "Alice", "Bob", "Charlie"
PEOPLE = (ALICE, BOB, CHARLIE)


@dataclass(frozen=True)
class Played:
    """One job as it ended: what each of the three people sees of it."""

    job_id: str
    seen: dict[str, dict[str, Any]]


def introduce(stage: Stage) -> None:
    """Everybody gets an identity, hosting on every server, and publishes the enrollment."""
    chain = ("--network", "regtest", "--chain", stage.chain_url, "--chain-cookie", str(stage.cookie))
    for person in PEOPLE:
        mediates = ("--mediate", "--fee", "1.0") if person == ALICE else ("--no-mediate",)
        contact = f"{person.lower()}@example.com"
        stage.act(
            person,
            *chain,
            "setup",
            "--name",
            person,
            "--contact",
            contact,
            *mediates,
            why=f"{person} has keys, twelve words to restore them, and a signed enrollment"
            + (" that offers to mediate for 1 %." if person == ALICE else "."),
        )
        for url in stage.server_urls:
            stage.act(person, "request", url)
        stage.act(person, "sync", why=f"Both servers hold {person}'s enrollment and gave it back unchanged.")


def play_happy_job(stage: Stage) -> Played:
    """Everybody does what he promised."""
    job_id = _agree(stage)
    _fund(stage, job_id)
    stage.act(
        CHARLIE,
        "deliver",
        "--jobid",
        job_id,
        "--deliverables",
        "https://example.com/theme.flac\nsha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        why="Charlie delivers; the escrows were checked on the chain first.",
    )
    stage.act(CHARLIE, "sync")
    stage.act(
        BOB,
        "accept",
        "--jobid",
        job_id,
        why="Bob signs both payments. Each is rebuilt from the documents; nobody sends anybody an address.",
    )
    stage.act(BOB, "sync")
    stage.act(CHARLIE, "collect", "--jobid", job_id, why="Charlie checks the payment, adds his signature, sends it.")
    stage.act(ALICE, "sync", why="Alice learns of the job that named her as its mediator.")
    stage.act(ALICE, "collect", "--jobid", job_id, why="Alice collects her fee from the second escrow the same way.")
    stage.act(BOB, "devnet", "mine", "1", why="A block confirms both payments.")
    for person in PEOPLE:
        stage.act(person, "sync")
    seen = {person: stage.act(person, "status", "--jobid", job_id) for person in PEOPLE}
    return Played(job_id, seen)


def _agree(stage: Stage) -> str:
    posted = stage.act(
        BOB,
        "post",
        "--name",
        "Theme song",
        "--description",
        "Two minutes about decentralized gigs, recorded by yourself.\nFLAC or OGG, royalty free.",
        "--tags",
        "music, recording",
        "--mediator",
        ALICE,
        why="Bob's job names Alice as its mediator and carries a fresh key for this job only.",
    )
    job_id: str = posted["job_id"]
    stage.act(BOB, "sync")
    stage.act(
        CHARLIE,
        "bid",
        "--jobid",
        job_id,
        "--amount",
        "0.015",
        "--description",
        "Within three days.",
        why="Charlie found the job on the servers, checked who signed it, and names a price.",
    )
    stage.act(CHARLIE, "sync")
    stage.act(BOB, "offer", "--bid", job_id, why="Bob gives Charlie the job; both escrows were rebuilt and compared.")
    stage.act(BOB, "sync")
    return job_id


def _fund(stage: Stage, job_id: str) -> None:
    asked = stage.act(BOB, "fund", "--jobid", job_id, "--no-wait", why="Nothing has been paid yet.")
    uris = [escrow["uri"] for escrow in asked["escrows"]]
    stage.act(BOB, "devnet", "pay", *uris, why="Any wallet will do; here it is the private chain's faucet.")
    stage.act(BOB, "devnet", "mine", "1")
    stage.act(BOB, "fund", "--jobid", job_id, why="The chain shows both amounts, to the satoshi.")
