"""Bitcoin Core's JSON-RPC methods over a `Node`: names, parameters, shapes and error codes are Core's.

dispatch.py      one request or a batch in, the answer and its HTTP status out
params.py        RpcError, Core's codes, and reading parameters
views.py         the JSON shapes several methods share
blocks.py  transactions.py  outputs.py  control.py      the methods
"""
