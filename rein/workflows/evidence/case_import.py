"""Keeping a case file: its documents, and of other people's jobs what it proves, so that their ratings count where the
chain source alone could not find the payments."""

from __future__ import annotations

from collections.abc import Mapping

from rein.casefile.verify import DOCUMENTS, Case, EscrowHistory, verify_case
from rein.chain.proofs import Proved
from rein.errors import CaseError, ChainError, InputError
from rein.protocol.signed import verify
from rein.store.store import EscrowOutput, Payment
from rein.workflows.money.chain_view import look
from rein.workflows.orders.load import load_orders, roles_in
from rein.workflows.session import Session


def keep_case(session: Session, pieces: Mapping[str, bytes]) -> Case:
    """Check a case and keep its documents: they count as if a server had sent them. In a job of my own I look at the
    chain myself; of another, what the case proves is remembered, where every block it proves something in is in the
    best chain.

    :raises CaseError: it is not sound, or a block is unknown: the work on it may be that of a lost or made-up branch.
    :raises InputError: it is of another network.
    :raises ChainError: the chain source cannot answer, and it is a job of others.
    """
    case = verify_case(pieces)
    if case.index.network != session.network:
        raise InputError(f"this case is of {case.index.network.name}, and this home works on {session.network.name}")
    is_mine = session.row is not None and bool(roles_in(case.order, session.address))
    seen = None if is_mine else _proved(session, case)
    documents = [verify(content.decode()) for name, content in pieces.items() if name.startswith(DOCUMENTS)]
    session.store.add_received([(signed, "a case file") for signed in documents])
    if seen is None:
        _look(session, case)
    elif seen[1] and not session.store.payments(case.order.contract_id):
        session.store.set_seen(case.order.contract_id, *seen)
    return case


def _look(session: Session, case: Case) -> None:
    try:
        look(session, load_orders(session, [case.order.id]).orders)
    except ChainError as error:
        session.note(f"The chain was not looked at: {error.message}")


def _proved(session: Session, case: Case) -> tuple[list[EscrowOutput], list[Payment]]:
    """What came in and went out."""
    tip = session.chain.tip().height
    outputs: list[EscrowOutput] = []
    payments: list[Payment] = []
    for story in case.escrows:
        outputs += _outputs(session, case, story, tip)
        payments += _payments(session, case, story, tip)
    return outputs, payments


def _outputs(session: Session, case: Case, story: EscrowHistory, tip: int) -> list[EscrowOutput]:
    spent = {coin.outpoint for paid in story.payments for coin in paid.spent}
    return [
        EscrowOutput(
            case.order.contract_id,
            story.terms.id,
            deposit.coin.outpoint,
            deposit.coin.amount,
            height := _height(session, deposit.proved),
            tip - height + 1,
            deposit.coin.outpoint in spent,
        )
        for deposit in story.deposits
    ]


def _payments(session: Session, case: Case, story: EscrowHistory, tip: int) -> list[Payment]:
    """The deepest payment that a document of the job explains; one for each escrow, as the store has them."""
    found = []
    for paid in story.payments:
        if paid.proposal is None or paid.payout is None:
            continue
        height = _height(session, paid.proved)
        payment = Payment(
            case.order.contract_id,
            story.terms.id,
            paid.txid,
            paid.payout.split.payee,
            paid.payout.back,
            paid.payout.fee,
            height,
            tip - height + 1,
            paid.proposal.ending.value,
            paid.proposal.document.id,
        )
        found.append(payment)
    return sorted(found, key=lambda each: each.confirmations, reverse=True)[:1]


def _height(session: Session, proved: Proved) -> int:
    block = session.chain.block(proved.block_hash)
    if block is None:
        raise CaseError(f"the block {proved.block_hash} that holds {proved.txid} is not in the best chain")
    return block.height
