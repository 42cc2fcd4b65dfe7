"""What came of it: read from the chain and the servers, not from what the commands said; and whether it is right."""

from __future__ import annotations

from typing import Any

from rein.btc.amounts import Sat
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.chain.core_rpc import CoreRpc
from rein.demo.processes import DemoError
from rein.demo.stage import Stage
from rein.demo.story import PEOPLE, Played
from rein.errors import ReinError
from rein.protocol.signed import verify
from rein.protocol.wire import Query
from rein.remote.causeway import Causeway


def make_report(stage: Stage, jobs: list[Played], seconds: float) -> dict[str, Any]:
    """The object that `rein demo --json` prints.

    :raises DemoError: anything is not as it should be.
    """
    with CoreRpc(stage.chain_url, REGTEST, cookie_file=stage.cookie) as chain:
        return {
            "jobs": [_job(chain, played) for played in jobs],
            "servers": _servers(stage, jobs),
            "chain": {"network": REGTEST.name, "height": chain.tip().height},
            "seconds": round(seconds, 1),
        }


def _job(chain: CoreRpc, played: Played) -> dict[str, Any]:
    seen = played.seen["Bob"]
    for person in PEOPLE:
        _expect(played.seen[person]["state"] == "settled", f"{person} sees the job as {played.seen[person]['state']}")
    escrows = {escrow["purse"]: escrow for escrow in seen["escrows"]}
    received = {purse: _received(chain, escrow) for purse, escrow in escrows.items()}
    fees = sum(escrow["amount_sat"] - received[purse] for purse, escrow in escrows.items())
    _expect(received["primary"] == seen["price_sat"], "the worker did not get the price of the bid")
    _expect(received["mediator"] == escrows["mediator"]["receives_sat"], "the mediator did not get the fee agreed")
    return {
        "job_id": seen["job_id"],
        "state": seen["state"],
        "price_sat": seen["price_sat"],
        "primary_txid": escrows["primary"]["payment_txid"],
        "mediator_txid": escrows["mediator"]["payment_txid"],
        "worker_received_sat": received["primary"],
        "mediator_received_sat": received["mediator"],
        "fee_sat": fees,
    }


def _received(chain: CoreRpc, escrow: dict[str, Any]) -> Sat:
    """What lies at the receiver's output now, confirmed."""
    output = chain.unspent_output(OutPoint(escrow["payment_txid"], 0))
    if output is None or output.confirmations < 1:
        raise DemoError(f"the {escrow['purse']} payment is not on the chain")
    spent = chain.unspent_output(OutPoint.parse(escrow["outpoint"]))
    _expect(spent is None, f"the {escrow['purse']} escrow still holds its money")
    return output.amount


def _servers(stage: Stage, jobs: list[Played]) -> list[dict[str, Any]]:
    masters = sorted({document["author"] for played in jobs for document in played.seen["Bob"]["documents"]})
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
    return [document["document_id"] for document in played.seen["Bob"]["documents"]]


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise DemoError(f"not as it should be: {otherwise}")
