"""Who may enter the mempool: Bitcoin Core's rules (validation.cpp, MemPoolAccept), in Core's order and words.

A refusal is a RejectedError whose message is Core's "reason, details". Left out: packages, sigop cost, cluster limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rein.btc.amounts import COIN, MAX_MONEY, Sat, format_btc
from rein.btc.transaction import OutPoint, Transaction
from rein.devnet.chainstate import COINBASE_MATURITY, ChainState, Coin
from rein.devnet.kernel import Kernel
from rein.devnet.mempool import Mempool
from rein.devnet.standard import check_standard
from rein.devnet.strict import check_strict, check_witness_standard, script_failure
from rein.errors import RejectedError

MIN_RELAY_FEERATE: Final = 1000  # satoshis per 1000 vbytes: Core's until version 30, and what many nodes keep
INCREMENTAL_FEERATE: Final = 1000
MAX_ANCESTORS: Final = 25  # the transaction itself counts
MAX_REPLACED: Final = 100
MISSING_INPUTS: Final = "bad-txns-inputs-missingorspent"

_LOCKTIME_IS_TIME: Final = 500_000_000  # below, a locktime is a height
_FINAL: Final = 0xFFFFFFFF
_BIP68_DISABLED: Final = 1 << 31
_BIP68_IS_TIME: Final = 1 << 22
_BIP68_MASK: Final = 0xFFFF
_BIP68_GRANULARITY: Final = 9  # time locks count 512 seconds


def fee_for(feerate: int, vsize: int) -> int:
    """Satoshis for `vsize` virtual bytes at `feerate` satoshis per 1000, rounded up as Core's CFeeRate::GetFee."""
    return -(-feerate * vsize // 1000)


@dataclass(frozen=True)
class Candidate:
    """A transaction found acceptable, and the waiting transactions it would push out."""

    tx: Transaction
    fee: Sat
    replaces: frozenset[str]


class Acceptance:
    """Judges transactions against one chain and one mempool; it changes neither."""

    def __init__(self, chain: ChainState, mempool: Mempool, kernel: Kernel) -> None:
        self._chain = chain
        self._mempool = mempool
        self._kernel = kernel

    def examine(self, tx: Transaction, *, free: bool = False) -> Candidate:
        """Everything the next block and Core's relay policy ask of it. RejectedError otherwise.

        `free` waives fees: for transactions that come back from a block that left the chain.
        """
        if tx.inputs[0].txid == "00" * 32:
            raise RejectedError("coinbase")
        check_standard(tx)
        if not self._is_final(tx):
            raise RejectedError("non-final")
        self._check_unknown(tx)
        conflicts = {spender for outpoint in tx.inputs if (spender := self._mempool.spender(outpoint))}
        coins = [self._coin(tx, outpoint) for outpoint in tx.inputs]
        self._check_sequence_locks(tx, coins)
        fee = self._check_amounts(tx, coins)
        spent = [coin.script for coin in coins]
        check_witness_standard(tx, spent)
        if not free and fee < (needed := fee_for(MIN_RELAY_FEERATE, tx.vsize)):
            raise RejectedError(f"min relay fee not met, {fee} < {needed}")
        ancestors = self._mempool.ancestors(tx)
        if len(ancestors) + 1 > MAX_ANCESTORS:
            raise RejectedError(f"too-long-mempool-chain, too many unconfirmed ancestors [limit: {MAX_ANCESTORS}]")
        if conflicts & ancestors:
            raise RejectedError(f"bad-txns-spends-conflicting-tx, {tx.txid} spends conflicting transaction")
        replaces = self._check_replacement(tx, fee, conflicts) if conflicts else frozenset[str]()
        self._check_scripts(tx, coins)
        return Candidate(tx, fee, replaces)

    def _is_final(self, tx: Transaction) -> bool:
        """Whether the next block may hold it (BIP113: a time is compared with the tip's median time)."""
        limit = self._chain.height + 1 if tx.locktime < _LOCKTIME_IS_TIME else self._chain.tip.median_time
        return tx.locktime < limit or all(sequence == _FINAL for sequence in tx.sequences)

    def _check_unknown(self, tx: Transaction) -> None:
        waiting = self._mempool.get(tx.txid)
        if waiting is not None:
            same = waiting.tx.wtxid == tx.wtxid
            raise RejectedError("txn-already-in-mempool" if same else "txn-same-nonwitness-data-in-mempool")
        if any(OutPoint(tx.txid, index) in self._chain.coins for index in range(len(tx.outputs))):
            raise RejectedError("txn-already-known")

    def _coin(self, tx: Transaction, outpoint: OutPoint) -> Coin:
        """What an input spends; an output of the mempool counts as being in the next block."""
        coin = self._chain.coins.get(outpoint)
        if coin is not None:
            return coin
        output = self._mempool.output(outpoint)
        if output is None:
            raise RejectedError(MISSING_INPUTS)
        return Coin(output.amount, output.script, self._chain.height + 1, coinbase=False)

    def _check_sequence_locks(self, tx: Transaction, coins: Sequence[Coin]) -> None:
        """BIP68 against the next block."""
        if tx.version < 2:
            return
        for sequence, coin in zip(tx.sequences, coins, strict=True):
            if sequence & _BIP68_DISABLED:
                continue
            value = sequence & _BIP68_MASK
            if sequence & _BIP68_IS_TIME:
                # Counted from the median time of the block before the coin's.
                since = self._chain.at(coin.height - 1).median_time
                unlocked = self._chain.tip.median_time >= since + (value << _BIP68_GRANULARITY)
            else:
                unlocked = self._chain.height + 1 >= coin.height + value
            if not unlocked:
                raise RejectedError("non-BIP68-final")

    def _check_amounts(self, tx: Transaction, coins: Sequence[Coin]) -> Sat:
        for coin in coins:
            depth = self._chain.height + 1 - coin.height
            if coin.coinbase and depth < COINBASE_MATURITY:
                raise RejectedError(f"bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth {depth}")
        paid_in = sum(coin.amount for coin in coins)
        paid_out = sum(output.amount for output in tx.outputs)
        if paid_in > MAX_MONEY:
            raise RejectedError("bad-txns-inputvalues-outofrange")
        if paid_in < paid_out:
            shown_in, shown_out = format_btc(Sat(paid_in)), format_btc(Sat(paid_out))
            raise RejectedError(f"bad-txns-in-belowout, value in ({shown_in}) < value out ({shown_out})")
        return Sat(paid_in - paid_out)

    def _check_replacement(self, tx: Transaction, fee: Sat, conflicts: set[str]) -> frozenset[str]:
        """BIP125 without its opt-in (full RBF): who pays more, by fee and by feerate, replaces."""
        direct = self._mempool.entries(sorted(conflicts))
        replaced = self._mempool.descendants(conflicts)
        evicted = f"rejecting replacement {tx.txid}"
        for entry in direct:
            if fee * entry.tx.vsize <= entry.fee * tx.vsize:
                rates = f"{_per_kvb(fee, tx.vsize)} <= old feerate {_per_kvb(entry.fee, entry.tx.vsize)}"
                raise RejectedError(f"insufficient fee, {evicted}; new feerate {rates}")
        if len(replaced) > MAX_REPLACED:
            raise RejectedError(f"too many potential replacements, {evicted}; {len(replaced)} > {MAX_REPLACED}")
        known_parents = {outpoint.txid for entry in direct for outpoint in entry.tx.inputs}
        if self._mempool.parents(tx) - known_parents - conflicts:
            raise RejectedError(f"replacement-adds-unconfirmed, replacement {tx.txid} adds unconfirmed input")
        old_fees = sum(entry.fee for entry in self._mempool.entries(replaced))
        if fee < old_fees:
            amounts = f"{format_btc(fee)} < {format_btc(Sat(old_fees))}"
            raise RejectedError(f"insufficient fee, {evicted}, less fees than conflicting txs; {amounts}")
        extra, needed = fee - old_fees, fee_for(INCREMENTAL_FEERATE, tx.vsize)
        if extra < needed:
            amounts = f"{format_btc(Sat(extra))} < {format_btc(Sat(needed))}"
            raise RejectedError(f"insufficient fee, {evicted}, not enough additional fees to relay; {amounts}")
        return frozenset(replaced)

    def _check_scripts(self, tx: Transaction, coins: Sequence[Coin]) -> None:
        failing = self._kernel.failing_input(tx.raw, [(coin.amount, coin.script) for coin in coins])
        if failing is not None:
            raise script_failure(tx, failing)
        check_strict(tx, [coin.script for coin in coins])


def _per_kvb(fee: int, vsize: int) -> str:
    """A feerate as Core writes it: bitcoin per 1000 vbytes."""
    whole, rest = divmod(fee * 1000 // vsize, COIN)
    return f"{whole}.{rest:08d} BTC/kvB"
