"""What is on the chain, from whoever knows.

    source.py        the seam: what the rest of Rein may ask about blocks, outputs and transactions
    core_rpc.py      a Bitcoin Core node by JSON-RPC (jsonrpc.py), which is believed; wallet.py watches for it
    esplora.py       an Esplora server, which is not
    proved.py        a source made of a server nobody trusts: what it tells counts as far as it is proved
    proofs.py        a transaction's proof, to keep and to check without asking anybody
    agreement.py     several sources as one

Nothing anybody answers is trusted to be well formed (answers.py).
"""
