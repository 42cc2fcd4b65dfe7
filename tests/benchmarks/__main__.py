"""`tox -e bench [-- --quick]`: every figure beside the limit measured in the same run."""

from __future__ import annotations

from tests.benchmarks import client, market, server, sync


def main() -> None:
    for figure in (*client.figures(), *market.figures(), *sync.figures()):
        print(figure)
    server.main()


main()
