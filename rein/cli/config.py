"""`rein config` and `rein testnet`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from rein.cli.common import Cli, command
from rein.cli.identity.legacy_names import SETTINGS
from rein.cli.toolkit.files import read_secret_line
from rein.cli.toolkit.options import FilePath
from rein.errors import InputError
from rein.lazy import lazy
from rein.settings import (
    CONFIG_KEYS,
    SWITCHES,
    ChainKind,
    Flags,
    load_settings,
    network_of_testnet_flag,
    read_chain,
    read_config,
    remove_config,
    stored_settings,
    write_config,
)

if TYPE_CHECKING:
    from rein.settings import ChainSetting
    from rein.workflows.wallet import payout
else:
    payout = lazy("rein.workflows.wallet.payout")

_TOR = "127.0.0.1:9050"
_CHAIN_WORDS = ("core", "esplora", "causeway", "remove")
_CHAIN_HINT = "rein config chain [list | core URL | esplora URL | causeway URL | remove URL]"


@command("config")
@click.argument("words", nargs=-1)
@click.option("--cookie", type=FilePath(), help="Core: its cookie file.")
@click.option("--user", help="Core: the RPC user; the password is asked for.")
@click.option("--password-fd", type=int, metavar="N", help="Core: read the RPC password from this file descriptor.")
@click.option("--wallet", help="Core: a watch-only descriptor wallet, instead of scans.")
def config(
    cli: Cli,
    words: tuple[str, ...],
    cookie: Path | None,
    user: str | None,
    password_fd: int | None,
    wallet: str | None,
) -> None:
    """Show the settings of this home, or change one.

    \b
    rein config                      all settings
    rein config KEY VALUE            change one
    rein config chain list           the chain sources
    rein config chain core URL       add a Bitcoin Core node
    rein config chain esplora URL    add an Esplora server: https://HOST/api
    rein config chain causeway URL   add a causeway server of yours
    rein config chain remove URL     take one out
    rein config payout KEY|ADDRESS   be paid there: a bech32 address, or an
                                     extended key or descriptor, which gives
                                     each job a fresh address
    rein config payout wallet        be paid in your own wallet again
    rein config tor on [HOST:PORT]   reach everything through Tor
    rein config tor off
    rein config autosync on          fetch and publish without `rein sync`

    Several chain sources must agree.

    Example: rein config chain core http://127.0.0.1:8332
    """
    home = cli.settings.home
    match words:
        case () | ("chain",) | ("chain", "list"):
            pass
        case ("chain", "remove", url):
            _remove_source(cli, url)
        case ("chain", "core" | "esplora" | "causeway" as kind, url):
            _add_source(cli, kind, _with_login(cli, url, user, password_fd), cookie, wallet)
        case ("tor", word, *address) if word in SWITCHES and len(address) <= SWITCHES[word]:
            if SWITCHES[word]:
                write_config(home, "proxy", address[0] if address else _TOR)
            else:
                remove_config(home, "proxy")
        case ("payout", text):
            _set_payout(cli, text)
        case ("testnet", word) if word in SWITCHES:
            write_config(home, "network", network_of_testnet_flag(SWITCHES[word]).name)
        case (key, *_) if key in SETTINGS:
            raise InputError(f"{key!r} is not a setting any more", hint=SETTINGS[key])
        case (key, value) if key not in ("tor", "testnet") and value not in _CHAIN_WORDS:
            write_config(home, key.replace("-", "_"), value)
        case ("chain", *_):
            raise InputError("invalid chain source setting", hint=_CHAIN_HINT)
        case ("tor", *_):
            raise InputError("Tor is on or off", hint="rein config tor on 127.0.0.1:9050")
        case ("testnet", *_):
            raise InputError("the test network is on or off", hint="rein testnet true")
        case (key,):
            if key not in CONFIG_KEYS:
                raise InputError(f"{key!r} is not a setting", hint=f"There are {', '.join(CONFIG_KEYS)}.")
            raise InputError("a setting needs a value", hint=f"For example: rein config {key} VALUE")
        case _:
            raise click.UsageError(f"Got unexpected extra arguments ({' '.join(words[2:])})")
    if words[:1] == ("chain",):
        _show_sources(cli)
    else:
        _show(cli)


def _set_payout(cli: Cli, text: str) -> None:
    """Where jobs pay from now on. What documents say already stays as it is."""
    if text == payout.OWN_WALLET:
        remove_config(cli.settings.home, "payout")
        return
    destination = payout.read_destination(text, cli.settings.network)
    write_config(cli.settings.home, "payout", text.strip())
    cli.terminal.note(payout.in_words(destination))


def _show(cli: Cli) -> None:
    """All settings, without passwords."""
    stored = stored_settings(cli.settings.home, cli.settings.network)
    for name, meaning in CONFIG_KEYS.items():
        cli.terminal.say(f"{name:<14} {stored.values.get(name, '(not set)'):<36} {cli.terminal.here(meaning)}")
    cli.terminal.result(stored.json())


def _show_sources(cli: Cli) -> None:
    settings = load_settings(Flags(home=cli.settings.home, network=cli.settings.network.name), {})
    cli.terminal.table(("Kind", "Address", "How"), [(each.kind, each.url, _login(each)) for each in settings.chain])
    if len(settings.chain) > 1:
        cli.terminal.say("All of them must answer, and agree.")
    cli.terminal.result({"sources": [each.json() for each in settings.chain]})


def _login(source: ChainSetting) -> str:
    """How a source is asked, without its password."""
    words = []
    if source.user is not None:
        words.append(f"as {source.user}, with a password")
    elif source.cookie is not None:
        words.append(f"with the cookie {source.cookie}")
    if source.wallet is not None:
        words.append(f"by the wallet {source.wallet}")
    return ", ".join(words) or "believing what it proves"


def _with_login(cli: Cli, url: str, user: str | None, password_fd: int | None) -> str:
    """The address, with the user and a password that never was on a command line."""
    if user is None:
        return url
    if password_fd is None:
        password = cli.terminal.ask_secret(f"RPC password of {user}", "--password-fd")
    else:
        password = read_secret_line(password_fd, "a password")
    scheme, _, rest = url.rpartition("://")
    return f"{scheme or 'http'}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def _add_source(cli: Cli, kind: str, url: str, cookie: Path | None, wallet: str | None) -> None:
    home = cli.settings.home
    if (cookie or "@" in url or wallet) and kind != ChainKind.CORE:
        raise InputError("only Bitcoin Core has a cookie, a user or a wallet", hint=_CHAIN_HINT)
    if len(url.split()) != 1:
        raise InputError("a chain source has one address", hint=_CHAIN_HINT)
    (new,) = read_chain(f"{kind}+{url}", cli.settings.network)
    known = read_config(home).get("chain", "").split()
    kept = [each for each in known if read_chain(each, cli.settings.network)[0].url != new.url]
    write_config(home, "chain", " ".join([*kept, f"{kind}+{url}"]))
    if cookie is not None:
        write_config(home, "chain_cookie", str(cookie.resolve()))
    if wallet is not None:
        write_config(home, "chain_wallet", wallet)


def _remove_source(cli: Cli, url: str) -> None:
    home, network = cli.settings.home, cli.settings.network
    known = read_config(home).get("chain", "").split()
    gone = {each.url for kind in ("", "esplora+", "causeway+") for each in _readable(f"{kind}{url}", cli)}
    kept = [each for each in known if read_chain(each, network)[0].url not in gone]
    if len(kept) == len(known):
        raise InputError("there is no such chain source", hint="See the chain sources.")
    if kept:
        write_config(home, "chain", " ".join(kept))
    else:
        remove_config(home, "chain")


def _readable(text: str, cli: Cli) -> tuple[ChainSetting, ...]:
    try:
        return read_chain(text, cli.settings.network)
    except InputError:
        return ()


@command("testnet")
@click.argument("value", type=click.Choice(list(SWITCHES)), metavar="{true|false}")
def testnet(cli: Cli, value: str) -> None:
    """Work on the test network (testnet4) from now on, or on mainnet again.

    Example: rein testnet true
    """
    network = network_of_testnet_flag(SWITCHES[value])
    write_config(cli.settings.home, "network", network.name)
    cli.terminal.say(f"This home works on {network.name} now.")
    cli.terminal.result({"network": network.name})
