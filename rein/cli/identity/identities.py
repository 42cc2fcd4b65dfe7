"""`rein identities`"""

from __future__ import annotations

from rein.cli.common import Cli, command
from rein.workflows.identity.identities import identities as list_identities


@command("identities")
def identities(cli: Cli) -> None:
    """List the identities of this home on this network. The one that acts, unless --identity says otherwise, has a
    star; `rein config identity NAME` changes that.

    Example: rein identities
    """
    terminal, found = cli.terminal, list_identities(cli.session)
    if found.identities:
        rows = [
            ("*" if each.acts else " ", each.row.name, each.row.master_address, each.sin, each.row.contact)
            for each in found.identities
        ]
        terminal.table(("Acts", "Name", "Master address", "SIN", "Contact"), rows)
    else:
        terminal.advise(f"This home has no identity on {found.network}. Create one: rein setup")
    terminal.result(found.json())
