"""Watching scripts with a watch-only descriptor wallet of a Bitcoin Core node.

A scan of all unspent outputs takes a node a minute or more, each time. A wallet that was told of a script once knows
its outputs at once from then on. The wallet holds no key: `bitcoin-cli createwallet NAME true true` makes such a one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from rein.btc.descriptor import with_checksum
from rein.btc.transaction import OutPoint
from rein.chain.answers import Answer
from rein.chain.jsonrpc import ErrorObject, JsonRpc
from rein.chain.source import BlockRef, Output
from rein.errors import ChainError

WALLET_NOT_FOUND: Final = -18
IMPORT_TIMEOUT: Final = 900.0
"""Seconds for an import: the wallet reads the blocks since the oldest output of a new script."""
MAX_CONFIRMATIONS: Final = 9_999_999
_ATTEMPTS: Final = 3


class Blocks(Protocol):
    """What the wallet's node says of blocks."""

    def tip(self) -> BlockRef: ...

    def block_at(self, height: int) -> BlockRef: ...


class WatchWallet:
    """One wallet, over `rpc`. `scan` finds the unspent outputs of scripts the slow way: needed once for new ones, to
    know from which block on the wallet must read."""

    def __init__(self, rpc: JsonRpc, blocks: Blocks, scan: Callable[[Sequence[bytes]], list[Output]]) -> None:
        self._rpc = rpc
        self._blocks = blocks
        self._scan = scan

    def unspent_outputs(self, scripts: Sequence[bytes]) -> list[Output]:
        """The confirmed unspent outputs paying to any of the scripts.

        :raises ChainError: there is no such wallet, it cannot watch, or its answer is malformed.
        """
        self._watch(scripts)
        for _ in range(_ATTEMPTS):
            before = self._blocks.tip()
            answer = self._ask("listunspent", 1, MAX_CONFIRMATIONS, [], True)
            if self._blocks.tip() == before:
                found = [self._read(item, before.height) for item in answer]
                return [output for output in found if output.script in set(scripts)]
        raise ChainError("the chain moved while asking for outputs", hint="ask again")

    def _watch(self, scripts: Sequence[bytes]) -> None:
        """Tell the wallet of the scripts it does not know yet."""
        descriptors = self._ask("listdescriptors")["descriptors"]
        known = {item["desc"].text().partition("#")[0] for item in descriptors}
        new = [script for script in scripts if _descriptor(script) not in known]
        if not new:
            return
        # The blocks before the oldest unspent output hold nothing that matters.
        heights = [output.height for output in self._scan(new) if output.height is not None]
        since: object = self._blocks.block_at(min(heights)).time if heights else "now"
        asked = [{"desc": with_checksum(_descriptor(script)), "timestamp": since} for script in new]
        for item in self._ask("importdescriptors", asked, timeout=IMPORT_TIMEOUT):
            if not item["success"].flag():
                raise ChainError(
                    "the node's wallet refuses to watch a script",
                    hint="it must be a descriptor wallet without private keys: bitcoin-cli createwallet NAME true true",
                )

    @staticmethod
    def _read(item: Answer, tip_height: int) -> Output:
        confirmations = item["confirmations"].integer(1, tip_height + 1)
        outpoint = OutPoint(item["txid"].hash(), item["vout"].integer(0, 2**32 - 1))
        height = tip_height + 1 - confirmations
        return Output(outpoint, item["amount"].amount(), item["scriptPubKey"].data(), height, confirmations)

    def _ask(self, method: str, *params: Any, timeout: float | None = None) -> Answer:
        answer = self._rpc.exchange(method, params, timeout)
        if not isinstance(answer, ErrorObject):
            return answer
        hint = "bitcoin-cli loadwallet NAME" if answer.code == WALLET_NOT_FOUND else None
        raise ChainError(f"the node's wallet refuses {method}: {answer.message} ({answer.code})", hint=hint)


def _descriptor(script: bytes) -> str:
    return f"raw({script.hex()})"
