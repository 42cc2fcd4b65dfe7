"""The one place that speaks to libbitcoinkernel (`pbk`), and knows its traps.

The kernel keeps its databases in memory and its block files in a scratch directory: both are rebuilt from the
journal at every start, because a killed process would lose what the kernel had not flushed.

pbk says whether a block is valid, but not why: the reason is only in its log. So a tap on the log, which is one for
the whole process, hands each thread the lines its own calls produced.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.btc.encoding import compact_size
from rein.devnet.journal import HEADER_SIZE
from rein.errors import ChainError, InputError


def import_pbk() -> Any:
    try:
        import pbk  # noqa: PLC0415 - it is there only where `rein[demo]` is installed
        import pbk.script  # noqa: PLC0415 - as above
    except ImportError as error:
        raise InputError(
            "the development node needs py-bitcoinkernel, which is not installed",
            hint="pip install 'rein[demo]', in Python 3.11 to 3.13",
        ) from error
    return pbk


class _LogTap:
    """The kernel's validation log, line by line, to whichever thread listens while it calls the kernel."""

    _instance: _LogTap | None = None
    _creating = threading.Lock()

    def __init__(self, pbk: Any) -> None:
        self._local = threading.local()
        pbk.logging_set_options(pbk.LoggingOptions(log_timestamps=False))
        pbk.set_log_level_category(pbk.LogCategory.VALIDATION, pbk.LogLevel.DEBUG)
        pbk.enable_log_category(pbk.LogCategory.VALIDATION)
        self._connection = pbk.LoggingConnection(self._write)

    @classmethod
    def of_process(cls, pbk: Any) -> _LogTap:
        with cls._creating:
            if cls._instance is None:
                cls._instance = cls(pbk)
            return cls._instance

    def _write(self, line: str) -> None:
        lines = getattr(self._local, "lines", None)
        if lines is not None:
            lines.append(line)

    def start(self) -> list[str]:
        self._local.lines = []
        return self._local.lines  # type: ignore[no-any-return]  # threading.local is untyped

    def stop(self) -> None:
        self._local.lines = None


@dataclass(frozen=True)
class Verdict:
    """What the kernel says about one block it was handed.

    `new`: it was not known before, and is now. `valid` is None while nobody has looked: a block on a branch with
    less work is only stored. `reason` is Core's reject reason ("bad-cb-amount"), empty unless `valid` is False.
    """

    new: bool
    valid: bool | None
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the block is now part of the kernel's tree."""
        return self.new and self.valid is not False


class Kernel:
    """One regtest chainstate. Not for concurrent use: its owner holds a lock. Blocks are raw bytes, hashes are
    written as people write them."""

    def __init__(self, scratch: Path) -> None:
        """Start from the genesis block in `scratch`, which is wiped. InputError without pbk."""
        self._pbk = pbk = import_pbk()
        self._tap = _LogTap.of_process(pbk)
        self._scratch = scratch
        self._checked: dict[str, bool] = {}
        self._callback_errors: list[BaseException] = []
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        callbacks = pbk.ValidationInterfaceCallbacks(block_checked=self._on_block_checked)
        context = pbk.make_context(pbk.ChainType.REGTEST, validation_callbacks=callbacks)
        options = pbk.ChainstateManagerOptions(context, str(scratch), str(scratch / "blocks"))
        options.set_worker_threads_num(0)  # so that every callback and log line comes in the calling thread
        options.update_block_tree_db_in_memory(True)
        options.update_chainstate_db_in_memory(True)
        try:
            self._manager = pbk.ChainstateManager(options)
        except RuntimeError as error:
            raise InputError(f"the kernel cannot use {scratch}", hint="is another node using the directory?") from error
        self._chain = self._manager.get_active_chain()

    def close(self) -> None:
        """Let go of the kernel and remove its scratch directory."""
        # Views first: one used after its manager is gone reads freed memory.
        self._chain = self._manager = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def height(self) -> int:
        return int(self._chain.height)

    def hash_at(self, height: int) -> str:
        """The hash of the active chain's block at that height (at most `height`)."""
        return str(self._chain.block_tree_entries[height].block_hash)

    def genesis(self) -> bytes:
        """The raw genesis block."""
        return bytes(self._manager.blocks[self._chain.block_tree_entries[0]])

    def transactions(self, raw: bytes) -> list[bytes] | None:
        """The raw transactions of a raw block; None when it is not exactly one block."""
        try:
            block = self._pbk.Block(raw)
        except RuntimeError:
            return None
        transactions = [bytes(tx) for tx in block.transactions]
        # The parser forgives bytes after the end.
        if raw != b"".join((raw[:HEADER_SIZE], compact_size(len(transactions)), *transactions)):
            return None
        return transactions

    def submit(self, raw: bytes) -> Verdict:
        """Hand over a block. Returning without an error is not acceptance: the verdict says."""
        block = self._pbk.Block(raw)
        name = str(block.block_hash)
        self._checked.clear()
        lines = self._tap.start()
        try:
            new = bool(self._manager.process_block(block))
        except self._pbk.ProcessBlockException:
            return Verdict(new=False, valid=False, reason=self._reason(name, lines))
        finally:
            self._tap.stop()
        if self._callback_errors:
            raise ChainError("the kernel's answer about a block was lost") from self._callback_errors[0]
        valid = self._checked.get(name)
        return Verdict(new=new, valid=valid, reason=self._reason(name, lines) if valid is False else "")

    @staticmethod
    def _reason(name: str, lines: Sequence[str]) -> str:
        mark = f"BlockChecked: block hash={name} state="
        for line in lines:
            _, found, state = line.partition(mark)
            if found:
                return state.strip().partition(", ")[0]
        return "rejected"

    def _on_block_checked(self, _user_data: object, block: Any, state: Any) -> None:
        # ctypes prints and forgets an exception raised here, and the block would stay connected unseen.
        try:
            self._checked[str(block.block_hash)] = state.validation_mode == self._pbk.ValidationMode.VALID
        except BaseException as error:  # noqa: BLE001 - kept, and raised where Python can see it
            self._callback_errors.append(error)

    def failing_input(self, raw: bytes, spent: Sequence[tuple[int, bytes]]) -> int | None:
        """The first input whose script does not verify under consensus rules; None when all do.

        `spent` is the amount (satoshis) and script of the output each input spends, in order.
        """
        pbk = self._pbk
        transaction = pbk.Transaction(raw)
        outputs = [pbk.TransactionOutput(pbk.ScriptPubkey(script), amount) for amount, script in spent]
        prepared = pbk.script.PrecomputedTransactionData(transaction, outputs)
        flags = pbk.ScriptVerificationFlags.ALL
        for index, (amount, script) in enumerate(spent):
            try:
                verified = pbk.ScriptPubkey(script).verify(amount, transaction, prepared, index, flags) == 1
            except pbk.ScriptVerifyException:
                verified = False
            if not verified:
                return index
        return None
