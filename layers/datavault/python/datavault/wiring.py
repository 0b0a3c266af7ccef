"""The only reader of the environment and the only builder of clients.

``VAULT_SECTION__FIELD`` in the environment is ``Settings.section.field``; a name that is not
there is an error, so that a misspelt setting is not a setting ignored. ``VAULT_FILE`` may name a
TOML file of the same shape, which the environment overrides; the command's ``--set`` overrides
both.

Written on msgspec, which the client needs anyway: pydantic-settings takes several times as long
to import as all else here (README, Decisions).
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec
import msgspec.structs

from datavault.adapters.aws.catalog import DynamoCatalog
from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.clock import SystemClock
from datavault.adapters.aws.connections import Timeouts
from datavault.adapters.aws.credentials import CredentialSource, Signing, credential_source
from datavault.adapters.aws.endpoints import custom_endpoint, endpoint
from datavault.adapters.aws.keyring import KmsKeyring
from datavault.domain.access import Operator
from datavault.domain.cache import BoundedCache
from datavault.domain.rows import Table
from datavault.event_ports import Bus, DeadLetters, EventArchive
from datavault.ports import Catalog, Clock, Keyring, Landing, Objects, Tokens, UsagePlans, Workflows

if TYPE_CHECKING:  # numpy, which a function that reads no tree does not need.
    from datavault.domain.history import Kept
    from datavault.domain.store.nodes import NodeCache
    from datavault.ports import Columnar
    from datavault.schema_ports import Schemas

_PREFIX = "VAULT_"
_FILE = "VAULT_FILE"
_NESTED = "__"
# msgspec's words for what is wrong, and where: "... - at `$.tables.catalog`".
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")


def _says(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


type _Name = Annotated[str, msgspec.Meta(min_length=1)]
type _Seconds = Annotated[float, msgspec.Meta(gt=0, le=900)]
type _Count = Annotated[int, msgspec.Meta(ge=0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings that belong together. Each has words that README's table is made of."""


class Tables(_Section, frozen=True):
    """The names of the catalog's tables."""

    catalog: Annotated[_Name, _says("DynamoDB table of what is kept")]
    staging: Annotated[_Name, _says("DynamoDB table of staged changes and idempotency")]
    ledger: Annotated[_Name, _says("DynamoDB table of the ledger")]


class ObjectSettings(_Section, frozen=True):
    """Where the objects are."""

    bucket: Annotated[_Name, _says("S3 bucket of packs, nodes and commits")]


class LandingSettings(_Section, frozen=True):
    """Where large files come in."""

    bucket: Annotated[_Name, _says("S3 bucket of uploads and of what others put there")]


class WorkflowSettings(_Section, frozen=True):
    """Where the state machines are: what their ARNs begin with, up to the machine's name."""

    prefix: Annotated[
        _Name, _says("what the state machines' ARNs begin with, up to a machine's name")
    ]


class EventSettings(_Section, frozen=True):
    """Where events go. The archive has the bus's name."""

    bus: Annotated[_Name, _says("EventBridge bus of the vault's events")]
    dead_letters: Annotated[_Name, _says("URL of the queue of what could not be published")]


class ClaimNames(_Section, frozen=True):
    """What the issuer calls the claims that the vault reads."""

    subject: Annotated[_Name, _says("claim that names the caller")] = "sub"
    workspace: Annotated[_Name, _says("claim that names the workspace")] = "workspace"
    roles: Annotated[_Name, _says("claim that lists roles")] = "roles"
    mfa: Annotated[_Name, _says("claim that tells of a second factor")] = "mfa"


class IssuerSettings(_Section, frozen=True):
    """Who signs access tokens, for whom, and where its keys are published."""

    url: Annotated[_Name, _says("who signs access tokens")]
    audience: Annotated[_Name, _says("for whom they are")]
    jwks_url: Annotated[_Name, _says("where the keys they are signed with are published")]
    claims: ClaimNames = ClaimNames()
    # 12 hours: ``adapters.oidc.tokens`` says why; importing it from there would take 100 ms.
    lifetime_s_max: Annotated[_Count, _says("longest life of a token, in seconds")] = 43200


class UsageSettings(_Section, frozen=True):
    """The API whose usage plans an operator changes: a stack's outputs. No function needs it."""

    api: Annotated[_Name, _says("id of the REST API (output ApiId), for operators")]
    plan: Annotated[_Name, _says("id of the stage's usage plan (output UsagePlan), for operators")]
    api_stage: Annotated[_Name, _says("stage of the REST API")] = "live"


class AwsTimeouts(_Section, frozen=True):
    """How long AWS may take: to connect, to go on answering, for a call with its repeats."""

    connect_s: Annotated[_Seconds, _says("seconds to connect to AWS")] = 1.0
    read_s: Annotated[_Seconds, _says("seconds until the next bytes of an answer")] = 10.0
    call_s: Annotated[_Seconds, _says("seconds of a call after which it is not repeated")] = 20.0


