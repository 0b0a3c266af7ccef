"""Every way a call can fail, as one tree; pick by what to do next.

VaultClientError
├── NotConfigured          no endpoint or no credentials: say where and who
├── SignInFailed           the token URL gave no token: check the client id and secret
├── ConnectionFailed       no answer, after every retry allowed: the change may have been made
├── ForeignReply           something answered that is not the vault: check the endpoint
├── StreamStopped          a stream ended early: go on from its ``checkpoint``; its cause says why
│   └── BadLine            a line of it is no record: mend it; ``line`` counts from 1
├── UploadStopped          an upload ended early: ``upload_id`` resumes it; its cause says why
│   └── UploadMismatch     what has arrived of it is another file's: begin again
├── PartRefused            S3 refused a part of an upload
├── JobEnded               a job that was waited for ended without success: its ``detail`` says why
│   ├── JobFailed
│   └── JobCancelled
├── JobUnfinished          it goes on, longer than somebody would wait: wait again
└── VaultApiError          the vault answered with a problem; the classes are its codes
    ├── Malformed, Unauthenticated, Denied, NotFound, Erased, PreconditionFailed,
    │   TooLarge, Invalid, Throttled, Corrupt, InternalError
    ├── Conflict
    │   ├── StagingFull    commit first, then go on
    │   ├── NothingStaged  nothing to commit: somebody else may just have done it
    │   ├── MergeConflicts both sides changed the same: list_conflicts has it, resolutions settle it
    │   └── Cancelled      a job was ended by somebody: its error says so
    └── Unavailable
        ├── ReadOnly       no changes for now: the operator's reason says until when
        └── KekUnavailable the workspace's key is withdrawn: ask its owner

A code that this version does not know raises the class of its status, ``code`` as it was sent.
Messages hold what the vault says, which never repeats content, and no token, body or query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datavault.client.checkpoint import Checkpoint


class VaultClientError(Exception):
    """The root; never raised itself."""


class NotConfigured(VaultClientError):
    """There is no endpoint, or nothing to sign in with; the message says where both may stand."""


class SignInFailed(VaultClientError):
    """The token URL of the client-credentials flow gave no token."""


class ConnectionFailed(VaultClientError):
    """Nothing answered, in none of the attempts.

    A change may have been made nevertheless. Repeat the call with the same ``idempotency_key``:
    it is carried out once.
    """

    def __init__(self, message: str, *, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class ForeignReply(VaultClientError):
    """Something answered that is not the vault: a proxy's page, or another service."""

    def __init__(self, status: int, media_type: str, size_bytes: int) -> None:
        super().__init__(
            f"{status} with {size_bytes} bytes of {media_type or 'no type'}, which is not an answer"
            " of a vault; is the endpoint the root of its API?"
        )
        self.status = status
        self.media_type = media_type


class StreamStopped(VaultClientError):
    """A stream ended before its end; ``__cause__`` says why.

    Everything before ``checkpoint`` is in the vault. Repeat the stream with the same ``run``
    within 24 hours, from its beginning or from the checkpoint, and nothing is stored twice.
    """

    def __init__(self, message: str, *, run: str, checkpoint: "Checkpoint") -> None:
        super().__init__(message)
        self.run = run
        self.checkpoint = checkpoint


class BadLine(StreamStopped):
    """A line of a stream is no record. ``line`` counts from 1 in the whole stream."""

    def __init__(self, line: int, detail: str, *, run: str, checkpoint: "Checkpoint") -> None:
        super().__init__(f"line {line}: {detail}", run=run, checkpoint=checkpoint)
        self.line = line
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request: where, and what."""

    field: str
    message: str


class UploadStopped(VaultClientError):
    """An upload ended before its end; ``__cause__`` says why.

    What has arrived stays for 24 hours: upload the same with ``upload_id`` and it goes on.
    """

    def __init__(self, message: str, *, upload_id: str) -> None:
        super().__init__(message)
        self.upload_id = upload_id


class UploadMismatch(UploadStopped):
    """What has arrived is not of this file, which has changed or is another one."""


class PartRefused(VaultClientError):
    """S3 refused a part; ``code`` is its word for why, if it said one."""

    def __init__(self, number: int, status: int, code: str) -> None:
        super().__init__(f"S3 refused part {number}: {status} {code}".rstrip())
        self.status = status
        self.code = code


class JobEnded(VaultClientError):
    """A job ended, and not as hoped for; ``code`` and ``detail`` are its error's."""

    how = "ended"

    def __init__(self, job_id: str, code: str, detail: str) -> None:
        why = f": {code.replace('_', ' ')}: {detail}" if code else ""
        super().__init__(f"job {job_id} {self.how}{why}")
        self.job_id = job_id
        self.code = code
        self.detail = detail


