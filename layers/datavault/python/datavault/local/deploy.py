"""Deploys a CDK cloud assembly with the AWS API alone, to any endpoint.

Assets are named by their hash, so one that is in the bucket is not packed again; a stack
whose template and parameters are deployed is not touched. An unchanged assembly costs a
few reads per stack.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from datavault.local.assembly import Asset, Stack, stacks

# What the CDK's default synthesizer requires of an environment.
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
STACK_SECONDS_MAX = 3600.0
POLL_SECONDS_MIN = 0.02
POLL_SECONDS_MAX = 2.0
# A stack in one of these can only be deleted and made again.
DEAD_STATES = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})

type ClientFactory = Callable[[str], Any]
type Outputs = dict[str, dict[str, str]]


class DeploymentFailed(RuntimeError):
    """A stack did not reach the state asked for; the message names what failed and why."""


def deploy(
    assembly: Path,
    *,
    client: ClientFactory,
    parameters: Mapping[str, Mapping[str, str]] | None = None,
) -> Outputs:
    """Deploy every stack of ``assembly`` in order and return their outputs by stack name.

    ``client`` makes a boto3 client for a service; ``parameters`` are template parameters
    by stack name.

    Raises:
        DeploymentFailed: a stack failed; those before it stay deployed.
    """
    deployer = _Deployer(client)
    return {
        stack.name: deployer.deploy(stack, (parameters or {}).get(stack.name, {}))
        for stack in stacks(assembly)
    }


@dataclass(frozen=True, slots=True)
class _Place:
    bucket: str
    key: str


class _Deployer:
    def __init__(self, client: ClientFactory) -> None:
        self._cloudformation = client("cloudformation")
        self._s3 = client("s3")
        self._ssm = client("ssm")
        identity = client("sts").get_caller_identity()
        self._names = {
            "${AWS::AccountId}": identity["Account"],
            "${AWS::Region}": self._s3.meta.region_name,
            "${AWS::Partition}": self._s3.meta.partition,
        }
        self._buckets: set[str] = set()
        self._bootstrap()

    def deploy(self, stack: Stack, given: Mapping[str, str]) -> dict[str, str]:
        parameters = {**stack.parameters, **given}
        current = self._describe(stack.name)
        if current is None or not self._is_deployed(stack, current, parameters):
            self._apply(stack, current, parameters)
            current = self._describe(stack.name)
        assert current is not None
        return {each["OutputKey"]: each["OutputValue"] for each in current.get("Outputs", ())}

    def _apply(
        self, stack: Stack, current: Mapping[str, Any] | None, parameters: Mapping[str, str]
    ) -> None:
        if current is not None and current["StackStatus"] in DEAD_STATES:
            self._cloudformation.delete_stack(StackName=current["StackId"])
            self._await_end(current["StackId"])
            current = None
        for asset in stack.assets:
            self._upload(asset)
        place = self._place(stack.template_place)
        request = {
            "StackName": stack.name,
            "TemplateURL": f"{self._s3.meta.endpoint_url}/{place.bucket}/{place.key}",
            "Capabilities": CAPABILITIES,
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
        }
        began = time.time()
        try:
            if current is None:
                stack_id = self._cloudformation.create_stack(**request)["StackId"]
            else:
                stack_id = self._cloudformation.update_stack(**request)["StackId"]
        except ClientError as error:
            if "No updates are to be performed" in error.response["Error"]["Message"]:
                return
            raise DeploymentFailed(f"{stack.name}: {error}") from error
        status = self._await_end(stack_id)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise DeploymentFailed(self._failures(stack.name, stack_id, status, since=began))

    def _is_deployed(
        self, stack: Stack, current: Mapping[str, Any], parameters: Mapping[str, str]
    ) -> bool:
        if current["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return False
        used = {
            each["ParameterKey"]: each.get("ParameterValue")
            for each in current.get("Parameters", ())
        }
        if any(used.get(name) != value for name, value in parameters.items()):
            return False
        deployed = self._cloudformation.get_template(
            StackName=stack.name, TemplateStage="Original"
        )["TemplateBody"]
        if isinstance(deployed, str):
            deployed = json.loads(deployed)
        return bool(deployed == json.loads(stack.template.read_text()))

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: list[Mapping[str, Any]] = self._cloudformation.describe_stacks(StackName=name)[
                "Stacks"
            ]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        return found[0] if found[0]["StackStatus"] != "DELETE_COMPLETE" else None

    def _await_end(self, stack_id: str) -> str:
        """Return the stack's status when nothing is in progress any more."""
        pause = POLL_SECONDS_MIN
        deadline = time.monotonic() + STACK_SECONDS_MAX
        while time.monotonic() < deadline:
            current = self._describe(stack_id)
            status = str(current["StackStatus"]) if current else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(pause)
            pause = min(pause * 1.5, POLL_SECONDS_MAX)
        raise DeploymentFailed(f"{stack_id}: not done after {STACK_SECONDS_MAX:.0f} s")

    def _failures(self, name: str, stack_id: str, status: str, *, since: float) -> str:
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(
            StackName=stack_id
        )
        failed = [
            _line(event, event.get("ResourceStatusReason"))
            for page in pages
            for event in page["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
            # Seconds are cut off in some events' times.
            and event["Timestamp"].timestamp() >= since - 1
        ]
        return "\n".join(
            [f"{name} ended as {status}", *self._refusals(stack_id), *reversed(failed)]
        )

    def _refusals(self, stack_id: str) -> list[str]:
        """What was found wrong before anything was made; stack events only count it."""
        try:
            events = self._cloudformation.describe_events(StackName=stack_id)["OperationEvents"]
        except ClientError:
            return []  # An older endpoint, which does not validate beforehand either.
        return [
            _line(event, event.get("ValidationStatusReason"))
            for event in events
            if event.get("ValidationStatus") == "FAILED"
        ]

    def _upload(self, asset: Asset) -> None:
        for place in (self._place(each) for each in asset.places):
            self._ensure_bucket(place.bucket)
            if not self._exists(place):
                self._s3.put_object(Bucket=place.bucket, Key=place.key, Body=asset.content())

    def _exists(self, place: _Place) -> bool:
        try:
            self._s3.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _ensure_bucket(self, bucket: str) -> None:
        if bucket in self._buckets:
            return
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self._s3.create_bucket(Bucket=bucket)
        self._buckets.add(bucket)

    def _bootstrap(self) -> None:
        """An emulator starts without what ``cdk bootstrap`` leaves in an account."""
        try:
            self._ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)
        except self._ssm.exceptions.ParameterNotFound:
            self._ssm.put_parameter(
                Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String"
            )

    def _place(self, place: tuple[str, str]) -> _Place:
        bucket, key = place
        for name, value in self._names.items():
            bucket, key = bucket.replace(name, value), key.replace(name, value)
        return _Place(bucket, key)


def _line(event: Mapping[str, Any], reason: str | None) -> str:
    return (
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason or 'no reason given'}"
    )
