"""AWS's error codes in the vault's words: one table.

A code that is not in it propagates as ``AwsError``: nobody has thought about it yet. So does
``AccessDeniedException`` from DynamoDB: a function that lacks a grant is our mistake, not the
caller's (``Denied``), and no retry mends it. KMS is another matter: whoever owns a KEK may take
our access away, and to us that is a KEK that does not answer (``keyring``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from datavault.adapters.aws.answers import Reason
from datavault.domain.errors import Corrupt, KekUnavailable, TooLarge, Unavailable, VaultError


class AwsError(Exception):
    """An answer of AWS that is an error; ``reasons`` are those of a cancelled transaction."""

    def __init__(
        self, code: str, *, status: int, message: str, reasons: tuple[Reason, ...] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means to the vault, and whether the same request may succeed by itself."""

    error: type[VaultError]
    message: str
    retry: bool = False


_THROTTLED = Meaning(Unavailable, "AWS asks us to slow down", retry=True)
_FAILED = Meaning(Unavailable, "AWS failed to answer", retry=True)
# Credentials that expired are replaced before the one retry; see ``client``.
_EXPIRED = Meaning(Unavailable, "AWS does not accept our credentials any more", retry=True)
_NO_KEK = Meaning(KekUnavailable, "the KEK is disabled, deleted or not ours to use")
_NOT_WRAPPED = Meaning(Corrupt, "a wrapped key does not open under its KEK in its context")

MEANINGS: Mapping[str, Meaning] = {
    "ProvisionedThroughputExceededException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingError": _THROTTLED,
    "ProvisionedThroughputExceeded": _THROTTLED,
    "InternalServerError": _FAILED,
    "InternalFailure": _FAILED,
    "InternalException": _FAILED,
    "ServiceUnavailable": _FAILED,
    "ServiceUnavailableException": _FAILED,
    "RequestTimeout": _FAILED,
    "RequestTimeoutException": _FAILED,
    "TransactionInProgressException": _FAILED,
    # A row of a batch met a transaction; within a transaction it is a cancellation reason.
    "TransactionConflictException": _FAILED,
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "ItemCollectionSizeLimitExceededException": Meaning(TooLarge, "partition too large"),
    "DependencyTimeoutException": _FAILED,
    "KMSInternalException": _FAILED,
    "KeyUnavailableException": _FAILED,
    "DisabledException": _NO_KEK,
    "KMSInvalidStateException": _NO_KEK,
    "NotFoundException": _NO_KEK,
    "InvalidArnException": _NO_KEK,
    "InvalidCiphertextException": _NOT_WRAPPED,
    "IncorrectKeyException": _NOT_WRAPPED,
}
EXPIRED_CODES = frozenset(code for code, meaning in MEANINGS.items() if meaning is _EXPIRED)
SERVER_ERROR_MIN = 500
_TOO_MANY_REQUESTS = 429


def meaning(error: AwsError) -> Meaning | None:
    """What ``error`` means; any 5xx or 429 is a failure, whatever its code."""
    known = MEANINGS.get(error.code)
    if known is None and (error.status >= SERVER_ERROR_MIN or error.status == _TOO_MANY_REQUESTS):
        return _FAILED
    return known


def translated(error: AwsError, subject: str) -> Exception:
    """The ``VaultError`` for ``error``, or ``error`` itself."""
    known = meaning(error)
    return error if known is None else known.error(f"{subject}: {known.message}")
