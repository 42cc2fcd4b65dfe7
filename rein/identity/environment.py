"""What other programs may know of this one's environment."""

from __future__ import annotations

import os

SECRET_VARIABLES = ("REIN_PASSPHRASE", "REIN_CHAIN")
"""As `rein.settings` names them. REIN_CHAIN may hold the password of a node."""


def without_secrets() -> dict[str, str]:
    """The environment for a program that this one starts."""
    return {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
