"""`rein enroll`"""

from __future__ import annotations

import click

from rein.cli.common import Cli, command, dry_run_option, number
from rein.cli.show import described
from rein.cli.terminal import safe


@command("enroll")
@click.option("--contact", help="How to reach you from now on; public.")
@click.option("--mediate/--no-mediate", default=None, help="Whether you are willing to mediate.")
@click.option("--fee", metavar="PERCENT", help="Your fee as a mediator, such as 1.5.")
@click.option("--new-delegate", is_flag=True, help="Sign with a new delegate key; what the old one signed stays.")
@click.option("--revoke-delegate", is_flag=True, help="The delegate key was stolen: take a new one, revoke the old.")
@click.option("--since", metavar="HEIGHT", help="With --revoke-delegate: the first block after the theft. [now]")
@click.option(
    "--replaces", metavar="ADDRESS", help="Take the place of this identity, whose master key is lost or stolen."
)
@click.option("--recovery-signature", metavar="BASE64", help="With --replaces: what its recovery address has signed.")
@dry_run_option
def enroll(
    cli: Cli,
    contact: str | None,
    mediate: bool | None,
    fee: str | None,
    new_delegate: bool,
    revoke_delegate: bool,
    since: str | None,
    replaces: str | None,
    recovery_signature: str | None,
    dry_run: bool,
) -> None:
    """Change what you say of yourself, or the key you sign with, by a new enrollment.

    Example: rein enroll --contact alice@example.org --fee 1.5
    """
    from rein.cli.setup import fee_points
    from rein.workflows.renew import Changes, build_renewal, keep_renewal

    terminal = cli.terminal
    changes = Changes(
        contact=contact,
        mediates=True if fee is not None and mediate is None else mediate,
        mediator_fee=fee_points(fee) if fee is not None else None,
        new_delegate=new_delegate,
        revoke=revoke_delegate,
        since=None if since is None else number(since, "the height"),
        replaces=replaces,
        recovery_signature=recovery_signature,
    )
    signed = build_renewal(cli.desk, changes)
    terminal.say(safe(signed.armored.rstrip("\n")), exact=True)
    terminal.say()
    if revoke_delegate:
        terminal.note("Nobody else can undo a revocation, and neither can you.")
        terminal.confirm("Revoke the delegate?")
    if dry_run:
        terminal.say("This was a dry run: nothing was stored.")
    else:
        keep_renewal(cli.desk, signed)
        terminal.say(f"Stored as document {signed.id}. Publish it with `rein sync`.")
    terminal.result(described(signed) | {"delegate_address": signed.document.delegate_address, "stored": not dry_run})
