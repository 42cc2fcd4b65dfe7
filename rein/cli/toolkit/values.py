"""What a shell may put after an option: networks, the identities of the home, jobs. A home that cannot be read offers
nothing, and nobody is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from rein.btc.networks import NETWORKS
from rein.errors import ReinError
from rein.lazy import lazy

if TYPE_CHECKING:
    from rein import settings as home_settings
    from rein.settings import Settings
    from rein.store import completion
else:
    home_settings = lazy("rein.settings")
    completion = lazy("rein.store.completion")


def networks(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[str]:
    """Names for --network."""
    return [name for name in NETWORKS if name.startswith(beginning)]


def identities(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[str]:
    """Names for --identity."""
    return _from_home(context, lambda home: completion.identity_names(home.database, home.network.name, beginning))


def jobs(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[str]:
    """Ids for --jobid."""
    return _from_home(context, lambda home: completion.job_ids(home.database, home.network.name, beginning))


def _from_home(context: click.Context, read: Callable[[Settings], list[str]]) -> list[str]:
    given: dict[str, object] = {}
    for each in (context.parent, context):  # before the command's name, and after it
        given |= {name: value for name, value in (each.params if each else {}).items() if value is not None}
    home, network = given.get("home"), given.get("network")
    try:
        return read(home_settings.load_settings(home_settings.Flags(home=home, network=network)))  # type: ignore[arg-type]  # as their options say
    except ReinError:
        return []
