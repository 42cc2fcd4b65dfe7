"""Keeping a case file: its documents, and of other people's jobs what it proves, so that their ratings count where the
chain source alone could not find the payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.casefile.verify import DOCUMENTS, Case, EscrowHistory, verify_case
from rein.chain.proofs import Proved
from rein.errors import CaseError, InputError
from rein.protocol.signed import Signed, verify
from rein.store.tables.escrows import EscrowOutput, Payment
from rein.workflows.chain.current import observe_if_possible
from rein.workflows.evidence.case_result import CaseResult
from rein.workflows.orders.load import load_orders, roles_in
from rein.workflows.session import Session


@dataclass(frozen=True)
class KeepPlan:
    """A case that holds, before it is kept. `proved` is what it proves of the chain, None in a job of one's own."""

    case: Case
    documents: tuple[Signed[Any], ...]
    proved: tuple[list[EscrowOutput], list[Payment]] | None


def prepare(session: Session, pieces: Mapping[str, bytes]) -> KeepPlan:
    """Check a case. In a job of my own I look at the chain myself; of another, what the case proves will be remembered,
    where every block it proves something in is in the best chain.

    :raises CaseError: it is not sound, or a block is unknown: the work on it may be that of a lost or made-up branch.
    :raises InputError: it is of another network.
    :raises ChainError: the chain source cannot answer, and it is a job of others.
    """
    case = verify_case(pieces)
    if case.index.network != session.network:
        raise InputError(f"this case is of {case.index.network.name}, and this home works on {session.network.name}")
    documents = tuple(verify(content.decode()) for name, content in pieces.items() if name.startswith(DOCUMENTS))
    is_mine = session.row is not None and bool(roles_in(case.order, session.address))
    return KeepPlan(case, documents, None if is_mine else _proved(session, case))


def commit(session: Session, plan: KeepPlan, file: Path) -> CaseResult:
    """Keep the documents of a case: they count as if a server had sent them."""
    contract_id = plan.case.order.contract_id
    session.store.documents.add_received([(signed, "a case file") for signed in plan.documents])
    if plan.proved is None:
        observe_if_possible(session, load_orders(session, [plan.case.order.id]).orders)
    elif plan.proved[1] and not session.store.escrows.payments(contract_id):
        session.store.escrows.observe(contract_id, *plan.proved)
    return CaseResult(plan.case, file)


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
