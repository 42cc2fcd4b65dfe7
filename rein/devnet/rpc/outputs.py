"""Methods about outputs and addresses."""

from __future__ import annotations

from typing import Final

from rein.btc.address import address_of_script, script_of_address
from rein.btc.networks import REGTEST
from rein.btc.transaction import OutPoint
from rein.devnet.chainstate import Coin
from rein.devnet.descriptors import describe, script_of
from rein.devnet.node import Node
from rein.devnet.rpc import params
from rein.devnet.rpc.params import Code, RpcError
from rein.devnet.rpc.views import Json, bitcoin, script_fields
from rein.devnet.standard import ScriptType, script_type, witness_program
from rein.errors import InputError


def gettxout(node: Node, txid: object, n: object, include_mempool: object = True) -> Json | None:
    name, index = params.hash_text(txid, "txid"), params.integer(n)
    if not 0 <= index < 2**32:
        return None
    outpoint, chain = OutPoint(name, index), node.chain
    with_mempool = params.boolean(include_mempool)
    if with_mempool and node.mempool.spender(outpoint) is not None:
        return None
    coin, confirmations = chain.coins.get(outpoint), 0
    if coin is not None:
        confirmations = chain.height - coin.height + 1
    elif with_mempool and (output := node.mempool.output(outpoint)):
        coin = Coin(output.amount, output.script, chain.height + 1, coinbase=False)
    if coin is None:
        return None
    return {
        "bestblock": chain.tip.hash,
        "confirmations": confirmations,
        "value": bitcoin(coin.amount),
        "scriptPubKey": script_fields(coin.script),
        "coinbase": coin.coinbase,
    }


def _scan_object(value: object) -> bytes:
    descriptor = value.get("desc") if isinstance(value, dict) else value
    if not isinstance(descriptor, str):
        raise RpcError(Code.INVALID_PARAMETER, "Scan object needs to be either a string or an object")
    try:
        return script_of(descriptor)
    except InputError as error:
        raise RpcError(Code.INVALID_ADDRESS_OR_KEY, error.message) from error


def scantxoutset(node: Node, action: object, scanobjects: object = None) -> Json | bool | None:
    verb = params.text(action)
    if verb == "status":
        return None  # a scan is over before another call is heard
    if verb == "abort":
        return False
    if verb != "start":
        raise RpcError(Code.INVALID_PARAMETER, f"Invalid action '{verb}'")
    if scanobjects is None:
        raise RpcError(Code.MISC_ERROR, "scanobjects argument is required for the start action")
    chain = node.chain
    scripts = dict.fromkeys(_scan_object(item) for item in params.array(scanobjects))
    unspents = [
        {
            "txid": outpoint.txid,
            "vout": outpoint.vout,
            "scriptPubKey": script.hex(),
            "desc": describe(script),
            "amount": bitcoin(coin.amount),
            "coinbase": coin.coinbase,
            "height": coin.height,
            "blockhash": chain.active[coin.height],
            "confirmations": chain.height - coin.height + 1,
        }
        for script in scripts
        for outpoint, coin in chain.paying_to(script)
    ]
    total = sum(coin.amount for script in scripts for _, coin in chain.paying_to(script))
    return {
        "success": True,
        "txouts": len(chain.coins),
        "height": chain.height,
        "bestblock": chain.tip.hash,
        "unspents": unspents,
        "total_amount": bitcoin(total),
    }


def validateaddress(node: Node, address: object) -> Json:
    try:
        script = script_of_address(params.text(address), REGTEST)
    except InputError as error:
        return {"isvalid": False, "error_locations": [], "error": error.message}
    program = witness_program(script)
    fields: Json = {
        "isvalid": True,
        "address": address_of_script(script, REGTEST),
        "scriptPubKey": script.hex(),
        "isscript": script_type(script) in (ScriptType.SCRIPTHASH, ScriptType.WITNESS_V0_SCRIPTHASH),
        "iswitness": program is not None,
    }
    if program is not None:
        fields["witness_version"], fields["witness_program"] = program[0], program[1].hex()
    return fields


METHODS: Final = (gettxout, scantxoutset, validateaddress)
