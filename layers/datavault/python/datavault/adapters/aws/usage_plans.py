"""Usage plans on API Gateway: an API key for each workspace, in the stage's plan or its own.

The key is what API Gateway counts by. Its value comes from the authorizer
(``ApiKeySourceType: AUTHORIZER``), so that no client handles it, and none that a client sends is
looked at.

For operators, and so on boto3, which no function imports.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from datavault.domain.errors import Unavailable
from datavault.domain.usage import UsageLimits


@dataclass(frozen=True, slots=True)
class StageOfApi:
    """The deployed API whose plans these are. ``plan`` is the id of the plan of all workspaces
    that have none of their own.
    """

    name: str
    api: str
    api_stage: str
    plan: str


class GatewayUsagePlans:
    """Keeps ``ports.UsagePlans``. ``client`` is boto3's of ``apigateway``."""

    def __init__(self, client: Any, stage: StageOfApi) -> None:  # noqa: ANN401
        self._client = client
        self._stage = stage

    def admit(self, name: str, identifier: str, limits: UsageLimits | None) -> None:
        with _translated():
            label = f"datavault-{self._stage.name}-{name}"
            key = self._key(label, identifier)
            own = self._plan(label)
            if limits is None:
                self._move(key, None if own is None else own["id"], self._stage.plan)
                if own is not None:
                    self._delete(own)
                return
            if own is None:
                own = self._create_plan(label, limits)
            else:
                self._change_plan(own, limits)
            self._move(key, self._stage.plan, own["id"])

    def _key(self, label: str, identifier: str) -> str:
        """The id of the API key of that name, made if there is none."""
        # The query is for names that begin so.
        for found in self._all("get_api_keys", nameQuery=label):
            if found["name"] == label:
                return str(found["id"])
        made = self._client.create_api_key(
            name=label,
            value=identifier,
            enabled=True,
            description="Counts a workspace's requests; no client has or needs it.",
        )
        return str(made["id"])

    def _plan(self, label: str) -> dict[str, Any] | None:
        return next((plan for plan in self._all("get_usage_plans") if plan["name"] == label), None)

    def _create_plan(self, label: str, limits: UsageLimits) -> dict[str, Any]:
        quota = {} if limits.per_day is None else {"quota": _quota(limits.per_day)}
        made: dict[str, Any] = self._client.create_usage_plan(
            name=label,
            throttle={"rateLimit": limits.rate, "burstLimit": limits.burst},
            apiStages=[{"apiId": self._stage.api, "stage": self._stage.api_stage}],
            **quota,
        )
        return made

    def _change_plan(self, plan: dict[str, Any], limits: UsageLimits) -> None:
        changes: dict[str, int | str] = {
            "/throttle/rateLimit": limits.rate,
            "/throttle/burstLimit": limits.burst,
        }
        if limits.per_day is not None:
            changes |= {f"/quota/{name}": value for name, value in _quota(limits.per_day).items()}
        operations = [
            {"op": "replace", "path": path, "value": str(value)} for path, value in changes.items()
        ]
        if limits.per_day is None and plan.get("quota"):
            operations.append({"op": "remove", "path": "/quota"})
        self._client.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)

    def _move(self, key: str, source: str | None, target: str) -> None:
        """Put the key into one plan. It may be in one of a stage only, so the other comes first.

        Between the two API Gateway refuses the workspace; whoever is interrupted there repeats.
        """
        if self._holds(target, key):
            return
        if source is not None and self._holds(source, key):
            self._client.delete_usage_plan_key(usagePlanId=source, keyId=key)
        self._client.create_usage_plan_key(usagePlanId=target, keyId=key, keyType="API_KEY")

    def _holds(self, plan: str, key: str) -> bool:
        try:
            self._client.get_usage_plan_key(usagePlanId=plan, keyId=key)
        except self._client.exceptions.NotFoundException:
            return False
        return True

    def _delete(self, plan: dict[str, Any]) -> None:
        """A plan that has stages cannot be deleted."""
        operations = [
            {"op": "remove", "path": "/apiStages", "value": f"{each['apiId']}:{each['stage']}"}
            for each in plan.get("apiStages", ())
        ]
        self._client.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)
        self._client.delete_usage_plan(usagePlanId=plan["id"])

    def _all(self, operation: str, **query: str) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator(operation).paginate(**query):
            yield from page["items"]


def _quota(per_day: int) -> dict[str, int | str]:
    return {"limit": per_day, "period": "DAY"}


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"TooManyRequestsException", "ServiceUnavailableException"}:
            raise Unavailable(f"API Gateway answered {code}; repeat this") from error
        raise ValueError(f"API Gateway refuses: {code}") from error
    except BotoCoreError as error:
        raise Unavailable("API Gateway does not answer; repeat this") from error
