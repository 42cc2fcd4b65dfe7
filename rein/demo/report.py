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
from rein.demo.story import BOB, PEOPLE, Played
from rein.errors import ReinError
from rein.protocol.signed import verify
from rein.protocol.wire import Query
from rein.remote.causeway import Causeway


@dataclass(frozen=True)
class Receipt:
    """One payment as the chain has it."""

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
    return Report(data, tuple(receipt for paid in receipts for receipt in paid.values()))


def _receipts(chain: CoreRpc, played: Played) -> dict[str, Receipt]:
    """Each escrow's payment, by purse."""
    return {escrow["purse"]: _receipt(chain, played.job_id, escrow) for escrow in played.seen[BOB]["escrows"]}


def _receipt(chain: CoreRpc, job_id: str, escrow: dict[str, Any]) -> Receipt:
    """What lies at the receiver's output now, confirmed; the escrow's output must be gone."""
    output = chain.unspent_output(OutPoint(escrow["payment_txid"], 0))
    if output is None or output.confirmations < 1:
        raise DemoError(f"the {escrow['purse']} payment is not on the chain")
    escrowed = chain.unspent_output(OutPoint.parse(escrow["outpoint"]))
    _expect(escrowed is None, f"the {escrow['purse']} escrow still holds its money")
    return Receipt(job_id, escrow["receiver"], output.amount, escrow["payment_txid"], output.confirmations)


def _job(played: Played, paid: dict[str, Receipt]) -> dict[str, Any]:
    for person in PEOPLE:
        _expect(played.seen[person]["state"] == "settled", f"{person} sees the job as {played.seen[person]['state']}")
    seen = played.seen[BOB]
    funded = {escrow["purse"]: escrow["amount_sat"] for escrow in seen["escrows"]}
    agreed = {escrow["purse"]: escrow["receives_sat"] for escrow in seen["escrows"]}
    _expect(paid["primary"].amount == seen["price_sat"], "the worker did not get the price of the bid")
    _expect(paid["mediator"].amount == agreed["mediator"], "the mediator did not get the fee agreed")
    return {
        "job_id": seen["job_id"],
        "state": seen["state"],
        "price_sat": seen["price_sat"],
        "primary_txid": paid["primary"].txid,
        "mediator_txid": paid["mediator"].txid,
        "worker_received_sat": paid["primary"].amount,
        "mediator_received_sat": paid["mediator"].amount,
        "fee_sat": sum(funded.values()) - sum(receipt.amount for receipt in paid.values()),
    }


def _servers(stage: Stage, jobs: list[Played]) -> list[dict[str, Any]]:
    masters = sorted({document["author"] for played in jobs for document in played.seen[BOB]["documents"]})
    documents = {played.job_id: set(_ids(played)) for played in jobs}
    rows, holdings = [], []
    for url in stage.server_urls:
        server = Causeway(url, REGTEST, masters[0], masters[0])
        try:
            rows.append({"url": url, "documents": int(server.status()["documents"])})
            texts = server.query_list(Query.BY_JOB_ID, "job_ids", sorted(documents))
            holdings.append({verify(text).id for text in texts})
        except (ReinError, KeyError, ValueError) as error:
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
