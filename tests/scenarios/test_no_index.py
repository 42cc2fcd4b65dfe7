"""A node without a transaction index: what was paid stays paid when its receivers spend it."""

from __future__ import annotations

from typing import Any

from rein.btc.keys import PrivateKey
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import FoundTransaction
from rein.protocol.orders import State
from tests.devnet.spending import Money, spend
from tests.scenarios.blocks import branch
from tests.scenarios.stage import FEE, PRICE, Actor, Play
from tests.support.people import fee_key


class WithoutIndex:
    """Finds a confirmed transaction in the block that is named, and nowhere else."""

    def __init__(self, chain: CoreRpc) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def find_transaction(self, txid: str, block_hash: str | None = None) -> FoundTransaction | None:
        found = self._chain.find_transaction(txid, block_hash)
        return None if found is None or (found.block is not None and block_hash is None) else found


def spends(play: Play, who: Actor, key: PrivateKey) -> None:
    """Somebody spends all that he was paid."""
    script = play.script(who)
    for output in play.chain.unspent_outputs([script]):
        play.chain.broadcast(spend([Money(output.outpoint, output.amount, script)], [], key=key))


def test_what_was_paid_stays_paid_when_it_is_spent(play: Play) -> None:
    for who in play.everybody:
        who.desk.chain = WithoutIndex(play.chain)  # type: ignore[misc,assignment]
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    job_id = play.job.document.job_id
    spends(play, play.worker, play.worker.desk.keyring.worker_payment(play.job.id))
    spends(play, play.mediator, fee_key(play.mediator.person))
    spends(play, play.creator, play.creator.desk.keyring.creator_payment(job_id))
    play.mine()
    assert play.state is State.SETTLED
    assert all(who.notes == [] for who in play.everybody)
    branch(play.chain, depth=2)
    assert play.state is State.ACCEPTED, "and is no more when its block is gone"
    play.mine()
