"""Stages: local, dev, staging and prod differ by these data, never by code.

They are read from ``cdk.json``'s context, ``"stages": {name: {...}}``. Every field must be there
and no other may be: a forgotten setting is an error at synthesis, not a default in production.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from aws_cdk import RemovalPolicy, aws_lambda, aws_logs

from layers.build import Architecture


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
class Stage:
    """One deployment of the vault.

    ``recovery_days`` are how far back tables can be restored, ``archive_days`` how long events can
    be replayed. ``vault`` are settings passed through to every function, nested as in the vault's
    own TOML files.
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
    log_retention_days: int
    throttle: Throttle
    workspace_limits: WorkspaceLimits
    issuer: Issuer
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
            return cls(
                name=name,
                **{
                    **data,
                    "throttle": Throttle(**cast("Mapping[str, int]", data["throttle"])),
                    "workspace_limits": WorkspaceLimits(
                        **cast("Mapping[str, int]", data["workspace_limits"])
                    ),
                    "issuer": Issuer(**cast("Mapping[str, Any]", data["issuer"])),
                },  # type: ignore[arg-type]
            )
        except TypeError as error:
            raise StageError(f"stage {name}: {error}") from error

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


# CloudWatch takes some numbers of days only.
_RETENTION = {30: "ONE_MONTH", 90: "THREE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR"}
