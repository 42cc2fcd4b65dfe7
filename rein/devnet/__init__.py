"""A regtest node in a box: Bitcoin Core's consensus engine (libbitcoinkernel) behind Bitcoin Core's JSON-RPC.

It exists for the demo, for tests and for development without a daemon; it knows no chain but regtest. Blocks and
scripts are judged by the kernel; everything around it (journal, indexes, mempool and its rules, RPC) is here.

    service.py   run(): the node as a program, with its lock, cookie, premined coins and clean end
    faucet.py    coins of the private chain for whoever asks: pay(), mine()
    node.py      Node: the parts below joined; usable in process, without HTTP

Needs `pip install 'rein[demo]'`; the kernel's library is imported only when a node is opened.
"""
