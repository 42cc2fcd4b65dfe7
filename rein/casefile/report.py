"""A case in plain words: what happened, who signed what, who was paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rein.btc.amounts import Sat, format_btc
from rein.casefile.verify import Case, EscrowHistory, Paid
from rein.escrow.explain import in_words
from rein.protocol.signed import Signed


def report(case: Case) -> Iterator[str]:
    """Line by line. Names and texts are strangers': whoever prints them makes them safe."""
    order = case.order
    job = order.job.document
    yield f"Job {job.job_id} on {job.network.name}, {job.name!r}: {order.state.value}."
    yield f"The creator is {job.creator}, {job.creator_master_address}."
    yield f"The mediator is {job.mediator}, {job.mediator_master_address}."
    if order.bid is not None:
        bid = order.bid.document
        yield f"The worker is {bid.worker}, {bid.worker_master_address}, for {_money(bid.amount)}."
    yield ""
    yield "Signed, and checked:"
    for signed in order.documents():
        yield f"  {_signed_by(signed)}"
    for signed in order.conflict:
        yield f"  in conflict: {_signed_by(signed)}"
    for signed in order.void_ratings:
        yield f"  void, contradicting each other: {_signed_by(signed)}"
    for each in order.rejected:
        yield f"  rejected: {_signed_by(each.document)}: {each.reason.message}"
    for story in case.escrows:
        yield ""
        yield from _escrow(story)
    yield ""
    yield f"This file was made by {case.index.master_address}, who answers for what is in it and what is left out."
    for attachment in case.index.attachments:
        yield f"It names the file {attachment.name}, {attachment.size:,} bytes, SHA-256 {attachment.sha256}."


def _escrow(story: EscrowHistory) -> Iterator[str]:
    yield f"The {story.terms.id} escrow {story.terms.escrow.address} was to hold {_money(story.terms.amount)}."
    if not story.deposits:
        yield "  Nothing in this file proves that anything was paid in."
    for deposit in story.deposits:
        yield f"  {_money(deposit.coin.amount)} came in {deposit.coin.outpoint}, {_deep(deposit.proved.confirmations)}."
    for paid in story.payments:
        yield from _paid(paid)
    if story.deposits and not story.payments:
        yield "  Nothing in this file proves that it was paid out."


def _paid(paid: Paid) -> Iterator[str]:
    yield f"  The transaction {paid.txid}, {_deep(paid.proved.confirmations)},"
    if paid.proposal is None or paid.payout is None:
        yield "    spent it as no document of this job says."
        return
    yield f"    by {paid.proposal.ending.value}, signed first by the {paid.proposal.author.value}:"
    for line in in_words(paid.payout):
        yield f"    {line}"


def _signed_by(signed: Signed[Any]) -> str:
    document = signed.document
    return (
        f"{document.TITLE} {signed.id[:12]}, by {document.author.master_address} "
        f"with {signed.address}, after block {document.block_height}"
    )


def _deep(confirmations: int) -> str:
    return f"proved under {confirmations} block" + ("" if confirmations == 1 else "s")


def _money(amount: Sat) -> str:
    return f"{format_btc(amount)} BTC ({amount:,} sat)"
