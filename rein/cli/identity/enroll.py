"""`rein enroll`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.cli.common import Cli, command, dry_run_option, fee_points, number, pay_to_option
from rein.cli.console.terminal import safe
from rein.cli.identity.setup_offline import check_absent, read_delegate, read_signed, tell_how_to_sign
from rein.cli.toolkit.options import FilePath
from rein.cli.toolkit.show import say_where_paid, say_written
from rein.errors import InputError
from rein.files import write_new
from rein.identity.keyring import DelegateKeyring
from rein.workflows.identity.enroll import Changes, add_delegate, commit, prepare
from rein.workflows.identity.enroll_offline import prepare_signed
from rein.workflows.identity.setup import text_to_sign
from rein.workflows.identity.setup_offline import ToSign

if TYPE_CHECKING:
    from rein.btc.keys import PrivateKey
    from rein.workflows.identity.enroll import EnrollPlan

_FILE = FilePath(dir_okay=False)


@command("enroll", writes=True)
@click.option("--contact", help="How to reach you from now on; public.")
@click.option("--mediate/--no-mediate", default=None, help="Whether you are willing to mediate.")
@click.option("--fee", metavar="PERCENT", help="Your fee as a mediator, such as 1.5.")
@pay_to_option
@click.option("--new-delegate", is_flag=True, help="Sign with a new delegate key; what the old one signed stays.")
@click.option(
    "--revoke-delegate",
    is_flag=True,
    help="The delegate key was stolen: take a new one, and take back what nobody answered.",
)
@click.option("--since", metavar="HEIGHT", help="With --revoke-delegate: the first block after the theft. [now]")
@click.option("--delegate-fd", type=int, metavar="N", help="Without a recovery phrase: read the new delegate's WIF.")
@click.option("--replaces", metavar="WHO", help="Take the place of this identity, whose master key is lost or stolen.")
@click.option("--recovery-signature", metavar="BASE64", help="With --replaces: what its recovery address has signed.")
@click.option("--offline", "offline_file", type=_FILE, help="Write what your master key must sign into this file.")
@click.option("--signed", "signed_file", type=_FILE, help="Finish --offline: the file, signed.")
@click.option("--signature", metavar="BASE64", help="With --signed: the signature, if the file holds the text alone.")
@dry_run_option
def enroll(
    cli: Cli,
    contact: str | None,
    mediate: bool | None,
    fee: str | None,
    pay_to: str | None,
    new_delegate: bool,
    revoke_delegate: bool,
    since: str | None,
    delegate_fd: int | None,
    replaces: str | None,
    recovery_signature: str | None,
    offline_file: Path | None,
    signed_file: Path | None,
    signature: str | None,
    dry_run: bool,
) -> None:
    """Change what you say of yourself, or the key you sign with, by a new enrollment.

    \b
    With a master key that is elsewhere:
    rein enroll --contact NEW --offline enrollment.txt
    rein enroll --signed enrollment.txt --signature BASE64

    Example: rein enroll --contact alice@example.org --fee 1.5
    """
    if signed_file is not None:
        _finish(cli, prepare_signed(cli.session, read_signed(signed_file, signature)), dry_run=dry_run)
        return
    if signature is not None:
        raise InputError("a signature goes with what it signs", hint="Give --signed FILE too.")
    changes = Changes(
        contact=contact,
        mediates=True if fee is not None and mediate is None else mediate,
        mediator_fee=fee_points(fee) if fee is not None else None,
        pay_to=None if pay_to is None else say_where_paid(cli, pay_to).address,
        new_delegate=new_delegate,
        revoke=revoke_delegate,
        since=None if since is None else number(since, "the height"),
        replaces=replaces,
        recovery_signature=recovery_signature,
        delegate=_delegate(cli, delegate_fd, wanted=new_delegate or revoke_delegate),
    )
    plan = prepare(cli.session, changes, offline=offline_file is not None)
    if offline_file is not None:
        _begin_offline(cli, offline_file, plan, dry_run=dry_run)
    else:
        _finish(cli, plan, dry_run=dry_run)


def _delegate(cli: Cli, descriptor: int | None, *, wanted: bool) -> PrivateKey | None:
    """The key of a new delegate, which only an identity without a recovery phrase is asked for."""
    if descriptor is None and not (wanted and isinstance(cli.session.keyring, DelegateKeyring)):
        return None
    return read_delegate(cli, descriptor)


def _begin_offline(cli: Cli, file: Path, plan: EnrollPlan, *, dry_run: bool) -> None:
    """Add the key of a new delegate to the key file, and write what is to be signed."""
    check_absent(file)
    to_sign = ToSign(text_to_sign(plan.document), plan.keyring)
    cli.terminal.say(safe(to_sign.text), exact=True)
    cli.terminal.say()
    if dry_run:
        cli.terminal.say("This was a dry run: nothing was written.")
    else:
        add_delegate(cli.session, plan.delegate, cli.opened)
        write_new(file, to_sign.text.encode())
    tell_how_to_sign(cli, file, to_sign, "enroll")


def _finish(cli: Cli, plan: EnrollPlan, *, dry_run: bool) -> None:
    """Sign and store an enrollment, and act by it."""
    if plan.revokes(cli.session.identity.delegate_address):
        cli.terminal.note(
            "Of what this delegate signed, jobs without bids, bids without an offer and messages will count no more; "
            "what your escrow keys signed in a contract stands. Nobody can undo a revocation, and neither can you."
        )
        cli.terminal.confirm("Revoke the delegate?")
    say_written(cli, commit(cli.session, plan, cli.opened, dry_run=dry_run), "Publish it with `rein sync`.")
