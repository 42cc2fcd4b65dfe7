"""The chain of the scenarios, handled roughly: branches that win, a wallet that pays twice, and the books of a job.

Everything goes through RPC calls that Bitcoin Core has too.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rein.btc.address import p2wpkh_address, p2wpkh_script, script_of_address
from rein.btc.amounts import Sat
from rein.btc.hashes import sha256
from rein.btc.keys import PrivateKey
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint, Transaction, TxOutput
from rein.chain.core_rpc import CoreRpc
from rein.devnet import faucet
from rein.devnet.journal import block_hash
from rein.devnet.mining import assemble
from rein.escrow.terms import MAX_FEERATE
from tests.devnet.spending import Money, spend

_count = itertools.count(1)


def branch(chain: CoreRpc, *transactions: Transaction, depth: int = 1) -> None:
    """The last `depth` blocks lose against a longer branch, which holds these transactions only. What the lost ones
    held goes back to the mempool, as far as it still can be mined."""
    parent = chain.block_at(chain.tip().height - depth)
    previous, height, time = parent.hash, parent.height, parent.time
    for number in range(depth + 1):
        held = transactions if number == 0 else ()
        height, time = height + 1, time + 1
        raw = assemble(
            previous=previous,
            height=height,
            time=time,
            script=faucet.SCRIPT,
            transactions=held,
            extranonce=10_000_000 + next(_count),
        )
        assert chain.call("submitblock", raw.hex()) in (None, "inconclusive")
        previous = block_hash(raw)
    assert chain.tip().hash == previous, "the longer branch did not win"


def mine(chain: CoreRpc, blocks: int = 1) -> str:
    """Blocks with all that waits; the last one's hash."""
    return faucet.mine(chain, blocks)[-1]


class Wallet:
    """Somebody's coins beside the faucet's, to be spent as often as wished."""

    def __init__(self, chain: CoreRpc, amount: Sat) -> None:
        """:param amount: what it holds, in one confirmed coin."""
        self.chain = chain
        self.key = PrivateKey(sha256(b"wallet of the scenarios %d" % next(_count)))
        self.script = p2wpkh_script(self.key.public_key)
        faucet.pay(chain, [(p2wpkh_address(self.key.public_key, REGTEST), amount)])
        mine(chain)
        (found,) = chain.unspent_outputs([self.script])
        self.coin = Money(found.outpoint, found.amount, self.script)

    def sign(self, *payments: tuple[str, Sat], fee: int = 1_000) -> Transaction:
        """A payment out of the one coin, the rest back to it."""
        outputs = [TxOutput(amount, script_of_address(address, REGTEST)) for address, amount in payments]
        return spend([self.coin], outputs, key=self.key, fee=fee, change=self.script)


@dataclass(frozen=True)
class Spent:
    """A transaction in a block that spends outputs of escrows."""

    transaction: Transaction
    escrow_outputs: tuple[TxOutput, ...]

    @property
    def fee(self) -> int:
        return sum(each.amount for each in self.escrow_outputs) - sum(each.amount for each in self.transaction.outputs)


def blocks_since(chain: CoreRpc, height: int) -> Iterator[Transaction]:
    """Every transaction in the blocks above a height, on the best chain."""
    for number in range(height + 1, chain.tip().height + 1):
        block = chain.call("getblock", chain.block_at(number).hash, 1)
        for txid in block["tx"]:
            transaction = chain.transaction(str(txid), str(block["hash"]))
            assert transaction is not None
            yield transaction


def read_books(chain: CoreRpc, since: int, escrows: Collection[bytes]) -> tuple[dict[OutPoint, TxOutput], list[Spent]]:
    """What was paid into these scripts after a height, and what spent it."""
    funded: dict[OutPoint, TxOutput] = {}
    spent: list[Spent] = []
    for transaction in blocks_since(chain, since):
        taken = tuple(funded[each] for each in transaction.inputs if each in funded)
        if taken:
            assert len(taken) == len(transaction.inputs), "an escrow's money went together with somebody else's"
            spent.append(Spent(transaction, taken))
        for index, output in enumerate(transaction.outputs):
            if output.script in escrows:
                funded[OutPoint(transaction.txid, index)] = output
    return funded, spent


def books_balance(
    chain: CoreRpc,
    since: int,
    escrows: Collection[bytes],
    people: Mapping[str, bytes],
    *,
    left: int = 0,
    **expected: int,
) -> None:
    """Follow every satoshi that was paid into the escrows after a height, block by block.

    :param people: who the documents name, and the script each is paid at.
    :param left: what must still lie in the escrows.
    :param expected: what each of them must hold, to the satoshi; whoever is not given holds all the rest.
    """
    funded, spent = read_books(chain, since, escrows)
    holds = dict.fromkeys(people, 0)
    names = {script: name for name, script in people.items()}
    for each in spent:
        for output in each.transaction.outputs:
            assert output.script in names, f"{output.amount} sat went to somebody the documents do not name"
            holds[names[output.script]] += output.amount
        assert 0 < each.fee <= MAX_FEERATE * each.transaction.vsize
    fees = sum(each.fee for each in spent)
    total = sum(output.amount for output in funded.values())
    unspent = sum(output.amount for output in chain.unspent_outputs(list(escrows)))
    assert unspent == left
    assert sum(holds.values()) + fees + unspent == total, "a satoshi is missing"
    for name, amount in expected.items():
        assert holds[name] == amount, f"the {name} holds {holds[name]} sat, and not {amount}"
