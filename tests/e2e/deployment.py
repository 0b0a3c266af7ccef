"""The deployed vault, and callers of it.

The suite makes a local cloud of its own, in which every function acts as its own role, and
deploys into it, once. With ``DATAVAULT_E2E_ENDPOINT`` it deploys into the LocalStack-compatible
endpoint of that URL instead, which has to reach this machine's loopback for the issuer's keys;
only the tests of permissions then make a cloud here.
"""

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from datavault.contracts.operations import TASKS
from datavault.domain.access import Caller, Role
from datavault.domain.ids import DatasetId, WorkspaceId
from datavault.local.cloud import LocalCloud, Permissions
from datavault.local.grants import grant
from datavault.local.issuer import Issuer
from datavault.local.vault import DeployedVault, deploy_vault
from datavault.local.workspace import make_workspace, operator_environment
from datavault.wiring import AwsVault
from tests.support.command import run
from tests.support.http import NDJSON, Call, Reply, json_call, segment, send

API = "/api/v1"
STEPS = {task.name for task in TASKS}
ALL_ROLES = tuple(role.value for role in Role)


class Elsewhere(LocalCloud):
    """A cloud that somebody else runs: deployed into, and left running."""

    def __init__(self, endpoint: str, home: Path, issuer: Issuer) -> None:
        self.endpoint = endpoint
        self.home = home
        self.issuer = issuer

    def stop(self) -> None:
        """Leave it."""


@dataclass(frozen=True)
class Deployment:
    """A vault in a cloud, with the operator's credentials for what is below the API."""

    cloud: LocalCloud
    deployed: DeployedVault

    @property
    def api_url(self) -> str:
        return self.deployed.api_url

    @property
    def bucket(self) -> str:
        return self.deployed.values["ObjectBucket"]

    def client(self, service: str) -> Any:
        """A client of the cloud that the vault is in."""
        return _client(self.cloud, service)

    def table(self, name: str) -> str:
        """The name of one of the tables Catalog, Staging, Ledger."""
        return self.deployed.values[f"{name}Table"]

    def operator_environment(self) -> Mapping[str, str]:
        return operator_environment(self.cloud, self.deployed)

    def command(self, *words: str) -> CompletedProcess[str]:
        """What came of a command that its operator gave."""
        return run(*words, environment=self.operator_environment())

    @cached_property
    def operators(self) -> AwsVault:
        """The vault as its operator has it, all the time: its clients take long to be made."""
        return self._vault()

    @contextmanager
    def vault(self) -> Iterator[AwsVault]:
        """The vault as another process has it: with the real adapters and empty caches."""
        with closing(self._vault()) as vault:
            yield vault

    def _vault(self) -> AwsVault:
        issuer = self.cloud.issuer
        trusted = {
            "VAULT_ISSUER__URL": issuer.url,
            "VAULT_ISSUER__AUDIENCE": issuer.audience,
            "VAULT_ISSUER__JWKS_URL": issuer.jwks_url,
        }
        return AwsVault({**self.operator_environment(), **trusted})

    def tenant(self) -> "Tenant":
        """A new workspace."""
        return Tenant(self, make_workspace(self.operators, "acme"))

    def rows(self, name: str, **starts: str) -> list[dict[str, Any]]:
        """A table's items whose attributes start so, as DynamoDB's client gives them."""
        query: dict[str, Any] = {"TableName": self.table(name), "ConsistentRead": True}
        if starts:
            terms = [f"begins_with(#{name}, :{name})" for name in starts]
            query["FilterExpression"] = " AND ".join(terms)
            query["ExpressionAttributeNames"] = {f"#{name}": name for name in starts}
            query["ExpressionAttributeValues"] = {
                f":{name}": {"S": start} for name, start in starts.items()
            }
        pages = self.client("dynamodb").get_paginator("scan").paginate(**query)
        return [item for page in pages for item in page["Items"]]

    def logs(self) -> bytes:
        """All that the functions printed."""
        files = sorted(self.cloud.home.glob("logs/*.log"))
        if files:
            return b"".join(path.read_bytes() for path in files)
        logs = self.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        pages = (
            page
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
        )
        return "\n".join(event["message"] for page in pages for event in page["events"]).encode()


