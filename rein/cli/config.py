"""`rein config` and `rein testnet`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command


@command("config")
@click.argument("key", required=False)
@click.argument("value", required=False)
def config(cli: Cli, key: str | None, value: str | None) -> None:
    """Show the settings of this home, or change one.

    Example: rein config chain http://127.0.0.1:8332
    """
    from rein.errors import InputError
    from rein.settings import CONFIG_KEYS, read_config, write_config

    home = cli.settings.home
    if key is not None and value is not None:
        write_config(home, key.replace("-", "_"), value)
    elif key is not None:
        raise InputError("a setting needs a value", hint=f"For example: rein config {key} VALUE")
    settings = read_config(home)
    for name, meaning in CONFIG_KEYS.items():
        cli.terminal.say(f"{name:<14} {settings.get(name, '(not set)'):<36} {meaning}")
    cli.terminal.result({"home": str(home), "settings": settings})


@command("testnet")
@click.argument("value", type=click.Choice(["true", "false"]))
def testnet(cli: Cli, value: str) -> None:
    """Work on the test network (testnet4) from now on, or on mainnet again.

    Example: rein testnet true
    """
    from rein.settings import network_of_testnet_flag, write_config

    network = network_of_testnet_flag(value == "true")
    write_config(cli.settings.home, "network", network.name)
    cli.terminal.say(f"This home works on {network.name} now.")
    cli.terminal.result({"network": network.name})
