"""Checking the services that the server connects to: the chain, with the watcher, and the mail server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from causeway.app import chain_source
from causeway.db.engine import make_patient_engine
from causeway.db.migrate import is_at_head
from causeway.errors import MailError
from causeway.mail.smtp import SmtpMailer
from causeway.payments.figures import read_figures, unbalanced_transactions
from causeway.settings import Settings
from rein.btc.networks import REGTEST
from rein.chain.source import BlockRef
from rein.errors import ChainError
from rein.findings import Finding, fail, ok, warn

TIP_WARN_S = 3 * 3_600
"""A block is found every ten minutes; none in three hours happens a few times in a million."""

LAG_WARN_BLOCKS = 3
SILENT_WARN_S = 900


def check_mail(settings: Settings) -> Iterator[Finding]:
    """The mail server: whether it would take a mail. None is sent."""
    if settings.mail_server is None:
        return
    where = f"the mail server {settings.mail_server.host} port {settings.mail_server.port}"
    try:
        SmtpMailer(settings.mail_server, settings.mail_from).check()
    except MailError as error:
        yield warn("mail", error.message, "Check --smtp-url. Until it works nobody is warned before a bucket expires.")
    else:
        yield ok("mail", f"{where} answers, and takes mail of this server")


def check_payments(url: URL, settings: Settings) -> Iterator[Finding]:
    """The chain, the ledger, and whether the watcher keeps up. A node that is away, or of another network, does not
    stop the server: it is a warning."""
    tip = None
    source = chain_source(settings)
    if source is not None:
        try:
            tip = source.tip()
        except ChainError as error:
            yield warn("chain", error.message, error.hint or "Check --chain-url, and that the node runs.")
        else:
            yield _check_tip(tip, settings)
    elif settings.price:
        yield warn(
            "chain", "there is a price, and no node to see payments by", "Give --chain-url, or run `causeway watch`."
        )
    try:
        with make_patient_engine(url).connect() as connection:
            if is_at_head(connection):  # if it is not, that was said already
                yield _check_ledger(unbalanced_transactions(connection))
                if settings.payment_key is not None:
                    figures = read_figures(connection)
                    yield _check_watcher(figures.watched_height, figures.watched, tip)
    except DBAPIError:
        return  # that was said already, too


def _check_tip(tip: BlockRef, settings: Settings) -> Finding:
    age = max(0, int(time.time()) - tip.time)
    said = f"the node is on {settings.network.name}, at block {tip.height}, which is {age // 60} minutes old"
    if age > TIP_WARN_S and settings.network is not REGTEST:  # where blocks come when somebody wants one
        return warn("chain", said, "Is the node connected to others, and done with its first synchronisation?")
    return ok("chain", said)


def _check_ledger(unbalanced: int) -> Finding:
    if unbalanced:
        hint = "Somebody has changed it by hand. Correct it with lines that make each transaction sum to zero."
        return fail("ledger", f"{unbalanced} transactions of the ledger do not sum to zero", hint)
    return ok("ledger", "the ledger sums to zero")


def _check_watcher(height: int | None, seen: datetime | None, tip: BlockRef | None) -> Finding:
    hint = "`causeway serve` watches where it has --chain-url; or run `causeway watch`. Their log says what is wrong."
    if height is None or seen is None:
        return warn("watcher", "the watcher has never seen the chain", hint)
    silent = int((datetime.now(UTC) - seen).total_seconds())
    lag = max(0, tip.height - height) if tip else 0
    said = f"the watcher is at block {height}, {lag} behind the node, and last checked {silent} s ago"
    return warn("watcher", said, hint) if lag > LAG_WARN_BLOCKS or silent > SILENT_WARN_S else ok("watcher", said)