@cache
def _client(cloud: LocalCloud, service: str) -> Any:
    """Making one takes longer than most calls of it."""
    return cloud.boto3(service)


@dataclass
class Tenant:
    """A workspace, and people in it."""

    deployment: Deployment
    id: WorkspaceId
    _people: dict[tuple[str, ...], "Person"] = field(default_factory=dict)

    def person(self, *roles: str) -> "Person":
        """Somebody with these roles."""
        if roles not in self._people:
            subject = "-".join(roles or ("nobody",))
            token = self.deployment.cloud.issuer.token(
                workspace=self.id, roles=list(roles), subject=subject
            )
            self._people[roles] = Person(self, token, subject)
        return self._people[roles]

    @property
    def admin(self) -> "Person":
        return self.person("admin")

    def caller(self) -> Caller:
        """The admin, for services called without the API."""
        return Caller("admin", self.id, frozenset({Role.ADMIN}), correlation_id="e2e")

    def ledger(self) -> list[dict[str, Any]]:
        """The workspace's ledger entries."""
        return self.deployment.rows("Ledger", workspace=self.id)

    def entries(self, operation: str) -> list[dict[str, Any]]:
        """Those of one operation."""
        return [entry for entry in self.ledger() if entry["operation"]["S"] == operation]

    def requests(self) -> list[dict[str, Any]]:
        """Those of requests, without what the steps of jobs write whenever they get there."""
        return [entry for entry in self.ledger() if entry["operation"]["S"] not in STEPS]


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    tenant: Tenant
    token: str | None
    subject: str = ""

    def send(self, call: Call) -> Reply:
        """Send a request below the API's base URL as it is, with the token."""
        given = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        signed = Call(call.method, call.path, call.body, {**given, **(call.headers or {})})
        return send(self.tenant.deployment.api_url, signed)

    def ok(self, call: Call) -> Reply:
        """Send a request that has to be answered well."""
        reply = self.send(call)
        assert reply.status < 400, f"{call.method} {call.path}: {reply.status} {reply.content!r}"
        return reply

    def get(self, path: str, *, lines: bool = False) -> Reply:
        return self.send(Call("GET", f"{API}{path}", None, {"Accept": NDJSON} if lines else None))

    def post(self, path: str, body: object, **headers: str) -> Reply:
        return self.send(json_call("POST", f"{API}{path}", body).with_headers(**headers))

    def delete(self, path: str, **headers: str) -> Reply:
        return self.send(Call("DELETE", f"{API}{path}").with_headers(**headers))

    def dataset(
        self,
        name: str = "corpus",
        *,
        record_key: str | None = None,
        schema: Mapping[str, object] | None = None,
    ) -> "Shelf":
        """Create a dataset."""
        body: dict[str, object] = {"name": name}
        body |= {} if record_key is None else {"record_key": record_key}
        body |= {} if schema is None else {"schema": schema}
        made = self.ok(json_call("POST", f"{API}/datasets", body)).json()
        return Shelf(self, made["id"])


