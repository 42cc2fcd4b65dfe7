"""`rein setup --offline`, `--signed` and `--import`: master keys that are elsewhere, and backups of 2016."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rein.btc.keys import PrivateKey
from rein.cli.common import Cli, fee_points
from rein.cli.identity.setup_restore import read_phrase, remember_chain, welcome
from rein.cli.toolkit.files import read_given, read_secret_line
from rein.errors import InputError, KeyMaterialError
from rein.files import write_new
from rein.identity.keyfile import read_key_file
from rein.identity.keyring import DelegateKeyring, open_secret
from rein.identity.legacy_backup import legacy_keyring, read_legacy_backup
from rein.protocol.limits import MAX_DOCUMENT_BYTES
from rein.workflows.identity.setup import NewIdentity, commit, prepare, row_of
from rein.workflows.identity.setup_offline import (
    begin_offline,
    check_master_address,
    finish_offline,
    prepare_offline,
    signed_elsewhere,
)

if TYPE_CHECKING:
    from rein.btc.keys import PrivateKey
    from rein.identity.keyring import DelegateKeyring
    from rein.protocol.documents import Enrollment
    from rein.protocol.signed import Signed
    from rein.workflows.identity.setup import NewIdentity
    from rein.workflows.identity.setup_offline import ToSign


def begin(cli: Cli, file: Path, new: NewIdentity, master: str | None, delegate_fd: int | None) -> None:
    """Keep the delegate key, and write what is to be signed."""
    check_absent(file)
    delegate, network = read_delegate(cli, delegate_fd), cli.session.network
    address = cli.answer(master, "Master address", "--master", partial(check_master_address, cli.session))
    _begin(cli, file, new, DelegateKeyring(delegate, network, address))


def read_delegate(cli: Cli, descriptor: int | None) -> PrivateKey:
    """The key of a delegate, from a file descriptor or from whoever is at the terminal.

    :raises KeyMaterialError: not a WIF of this network.
    """

    def key(text: str) -> PrivateKey:
        found = PrivateKey.from_wif(text.strip(), cli.session.network)
        if not found.compressed:
            raise KeyMaterialError("the delegate key is uncompressed; escrows take compressed ones only")
        return found

    if descriptor is None:
        return cli.secret("Private key of the delegate (WIF)", "--delegate-fd", key)
    return key(read_secret_line(descriptor, "the delegate's key"))


def check_absent(file: Path) -> None:
    """Refuse to write where something is.

    :raises InputError:
    """
    if file.exists():
        raise InputError(f"the file {file} exists already", hint="Give another name, or move it away.")


def _begin(cli: Cli, file: Path, new: NewIdentity, keyring: DelegateKeyring) -> None:
    check_absent(file)
    plan = prepare_offline(cli.session, new, keyring)
    begin_offline(cli.session, plan, cli.new_passphrase())
    remember_chain(cli)
    write_new(file, plan.text.encode())
    tell_how_to_sign(cli, file, plan, "setup")


def tell_how_to_sign(cli: Cli, file: Path, plan: ToSign, again: str) -> None:
    """Say what to do with a text for the master key. `again`: the command to go on with."""
    terminal, master = cli.terminal, plan.keyring.master_address
    terminal.say(f"Sign the text in {file} with the key of {master}, as a Bitcoin message. The text has")
    terminal.say("no line feed at its end; with Bitcoin Core:")
    terminal.say(f'  bitcoin-cli signmessage {master} "$(cat {file})"', exact=True)
    terminal.advise(f"Then: rein {again} --signed {file} --signature BASE64")
    terminal.result(plan.json() | {"file": str(file)})


def read_signed(file: Path, signature: str | None) -> Signed[Enrollment]:
    """The enrollment that somebody signed elsewhere.

    :raises ReinError: saying what is wrong with it.
    """
    return signed_elsewhere(read_given(str(file), MAX_DOCUMENT_BYTES), str(file), signature)


def finish(cli: Cli, file: Path, signature: str | None) -> None:
    """Read what was signed elsewhere, check it, and keep the identity."""
    signed, session = read_signed(file, signature), cli.session
    key_file = session.home / row_of(signed.document, signed.document.user).key_file
    secret = cli.opened(signed.document.user, partial(read_key_file, key_file))
    result = finish_offline(session, signed, open_secret(secret, session.network))
    welcome(cli, result)
    cli.terminal.result(result.json())


def take_over(cli: Cli, old_file: Path, name: str | None, words_fd: int | None, offline_file: Path | None) -> None:
    """An identity of 2016: its delegate from the backup; its master from its recovery phrase or key, or elsewhere."""
    network = cli.settings.network
    old = read_legacy_backup(old_file, network, name)
    new = NewIdentity(old.name, old.contact, fee_points(old.mediator_fee) if old.mediator_fee else None)
    if words_fd is not None or offline_file is not None:
        secret = read_phrase(words_fd) if words_fd is not None else None
        keyring = legacy_keyring(old, secret, network)
        if offline_file is not None and secret is None and isinstance(keyring, DelegateKeyring):
            _begin(cli, offline_file, new, keyring)
            return
    else:
        secret, keyring = cli.secret(
            "The recovery phrase of 2016, or the master key (WIF)",
            "--words-fd or --offline",
            lambda text: (text, legacy_keyring(old, text, network)),
            several=True,
        )
    kept = keyring.to_secret() if isinstance(keyring, DelegateKeyring) else " ".join((secret or "").split())
    plan = prepare(cli.session, new, kept)
    passphrase = cli.new_passphrase()
    remember_chain(cli)
    result = commit(cli.session, plan, passphrase)
    welcome(cli, result)
    cli.terminal.result(result.json())
