"""REST APIs hand a function the request as it was sent, and hide what goes wrong behind.

- A path reaches the function percent-encoded, in ``path`` and in ``pathParameters``; it
  is split into segments before any decoding, so ``a%2Fb`` is one segment. Observed on
  AWS: serverless/serverless#5037 and the captures cited in middleapi/standard-server#93.
- Of a repeated query parameter, the single-valued map holds the last.
- Of an ``Accept`` header, the first media type decides whether a reply is binary.
- An API whose key source is its authorizer takes the key from there and from no header:
  https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
- A function's error is not shown to the caller: 502 and "Internal server error", or what the API
  says for DEFAULT_5XX. That this covers a function's failure: DataBiosphere/azul#7502.
"""

import contextvars
import http
import json
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.services import apigateway_v1 as gateway

from datavault.local.shims.misfit import replace

REQUEST_BYTES_MAX = 10 * 1024 * 1024
EVENT_BYTES_MAX = 6 * 1024 * 1024
# Below this no escaping can make an event of it that is too large for Lambda.
EVENT_BYTES_UNCHECKED = EVENT_BYTES_MAX // 6

DEFAULT_FAILURE = "DEFAULT_5XX"

type Event = dict[str, Any]

_raw_path: contextvars.ContextVar[str | None] = contextvars.ContextVar("raw_path", default=None)
# The key that the authorizer named, while a request to an API that takes it from there is handled.
_usage_identifier: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "usage_identifier", default=None
)
# Where it stands in what the emulator keeps of an authorizer's answer; no function sees it.
_USAGE_IDENTIFIER = "usageIdentifierKey"


class EventTooLarge(Exception):
    """The event that a request makes is more than Lambda accepts."""


def install() -> None:
    """Replace how requests become events and how failures become replies."""
    _keep_raw_path()
    _keep_last_value()
    _judge_by_first_media_type()
    _count_by_authorizer()
    _limit_requests()
    _limit_events()


def _keep_raw_path() -> None:
    handle = replace(app, "_handle_execute_api_request", None)
    execute = replace(gateway, "handle_execute", None)

    async def handle_with_raw_path(
        *arguments: object, raw_path: str | None = None, **named: object
    ) -> Any:  # noqa: ANN401
        token = _raw_path.set(raw_path)
        try:
            return await handle(*arguments, raw_path=raw_path, **named)
        finally:
            _raw_path.reset(token)

    async def execute_raw_path(
        api_id: str, stage: str, method: str, path: str, *rest: object
    ) -> Any:  # noqa: ANN401
        return await execute(api_id, stage, method, _undecoded(api_id, stage, path), *rest)

    replace(app, "_handle_execute_api_request", handle_with_raw_path)
    replace(gateway, "handle_execute", execute_raw_path)


def _undecoded(api_id: str, stage: str, path: str) -> str:
    """The part of the path below the stage as it was sent, however the API was addressed."""
    raw = _raw_path.get()
    if raw is None:
        return path
    for prefix in (
        f"/_aws/execute-api/{api_id}/{stage}",
        f"/restapis/{api_id}/{stage}/_user_request_",
        f"/{stage}",
    ):
        if raw == prefix or raw.startswith(f"{prefix}/"):
            return raw.removeprefix(prefix) or "/"
    return path


def _keep_last_value() -> None:
    build = replace(gateway, "_build_lambda_event_v1", None)
    authorize = replace(gateway, "_invoke_authorizer_lambda", None)

    def build_with_last(*arguments: object, **named: object) -> Event:
        return _with_last_values(build(*arguments, **named))

    async def authorize_with_last(
        authorizer: object, event: Event, account_id: str, region: str
    ) -> Any:  # noqa: ANN401
        return await authorize(authorizer, _with_last_values(event), account_id, region)

    replace(gateway, "_build_lambda_event_v1", build_with_last)
    replace(gateway, "_invoke_authorizer_lambda", authorize_with_last)


def _with_last_values(event: Event) -> Event:
    values = event.get("multiValueQueryStringParameters")
    if values:
        event["queryStringParameters"] = {name: each[-1] for name, each in values.items()}
    return event


