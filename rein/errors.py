"""Every error Rein raises, in one tree, split by who can act on it.

    ReinError                        code             exit
    ├── InputError                   input              2   the person typed something that cannot be used
    ├── NotFoundError                not_found          2   the named thing is not here
    ├── KeyMaterialError             bad_key            2   an invalid recovery phrase, WIF, address or public key
    ├── IdentityError                identity           3   no identity, or its key file cannot be opened
    │   └── PassphraseError          passphrase         3
    ├── DocumentError                bad_document       4   a text that is not an acceptable document
    │   ├── TooLargeError            too_large          4
    │   ├── ArmorError               bad_armor          4
    │   ├── FieldError               bad_field          4
    │   ├── BadSignatureError        bad_signature      4
    │   └── CaseError                bad_case           4   a case file that does not hold what it must
    ├── AuthorityError               not_authorised     4   a good document by someone who may not say this
    ├── OrderError                   order_state        5   the job is not where this step needs it
    ├── EscrowError                  escrow             6   money would go elsewhere than the documents say: refused
    │   └── PsbtError                bad_psbt           6
    ├── ChainError                   chain              7   the chain source cannot answer
    │   └── RejectedError            tx_rejected        7   the network's rules refuse the transaction
    ├── RemoteError                  server             8   a causeway server cannot be reached or refuses
    │   ├── RefusedError             refused            8   a server says no, and why
    │   └── ServerLiedError          server_lied        8   a server's answer contradicts what can be checked
    └── StoreError                   store              9   this machine's own database cannot be used

A class carries its stable `code` (for programs) and `exit_code` (for shells); an instance carries one sentence
for people and, where something can be done about it, a `hint`.
"""

from __future__ import annotations

from typing import ClassVar


class ReinError(Exception):
    """Base of all errors. `message` says what is wrong and where; `hint` says what to do next."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(ReinError):
    code = "input"
    exit_code = 2


class NotFoundError(ReinError):
    code = "not_found"
    exit_code = 2


class KeyMaterialError(ReinError):
    code = "bad_key"
    exit_code = 2


class IdentityError(ReinError):
    code = "identity"
    exit_code = 3


class PassphraseError(IdentityError):
    code = "passphrase"


class DocumentError(ReinError):
    code = "bad_document"
    exit_code = 4


class TooLargeError(DocumentError):
    code = "too_large"


class ArmorError(DocumentError):
    code = "bad_armor"


class FieldError(DocumentError):
    code = "bad_field"


class BadSignatureError(DocumentError):
    code = "bad_signature"


class CaseError(DocumentError):
    code = "bad_case"


class AuthorityError(ReinError):
    code = "not_authorised"
    exit_code = 4


class OrderError(ReinError):
    """:ivar job_id: of the job it is about, if that is known where it is raised."""

    code = "order_state"
    exit_code = 5

    def __init__(self, message: str, *, hint: str | None = None, job_id: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.job_id = job_id


class EscrowError(ReinError):
    code = "escrow"
    exit_code = 6


class PsbtError(EscrowError):
    code = "bad_psbt"


class ChainError(ReinError):
    code = "chain"
    exit_code = 7


class RejectedError(ChainError):
    code = "tx_rejected"


class RemoteError(ReinError):
    code = "server"
    exit_code = 8


class RefusedError(RemoteError):
    """`reason` is the server's own code, such as `storage_exhausted`; empty where it gave none. `retry_after` is in
    seconds, where it asked for patience."""

    code = "refused"

    def __init__(
        self, message: str, *, reason: str = "", retry_after: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.retry_after = retry_after


class ServerLiedError(RemoteError):
    code = "server_lied"


class StoreError(ReinError):
    code = "store"
    exit_code = 9
