"""Any wallet's PSBT, for programs."""

from __future__ import annotations

from typing import Any

from rein.btc.address import address_of_script
from rein.btc.networks import Network
from rein.btc.psbt_any import InspectedPsbt
from rein.errors import InputError


def address_or_script(script: bytes, network: Network) -> str:
    """Where an output pays, for people; some scripts have no address."""
    try:
        return address_of_script(script, network)
    except InputError:
        return f"the script {script.hex()[:200]}, which has no address"


def json_of_psbt(psbt: InspectedPsbt, network: Network) -> dict[str, Any]:
    """What it would do, and who has signed it; addresses are of this network."""
    return {
        "txid_unsigned": psbt.transaction.txid,
        "version": psbt.transaction.version,
        "locktime": psbt.transaction.locktime,
        "inputs": [
            {
                "outpoint": str(item.outpoint),
                "sequence": sequence,
                "amount_sat": item.output.amount if item.output else None,
                "amount_proved": item.proved,
                "guarded_by": address_or_script(item.output.script, network) if item.output else None,
                "script": item.lock.hex() if item.lock else None,
                "signatures": {key.hex(): status.name.lower() for key, status in item.signatures.items()},
                "final": item.final,
            }
            for item, sequence in zip(psbt.inputs, psbt.transaction.sequences, strict=True)
        ],
        "outputs": [
            {"amount_sat": each.amount, "pays": address_or_script(each.script, network), "script": each.script.hex()}
            for each in psbt.outputs
        ],
        "fee_sat": psbt.fee,
        "vsize": psbt.vsize,
    }