class JobFailed(JobEnded):
    """It came upon what it could not take."""

    how = "failed"


class JobCancelled(JobEnded):
    """Somebody ended it."""

    how = "was cancelled"


class JobUnfinished(VaultClientError):
    """A job had not ended when the time to wait was over. It goes on."""

    def __init__(self, job_id: str, state: str, timeout_s: float) -> None:
        super().__init__(f"job {job_id} is {state} still, after {timeout_s:g} s")
        self.job_id = job_id


class VaultApiError(VaultClientError):
    """The vault answered with a problem document (RFC 9457).

    ``correlation_id`` leads the operator to the request; ``retry_after_s`` is there when the
    vault said how long to wait.
    """

    code = "error"

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        correlation_id: str = "",
        retry_after_s: float | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {code or self.code}: {detail}")
        self.status = status
        self.code = code or self.code
        self.detail = detail
        self.errors = errors
        self.correlation_id = correlation_id
        self.retry_after_s = retry_after_s
        self.extensions = dict(extensions or {})


class Malformed(VaultApiError):
    """The bytes are not in the format announced."""

    code = "malformed"


class Unauthenticated(VaultApiError):
    """No credentials, or none that hold; a fresh token was tried where there could be one."""

    code = "unauthenticated"


class Denied(VaultApiError):
    """No role of the caller permits this."""

    code = "denied"


class NotFound(VaultApiError):
    """There is no such thing in the caller's workspace."""

    code = "not_found"


class Conflict(VaultApiError):
    """The world moved on: read again and decide."""

    code = "conflict"


class StagingFull(Conflict):
    """The branch holds as many uncommitted changes as it can; commit, then go on."""

    code = "staging_full"


class NothingStaged(Conflict):
    """There is nothing to commit; somebody else may just have committed it."""

    code = "nothing_staged"


class MergeConflicts(Conflict):
    """Both sides changed the same records; nothing is merged before that is settled."""

    code = "merge_conflicts"


class Cancelled(Conflict):
    """Somebody ended the job."""

    code = "cancelled"


class Erased(VaultApiError):
    """It was here and has been destroyed."""

    code = "erased"


class PreconditionFailed(VaultApiError):
    """What the call said had to hold does not."""

    code = "precondition_failed"


class TooLarge(VaultApiError):
    """Over a written-down limit: send less."""

    code = "too_large"


class Invalid(VaultApiError):
    """Well-formed, but not acceptable; ``errors`` names the fields."""

    code = "invalid"


class Throttled(VaultApiError):
    """Too fast, in every attempt; wait ``retry_after_s``."""

    code = "throttled"


class Corrupt(VaultApiError):
    """Stored bytes fail verification and were not returned: tell the operator."""

    code = "corrupt"


class Unavailable(VaultApiError):
    """The vault or something it needs does not answer, in every attempt; try again later."""

    code = "unavailable"


class ReadOnly(Unavailable):
    """Changes are refused for now, by decision of the operator; ``detail`` has the reason."""

    code = "read_only"


class KekUnavailable(Unavailable):
    """The workspace's key is disabled, deleted or withdrawn: ask its owner, not the vault's."""

    code = "kek_unavailable"


class InternalError(VaultApiError):
    """A defect of the vault; its operator finds it by ``correlation_id``."""

    code = "error"


# The class of a status, for codes that are not known here: the parent of all its codes.
BY_STATUS: dict[int, type[VaultApiError]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    410: Erased,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: Throttled,
    500: InternalError,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
# What gateways and load balancers in front of a vault say for it, without a problem document.
GATEWAY_STATUSES = frozenset({401, 429, 502, 503, 504})


def class_of(status: int, code: str) -> type[VaultApiError]:
    """The class of a code; of the status, when the code is new; else the root."""
    return BY_CODE.get(code) or BY_STATUS.get(status, VaultApiError)


def _codes(root: type[VaultApiError]) -> dict[str, type[VaultApiError]]:
    found: dict[str, type[VaultApiError]] = {}
    for kind in root.__subclasses__():
        found |= {kind.code: kind, **_codes(kind)}
    return found


BY_CODE: dict[str, type[VaultApiError]] = _codes(VaultApiError)
