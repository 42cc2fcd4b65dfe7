"""A node without a transaction index: what was paid stays paid when its receivers spend it."""

from __future__ import annotations

from typing import Any

from rein.btc.keys import PrivateKey
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import FoundTransaction
from rein.protocol.orders import State
from rein.workflows.wallet.wallet import key_of
from tests.devnet.spending import Money, spend
from tests.scenarios.blocks import branch
from tests.scenarios.stage import FEE, PRICE, Actor, Play


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
        who.session.chain = WithoutIndex(play.chain)  # type: ignore[misc,assignment]
    play.accepted()
    play.collect(play.worker)
    play.collect(play.mediator)
    play.ends(State.SETTLED, worker=PRICE, mediator=FEE)
    spends(play, play.worker, key_of(play.worker.session, play.bid.document.worker_payment_address))
    spends(play, play.mediator, key_of(play.mediator.session, play.job.document.mediator_payment_address))
    spends(play, play.creator, key_of(play.creator.session, play.job.document.creator_payment_address))
    play.mine()
    assert play.state is State.SETTLED
    assert all(who.notes == [] for who in play.everybody)
    branch(play.chain, depth=2)
    assert play.state is State.ACCEPTED, "and is no more when its block is gone"
    play.mine()
