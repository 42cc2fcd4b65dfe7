"""An opened identity: the keys of its recovery phrase, by purpose (`rein.protocol.job_keys` has the paths)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from functools import cached_property

from rein.btc import message
from rein.btc.address import p2pkh_address
from rein.btc.bip84 import Account
from rein.btc.hashes import tagged_hash
from rein.btc.hd import ExtendedKey, check_mnemonic, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.errors import IdentityError, KeyMaterialError
from rein.protocol import job_keys
from rein.protocol.documents.enrollment import possession_text
from rein.protocol.job_keys import ContractParts
from rein.protocol.values import DocumentId

MAX_DELEGATES = 100
"""How many delegates of one identity are looked for."""

_TREE_TAG = "rein/delegate-tree"
_STORAGE_TAG = "rein/storage-names"
_STORAGE = "m/5'/0'"
"""A branch of its own: it gives no key that signs or pays."""


class Keyring:
    """The keys of one identity on one network. Lives in memory only, for as long as a command needs it."""

    delegate_number: int = 0
    """Which of the delegates of the recovery phrase: 0 for the first."""

    def __init__(self, words: str, network: Network) -> None:
        """:raises KeyMaterialError: `words` are not a recovery phrase (BIP39)."""
        self.network = network
        self._words = check_mnemonic(words)

    @cached_property
    def _root(self) -> ExtendedKey:
        return ExtendedKey.from_seed(seed_from_mnemonic(self._words), self.network)

    def with_delegate(self, address: str) -> Keyring:
        """The same keys, with the delegate of this address.

        :raises IdentityError: the recovery phrase does not give such a delegate.
        """
        for number in range(MAX_DELEGATES):
            if p2pkh_address(self._delegate_at(number).public_key, self.network) == address:
                return self._with_number(number)
        raise IdentityError(f"this recovery phrase does not give the delegate {address}")

    def with_next_delegate(self, given: PrivateKey | None = None) -> Keyring:
        """The same keys, with the delegate after this one.

        :param given: its key, where there is no recovery phrase to make it from.
        :raises IdentityError: a key is missing, or is given in vain.
        """
        if given is not None:
            raise IdentityError("the recovery phrase gives the next delegate's key", hint="Give no key for it.")
        return self._with_number(self.delegate_number + 1)

    def trees(self) -> Iterator[Keyring]:
        """The keyrings that may have the keys of an open job, those of now first."""
        yield self

    def _with_number(self, number: int) -> Keyring:
        other = copy(self)
        vars(other).pop("delegate", None)
        other.delegate_number = number
        return other

    @cached_property
    def master(self) -> PrivateKey:
        """Signs enrollments."""
        return self._root.derive(job_keys.MASTER).private_key

    @cached_property
    def delegate(self) -> PrivateKey:
        """Signs everything else."""
        return self._delegate_at(self.delegate_number)

    def _delegate_at(self, number: int) -> PrivateKey:
        return self._root.derive(job_keys.delegate_path(self.network, number)).private_key

    @cached_property
    def storage_secret(self) -> bytes:
        """From what the names of stored documents are made. It stays the same whatever the delegate."""
        return self._root.derive(_STORAGE).private_key.secret

    @property
    def master_address(self) -> str:
        return p2pkh_address(self.master.public_key, self.network)

    @property
    def delegate_address(self) -> str:
        return p2pkh_address(self.delegate.public_key, self.network)

    def creator_escrow(self, job_id: str) -> PrivateKey:
        """The key with which the job creator stands in the escrows of a job."""
        return self._hardened(job_keys.CREATOR_ESCROW, job_id)

    def worker_escrow(self, job_document: DocumentId) -> PrivateKey:
        """The key with which a worker stands in the escrows of a job."""
        return self._hardened(job_keys.WORKER_ESCROW, job_document)

    def creator_message(self, job_id: str) -> PrivateKey:
        """The key with which the job creator reads and writes messages in a job. It signs nothing."""
        return self._hardened(job_keys.CREATOR_MESSAGE, job_id)

    def worker_message(self, job_document: DocumentId) -> PrivateKey:
        """The key with which a worker reads and writes messages in a job. It signs nothing."""
        return self._hardened(job_keys.WORKER_MESSAGE, job_document)

    def mediator_message(self, job_document: DocumentId) -> PrivateKey:
        """The key with which the mediator reads and writes messages in a job. As `mediator_escrow`, it never leaves."""
        branch = self._root.derive(job_keys.MEDIATOR_MESSAGE)
        return branch.derive(job_keys.job_path(self.network, job_document)).private_key

    def mediator_escrow(self, contract: ContractParts) -> PrivateKey:
        """The key with which the mediator stands in the escrows of a contract. Never leaves the program: with the
        public half of its branch, which stands in the enrollment, it would give away the keys of all this mediator's
        contracts."""
        branch = self._root.derive(job_keys.MEDIATOR_ESCROW)
        return branch.derive(job_keys.contract_path(contract)).private_key

    @property
    def mediator_escrow_xpub(self) -> str:
        return self._root.derive(job_keys.MEDIATOR_ESCROW).to_public().to_string()

    def mediator_escrow_signature(self) -> str:
        """That the extended key for escrows is this identity's, signed with it (`possession_text`)."""
        key = self._root.derive(job_keys.MEDIATOR_ESCROW).private_key
        return message.sign(key, possession_text(self.network, self.master_address, self.mediator_escrow_xpub))

    @property
    def mediator_message_xpub(self) -> str:
        return self._root.derive(job_keys.MEDIATOR_MESSAGE).to_public().to_string()

    @cached_property
    def account(self) -> Account:
        """The ordinary wallet of the recovery phrase, where jobs are paid to unless a person says otherwise."""
        return Account.of_root(self._root)

    def _hardened(self, branch: str, what: str) -> PrivateKey:
        return self._root.derive(branch).derive(job_keys.hardened_job_path(self.network, what)).private_key

    def __repr__(self) -> str:
        return f"Keyring({self.network.name})"


