"""Every error the server raises: branches of Rein's one tree (`rein.errors`), split by who can act on it.

`ApiError` and what is below it refuse a client's request; docs/api.md lists their codes and statuses (a test compares).
The others are the operator's: settings, files, the database, mail, the port.

A document that is refused keeps the code of Rein's own DocumentError or AuthorityError and is answered with 422.
The texts "Bad nonce", "Incorrect signature" and so on are those of 2016: its clients show them to people.
"""

from __future__ import annotations

from typing import ClassVar

from rein.errors import InputError, ReinError, StoreError


class ApiError(ReinError):
    """What a request is refused for. `status` is the HTTP status; `exit_code` is never used.

    :param retry_after: seconds until it is worth another try.
    """

    status: ClassVar[int] = 400

    def __init__(self, message: str, *, hint: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message, hint=hint or (f"Try again in {retry_after} seconds." if retry_after else None))
        self.retry_after = retry_after


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


class NotLocalError(ApiError):
    code = "not_local"
    status = 403


class KeyNotFoundError(ApiError):
    code = "key_not_found"
    status = 404


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


class NotForSaleError(ApiError):
    code = "not_for_sale"
    status = 409


class PriceChangedError(ApiError):
    code = "price_changed"
    status = 409


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


class TransactionRejectedError(ApiError):
    code = "transaction_rejected"
    status = 422


class RateLimitError(ApiError):
    code = "rate_limited"
    status = 429


class NotReadyError(ApiError):
    code = "not_ready"
    status = 503


class BusyError(ApiError):
    code = "busy"
    status = 503


class ChainDownError(ApiError):
    code = "chain_down"
    status = 503


class ScanningError(ApiError):
    code = "scanning"
    status = 503


class DatabaseDownError(ApiError):
    code = "database_down"
    status = 503


# ----- the operator's ----------------------------------------------------------------------------------------------


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


class PeerError(ReinError):
    """A peer could not be read. The message names what it did, in our own words; `wait_s` is how long it asks us to
    wait."""

    code = "peer"

    def __init__(self, message: str, *, wait_s: int = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
