"""Logs go to stderr, one line an event, without what people store: stdout is for what a command answers."""

from __future__ import annotations

import json
import logging.config
from datetime import UTC, datetime
from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "causeway.ops.logs.JsonLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "text", "stream": "ext://sys.stderr"}},
    "loggers": {
        "causeway": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        # Granian names each worker it starts and stops, and warns of more threads than cores: ours wait for the disk.
        "_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}


def configure_logs(form: str = "text", *, requests: bool = False) -> None:
    """Set the logs of this process up.

    :param form: "text" or "json".
    :param requests: whether each request is logged, and not only those that failed by a fault of ours.
    """
    handler = {**LOGGING["handlers"]["stderr"], "formatter": form}
    loggers = {**LOGGING["loggers"], "causeway.requests": {"level": "INFO" if requests else "WARNING"}}
    logging.config.dictConfig({**LOGGING, "handlers": {"stderr": handler}, "loggers": loggers})


def write(log: logging.Logger, level: int, what: str, **fields: object) -> None:
    """Log an event with named facts: as `name=value` in text, as keys in JSON."""
    if log.isEnabledFor(level):
        told = " ".join(f"{name}={value}" for name, value in fields.items())
        log.log(level, "%s %s", what, told, extra={"event": what, "fields": fields})


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", None) or record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # Where, never what: messages of libraries repeat what people sent.
            line["exception"] = record.exc_info[0].__qualname__
        return json.dumps(line, default=str)
