"""Every error the server raises, as a branch of Rein's one tree, split by who can act on it.

    ReinError
    ├── ApiError                           code                      HTTP   the client asked for what cannot be done
    │   ├── BadRequestError                bad_request               400
    │   │   ├── BadJsonError               bad_json                  400
    │   │   ├── MissingParameterError      missing_parameter         400
    │   │   ├── BadParameterError          bad_parameter             400
    │   │   ├── ConflictingParametersError conflicting_parameters    400
    │   │   └── DuplicateKeyError          duplicate_key             400
    │   ├── NonceError                     bad_nonce                 401
    │   │   ├── NonceExpiredError          nonce_expired             401
    │   │   └── NonceUsedError             nonce_used                401
    │   ├── RequestSignatureError          incorrect_signature       401
    │   ├── TransferExhaustedError         transfer_exhausted        402
    │   ├── BalanceTooLowError             balance_too_low           402
    │   ├── UnknownOwnerError              unknown_owner             403
    │   ├── AccountRequiredError           account_required          403
    │   ├── NotDelegateError               not_delegate              403
    │   ├── KeyTakenError                  key_taken                 403
    │   ├── StorageExhaustedError          storage_exhausted         403
    │   ├── NotLocalError                  not_local                 403
    │   ├── KeyNotFoundError               key_not_found             404
    │   ├── BlockNotFoundError             block_not_found           404
    │   ├── TransactionNotFoundError       transaction_not_found     404
    │   ├── NoChainError                   no_chain                  404
    │   ├── SlowBodyError                  slow_body                 408
    │   ├── NotForSaleError                not_for_sale              409
    │   ├── PriceChangedError              price_changed             409
    │   ├── BodyTooLargeError              body_too_large            413
    │   ├── AnswerFullError                answer_full               413
    │   ├── UrlTooLongError                url_too_long              414
    │   ├── ContentTypeError               bad_content_type          415
    │   ├── WrongNetworkError              wrong_network             422
    │   ├── TransactionRejectedError       transaction_rejected      422
    │   ├── RateLimitError                 rate_limited              429
    │   ├── BusyError                      busy                      503
    │   ├── ChainDownError                 chain_down                503
    │   ├── ScanningError                  scanning                  503
    │   ├── NotReadyError                  not_ready                 503
    │   └── DatabaseDownError              database_down             503
    ├── InputError
    │   ├── SettingsError                  settings                  exit 2   the operator's flags or environment
    │   ├── FileError                      file                      exit 2   a file to write or read
    │   └── FilterError                    filter                    exit 2   what to delete
    ├── StoreError
    │   └── DatabaseError                  database                  exit 9   the operator's database
    ├── MailError                          mail                      exit 11  the operator's mail server
    │   ├── MailRefusedError               mail_refused              exit 11  it will never take that mail
    │   └── MailLostError                  mail_lost                 exit 11  nobody knows whether it took it
    └── ListenError                        listen                    exit 10  the operator's address and port

A document that is refused keeps the code of Rein's own DocumentError or AuthorityError and is answered with 422.
The texts "Bad nonce", "Incorrect signature" and so on are those of 2016: its clients show them to people.
"""

from __future__ import annotations

from typing import ClassVar

from rein.errors import InputError, ReinError, StoreError


class ApiError(ReinError):
    """What a request can be refused for. `status` is the HTTP status; `exit_code` is never used."""

    status: ClassVar[int] = 400


class BadRequestError(ApiError):
    code = "bad_request"


class BadJsonError(BadRequestError):
    code = "bad_json"


class MissingParameterError(BadRequestError):
    code = "missing_parameter"


class BadParameterError(BadRequestError):
    code = "bad_parameter"


class ConflictingParametersError(BadRequestError):
    code = "conflicting_parameters"


class DuplicateKeyError(BadRequestError):
    code = "duplicate_key"


class NonceError(ApiError):
    code = "bad_nonce"
    status = 401

    def __init__(self, hint: str) -> None:
        super().__init__("Bad nonce", hint=hint)


class NonceExpiredError(NonceError):
    code = "nonce_expired"


class NonceUsedError(NonceError):
    code = "nonce_used"


class RequestSignatureError(ApiError):
    code = "incorrect_signature"
    status = 401


class TransferExhaustedError(ApiError):
    code = "transfer_exhausted"
    status = 402


class BalanceTooLowError(ApiError):
    code = "balance_too_low"
    status = 402


class UnknownOwnerError(ApiError):
    code = "unknown_owner"
    status = 403


class AccountRequiredError(ApiError):
    code = "account_required"
    status = 403


class NotDelegateError(ApiError):
    code = "not_delegate"
    status = 403


class KeyTakenError(ApiError):
    code = "key_taken"
    status = 403


class StorageExhaustedError(ApiError):
    code = "storage_exhausted"
    status = 403


class KeyNotFoundError(ApiError):
    code = "key_not_found"
    status = 404


class NotLocalError(ApiError):
    code = "not_local"
    status = 403


class NotForSaleError(ApiError):
    code = "not_for_sale"
    status = 409


class PriceChangedError(ApiError):
    code = "price_changed"
    status = 409


class BlockNotFoundError(ApiError):
    code = "block_not_found"
    status = 404


class TransactionNotFoundError(ApiError):
    code = "transaction_not_found"
    status = 404


class NoChainError(ApiError):
    code = "no_chain"
    status = 404


class SlowBodyError(ApiError):
    code = "slow_body"
    status = 408


class BodyTooLargeError(ApiError):
    code = "body_too_large"
    status = 413


class AnswerFullError(ApiError):
    code = "answer_full"
    status = 413


class UrlTooLongError(ApiError):
    code = "url_too_long"
    status = 414


class ContentTypeError(ApiError):
    code = "bad_content_type"
    status = 415


class WrongNetworkError(ApiError):
    code = "wrong_network"
    status = 422


class RateLimitError(ApiError):
    code = "rate_limited"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, hint=f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class NotReadyError(ApiError):
    code = "not_ready"
    status = 503


class TransactionRejectedError(ApiError):
    code = "transaction_rejected"
    status = 422


class BusyError(ApiError):
    code = "busy"
    status = 503


class ChainDownError(ApiError):
    code = "chain_down"
    status = 503


class ScanningError(ApiError):
    code = "scanning"
    status = 503

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, hint=f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class DatabaseDownError(ApiError):
    code = "database_down"
    status = 503


class SettingsError(InputError):
    code = "settings"


class FileError(InputError):
    code = "file"


class FilterError(InputError):
    code = "filter"


class DatabaseError(StoreError):
    code = "database"


class ListenError(ReinError):
    code = "listen"
    exit_code = 10


class MailError(ReinError):
    code = "mail"
    exit_code = 11


class MailRefusedError(MailError):
    code = "mail_refused"


class MailLostError(MailError):
    code = "mail_lost"
