"""Small deployments by hand: packages, templates and calls that show one fact each."""

import base64
import http.client
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from datavault.local.cloud import LocalCloud
from datavault.local.deploy import DeploymentFailed

ROLE = "arn:aws:iam::000000000000:role/any"


def package(**modules: str) -> bytes:
    """A deployment package with one module for each name."""
    return archive({f"{name}.py": source for name, source in modules.items()})


def archive(files: Mapping[str, str]) -> bytes:
    """The same bytes for the same files, whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as entries:
        for path, content in files.items():
            entries.writestr(zipfile.ZipInfo(path), content)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Called:
    """What an invocation answered."""

    payload: Any
    error: str | None
    log: str

    @property
    def error_type(self) -> str:
        return str(self.payload["errorType"])


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function, called synchronously."""

    cloud: LocalCloud
    name: str

    def call(self, event: object = None) -> Called:
        reply = self.cloud.boto3("lambda").invoke(
            FunctionName=self.name, Payload=json.dumps(event), LogType="Tail"
        )
        return Called(
            json.loads(reply["Payload"].read()),
            reply.get("FunctionError"),
            base64.b64decode(reply.get("LogResult", "")).decode(),
        )

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}"


def deploy_function(cloud: LocalCloud, source: str, **settings: Any) -> Function:
    """Create a function from one module whose handler is ``handler``."""
    name = f"f-{uuid4().hex[:12]}"
    cloud.boto3("lambda").create_function(
        **{
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Role": ROLE,
            "Code": {"ZipFile": package(app=source)},
            "Timeout": 10,
            **settings,
        }
    )
    return Function(cloud, name)


def deploy_stack(cloud: LocalCloud, resources: Mapping[str, Any], **outputs: Any) -> dict[str, str]:
    """Create a stack of ``resources`` and return its outputs."""
    client = cloud.boto3("cloudformation")
    name = f"stack-{uuid4().hex[:12]}"
    template = {
        "Resources": resources,
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise DeploymentFailed(stack.get("StackStatusReason", stack["StackStatus"]))
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterator[bytes] | None = None,
) -> Reply:
    """Send a request whose target is exactly what ``url`` says, with no normalization."""
    host, _, target = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, f"/{target}", body=body, headers=dict(headers or {}))
        reply = connection.getresponse()
        received = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(reply.status, received, reply.read())
    finally:
        connection.close()
