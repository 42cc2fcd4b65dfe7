"""A peer that answers whatever a test wants."""

from __future__ import annotations

from tests.support.liar import liar
from tests.support.serving import direct

__all__ = ["direct", "liar"]
