"""What a document awards of a job's price to the worker and to the job creator."""

from __future__ import annotations

from dataclasses import dataclass

from rein.btc.amounts import DUST_LIMIT, Sat
from rein.errors import FieldError
from rein.protocol.documents.party import ContractDocument
from rein.protocol.fields import line
from rein.protocol.values import AMOUNT


@dataclass(frozen=True, kw_only=True)
class AwardDocument(ContractDocument):
    """Splits the price. Each amount is nothing, or enough for the network to carry.

    `worker_amount` is exact. `creator_amount` is the least: what an escrow holds above both and the miner's fee is
    the creator's too, who paid it in.
    """

    worker_amount: Sat = line("Worker amount (BTC)", AMOUNT)
    creator_amount: Sat = line("Job creator amount (BTC)", AMOUNT)

    def check(self) -> None:
        super().check()
        for label, amount in (("Worker", self.worker_amount), ("Job creator", self.creator_amount)):
            if 0 < amount < DUST_LIMIT:
                raise FieldError(
                    f"'{label} amount (BTC)': the network does not carry outputs under {DUST_LIMIT} sat",
                    hint="Give nothing, or more.",
                )
        if not self.worker_amount and not self.creator_amount:
            raise FieldError("it gives nothing to anybody")
