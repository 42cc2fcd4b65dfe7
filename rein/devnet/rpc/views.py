"""The JSON shapes of blocks, transactions and scripts, as Core writes them (without `asm`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from rein.btc.address import address_of_script
from rein.btc.amounts import Sat, format_btc
from rein.btc.networks import REGTEST
from rein.btc.transaction import Transaction, TxOutput
from rein.devnet.chainstate import Block
from rein.devnet.descriptors import describe
from rein.devnet.mempool import Entry
from rein.devnet.mining import TARGET
from rein.devnet.node import Node
from rein.devnet.standard import script_type
from rein.errors import InputError

Json = dict[str, Any]

DIFFICULTY: Final = 4.656542373906925e-10  # of regtest's constant target, as Core prints it
WORK_PER_BLOCK: Final = 2


def bitcoin(amount: int) -> Decimal:
    """An amount as the JSON number of bitcoin with eight decimals."""
    return Decimal(format_btc(Sat(amount)))


def header_fields(node: Node, block: Block) -> Json:
    chain, header = node.chain, block.header
    version = int.from_bytes(header[:4], "little")
    fields: Json = {
        "hash": block.hash,
        "confirmations": chain.confirmations(block),
        "height": block.height,
        "version": version,
        "versionHex": f"{version:08x}",
        "merkleroot": header[36:68][::-1].hex(),
        "time": block.time,
        "mediantime": block.median_time,
        "nonce": int.from_bytes(header[76:80], "little"),
        "bits": f"{int.from_bytes(header[72:76], 'little'):08x}",
        "target": f"{TARGET:064x}",
        "difficulty": DIFFICULTY,
        "chainwork": chainwork(block),
        "nTx": len(block.transactions),
    }
    if block.height:
        fields["previousblockhash"] = block.previous
    if chain.is_active(block) and block.height < chain.height:
        fields["nextblockhash"] = chain.active[block.height + 1]
    return fields


def chainwork(block: Block) -> str:
    return f"{(block.height + 1) * WORK_PER_BLOCK:064x}"


def script_fields(script: bytes) -> Json:
    fields: Json = {"desc": describe(script), "hex": script.hex(), "type": str(script_type(script))}
    try:
        fields["address"] = address_of_script(script, REGTEST)
    except InputError:
        pass  # not every script has an address; Core leaves the member out too
    return fields


def _input_fields(tx: Transaction, index: int) -> Json:
    outpoint, script_sig, witness = tx.inputs[index], tx.script_sigs[index], tx.witnesses[index]
    fields: Json
    if outpoint.txid == "00" * 32:
        fields = {"coinbase": script_sig.hex()}
    else:
        fields = {"txid": outpoint.txid, "vout": outpoint.vout, "scriptSig": {"hex": script_sig.hex()}}
    if witness:
        fields["txinwitness"] = [item.hex() for item in witness]
    fields["sequence"] = tx.sequences[index]
    return fields


def _output_fields(index: int, output: TxOutput) -> Json:
    return {"value": bitcoin(output.amount), "n": index, "scriptPubKey": script_fields(output.script)}


def transaction_fields(tx: Transaction) -> Json:
    return {
        "txid": tx.txid,
        "hash": tx.wtxid,
        "version": tx.version,
        "size": len(tx.raw),
        "vsize": tx.vsize,
        "weight": tx.weight,
        "locktime": tx.locktime,
        "vin": [_input_fields(tx, index) for index in range(len(tx.inputs))],
        "vout": [_output_fields(index, output) for index, output in enumerate(tx.outputs)],
        "hex": tx.raw.hex(),
    }


def entry_fields(node: Node, entry: Entry) -> Json:
    """A mempool entry, as getmempoolentry shows it."""
    pool, txid = node.mempool, entry.tx.txid
    above = pool.entries({txid, *pool.ancestors(entry.tx)})
    below = pool.entries(pool.descendants([txid]))
    return {
        "vsize": entry.tx.vsize,
        "weight": entry.tx.weight,
        "time": entry.time,
        "height": entry.height,
        "descendantcount": len(below),
        "descendantsize": sum(other.tx.vsize for other in below),
        "ancestorcount": len(above),
        "ancestorsize": sum(other.tx.vsize for other in above),
        "wtxid": entry.tx.wtxid,
        "fees": {
            "base": bitcoin(entry.fee),
            "modified": bitcoin(entry.fee),
            "ancestor": bitcoin(sum(other.fee for other in above)),
            "descendant": bitcoin(sum(other.fee for other in below)),
        },
        "depends": sorted(pool.parents(entry.tx)),
        "spentby": sorted(pool.children(txid)),
        "bip125-replaceable": any(sequence < 0xFFFFFFFE for sequence in entry.tx.sequences),
        "unbroadcast": True,
    }
