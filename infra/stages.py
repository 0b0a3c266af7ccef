"""Stages: local, dev, staging and prod differ by these data, never by code.

They are read from ``cdk.json``'s context, ``"stages": {name: {...}}``. Every field must be there
and no other may be: a forgotten setting is an error at synthesis, not a default in production.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from aws_cdk import RemovalPolicy, aws_lambda, aws_logs

from layers.build import Architecture

# P0: nobody can work or data are damaged, now. P1: some cannot work. P2: today or tomorrow.
PRIORITIES = ("p0", "p1", "p2")
DEPLOYMENTS = ("all_at_once", "canary")


class StageError(ValueError):
    """The stage does not exist or its data are not right; the message is one line."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """Requests that the API admits: ``rate`` a second, ``burst`` at once."""

    rate: int
    burst: int


@dataclass(frozen=True, slots=True)
class WorkspaceLimits:
    """Requests admitted of each workspace: ``rate`` a second, ``burst`` at once, ``per_day``."""

    rate: int
    burst: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens the API accepts, unless the deployment's parameters say otherwise.

    ``lifetime_s_max`` is how long a token may have been made to last; no parameter changes it.
    """

    url: str
    audience: str
    jwks_url: str
    lifetime_s_max: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which requests X-Ray traces: ``reservoir`` a second, and ``rate`` of the others."""

    reservoir: int
    rate: float


@dataclass(frozen=True, slots=True)
class Alarms:
    """Who is told of what, and from where on it is too slow or too much.

    ``subscribers`` are e-mail addresses and ``https://`` endpoints by priority. A latency is the
    API's, over all operations. ``concurrency_max`` is the account's limit of running functions.
    """

    subscribers: Mapping[str, tuple[str, ...]]
    latency_p95_ms: int
    latency_p99_ms: int
    concurrency_max: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What a month may cost, in US dollars."""

    monthly_usd: int


@dataclass(frozen=True, slots=True)
class Firewall:
    """A web ACL before the API; ``requests_per_ip`` are those of one address in five minutes."""

    requests_per_ip: int


@dataclass(frozen=True, slots=True)
class Truststore:
    """The certificate authorities whose clients may connect: a PEM bundle in S3, and its version.

    Without the version, a new bundle would be in force only by chance.
    """

    uri: str
    version: str


