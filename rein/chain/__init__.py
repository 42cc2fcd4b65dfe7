"""What is on the chain, from whoever knows.

`source.py` is the seam: what the rest of Rein may ask about blocks, outputs and transactions. `core_rpc.py` asks a
Bitcoin Core node. Nothing here needs a wallet on the node, and nothing a node answers is trusted to be well formed.
"""
