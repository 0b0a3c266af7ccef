"""What policies ask about a request that the emulator does not say, where permissions are enforced.

- It has no TLS, and says so to policies that require it. On the loopback there is nobody to
  listen, so that every request counts as made over TLS 1.3.
- ``s3:if-none-match`` and ``s3:ObjectCreationOperation``, by which a bucket refuses overwriting:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
- A batch of messages is permitted by the action on one of them; there is no other:
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html

And a policy's text is read once, not for each item of each request.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ministack.core import iam_actions, iam_evaluator

from datavault.local.shims.misfit import replace

TRANSPORT = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}
# Making an upload and sending its parts creates no object; completing it does.
PREPARING = ("uploads", "partNumber")
# A role's policy has 10,240 characters at most; each function has one.
POLICIES_KNOWN_MAX = 1024


def install() -> None:
    """Let policies know what S3 and SQS know, and be read once."""
    _count_as_tls()
    _tell_of_conditional_writes()
    _count_batches_as_one()
    _remember_policies()


def _count_as_tls() -> None:
    resolve = replace(iam_evaluator, "_resolve_condition_key", None)

    def resolve_with_tls(key: str, context: object) -> Any:  # noqa: ANN401
        return TRANSPORT.get(key.lower()) or resolve(key, context)

    replace(iam_evaluator, "_resolve_condition_key", resolve_with_tls)


def _tell_of_conditional_writes() -> None:
    describe = replace(iam_actions, "s3_service_context", None)

    def describe_writes(
        action: str,
        query: Mapping[str, Any] | None,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        known: dict[str, Any] = describe(action, query, path, headers)
        if action != "s3:PutObject":
            return known
        creates = not any(name in (query or {}) for name in PREPARING)
        known["s3:ObjectCreationOperation"] = str(creates).lower()
        condition = (headers or {}).get("if-none-match")
        return known if condition is None else known | {"s3:if-none-match": condition}

    replace(iam_actions, "s3_service_context", describe_writes)


def _count_batches_as_one() -> None:
    action = replace(iam_actions, "extract_iam_action", None)

    def action_of_one(service: str, *rest: Any, **named: Any) -> str | None:  # noqa: ANN401
        found: str | None = action(service, *rest, **named)
        return found.removesuffix("Batch") if found and service == "sqs" else found

    replace(iam_actions, "extract_iam_action", action_of_one)


def _remember_policies() -> None:
    read = replace(iam_evaluator, "parse_policy_document", None)
    known = lru_cache(POLICIES_KNOWN_MAX)(read)

    def statements_of(document: str | dict[str, Any]) -> list[Any]:
        return list(known(document)) if isinstance(document, str) else read(document)

    replace(iam_evaluator, "parse_policy_document", statements_of)