@dataclass(frozen=True, slots=True)
class HostedZone:
    """The Route 53 zone in which the domain's record is made."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Domain:
    """The API's own name, with a certificate of ACM in the API's region.

    ``security_policy`` is a name of API Gateway's. Mutual TLS, by a ``truststore``, is to be had
    with ``TLS_1_2`` only: API Gateway refuses it with the policies that offer TLS 1.3.
    """

    name: str
    certificate_arn: str
    security_policy: str
    truststore: Truststore | None
    hosted_zone: HostedZone | None


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """Another account's bus to which events are sent: those whose kind begins with one of
    ``kinds``, such as ``records.`` or ``versions.committed``; an empty one is all.
    """

    name: str
    bus_arn: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Who may subscribe to events from other accounts, and to whom they are sent.

    ``accounts``, and all of an ``organization``, may keep rules of their own on the bus.
    """

    accounts: tuple[str, ...]
    organization: str | None
    subscriptions: tuple[EventSubscription, ...]

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Events":
        """From a stage's data."""
        subscriptions = tuple(
            EventSubscription(**{**each, "kinds": tuple(each["kinds"])})
            for each in given["subscriptions"]
        )
        return cls(tuple(given["accounts"]), given["organization"], subscriptions)


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of the vault.

    ``recovery_days`` are how far back tables can be restored, ``archive_days`` how long events can
    be replayed. ``mask_logs`` lets CloudWatch mask what looks like personal data. ``deployment``
    is how callers move to a new version of a function. ``tags`` are on every resource. ``vault``
    are settings passed through to every function, nested as in the vault's own TOML files.
    Without ``sampling``, ``alarms``, ``budget``, ``firewall`` or ``domain`` there is none.
    """

    name: str
    removal: Literal["destroy", "retain"]
    deletion_protection: bool
    recovery_days: int
    archive_days: int
    abort_multipart_days: int
    architecture: Literal["arm64", "x86_64", "host"]
    slim_layers: bool
    snap_start: bool
    tracing: bool
    sampling: Sampling | None
    log_retention_days: int
    mask_logs: bool
    deployment: Literal["all_at_once", "canary"]
    throttle: Throttle
    workspace_limits: WorkspaceLimits
    issuer: Issuer
    alarms: Alarms | None
    budget: Budget | None
    firewall: Firewall | None
    domain: Domain | None
    tags: Mapping[str, str]
    events: Events
    vault: Mapping[str, object]

    @classmethod
    def named(cls, name: str, stages: Mapping[str, Mapping[str, object]]) -> "Stage":
        """The stage of that name.

        Raises:
            StageError: there is none, or its fields are not exactly this class's.
        """
        if name not in stages:
            raise StageError(f"unknown stage {name!r}; known are {', '.join(sorted(stages))}")
        data = stages[name]
        wanted = {field.name for field in fields(cls)} - {"name"}
        if wrong := wanted ^ set(data):
            how = "lacks" if wanted - set(data) else "has unknown"
            raise StageError(f"stage {name} {how} {', '.join(sorted(wrong))}")
        try:
            made = cls(
                name=name,
                **{
                    **data,
                    "throttle": Throttle(**_section(data, "throttle")),
                    "workspace_limits": WorkspaceLimits(**_section(data, "workspace_limits")),
                    "issuer": Issuer(**_section(data, "issuer")),
                    "sampling": _optional(Sampling, data, "sampling"),
                    "alarms": _alarms(data),
                    "budget": _optional(Budget, data, "budget"),
                    "firewall": _optional(Firewall, data, "firewall"),
                    "domain": _domain(data),
                    "events": Events.read(_section(data, "events")),
                },  # type: ignore[arg-type]
            )
        except (KeyError, TypeError) as error:
            raise StageError(f"stage {name}: {error}") from error
        made._require_sense()
        return made

    def _require_sense(self) -> None:
        for wrong, message in (
            (self.deployment not in DEPLOYMENTS, f"deployment is one of {', '.join(DEPLOYMENTS)}"),
            (self.deployment == "canary" and self.alarms is None, "a canary needs alarms"),
            (self.budget is not None and self.alarms is None, "a budget needs alarms' topics"),
            (self.sampling is not None and not self.tracing, "sampling without tracing"),
            (_is_old(self.domain), "a domain takes TLS 1.2 at least"),
            (_is_refused(self.domain), "mutual TLS is to be had with TLS_1_2 only"),
        ):
            if wrong:
                raise StageError(f"stage {self.name}: {message}")

    @property
    def layer_architecture(self) -> Architecture:
        """What layers are built for."""
        return (
            Architecture.host() if self.architecture == "host" else Architecture(self.architecture)
        )

    @property
    def lambda_architecture(self) -> aws_lambda.Architecture:
        """What functions run on."""
        if self.layer_architecture is Architecture.ARM64:
            return aws_lambda.Architecture.ARM_64
        return aws_lambda.Architecture.X86_64

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What becomes of data when its stack is deleted.

        What a failed creation leaves behind goes in either case: it holds nothing yet, and its name
        would be taken when the deployment is tried again.
        """
        if self.removal == "retain":
            return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return RemovalPolicy.DESTROY

    @property
    def log_retention(self) -> aws_logs.RetentionDays:
        """How long logs are kept."""
        return aws_logs.RetentionDays(_RETENTION[self.log_retention_days])


def _section(data: Mapping[str, object], name: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", data[name])


def _optional[Section](
    kind: Callable[..., Section], data: Mapping[str, object], name: str
) -> Section | None:
    return None if data[name] is None else kind(**_section(data, name))


def _alarms(data: Mapping[str, object]) -> Alarms | None:
    if data["alarms"] is None:
        return None
    given = _section(data, "alarms")
    told = given.get("subscribers", {})
    if set(told) != set(PRIORITIES):
        raise TypeError(f"alarms have subscribers of {', '.join(PRIORITIES)}")
    for each in (each for endpoints in told.values() for each in endpoints):
        if "@" not in each and not each.startswith("https://"):
            raise TypeError("a subscriber is an e-mail address or an https:// endpoint")
    subscribers = {priority: tuple(endpoints) for priority, endpoints in told.items()}
    return Alarms(**{**given, "subscribers": subscribers})


def _domain(data: Mapping[str, object]) -> Domain | None:
    if data["domain"] is None:
        return None
    given = _section(data, "domain")
    return Domain(
        **{
            **given,
            "truststore": _optional(Truststore, given, "truststore"),
            "hosted_zone": _optional(HostedZone, given, "hosted_zone"),
        }
    )


def _is_old(domain: Domain | None) -> bool:
    return domain is not None and domain.security_policy == "TLS_1_0"


def _is_refused(domain: Domain | None) -> bool:
    return (
        domain is not None and domain.truststore is not None and domain.security_policy != "TLS_1_2"
    )


# CloudWatch takes some numbers of days only.
_RETENTION = {30: "ONE_MONTH", 90: "THREE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR"}
