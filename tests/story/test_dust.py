"""A stranger pays 1,020 times 330 satoshis to an escrow, and the two are paid all the same, over a causeway server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rein.btc.amounts import Sat
from rein.chain.core_rpc import CoreRpc
from rein.chain.source import MAX_OUTPUTS
from rein.demo.processes import free_ports, running, server_program
from rein.devnet import faucet
from tests.story.conftest import Trio, World, agree, deliver, fund


@pytest.fixture
def over(world: World) -> Iterator[str]:
    """A server with a node behind it."""
    (port,) = free_ports(1)
    program = server_program(world.folder / "with-a-node", port)
    node = ("--chain-url", world.chain_url, "--chain-cookie", str(world.cookie))
    with running([replace(program, arguments=(*program.arguments, *node))]):
        yield f"http://127.0.0.1:{port}/"


def test_dust_in_an_escrow_stops_nobody(trio: Trio, chain: CoreRpc, over: str) -> None:
    agreed = agree(trio)
    fund(trio, agreed)
    deliver(trio, agreed)
    for escrow in agreed.escrows:
        for _ in range(2):
            faucet.pay(chain, [(escrow["address"], Sat(330))] * 510)
    faucet.mine(chain, 1)
    for person in trio.everybody:
        person.rein("request", over)
    source = ("--chain", f"causeway+{over}")
    trio.bob.rein("sync")
    trio.bob.rein(*source, "accept", "--jobid", agreed.job_id)
    trio.sync()
    for person in (trio.charlie, trio.alice):
        assert person.rein(*source, "collect", "--jobid", agreed.job_id)["sent"]
    faucet.mine(chain, 1)
    told = trio.charlie.run("status", "--jobid", agreed.job_id)
    assert len([line for line in told.err.splitlines() if line.startswith("    holds")]) == 2 * 8
    assert f"and {MAX_OUTPUTS - 8} smaller, 0.000" in told.err
    trio.charlie.rein(*source, "sync")
    status = trio.charlie.rein("status", "--jobid", agreed.job_id)
    assert status["state"] == "settled"
