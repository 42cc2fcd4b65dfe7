"""`rein setup --offline`, `--signed` and `--import`: master keys that are elsewhere, and backups of 2016."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rein.cli.common import Cli, fee_points
from rein.cli.identity.setup_restore import read_words, remember_chain, welcome
from rein.cli.toolkit.files import read_given, read_secret_line
from rein.errors import InputError
from rein.files import write_new
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import DelegateKeyring, open_secret
from rein.identity.legacy_backup import legacy_keyring, read_legacy_backup
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.workflows.identity.enroll import NewIdentity, create_identity, row_of
from rein.workflows.identity.enroll_offline import begin_offline, finish_offline, offline_keyring, signed_elsewhere

if TYPE_CHECKING:
    from rein.identity.keyring import DelegateKeyring, Keyring
    from rein.protocol.documents import Enrollment
    from rein.protocol.signed import Signed
    from rein.workflows.identity.enroll import NewIdentity


def begin(cli: Cli, file: Path, new: NewIdentity, master: str | None, delegate_fd: int | None) -> None:
    """Keep the delegate key, and write what is to be signed."""
    master = master or cli.terminal.ask("Master address", "--master")
    _begin(cli, file, new, offline_keyring(cli.session, read_delegate(cli, delegate_fd), master))


def read_delegate(cli: Cli, descriptor: int | None) -> str:
    """The WIF of a delegate's key, from a file descriptor or from whoever is at the terminal."""
    if descriptor is None:
        return cli.terminal.ask_secret("Private key of the delegate (WIF)", "--delegate-fd")
    return read_secret_line(descriptor, "the delegate's key")


def _begin(cli: Cli, file: Path, new: NewIdentity, keyring: DelegateKeyring) -> None:
    terminal = cli.terminal
    if file.exists():
        raise InputError(f"the file {file} exists already", hint="Give another name, or move it away.")
    text = begin_offline(cli.session, new, keyring, cli.new_passphrase())
    remember_chain(cli)
    write_new(file, text.encode())
    terminal.result(tell_how_to_sign(cli, file, text, keyring, "setup"))


def tell_how_to_sign(cli: Cli, file: Path, text: str, keyring: Keyring, again: str) -> dict[str, str]:
    """Say what to do with a text for the master key, and the same for programs. `again`: the command to go on with."""
    terminal, master = cli.terminal, keyring.master_address
    terminal.say(f"Sign the text in {file} with the key of {master}, as a Bitcoin message. The text has")
    terminal.say("no line feed at its end; with Bitcoin Core:")
    terminal.say(f'  bitcoin-cli signmessage {master} "$(cat {file})"')
    terminal.advise(f"Then: rein {again} --signed {file} --signature BASE64")
    return {
        "text": text,
        "file": str(file),
        "master_address": master,
        "delegate_address": keyring.delegate_address,
    }


def read_signed(file: Path, signature: str | None) -> Signed[Enrollment]:
    """The enrollment that somebody signed elsewhere.

    :raises ReinError: saying what is wrong with it.
    """
    try:
        text = read_given(str(file), MAX_DOCUMENT_BYTES).decode()
    except UnicodeDecodeError:
        raise InputError(f"the file {file} is no text") from None
    return signed_elsewhere(text, signature)


def finish(cli: Cli, file: Path, signature: str | None) -> None:
    """Read what was signed elsewhere, check it, and keep the identity."""
    signed, session = read_signed(file, signature), cli.session
    key_file = session.home / row_of(signed.document, signed.document.user).key_file
    secret = cli.opened(signed.document.user, partial(read_key_file, key_file))
    row = finish_offline(session, signed, open_secret(secret, session.network))
    cli.terminal.result(welcome(cli, row, signed))


def take_over(cli: Cli, old_file: Path, name: str | None, words_fd: int | None, offline_file: Path | None) -> None:
    """An identity of 2016: its delegate from the backup; its master from its words or key, or elsewhere."""
    terminal, network = cli.terminal, cli.settings.network
    old = read_legacy_backup(old_file, network, name)
    new = NewIdentity(old.name, old.contact, fee_points(old.mediator_fee) if old.mediator_fee else None)
    secret = None
    if words_fd is not None:
        secret = read_words(words_fd)
    elif offline_file is None:
        secret = terminal.ask_secret(
            "The twelve words of 2016, or the master key (WIF)", "--words-fd or --offline", several=True
        )
    keyring = legacy_keyring(old, secret, network)
    if offline_file is not None and secret is None and isinstance(keyring, DelegateKeyring):
        _begin(cli, offline_file, new, keyring)
        return
    kept = keyring.to_secret() if isinstance(keyring, DelegateKeyring) else " ".join((secret or "").split())
    passphrase = cli.new_passphrase()
    remember_chain(cli)
    row, signed = create_identity(cli.session, new, kept, passphrase)
    terminal.result(welcome(cli, row, signed))
