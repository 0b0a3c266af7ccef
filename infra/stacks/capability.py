"""A stack for each capability: the functions of its rows, and what starts or feeds its tasks.

A function is five resources, and seven where deployments are watched, so a capability could have
some sixty of them before CloudFormation's limit of 500 is near; a capability is also what one wants
to deploy, watch and roll back as a whole.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from aws_cdk import CfnParameter, Stack
from constructs import Construct

from datavault.contracts.operations import OPERATIONS, TASKS, Task
from infra.alarms import watch_dead_letters, watch_schedule
from infra.function import VaultFunction
from infra.landing import DropRule
from infra.layers import Archives, VaultCode
from infra.names import AUTHORIZER, Names, Row
from infra.rollout import Canary
from infra.schedule import DeadLetters, VaultSchedule
from infra.stages import Stage
from infra.stream import LedgerStream
from infra.workflows import VaultWorkflow, machines

# What an object in the landing starts.
DROPS_MACHINE = "ingest_objects"
ROWS: tuple[Row, ...] = (*OPERATIONS, *TASKS)


def capabilities() -> list[str]:
    """The capabilities that have functions, in the order of the tables."""
    return list(dict.fromkeys(row.capability for row in ROWS))


class CapabilityStack(Stack):
    """The functions of one capability."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: Stage,
        capability: str,
        archives: Archives,
        data_key_arn: str,
        ledger_stream_arn: str,
    ) -> None:
        name = Names(stage.name).stack(capability.capitalize())
        super().__init__(
            scope,
            name,
            stack_name=name,
            description=f"LLM Data Vault {stage.name}: the functions of {capability}",
        )
        code = VaultCode(self, "Code", stage=stage, archives=archives)
        rows = [row for row in ROWS if row.capability == capability]
        scheduled = [row for row in rows if isinstance(row, Task) and row.every_minutes]
        dead_letters = DeadLetters(self, "DeadLetters") if scheduled else None
        if dead_letters is not None and stage.alarms is not None:
            watch_dead_letters(self, stage=stage, queue=dead_letters, of=capability)
        canary = Canary(self, "Canary", stage=stage) if stage.deployment == "canary" else None
        functions: list[VaultFunction] = []
        for row in rows:
            title = "".join(map(str.capitalize, row.name.split("_")))
            function = VaultFunction(
                self,
                title,
                stage=stage,
                row=row,
                code=code,
                data_key_arn=data_key_arn,
                environment=self._issuer(stage) if row.name == AUTHORIZER else None,
                dead_letters=dead_letters if row in scheduled else None,
            )
            functions.append(function)
            if canary is not None:
                canary.move(function, row)
            if isinstance(row, Task) and row in scheduled and dead_letters is not None:
                self._schedule(row, stage, function, dead_letters)
            if isinstance(row, Task) and row.follows_ledger:
                self._follow(row, function, stage, ledger_stream_arn)
        self._run(machines(capability), stage, functions, dead_letters)

    def _schedule(
        self, task: Task, stage: Stage, function: VaultFunction, dead_letters: DeadLetters
    ) -> None:
        """What runs at times."""
        title = "".join(word.capitalize() for word in task.name.split("_"))
        VaultSchedule(
            self,
            f"{title}Schedule",
            stage=stage,
            task=task,
            function=function,
            dead_letters=dead_letters,
        )
        if stage.alarms is not None:
            watch_schedule(self, stage=stage, task=task)

    def _follow(self, task: Task, function: VaultFunction, stage: Stage, stream_arn: str) -> None:
        """Let the ledger's stream feed the task."""
        LedgerStream(
            self, "Ledger", stage=stage, task=task, function=function, stream_arn=stream_arn
        )

    def _run(
        self,
        paths: Iterable[Path],
        stage: Stage,
        functions: Sequence[VaultFunction],
        dead_letters: DeadLetters | None,
    ) -> None:
        """The capability's state machines."""
        for path in paths:
            title = "".join(map(str.capitalize, path.name.partition(".")[0].split("_")))
            machine = VaultWorkflow(self, title, stage=stage, path=path)
            # Its functions are named, not referred to.
            machine.node.add_dependency(*functions)
            if path.name == f"{DROPS_MACHINE}.asl.json" and dead_letters is not None:
                DropRule(
                    self, "Drops", stage=stage, machine=DROPS_MACHINE, dead_letters=dead_letters
                ).node.add_dependency(machine)

    def _issuer(self, stage: Stage) -> dict[str, str]:
        """Whose tokens hold: parameters, because a deployment may bring its own issuer."""
        url, audience, jwks_url = (
            CfnParameter(
                self,
                name,
                default=default,
                description=description,
                min_length=1,
                # All three and the lifetime stand in a version's description: 256 characters.
                max_length=longest,
            )
            for name, default, description, longest in (
                ("IssuerUrl", stage.issuer.url, "The iss claim of accepted tokens", 90),
                ("IssuerAudience", stage.issuer.audience, "The aud claim of accepted tokens", 60),
                ("IssuerJwksUrl", stage.issuer.jwks_url, "Where the issuer's public keys are", 96),
            )
        )
        return {
            "VAULT_ISSUER__URL": url.value_as_string,
            "VAULT_ISSUER__AUDIENCE": audience.value_as_string,
            "VAULT_ISSUER__JWKS_URL": jwks_url.value_as_string,
            "VAULT_ISSUER__LIFETIME_S_MAX": str(stage.issuer.lifetime_s_max),
        }
