"""A case file for programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rein.casefile.verify import Case, EscrowHistory, Paid


@dataclass(frozen=True)
class CaseResult:
    """A case that holds, and the file that has it."""

    case: Case
    file: Path

    def json(self) -> dict[str, Any]:
        order = self.case.order
        return {
            "job_id": order.job.document.job_id,
            "job_document": order.id,
            "network": order.job.document.network.name,
            "state": order.state.value,
            "made_by": self.case.index.master_address,
            "documents": [each.id for each in order.documents()],
            "conflict": [each.id for each in order.conflict],
            "escrows": [_escrow(each) for each in self.case.escrows],
            "attachments": [
                {"name": each.name, "bytes": each.size, "sha256": each.sha256} for each in self.case.index.attachments
            ],
            "file": str(self.file),
        }


def _escrow(history: EscrowHistory) -> dict[str, Any]:
    return {
        "purse": history.terms.id,
        "address": history.terms.escrow.address,
        "amount_sat": history.terms.amount,
        "funded_sat": history.funded,
        "deposits": [
            {
                "outpoint": str(deposit.coin.outpoint),
                "amount_sat": deposit.coin.amount,
                "confirmations": deposit.proved.confirmations,
            }
            for deposit in history.deposits
        ],
        "payments": [_payment(each) for each in history.payments],
    }


def _payment(paid: Paid) -> dict[str, Any]:
    return {
        "txid": paid.txid,
        "confirmations": paid.proved.confirmations,
        "ending": paid.proposal.ending.value if paid.proposal else None,
        "amount_sat": paid.payout.split.payee if paid.payout else None,
        "back_sat": paid.payout.back if paid.payout else None,
        "fee_sat": paid.payout.fee if paid.payout else None,
    }
