"""`python -m tests.mutation`: the tests that judge the module in which mutmut has just broken a line.

While a line is broken, mutmut keeps the whole file beside it, as FILE.bak; where there is none it measures how long the
tests take, and all of them run. `paths_to_mutate` in pyproject.toml names the same modules.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

_OF_ORDERS = [
    *("protocol/orders_picture", "protocol/orders", "protocol/disputes", "protocol/sealed_bids"),
    *("protocol/reputation", "protocol/revoked", "protocol/messages", "protocol/hostile"),
]

JUDGES = {
    "rein/escrow/bump.py": ["escrow/bump"],
    "rein/escrow/claims.py": ["escrow/verdict"],
    "rein/escrow/contract.py": ["escrow/contract", "escrow/terms"],
    "rein/escrow/explain.py": ["escrow/values_and_words", "escrow/explain", "escrow/payout_hostile"],
    "rein/escrow/funding.py": ["escrow/funding", "escrow/verdict", "escrow/values_and_words"],
    "rein/escrow/legacy.py": ["escrow/old"],
    "rein/escrow/payable.py": ["escrow/payable", "escrow/funding", "escrow/verdict"],
    "rein/escrow/payout.py": ["escrow/values_and_words", "escrow/payable", "escrow/proposals", "escrow/explain"],
    "rein/escrow/proposals.py": ["escrow/proposals", "escrow/verdict", "escrow/payable"],
    "rein/escrow/terms.py": ["escrow/terms", "escrow/values_and_words", "escrow/payable"],
    "rein/protocol/enrollments.py": ["protocol/enrollments", "protocol/revoked", "protocol/succession"],
    "rein/protocol/job_keys.py": ["protocol/job_keys", "protocol/messages"],
    **{f"rein/protocol/orders/{each}.py": _OF_ORDERS for each in ("candidates", "fold", "order", "rules", "states")},
    "rein/protocol/signed.py": ["protocol/signed", "protocol/revoked", "protocol/fields", "protocol/legacy"],
}
"""For each module the tests that need no chain, those that notice most first."""

LONGEST = 300
"""Seconds of a processor: a broken line may make a test run for ever."""

OF_ALL = ["escrow/stable_words", "protocol/frozen"]


def main() -> int:
    """Run them; 1 if one fails, cannot even be read or never ends: mutmut takes any other number for a mutant that
    lives."""
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(1))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, resource.RLIM_INFINITY))
    broken = [judges for module, judges in JUDGES.items() if (ROOT / f"{module}.bak").exists()]
    names = dict.fromkeys(each for judges in broken or JUDGES.values() for each in (*judges, *OF_ALL))
    files = [str(ROOT / "tests" / each.replace("/", "/test_")) + ".py" for each in names]
    return int(bool(pytest.main(["-x", "-q", "-m", "not slow", *files])))


if __name__ == "__main__":
    sys.exit(main())
