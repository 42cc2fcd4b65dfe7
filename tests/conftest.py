"""What every test needs: `tests.support` can be imported, hypothesis runs as long as asked, and markers say what runs
beside a test.

HYPOTHESIS_PROFILE=thorough tries new examples every time, and many more of them; quick tries few, for `tox -e quick`
and `tox -e mutation`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Last, so that an installed `rein` (tox installs the wheel) is the one that is tested.
sys.path.append(str(Path(__file__).parent.parent))

settings.register_profile(
    "ci", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "quick", max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

RUNS = {
    # Fixtures, names that a module imports, and folders.
    "chain": {"chain", "faucet", "long_lived", "node", "start", "world", "devnet/", "story/", "demo/"}
    | {"development_node", "private_chain", "running_node"},
    "postgresql": {"postgres", "world", "EmbeddedPostgres", "story/", "demo/"},
}
"""What tells that a test runs a node or PostgreSQL, so that none has to be marked by hand."""


LONG = {
    *("cli/console/test_keyboard.py", "cli/identity/test_setup_at_a_terminal.py", "cli/test_at_a_terminal.py"),
    *("cli/test_completion.py", "cli/test_help.py", "cli/test_json_always.py", "cli/toolkit/test_questions.py"),
    *(
        "cli/diagnostics/test_doctor.py",
        "identity/test_unlocked.py",
        "remote/test_transport.py",
        "store/test_upgrade.py",
    ),
}
"""Tests that start many programs, or wait for what does not come."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `tox -e quick` leaves out."""
    here = Path(__file__).parent
    for item in items:
        uses = {*getattr(item, "fixturenames", ()), f"{item.path.relative_to(here).parts[0]}/"}
        uses |= vars(getattr(item, "module", object)).keys()
        if item.path.relative_to(here).as_posix() in LONG:
            item.add_marker("long")
        for marker, names in RUNS.items():
            if not uses.isdisjoint(names):
                item.add_marker(marker)
