"""`rein identities`"""

from __future__ import annotations

from rein.cli.common import Cli, command
from rein.protocol.sin import secure_identity_number


@command("identities")
def identities(cli: Cli) -> None:
    """List the identities of this home on this network. The one that acts, unless --identity says otherwise, has a
    star; `rein config identity NAME` changes that.

    Example: rein identities
    """
    terminal, session = cli.terminal, cli.session
    found = [
        {
            "name": row.name,
            "acts": session.row is not None and row.id == session.row.id,
            "contact": row.contact,
            "master_address": row.master_address,
            "delegate_address": row.delegate_address,
            "sin": secure_identity_number(row.master_address),
            "key_file": str(cli.settings.home / row.key_file),
        }
        for row in session.store.identities.of_network(session.network.name)
    ]
    if found:
        columns = ("name", "master_address", "sin", "contact")
        rows = [("*" if each["acts"] else " ", *(str(each[name]) for name in columns)) for each in found]
        terminal.table(("Acts", "Name", "Master address", "SIN", "Contact"), rows)
    else:
        terminal.advise(f"This home has no identity on {session.network.name}. Create one: rein setup")
    terminal.result({"network": session.network.name, "identities": found})
