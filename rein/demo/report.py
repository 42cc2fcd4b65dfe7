"""What came of it: read from the chain and the servers, not from what the commands said; and whether it is right."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.demo.processes import DemoError
from rein.demo.stage import Stage
from rein.demo.story import ALICE, BOB, CHARLIE, PEOPLE, Played
from rein.errors import ReinError
from rein.protocol.signed import verify
from rein.remote.causeway import Causeway


@dataclass(frozen=True)
class Receipt:
    """One output of a payment as the chain has it."""

    job_id: str
    person: str
    amount: Sat
    txid: str
    confirmations: int


@dataclass(frozen=True)
class Report:
    """`data` is the object that `rein demo --json` prints."""

    data: dict[str, Any]
    receipts: tuple[Receipt, ...]


def make_report(stage: Stage, jobs: list[Played], began: float) -> Report:
    """Look at the chain and the servers.

    :param began: `time.monotonic()` when the demo began.
    :raises DemoError: anything is not as it should be.
    """
    with CoreRpc(stage.chain_url, REGTEST, cookie_file=stage.cookie) as chain:
        receipts = [_receipts(chain, played) for played in jobs]
        data = {
            "jobs": [_job(played, paid) for played, paid in zip(jobs, receipts, strict=True)],
            "servers": _servers(stage, jobs),
            "chain": {"network": REGTEST.name, "height": chain.tip().height},
            "seconds": round(time.monotonic() - began, 1),
        }
    return Report(data, tuple(receipt for paid in receipts for receipt in paid))


def _receipts(chain: CoreRpc, played: Played) -> list[Receipt]:
    """What lies at everybody's outputs now, confirmed; the escrows' outputs must be gone."""
    found: list[Receipt] = []
    for escrow in played.seen[BOB]["escrows"]:
        for output in escrow["outputs"]:
            gone = chain.unspent_output(OutPoint.parse(output["outpoint"])) is None
            _expect(gone, f"the {escrow['purse']} escrow still holds its money")
        payment = escrow["payment"]
        _expect(payment is not None, f"the {escrow['purse']} escrow was not paid out")
        parts = [(escrow["receiver"], payment["amount_sat"]), (BOB, payment["back_sat"])]
        outputs = [part for part in parts if part[1]]
        for index, (person, amount) in enumerate(outputs):
            found.append(_receipt(chain, played.job_id, person, amount, OutPoint(payment["txid"], index)))
    return found


def _receipt(chain: CoreRpc, job_id: str, person: str, amount: int, outpoint: OutPoint) -> Receipt:
    output = chain.unspent_output(outpoint)
    if output is None or output.confirmations < 1:
        raise DemoError(f"the payment {outpoint.txid} to {person} is not on the chain")
    _expect(output.amount == amount, f"{person} got {output.amount} sat, and not {amount} sat")
    return Receipt(job_id, person, output.amount, outpoint.txid, output.confirmations)


def _job(played: Played, paid: list[Receipt]) -> dict[str, Any]:
    for person in PEOPLE:
        _expect(
            played.seen[person]["state"] == played.state, f"{person} sees the job as {played.seen[person]['state']}"
        )
    seen = played.seen[BOB]
    primary, mediator = seen["escrows"]
    funded = sum(output["amount_sat"] for escrow in (primary, mediator) for output in escrow["outputs"])
    received = {person: sum(each.amount for each in paid if each.person == person) for person in PEOPLE}
    fees = sum(escrow["payment"]["fee_sat"] for escrow in (primary, mediator))
    _expect(received[CHARLIE] == played.worker_sat, "the worker did not get what the documents give")
    _expect(received[ALICE] == mediator["receives_sat"], "the mediator did not get the fee agreed")
    returned = seen["price_sat"] - played.worker_sat
    _expect(received[BOB] >= returned, "the creator did not get back what was left")
    _expect(funded == sum(received.values()) + fees, "what was paid out and what was paid in differ")
    return {
        "job_id": seen["job_id"],
        "state": seen["state"],
        "ending": primary["payment"]["ending"],
        "price_sat": seen["price_sat"],
        "funded_sat": funded,
        "primary_txid": primary["payment"]["txid"],
        "mediator_txid": mediator["payment"]["txid"],
        "worker_received_sat": received[CHARLIE],
        "creator_received_sat": received[BOB],
        "mediator_received_sat": received[ALICE],
        "fee_sat": fees,
    }


def _servers(stage: Stage, jobs: list[Played]) -> list[dict[str, Any]]:
    masters = sorted({document["author"] for played in jobs for document in played.seen[BOB]["documents"]})
    documents = {played.job_id: set(_ids(played)) for played in jobs}
    rows, holdings = [], []
    for url in stage.server_urls:
        server = Causeway(url, REGTEST, masters[0], masters[0])
        try:
            rows.append({"url": url, "documents": server.status().documents})
            page = server.feed(0)
            told = [verify(entry.armored) for entry in (page.entries if page else ())]
            holdings.append({signed.id for signed in told if getattr(signed.document, "job_id", None) in documents})
        except ReinError as error:
            raise DemoError(f"{url} does not say what it holds: {error}") from error
        finally:
            server.close()
    for url, held in zip(stage.server_urls, holdings, strict=True):
        _expect(held == set().union(*documents.values()), f"{url} does not hold exactly the documents of the jobs")
    _expect(len({row["documents"] for row in rows}) == 1, "the servers do not hold the same number of documents")
    return rows


def _ids(played: Played) -> list[str]:
    return [document["document_id"] for document in played.seen[BOB]["documents"]]


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise DemoError(f"not as it should be: {otherwise}")
