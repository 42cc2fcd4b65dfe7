"""What events are sent to: a command, a webhook, the desktop. What strangers wrote reaches these as JSON only."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from rein.errors import InputError
from rein.identity.environment import without_secrets
from rein.net.http import Http, HttpError, Limits
from rein.net.proxy import proxy_for

COMMAND_SECONDS = 60
_WEBHOOK_LIMITS = Limits(connect_seconds=10, read_seconds=10, total_seconds=20, answer_bytes=65_536)
_VARIABLES = ("id", "type", "network", "job_id", "job_document", "state", "document_id", "author", "txid", "amount_sat")
"""Fields that become REIN_EVENT_* variables: those whose every character the protocol or this program chooses."""


class Hook(Protocol):
    """Something to notify. `name` is what the home remembers it by."""

    name: str

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        """Pass on an event, whose JSON is `body`. Returns why that failed, or None."""


class Printing:
    """The terminal."""

    name = "print"

    def __init__(self, show: Callable[[Mapping[str, Any]], None]) -> None:
        self._show = show

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        self._show(event)
        return None


class Command:
    """A program of the user's: the event on its standard input, no shell in between."""

    def __init__(self, text: str) -> None:
        """:raises InputError: no command, or unbalanced quotes."""
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise InputError(f"--exec: {error}") from error
        if not self._words or shutil.which(self._words[0]) is None:
            raise InputError(f"--exec: there is no program {text[:60]!r}", hint="Give its path, then its arguments.")
        self.name = f"exec {text}"

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        environment = without_secrets()
        for name in _VARIABLES:
            if event.get(name) is not None:
                environment[f"REIN_EVENT_{name.upper()}"] = str(event[name])
        try:
            done = subprocess.run(
                self._words,
                input=body.encode(),
                stdout=subprocess.DEVNULL,
                env=environment,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{self._words[0]} takes longer than {COMMAND_SECONDS} seconds"
        except OSError as error:
            return f"{self._words[0]} cannot be run: {error.strerror}"
        return None if done.returncode == 0 else f"{self._words[0]} ended with {done.returncode}"


class Webhook:
    """An address that takes a POST of the event, as JSON."""

    def __init__(self, url: str, proxy: str | None) -> None:
        """:raises InputError: not an http or https address."""
        try:
            parts = urlsplit(url)
            is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_one = False
        if not is_one or not url.isprintable():
            raise InputError("--webhook: expected an http or https address")
        self._url = url
        self._http = Http(proxy_for(url, proxy))
        self.name = f"webhook {url}"

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(event["id"])}
        try:
            reply = self._http.exchange("POST", self._url, _WEBHOOK_LIMITS, data=body.encode(), headers=headers)
        except HttpError as error:
            return f"the webhook {error.reason}"
        return None if 200 <= reply.status < 300 else f"the webhook answered {reply.status}"


class Desktop:
    """A notice on the desktop, by notify-send."""

    name = "notify"

    def __init__(self) -> None:
        """:raises InputError: this machine has no notify-send."""
        if shutil.which("notify-send") is None:
            raise InputError("--notify needs the program notify-send, and it is not here", hint="Use --exec instead.")

    def notify(self, event: Mapping[str, Any], body: str) -> str | None:
        text = f"{event['type']} in the job {event['job_id']}"
        try:
            done = subprocess.run(
                ["notify-send", "--app-name=rein", "Rein", text],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=without_secrets(),
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return "notify-send cannot be run"
        return None if done.returncode == 0 else f"notify-send ended with {done.returncode}"
