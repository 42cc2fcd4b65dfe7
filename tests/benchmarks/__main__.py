"""`tox -e bench`: every figure beside the limit measured in the same run."""

from __future__ import annotations

from tests.benchmarks import client


def main() -> None:
    for figure in client.figures():
        print(figure)


main()
