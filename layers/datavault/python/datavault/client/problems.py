"""Problem documents (RFC 9457) as errors."""

import json

from datavault.client.errors import FieldError, VaultApiError, class_of
from datavault.client.messages import JSON, PROBLEM, Answer

_KNOWN = frozenset({"type", "title", "status", "code", "detail", "correlation_id", "errors"})


def problem_of(answer: Answer, retry_after_s: float | None) -> VaultApiError | None:
    """The error in a problem document; ``None`` when the answer is not one."""
    if answer.media_type not in {PROBLEM, JSON}:
        return None
    try:
        document = json.loads(answer.content)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return None
    code = document["code"]
    return class_of(answer.status, code)(
        answer.status,
        str(document.get("detail", "")),
        code=code,
        errors=tuple(
            FieldError(str(each.get("field", "")), str(each.get("message", "")))
            for each in document.get("errors") or ()
            if isinstance(each, dict)
        ),
        correlation_id=str(
            document.get("correlation_id") or answer.headers.get("x-correlation-id", "")
        ),
        retry_after_s=retry_after_s,
        extensions={name: value for name, value in document.items() if name not in _KNOWN},
    )
