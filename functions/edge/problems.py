"""Errors as problem documents (RFC 9457): the one table of statuses, and what may be said."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from datavault.contracts.wire import FieldProblem, Problem
from datavault.domain import errors
from datavault.domain.errors import VaultError
from functions.edge.requests import shown

STATUSES: dict[type[VaultError], HTTPStatus] = {
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Denied: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Erased: HTTPStatus.GONE,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLarge: HTTPStatus.CONTENT_TOO_LARGE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_CONTENT,
    errors.Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Corrupt: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

HEADERS: dict[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}

# A body of a thousand bad records is explained by the first few.
ERRORS_MAX = 20


def problem_of(error: Exception, correlation_id: str) -> Problem:
    """What the caller is told. Of an error that is none of ours: nothing but that it happened."""
    if isinstance(error, ValidationError):
        return _invalid(error, correlation_id)
    if isinstance(error, VaultError):
        fields = [] if error.field is None else [(error.field, str(error))]
        return _problem(status_of(error), error.code, str(error), fields, correlation_id)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "something went wrong on our side; the correlation id leads us to it"
    return _problem(status, VaultError.code, detail, [], correlation_id)


def status_of(error: VaultError) -> HTTPStatus:
    """The status of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _invalid(error: ValidationError, correlation_id: str) -> Problem:
    # ``input`` is measured in ``_message`` and goes no further.
    found = [
        (_path(each["loc"]), _message(each))
        for each in error.errors(include_url=False)[:ERRORS_MAX]
    ]
    count = error.error_count()
    if count == 1:
        detail = f"{found[0][0]}: {found[0][1]}"
    else:
        detail = f"{count} fields are not acceptable, the first being {found[0][0]}"
    status = HTTPStatus.UNPROCESSABLE_CONTENT
    return _problem(status, errors.Invalid.code, detail, found, correlation_id)


def _path(location: tuple[int | str, ...]) -> str:
    """Where, without keys that the client made up: a name below a name is a map's key."""
    parts: list[str] = []
    for index, part in enumerate(location):
        if isinstance(part, int):
            parts.append(str(part))
        elif index == 0 or isinstance(location[index - 1], int):
            parts.append(shown(part))
        else:
            parts.append("*")
    return "/".join(parts) or "body"


def _message(found: Mapping[str, Any]) -> str:
    """The bound and the size that broke it; never the value.

    The phrases left to pydantic name types only; a test looks for echoes in all of them.
    """
    bound = found.get("ctx", {})
    match found["type"]:
        case "string_too_long":
            return f"at most {bound['max_length']} characters, this has {len(found['input'])}"
        case "string_too_short":
            return f"at least {bound['min_length']} characters, this has {len(found['input'])}"
        case "too_long":
            return f"at most {bound['max_length']} items, this has {len(found['input'])}"
        case "too_short":
            return f"at least {bound['min_length']} items, this has {len(found['input'])}"
        case "greater_than_equal":
            return f"at least {bound['ge']}"
        case "less_than_equal":
            return f"at most {bound['le']}"
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not known here"
        case _:
            return str(found["msg"])


def _problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    found: list[tuple[str, str]],
    correlation_id: str,
) -> Problem:
    return Problem(
        # RFC 9457: no more is meant than the status; ``code`` is what tells problems apart.
        type="about:blank",
        title=status.phrase,
        status=status,
        code=code,
        detail=detail,
        correlation_id=correlation_id,
        errors=[FieldProblem(field=field, message=message) for field, message in found],
    )
