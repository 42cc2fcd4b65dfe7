"""`rein enroll`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rein.btc.keys import PrivateKey
from rein.cli.common import Cli, command, dry_run_option, fee_points, number, pay_to_option
from rein.cli.identity.setup_offline import read_delegate, read_signed, tell_how_to_sign
from rein.cli.toolkit.show import say_where_paid
from rein.cli.toolkit.terminal import safe
from rein.errors import InputError
from rein.files import write_new
from rein.identity.keyring import DelegateKeyring
from rein.workflows.identity.renew import Changes, build_renewal, keep_renewal
from rein.workflows.identity.renew_offline import check_renewal, draft_offline, keep_delegate, revokes_now
from rein.workflows.orders.outbox import json_of_document

if TYPE_CHECKING:
    from rein.btc.keys import PrivateKey
    from rein.protocol.documents import Enrollment
    from rein.protocol.signed import Signed
    from rein.workflows.identity.renew import Changes

_FILE = click.Path(path_type=Path, dir_okay=False)


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
@click.option("--delegate-fd", type=int, metavar="N", help="Without words: read the new delegate's WIF from there.")
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
        signed = read_signed(signed_file, signature)
        check_renewal(cli.session, signed)
        _finish(cli, signed, None, dry_run=dry_run)
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
    if offline_file is not None:
        _begin_offline(cli, offline_file, changes, dry_run=dry_run)
        return
    _finish(cli, build_renewal(cli.session, changes), changes.delegate, dry_run=dry_run)


def _delegate(cli: Cli, descriptor: int | None, *, wanted: bool) -> PrivateKey | None:
    """The key of a new delegate, which only an identity without words is asked for."""
    if descriptor is None and not (wanted and isinstance(cli.session.keyring, DelegateKeyring)):
        return None
    return PrivateKey.from_wif(read_delegate(cli, descriptor).strip(), cli.session.network)


def _begin_offline(cli: Cli, file: Path, changes: Changes, *, dry_run: bool) -> None:
    """Keep the key of a new delegate, and write what is to be signed."""
    if file.exists():
        raise InputError(f"the file {file} exists already", hint="Give another name, or move it away.")
    draft, text = draft_offline(cli.session, changes)
    cli.terminal.say(safe(text), exact=True)
    cli.terminal.say()
    if dry_run:
        cli.terminal.say("This was a dry run: nothing was written.")
    else:
        keep_delegate(cli.session, changes.delegate, cli.opened)
        write_new(file, text.encode())
    cli.terminal.result(tell_how_to_sign(cli, file, text, draft.keyring, "enroll"))


def _finish(cli: Cli, signed: Signed[Enrollment], delegate: PrivateKey | None, *, dry_run: bool) -> None:
    """Show a signed enrollment, and act by it."""
    terminal = cli.terminal
    terminal.say(safe(signed.armored.rstrip("\n")), exact=True)
    terminal.say()
    if revokes_now(cli.session, signed):
        terminal.note(
            "Of what this delegate signed, jobs without bids, bids without an offer and messages will count no more; "
            "what your escrow keys signed in a contract stands. Nobody can undo a revocation, and neither can you."
        )
        terminal.confirm("Revoke the delegate?")
    if dry_run:
        terminal.say("This was a dry run: nothing was stored.")
    else:
        keep_delegate(cli.session, delegate, cli.opened)
        keep_renewal(cli.session, signed)
        terminal.advise(f"Stored as document {signed.id}. Publish it with `rein sync`.")
    terminal.result(
        json_of_document(signed) | {"delegate_address": signed.document.delegate_address, "stored": not dry_run}
    )
