"""What every test needs: `tests.support` can be imported, and hypothesis runs as long as asked.

HYPOTHESIS_PROFILE=thorough tries new examples every time, and many more of them; quick tries few, for
`tox -e mutation`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

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