def _judge_by_first_media_type() -> None:
    matches = replace(gateway, "_media_type_matches", None)

    def first_matches(media_types: str | None, binary: list[str] | None) -> bool:
        return bool(matches((media_types or "").split(",", 1)[0], binary))

    replace(gateway, "_media_type_matches", first_matches)


def _count_by_authorizer() -> None:
    invoke = replace(gateway, "_invoke_authorizer_lambda", None)
    authorize = replace(gateway, "_authorize_request_v1", None)
    given = replace(gateway, "_api_key_from_request", None)

    async def invoke_and_keep(*arguments: object) -> Any:  # noqa: ANN401
        result = await invoke(*arguments)
        if not isinstance(result, dict) or result.get("error"):
            return result
        answer = result.get("body")
        if isinstance(answer, str | bytes):
            answer = json.loads(answer)
        if not isinstance(answer, dict) or _USAGE_IDENTIFIER not in answer:
            return result
        kept = {_USAGE_IDENTIFIER: answer[_USAGE_IDENTIFIER]}
        told = {**answer, "context": {**(answer.get("context") or {}), **kept}}
        return {**result, "body": told}

    async def authorize_and_tell(api_id: str, *arguments: object) -> Any:  # noqa: ANN401
        error, context = await authorize(api_id, *arguments)
        known = dict(context or {})
        identifier = known.pop(_USAGE_IDENTIFIER, "")
        source = (gateway._rest_apis.get(api_id) or {}).get("apiKeySource")
        _usage_identifier.set(identifier if source == "AUTHORIZER" else None)
        return error, context if context is None else known

    def key_of(headers: Mapping[str, Any]) -> Any:  # noqa: ANN401
        told = _usage_identifier.get()
        return given(headers) if told is None else told

    replace(gateway, "_invoke_authorizer_lambda", invoke_and_keep)
    replace(gateway, "_authorize_request_v1", authorize_and_tell)
    replace(gateway, "_api_key_from_request", key_of)


def _limit_requests() -> None:
    execute = replace(gateway, "_execute_in_scope", None)

    async def execute_limited(
        request: dict[str, Any],
        api_id: str,
        stage: str,
        method: str,
        path: str,
        headers: Mapping[str, Any],
        body: bytes,
        *rest: object,
    ) -> Any:  # noqa: ANN401
        deployed = gateway._stages_v1.get(api_id, {}).get(stage)
        if len(body) > REQUEST_BYTES_MAX and deployed:
            request["stage"] = deployed
            return gateway._gw_error(
                "REQUEST_TOO_LARGE", f"HTTP content length exceeded {REQUEST_BYTES_MAX} bytes."
            )
        return await execute(request, api_id, stage, method, path, headers, body, *rest)

    replace(gateway, "_execute_in_scope", execute_limited)


def _limit_events() -> None:
    call = replace(gateway, "_call_lambda_raw", None)
    invoke = replace(gateway, "_invoke_lambda_proxy_v1", None)

    async def call_limited(reference: str, event: Event, **named: object) -> Any:  # noqa: ANN401
        if len(event.get("body") or "") > EVENT_BYTES_UNCHECKED:
            encoded = json.dumps(event, ensure_ascii=False).encode()
            if len(encoded) > EVENT_BYTES_MAX:
                raise EventTooLarge
        return await call(reference, event, **named)

    async def invoke_discreetly(*arguments: object, **named: object) -> Any:  # noqa: ANN401
        try:
            response = await invoke(*arguments, **named)
        except EventTooLarge:
            return gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        if isinstance(response, tuple) and response[0] == http.HTTPStatus.BAD_GATEWAY:
            api_id = str(arguments[1])
            if DEFAULT_FAILURE in gateway._gateway_responses.get(api_id, {}):
                return gateway._gw_error(DEFAULT_FAILURE, "Internal server error")
            body = json.dumps({"message": "Internal server error"}).encode()
            headers = {
                "Content-Type": "application/json",
                "x-amzn-ErrorType": "InternalServerErrorException",
            }
            return http.HTTPStatus.BAD_GATEWAY.value, headers, body
        return response

    replace(gateway, "_call_lambda_raw", call_limited)
    replace(gateway, "_invoke_lambda_proxy_v1", invoke_discreetly)