@dataclass(frozen=True)
class Shelf:
    """A dataset as somebody uses it: short words for what has to work."""

    person: Person
    id: str

    @property
    def dataset_id(self) -> DatasetId:
        return DatasetId(self.id)

    @property
    def path(self) -> str:
        return f"/datasets/{self.id}"

    def by(self, person: Person) -> "Shelf":
        """The same for somebody else."""
        return Shelf(person, self.id)

    def append(self, records: Mapping[str, str], *, branch: str = "main") -> Any:
        """Append records by id, given as JSON texts, as lines; the dataset has no record key."""
        items = ",".join(
            f'{{"id":{json.dumps(name, ensure_ascii=False)},"data":{text}}}'
            for name, text in records.items()
        )
        body = f'{{"branch":"{branch}","records":[{items}]}}'.encode()
        call = Call("POST", f"{API}{self.path}/records", body, {"Content-Type": "application/json"})
        return self.person.ok(call).json()

    def append_lines(self, lines: bytes, *, branch: str = "main") -> Any:
        """Append NDJSON."""
        path = f"{API}{self.path}/records?branch={branch}"
        return self.person.ok(Call("POST", path, lines, {"Content-Type": NDJSON})).json()

    def commit(self, message: str = "", *, branch: str = "main") -> Any:
        body = {"message": message, "branch": branch}
        return self.person.ok(json_call("POST", f"{API}{self.path}/commits", body)).json()

    def branch(self, name: str, *, start: str = "main") -> Any:
        body = {"name": name, "start": start}
        return self.person.ok(json_call("POST", f"{API}{self.path}/branches", body)).json()

    def record(self, record_id: str, *, ref: str = "main") -> Reply:
        """Ask for one record's own bytes."""
        path = f"{self.path}/records/{segment(record_id)}?ref={ref}"
        return self.person.get(path, lines=True)

    def remove(self, record_id: str, *, branch: str = "main") -> Reply:
        return self.person.delete(f"{self.path}/records/{segment(record_id)}?branch={branch}")

    def lines(self, *, ref: str = "main", limit: int = 1000) -> list[bytes]:
        """Every record of a ref in order of id, page by page."""
        found: list[bytes] = []
        cursor = ""
        while True:
            path = f"{self.path}/records?ref={ref}&limit={limit}{cursor}"
            reply = self.person.get(path, lines=True)
            assert reply.status == 200, reply.content
            found += reply.content.split(b"\n")[:-1]
            if "x-next-cursor" not in reply.headers:
                return found
            cursor = f"&cursor={reply.headers['x-next-cursor']}"

    def log(self, *, ref: str = "main") -> list[Any]:
        """The history of a ref, newest first."""
        reply = self.person.get(f"{self.path}/commits?ref={ref}")
        assert reply.status == 200, reply.content
        data: list[Any] = reply.json()["data"]
        return data

    def state(self) -> object:
        """All that a refused request must not change."""
        branches = self.person.get(f"{self.path}/branches").json()["data"]
        return self.lines(), [each["id"] for each in self.log()], branches


@contextmanager
def deployment(*, snapshots: bool = True) -> Iterator[Deployment]:
    """The vault, deployed for this run; ``snapshots`` as ``LocalCloud.start`` has it."""
    endpoint = os.environ.get("DATAVAULT_E2E_ENDPOINT")
    if endpoint:
        with _issuer() as issuer, tempfile.TemporaryDirectory() as home:
            cloud: LocalCloud = Elsewhere(endpoint.rstrip("/"), Path(home), issuer)
            yield from _deployed(cloud)
    else:
        with local_deployment(snapshots=snapshots) as made:
            yield made


@contextmanager
def local_deployment(*, snapshots: bool = True) -> Iterator[Deployment]:
    """The vault in a cloud of its own on this machine, with permissions enforced."""
    with LocalCloud.start(permissions=Permissions.ENFORCED, snapshots=snapshots) as cloud:
        yield from _deployed(cloud)


def _deployed(cloud: LocalCloud) -> Iterator[Deployment]:
    made = Deployment(cloud, deploy_vault(cloud))
    with closing(made.operators):
        yield made


@contextmanager
def _issuer() -> Iterator[Issuer]:
    """An issuer that publishes its own keys: another cloud does not know ours."""
    documents: dict[str, bytes] = {}

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"]))
            authorization = self.headers.get("Authorization", "")
            granted = grant(issuer, authorization=authorization, form=form)
            self.send_response(granted.status)
            self.send_header("Content-Length", str(len(granted.document)))
            self.end_headers()
            self.wfile.write(granted.document)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        issuer = Issuer(
            endpoint=f"http://127.0.0.1:{server.server_port}", key_file=Path(folder, "issuer.pem")
        )
        documents |= issuer.documents()
        yield issuer
    server.shutdown()
    thread.join()
    server.server_close()
