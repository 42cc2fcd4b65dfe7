"""An opened identity: every key that its words give, by what it is for (`rein.protocol.job_keys` has the paths)."""

from __future__ import annotations

from functools import cached_property

from rein.btc.address import p2pkh_address, p2wpkh_address
from rein.btc.hd import ExtendedKey, check_mnemonic, seed_from_mnemonic
from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.protocol import job_keys
from rein.protocol.values import DocumentId


class Keyring:
    """The keys of one identity on one network. Lives in memory only, for as long as a command needs it."""

    def __init__(self, words: str, network: Network) -> None:
        """:raises KeyMaterialError: `words` are no BIP39 words."""
        self.network = network
        self._root = ExtendedKey.from_seed(seed_from_mnemonic(check_mnemonic(words)), network)

    @cached_property
    def master(self) -> PrivateKey:
        """Signs enrollments."""
        return self._root.derive(job_keys.MASTER).private_key

    @cached_property
    def delegate(self) -> PrivateKey:
        """Signs everything else."""
        return self._root.derive(job_keys.DELEGATE).private_key

    @property
    def master_address(self) -> str:
        return p2pkh_address(self.master.public_key, self.network)

    @property
    def delegate_address(self) -> str:
        return p2pkh_address(self.delegate.public_key, self.network)

    def creator_escrow(self, job_id: str) -> PrivateKey:
        """The key with which the job creator stands in the escrows of a job."""
        return self._hardened(job_keys.CREATOR_ESCROW, job_id)

    def creator_payment(self, job_id: str) -> PrivateKey:
        """The key of the address at which money comes back to the job creator."""
        return self._hardened(job_keys.CREATOR_PAYMENT, job_id)

    def creator_payment_address(self, job_id: str) -> str:
        """Where money comes back to the job creator."""
        return self._address(self.creator_payment(job_id))

    def worker_escrow(self, job_document: DocumentId) -> PrivateKey:
        """The key with which a worker stands in the escrows of a job."""
        return self._hardened(job_keys.WORKER_ESCROW, job_document)

    def worker_payment(self, job_document: DocumentId) -> PrivateKey:
        """The key of the address at which the worker of a job is paid."""
        return self._hardened(job_keys.WORKER_PAYMENT, job_document)

    def worker_payment_address(self, job_document: DocumentId) -> str:
        """Where the worker of a job is paid."""
        return self._address(self.worker_payment(job_document))

    def creator_message(self, job_id: str) -> PrivateKey:
        """The key with which the job creator reads and writes messages in a job. It signs nothing."""
        return self._hardened(job_keys.CREATOR_MESSAGE, job_id)

    def worker_message(self, job_document: DocumentId) -> PrivateKey:
        """The key with which a worker reads and writes messages in a job. It signs nothing."""
        return self._hardened(job_keys.WORKER_MESSAGE, job_document)

    def mediator_message(self, job_id: str) -> PrivateKey:
        """The key with which the mediator reads and writes messages in a job. As `mediator_escrow`, it never leaves."""
        branch = self._root.derive(job_keys.MEDIATOR_MESSAGE)
        return branch.derive(job_keys.job_path(job_id)).private_key

    def mediator_escrow(self, job_id: str) -> PrivateKey:
        """The key with which the mediator stands in the escrows of a job. Never leaves the program: with the public
        half of its branch, which stands in the enrollment, it would give away the keys of all this mediator's jobs."""
        branch = self._root.derive(job_keys.MEDIATOR_ESCROW)
        return branch.derive(job_keys.job_path(job_id)).private_key

    def mediator_payment(self, job_id: str) -> PrivateKey:
        """The key of the address at which the mediator of a job is paid. As `mediator_escrow`, it never leaves."""
        branch = self._root.derive(job_keys.MEDIATOR_PAYMENT)
        return branch.derive(job_keys.job_path(job_id)).private_key

    @property
    def mediator_escrow_xpub(self) -> str:
        return self._root.derive(job_keys.MEDIATOR_ESCROW).to_public().to_string()

    @property
    def mediator_payment_xpub(self) -> str:
        return self._root.derive(job_keys.MEDIATOR_PAYMENT).to_public().to_string()

    @property
    def mediator_message_xpub(self) -> str:
        return self._root.derive(job_keys.MEDIATOR_MESSAGE).to_public().to_string()

    def _hardened(self, branch: str, what: str) -> PrivateKey:
        return self._root.derive(branch).derive(job_keys.hardened_job_path(what)).private_key

    def _address(self, key: PrivateKey) -> str:
        return p2wpkh_address(key.public_key, self.network)

    def __repr__(self) -> str:
        return f"Keyring({self.network.name})"
