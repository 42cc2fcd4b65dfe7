"""What `rein oldescrow` is given: documents and redeem scripts of 2016, payments, and the outputs to spend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rein.app import open_chain
from rein.btc.amounts import sat
from rein.btc.psbt_p2sh import P2shInput
from rein.btc.transaction import OutPoint, Transaction
from rein.chain.funding_transactions import transaction_of
from rein.chain.source import largest
from rein.cli.common import Cli
from rein.cli.toolkit.files import read_given
from rein.errors import InputError, NotFoundError
from rein.escrow.legacy import LegacyPayment, legacy_contract, read_legacy_escrow
from rein.protocol.armor import BEGIN
from rein.protocol.documents import LegacyDocument
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.protocol.signed import verify

if TYPE_CHECKING:
    from rein.btc.psbt_p2sh import P2shInput
    from rein.btc.transaction import OutPoint, Transaction
    from rein.escrow.legacy import LegacyContract, LegacyEscrow, LegacyPayment

_MAX_TRANSACTION_FILE = 1_000_000
_PAYMENT = re.compile(r"([0-9A-Za-z]{14,90})=([1-9][0-9]{0,15})")


def read_source(source: str) -> tuple[LegacyContract | None, dict[str, LegacyEscrow]]:
    """The contract of a document with both its escrows, or the one escrow of a redeem script."""
    try:
        text = read_given(source, MAX_DOCUMENT_BYTES).decode()
    except UnicodeDecodeError:
        raise InputError("that is neither a signed document nor a redeem script: it is not text") from None
    if not text.startswith(BEGIN):
        return None, {"escrow": read_legacy_escrow(text.strip())}
    document = verify(text).document
    if not isinstance(document, LegacyDocument):
        raise InputError("that document is of today's Rein", hint="Its escrows: rein fund, rein status.")
    contract = legacy_contract(document)
    return contract, dict(contract.escrows)


def choose_escrow(source: str, purse: str | None) -> LegacyEscrow:
    _, escrows = read_source(source)
    if len(escrows) == 1:
        return next(iter(escrows.values()))
    if purse is None:
        raise InputError("a document has two escrows", hint="Say which: --purse primary or --purse mediator.")
    return escrows[purse]


def first_escrow(document: str | None) -> LegacyEscrow | None:
    """Either escrow of a document: both know the names."""
    return None if document is None else next(iter(read_source(document)[1].values()))


def read_payment(text: str) -> LegacyPayment:
    match = _PAYMENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text[:110]!r} is not a payment", hint="An address, =, and whole satoshis: --to 1Dj...=4990000"
        )
    return LegacyPayment(match[1], sat(int(match[2])))


def find_inputs(cli: Cli, escrow: LegacyEscrow, coins: Sequence[str], files: Sequence[str]) -> list[P2shInput]:
    """The outputs to spend, each with its whole transaction: from files, or from the chain."""
    wanted = [OutPoint.parse(coin) for coin in coins]
    found = _from_files(escrow, files) if files else _from_chain(cli, escrow)
    missing = [str(point) for point in wanted if point not in found]
    if missing:
        raise NotFoundError(f"no such output of the escrow: {', '.join(missing)}")
    if not found:
        raise NotFoundError("nothing lies at the escrow's address", hint=escrow.address(cli.settings.network))
    return [P2shInput(found[point], point.vout, escrow.redeem_script) for point in wanted or sorted(found)]


def _from_files(escrow: LegacyEscrow, files: Sequence[str]) -> dict[OutPoint, Transaction]:
    transactions = [_read_transaction(name) for name in files]
    return {
        OutPoint(tx.txid, vout): tx
        for tx in transactions
        for vout, output in enumerate(tx.outputs)
        if output.script == escrow.script
    }


def _read_transaction(name: str) -> Transaction:
    data = read_given(name, _MAX_TRANSACTION_FILE)
    try:
        return Transaction.from_hex(data.decode().strip())
    except (UnicodeDecodeError, InputError):
        return Transaction(data)


def _from_chain(cli: Cli, escrow: LegacyEscrow) -> dict[OutPoint, Transaction]:
    chain = open_chain(cli.settings)
    cli.terminal.note("Looking for the escrow's outputs on the chain; this can take minutes.")
    outputs = largest(chain.unspent_outputs([escrow.script]))
    return {output.outpoint: transaction_of(chain, output) for output in outputs}