class DelegateKeyring(Keyring):
    """The keys of an identity whose delegate keys are all there is: its master key is elsewhere, or stands beside them.

    The keys of jobs need a tree, and there is no recovery phrase for one: its seed is a hash of the delegate's secret.
    So whoever steals this delegate has the keys of its jobs too, unlike who steals one of a recovery phrase. A new
    delegate brings a new tree, and the former ones are kept for the jobs that were begun with them. The wallet has the
    same shape in each tree; no recovery phrase opens it elsewhere, so other programs take it by its extended key.
    """

    def __init__(
        self,
        delegate: PrivateKey,
        network: Network,
        master_address: str,
        master: PrivateKey | None = None,
        later: tuple[PrivateKey, ...] = (),
    ) -> None:
        """:param delegate: the first one; `later`: those that came after it.

        :raises KeyMaterialError: an uncompressed delegate key, or a master key of another address.
        """
        if not all(each.compressed for each in (delegate, *later)):
            raise KeyMaterialError("the delegate key is uncompressed; escrows take compressed ones only")
        if master is not None and p2pkh_address(master.public_key, network) != master_address:
            raise KeyMaterialError(f"the master key is not that of {master_address}")
        self.network = network
        self.delegate_number = 0
        self._delegates = (delegate, *later)
        self._master = master
        self._master_address = master_address

    @cached_property
    def _root(self) -> ExtendedKey:
        return ExtendedKey.from_seed(tagged_hash(_TREE_TAG, self.delegate.secret), self.network)

    @cached_property
    def master(self) -> PrivateKey:
        """:raises IdentityError: it is elsewhere."""
        if self._master is None:
            raise IdentityError("the master key of this identity is not here", hint="Sign where the master key is.")
        return self._master

    @property
    def master_address(self) -> str:
        return self._master_address

    @cached_property
    def storage_secret(self) -> bytes:
        return tagged_hash(_STORAGE_TAG, self._delegates[0].secret)

    def with_delegate(self, address: str) -> DelegateKeyring:
        for number, each in enumerate(self._delegates):
            if p2pkh_address(each.public_key, self.network) == address:
                return self._with_number(number)
        raise IdentityError(f"the key file does not hold the delegate {address}")

    def with_next_delegate(self, given: PrivateKey | None = None) -> DelegateKeyring:
        if given is None:
            raise IdentityError(
                "this identity has no recovery phrase, from which another delegate could be made",
                hint="Give the key of the new one: --delegate-fd N",
            )
        held = [each.secret for each in self._delegates]
        if given.secret in held:
            return self._with_number(held.index(given.secret))
        first, *later = self._delegates
        grown = DelegateKeyring(first, self.network, self._master_address, self._master, (*later, given))
        return grown._with_number(len(held))

    def trees(self) -> Iterator[Keyring]:
        yield self
        yield from (self._with_number(each) for each in range(len(self._delegates)) if each != self.delegate_number)

    def _with_number(self, number: int) -> DelegateKeyring:
        other = copy(self)
        for made in ("delegate", "_root", "account"):
            vars(other).pop(made, None)
        other.delegate_number = number
        return other

    def _delegate_at(self, number: int) -> PrivateKey:
        return self._delegates[number]

    def to_secret(self) -> str:
        """What the key file holds, in place of a recovery phrase: one line."""
        master = None if self._master is None else self._master.to_wif(self.network)
        delegate, *later = (each.to_wif(self.network) for each in self._delegates)
        content = {"delegate": delegate, "master_address": self._master_address, "master": master}
        return json.dumps(content | {"later": later} if later else content)


def open_secret(secret: str, network: Network) -> Keyring:
    """The keys that the content of a key file gives: a recovery phrase, or what `DelegateKeyring.to_secret` wrote.

    :raises KeyMaterialError: it is neither.
    """
    if not secret.startswith("{"):
        return Keyring(secret, network)
    try:
        parts = json.loads(secret)
        delegate, *later = (PrivateKey.from_wif(each, network) for each in (parts["delegate"], *parts.get("later", ())))
        master = None if parts["master"] is None else PrivateKey.from_wif(parts["master"], network)
        address = parts["master_address"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyMaterialError("the key file holds neither a recovery phrase nor a delegate key") from error
    if not isinstance(address, str):
        raise KeyMaterialError("the key file holds no master address")
    return DelegateKeyring(delegate, network, address, master, tuple(later))
