"""Logs go to stderr, one line an event, without what people store: stdout is for what a command answers."""

from __future__ import annotations

import logging.config
from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "loggers": {
        "causeway": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        # Granian names each worker it starts and stops, and warns of more threads than cores: ours wait for the disk.
        "_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}


def configure_logs() -> None:
    """Set the logs of this process up."""
    logging.config.dictConfig(LOGGING)