class Limits(_Section, frozen=True):
    """Bounds on what one process keeps."""

    keys_max: Annotated[_Count, _says("unwrapped keys that a process holds")] = 1000
    nodes_bytes_max: Annotated[_Count, _says("bytes of tree nodes that it holds")] = 96 * 2**20
    commits_max: Annotated[_Count, _says("commits that it holds")] = 1000


class Settings(_Section, frozen=True):
    """All that a stage decides."""

    stage: Annotated[_Name, _says("`local`, `dev`, `staging` or `prod`")] = "local"
    tables: Tables | None = None
    objects: ObjectSettings | None = None
    landing: LandingSettings | None = None
    workflows: WorkflowSettings | None = None
    events: EventSettings | None = None
    issuer: IssuerSettings | None = None
    usage: UsageSettings | None = None
    aws: AwsTimeouts = AwsTimeouts()
    limits: Limits = Limits()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings in ``environment``; a ``ValueError`` names the one that is wrong.

        It never tells the value, which may be in the wrong place because it is a secret.
        """
        settings: dict[str, Any] = {}
        if file_name := environment.get(_FILE):
            import tomllib  # 10 ms that no function pays.

            with open(file_name, "rb") as file:
                settings = tomllib.load(file)
        for name, value in environment.items():
            if name.startswith(_PREFIX) and name != _FILE:
                _place(settings, name.removeprefix(_PREFIX).lower().split(_NESTED), value)
        # Not strict: the environment writes numbers as text.
        try:
            return msgspec.convert(settings, cls, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(_what_is_wrong(str(error))) from None


class _Closing(Protocol):
    """What holds connections."""

    def close(self) -> None: ...


class AwsVault:
    """Keeps ``ports.Vault`` on AWS; each port is built when it is first used."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.settings = Settings.read(environment)
        self._environment = dict(environment)
        self._clients: list[_Closing] = []
        limits = self.settings.limits
        self.keys: BoundedCache[str, object] = BoundedCache(limits.keys_max)
        self.nodes: NodeCache = BoundedCache(limits.nodes_bytes_max)
        self.commits: BoundedCache[str, Kept] = BoundedCache(limits.commits_max)

    @cached_property
    def catalog(self) -> Catalog:
        tables = _required(self.settings.tables, "TABLES")
        names = {
            Table.CATALOG: tables.catalog,
            Table.STAGING: tables.staging,
            Table.LEDGER: tables.ledger,
        }
        return DynamoCatalog(self._client("dynamodb", "DynamoDB_20120810", "1.0"), names)

    @cached_property
    def objects(self) -> Objects:
        # 15 ms that a function without objects does not pay.
        from datavault.adapters.aws.objects import Bucket, S3Objects

        settings = _required(self.settings.objects, "OBJECTS")
        place = custom_endpoint(self._environment, "s3")
        return S3Objects(
            Bucket(settings.bucket, self._region, place),
            credentials=self._credentials,
            timeouts=self._timeouts,
            ca_file=self._ca_file,
        )

    @cached_property
    def keyring(self) -> Keyring:
        return KmsKeyring(self._client("kms", "TrentService", "1.1"))

    @cached_property
    def tokens(self) -> Tokens:
        # 100 ms that only the authorizer pays.
        from datavault.adapters.oidc.tokens import OidcTokens

        issuer = _required(self.settings.issuer, "ISSUER")
        return OidcTokens(
            issuer.url,
            issuer.audience,
            issuer.jwks_url,
            msgspec.structs.asdict(issuer.claims),
            lifetime_s_max=issuer.lifetime_s_max,
        )

    @cached_property
    def workflows(self) -> Workflows:
        # Only functions that start jobs or look after them need it.
        from datavault.adapters.aws.workflows import StepFunctions

        settings = _required(self.settings.workflows, "WORKFLOWS")
        return StepFunctions(self._client("states", "AWSStepFunctions", "1.0"), settings.prefix)

    @cached_property
    def landing(self) -> Landing:
        from datavault.adapters.aws.landing import S3Landing, client_config

        settings = _required(self.settings.landing, "LANDING")
        config = client_config(custom_endpoint(self._environment, "s3"))
        return S3Landing(self._boto3("s3", Signing.RENEWED, config=config), settings.bucket)

    @cached_property
    def columnar(self) -> "Columnar":
        # pyarrow, which only the layer of those who read Parquet has.
        from datavault.adapters.parquet.columnar import ParquetColumnar

        return ParquetColumnar()

    @cached_property
    def schemas(self) -> "Schemas":
        from datavault.adapters.json_schema.checking import CompiledSchemas  # In few layers.

        return CompiledSchemas()

    @cached_property
    def bus(self) -> Bus:
        # Of the publisher alone, and so are the dead letters.
        from datavault.adapters.aws.bus import EventBridgeBus

        settings = _required(self.settings.events, "EVENTS")
        return EventBridgeBus(self._client("events", "AWSEvents", "1.1"), settings.bus)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        from datavault.adapters.aws.dead_letters import SqsDeadLetters

        settings = _required(self.settings.events, "EVENTS")
        streams = self._client("dynamodb", "DynamoDBStreams_20120810", "1.0", host="streams.")
        queue = self._client("sqs", "AmazonSQS", "1.0")
        return SqsDeadLetters(queue, streams, settings.dead_letters)

    @cached_property
    def event_archive(self) -> EventArchive:
        """For operators; not one of ``ports.Vault``."""
        from datavault.adapters.aws.archive import EventBridgeArchive

        settings = _required(self.settings.events, "EVENTS")
        return EventBridgeArchive(self._client("events", "AWSEvents", "1.1"), settings.bus)

    @cached_property
    def usage_plans(self) -> UsagePlans:
        """For operators; not one of ``ports.Vault``, which services get."""
        from datavault.adapters.aws.usage_plans import GatewayUsagePlans, StageOfApi

        usage = _required(self.settings.usage, "USAGE")
        stage = StageOfApi(self.settings.stage, usage.api, usage.api_stage, usage.plan)
        client = self._boto3("apigateway", Signing.AS_EVERYTHING, place="api_gateway")
        return GatewayUsagePlans(client, stage)

    @cached_property
    def operator(self) -> Operator:
        """Who has these credentials, which AWS is asked once. For operators."""
        from datavault.adapters.aws.identity import operator_of

        return operator_of(self._boto3("sts", Signing.AS_EVERYTHING))

    @cached_property
    def clock(self) -> Clock:
        return SystemClock()

    def close(self) -> None:
        """Close idle connections; what is used afterwards opens new ones."""
        for client in self._clients:
            client.close()

    @cached_property
    def _credentials(self) -> CredentialSource:
        return credential_source(self._environment)

    @cached_property
    def _timeouts(self) -> Timeouts:
        aws = self.settings.aws
        return Timeouts(connect_s=aws.connect_s, read_s=aws.read_s, call_s=aws.call_s)

    @property
    def _region(self) -> str:
        region = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
        return _required(region, "AWS_REGION", prefix="")

    @property
    def _ca_file(self) -> str | None:
        return self._environment.get("AWS_CA_BUNDLE") or None

    def _boto3(self, service: str, signing: Signing, *, place: str = "", config: Any = None) -> Any:  # noqa: ANN401
        """boto3's client of a service, which the environment may call otherwise (``place``)."""
        from datavault.adapters.aws.boto3_clients import boto3_client

        client = boto3_client(
            service,
            region=self._region,
            endpoint=custom_endpoint(self._environment, place or service),
            credentials=self._credentials,
            signing=signing,
            timeouts=self._timeouts,
            ca_file=self._ca_file,
            config=config,
        )
        self._clients.append(client)
        return client

    def _client(
        self, service: str, target: str, json_version: str, *, host: str = ""
    ) -> JsonClient:
        """A client of a service, which may have a ``host`` of its own before its name."""
        client = JsonClient(
            service=service,
            region=self._region,
            endpoint=endpoint(self._environment, service, self._region, host=host),
            target=target,
            json_version=json_version,
            credentials=self._credentials,
            timeouts=self._timeouts,
            ca_file=self._ca_file,
        )
        self._clients.append(client)
        return client


@lru_cache(maxsize=1)
def vault() -> AwsVault:
    """The process's one vault, from its environment."""
    return AwsVault(os.environ)


def _what_is_wrong(said: str) -> str:
    """The same with the setting's name as the environment has it."""
    found = _PLACE.fullmatch(said)
    assert found is not None, "the expression takes anything"
    path = [part for part in (found["path"] or "").split(".") if part]
    if unknown := _UNKNOWN.fullmatch(found["what"]):
        return f"{_PREFIX}{_NESTED.join([*path, unknown['name']]).upper()} is no setting"
    name = f"{_PREFIX}{_NESTED.join(path).upper()}" if path else "settings"
    return f"{name}: {found['what']}"


def _place(settings: dict[str, Any], path: list[str], value: str) -> None:
    *sections, field = path
    for section in sections:
        settings = settings.setdefault(section, {})
        if not isinstance(settings, dict):
            raise ValueError(f"{_PREFIX}{section.upper()} is a value and a section")
    settings[field] = value


def _required[T](value: T | None, name: str, *, prefix: str = _PREFIX) -> T:
    if value is None:
        raise ValueError(f"{prefix}{name} is not set")
    return value
