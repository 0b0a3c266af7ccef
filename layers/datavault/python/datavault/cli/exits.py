"""Exit codes, and what is said when a command fails: one line or a few, never a stack trace.

Messages hold what the vault says of a failure, which never repeats content, and no token.
"""

import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

    from datavault.client.errors import VaultApiError, VaultClientError


class Exit(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    CORRUPT = 7
    JOB_FAILED = 8
    JOB_CANCELLED = 9
    JOB_UNFINISHED = 10
    FOUND = 11
    HELD = 12
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed, for a reason that has no code of its own",
    Exit.USAGE: "wrong usage, or input that cannot be taken or read",
    Exit.NOT_FOUND: "no such dataset, record or version (or it was erased)",
    Exit.DENIED: "not signed in, or no role that permits it",
    Exit.CONFLICT: "conflict: it exists already, has moved on, or a merge needs decisions",
    Exit.UNAVAILABLE: "no answer, or too many requests: try again later",
    Exit.CORRUPT: "stored bytes fail verification: tell the operator",
    Exit.JOB_FAILED: "a job that was waited for has failed",
    Exit.JOB_CANCELLED: "a job that was waited for was cancelled",
    Exit.JOB_UNFINISHED: "a job that was waited for goes on still",
    Exit.FOUND: "a scan found what --fail-on names",
    Exit.HELD: "what is to be looked at has no --quarantine-file, or is all of an input",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
    Exit.PIPE_CLOSED: "whoever read the output stopped reading",
    Exit.TERMINATED: "terminated",
}

# The vault's problem codes, which operators' commands meet as exceptions of the domain.
BY_CODE = {
    "malformed": Exit.USAGE,
    "invalid": Exit.USAGE,
    "too_large": Exit.USAGE,
    "not_found": Exit.NOT_FOUND,
    "erased": Exit.NOT_FOUND,
    "unauthenticated": Exit.DENIED,
    "denied": Exit.DENIED,
    "conflict": Exit.CONFLICT,
    "staging_full": Exit.CONFLICT,
    "nothing_staged": Exit.CONFLICT,
    "merge_conflicts": Exit.CONFLICT,
    "cancelled": Exit.CONFLICT,
    "precondition_failed": Exit.CONFLICT,
    "throttled": Exit.UNAVAILABLE,
    "unavailable": Exit.UNAVAILABLE,
    "read_only": Exit.UNAVAILABLE,
    "kek_unavailable": Exit.UNAVAILABLE,
    "corrupt": Exit.CORRUPT,
    "error": Exit.FAILED,
}
_SIGN_IN = '"datavault login" signs in.'
# Failures that an operator can look up by the request's id.
_OPERATORS = frozenset({"corrupt", "error", "unavailable"})


class CommandFailed(Exception):
    """A command says itself why it did not do what it was asked; ``hint`` what to do about it."""

    def __init__(self, exit_code: Exit, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Failure:
    """What to say, the first line being the reason, and how to exit."""

    exit_code: Exit
    lines: tuple[str, ...]


def failure_of(error: Exception) -> Failure | None:
    """What to say of ``error``; ``None`` for one that only a defect raises."""
    from datavault.client.errors import VaultApiError, VaultClientError
    from datavault.domain.errors import VaultError

    match error:
        case CommandFailed():
            return _failure(error.exit_code, str(error), error.hint)
        case VaultApiError():
            return _answered(error)
        case VaultClientError():
            return _unanswered(error)
        case VaultError():
            return _failure(BY_CODE.get(error.code, Exit.FAILED), str(error))
        case ValueError() if _is_invalid_model(error):
            return _failure(Exit.USAGE, _told_of_model(error))  # type: ignore[arg-type]
        case ValueError() | OSError() | RuntimeError():
            return _failure(Exit.FAILED, str(error) or type(error).__name__)
        case _:
            return None


def exit_codes_help() -> str:
    """The table for ``--help``."""
    return "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


def _answered(error: "VaultApiError") -> Failure:
    code = BY_CODE.get(error.code) or BY_CODE.get(type(error).code, Exit.FAILED)
    lines = [f"{error.code.replace('_', ' ')}: {error.detail}"]
    lines += [
        f"  {each.field}: {each.message}" for each in error.errors if each.message not in lines[0]
    ]
    match type(error).code:
        case "unauthenticated":
            lines.append(_SIGN_IN)
        case "throttled" if error.retry_after_s is not None:
            lines.append(f"The vault asks to wait {error.retry_after_s:.0f} s.")
        case "staging_full":
            lines.append('"datavault commit" makes room on the branch.')
    if type(error).code in _OPERATORS and error.correlation_id:
        lines.append(f"The operator finds the request as {error.correlation_id}.")
    return _failure(code, *lines)


def _unanswered(error: "VaultClientError") -> Failure:
    from datavault.client import errors

    match error:
        case errors.NotConfigured():
            return _failure(Exit.DENIED, f"not signed in: {error}", _SIGN_IN)
        case errors.SignInFailed():
            return _failure(Exit.DENIED, str(error))
        case errors.ConnectionFailed():
            return _failure(Exit.UNAVAILABLE, str(error))
        case errors.BadLine():
            return _failure(Exit.USAGE, str(error))
        case errors.JobEnded():
            cancelled = isinstance(error, errors.JobCancelled)
            return _failure(Exit.JOB_CANCELLED if cancelled else Exit.JOB_FAILED, str(error))
        case errors.JobUnfinished():
            again = f'"datavault job wait {error.job_id}" waits again.'
            return _failure(Exit.JOB_UNFINISHED, str(error), again)
        case errors.UploadMismatch():
            return _failure(Exit.CONFLICT, f"conflict: {error}", "--restart uploads it anew.")
        case errors.StreamStopped() | errors.UploadStopped() if isinstance(
            error.__cause__, Exception
        ):
            cause = failure_of(error.__cause__)
            if cause is None:
                return _failure(Exit.FAILED, str(error))
            return Failure(cause.exit_code, cause.lines)
        case _:
            return _failure(Exit.FAILED, str(error))


def _failure(code: Exit, *lines: str) -> Failure:
    return Failure(code, tuple(line for line in lines if line))


def _is_invalid_model(error: ValueError) -> bool:
    """Whether it is pydantic's, which quotes what it could not take."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(error, pydantic.ValidationError)


def _told_of_model(error: "ValidationError") -> str:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'/'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
