"""`--request-id`: a command that a script repeats answers with what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rein.lazy import lazy

if TYPE_CHECKING:
    from rein.cli.common import Cli
    from rein.workflows import requests
else:
    requests = lazy("rein.workflows.requests")


def run_once(cli: Cli, key: str | None, parameters: Mapping[str, Any], run: Callable[[], None]) -> None:
    """Run a command, unless it was run under this key before. A dry run does nothing that could be repeated.

    :param parameters: what the command was told, without the global options.
    """
    if key is None or parameters.get("dry_run"):
        run()
        return

    session, command = cli.session, cli.terminal.command.partition(" ")[2]
    wanted = requests.request(key, command, parameters)
    cli.terminal.on_result = lambda result: requests.finish(session, wanted, result)
    done = requests.do_once(session, wanted, run)
    if done is None:
        return
    document = done.get("document_id")
    what = f": document {document}." if document else "."
    cli.terminal.on_result = lambda _: None
    cli.terminal.say(f"Already done under this request id{what}")
    cli.terminal.result(done | {"repeated": True})
