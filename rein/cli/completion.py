"""`rein completion`"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from rein.cli.common import Cli, command
from rein.cli.main import COMPLETION_VARIABLE
from rein.cli.tree import tree

_SHELLS = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(cli: Cli, shell: str) -> None:
    """Print the script that lets your shell complete commands, options, networks, identities and job ids.

    \b
    bash    rein completion bash > ~/.local/share/bash-completion/completions/rein
    zsh     rein completion zsh > "${fpath[1]}/_rein"
    fish    rein completion fish > ~/.config/fish/completions/rein.fish

    Example: rein completion bash
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click does not know {shell}")
    script = found(tree, {}, "rein", COMPLETION_VARIABLE).source()
    cli.terminal.say(script, exact=True)
    cli.terminal.result({"shell": shell, "script": script})
