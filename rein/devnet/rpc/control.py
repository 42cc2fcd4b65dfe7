"""Methods about the node itself. `stop`, `uptime` and `help` are the dispatcher's: they are not about a chain."""

from __future__ import annotations

from typing import Final

from rein.devnet.acceptance import INCREMENTAL_FEERATE, MIN_RELAY_FEERATE
from rein.devnet.node import Node
from rein.devnet.rpc.views import Json, bitcoin

VERSION: Final = 300000  # the Core release whose answers these are
SUBVERSION: Final = "/Rein-devnet:1/"


def getnetworkinfo(node: Node) -> Json:
    return {
        "version": VERSION,
        "subversion": SUBVERSION,
        "protocolversion": 70016,
        "localrelay": False,
        "timeoffset": 0,
        "networkactive": False,
        "connections": 0,
        "networks": [],
        "relayfee": bitcoin(MIN_RELAY_FEERATE),
        "incrementalfee": bitcoin(INCREMENTAL_FEERATE),
        "localaddresses": [],
        "warnings": [],
    }


METHODS: Final = (getnetworkinfo,)
